import { CannotStart } from '../start/cannot-start.js';
import { parsePostgresUrl } from './postgres-url.js';

export interface MigrateToolSettings {
  readonly ownerUrl: string;
  readonly ledgerUrl: string;
  readonly dispatcherUrl: string;
}

export function readMigrateSettings(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): MigrateToolSettings {
  const url = (name: string): string => {
    const value = environment[name];
    if (!value) throw new CannotStart(`${name} must be set to migrate a database.`);
    parsePostgresUrl(name, value);
    return value;
  };
  return {
    ownerUrl: url('DATABASE_URL'),
    ledgerUrl: url('LEDGER_DATABASE_URL'),
    dispatcherUrl: url('DISPATCHER_DATABASE_URL'),
  };
}
