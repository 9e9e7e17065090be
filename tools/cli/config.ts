import { parsePostgresUrl } from '../migrate/postgres-url.js';
import { CannotStart } from '../start/cannot-start.js';
import { secretsKey } from '../start/config.js';

type Environment = Readonly<Record<string, string | undefined>>;

/** For what the dispatcher keeps. */
export function readDispatcherUrl(environment: Environment = process.env): string {
  return databaseUrl(environment, 'DISPATCHER_DATABASE_URL');
}

/** For what the ledger app keeps: its own login, and what secrets of signing keys are sealed with. */
export function readAccessSettings(environment: Environment = process.env) {
  return {
    url: databaseUrl(environment, 'LEDGER_DATABASE_URL'),
    secretsKey: secretsKey('SECRETS_KEY', needed(environment, 'SECRETS_KEY')),
  };
}

function databaseUrl(environment: Environment, name: string): string {
  const url = needed(environment, name);
  parsePostgresUrl(name, url);
  return url;
}

function needed(environment: Environment, name: string): string {
  const value = environment[name];
  if (!value) throw new CannotStart(`${name} must be set.`);
  return value;
}
