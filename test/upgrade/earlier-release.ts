import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cleanEnvironment, projectDirectory } from '../support/config.js';
import type { TestDatabase } from '../support/database.js';
import { RunningProcess } from '../support/running-process.js';
import type { Release } from './releases.js';

export interface BuiltRelease {
  readonly directory: string;
  /** Whether it was built and run with the packages that are installed here. */
  readonly hasOurPackages: boolean;
  remove(): Promise<void>;
}

const buildMsMax = 240_000;
const installMsMax = 300_000;

/** Null: the history has it. Else why it can't be built. */
export async function whatHistoryLacks({ name, commit }: Release): Promise<string | null> {
  const { code } = await run('git', ['cat-file', '-e', `${commit}^{commit}`], projectDirectory);
  return code === 0 ? null : `the git history here lacks ${commit.slice(0, 7)} (release ${name})`;
}

/** Builds a release from the git history, beside this one. */
export async function buildRelease({ commit }: Release): Promise<BuiltRelease> {
  const directory = await mkdtemp(join(tmpdir(), `ledger-release-${commit.slice(0, 7)}-`));
  const remove = () => rm(directory, { recursive: true, force: true });
  try {
    const archive = join(directory, 'release.tar');
    await succeed('git', ['archive', '--output', archive, commit], projectDirectory);
    await succeed('tar', ['-xf', archive], directory);
    const hasOurPackages = await areOursEnough(directory);
    if (hasOurPackages)
      await symlink(join(projectDirectory, 'node_modules'), join(directory, 'node_modules'));
    else await succeed('npm', ['ci', '--no-audit', '--no-fund'], directory, installMsMax);
    // What it was typed against is known to compile: it landed.
    const tsc = ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.json', '--noCheck'];
    await succeed(process.execPath, tsc, directory, buildMsMax);
    return { directory, hasOurPackages, remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

/** As its operator does: with its own command, which also makes its privileges. */
export async function migrateBy(directory: string, database: TestDatabase): Promise<void> {
  const { code, output } = await run(
    process.execPath,
    [join(directory, 'dist/tools/migrate/main.js')],
    directory,
    60_000,
    {
      DATABASE_URL: database.ownerUrl,
      LEDGER_DATABASE_URL: database.ledgerUrl,
      DISPATCHER_DATABASE_URL: database.dispatcherUrl,
    },
  );
  if (code !== 0) throw new Error(`migrations failed:\n${output}`);
}

interface Lock {
  readonly packages: Readonly<Record<string, { readonly version?: string; readonly dev?: boolean }>>;
}

/** Whether each package that the release is run with is installed here in the same version. */
async function areOursEnough(directory: string): Promise<boolean> {
  const [theirs, ours] = await Promise.all([directory, projectDirectory].map(readLock));
  const { '': _root, ...packages } = theirs!.packages;
  return Object.entries(packages).every(
    ([path, { version, dev }]) => dev === true || ours!.packages[path]?.version === version,
  );
}

async function readLock(directory: string): Promise<Lock> {
  return JSON.parse(await readFile(join(directory, 'package-lock.json'), 'utf8')) as Lock;
}

async function succeed(command: string, args: readonly string[], cwd: string, limitMs?: number) {
  const { code, output } = await run(command, args, cwd, limitMs);
  if (code !== 0)
    throw new Error(`${command} ${args.join(' ')} ended with ${code}:\n${output.slice(-4_000)}`);
}

async function run(
  command: string,
  args: readonly string[],
  cwd: string,
  limitMs = 60_000,
  env: Readonly<Record<string, string>> = {},
): Promise<{ code: number | null; output: string }> {
  const child = spawn(command, args, {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: limitMs,
    killSignal: 'SIGKILL',
    env: { ...cleanEnvironment(), ...env },
  });
  const running = new RunningProcess(child);
  const { code } = await running.exited;
  return { code, output: running.output() };
}
