import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { cleanEnvironment, projectDirectory } from './config.js';
import { RunningProcess } from './running-process.js';

export type Tool = 'backup' | 'migrate' | 'restore' | 'verify';
type Environment = Readonly<Record<string, string>>;

/** `npm run <tool> -- <arguments>` of the built product, without waiting for anything. */
export function spawnTool(tool: Tool, args: readonly string[], env: Environment = {}): RunningProcess {
  const child = spawn(process.execPath, [join(projectDirectory, `dist/tools/${tool}/main.js`), ...args], {
    cwd: projectDirectory,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...cleanEnvironment(), ...env },
  });
  return new RunningProcess(child);
}

/** To its end, with what it printed. */
export async function runTool(tool: Tool, args: readonly string[], env: Environment = {}) {
  const running = spawnTool(tool, args, env);
  const { code } = await running.exited;
  return { code, output: running.output() };
}

/** The same, where it must succeed; fails with what it printed. */
export async function runToolWell(
  tool: Tool,
  args: readonly string[],
  env: Environment = {},
): Promise<string> {
  const { code, output } = await runTool(tool, args, env);
  if (code !== 0) throw new Error(`npm run ${tool} ended with ${code}:\n${output}`);
  return output;
}
