import { chmod, chown, mkdir, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { syncDirectory } from '../embedded-postgres/durable-file.js';
import { refuseUnreachable } from '../embedded-postgres/os-user.js';
import type { OsUser } from '../embedded-postgres/run-command.js';
import { CannotStart, messageOf } from '../start/cannot-start.js';
import { lockDataDirectory, type DataDirectoryLock } from '../start/data-directory-lock.js';
import { archiveProgram } from './archiving.js';
import { archiveIn, unfinishedFolder } from './backup-directory.js';

/** One line of history: a cluster that was restored goes on in another one, with the same names of files. */
export interface Line {
  readonly systemIdentifier: string;
  readonly timeline: number;
}

/** Makes a backup directory where there is none, for one backup at a time, and removes what killed ones have left. */
export async function openBackupDirectory(directory: string): Promise<DataDirectoryLock> {
  try {
    const made = await mkdir(directory, { recursive: true });
    // Under root Postgres, as another user, passes through it to the archive.
    if (made !== undefined) await chmod(directory, process.getuid?.() === 0 ? 0o711 : 0o700);
  } catch (error) {
    throw new CannotStart(`${directory} can't be made: ${messageOf(error)}.`);
  }
  const lock = await lockDataDirectory(
    directory,
    (pid) => `Another backup into ${directory} is under way (process ${pid}).`,
  );
  for (const name of await readdir(directory)) {
    if (unfinishedFolder.test(name)) await rm(join(directory, name), { recursive: true, force: true });
  }
  return lock;
}

/** Makes the archive, into which Postgres writes as its own user. */
export async function prepareArchive(
  directory: string,
  dataDirectory: string,
  osUser: OsUser | undefined,
  line: Line,
): Promise<void> {
  const [inside, data] = await Promise.all([realpath(directory), realpath(dataDirectory)]);
  if (!relative(data, inside).startsWith('..')) {
    throw new CannotStart(`${directory} is in the data directory, and would be lost with it: name another.`);
  }
  await stayOnLine(directory, line);
  const archive = archiveIn(directory);
  await mkdir(archive, { recursive: true, mode: 0o700 });
  if (osUser !== undefined) await chown(archive, osUser.uid, osUser.gid);
  await refuseUnreachable(osUser, {
    directories: [archive, dirname(archiveProgram)],
    executables: [process.execPath],
  });
}

async function stayOnLine(directory: string, line: Line): Promise<void> {
  const path = join(directory, 'line.json');
  try {
    await writeFile(path, `${JSON.stringify(line)}\n`, { flag: 'wx', mode: 0o600, flush: true });
    await syncDirectory(directory);
    return;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  const kept = JSON.parse(await readFile(path, 'utf8')) as Line;
  if (kept.systemIdentifier === line.systemIdentifier && kept.timeline === line.timeline) return;
  const reason =
    kept.systemIdentifier === line.systemIdentifier
      ? `of timeline ${kept.timeline} of this cluster, which was restored and is on timeline ${line.timeline}`
      : 'of another cluster';
  throw new CannotStart(`${directory} holds backups ${reason}: name an empty directory.`);
}
