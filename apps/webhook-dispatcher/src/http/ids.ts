import { decodeTypeId, encodeTypeId } from '#contracts';
import { validationError } from '#http';
import { deliveryNotFound, endpointNotFound } from './refusals.js';

export const endpointIdOf = (uuid: string) => encodeTypeId('whe', uuid);
export const deliveryIdOf = (uuid: string) => encodeTypeId('dlv', uuid);
export const recoveryIdOf = (uuid: string) => encodeTypeId('rec', uuid);
export const eventIdOf = (uuid: string) => encodeTypeId('evt', uuid);
export const ledgerIdOf = (uuid: string) => encodeTypeId('ldg', uuid);
export const accountIdOf = (uuid: string) => encodeTypeId('acc', uuid);

/** The UUID in a path; a malformed one can't be anybody's. */
export function pathEndpointId(text: string): string {
  const uuid = decodeTypeId('whe', text);
  if (uuid === null) throw endpointNotFound();
  return uuid;
}

export function pathDeliveryId(text: string): string {
  const uuid = decodeTypeId('dlv', text);
  if (uuid === null) throw deliveryNotFound();
  return uuid;
}

/** The UUID of an id in a body or a filter, which its DTO has checked. */
export function sentId(prefix: 'acc' | 'whe', text: string, path: string): string {
  const uuid = decodeTypeId(prefix, text);
  if (uuid === null) throw validationError([{ path, message: `is not an id (${prefix}_…)` }]);
  return uuid;
}
