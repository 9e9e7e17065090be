import { availableBalance, postedBalance, type Account } from './accounts.js';
import { amountMax } from './amounts.js';
import type { LegEffect } from './events.js';
import { applyLeg } from './evolve.js';
import type { Parties, Path } from './parties.js';
import { refuse, type Refused } from './refusals.js';
import type { Direction, Leg } from './transactions.js';

/** What goes from one account to another of the same currency; in minor units. */
export interface Movement extends Parties {
  readonly path: Path;
  readonly amount: bigint;
  /** Of a capture that is the last: what is no longer held besides. */
  readonly released?: bigint;
}

/** What movements make of the accounts that they touch, by id. */
export interface Moved {
  readonly legs: readonly Leg[];
  readonly accounts: ReadonlyMap<string, { readonly before: Account; readonly after: Account }>;
}

/**
 * Applies movements one after the other, the sender's leg before the recipient's. When that is recorded is not told by
 * legs, and is for evolve to say.
 */
export function move(movements: readonly Movement[], effect: LegEffect): Moved {
  const accounts = new Map<string, { readonly before: Account; after: Account }>();
  const legs: Leg[] = [];
  const addLeg = (account: Account, direction: Direction, { amount, released = 0n }: Movement) => {
    const known = accounts.get(account.id);
    const changed = applyLeg(
      known?.after ?? account,
      { direction, amount, released },
      effect,
      account.updatedAt,
    );
    if (known) known.after = changed;
    else accounts.set(account.id, { before: account, after: changed });
    const leg = {
      leg: legs.length + 1,
      accountId: changed.id,
      system: changed.system,
      ownerId: changed.ownerId,
      visibility: changed.visibility,
      direction,
      amount,
      currency: changed.currency,
      posted: postedBalance(changed),
      pendingIn: changed.pendingCredits,
      pendingOut: changed.pendingDebits,
      available: availableBalance(changed),
      version: changed.version,
      entryNumber: changed.entryNumber,
    };
    legs.push(released === 0n ? leg : { ...leg, released });
  };
  for (const movement of movements) {
    addLeg(movement.sender, 'debit', movement);
    addLeg(movement.recipient, 'credit', movement);
  }
  return { legs, accounts };
}

/** Accounts that are closed first, then those that are frozen. */
export function refuseByStatus(movements: readonly (Parties & { readonly path: Path })[]): Refused | null {
  if (movements.every(({ sender, recipient }) => sender.status === 'open' && recipient.status === 'open'))
    return null;
  for (const status of ['closed', 'frozen'] as const) {
    for (const movement of movements) {
      for (const side of ['sender', 'recipient'] as const) {
        if (movement[side].status !== status) continue;
        return refuse(`account_${status}`, `the ${side} is ${status}`, movement.path(side));
      }
    }
  }
  return null;
}

/**
 * Limits are checked once, against the accounts as they are after all movements: an account whose available balance
 * fell, and one that holds more than before with what is pending. Nothing else is checked.
 */
export function refuseByLimits(movements: readonly Movement[], moved: Moved): Refused | null {
  return refuseByFunds(movements, moved) ?? refuseByMaximum(movements, moved);
}

function refuseByFunds(movements: readonly Movement[], { accounts }: Moved): Refused | null {
  for (const { sender, path } of movements) {
    const { before: was, after: is } = accounts.get(sender.id)!;
    const available = availableBalance(is);
    if (is.minBalance === null || available >= 0n || available >= availableBalance(was)) continue;
    return refuse('insufficient_funds', 'the available balance does not cover the amount', path('amount'));
  }
  return null;
}

function refuseByMaximum(movements: readonly Movement[], { accounts }: Moved): Refused | null {
  for (const { sender, recipient, path, amount } of movements) {
    const [payer, payee] = [accounts.get(sender.id)!.after, accounts.get(recipient.id)!.after];
    // Of an amount that came by conversion even where both balances have no more.
    if (
      amount > amountMax ||
      lowest(payer) < -amountMax ||
      highest(payee) > amountMax ||
      payer.pendingDebits > amountMax ||
      payee.pendingCredits > amountMax
    ) {
      return refuse('balance_limit_exceeded', 'it would have too many digits', path('amount'));
    }
    const { before: was, after: is } = accounts.get(recipient.id)!;
    if (is.maxBalance === null || highest(is) <= is.maxBalance || highest(is) <= highest(was)) continue;
    return refuse(
      'balance_limit_exceeded',
      'the balance would pass the maximum of the account',
      path('amount'),
    );
  }
  return null;
}

/** What the balance comes to when all that is held for the account is captured. */
function highest(account: Account): bigint {
  return postedBalance(account) + account.pendingCredits;
}

/** What the balance comes to when all that is held of the account is captured. */
function lowest(account: Account): bigint {
  return postedBalance(account) - account.pendingDebits;
}
