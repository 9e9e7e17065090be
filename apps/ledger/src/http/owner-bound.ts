import type { Principal } from '#access';
import { ApiError } from '#http';
import { isSystemAccountName } from './ids.js';

/**
 * What a caller who is bound to an owner may not ask for, whatever its scopes: it would reach beyond that owner.
 * By the fields that would say so, none of which may be there, not even with the value that is meant without it.
 */
export function refuseToOwners(caller: Principal, sent: Readonly<Record<string, unknown>>): void {
  if (caller.ownerId === null) return;
  const path = Object.keys(sent).find((field) => sent[field] !== undefined);
  if (path !== undefined) throw forbidden(path, `a key that is bound to an owner can't say ${path}`);
}

/** Such a caller names accounts by their ids: the world outside the ledger is not theirs to move money with. */
export function refuseSystemAccountsToOwners(
  caller: Principal,
  references: Readonly<Record<string, string | undefined>>,
): void {
  if (caller.ownerId === null) return;
  for (const [path, reference] of Object.entries(references)) {
    if (reference === undefined || !isSystemAccountName(reference)) continue;
    throw forbidden(path, `a key that is bound to an owner can't name ${reference}`);
  }
}

function forbidden(path: string, message: string): ApiError {
  return new ApiError(403, 'forbidden', message, [{ path, message }]);
}
