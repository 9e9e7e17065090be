import { mkdir, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { syncDirectory } from '../embedded-postgres/durable-file.js';
import { CannotStart } from '../start/cannot-start.js';
import { copyFile, forEach } from './copy-file.js';
import type { BackupFile } from './manifest.js';

export interface CopiedCluster {
  readonly directories: readonly string[];
  readonly files: readonly BackupFile[];
}

/** As Postgres' own tools: what these hold is of this run of the server, or comes from the archive. */
const emptied = [
  'pg_wal',
  'pg_replslot',
  'pg_dynshmem',
  'pg_notify',
  'pg_serial',
  'pg_snapshots',
  'pg_stat_tmp',
  'pg_subtrans',
];
const leftOut =
  /^(postmaster\.(pid|opts)|backup_(label|manifest)(\.old)?|tablespace_map(\.old)?|(recovery|standby)\.signal|pg_internal\.init.*|current_logfiles.*|pgsql_tmp.*|server\.log)$/;
/** Where the server begins to read: it is copied when all that it may tell of is. */
const last = 'global/pg_control';

/**
 * Copies a cluster's files between pg_backup_start and pg_backup_stop, while they change: what is copied is of no one
 * moment, and becomes so by replaying the log of that time.
 */
export async function copyCluster(source: string, folder: string, into: string): Promise<CopiedCluster> {
  const { directories, files } = await listFiles(source);
  for (const directory of ['', ...directories]) {
    await mkdir(join(folder, into, directory), { recursive: true, mode: 0o700 });
  }
  const copied: BackupFile[] = [];
  const copy = async (file: string): Promise<void> => {
    const digest = await copyFile(join(source, file), join(folder, into, file));
    // A table that was dropped meanwhile: the log says so.
    if (digest !== undefined) copied.push({ path: join(into, file), ...digest });
  };
  await forEach(
    files.filter((file) => file !== last),
    copy,
  );
  await copy(last);
  for (const directory of directories) await syncDirectory(join(folder, into, directory));
  await syncDirectory(join(folder, into));
  return {
    directories: ['', ...directories].map((directory) => join(into, directory)),
    files: copied.sort((a, b) => (a.path < b.path ? -1 : 1)),
  };
}

async function listFiles(source: string): Promise<{ directories: string[]; files: string[] }> {
  const directories: string[] = [];
  const files: string[] = [];
  const walk = async (directory: string): Promise<void> => {
    const entries = await readdir(join(source, directory), { withFileTypes: true });
    for (const entry of entries) {
      const path = join(directory, entry.name);
      if (leftOut.test(entry.name)) continue;
      if (emptied.includes(path)) directories.push(path);
      else if (entry.isDirectory()) {
        directories.push(path);
        await walk(path);
      } else if (entry.isFile()) files.push(path);
      else {
        const what = dirname(path) === 'pg_tblspc' ? 'a tablespace of its own' : 'a link';
        throw new CannotStart(`${join(source, path)} is ${what}, which is not backed up: use other tools.`);
      }
    }
  };
  await walk('');
  return { directories, files };
}
