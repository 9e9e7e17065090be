import type pg from 'pg';
import type { JournalRecord } from '#contracts';

/** All that is not published yet, seen at one moment. */
export interface PublishingLag {
  /** Ledgers that have something to publish. */
  readonly lagging: readonly string[];
  readonly events: number;
  /** Since the oldest of these events was recorded; parked ledgers apart. */
  readonly seconds: number;
  readonly parkedLedgers: number;
}

/** What a ledger has after its checkpoint. Null: it has no checkpoint yet. */
export interface UnpublishedEvents {
  readonly ledgerId: string;
  readonly after: bigint | null;
  readonly records: readonly JournalRecord[];
}

/** A checkpoint as it was read, and what it is to be. */
export interface CheckpointMove {
  readonly ledgerId: string;
  readonly from: bigint;
  /** Null where nothing was published: the ledger is only parked. */
  readonly to: { readonly epoch: number; readonly position: bigint } | null;
  readonly parkedReason: string | null;
}

const laggingMax = 1_000;

/*
 * The publisher works on many ledgers at once: a send, a read and a save for each of them would cost more than
 * what they carry. This file alone holds its statements across ledgers.
 */

export async function scanLag(pool: pg.Pool): Promise<PublishingLag> {
  const { rows } = await pool.query<LagRow>({
    name: 'scan-publishing-lag',
    text: `WITH lagging AS MATERIALIZED (
        SELECT h.ledger_id, coalesce(c.position, 0) AS reached, c.parked_reason IS NOT NULL AS is_parked,
          sum(h.position - coalesce(c.position, 0)) OVER ()::text AS events,
          count(c.parked_reason) OVER ()::text AS parked_ledgers
        FROM journal.heads h LEFT JOIN publishing.checkpoints c ON c.ledger_id = h.ledger_id
        WHERE h.position > coalesce(c.position, 0)
        ORDER BY is_parked LIMIT ${laggingMax}
      )
      SELECT l.ledger_id, l.is_parked, l.events, l.parked_ledgers,
        extract(epoch FROM clock_timestamp() - e.recorded_at)::float8 AS seconds
      FROM lagging l LEFT JOIN LATERAL (
        SELECT v.recorded_at FROM journal.events v
        WHERE v.ledger_id = l.ledger_id AND v.position = l.reached + 1 AND NOT l.is_parked OFFSET 0
      ) e ON true`,
  });
  const [first] = rows;
  return {
    lagging: rows.filter((row) => !row.is_parked).map((row) => row.ledger_id),
    events: Number(first?.events ?? 0),
    seconds: rows.reduce((max, { seconds }) => Math.max(max, seconds ?? 0), 0),
    parkedLedgers: Number(first?.parked_ledgers ?? 0),
  };
}

/** At most so many events of each ledger, in order, from its checkpoint on; none of one that is parked. */
export async function readUnpublished(
  pool: pg.Pool,
  ledgerIds: readonly string[],
  eventsPerLedgerMax: number,
): Promise<UnpublishedEvents[]> {
  const { rows } = await pool.query<UnpublishedRow>({
    name: 'read-unpublished',
    text: `SELECT w.ledger_id, c.position::text AS after, e.*
      FROM unnest($1::uuid[]) WITH ORDINALITY AS w(ledger_id, n)
      LEFT JOIN LATERAL (
        SELECT p.position, p.parked_reason FROM publishing.checkpoints p
        WHERE p.ledger_id = w.ledger_id OFFSET 0
      ) c ON true
      LEFT JOIN LATERAL (
        SELECT v.epoch, v.position::text, v.id, v.type, v.version, v.transaction_id, v.data::text AS data_text,
          to_char(v.recorded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS recorded_at,
          encode(v.hash, 'hex') AS hash
        FROM journal.events v
        WHERE v.ledger_id = w.ledger_id AND v.position > c.position AND c.parked_reason IS NULL
        ORDER BY v.position LIMIT $2
      ) e ON true
      ORDER BY w.n, e.position::bigint`,
    values: [ledgerIds, eventsPerLedgerMax],
  });
  const byLedger = new Map<string, { after: bigint | null; records: JournalRecord[] }>();
  for (const row of rows) {
    let found = byLedger.get(row.ledger_id);
    if (!found) {
      found = { after: row.after === null ? null : BigInt(row.after), records: [] };
      byLedger.set(row.ledger_id, found);
    }
    if (row.position !== null) found.records.push(recordOf(row as RecordRow));
  }
  return [...byLedger].map(([ledgerId, found]) => ({ ledgerId, ...found }));
}

