import { appendFile, chown, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { CannotStart } from '../start/cannot-start.js';
import type { PostgresBinaries } from './binaries.js';
import { syncDirectory } from './durable-file.js';
import type { OsUser } from './run-command.js';
import { runCommand } from './run-command.js';
import { configFile, type PostgresSettings } from './settings.js';

/** Where a cluster's files are, and with which programs and as whom it runs. */
export interface Cluster {
  readonly directory: string;
  readonly binaries: PostgresBinaries;
  readonly osUser: OsUser | undefined;
}

const SETTINGS_FILE = 'ledger.conf';

/**
 * Makes the cluster's files where there are none yet. They are made under another name and then renamed, so a
 * cluster that has its name is whole, whenever the process was killed.
 */
export async function initialiseOnce(
  cluster: Cluster,
  superuserPassword: string,
  signal?: AbortSignal,
): Promise<void> {
  await removeUnfinished(cluster.directory);
  if (await isInitialised(cluster)) return await takeOwnership(cluster);
  const temporary = await mkdtemp(`${cluster.directory}.init-`);
  try {
    const data = join(temporary, 'data');
    const passwordFile = join(temporary, 'password');
    await writeFile(passwordFile, `${superuserPassword}\n`, { mode: 0o600 });
    await giveTo(cluster.osUser, temporary, passwordFile);
    await initdb(cluster, data, passwordFile, signal);
    await appendFile(join(data, 'postgresql.conf'), `\ninclude_if_exists = '${SETTINGS_FILE}'\n`);
    await rename(data, cluster.directory);
    await syncDirectory(dirname(cluster.directory));
  } finally {
    await removeWhole(temporary);
  }
}

export async function writeSettings(cluster: Cluster, settings: PostgresSettings): Promise<void> {
  const path = join(cluster.directory, SETTINGS_FILE);
  await writeFile(path, configFile(settings), { mode: 0o600 });
  await giveTo(cluster.osUser, path);
}

async function isInitialised({ directory, binaries }: Cluster): Promise<boolean> {
  const version = await readFile(join(directory, 'PG_VERSION'), 'utf8').catch(absent);
  if (version === undefined) {
    const files = (await readdir(directory).catch(absent)) ?? [];
    if (files.length === 0) return false;
    throw new CannotStart(
      `${directory} holds files but no Postgres cluster: move them, or set another DATA_DIR.`,
    );
  }
  if (Number(version) === binaries.majorVersion) return true;
  throw new CannotStart(
    `${directory} was made by Postgres ${version.trim()}, and here is Postgres ${binaries.majorVersion}: ` +
      'start the release that made it and move its data by dump and restore.',
  );
}

/** The data may have been made by another user and be started by root now. */
async function takeOwnership({ directory, osUser }: Cluster): Promise<void> {
  if (osUser === undefined || (await stat(directory)).uid === osUser.uid) return;
  await runCommand('chown', ['-R', `${osUser.uid}:${osUser.gid}`, directory]);
}

async function removeUnfinished(directory: string): Promise<void> {
  const parent = dirname(directory);
  for (const name of await readdir(parent)) {
    if (name.startsWith(`${basename(directory)}.init-`)) await removeWhole(join(parent, name));
  }
}

/** The retries are for an initdb that was killed, or has outlived its parent, and still writes. */
function removeWhole(directory: string): Promise<void> {
  return rm(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
}

async function initdb(
  { binaries, osUser }: Cluster,
  data: string,
  passwordFile: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const options = ['-D', data, '--username=postgres', '--auth=scram-sha-256', `--pwfile=${passwordFile}`];
  let result = { code: null as number | null, output: '' };
  for (const locale of locales(binaries.majorVersion)) {
    result = await runCommand(binaries.initdb, [...options, '--encoding=UTF8', ...locale], {
      user: osUser,
      signal,
    });
    if (result.code === 0) return;
  }
  throw new CannotStart(`Postgres could not make its files in ${dirname(data)}: ${result.output.trim()}`);
}

/**
 * Text compares and folds the same on every system by the builtin provider, which Postgres has from 17 on.
 * The system's own C.UTF-8 beside it tells pg_trgm which characters are letters: without it, text in other
 * than ASCII letters is still found, but by reading the whole index; not every system has it.
 */
function locales(majorVersion: number): string[][] {
  if (majorVersion < 17) return [['--locale-provider=libc', '--locale=C.UTF-8']];
  const builtin = ['--locale-provider=builtin', '--builtin-locale=C.UTF-8'];
  return [[...builtin, '--lc-ctype=C.UTF-8'], builtin];
}

async function giveTo(user: OsUser | undefined, ...paths: string[]): Promise<void> {
  if (user !== undefined) for (const path of paths) await chown(path, user.uid, user.gid);
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
  return undefined;
}
