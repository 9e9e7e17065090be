import { setTimeout as sleep } from 'node:timers/promises';
import { DataSource, type QueryRunner } from 'typeorm';
import { migrations } from './index.js';
import { privilegesSql } from './privileges.js';

export interface MigrateSettings {
  /** The owner of the database: the only role that creates tables. */
  readonly ownerUrl: string;
  /** Login roles that exist. */
  readonly ledgerRole: string;
  readonly dispatcherRole: string;
}

/** Session lock of whoever migrates this database; the number only has to differ from other locks of ours. */
const MIGRATION_LOCK = 7_165_901_331;
const LOCK_WAIT_MINUTES_MAX = 10;
/**
 * For a table that the apps use. While a migration waits for its lock, all who come after it wait behind it: it soon
 * lets them pass, and asks again.
 */
const TABLE_LOCK_WAIT_MS_MAX = 1_000;
const TABLE_LOCK_TRIES_MAX = 60;
const TABLE_LOCK_REST_MS = 1_000;
const LOCK_NOT_AVAILABLE = '55P03';

/**
 * Brings the database to the newest schema, each migration in a transaction of its own, then grants the apps
 * what they may do. Two at once: the second waits for the first and then finds nothing to do, so every process
 * of a deployment may call it. A crash in the middle leaves whole migrations only; the next call goes on.
 *
 * The lock belongs to a session: the owner's URL must not go through a pooler that shares sessions.
 */
export async function migrate(settings: MigrateSettings): Promise<{ applied: string[] }> {
  const dataSource = new DataSource({
    type: 'postgres',
    url: settings.ownerUrl,
    applicationName: 'ledger-migrate',
    schema: 'public',
    migrationsTableName: 'migrations',
    migrations,
    installExtensions: false,
    poolSize: 2,
    connectTimeoutMS: 10_000,
    extra: { options: `-c lock_timeout=${TABLE_LOCK_WAIT_MS_MAX}` },
  });
  await dataSource.initialize();
  try {
    return await underLock(dataSource, async (session) => {
      const before = new Set(await namesOfApplied(session));
      await runMigrations(dataSource);
      await grant(session, settings);
      return { applied: (await namesOfApplied(session)).filter((name) => !before.has(name)) };
    });
  } finally {
    await dataSource.destroy();
  }
}

async function runMigrations(dataSource: DataSource): Promise<void> {
  for (let triesLeft = TABLE_LOCK_TRIES_MAX; ; triesLeft--) {
    try {
      await dataSource.runMigrations({ transaction: 'each' });
      return;
    } catch (error) {
      if ((error as { code?: unknown }).code !== LOCK_NOT_AVAILABLE || triesLeft === 1) throw error;
      await sleep(TABLE_LOCK_REST_MS);
    }
  }
}

async function namesOfApplied(session: QueryRunner): Promise<string[]> {
  const [table] = (await session.query("SELECT to_regclass('public.migrations') AS name")) as [
    { name: string | null },
  ];
  if (table.name === null) return [];
  const rows = (await session.query('SELECT name FROM public.migrations ORDER BY id')) as { name: string }[];
  return rows.map(({ name }) => name);
}

async function underLock<T>(dataSource: DataSource, work: (session: QueryRunner) => Promise<T>): Promise<T> {
  const session = dataSource.createQueryRunner();
  try {
    await session.query(`SET lock_timeout = '${LOCK_WAIT_MINUTES_MAX}min'`);
    await session.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK]);
    const result = await work(session);
    await session.query('SELECT pg_advisory_unlock($1)', [MIGRATION_LOCK]);
    return result;
  } finally {
    // After a failure the lock goes with its connection, which the caller closes.
    await session.release();
  }
}

/** In one transaction, so that an app which runs meanwhile never sees the moment between REVOKE and GRANT. */
async function grant(session: QueryRunner, { ledgerRole, dispatcherRole }: MigrateSettings): Promise<void> {
  await session.startTransaction();
  try {
    await session.query(privilegesSql({ ledgerRole, dispatcherRole }));
    await session.commitTransaction();
  } catch (error) {
    await session.rollbackTransaction();
    throw error;
  }
}
