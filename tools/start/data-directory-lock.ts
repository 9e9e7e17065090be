import { randomUUID } from 'node:crypto';
import { link, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { runCommand } from '../embedded-postgres/run-command.js';
import { CannotStart } from './cannot-start.js';

interface Holder {
  readonly pid: number;
  /** A number is used again one day; number and start time together are one process. */
  readonly startedAt: string;
}

export interface DataDirectoryLock {
  /** The holder before us was killed: what it had started may still be ending. */
  readonly isTakenOver: boolean;
  release(): Promise<void>;
}

const LOCK_FILE = 'start.pid';
const TAKE_OVER_SECONDS_MAX = 10;

/**
 * One supervisor per data directory. The lock is a file that appears whole (linked to its name) and names its
 * holder; it is free when that process is gone, so nothing has to be cleaned up after kill -9. Processes in
 * different containers, or on different machines, that share a directory don't see each other.
 */
export async function lockDataDirectory(
  directory: string,
  sentenceOf: (holder: number) => string = (pid) =>
    `The ledger is already running on ${directory} (process ${pid}): ` +
    'stop it first, or set another DATA_DIR and PORT.',
): Promise<DataDirectoryLock> {
  const path = join(directory, LOCK_FILE);
  const self: Holder = { pid: process.pid, startedAt: (await startTimeOf(process.pid)) ?? '' };
  const deadline = Date.now() + TAKE_OVER_SECONDS_MAX * 1000;
  let isTakenOver = false;
  while (!(await createWhole(path, JSON.stringify(self)))) {
    const holder = await readHolder(path);
    if (holder !== undefined && (await isAlive(holder))) {
      throw new CannotStart(sentenceOf(holder.pid));
    }
    if (Date.now() > deadline) throw new CannotStart(`${path} can't be taken over: remove it.`);
    isTakenOver = true;
    await removeStale(path);
  }
  return {
    isTakenOver,
    release: async () => {
      const holder = await readHolder(path);
      if (holder?.pid === self.pid && holder.startedAt === self.startedAt) await rm(path, { force: true });
    },
  };
}

/** Of two that find the same stale lock one removes it; the other must not remove what the first then makes. */
async function removeStale(path: string): Promise<void> {
  const guard = `${path}.taking-over`;
  if (!(await createWhole(guard, ''))) {
    const made = await stat(guard).catch(() => undefined);
    if (made !== undefined && Date.now() - made.mtimeMs > 5_000) await rm(guard, { force: true });
    await sleep(50);
    return;
  }
  try {
    const holder = await readHolder(path);
    if (holder === undefined || !(await isAlive(holder))) await rm(path, { force: true });
  } finally {
    await rm(guard, { force: true });
  }
}

/** False when the file exists. */
async function createWhole(path: string, content: string): Promise<boolean> {
  const temporary = `${path}.${randomUUID()}`;
  await writeFile(temporary, content, { flag: 'wx', mode: 0o644 });
  try {
    await link(temporary, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(temporary, { force: true });
  }
}

async function readHolder(path: string): Promise<Holder | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Holder;
  } catch {
    return undefined;
  }
}

async function isAlive({ pid, startedAt }: Holder): Promise<boolean> {
  return (await startTimeOf(pid)) === startedAt;
}

/** Undefined when there is no such process. */
async function startTimeOf(pid: number): Promise<string | undefined> {
  if (!Number.isInteger(pid) || pid <= 0) return undefined;
  if (process.platform === 'linux') {
    const content = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
    // The second field, the command in parentheses, may hold blanks. The 22nd counts ticks since the boot.
    const fields = content?.slice(content.lastIndexOf(')') + 2).split(' ');
    if (fields === undefined || fields[0] === 'Z') return undefined;
    const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '');
    return `${boot.trim()} ${fields[19]}`;
  }
  const { code, output } = await runCommand('ps', ['-o', 'lstart=', '-p', String(pid)]);
  return code === 0 && output.trim() !== '' ? output.trim() : undefined;
}
