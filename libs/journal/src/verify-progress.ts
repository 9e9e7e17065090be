import type pg from 'pg';
import type { Difference } from './difference.js';
import type { LedgerFold } from './ledger-fold.js';
import { progressSql, readProgressRow, type ProgressRow } from './progress-rows.js';
import { progressText } from './progress-steps.js';

const rowsPerRead = 2_000;

/** How far transactions have come as it is stored against what their events tell. */
export async function verifyProgress(db: pg.ClientBase, fold: LedgerFold): Promise<Difference | null> {
  const missing = new Set(fold.progress.tracked.keys());
  let after: string | null = null;
  do {
    const rows = await readNext(db, fold.ledgerId, after);
    for (const row of rows) {
      missing.delete(row.id);
      const difference = verifyRow(fold, row);
      if (difference) return difference;
    }
    after = rows.at(-1)?.id ?? null;
  } while (after !== null);
  for (const id of missing) return fold.difference(`progress of transaction ${id}`, null, 'a row', 'no row');
  return null;
}

interface Row {
  readonly id: string;
  readonly progress: ProgressRow;
}

async function readNext(db: pg.ClientBase, ledgerId: string, after: string | null): Promise<readonly Row[]> {
  const { rows } = await db.query<Row>({
    text: `SELECT p.transaction_id AS id, ${progressSql('p')} AS progress FROM ledger.transaction_progress p
      WHERE p.ledger_id = $1 AND ($2::uuid IS NULL OR p.transaction_id > $2) ORDER BY p.transaction_id LIMIT $3`,
    values: [ledgerId, after, rowsPerRead],
  });
  return rows;
}

function verifyRow(fold: LedgerFold, { id, progress }: Row): Difference | null {
  const found = readProgressRow(progress);
  const known = fold.progress.tracked.get(id)?.progress ?? null;
  const difference = fold.difference(
    `progress of transaction ${id}`,
    null,
    known ? progressText(known) : 'no row',
    progressText(found),
  );
  return fold.progress.isAfterErasure(id, known, found) ? null : difference;
}
