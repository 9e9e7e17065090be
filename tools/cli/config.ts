import { parsePostgresUrl } from '../migrate/postgres-url.js';
import { CannotStart } from '../start/cannot-start.js';

export interface CliSettings {
  readonly dispatcherUrl: string;
}

export function readCliSettings(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): CliSettings {
  const dispatcherUrl = environment['DISPATCHER_DATABASE_URL'];
  if (!dispatcherUrl) throw new CannotStart('DISPATCHER_DATABASE_URL must be set.');
  parsePostgresUrl('DISPATCHER_DATABASE_URL', dispatcherUrl);
  return { dispatcherUrl };
}
