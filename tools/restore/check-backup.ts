import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { migrations as knownMigrations } from '../../migrations/index.js';
import { embeddedBinaries } from '../embedded-postgres/binaries.js';
import { archiveIn } from '../backup/backup-directory.js';
import { digestOf, forEach } from '../backup/copy-file.js';
import type { BackupFile, BaseManifest, Manifest } from '../backup/manifest.js';
import { isWalFile, nextWalFile } from '../backup/wal-files.js';
import { CannotStart } from '../start/cannot-start.js';
import type { FoundBackup } from './choose-backup.js';
import type { RestoreTarget } from './config.js';

/** Files of the log that lead on from a backup, without a gap. */
export interface CheckedArchive {
  readonly names: readonly string[];
}

/** Reads every byte of a backup before anything is written: what is damaged is refused by name. */
export async function checkBackup({ folder, manifest }: FoundBackup): Promise<void> {
  refuseNewerSchema(manifest.migrations, folder);
  await forEach(manifest.files, (file) => refuseDamaged(folder, file));
}

export async function refuseOtherServer({ serverMajor, serverVersion }: BaseManifest): Promise<void> {
  const { majorVersion } = await embeddedBinaries();
  if (majorVersion === serverMajor) return;
  throw new CannotStart(
    `The backup is of Postgres ${serverVersion}, and here is Postgres ${majorVersion}: ` +
      'restore it with the release that took it, and move its data by dump and restore.',
  );
}

/** A release knows nothing of tables that a later one has made. */
export function refuseNewerSchema(migrations: Manifest['migrations'], what: string): void {
  const known = new Set(knownMigrations.map(({ name }) => name));
  const unknown = migrations.filter((name) => !known.has(name));
  if (unknown.length === 0) return;
  throw new CannotStart(`${what} is of a newer release (${unknown.join(', ')}): use that one.`);
}

export async function checkArchive(
  directory: string,
  manifest: BaseManifest,
  target: RestoreTarget,
): Promise<CheckedArchive> {
  const archive = archiveIn(directory);
  for (const file of manifest.wal) await refuseDamaged(archive, file);
  const there = new Set((await readdir(archive)).map((name) => name.replace(/\.gz$/, '')));
  const names = manifest.wal.map(({ path }) => path.replace(/\.gz$/, ''));
  const first = names[0] ?? '';
  for (let next = nextWalFile(names.at(-1) ?? ''); there.has(next); next = nextWalFile(next))
    names.push(next);
  const last = names.at(-1) ?? '';
  const beyond = [...there].filter(
    (name) => isWalFile(name) && name.slice(0, 8) === first.slice(0, 8) && name > last,
  );
  if (beyond.length > 0 && target.kind === 'latest') {
    throw new CannotStart(
      `${archive} lacks ${nextWalFile(last)}, and goes on with ${beyond.sort()[0]}: what is behind it can't be ` +
        'restored. Find the file, or name a time before it with --to-time.',
    );
  }
  // The bytes of each are checked by what compressed them.
  for (const name of names) await unpackWal(archive, name);
  return { names };
}

export async function unpackWal(archive: string, name: string): Promise<Buffer> {
  const path = join(archive, `${name}.gz`);
  const compressed = await readFile(path);
  try {
    return gunzipSync(compressed);
  } catch (error) {
    throw new CannotStart(`${path} is damaged: ${(error as Error).message}.`);
  }
}

async function refuseDamaged(folder: string, { path, bytes, sha256 }: BackupFile): Promise<void> {
  const found = await digestOf(join(folder, path));
  if (found === undefined) throw new CannotStart(`${join(folder, path)} is missing.`);
  if (found.bytes === bytes && found.sha256 === sha256) return;
  const how =
    found.bytes === bytes ? 'its content is another one' : `it has ${found.bytes} bytes and had ${bytes}`;
  throw new CannotStart(`${join(folder, path)} is damaged: ${how}.`);
}
