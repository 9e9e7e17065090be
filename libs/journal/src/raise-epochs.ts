import type pg from 'pg';

/** A ledger whose next event will have a new epoch. */
export interface RaisedEpoch {
  readonly ledgerId: string;
  readonly epochBefore: number;
  readonly epoch: number;
  readonly position: bigint;
  /** Null where the ledger has no event. */
  readonly lastRecordedAt: Date | null;
}

/**
 * After a restore: gives all ledgers one new epoch, so that positions which were used before come with another one
 * than before. To be called by the owner, in a transaction.
 *
 * It has to be higher than any that was ever used, and what was restored can't know them all: restored twice from one
 * backup, a count would give the same number twice, and what is recorded after the second restore would be taken for
 * repeats. So it is the seconds since 2026 by the database's clock, or one more than the highest that is known, where
 * that is higher.
 * @param known the highest epoch that anybody else knows
 */
export async function raiseEpochs(db: pg.ClientBase, known: number): Promise<RaisedEpoch[]> {
  await db.query('SELECT FROM journal.heads ORDER BY ledger_id FOR UPDATE');
  const { rows } = await db.query<RaisedRow>(
    `WITH before AS MATERIALIZED (
        SELECT ledger_id, epoch FROM journal.heads
      ), restored AS MATERIALIZED (
        SELECT greatest($1::integer + 1, max(epoch) + 1,
          extract(epoch FROM clock_timestamp() - timestamptz '2026-01-01 00:00:00Z')::integer) AS epoch
        FROM before
      ), raised AS (
        UPDATE journal.heads h SET epoch = r.epoch FROM before b, restored r WHERE h.ledger_id = b.ledger_id
        RETURNING h.ledger_id, b.epoch AS epoch_before, h.epoch, h.position, h.hash, h.recorded_at
      ), audited AS (
        INSERT INTO access.audit_log (ledger_id, actor, action, subject, details)
        SELECT ledger_id, 'operator', 'ledger.restored', 'epoch ' || epoch, json_build_object(
          'epoch', epoch, 'epochBefore', epoch_before, 'position', position::text, 'hash', encode(hash, 'hex'))
        FROM raised
      )
      SELECT ledger_id, epoch_before, epoch, position::text, recorded_at FROM raised ORDER BY ledger_id`,
    [known],
  );
  return rows.map((row) => ({
    ledgerId: row.ledger_id,
    epochBefore: row.epoch_before,
    epoch: row.epoch,
    position: BigInt(row.position),
    lastRecordedAt: row.position === '0' ? null : row.recorded_at,
  }));
}

interface RaisedRow {
  readonly ledger_id: string;
  readonly epoch_before: number;
  readonly epoch: number;
  readonly position: string;
  readonly recorded_at: Date;
}
