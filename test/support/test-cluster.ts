import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { migrate } from '../../migrations/migrate.js';
import { binariesIn, packagedBinaries } from '../../tools/embedded-postgres/binaries.js';
import { initialiseOnce, writeSettings, type Cluster } from '../../tools/embedded-postgres/cluster.js';
import { postgresOsUser, refuseUnreachable } from '../../tools/embedded-postgres/os-user.js';
import { runCommand } from '../../tools/embedded-postgres/run-command.js';
import { findFreePort } from '../../tools/start/free-port.js';
import { ledgerSettings, type PostgresSettings } from '../../tools/embedded-postgres/settings.js';
import { createLoginRole } from '../../tools/migrate/roles.js';
import { postgresBinDirectory, type TestCluster, type TestRole } from './config.js';

export type StopMode = 'fast' | 'immediate';

export const TEMPLATE = 'template_ledger';

const PREFIX = 'ledger-test-postgres-';
const STARTS_MAX = 5;

/**
 * A cluster in the system's temporary directory, as durable as the product's, with the roles and a migrated
 * template database. What killed runs have left behind is removed first.
 */
export async function startTestCluster({
  bin = postgresBinDirectory(),
  settings = {},
}: {
  readonly bin?: string | undefined;
  readonly settings?: PostgresSettings;
} = {}): Promise<TestCluster> {
  const binaries = bin === undefined ? await packagedBinaries() : await binariesIn(bin);
  const osUser = await postgresOsUser();
  await removeAbandoned(binaries.pg_ctl, osUser);
  const home = await mkdtemp(join(tmpdir(), PREFIX));
  await chmod(home, 0o711);
  await writeFile(join(home, 'pid'), String(process.pid));
  await refuseUnreachable(osUser, { directories: [home], executables: [binaries.initdb, binaries.postgres] });

  const cluster: Cluster = { directory: join(home, 'data'), binaries, osUser };
  const passwords = newPasswords();
  await initialiseOnce(cluster, passwords.postgres);
  await writeSettings(cluster, {
    ...ledgerSettings,
    shared_buffers: '128MB',
    max_wal_size: '1GB',
    ...settings,
  });
  const started = { ...cluster, passwords, port: await startOnFreePort(cluster) };
  await makeTemplate(started);
  return started;
}

export async function stopTestCluster(cluster: TestCluster): Promise<void> {
  await pgCtl(cluster, 'stop', '-m', 'immediate', '-w');
  await rm(join(cluster.directory, '..'), { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
}

/** `immediate` is a crash: the server comes back by replaying its log. */
export async function restartTestCluster(cluster: TestCluster, mode: StopMode): Promise<void> {
  const { code, output } = await pgCtl(
    cluster,
    'restart',
    '-m',
    mode,
    '-w',
    '-t',
    '60',
    ...logOptions(cluster),
  );
  if (code !== 0) throw new Error(`Postgres could not be restarted: ${output}`);
}

/** Until `startServer`; the port and the data stay. */
export async function stopServer(cluster: TestCluster, mode: StopMode): Promise<void> {
  const { code, output } = await pgCtl(cluster, 'stop', '-m', mode, '-w', '-t', '60');
  if (code !== 0) throw new Error(`Postgres could not be stopped: ${output}`);
}

export async function startServer(cluster: TestCluster): Promise<void> {
  const { code, output } = await startOn(cluster, cluster.port);
  if (code !== 0) throw new Error(`Postgres could not be started again: ${output}`);
}

/** What the server has logged, the newest last. */
export async function serverLog(cluster: Cluster): Promise<string> {
  return await readFile(logPath(cluster), 'utf8').catch(() => '');
}

export function urlOf({ port, passwords }: TestCluster, role: TestRole, database: string): string {
  return `postgres://${role}:${passwords[role]}@127.0.0.1:${port}/${database}`;
}

/** One session as the superuser. */
export async function asSuperuser<T>(
  cluster: TestCluster,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = new pg.Client({ connectionString: urlOf(cluster, 'postgres', 'postgres') });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

async function makeTemplate(cluster: TestCluster): Promise<void> {
  await asSuperuser(cluster, async (client) => {
    for (const role of ['ledger_owner', 'ledger_ledger', 'ledger_dispatcher'] as const) {
      await createLoginRole(client, role, cluster.passwords[role]);
    }
    await client.query(`CREATE DATABASE ${TEMPLATE} OWNER ledger_owner`);
    await migrate({
      ownerUrl: urlOf(cluster, 'ledger_owner', TEMPLATE),
      ledgerRole: 'ledger_ledger',
      dispatcherRole: 'ledger_dispatcher',
    });
    // A template can only be copied while nobody is connected to it.
    await client.query(`ALTER DATABASE ${TEMPLATE} IS_TEMPLATE true ALLOW_CONNECTIONS false`);
  });
}

async function startOnFreePort(cluster: Cluster): Promise<number> {
  let output = '';
  for (let tries = 0; tries < STARTS_MAX; tries++) {
    const port = await findFreePort();
    const started = await startOn(cluster, port);
    if (started.code === 0) return port;
    output = started.output;
  }
  const log = await serverLog(cluster);
  throw new Error(`The tests' Postgres could not be started: ${output}\n${log.slice(-2000)}`);
}

function startOn(cluster: Cluster, port: number) {
  return pgCtl(cluster, 'start', '-w', '-t', '60', '-o', `-p ${port}`, ...logOptions(cluster));
}

function pgCtl({ binaries, directory, osUser }: Cluster, command: string, ...options: string[]) {
  return runCommand(binaries.pg_ctl, [command, '-D', directory, ...options], {
    user: osUser,
    timeoutMs: 90_000,
  });
}

function logPath(cluster: Cluster): string {
  return join(cluster.directory, 'server.log');
}

function logOptions(cluster: Cluster): string[] {
  return ['-l', logPath(cluster)];
}

function newPasswords(): Record<TestRole, string> {
  const password = (): string => randomBytes(12).toString('hex');
  return {
    postgres: password(),
    ledger_owner: password(),
    ledger_ledger: password(),
    ledger_dispatcher: password(),
  };
}

/** A run that was killed could not stop its server; its directory names the process that is gone. */
async function removeAbandoned(pg_ctl: string, user: Cluster['osUser']): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    if (!name.startsWith(PREFIX)) continue;
    const home = join(tmpdir(), name);
    const pid = Number(await readFile(join(home, 'pid'), 'utf8').catch(() => ''));
    if (!(pid > 0) || isAlive(pid)) continue;
    await runCommand(pg_ctl, ['stop', '-D', join(home, 'data'), '-m', 'immediate', '-w'], { user });
    await rm(home, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
