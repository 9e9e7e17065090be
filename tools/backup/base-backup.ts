import { mkdir, readdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { embeddedBinaries } from '../embedded-postgres/binaries.js';
import type { Cluster } from '../embedded-postgres/cluster.js';
import { syncDirectory } from '../embedded-postgres/durable-file.js';
import { postgresOsUser } from '../embedded-postgres/os-user.js';
import type { EmbeddedPostgres } from '../start/with-embedded-postgres.js';
import { beginArchiving, untilArchived } from './archive-progress.js';
import { archiveIn, DATA_FOLDER, folderName, SECRETS_FOLDER } from './backup-directory.js';
import { copyCluster } from './copy-cluster.js';
import { copyFile, digestOf } from './copy-file.js';
import { writeManifest, type BackupFile, type BaseManifest } from './manifest.js';
import { prepareArchive, type Line } from './prepare-directory.js';
import { readMigrations, scanHeads } from './scan-heads.js';
import { walFilesBetween } from './wal-files.js';
import { CannotStart } from '../start/cannot-start.js';

export interface BaseBackupPlan {
  readonly directory: string;
  readonly dataDirectory: string;
  readonly keepsSecrets: boolean;
}

export interface TakenBackup {
  readonly folder: string;
  readonly manifest: BaseManifest;
}

/**
 * A base backup of the embedded cluster while it runs: its files as they are copied, and the log from the
 * checkpoint before the first of them to a moment after the last, by which they become one state.
 */
export async function takeBaseBackup(
  postgres: EmbeddedPostgres,
  { directory, dataDirectory, keepsSecrets }: BaseBackupPlan,
): Promise<TakenBackup> {
  const cluster: Cluster = {
    directory: join(dataDirectory, 'postgres'),
    binaries: await embeddedBinaries(),
    osUser: await postgresOsUser(),
  };
  const superuser = await connect(postgres.superuserUrl);
  const owner = await connect(postgres.ownerUrl);
  try {
    const facts = await readFacts(superuser);
    await prepareArchive(directory, dataDirectory, cluster.osUser, facts.line);
    await beginArchiving(superuser, cluster, dataDirectory, directory);
    const startedAt = await readClock(superuser);
    const temporary = join(directory, `unfinished-${process.pid}`);
    await mkdir(temporary, { mode: 0o700 });
    const data = await copyWhileRunning(superuser, owner, cluster, temporary, directory);
    const secrets = keepsSecrets ? await copySecrets(join(dataDirectory, SECRETS_FOLDER), temporary) : null;
    const { line, ...server } = facts;
    const manifest: BaseManifest = {
      ...{ format: 1, kind: 'base', startedAt, finishedAt: data.finishedAt, ...server, ...line },
      migrations: await readMigrations(owner),
      ledgers: data.ledgers,
      directories: [...data.directories, ...(secrets === null ? [] : [SECRETS_FOLDER])],
      files: [...data.files, ...(secrets ?? [])],
      wal: data.wal,
      secrets: secrets && secrets.map(({ path }) => path.slice(SECRETS_FOLDER.length + 1)),
    };
    await writeManifest(temporary, manifest);
    const folder = join(directory, folderName('base', new Date(startedAt)));
    await rename(temporary, folder);
    await syncDirectory(directory);
    return { folder, manifest };
  } finally {
    await Promise.all([superuser.end(), owner.end()]);
  }
}

/** The session that began the backup has to stay until it is ended: when it goes, the backup is void. */
async function copyWhileRunning(
  superuser: pg.Client,
  owner: pg.Client,
  cluster: Cluster,
  temporary: string,
  directory: string,
) {
  const started = await superuser.query<{ name: string }>(
    "SELECT pg_walfile_name(pg_backup_start('ledger', true)) AS name",
  );
  const copied = await copyCluster(cluster.directory, temporary, DATA_FOLDER);
  const heads = await scanHeads(owner);
  const stopped = await superuser.query<{ name: string; labelfile: string; spcmapfile: string }>(
    'SELECT pg_walfile_name(lsn) AS name, labelfile, spcmapfile FROM pg_backup_stop(false)',
  );
  const { name: lastName = '', labelfile = '' } = stopped.rows[0] ?? {};
  const finishedAt = await readClock(superuser);
  const after = new Map((await scanHeads(owner)).map((head) => [head.ledgerId, head.position]));
  const label = join(DATA_FOLDER, 'backup_label');
  await writeFile(join(temporary, label), labelfile, { flag: 'wx', mode: 0o600, flush: true });
  await syncDirectory(join(temporary, DATA_FOLDER));
  await untilArchived(superuser, directory, lastName);
  return {
    ...copied,
    files: [...copied.files, { path: label, ...(await digestOf(join(temporary, label)))! }],
    ledgers: heads.map((head) => ({ ...head, positionAfter: after.get(head.ledgerId) ?? head.position })),
    wal: await digestsOfWal(directory, started.rows[0]?.name ?? '', lastName),
    finishedAt,
  };
}

async function digestsOfWal(directory: string, first: string, last: string): Promise<BackupFile[]> {
  const files: BackupFile[] = [];
  for (const name of walFilesBetween(first, last)) {
    const path = `${name}.gz`;
    const digest = await digestOf(join(archiveIn(directory), path));
    if (digest === undefined) throw new CannotStart(`${path} is not in ${archiveIn(directory)}: try again.`);
    files.push({ path, ...digest });
  }
  return files;
}

async function copySecrets(source: string, temporary: string): Promise<BackupFile[]> {
  await mkdir(join(temporary, SECRETS_FOLDER), { mode: 0o700 });
  const files: BackupFile[] = [];
  for (const entry of await readdir(source, { withFileTypes: true })) {
    // One that is being written has a name of more parts.
    if (!entry.isFile() || entry.name.includes('.')) continue;
    const path = join(SECRETS_FOLDER, entry.name);
    const digest = await copyFile(join(source, entry.name), join(temporary, path));
    if (digest !== undefined) files.push({ path, ...digest });
  }
  await syncDirectory(join(temporary, SECRETS_FOLDER));
  return files;
}

interface Facts {
  readonly line: Line;
  readonly serverVersion: string;
  readonly serverMajor: number;
}

async function readFacts(superuser: pg.Client): Promise<Facts> {
  const { rows } = await superuser.query<{
    id: string;
    version: string;
    number: string;
    name: string;
  }>(
    `SELECT system_identifier::text AS id, current_setting('server_version') AS version,
      current_setting('server_version_num') AS number, pg_walfile_name(pg_current_wal_insert_lsn()) AS name
     FROM pg_control_system()`,
  );
  const { id = '', version = '', number = '', name = '' } = rows[0] ?? {};
  return {
    line: { systemIdentifier: id, timeline: Number.parseInt(name.slice(0, 8), 16) },
    serverVersion: version,
    serverMajor: Math.floor(Number(number) / 10_000),
  };
}

async function readClock(db: pg.Client): Promise<string> {
  const { rows } = await db.query<{ now: Date }>('SELECT clock_timestamp() AS now');
  return (rows[0]?.now ?? new Date()).toISOString();
}

async function connect(connectionString: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString, application_name: 'ledger-backup' });
  // A connection lost between two queries is reported by the next query.
  client.on('error', () => undefined);
  await client.connect();
  return client;
}
