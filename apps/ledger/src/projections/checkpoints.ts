import type pg from 'pg';

export interface Checkpoint {
  readonly position: bigint;
  readonly parkedReason: string | null;
}

const unknownEventEnding = 'is not known to this release';

export function unknownEventReason(event: string): string {
  return `${event} ${unknownEventEnding}`;
}

/**
 * Whether what parked the ledger is an event that a release didn't know. Another release may know it, and processes of
 * both run side by side during an upgrade: whoever knows it goes on.
 */
export function isForUnknownEvent(parkedReason: string | null): boolean {
  return parkedReason?.endsWith(unknownEventEnding) ?? false;
}

/** As `isForUnknownEvent`, of a checkpoint under this alias. */
export function isForUnknownEventSql(alias: string): string {
  return `coalesce(${alias}.parked_reason LIKE '%${unknownEventEnding}', false)`;
}

type Queryable = Pick<pg.ClientBase, 'query'>;

/** Takes a ledger's checkpoint for this transaction. Null: another process has it, or there is none yet. */
export async function claimCheckpoint(
  db: Queryable,
  ledgerId: string,
  projection: string,
): Promise<Checkpoint | null> {
  const { rows } = await db.query<{ position: string; parked_reason: string | null }>({
    name: 'claim-checkpoint',
    text: `SELECT position::text, parked_reason FROM projections.checkpoints
      WHERE ledger_id = $1 AND projection = $2 FOR UPDATE SKIP LOCKED`,
    values: [ledgerId, projection],
  });
  const [row] = rows;
  return row ? { position: BigInt(row.position), parkedReason: row.parked_reason } : null;
}

export async function createCheckpoint(db: Queryable, ledgerId: string, projection: string): Promise<void> {
  await db.query({
    name: 'create-checkpoint',
    text: `INSERT INTO projections.checkpoints (projection, ledger_id, position)
      SELECT $2, ledger_id, 0 FROM journal.heads WHERE ledger_id = $1
      ON CONFLICT DO NOTHING`,
    values: [ledgerId, projection],
  });
}

export async function saveCheckpoint(
  db: Queryable,
  ledgerId: string,
  projection: string,
  checkpoint: Checkpoint,
): Promise<void> {
  await db.query({
    name: 'save-checkpoint',
    text: `UPDATE projections.checkpoints SET position = $3, parked_reason = $4
      WHERE ledger_id = $1 AND projection = $2`,
    values: [ledgerId, projection, checkpoint.position, checkpoint.parkedReason],
  });
}

/** How far the journal and the projection are, seen at one moment. */
export interface Progress {
  readonly head: bigint;
  readonly reached: bigint;
  readonly parkedReason: string | null;
}

export async function readProgress(db: Queryable, ledgerId: string, projection: string): Promise<Progress> {
  const { rows } = await db.query<{ head: string; reached: string; parked_reason: string | null }>({
    name: 'read-progress',
    text: `SELECT h.position::text AS head, coalesce(c.position, 0)::text AS reached, c.parked_reason
      FROM journal.heads h
      LEFT JOIN projections.checkpoints c ON c.ledger_id = h.ledger_id AND c.projection = $2
      WHERE h.ledger_id = $1`,
    values: [ledgerId, projection],
  });
  const [row] = rows;
  if (!row) return { head: 0n, reached: 0n, parkedReason: null };
  return { head: BigInt(row.head), reached: BigInt(row.reached), parkedReason: row.parked_reason };
}
