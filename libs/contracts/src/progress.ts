import type { Amount } from './amounts.js';
import { countedIn, type TransactionState } from './postings.js';
import { transactionIdOf } from './type-ids.js';

/** How far a transaction has come, as the ledger has it or as an event stores it. Amounts are per posting. */
export interface ProgressState {
  readonly status: string;
  /** Of a hold: ISO 8601 in UTC with six decimals; null where it has no end. */
  readonly expiresAt: string | null;
  /** Empty for what was never a hold. */
  readonly captured: readonly Amount[];
  readonly captures: number;
  readonly reversed: readonly Amount[];
  /** UUIDs, oldest first. */
  readonly reversals: readonly string[];
}

/**
 * What a hold shows of itself beside what every transaction shows. An event that ends it has the legs of what is
 * released, and a capture those of what it takes: what was held stands beside them.
 */
export function renderHold(transaction: TransactionState, { status, expiresAt, captured }: ProgressState) {
  const isOpen = status === 'pending' || status === 'partially_captured';
  const held = transaction.held ?? amountsOf(transaction);
  const left = held.map((amount, index) => (isOpen ? BigInt(amount) - BigInt(captured[index] ?? 0n) : 0n));
  return {
    expiresAt,
    capturedAmount: countedIn(transaction, captured),
    remainingAmount: countedIn(transaction, left),
  };
}

/** What a capture shows of its hold, so that whoever follows the captures knows when nothing is held any more. */
export function renderParent(transaction: TransactionState, parentId: string, hold: ProgressState | null) {
  return {
    parentId: transactionIdOf(parentId),
    ...(hold ? { hold: { status: hold.status, ...renderHold(transaction, hold) } } : {}),
  };
}

/**
 * What was given back of a transaction, and by which others. A capture shares both with its hold: of the capture, as
 * much counts as given back as could not be given back of it any more.
 */
export function renderReversals(
  transaction: TransactionState,
  progress: ProgressState | null,
  hold: ProgressState | null,
) {
  const reversals = (hold ?? progress)?.reversals ?? [];
  return {
    reversedAmount: countedIn(transaction, reversedBy(transaction, progress, hold)),
    reversals: reversals.map(transactionIdOf),
  };
}

function reversedBy(
  transaction: TransactionState,
  progress: ProgressState | null,
  hold: ProgressState | null,
): readonly Amount[] {
  const own = progress?.reversed ?? [];
  if (!hold) return own;
  return amountsOf(transaction).map((amount, index) => {
    const ownLeft = amount - BigInt(own[index] ?? 0n);
    const sharedLeft = BigInt(hold.captured[index] ?? 0n) - BigInt(hold.reversed[index] ?? 0n);
    return amount - (sharedLeft < ownLeft ? sharedLeft : ownLeft);
  });
}

function amountsOf({ legs }: TransactionState): bigint[] {
  return legs.filter(({ direction }) => direction === 'debit').map(({ amount }) => BigInt(amount));
}
