import { join } from 'node:path';
import { CannotStart, reportFailure } from '../start/cannot-start.js';
import { withEmbeddedPostgres } from '../start/with-embedded-postgres.js';
import { archiveIn, SECRETS_FOLDER } from './backup-directory.js';
import { takeBaseBackup, type TakenBackup } from './base-backup.js';
import { readBackupSettings } from './config.js';
import { dumpDatabase } from './dump-database.js';
import type { Manifest } from './manifest.js';
import { openBackupDirectory } from './prepare-directory.js';

/** What can't be made anew, or whose loss makes what is in the database unreadable. */
const neededSecrets: Readonly<Record<string, string>> = {
  'secrets-key': 'SECRETS_KEY, without which webhook secrets and token keys in the database are lost',
  'bootstrap-api-key': 'the first API key (BOOTSTRAP_API_KEY)',
};

async function main(): Promise<void> {
  const settings = readBackupSettings();
  const { directory, ownerUrl, dataDirectory, postgresBin } = settings;
  const lock = await openBackupDirectory(directory);
  try {
    const startedAt = performance.now();
    if (ownerUrl !== undefined) {
      const { folder, manifest } = await dumpDatabase(ownerUrl, directory, postgresBin);
      tell(folder, manifest, startedAt);
      console.log(
        `It is of one moment: what is written later is in no backup. Keep ${Object.values(neededSecrets).join(' and ')} yourself.`,
      );
      return;
    }
    const taken = await withEmbeddedPostgres(dataDirectory, (postgres) => takeBaseBackup(postgres, settings));
    tell(taken.folder, taken.manifest, startedAt);
    console.log(`From now on the log is archived in ${archiveIn(directory)}, at the latest every 60 s.`);
    tellSecrets(taken, dataDirectory);
  } finally {
    await lock.release();
  }
}

function tell(folder: string, { files, ledgers }: Manifest, startedAt: number): void {
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  for (const { ledgerId, epoch, position } of ledgers) console.log(`${ledgerId}: to ${epoch}:${position}`);
  const size = `${files.length} ${files.length === 1 ? 'file' : 'files'}, ${(bytes / 1_048_576).toFixed(0)} MiB`;
  console.log(`Backed up to ${folder}: ${size}, in ${seconds} s.`);
}

function tellSecrets({ folder, manifest: { secrets } }: TakenBackup, dataDirectory: string): void {
  if (secrets === null) {
    console.log(
      `It has no secrets: keep ${join(dataDirectory, SECRETS_FOLDER)} elsewhere, a restore needs them (--secrets).`,
    );
    return;
  }
  console.log(
    `${join(folder, SECRETS_FOLDER)} holds secrets (${secrets.join(', ')}): whoever reads the backup can read and call ` +
      'everything. Its folders are 0700 and its files 0600; keep copies so too, or encrypt them.',
  );
  for (const [name, what] of Object.entries(neededSecrets)) {
    if (!secrets.includes(name)) console.log(`It was set in the environment and is not in it: keep ${what}.`);
  }
}

try {
  await main();
} catch (error) {
  if (error instanceof CannotStart) console.error('No backup was made.');
  reportFailure(error);
  process.exitCode = 1;
}
