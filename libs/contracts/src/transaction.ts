import type { Amount } from './amounts.js';
import { redact } from './redact.js';
import { accountIdOf, transactionIdOf } from './type-ids.js';
import type { Party, Reader } from './visibility.js';

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

export interface TransactionState {
  /** A UUID. */
  readonly transactionId: string;
  readonly type: string;
  readonly reference: string | null;
  readonly externalId: string | null;
  readonly metadata: Readonly<Record<string, unknown>>;
  /** Posting n (from 0) is the legs 2n + 1, the sender's debit, and 2n + 2, the recipient's credit. */
  readonly legs: readonly Leg[];
}

/** Where the event that made it stands in the journal. */
interface Recorded {
  readonly position: bigint | string;
  /** ISO 8601 in UTC with six decimals. */
  readonly recordedAt: string;
}

/** The Transaction of the contract; answers to writes and events also have the balances after it. */
export function renderTransaction(
  transaction: TransactionState,
  recorded: Recorded,
  withBalances: boolean,
  reader: Reader,
) {
  const { legs } = transaction;
  const shownIds = legs.map((leg) => leg.system ?? accountIdOf(leg.accountId));
  const postings = postingsOf(legs, shownIds);
  const single = postings.length === 1 ? postings[0] : undefined;
  const rendered = {
    id: transactionIdOf(transaction.transactionId),
    type: transaction.type,
    status: 'posted',
    sender: single?.sender ?? null,
    recipient: single?.recipient ?? null,
    amount: single?.amount ?? null,
    currency: single?.currency ?? null,
    reference: transaction.reference,
    externalId: transaction.externalId,
    metadata: transaction.metadata,
    postings,
    meta: {},
    ...(withBalances ? { balances: balancesAfter(legs, shownIds) } : {}),
    position: recorded.position.toString(),
    createdAt: recorded.recordedAt,
  };
  return reader.ownerId === null ? rendered : redact(rendered, shownParties(legs), reader);
}

/** That it was is all that is left of a transaction whose data was erased. */
export function renderErasedTransaction(transactionId: string | null, recorded: Recorded) {
  return {
    id: transactionId === null ? null : transactionIdOf(transactionId),
    type: null,
    status: 'posted',
    sender: null,
    recipient: null,
    amount: null,
    currency: null,
    reference: null,
    externalId: null,
    metadata: null,
    postings: [],
    meta: {},
    position: recorded.position.toString(),
    createdAt: recorded.recordedAt,
  };
}

function postingsOf(legs: readonly Leg[], shownIds: readonly string[]) {
  const postings = [];
  for (let index = 0; index + 1 < legs.length; index += 2) {
    const debit = legs[index]!;
    postings.push({
      sender: shownIds[index]!,
      recipient: shownIds[index + 1]!,
      amount: debit.amount.toString(),
      currency: debit.currency,
    });
  }
  return postings;
}

/** One line per account, as it is after its last leg. */
function balancesAfter(legs: readonly Leg[], shownIds: readonly string[]) {
  const lastLegs = new Map(legs.map((leg) => [leg.accountId, leg]));
  return [...lastLegs.values()].map((leg) => ({
    accountId: shownIds[leg.leg - 1]!,
    posted: leg.posted.toString(),
    available: leg.available.toString(),
    version: leg.version,
  }));
}

function shownParties(legs: readonly Leg[]): Party[] {
  return legs.map(({ accountId, system, ownerId, visibility }) => ({
    accountId: system === null ? accountIdOf(accountId) : accountId,
    system,
    ownerId,
    visibility,
  }));
}
