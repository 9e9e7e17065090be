import type pg from 'pg';

/** Every ledger that has a journal or an account; a scan over ledgers, for verify. */
export async function listLedgers(db: pg.ClientBase): Promise<readonly string[]> {
  const { rows } = await db.query<{ ledger_id: string }>(
    `SELECT ledger_id FROM journal.heads UNION SELECT ledger_id FROM ledger.accounts
      UNION SELECT DISTINCT ledger_id FROM journal.events ORDER BY 1`,
  );
  return rows.map((row) => row.ledger_id);
}
