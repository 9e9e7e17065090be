import { seesTransaction, type Caller } from './callers.js';
import type { LedgerState } from './ledger-state.js';
import type { Movement } from './movements.js';
import type { Parties } from './parties.js';
import { refuse, type Refused } from './refusals.js';
import { amountsOf, type Progress, type StoredTransaction, type Transaction } from './transactions.js';

/** A transaction that the caller may know of. */
export function findTransaction(
  transactionId: string,
  state: LedgerState,
  caller: Caller,
): StoredTransaction | Refused {
  const stored = state.transaction(transactionId);
  if (stored && seesTransaction(caller, stored.transaction.legs)) return stored;
  return refuse('transaction_not_found', 'there is no such transaction');
}

/** The accounts of each of its postings, as they are now. */
export function partiesOf({ legs }: Pick<Transaction, 'legs'>, state: LedgerState): Parties[] {
  const accountOf = (index: number) => {
    const account = state.account(legs[index]!.accountId);
    if (!account) throw new Error(`account ${legs[index]!.accountId} of a transaction is not in the state`);
    return account;
  };
  return Array.from({ length: legs.length / 2 }, (_, posting) => ({
    sender: accountOf(2 * posting),
    recipient: accountOf(2 * posting + 1),
  }));
}

/** Movements of amounts, one for each pair of parties. Their request names no accounts: only an amount. */
export function movementsOf(
  parties: readonly Parties[],
  amounts: readonly bigint[],
  released: readonly bigint[] = [],
): Movement[] {
  return parties.map((pair, index) => ({
    ...pair,
    amount: amounts[index]!,
    released: released[index] ?? 0n,
    path: (field) => (field === 'amount' ? field : null),
  }));
}

/** Whether the request had one posting: a change of currency is one, and stored as two. */
export function isSingle({ legs, exchanges = [] }: Pick<Transaction, 'legs' | 'exchanges'>): boolean {
  return legs.length / 2 - exchanges.length === 1;
}

/** What a hold still holds, by posting; nothing once it has ended. */
export function leftToCapture({ transaction, progress }: StoredTransaction): bigint[] {
  const isOpen = progress.status === 'pending' || progress.status === 'partially_captured';
  return amountsOf(transaction).map((held, index) => (isOpen ? held - progress.captured[index]! : 0n));
}

/** What it has moved for good, by posting: of a hold, what was captured. */
export function settledOf({ transaction, isHold, progress }: StoredTransaction): readonly bigint[] {
  return isHold ? progress.captured : amountsOf(transaction);
}

/**
 * What can still be given back, by posting: of a capture, no more than is left of the hold, with which it shares what
 * was given back. Postings of captures that are given back in part are one, or the two of an exchange, and are counted
 * in the sender's currency: who gives back the last of that gives back all of the other, whatever was rounded before.
 */
export function leftToReverse(stored: StoredTransaction, hold: Progress | null): readonly bigint[] {
  const own = subtract(settledOf(stored), stored.progress.reversed);
  if (!hold) return own;
  const shared = subtract(hold.captured, hold.reversed);
  if (shared[0]! <= own[0]!) return shared;
  return own.map((part, index) => (own[0] === 0n ? 0n : lesser(part, shared[index]!)));
}

export function lesser(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

function subtract(amounts: readonly bigint[], others: readonly bigint[]): bigint[] {
  return amounts.map((amount, index) => amount - others[index]!);
}
