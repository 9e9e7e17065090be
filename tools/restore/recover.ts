import { mkdir, readdir, readFile, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import pg from 'pg';
import { archiveIn, DATA_FOLDER, SECRETS_FOLDER } from '../backup/backup-directory.js';
import { copyFile, forEach } from '../backup/copy-file.js';
import type { BaseManifest } from '../backup/manifest.js';
import { lsnOf, startOfWalFile } from '../backup/wal-files.js';
import { embeddedBinaries } from '../embedded-postgres/binaries.js';
import { syncDirectory } from '../embedded-postgres/durable-file.js';
import { stopOrphan } from '../embedded-postgres/orphan.js';
import { postgresOsUser } from '../embedded-postgres/os-user.js';
import type { PostgresServer } from '../embedded-postgres/server.js';
import { ledgerSettings, type PostgresSettings } from '../embedded-postgres/settings.js';
import { CannotStart, messageOf } from '../start/cannot-start.js';
import { lockDataDirectory } from '../start/data-directory-lock.js';
import { makeDataDirectory, startEmbeddedPostgres } from '../start/databases.js';
import { Secrets } from '../start/secrets.js';
import { unpackWal, type CheckedArchive } from './check-backup.js';
import type { FoundBackup } from './choose-backup.js';

/** Where Postgres stops replaying; absent: at the end of the log. */
export type RecoveryTarget = Readonly<Record<'recovery_target_time' | 'recovery_target_xid', string>>;

export interface Recovered {
  readonly server: PostgresServer;
  readonly ownerUrl: string;
}

const replayHoursMax = 24;

/** Refuses a place that holds anything: a restore writes over nothing. */
export async function refuseTaken(dataDirectory: string): Promise<void> {
  const entries = await readdir(dataDirectory).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw new CannotStart(`${dataDirectory} can't be used: ${messageOf(error)}.`);
  });
  if (entries.length === 0) return;
  // Says so where a ledger runs on it.
  await (await lockDataDirectory(dataDirectory)).release();
  throw new CannotStart(`${dataDirectory} is not empty: name a new directory for what is restored.`);
}

/** Beside the place, so that it appears there whole, by its name, or not at all. */
export async function openWorkshop(dataDirectory: string): Promise<string> {
  await mkdir(dirname(dataDirectory), { recursive: true });
  const prefix = `${basename(dataDirectory)}.restoring-`;
  for (const name of await readdir(dirname(dataDirectory))) {
    if (name.startsWith(prefix)) await removeAbandoned(join(dirname(dataDirectory), name));
  }
  const workshop = join(dirname(dataDirectory), `${prefix}${process.pid}`);
  await makeDataDirectory(workshop);
  return workshop;
}

/** What a restore that was killed has left, its server included. */
async function removeAbandoned(workshop: string): Promise<void> {
  await lockDataDirectory(workshop, (pid) => `Another restore to this place is under way (process ${pid}).`);
  const cluster = {
    directory: join(workshop, 'postgres'),
    binaries: await embeddedBinaries(),
    osUser: await postgresOsUser(),
  };
  await stopOrphan(cluster);
  await rm(workshop, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
}

export async function putInPlace(workshop: string, dataDirectory: string): Promise<void> {
  await rmdir(dataDirectory).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw new CannotStart(`${dataDirectory} is not empty any more.`);
  });
  await rename(workshop, dataDirectory);
  await syncDirectory(dirname(dataDirectory));
}

/**
 * Puts a base backup and its log into the workshop, as they were. The cluster's files needn't be on disk yet: before
 * Postgres replays a log it has all of them written out itself.
 */
