import type pg from 'pg';

type Session = Pick<pg.Pool, 'query'>;

/**
 * Does work and gives what Postgres's statistics say of it. Sessions report what they have read when it suits them, a
 * second later or when they end: all are made to do so before the work, so that nothing earlier is counted, and after.
 * @param observer the superuser's session, which counts
 * @param countSql one row of what was counted
 */
export async function readsReported<Row extends pg.QueryResultRow>(
  observer: Session,
  session: Session,
  work: () => Promise<unknown>,
  countSql: string,
): Promise<Row> {
  await report(session);
  await report(observer);
  await observer.query('SELECT pg_stat_reset()');
  await work();
  await report(session);
  await observer.query('SELECT pg_stat_clear_snapshot()');
  const { rows } = await observer.query<Row>(countSql);
  return rows[0]!;
}

/** It reports once the statement that asks for it has ended: the next one is answered afterwards. */
async function report(session: Session): Promise<void> {
  await session.query('SELECT pg_stat_force_next_flush()');
  await session.query('SELECT 1');
}
