import { access } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { runCommand } from '../embedded-postgres/run-command.js';
import { programEnvironment } from '../embedded-postgres/config.js';
import { parsePostgresUrl } from '../migrate/postgres-url.js';
import { CannotStart } from '../start/cannot-start.js';

const hoursMax = 24;

export interface PostgresProgram {
  readonly path: string;
  readonly majorVersion: number;
}

/** pg_dump or pg_restore, in the directory named or on the path; undefined where there is none. */
export async function findProgram(
  name: 'pg_dump' | 'pg_restore',
  directory: string | undefined,
): Promise<PostgresProgram | undefined> {
  const directories =
    directory === undefined ? (programEnvironment()['PATH'] ?? '').split(delimiter) : [directory];
  for (const candidate of directories.map((each) => join(each, name))) {
    const isThere = await access(candidate).then(
      () => true,
      () => false,
    );
    if (!isThere) continue;
    const { output } = await runCommand(candidate, ['--version']);
    const majorVersion = Number(/ (\d+)/.exec(output)?.[1]);
    if (majorVersion > 0) return { path: candidate, majorVersion };
  }
  return undefined;
}

/** Runs it on the database of a URL, whose password no list of processes shows. */
export async function runProgram(
  { path }: PostgresProgram,
  args: readonly string[],
  databaseUrl: string,
): Promise<void> {
  const { password } = parsePostgresUrl('DATABASE_URL', databaseUrl);
  const url = new URL(databaseUrl);
  url.password = '';
  const { code, output } = await runCommand(path, [...args, `--dbname=${url.href}`], {
    env: { ...programEnvironment(), PGPASSWORD: password, PGCONNECT_TIMEOUT: '10' },
    timeoutMs: hoursMax * 3_600_000,
  });
  if (code !== 0) throw new CannotStart(`${path} failed: ${output.trim().slice(-2_000)}`);
}