export async function unpack(
  { folder, manifest }: FoundBackup<BaseManifest>,
  archive: CheckedArchive,
  workshop: string,
  secretsDirectory: string | undefined,
): Promise<void> {
  const place = (path: string) =>
    join(workshop, path.replace(new RegExp(`^${DATA_FOLDER}(?=/|$)`), 'postgres'));
  for (const directory of [...manifest.directories, SECRETS_FOLDER]) {
    await mkdir(place(directory), { recursive: true, mode: 0o700 });
  }
  await forEach(manifest.files, async ({ path, sha256 }) => {
    const isSynced = path.startsWith(`${SECRETS_FOLDER}/`);
    const copied = await copyFile(join(folder, path), place(path), { isSynced });
    if (copied?.sha256 !== sha256) throw new CannotStart(`${join(folder, path)} has changed meanwhile.`);
  });
  if (secretsDirectory !== undefined) await copySecrets(secretsDirectory, join(workshop, SECRETS_FOLDER));
  const log = join(workshop, 'postgres', 'pg_wal');
  for (const name of archive.names) {
    const content = await unpackWal(archiveIn(dirname(folder)), name);
    await writeFile(join(log, name), content, { flag: 'wx', mode: 0o600 });
  }
  await writeFile(join(workshop, 'postgres', 'recovery.signal'), '', { mode: 0o600 });
  await syncDirectory(join(workshop, SECRETS_FOLDER));
}

async function copySecrets(from: string, to: string): Promise<void> {
  const names = await readdir(from).catch((error: unknown) => {
    throw new CannotStart(`--secrets ${from} can't be read: ${messageOf(error)}.`);
  });
  for (const name of names.filter((each) => !each.includes('.'))) {
    await rm(join(to, name), { force: true });
    await copyFile(join(from, name), join(to, name));
  }
  await syncDirectory(to);
}

/**
 * Lets Postgres replay the log up to the target and begin a line of its own there. The files of the log are in place
 * already: asked for one, the archive has none.
 */
export async function recover(workshop: string, target: Partial<RecoveryTarget>): Promise<Recovered> {
  const settings: PostgresSettings = {
    ...ledgerSettings,
    ...target,
    restore_command: 'exit 1',
    recovery_target_timeline: 'current',
    recovery_target_action: 'promote',
    // Nobody is let in before all of it is replayed.
    hot_standby: 'off',
  };
  try {
    const secrets = new Secrets(join(workshop, SECRETS_FOLDER));
    return await startEmbeddedPostgres(workshop, secrets, new AbortController().signal, {
      settings,
      exitsBeforeReadyMax: 1,
      readySecondsMax: replayHoursMax * 3_600,
    });
  } catch (error) {
    if (!(error instanceof CannotStart)) throw error;
    const reason = (await lastFailure(workshop)) ?? error.message;
    throw new CannotStart(`The backup can't be brought to where it was to go: ${reason}`);
  }
}

/** In the server's own words. */
async function lastFailure(workshop: string): Promise<string | undefined> {
  const log = await readFile(join(workshop, 'postgres.log'), 'utf8').catch(() => '');
  const lines = log.split('\n').filter((line) => /(FATAL|PANIC):/.test(line));
  return lines.at(-1)?.replace(/^.*?(FATAL|PANIC): +/, '');
}

/** Postgres takes a damaged record for the end of the log: that is only so in its last file. */
export async function refuseEarlyEnd(superuserUrl: string, { names }: CheckedArchive): Promise<void> {
  const superuser = new pg.Client({ connectionString: superuserUrl });
  await superuser.connect();
  try {
    const { rows } = await superuser.query<{ history: string }>(
      `SELECT pg_read_file('pg_wal/' || max(name)) AS history FROM pg_ls_waldir() WHERE name LIKE '%.history'`,
    );
    const lines = (rows[0]?.history ?? '').trim().split('\n');
    const end = lines.at(-1)?.split('\t')[1] ?? '0/0';
    const last = names.at(-1) ?? '';
    if (lsnOf(end) >= startOfWalFile(last)) return;
    throw new CannotStart(
      `The log can be read up to ${end} only, and ${last} is behind that: it is damaged.`,
    );
  } finally {
    await superuser.end();
  }
}

/** The transaction that wrote an event. */
export async function transactionOf(
  ownerUrl: string,
  ledgerId: string,
  position: bigint,
): Promise<string | undefined> {
  const owner = new pg.Client({ connectionString: ownerUrl });
  await owner.connect();
  try {
    const { rows } = await owner.query<{ xmin: string }>(
      'SELECT xmin::text FROM journal.events WHERE ledger_id = $1 AND position = $2',
      [ledgerId, position],
    );
    return rows[0]?.xmin;
  } finally {
    await owner.end();
  }
}
