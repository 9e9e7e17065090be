import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeDurably } from '../embedded-postgres/durable-file.js';
import type { PostgresSettings } from '../embedded-postgres/settings.js';
import { archiveIn } from './backup-directory.js';

/** In the data directory, and so in no backup: a restored ledger archives nowhere until it is told to. */
const PLACE_FILE = 'backup-directory';

/** What is not archived yet is lost with the machine: at most so much time of it. */
const ARCHIVE_SECONDS_MAX = 60;

/** Where this data directory's log is archived to; undefined before its first backup. */
export async function backupDirectoryOf(dataDirectory: string): Promise<string | undefined> {
  try {
    return (await readFile(join(dataDirectory, PLACE_FILE), 'utf8')).trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return undefined;
  }
}

export async function keepBackupDirectory(dataDirectory: string, directory: string): Promise<void> {
  await writeDurably(join(dataDirectory, PLACE_FILE), `${directory}\n`);
}

/** The program that Postgres runs for each finished file of its log. */
export const archiveProgram = fileURLToPath(new URL('archive-segment.js', import.meta.url));

/** Written anew at each start, as programs move. */
export function archivingSettings(directory: string): PostgresSettings {
  const words = [process.execPath, archiveProgram];
  const command = [...words.map(shellWord), '%p', shellWord(archiveIn(directory)) + '/%f'].join(' ');
  return { archive_command: command, archive_timeout: `${ARCHIVE_SECONDS_MAX}s` };
}

/** A word for the shell, in which Postgres replaces nothing. */
function shellWord(text: string): string {
  return `'${text.replaceAll("'", `'\\''`).replaceAll('%', '%%')}'`;
}
