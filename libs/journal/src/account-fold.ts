import {
  applyLeg,
  availableBalance,
  effectOf,
  postedBalance,
  type Account,
  type AccountEvent,
  type Leg,
  type LegEffect,
  type TransactionEvent,
} from '#domain';
import type { Compare, Difference } from './difference.js';
import type { RecordedEvent } from './recorded-event.js';

/**
 * Accounts as their events make them, with what each event claims checked on the way. What an erased event did
 * shows as a jump in the version of an account, and is taken from the next event that tells how the account is.
 */
export class AccountFold {
  readonly accounts = new Map<string, Account>();
  /** Where each account was opened. */
  readonly openedPositions = new Map<string, bigint>();
  /** Accounts with erased events in their past: their balances are known, not how they came about. */
  readonly patchedIds = new Set<string>();
  private hasErased = false;

  /** From now on, versions may jump. */
  erase(): void {
    this.hasErased = true;
  }

  addAccount({ type, account }: AccountEvent, position: bigint, compare: Compare): Difference | null {
    const before = this.accounts.get(account.id);
    this.accounts.set(account.id, account);
    if (type === 'account.opened') {
      this.openedPositions.set(account.id, position);
      return compare('account opened once', false, before !== undefined);
    }
    if (this.isAfterErasure(before, account.version, 1)) {
      this.patchedIds.add(account.id);
      return null;
    }
    if (!before) return compare('account exists', account.id, 'no such account');
    const moneyOf = this.patchedIds.has(account.id) ? balancesOf : sumsOf;
    return (
      compare('version', before.version + 1, account.version) ??
      compare('settings version', before.settingsVersion + 1, account.settingsVersion) ??
      compare('balances of an account event', moneyOf(before), moneyOf(account))
    );
  }

  addTransaction(
    { type, transaction: { legs } }: TransactionEvent,
    { recordedAt }: RecordedEvent,
    compare: Compare,
  ): Difference | null {
    for (const leg of legs) {
      const difference = this.addLeg(leg, effectOf(type), recordedAt, compare);
      if (difference) return difference;
    }
    return sumsToZero(legs, compare);
  }

  private addLeg(leg: Leg, effect: LegEffect, recordedAt: bigint, compare: Compare): Difference | null {
    const before = this.accounts.get(leg.accountId);
    if (this.isAfterErasure(before, leg.version, effect === 'none' ? 0 : 1)) {
      this.patchedIds.add(leg.accountId);
      if (before) this.accounts.set(before.id, patched(before, leg, recordedAt));
      return null;
    }
    if (!before) return compare(`leg ${leg.leg}: account`, leg.accountId, 'no such account');
    const after = applyLeg(before, leg, effect, recordedAt);
    this.accounts.set(after.id, after);
    return (
      compare(
        `leg ${leg.leg}: balances`,
        [postedBalance(after), after.pendingCredits, after.pendingDebits, availableBalance(after)],
        [leg.posted, leg.pendingIn, leg.pendingOut, leg.available],
      ) ??
      compare(`leg ${leg.leg}: version`, after.version, leg.version) ??
      compare(`leg ${leg.leg}: entry number`, after.entryNumber, leg.entryNumber)
    );
  }

  private isAfterErasure(before: Account | undefined, version: number, step: number): boolean {
    return this.hasErased && (!before || version > before.version + step);
  }
}

/** What goes from one account goes to others of its currency, and so does what is no longer held. */
function sumsToZero(legs: readonly Leg[], compare: Compare): Difference | null {
  const sums = new Map<string, bigint>();
  for (const { currency, direction, amount, released = 0n } of legs) {
    const moved = amount + released;
    sums.set(currency, (sums.get(currency) ?? 0n) + (direction === 'debit' ? -moved : moved));
  }
  for (const [currency, sum] of sums) {
    const difference = compare(`sum of the legs in ${currency}`, 0n, sum);
    if (difference) return difference;
  }
  return null;
}

/** The account as a leg shows it; debits and credits apart from each other are lost. */
function patched(account: Account, leg: Leg, recordedAt: bigint): Account {
  return {
    ...account,
    postedDebits: 0n,
    postedCredits: leg.posted,
    pendingCredits: leg.pendingIn,
    pendingDebits: leg.pendingOut,
    minBalance: leg.posted - leg.pendingOut - leg.available,
    version: leg.version,
    entryNumber: leg.entryNumber,
    updatedAt: recordedAt,
  };
}

function balancesOf(account: Account): string {
  return [postedBalance(account), account.pendingDebits, account.pendingCredits].join(' ');
}

function sumsOf(account: Account): string {
  return [account.postedDebits, balancesOf(account)].join(' ');
}
