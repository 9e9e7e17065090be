import type pg from 'pg';
import type { Progress } from '#domain';
import { progressSql, readProgressRow, type ProgressRow } from './progress-rows.js';
import { eventColumnsSql, readEventRow, type EventRow, type RecordedEvent } from './recorded-event.js';

export interface ReadTransaction {
  /** The event that made it. */
  readonly first: RecordedEvent;
  /** How far it has come; null where nothing has happened since. Holds have it from the beginning. */
  readonly progress: Progress | null;
  /** Of a capture: how far its hold has come. */
  readonly hold: Progress | null;
}

const transactionSql = `
  SELECT e.*,
    (SELECT ${progressSql('p')} FROM ledger.transaction_progress p
      WHERE p.ledger_id = $1 AND p.transaction_id = e.transaction_id) AS progress,
    (SELECT ${progressSql('p')} FROM ledger.transaction_progress p
      WHERE p.ledger_id = $1 AND p.transaction_id = e.parent_id) AS hold
  FROM (
    SELECT ${eventColumnsSql('v')}, (v.data->>'parentId')::uuid AS parent_id FROM journal.events v
    WHERE v.ledger_id = $1 AND v.transaction_id = $2 ORDER BY v.position LIMIT 1
  ) e`;

/** A transaction as it was made and as far as it has come, read in one statement; null where there is none. */
export async function readTransaction(
  db: Pick<pg.Pool, 'query'>,
  ledgerId: string,
  transactionId: string,
): Promise<ReadTransaction | null> {
  const { rows } = await db.query<
    EventRow & { readonly progress: ProgressRow | null; readonly hold: ProgressRow | null }
  >({ name: 'read-transaction', text: transactionSql, values: [ledgerId, transactionId] });
  const row = rows[0];
  if (!row) return null;
  return {
    first: readEventRow(row),
    progress: row.progress && readProgressRow(row.progress),
    hold: row.hold && readProgressRow(row.hold),
  };
}
