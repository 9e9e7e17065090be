import { spawn } from 'node:child_process';
import { programEnvironment } from './config.js';

export interface OsUser {
  readonly uid: number;
  readonly gid: number;
}

export interface CommandOptions {
  /** Who runs it; ourselves when absent. */
  readonly user?: OsUser | undefined;
  /** What it sees; what Postgres' programs see when absent. */
  readonly env?: NodeJS.ProcessEnv;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
}

const OUTPUT_CHARACTERS_MAX = 100_000;
/** For what is still in the streams when a command has ended. */
const LAST_OUTPUT_MS = 200;

/** As whom Postgres' programs run and what they see, in a directory that every user can enter. */
export function commandSurroundings(user: OsUser | undefined) {
  return {
    cwd: '/',
    env: programEnvironment(),
    ...(user === undefined ? {} : { uid: user.uid, gid: user.gid }),
  };
}

/** Runs a short command to its end; its output is both streams together. */
export function runCommand(
  command: string,
  args: readonly string[],
  { user, env, timeoutMs = 60_000, signal }: CommandOptions = {},
): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      ...commandSurroundings(user),
      ...(env === undefined ? {} : { env }),
      ...(signal === undefined ? {} : { signal }),
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: timeoutMs,
      killSignal: 'SIGKILL',
    });
    let output = '';
    const collect = (chunk: Buffer): void => {
      output = (output + chunk.toString('utf8')).slice(-OUTPUT_CHARACTERS_MAX);
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    child.on('error', reject);
    const end = (code: number | null) => resolve({ code, output });
    child.on('close', end);
    // A daemon started by the command may keep the streams open.
    child.on('exit', (code) => setTimeout(end, LAST_OUTPUT_MS, code));
  });
}
