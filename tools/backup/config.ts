import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { parsePostgresUrl } from '../migrate/postgres-url.js';
import { CannotStart, messageOf } from '../start/cannot-start.js';

export interface BackupSettings {
  readonly directory: string;
  readonly keepsSecrets: boolean;
  /** Absent: the embedded Postgres of the data directory. */
  readonly ownerUrl: string | undefined;
  readonly dataDirectory: string;
  /** Where pg_dump is; absent: on the path. */
  readonly postgresBin: string | undefined;
}

const usage = `Usage: npm run backup -- --to <directory> [--without-secrets]

Takes a base backup of the ledger in DATA_DIR, running or not, into the directory, and has its log archived there
from now on. With DATABASE_URL set: a dump of that database by pg_dump, which is looked for in POSTGRES_BIN.`;

export function readBackupSettings(
  environment: Readonly<Record<string, string | undefined>> = process.env,
  args: readonly string[] = process.argv.slice(2),
): BackupSettings {
  const { to, withoutSecrets } = readArguments(args);
  const ownerUrl = environment['DATABASE_URL'] || undefined;
  if (ownerUrl !== undefined) parsePostgresUrl('DATABASE_URL', ownerUrl);
  return {
    directory: resolve(to),
    keepsSecrets: !withoutSecrets,
    ownerUrl,
    dataDirectory: resolve(environment['DATA_DIR'] || '.data'),
    postgresBin: environment['POSTGRES_BIN'] || undefined,
  };
}

function readArguments(args: readonly string[]) {
  try {
    const options = { to: { type: 'string' }, 'without-secrets': { type: 'boolean' } } as const;
    const { values } = parseArgs({ args: [...args], options });
    if (values.to) return { to: values.to, withoutSecrets: values['without-secrets'] ?? false };
  } catch (error) {
    throw new CannotStart(`${messageOf(error)}\n\n${usage}`);
  }
  throw new CannotStart(usage);
}
