import { resolve } from 'node:path';
import { parsePostgresUrl } from '../migrate/postgres-url.js';
import type { OwnerDatabaseSettings } from '../start/owner-database.js';

export function readVerifySettings(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): OwnerDatabaseSettings {
  const ownerUrl = environment['DATABASE_URL'] || undefined;
  if (ownerUrl !== undefined) parsePostgresUrl('DATABASE_URL', ownerUrl);
  return { ownerUrl, dataDirectory: resolve(environment['DATA_DIR'] || '.data') };
}
