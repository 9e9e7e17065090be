import type pg from 'pg';
import { outcomesOf, type KeptItem } from './batch-answer.js';
import { decodeEvent } from './event-codec.js';
import { eventColumnsSql, readEventRow, type EventRow } from './recorded-event.js';
import type { CommittedEvent, Outcome } from './write-request.js';

/**
 * An earlier request that had one of the batch's idempotency keys: of a command its events, of a client's batch
 * the outcomes of its items. They are read when they are asked for: an event that a later release wrote can't be,
 * and must fail the command that repeats it, not its batch.
 */
export type EarlierRequest = { readonly requestHash: Buffer } & (
  | { readonly kind: 'command'; readonly readEvents: () => readonly CommittedEvent[] }
  | { readonly kind: 'batch'; readonly readItems: () => readonly Outcome[] }
);

/** Keys of different owners never meet: an idempotency key has no control characters. */
export function requestIdentity(owner: string, key: string): string {
  return `${key}\n${owner}`;
}

/**
 * Earlier requests by their keys: $5 and $6 are their owners and keys, $10 the hash of a batch that would repeat one
 * (else empty). Only to such a batch its answer is given, without the events, which may be anywhere: it is as large
 * as the batch that asks, so that nobody who merely uses its key makes the ledger read it.
 */
export const requestsSql = `
  SELECT json_agg(x) FROM (
    SELECT q.owner, q.key, r.request_hash, r.is_batch, CASE WHEN r.request_hash = q.hash THEN r.answer END AS answer, (
      SELECT json_agg(e) FROM (
        SELECT ${eventColumnsSql('v')} FROM journal.events v
        WHERE v.ledger_id = $1 AND v.position BETWEEN r.first_position AND r.last_position AND NOT r.is_batch
        ORDER BY v.position
      ) e
    ) AS events
    FROM unnest($5::text[], $6::text[], $10::text[]) q(owner, key, hash)
    CROSS JOIN LATERAL (
      SELECT encode(request_hash, 'hex') AS request_hash, first_position, last_position, answer,
        answer IS NOT NULL AS is_batch
      FROM journal.requests
      WHERE ledger_id = $1 AND owner = q.owner AND key = q.key OFFSET 0
    ) r
  ) x`;

export interface RequestRow {
  readonly owner: string;
  readonly key: string;
  readonly request_hash: string;
  readonly is_batch: boolean;
  /** Null for a command, and for whoever does not repeat the batch. */
  readonly answer: readonly KeptItem[] | null;
  readonly events: readonly EventRow[] | null;
}

export async function readEarlierRequests(
  client: pg.ClientBase,
  ledgerId: string,
  rows: readonly RequestRow[],
): Promise<Map<string, EarlierRequest>> {
  const answers = rows.flatMap(({ answer }) => answer ?? []);
  const eventAt = answers.length === 0 ? notGathered : await gatherEvents(client, ledgerId, answers);
  const earlier = new Map<string, EarlierRequest>();
  // Of the rows of one key, that with the answer comes last and counts.
  for (const row of [...rows].sort((a, b) => Number(a.answer !== null) - Number(b.answer !== null))) {
    earlier.set(requestIdentity(row.owner, row.key), earlierRequest(row, eventAt));
  }
  return earlier;
}

function earlierRequest(
  { request_hash, is_batch, answer, events }: RequestRow,
  eventAt: (position: bigint) => CommittedEvent,
): EarlierRequest {
  const requestHash = Buffer.from(request_hash, 'hex');
  if (!is_batch)
    return { kind: 'command', requestHash, readEvents: () => (events ?? []).map(readCommittedEvent) };
  return { kind: 'batch', requestHash, readItems: () => outcomesOf(answer ?? notAsked(), eventAt) };
}

function notAsked(): never {
  throw new Error('the answer to an earlier batch was not gathered, as nobody repeats it');
}

async function gatherEvents(client: pg.ClientBase, ledgerId: string, answers: readonly KeptItem[]) {
  const spans = answers.flatMap((item) => ('refusal' in item ? [] : [item]));
  const { rows } = await client.query<EventRow>({
    name: 'gather-answered-events',
    text: `SELECT e.* FROM unnest($2::bigint[], $3::bigint[]) AS span(first, last) CROSS JOIN LATERAL (
        SELECT ${eventColumnsSql('v')} FROM journal.events v
        WHERE v.ledger_id = $1 AND v.position BETWEEN span.first AND span.last OFFSET 0
      ) e`,
    values: [ledgerId, spans.map(({ first }) => first), spans.map(({ last }) => last)],
  });
  const byPosition = new Map(rows.map((row) => [row.position, row]));
  return (position: bigint): CommittedEvent => {
    const row = byPosition.get(position.toString());
    return row ? readCommittedEvent(row) : notGathered(position);
  };
}

function notGathered(position: bigint): never {
  throw new Error(`the event at position ${position} of an earlier answer is not there`);
}

function readCommittedEvent(row: EventRow): CommittedEvent {
  const recorded = readEventRow(row);
  return {
    position: recorded.position,
    recordedAt: recorded.recordedAt,
    transactionId: recorded.transactionId,
    event: decodeEvent(recorded),
  };
}