/** Where publishing of these ledgers begins: before their first event. */
export async function createCheckpoints(pool: pg.Pool, ledgerIds: readonly string[]): Promise<void> {
  await pool.query({
    name: 'create-publishing-checkpoints',
    text: `INSERT INTO publishing.checkpoints (ledger_id, epoch, position)
      SELECT h.ledger_id, 1, 0 FROM journal.heads h WHERE h.ledger_id = ANY($1::uuid[])
      ON CONFLICT DO NOTHING`,
    values: [ledgerIds],
  });
}

/**
 * Saves what has been acknowledged. A checkpoint that is no longer where it was read from stays, and all of them
 * do when another term has begun: the share lock keeps a new one from beginning while this is written.
 * @returns the ledgers whose checkpoints were moved
 */
export async function saveCheckpoints(
  pool: pg.Pool,
  term: bigint,
  moves: readonly CheckpointMove[],
): Promise<ReadonlySet<string>> {
  const { rows } = await pool.query<{ ledger_id: string }>({
    name: 'save-publishing-checkpoints',
    text: `WITH leader AS (
        SELECT l.term FROM publishing.leadership l WHERE l.term = $1 FOR SHARE
      )
      UPDATE publishing.checkpoints c
      SET epoch = coalesce(m.epoch, c.epoch), position = coalesce(m.position, c.position), parked_reason = m.reason
      FROM leader, unnest($2::uuid[], $3::bigint[], $4::integer[], $5::bigint[], $6::text[])
        AS m(ledger_id, old_position, epoch, position, reason)
      WHERE c.ledger_id = m.ledger_id AND c.position = m.old_position
      RETURNING c.ledger_id`,
    values: [
      term,
      moves.map(({ ledgerId }) => ledgerId),
      moves.map(({ from }) => from),
      moves.map(({ to }) => to?.epoch ?? null),
      moves.map(({ to }) => to?.position ?? null),
      moves.map(({ parkedReason }) => parkedReason),
    ],
  });
  return new Set(rows.map((row) => row.ledger_id));
}

/** Lets parked ledgers try again: a later release may know the event. One that fails again is parked again. */
export async function retryParked(pool: pg.Pool): Promise<void> {
  await pool.query({
    name: 'retry-parked-publishing',
    text: `UPDATE publishing.checkpoints SET parked_reason = NULL WHERE parked_reason IS NOT NULL`,
  });
}

interface LagRow {
  readonly ledger_id: string;
  readonly is_parked: boolean;
  readonly events: string;
  readonly parked_ledgers: string;
  readonly seconds: number | null;
}

interface RecordRow {
  readonly ledger_id: string;
  readonly epoch: number;
  readonly position: string;
  readonly id: string;
  readonly type: string;
  readonly version: number;
  readonly transaction_id: string | null;
  readonly data_text: string | null;
  readonly recorded_at: string;
  readonly hash: string;
}

type UnpublishedRow = { [Column in keyof RecordRow]: RecordRow[Column] | null } & {
  readonly ledger_id: string;
  readonly after: string | null;
};

function recordOf(row: RecordRow): JournalRecord {
  return {
    ledgerId: row.ledger_id,
    epoch: row.epoch,
    position: row.position,
    id: row.id,
    type: row.type,
    version: row.version,
    transactionId: row.transaction_id,
    dataText: row.data_text,
    recordedAt: row.recorded_at,
    hash: row.hash,
  };
}
