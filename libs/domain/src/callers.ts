import type { Account } from './accounts.js';
import type { Leg } from './transactions.js';

/** Who asks: somebody bound to an owner, or to none (null), who may name every account. */
export interface Caller {
  readonly ownerId: string | null;
  /** What only the stored transaction can tell is asked for: to reverse a burn makes money, to reverse a mint destroys it. */
  readonly mayMint: boolean;
  readonly mayBurn: boolean;
}

export const unboundCaller: Caller = { ownerId: null, mayMint: true, mayBurn: true };

type Owned = Pick<Account, 'system' | 'ownerId'>;

/** Whether the account is the caller's own to take from and to change. System accounts are nobody's. */
export function owns(caller: Caller, account: Owned): boolean {
  if (caller.ownerId === null) return true;
  return account.system === null && account.ownerId === caller.ownerId;
}

/** Money may go to the caller's own accounts, and to those that their owners let others see. */
export function mayCredit(caller: Caller, account: Account): boolean {
  return owns(caller, account) || (account.system === null && account.visibility !== 'private');
}

/**
 * Whether all that a transaction pays goes to the caller's own accounts. EXCHANGE keeps nothing: what it gets in one
 * currency it pays in the other.
 */
export function ownsRecipients(caller: Caller, legs: readonly Leg[]): boolean {
  return legs
    .filter(({ direction, system }) => direction === 'credit' && system !== 'EXCHANGE')
    .every((leg) => owns(caller, leg));
}

/** A transaction is there for whoever has an account on one side of it. */
export function seesTransaction(caller: Caller, legs: readonly Leg[]): boolean {
  return legs.some((leg) => owns(caller, leg));
}
