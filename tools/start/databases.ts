import { chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { migrate } from '../../migrations/migrate.js';
import { archivingSettings, backupDirectoryOf } from '../backup/archiving.js';
import { embeddedBinaries } from '../embedded-postgres/binaries.js';
import { initialiseOnce, writeSettings, type Cluster } from '../embedded-postgres/cluster.js';
import { LogFile } from '../embedded-postgres/log-file.js';
import { stopOrphan } from '../embedded-postgres/orphan.js';
import { postgresOsUser, refuseUnreachable } from '../embedded-postgres/os-user.js';
import { startServer, type PostgresServer, type ServerOptions } from '../embedded-postgres/server.js';
import { ledgerSettings, type PostgresSettings } from '../embedded-postgres/settings.js';
import { withUser } from '../migrate/postgres-url.js';
import { connectAsOwner, createLoginRole, givenLogin, ownLogin, roleExists } from '../migrate/roles.js';
import type { ExternalPostgres } from './config.js';
import { CannotStart, messageOf } from './cannot-start.js';
import type { Secrets } from './secrets.js';

/** One URL per app, each with a login of its own. */
export interface AppDatabases {
  readonly ledgerUrl: string;
  readonly dispatcherUrl: string;
}

const DATABASE = 'ledger';
const OWNER = 'ledger_owner';

/** Makes the data directory, and says by name when it can't. Only a directory made here gets its mode from us. */
export async function makeDataDirectory(directory: string): Promise<void> {
  try {
    const made = await mkdir(directory, { recursive: true });
    // Under root Postgres, as another user, passes through it; what is secret inside has modes of its own.
    if (made !== undefined) await chmod(directory, process.getuid?.() === 0 ? 0o711 : 0o700);
  } catch (error) {
    throw new CannotStart(`DATA_DIR ${directory} can't be made: ${messageOf(error)}.`);
  }
}

/** Makes and starts the embedded Postgres, with the database and its owner; the caller stops what it returns. */
export async function startEmbeddedPostgres(
  dataDirectory: string,
  secrets: Secrets,
  signal: AbortSignal,
  options: EmbeddedOptions = {},
): Promise<{ server: PostgresServer; ownerUrl: string }> {
  const binaries = await embeddedBinaries();
  const osUser = await postgresOsUser();
  const executables = [binaries.initdb, binaries.pg_ctl, binaries.postgres];
  await refuseUnreachable(osUser, { directories: [dataDirectory], executables });
  const cluster: Cluster = { directory: join(dataDirectory, 'postgres'), binaries, osUser };
  const superuserPassword = await secrets.password('postgres-password');
  await initialiseOnce(cluster, superuserPassword, signal);
  await stopOrphan(cluster);
  const { settings = await settingsOf(dataDirectory), ...limits } = options;
  await writeSettings(cluster, settings);
  const log = new LogFile(join(dataDirectory, 'postgres.log'));
  const server = await startServer(cluster, { superuserPassword, log, signal, ...limits });
  try {
    return { server, ownerUrl: await ensureOwner(server, await secrets.password('owner-password')) };
  } catch (error) {
    await server.stop(AbortSignal.timeout(20_000));
    throw error;
  }
}

export interface EmbeddedOptions extends Pick<ServerOptions, 'exitsBeforeReadyMax' | 'readySecondsMax'> {
  /** In place of the usual ones. */
  readonly settings?: PostgresSettings;
}

/** With the archiving that the first backup has begun. */
export async function settingsOf(dataDirectory: string): Promise<PostgresSettings> {
  const directory = await backupDirectoryOf(dataDirectory);
  return directory === undefined ? ledgerSettings : { ...ledgerSettings, ...archivingSettings(directory) };
}

/** The superuser's only work: a database whose owner is nobody special, and the apps' roles, which the owner can't make. */
async function ensureOwner(server: PostgresServer, ownerPassword: string): Promise<string> {
  const superuser = new pg.Client({ connectionString: server.superuserUrl });
  await superuser.connect();
  try {
    if (!(await roleExists(superuser, OWNER))) await createLoginRole(superuser, OWNER, ownerPassword);
    const { rowCount } = await superuser.query('SELECT FROM pg_database WHERE datname = $1', [DATABASE]);
    if (rowCount === 0) await superuser.query(`CREATE DATABASE ${DATABASE} OWNER ${OWNER}`);
  } finally {
    await superuser.end();
  }
  const url = new URL(withUser(server.superuserUrl, OWNER, ownerPassword));
  url.pathname = `/${DATABASE}`;
  return url.href;
}

/** Makes the apps' logins and migrates. `roleMakerUrl` is who may make roles: the superuser when it is ours. */
export async function prepareDatabase(
  postgres: ExternalPostgres,
  roleMakerUrl: string,
  secrets: Secrets,
): Promise<AppDatabases & { readonly applied: readonly string[] }> {
  const { ownerUrl } = postgres;
  const maker = await connectAsOwner(roleMakerUrl);
  const login = async (app: 'ledger' | 'dispatcher', url: string | undefined) =>
    url === undefined
      ? await ownLogin(maker, ownerUrl, app, await secrets.password(`${app}-password`))
      : await givenLogin(maker, `${app.toUpperCase()}_DATABASE_URL`, url);
  try {
    const ledger = await login('ledger', postgres.ledgerUrl);
    const dispatcher = await login('dispatcher', postgres.dispatcherUrl);
    const { applied } = await migrate({ ownerUrl, ledgerRole: ledger.role, dispatcherRole: dispatcher.role });
    return { ledgerUrl: ledger.url, dispatcherUrl: dispatcher.url, applied };
  } finally {
    await maker.end();
  }
}
