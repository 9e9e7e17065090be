import type pg from 'pg';
import { checkPostgres, UnfitDatabase } from '#platform';

const mayChangeEventsSql = `SELECT
  has_table_privilege('journal.events', 'UPDATE')
    OR has_any_column_privilege('journal.events', 'UPDATE')
    OR has_table_privilege('journal.events', 'DELETE')
    OR has_table_privilege('journal.events', 'TRUNCATE') AS may_change_events`;

/** Refuses to start on a database that could lose a commit, misread text or let this app rewrite the journal. */
export async function checkDatabase(pool: pg.Pool): Promise<void> {
  await checkPostgres(pool);
  const { rows } = await pool.query<{ may_change_events: boolean }>(mayChangeEventsSql);
  if (rows[0]?.may_change_events !== false) {
    throw new UnfitDatabase(
      'this role may change journal.events; the app must have a role that can only add to it',
    );
  }
}
