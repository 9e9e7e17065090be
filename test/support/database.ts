import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { PostgresSettings } from '../../tools/embedded-postgres/settings.js';
import { sharedCluster, type TestCluster } from './config.js';
import {
  asSuperuser,
  restartTestCluster,
  serverLog,
  startServer,
  startTestCluster,
  stopServer,
  stopTestCluster,
  TEMPLATE,
  urlOf,
  type StopMode,
} from './test-cluster.js';

export interface TestDatabase {
  readonly name: string;
  /** The owner: migrates, and may do all that triggers let it. */
  readonly ownerUrl: string;
  /** The apps' logins, with the privileges of production. */
  readonly ledgerUrl: string;
  readonly dispatcherUrl: string;
  readonly superuserUrl: string;
  /** Only with `ownCluster`: other test files use the shared one at the same time. */
  restartPostgres(mode: StopMode): Promise<void>;
  stopPostgres(mode: StopMode): Promise<void>;
  startPostgres(): Promise<void>;
  postgresLog(): Promise<string>;
  drop(): Promise<void>;
}

export interface TestDatabaseOptions {
  /** A server for this file alone, which it may stop and crash; takes some two seconds. */
  readonly ownCluster?: boolean;
  /** The programs of that server, where they are to be of another release than all others. */
  readonly postgresBin?: string;
  /** Of that server, in place of the usual ones. */
  readonly settings?: PostgresSettings;
  /** Another database of the shared server, as it is now; whoever is connected to it is cut off. */
  readonly copyOf?: TestDatabase;
  /** Without the tables. */
  readonly isEmpty?: boolean;
}

/** A migrated, empty database, a copy of the template (or a bare one): one per test file, dropped by it at its end. */
export async function createTestDatabase({
  ownCluster = false,
  postgresBin: bin,
  settings = {},
  copyOf,
  isEmpty = false,
}: TestDatabaseOptions = {}): Promise<TestDatabase> {
  const shared = sharedCluster();
  if (shared === undefined) throw new Error('No Postgres: the global setup of the tests has not run.');
  const cluster = ownCluster ? await startTestCluster({ bin, settings }) : shared;
  const name = `test_${randomBytes(6).toString('hex')}`;
  await copyTemplate(cluster, isEmpty ? 'template0' : (copyOf?.name ?? TEMPLATE), name);
  const ours = () => {
    if (!ownCluster) throw new Error('Only a database with a cluster of its own can stop its server.');
    return cluster;
  };
  return {
    name,
    ownerUrl: urlOf(cluster, 'ledger_owner', name),
    ledgerUrl: urlOf(cluster, 'ledger_ledger', name),
    dispatcherUrl: urlOf(cluster, 'ledger_dispatcher', name),
    superuserUrl: urlOf(cluster, 'postgres', name),
    restartPostgres: async (mode) => restartTestCluster(ours(), mode),
    stopPostgres: async (mode) => stopServer(ours(), mode),
    startPostgres: async () => startServer(ours()),
    postgresLog: () => serverLog(cluster),
    drop: () => (ownCluster ? stopTestCluster(cluster) : dropDatabase(cluster, name)),
  };
}

/** Copies of one template wait for each other inside Postgres, for a few seconds; then they are refused. */
async function copyTemplate(cluster: TestCluster, template: string, name: string): Promise<void> {
  await asSuperuser(cluster, async (client) => {
    for (let triesLeft = 20; ; triesLeft--) {
      try {
        await client.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1', [
          template,
        ]);
        await client.query(`CREATE DATABASE ${name} TEMPLATE ${template} OWNER ledger_owner`);
        return;
      } catch (error) {
        const isInUse = (error as { code?: string }).code === '55006';
        if (!isInUse || triesLeft === 0) throw error;
        await sleep(100);
      }
    }
  });
}

function dropDatabase(cluster: TestCluster, name: string): Promise<void> {
  return asSuperuser(cluster, async (client) => {
    await client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
  });
}
