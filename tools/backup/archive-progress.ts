import { access, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { writeSettings, type Cluster } from '../embedded-postgres/cluster.js';
import { CannotStart } from '../start/cannot-start.js';
import { settingsOf } from '../start/databases.js';
import { archivingSettings, backupDirectoryOf, keepBackupDirectory } from './archiving.js';
import { archiveIn } from './backup-directory.js';

/** A segment is tried again each second when it could not be archived; Postgres rests after three times. */
const failuresMax = 3;
const archivedSecondsMax = 600;
const beginsSecondsMax = 60;

/**
 * From now on this cluster's log is archived in this directory, also after the next start. Resolves when a file has
 * been: what the command before had confirmed may not be there.
 */
export async function beginArchiving(
  superuser: pg.Client,
  cluster: Cluster,
  dataDirectory: string,
  directory: string,
): Promise<void> {
  const { rows } = await superuser.query<{ archive_mode: string }>('SHOW archive_mode');
  if (rows[0]?.archive_mode !== 'on') {
    throw new CannotStart(
      `The Postgres of ${dataDirectory} runs without archiving, as an earlier release has started it: ` +
        'stop the product, start it again, and take the backup then.',
    );
  }
  const before = await backupDirectoryOf(dataDirectory);
  await archiveTo(superuser, cluster, dataDirectory, directory);
  if (before === directory) return;
  try {
    await untilBegun(superuser, directory);
  } catch (error) {
    // A command that fails would keep the log growing until the disk is full.
    await archiveTo(superuser, cluster, dataDirectory, before);
    throw error;
  }
}

async function archiveTo(
  superuser: pg.Client,
  cluster: Cluster,
  dataDirectory: string,
  directory: string | undefined,
): Promise<void> {
  if (directory === undefined) await rm(join(dataDirectory, 'backup-directory'), { force: true });
  else await keepBackupDirectory(dataDirectory, directory);
  await writeSettings(cluster, await settingsOf(dataDirectory));
  await superuser.query('SELECT pg_reload_conf()');
  const command = directory === undefined ? undefined : archivingSettings(directory)['archive_command'];
  for (
    const deadline = Date.now() + 10_000;
    command !== undefined && Date.now() < deadline;
    await sleep(50)
  ) {
    const { rows } = await superuser.query<{ archive_command: string }>('SHOW archive_command');
    if (rows[0]?.archive_command === command) return;
  }
}

async function untilBegun(superuser: pg.Client, directory: string): Promise<void> {
  const failedBefore = await failuresOf(superuser);
  for (const deadline = Date.now() + beginsSecondsMax * 1000; Date.now() < deadline;) {
    await superuser.query("SELECT pg_create_restore_point('archiving begins')");
    const { rows } = await superuser.query<{ name: string }>(
      'SELECT pg_walfile_name(pg_switch_wal()) AS name',
    );
    for (let tries = 0; tries < 50; tries++) {
      if (await isArchived(superuser, directory, rows[0]?.name ?? '')) return;
      await refuseFailing(superuser, directory, failedBefore);
      await sleep(100);
    }
  }
  throw new CannotStart(`Postgres has archived nothing in ${directory} for ${beginsSecondsMax} s.`);
}

/** Resolves when a file of the log is in the archive. */
export async function untilArchived(superuser: pg.Client, directory: string, name: string): Promise<void> {
  const failedBefore = await failuresOf(superuser);
  for (const deadline = Date.now() + archivedSecondsMax * 1000; Date.now() < deadline; await sleep(100)) {
    if (await isArchived(superuser, directory, name)) return;
    await refuseFailing(superuser, directory, failedBefore);
  }
  throw new CannotStart(`Postgres has not archived ${name} in ${directory} for ${archivedSecondsMax} s.`);
}

async function failuresOf(superuser: pg.Client): Promise<number> {
  const { rows } = await superuser.query<{ failed: number }>(
    'SELECT failed_count::integer AS failed FROM pg_stat_archiver',
  );
  return rows[0]?.failed ?? 0;
}

async function refuseFailing(superuser: pg.Client, directory: string, failedBefore: number): Promise<void> {
  if ((await failuresOf(superuser)) - failedBefore < failuresMax) return;
  throw new CannotStart(
    `Postgres can't archive its log in ${archiveIn(directory)}: its messages are in postgres.log.`,
  );
}

/** Postgres has been told so, and it is there: what had the command before, or lies there of somebody else, isn't. */
async function isArchived(superuser: pg.Client, directory: string, name: string): Promise<boolean> {
  const { rows } = await superuser.query<{ last: string | null }>(
    'SELECT left(last_archived_wal, 24) AS last FROM pg_stat_archiver',
  );
  if ((rows[0]?.last ?? '') < name) return false;
  return await access(join(archiveIn(directory), `${name}.gz`)).then(
    () => true,
    () => false,
  );
}
