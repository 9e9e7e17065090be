import { readFile, readlink, realpath, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CannotStart } from '../start/cannot-start.js';
import type { Cluster } from './cluster.js';
import { runCommand } from './run-command.js';

/**
 * A Postgres outlives a supervisor that was killed. The next start stops it, instead of using it, so that its
 * settings, its log and its supervision are the new start's. The caller holds the data directory's lock.
 */
export async function stopOrphan(cluster: Cluster): Promise<void> {
  const pidFile = join(cluster.directory, 'postmaster.pid');
  const content = await readFile(pidFile, 'utf8').catch(() => undefined);
  if (content === undefined) return;
  const pid = Number.parseInt(content, 10);
  if (!(await isPostgresOn(pid, cluster.directory))) {
    // The number may belong to another process today; Postgres would take that for a running server.
    await rm(pidFile, { force: true });
    return;
  }
  for (const [mode, seconds] of [['fast', 20] as const, ['immediate', 20] as const]) {
    await runCommand(
      cluster.binaries.pg_ctl,
      ['stop', '-D', cluster.directory, '-m', mode, '-w', '-t', String(seconds)],
      { user: cluster.osUser },
    );
    // pg_ctl waits for the file to go; the process ends a moment later.
    for (let tries = 0; tries < 20; tries++) {
      if (!(await isPostgresOn(pid, cluster.directory))) return;
      await sleep(50);
    }
  }
  throw new CannotStart(
    `The Postgres of an earlier start (process ${pid}) on ${cluster.directory} can't be stopped.`,
  );
}

/** A server's working directory is its data directory. */
async function isPostgresOn(pid: number, directory: string): Promise<boolean> {
  if (!(pid > 0)) return false;
  if (process.platform === 'linux') {
    const at = await readlink(`/proc/${pid}/cwd`).catch(() => undefined);
    return at !== undefined && at === (await realpath(directory));
  }
  const { output } = await runCommand('ps', ['-o', 'command=', '-p', String(pid)]);
  return output.includes('postgres') && output.includes(directory);
}
