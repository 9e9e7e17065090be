import type { Account } from './accounts.js';

/** Who asks: somebody bound to an owner, or to none (null), who may name every account. */
export interface Caller {
  readonly ownerId: string | null;
}

export const unboundCaller: Caller = { ownerId: null };

/** Whether the account is the caller's own to take from and to change. System accounts are nobody's. */
export function owns(caller: Caller, account: Account): boolean {
  if (caller.ownerId === null) return true;
  return account.system === null && account.ownerId === caller.ownerId;
}

/** Money may go to the caller's own accounts, and to those that their owners let others see. */
export function mayCredit(caller: Caller, account: Account): boolean {
  return owns(caller, account) || (account.system === null && account.visibility !== 'private');
}
