import { validationError } from '#http';
import { isSystemAccountName, pathAccountId } from '../http/ids.js';
import type { AccountSelector } from './get-account.js';

/** Which account a path means: one by its id, or with a currency that currency's system account. */
export function selectorOf(id: string, currency: string | undefined): AccountSelector {
  if (isSystemAccountName(id)) {
    if (currency === undefined) {
      throw validationError([{ path: 'currency', message: `is needed with ${id}` }]);
    }
    return { system: id, currency };
  }
  if (currency !== undefined) {
    throw validationError([{ path: 'currency', message: 'goes with ROOT and EXCHANGE alone' }]);
  }
  return { id: pathAccountId(id) };
}
