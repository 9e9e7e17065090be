import type pg from 'pg';
import { topics, type JournalRecord } from '#contracts';
import { inTransaction } from '#platform';
import type { Subscriber } from './event-stream.js';
import { messageOf } from './journal-message.js';
import { lastHandled } from './last-handled.js';

export interface TurnLimits {
  readonly messagesPerTurnMax: number;
  /** A process that stands still in its turn loses the ledger to others after this time. */
  readonly idleMsMax: number;
}

/** What a turn came to. `elsewhere`: another process has the ledger. `isBehind`: there may be more to read. */
export type StreamTurn =
  | { readonly result: 'unfollowed' | 'elsewhere'; readonly messages: 0; readonly isBehind: false }
  | { readonly result: 'handled'; readonly messages: number; readonly isBehind: boolean };

/** The share of a single ledger in stream.read_v1. */
const bytesPerReadMax = 4_194_304;

/**
 * One turn is one transaction of the subscriber's database: it claims the ledger's offset, has the events after
 * it handled, and moves the offset past them, so that each message has its effect once, whoever works and
 * whenever it is killed.
 */
export async function takeStreamTurn(
  pool: pg.Pool,
  subscriber: Subscriber,
  ledgerId: string,
  limits: TurnLimits,
): Promise<StreamTurn> {
  return await inTransaction(pool, (db) => turn(db, subscriber, ledgerId, limits.messagesPerTurnMax), {
    idle_in_transaction_session_timeout: `${limits.idleMsMax}ms`,
  });
}

async function turn(
  db: pg.ClientBase,
  subscriber: Subscriber,
  ledgerId: string,
  messagesMax: number,
): Promise<StreamTurn> {
  const { isClaimed, records } = await claimAndRead(db, subscriber.name, ledgerId, messagesMax);
  if (!isClaimed) {
    const result = (await isFollowed(db, subscriber.name, ledgerId)) ? 'elsewhere' : 'unfollowed';
    return { result, messages: 0, isBehind: false };
  }
  if (records.length === 0) return { result: 'handled', messages: 0, isBehind: false };
  const messages = await subscriber.handle(db, records.map(messageOf));
  await saveOffset(db, subscriber.name, ledgerId, lastHandled(records, messages));
  const isBehind = messages < records.length || mayBeCut(records, messagesMax);
  return { result: 'handled', messages, isBehind };
}

/** Of `stream.read_v1`; without an id where there is nothing to read. */
export interface EventRow extends pg.QueryResultRow {
  readonly epoch: number;
  readonly position: string;
  readonly id: string | null;
  readonly type: string;
  readonly version: number;
  readonly transaction_id: string | null;
  readonly data_text: string | null;
  readonly recorded_at: string;
  readonly hash: string;
}

async function claimAndRead(db: pg.ClientBase, subscriber: string, ledgerId: string, messagesMax: number) {
  const { rows } = await db.query<EventRow>({
    name: 'stream-claim-and-read',
    text: `WITH claimed AS MATERIALIZED (
        SELECT epoch, position FROM stream.offsets
        WHERE subscriber = $1 AND topic = $2 AND partition = $3 FOR UPDATE SKIP LOCKED
      )
      SELECT r.epoch, r.position::text, r.id, r.type, r.version, r.transaction_id, r.data_text, r.recorded_at, r.hash
      FROM claimed c LEFT JOIN LATERAL stream.read_v1(
        json_build_array(json_build_object('ledgerId', $3::text, 'epoch', c.epoch, 'position', c.position)), $4
      ) r ON true`,
    values: [subscriber, topics.events, ledgerId, messagesMax],
  });
  const records = rows.filter(({ id }) => id !== null).map((row) => recordOf(ledgerId, row));
  return { isClaimed: rows.length > 0, records };
}

export function recordOf(ledgerId: string, row: EventRow): JournalRecord {
  return {
    ledgerId,
    epoch: row.epoch,
    position: row.position,
    id: row.id ?? '',
    type: row.type,
    version: row.version,
    transactionId: row.transaction_id,
    dataText: row.data_text,
    recordedAt: row.recorded_at,
    hash: row.hash,
  };
}

async function isFollowed(db: pg.ClientBase, subscriber: string, ledgerId: string): Promise<boolean> {
  const { rowCount } = await db.query({
    name: 'stream-is-followed',
    text: 'SELECT FROM stream.offsets WHERE subscriber = $1 AND topic = $2 AND partition = $3',
    values: [subscriber, topics.events, ledgerId],
  });
  return rowCount !== 0;
}

async function saveOffset(
  db: pg.ClientBase,
  subscriber: string,
  ledgerId: string,
  { epoch, position }: JournalRecord,
): Promise<void> {
  const { rowCount } = await db.query({
    name: 'stream-save-offset',
    text: `UPDATE stream.offsets SET epoch = $4, position = $5
      WHERE subscriber = $1 AND topic = $2 AND partition = $3 AND (epoch, position) < ($4::integer, $5::bigint)`,
    values: [subscriber, topics.events, ledgerId, epoch, position],
  });
  // The row is locked: this can only be where the handler has moved it, or ended the transaction that holds it.
  if (rowCount !== 1)
    throw new Error(`the offset of ${subscriber} on ledger ${ledgerId} is not where it was`);
}

/** A read ends at its rows, or when its bytes are passed; a UTF-16 unit is at most three of those. */
function mayBeCut(records: readonly JournalRecord[], messagesMax: number): boolean {
  if (records.length >= messagesMax) return true;
  const units = records.reduce((sum, { dataText }) => sum + (dataText?.length ?? 0), 0);
  return units * 3 >= bytesPerReadMax;
}
