import type pg from 'pg';
import type { Account } from '#domain';
import type { PageRows, StatementValues } from '#platform';
import { accountColumnsSql, readAccountRow, type AccountRow } from './account-row.js';

export type ListedAccounts = PageRows<{ readonly account: Account; readonly openedPosition: bigint }>;

/**
 * The accounts whose opening positions a query gives as `key`, in the statement that reads the head: what they
 * show is as of that position.
 */
export async function readListedAccounts(
  db: pg.Pool,
  keysSql: string,
  { values }: StatementValues,
): Promise<Omit<ListedAccounts, 'end'>> {
  const { rows } = await db.query<{ head: string } & ((AccountRow & { key: string }) | { key: null })>(
    `SELECT h.position::text AS head, k.key::text, l.*
    FROM journal.heads h
    LEFT JOIN LATERAL (${keysSql}) k ON true
    LEFT JOIN LATERAL (
      SELECT ${accountColumnsSql('a')} FROM ledger.accounts a
      WHERE a.ledger_id = $1 AND a.system IS NULL AND a.opened_position = k.key
    ) l ON true
    WHERE h.ledger_id = $1
    ORDER BY k.key DESC`,
    values,
  );
  const listed = rows.filter((row): row is { head: string; key: string } & AccountRow => row.key !== null);
  return {
    items: listed.map((row) => ({ account: readAccountRow(row), openedPosition: BigInt(row.key) })),
    position: BigInt(rows[0]?.head ?? '0'),
  };
}
