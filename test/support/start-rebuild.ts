import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { cleanEnvironment, projectDirectory } from './config.js';
import { RunningProcess } from './running-process.js';

/** `npm run rebuild -- <arguments>` on a database, without waiting for anything. */
export function startRebuild(ownerUrl: string, ...args: readonly string[]): RunningProcess {
  const child = spawn(process.execPath, [join(projectDirectory, 'dist/tools/rebuild/main.js'), ...args], {
    cwd: projectDirectory,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...cleanEnvironment(), DATABASE_URL: ownerUrl },
  });
  return new RunningProcess(child);
}
