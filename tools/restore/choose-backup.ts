import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { backupFolder } from '../backup/backup-directory.js';
import { readManifest, type Manifest } from '../backup/manifest.js';
import { CannotStart } from '../start/cannot-start.js';
import type { RestoreTarget } from './config.js';

export interface FoundBackup<Kind extends Manifest = Manifest> {
  readonly folder: string;
  readonly manifest: Kind;
}

/** The backups of a directory, oldest first; what was interrupted has no manifest and is none. */
export async function findBackups(directory: string): Promise<FoundBackup[]> {
  const names = await readdir(directory).catch((error: NodeJS.ErrnoException) => {
    throw new CannotStart(`${directory} can't be read (${error.code}): --from names a backup directory.`);
  });
  const found: FoundBackup[] = [];
  for (const name of names.filter((each) => backupFolder.test(each)).sort()) {
    const folder = join(directory, name);
    const manifest = await readManifest(folder);
    if (manifest !== undefined) found.push({ folder, manifest });
  }
  if (found.length > 0) return found;
  const unfinished = names.filter((name) => name.startsWith('unfinished-'));
  const reason =
    unfinished.length > 0 ? `but what an interrupted one has left (${unfinished.join(', ')})` : '';
  throw new CannotStart(`${directory} holds no backup ${reason}`.trim() + '.');
}

/** The newest that is from before the target: the less of the log has to be replayed. */
export function chooseBackup(backups: readonly FoundBackup[], target: RestoreTarget): FoundBackup {
  const chosen = backups.findLast(({ manifest }) => isBefore(manifest, target));
  if (chosen) return chosen;
  const oldest = backups[0]?.manifest;
  const from =
    target.kind === 'position'
      ? (oldest?.ledgers.find(({ ledgerId }) => ledgerId === target.ledger)?.positionAfter ?? 'nothing of it')
      : oldest?.finishedAt;
  throw new CannotStart(`No backup is from before the target: the oldest one has ${from}.`);
}

function isBefore({ finishedAt, ledgers }: Manifest, target: RestoreTarget): boolean {
  switch (target.kind) {
    case 'latest':
      return true;
    case 'time':
      return new Date(finishedAt) <= target.at;
    case 'position': {
      const ledger = ledgers.find(({ ledgerId }) => ledgerId === target.ledger);
      return BigInt(ledger?.positionAfter ?? 0) < target.position;
    }
  }
}
