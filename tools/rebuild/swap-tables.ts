import type pg from 'pg';
import { projectionsSchema } from '../../apps/ledger/src/projections/projection.js';
import { rebuildSchema } from './table-copies.js';

/** Somebody else has what is to be locked; nothing was changed. */
export class IsLocked extends Error {}

const list = (schema: string, names: readonly string[]) =>
  names.map((name) => `${schema}.${name}`).join(', ');

/**
 * Keeps vacuum off the tables, which else had to be waited for where no wait is allowed. Reads and writes go on. A
 * wait of more than a second ends a vacuum that runs by itself.
 */
export async function keepVacuumOff(
  db: pg.ClientBase,
  names: readonly string[],
  waitMs: number,
): Promise<void> {
  const read = list(projectionsSchema, [...names, 'checkpoints']);
  await lock(db, `${read}, ${list(rebuildSchema, names)}`, 'SHARE UPDATE EXCLUSIVE', waitMs);
}

/** Lets the turns that run come to their end, and no other begin. Lists are read as before. */
export async function stopTurns(db: pg.ClientBase, waitMs: number): Promise<void> {
  await lock(db, `${projectionsSchema}.checkpoints`, 'EXCLUSIVE', waitMs);
}

/**
 * Puts the built tables in the place of those that are read, for whoever comes after the commit. Statements that wait
 * for the lock, and plans that were kept, find the new ones by their names. Waits are shorter than the time after which
 * Postgres looks for deadlocks, so that a reader of several tables is never ended for one.
 */
export async function swapTables(db: pg.ClientBase, names: readonly string[], waitMs: number): Promise<void> {
  await lock(db, list(projectionsSchema, names), 'ACCESS EXCLUSIVE', waitMs);
  // In one round trip, as all who read wait for it.
  const moves = names.map((name) => `ALTER TABLE ${rebuildSchema}.${name} SET SCHEMA ${projectionsSchema}`);
  const statements = [
    `DROP TABLE ${list(projectionsSchema, names)}`,
    ...moves,
    `DROP SCHEMA ${rebuildSchema}`,
  ];
  await db.query(statements.join('; '));
}

async function lock(db: pg.ClientBase, tables: string, mode: string, waitMs: number): Promise<void> {
  try {
    await db.query(`SET LOCAL lock_timeout = ${waitMs}; LOCK TABLE ${tables} IN ${mode} MODE`);
  } catch (error) {
    const { code } = error as { code?: string };
    // lock_not_available, deadlock_detected
    if (code === '55P03' || code === '40P01') throw new IsLocked(`${mode} on ${tables}`);
    throw error;
  }
}

/** Who has the tables, to be told to whoever waits for the swap. */
export async function holdersOf(db: pg.ClientBase, names: readonly string[]): Promise<string[]> {
  const { rows } = await db.query<{ holder: string }>({
    text: `SELECT DISTINCT format('%s (process %s, since %s)', coalesce(nullif(a.application_name, ''), a.backend_type),
        a.pid, date_trunc('second', coalesce(a.xact_start, a.query_start))) AS holder
      FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
      WHERE l.granted AND l.relation = ANY ($1::regclass[]) AND l.pid <> pg_backend_pid()
        AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND a.xact_start < now() - interval '1 second'
      ORDER BY 1`,
    values: [[...names, 'checkpoints'].map((name) => `${projectionsSchema}.${name}`)],
  });
  return rows.map(({ holder }) => holder);
}
