import type pg from 'pg';

/**
 * Runs the work in one transaction: all of it is committed, or none. A connection on which even the rollback
 * fails is thrown away. Server settings by name hold for this transaction alone, and go out with its BEGIN.
 */
export async function inTransaction<T>(
  pool: pg.Pool,
  work: (db: pg.PoolClient) => Promise<T>,
  settings: Readonly<Record<string, string>> = {},
): Promise<T> {
  const local = Object.entries(settings).map(([name, value]) => `; SET LOCAL ${name} = '${value}'`);
  const db = await pool.connect();
  let broken: Error | undefined;
  try {
    await db.query(`BEGIN ISOLATION LEVEL READ COMMITTED${local.join('')}`);
    const result = await work(db);
    await db.query('COMMIT');
    return result;
  } catch (error) {
    await db.query('ROLLBACK').catch((failure: Error) => (broken = failure));
    throw error;
  } finally {
    db.release(broken);
  }
}
