import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const timeoutMs = 120_000;

/** Runs one of the scripts of this folder outside of jest, whose module loader the tools don't expect. */
export function runReport<T>(script: string): T {
  const run = spawnSync(process.execPath, [join(import.meta.dirname, script), '--json'], {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    timeout: timeoutMs,
  });
  if (!run.stdout) throw new Error(`${script} gave no report (${run.signal ?? run.status}): ${run.stderr}`);
  return JSON.parse(run.stdout) as T;
}
