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
  readonly before: ReadonlyMap<string, Account>;
  readonly after: ReadonlyMap<string, Account>;
}

/**
 * Applies movements one after the other, the sender's leg before the recipient's. When that is recorded is not told by
 * legs, and is for evolve to say.
 */
export function move(movements: readonly Movement[], effect: LegEffect): Moved {
  const before = new Map<string, Account>();
  const after = new Map<string, Account>();
  const legs: Leg[] = [];
  const addLeg = (account: Account, direction: Direction, { amount, released = 0n }: Movement) => {
    if (!before.has(account.id)) before.set(account.id, account);
    const moved = { direction, amount, released };
    const changed = applyLeg(after.get(account.id) ?? account, moved, effect, account.updatedAt);
    after.set(account.id, changed);
    legs.push({
      leg: legs.length + 1,
      accountId: changed.id,
      system: changed.system,
      ownerId: changed.ownerId,
      visibility: changed.visibility,
      direction,
      amount,
      ...(released === 0n ? {} : { released }),
      currency: changed.currency,
      posted: postedBalance(changed),
      pendingIn: changed.pendingCredits,
      pendingOut: changed.pendingDebits,
      available: availableBalance(changed),
      version: changed.version,
      entryNumber: changed.entryNumber,
    });
  };
  for (const movement of movements) {
    addLeg(movement.sender, 'debit', movement);
    addLeg(movement.recipient, 'credit', movement);
  }
  return { legs, before, after };
}

/** Accounts that are closed first, then those that are frozen. */
export function refuseByStatus(movements: readonly (Parties & { readonly path: Path })[]): Refused | null {
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

function refuseByFunds(movements: readonly Movement[], { before, after }: Moved): Refused | null {
  for (const { sender, path } of movements) {
    const [was, is] = [before.get(sender.id)!, after.get(sender.id)!];
    const available = availableBalance(is);
    if (is.minBalance === null || available >= 0n || available >= availableBalance(was)) continue;
    return refuse('insufficient_funds', 'the available balance does not cover the amount', path('amount'));
  }
  return null;
}

function refuseByMaximum(movements: readonly Movement[], { before, after }: Moved): Refused | null {
  for (const { sender, recipient, path } of movements) {
    if (lowest(after.get(sender.id)!) < -amountMax || highest(after.get(recipient.id)!) > amountMax) {
      return refuse('balance_limit_exceeded', 'the balance would have too many digits', path('amount'));
    }
    const [was, is] = [before.get(recipient.id)!, after.get(recipient.id)!];
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
