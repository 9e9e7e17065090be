import { join } from 'node:path';
import { spawn } from 'node:child_process';
import { cleanEnvironment, projectDirectory } from './config.js';
import { RunningProcess } from './running-process.js';

/** `npm run verify` on a database; fails with what it says. */
export async function expectVerified(ownerUrl: string): Promise<void> {
  const child = spawn(process.execPath, [join(projectDirectory, 'dist/tools/verify/main.js')], {
    cwd: projectDirectory,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...cleanEnvironment(), DATABASE_URL: ownerUrl },
  });
  const running = new RunningProcess(child);
  const { code } = await running.exited;
  expect([code, running.output()]).toEqual([0, expect.stringContaining('as the journal says')]);
}
