import { join } from 'node:path';

/*
 * A backup directory holds one line of history of one cluster:
 *   line.json            of which cluster, and which timeline of it
 *   wal/<name>.gz        its log, as Postgres finished file after file
 *   base-<time>/         a base backup: data/, secrets/, and manifest.json, without which it is none
 * or, of a Postgres that isn't ours, dump-<time>/ with ledger.dump and manifest.json.
 */

export const MANIFEST_FILE = 'manifest.json';
export const DATA_FOLDER = 'data';
export const SECRETS_FOLDER = 'secrets';
export const DUMP_FILE = 'ledger.dump';

export function archiveIn(directory: string): string {
  return join(directory, 'wal');
}

/** `base-20261128T204301Z`: by name they are in the order of time. */
export function folderName(kind: 'base' | 'dump', at: Date): string {
  return `${kind}-${at.toISOString().replace(/[-:]|\.\d+/g, '')}`;
}

export const backupFolder = /^(?:base|dump)-\d{8}T\d{6}Z$/;
/** What a backup that was interrupted leaves. */
export const unfinishedFolder = /^unfinished-/;
