import type pg from 'pg';
import { checkPostgres, UnfitDatabase } from '#platform';

/** A schema that this role may not even see answers no. */
const mayReadEventsSql = `SELECT coalesce(bool_or(
    has_schema_privilege(n.oid, 'USAGE') AND has_any_column_privilege(c.oid, 'SELECT')), false) AS may_read_events
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = 'journal' AND c.relname = 'events'`;

/** Refuses to start on a database that could lose a commit or misread text, or with a right to the journal. */
export async function checkDatabase(pool: pg.Pool): Promise<void> {
  await checkPostgres(pool);
  const { rows } = await pool.query<{ may_read_events: boolean }>(mayReadEventsSql);
  if (rows[0]?.may_read_events !== false) {
    throw new UnfitDatabase(
      'this role may read journal.events; the dispatcher must have a role that knows the event stream alone',
    );
  }
}
