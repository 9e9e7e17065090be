import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CannotStart } from '../start/cannot-start.js';
import { writeDurably } from '../embedded-postgres/durable-file.js';
import { sha256 } from '#platform';
import { MANIFEST_FILE } from './backup-directory.js';

export interface BackupFile {
  /** In the backup's folder, or in the archive. */
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** How far a ledger had come. Whatever is restored from the backup has this event, and goes on from it. */
export interface BackedUpLedger {
  /** `ldg_…` */
  readonly ledgerId: string;
  readonly epoch: number;
  readonly position: string;
  /** Of the event at the position, in hex. */
  readonly hash: string;
  /** When the backup was done: it has no event beyond this. */
  readonly positionAfter: string;
}

interface Backup {
  readonly format: 1;
  readonly startedAt: string;
  /** By the database's clock: what is restored can be of no earlier time. */
  readonly finishedAt: string;
  readonly serverVersion: string;
  readonly serverMajor: number;
  /** Names of migrations that it has. */
  readonly migrations: readonly string[];
  readonly ledgers: readonly BackedUpLedger[];
  readonly files: readonly BackupFile[];
}

/** The files of the embedded cluster. */
export interface BaseManifest extends Backup {
  readonly kind: 'base';
  readonly systemIdentifier: string;
  readonly timeline: number;
  /** Empty directories among them, which Postgres needs. */
  readonly directories: readonly string[];
  /** Files of the log without which it can't be restored, in order. */
  readonly wal: readonly BackupFile[];
  /** Names of secrets that it has; null where it was told to leave them out. */
  readonly secrets: readonly string[] | null;
}

/** What pg_dump says of a database that isn't ours. */
export interface DumpManifest extends Backup {
  readonly kind: 'dump';
}

export type Manifest = BaseManifest | DumpManifest;

/** Written last, and whole: a folder without it is no backup. */
export async function writeManifest(folder: string, content: Manifest): Promise<void> {
  const text = JSON.stringify({ sha256: digestOf(content), content }, null, 1);
  await writeDurably(join(folder, MANIFEST_FILE), `${text}\n`);
}

/** Refuses one that is not as it was written. Undefined: there is none. */
export async function readManifest(folder: string): Promise<Manifest | undefined> {
  const path = join(folder, MANIFEST_FILE);
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  try {
    const { sha256: digest, content } = JSON.parse(text) as { sha256: string; content: Manifest };
    if (digest === digestOf(content)) {
      if ((content.format as number) === 1) return content;
      throw new CannotStart(`${path} is of format ${String(content.format)}, and this release knows 1.`);
    }
  } catch (error) {
    if (error instanceof CannotStart) throw error;
  }
  throw new CannotStart(`${path} is damaged: it is not as it was written.`);
}

function digestOf(content: Manifest): string {
  return sha256(Buffer.from(JSON.stringify(content))).toString('hex');
}
