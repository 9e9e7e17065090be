import type { Amount } from './amounts.js';
import type { Recorded } from './recorded.js';
import { accountIdOf } from './type-ids.js';
import type { Party } from './visibility.js';

/** One side of a posting and the account after it, as the ledger has it or as an event stores it. */
export interface Leg extends Party {
  readonly leg: number;
  readonly direction: 'debit' | 'credit';
  readonly amount: Amount;
  readonly currency: string;
  readonly posted: Amount;
  readonly pendingIn: Amount;
  readonly pendingOut: Amount;
  readonly available: Amount;
  readonly version: number;
  readonly entryNumber: number;
}

/** A change of currency: the posting with this index (from 0) goes to EXCHANGE, the next one comes from it. */
export interface Exchange {
  readonly posting: number;
  /** Major units of the recipient's currency for one of the sender's, as a decimal. */
  readonly rate: string;
}

export interface TransactionState {
  /** A UUID. */
  readonly transactionId: string;
  readonly type: string;
  readonly reference: string | null;
  readonly externalId: string | null;
  readonly metadata: Readonly<Record<string, unknown>>;
  /** Posting n (from 0) is the legs 2n + 1, the sender's debit, and 2n + 2, the recipient's credit. */
  readonly legs: readonly Leg[];
  /** In the order of their postings. */
  readonly exchanges?: readonly Exchange[];
  /** Where it took effect before it was recorded: ISO 8601 in UTC with six decimals. */
  readonly effectiveAt?: string;
  /**
   * Of a hold that ends or is extended, and of a capture: what was held by each posting, which the legs do not tell
   * then.
   */
  readonly held?: readonly Amount[];
  /** Of a hold that ends or is extended: where it was made. */
  readonly made?: Recorded;
  /** Of a capture: the UUID of its hold. */
  readonly parentId?: string;
  /** Of a reversal: the UUID of what it gives back, and why. */
  readonly reverses?: string;
  readonly reason?: string | null;
}

/** One movement between two accounts, or where it is told of a whole exchange, between two currencies. */
export interface Posting {
  readonly sender: string;
  readonly recipient: string;
  readonly amount: string;
  readonly currency: string;
}

/** @param amounts of each posting, where its legs do not tell them */
export function postingsOf(
  legs: readonly Leg[],
  shownIds: readonly string[],
  amounts?: readonly Amount[],
): Posting[] {
  const postings = [];
  for (let index = 0; index + 1 < legs.length; index += 2) {
    const debit = legs[index]!;
    postings.push({
      sender: shownIds[index]!,
      recipient: shownIds[index + 1]!,
      amount: (amounts?.[index / 2] ?? debit.amount).toString(),
      currency: debit.currency,
    });
  }
  return postings;
}

/**
 * What was asked for, where it was one movement: an exchange is one, and stored as two postings. Its reversal gives
 * back what came out of it, so there the second posting has the sender and the first the recipient.
 */
export function requestedPosting(
  { type, exchanges = [] }: Pick<TransactionState, 'type' | 'exchanges'>,
  postings: readonly Posting[],
): Posting | null {
  const [first, second] = postings;
  if (!first || postings.length - exchanges.length !== 1) return null;
  if (!second) return first;
  return type === 'reversal'
    ? { ...first, sender: second.sender }
    : { ...first, recipient: second.recipient };
}

/**
 * Amounts of the postings as one: their sum, where they have one currency; of a single exchange what its sender
 * gives. Null: there is no currency to count in.
 */
export function countedIn(
  { legs, exchanges = [] }: Pick<TransactionState, 'legs' | 'exchanges'>,
  amounts: readonly Amount[],
): string | null {
  if (exchanges.length > 0 && legs.length / 2 - exchanges.length === 1) return (amounts[0] ?? 0n).toString();
  const currency = legs[0]?.currency;
  if (legs.some((leg) => leg.currency !== currency)) return null;
  return amounts.reduce<bigint>((sum, amount) => sum + BigInt(amount), 0n).toString();
}

/** One line per account, as it is after its last leg. */
export function balancesAfter(legs: readonly Leg[], shownIds: readonly string[]) {
  const lastLegs = new Map(legs.map((leg) => [leg.accountId, leg]));
  return [...lastLegs.values()].map((leg) => ({
    accountId: shownIds[leg.leg - 1]!,
    posted: leg.posted.toString(),
    available: leg.available.toString(),
    version: leg.version,
  }));
}

export function shownParties(legs: readonly Leg[]): Party[] {
  return legs.map(({ accountId, system, ownerId, visibility }) => ({
    accountId: system === null ? accountIdOf(accountId) : accountId,
    system,
    ownerId,
    visibility,
  }));
}
