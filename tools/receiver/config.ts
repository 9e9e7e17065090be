import { CannotStart } from '../start/cannot-start.js';
import { port } from '../start/config.js';

export interface ReceiverSettings {
  readonly port: number;
  /** Of the endpoints that send here; the receiver is told of further ones while it runs. */
  readonly secrets: readonly string[];
  /** Where the secrets that it is told are kept, if anywhere. */
  readonly secretsFile: string | undefined;
}

export const secretPattern = /whsec_[A-Za-z0-9+/]{16,128}={0,2}/;

export function readReceiverSettings(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): ReceiverSettings {
  const given = (environment['RECEIVER_SECRETS'] ?? '').split(',').map((secret) => secret.trim());
  const secrets = given.filter((secret) => secret !== '');
  if (secrets.some((secret) => secretPattern.exec(secret)?.[0] !== secret)) {
    throw new CannotStart('RECEIVER_SECRETS must be secrets of the form whsec_…, separated by commas.');
  }
  return {
    port: port('RECEIVER_PORT', environment['RECEIVER_PORT'] || '3002'),
    secrets,
    secretsFile: environment['RECEIVER_SECRETS_FILE'] || undefined,
  };
}
