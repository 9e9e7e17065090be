import { randomBytes } from 'node:crypto';

const secretBytes = 32;

/** A new secret as Standard Webhooks writes it. It is shown to its owner once. */
export function newEndpointSecret(): string {
  return `whsec_${randomBytes(secretBytes).toString('base64')}`;
}
