import { resolve } from 'node:path';
import { parsePostgresUrl } from '../migrate/postgres-url.js';

export interface VerifySettings {
  /** Absent: the embedded Postgres of the data directory. */
  readonly ownerUrl: string | undefined;
  readonly dataDirectory: string;
}

export function readVerifySettings(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): VerifySettings {
  const ownerUrl = environment['DATABASE_URL'] || undefined;
  if (ownerUrl !== undefined) parsePostgresUrl('DATABASE_URL', ownerUrl);
  return { ownerUrl, dataDirectory: resolve(environment['DATA_DIR'] || '.data') };
}
