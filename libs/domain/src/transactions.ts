import type { Metadata, SystemAccountName, Visibility } from './accounts.js';

/** An account's UUID, or ROOT: that of the posting's currency is then meant. */
export type AccountReference = string;

/** One movement as asked for: amount is in minor units of the sender's currency and above zero. */
export interface PostingDraft {
  readonly sender: AccountReference;
  readonly recipient: AccountReference;
  readonly amount: bigint;
  /** The request's own rate, as isExchangeRate takes it; absent: the ledger's, where the currencies differ. */
  readonly exchangeRate?: string | undefined;
}

/** What must hold of an account before the transaction. At least one part of it is there; amounts are minor units. */
export interface Condition {
  readonly account: AccountReference;
  readonly version?: number | undefined;
  readonly minPosted?: bigint | undefined;
  readonly maxPosted?: bigint | undefined;
}

/** A transaction as asked for: 1–100 postings, decided as a whole. Times are microseconds since 1970. */
export interface TransactionDraft {
  readonly transactionId: string;
  readonly postings: readonly PostingDraft[];
  readonly reference: string | null;
  readonly externalId: string | null;
  readonly metadata: Metadata;
  /** Present: the money is held, not posted. */
  readonly hold?: { readonly expiresAt: bigint | null } | undefined;
  /** When it took effect; absent: when it is recorded. */
  readonly effectiveAt?: bigint | undefined;
  readonly conditions?: readonly Condition[] | undefined;
}

export const transactionTypes = ['transfer', 'mint', 'burn', 'exchange', 'capture', 'reversal'] as const;
export type TransactionType = (typeof transactionTypes)[number];

export const transactionStatuses = ['posted', 'pending', 'partially_captured', 'voided', 'expired'] as const;
export type TransactionStatus = (typeof transactionStatuses)[number];

export type Direction = 'debit' | 'credit';

/**
 * One side of a posting, with the account as it is after it. Posting n (from 0) is the legs 2n + 1 (the
 * sender's debit) and 2n + 2 (the recipient's credit), so that postings need not be kept beside their legs.
 */
export interface Leg {
  readonly leg: number;
  readonly accountId: string;
  readonly system: SystemAccountName | null;
  readonly ownerId: string | null;
  readonly visibility: Visibility;
  readonly direction: Direction;
  readonly amount: bigint;
  /** Of a capture that was the last: what is not captured and no longer held. Absent: nothing. */
  readonly released?: bigint;
  readonly currency: string;
  readonly posted: bigint;
  readonly pendingIn: bigint;
  readonly pendingOut: bigint;
  readonly available: bigint;
  readonly version: number;
  readonly entryNumber: number;
}

/**
 * A change of currency: the posting with this index (from 0) goes to EXCHANGE, the next one comes from it. In a
 * reversal it is the other way about: the first one gives the sender back what EXCHANGE got, the next one EXCHANGE
 * what it paid; the rate is that of the original.
 */
export interface Exchange {
  readonly posting: number;
  /** Major units of the recipient's currency for one of the sender's, as a decimal. */
  readonly rate: string;
}

/** What an event tells of a transaction. Fields that only some have are absent in the others. */
export interface Transaction {
  /** A UUID. */
  readonly transactionId: string;
  readonly type: TransactionType;
  readonly reference: string | null;
  readonly externalId: string | null;
  readonly metadata: Metadata;
  readonly legs: readonly Leg[];
  /** In the order of their postings. */
  readonly exchanges?: readonly Exchange[];
  /** Where it took effect before it was recorded. */
  readonly effectiveAt?: bigint;
  /**
   * Of a hold that ends or is extended, and of a capture: what was held by each posting, which the legs do not tell
   * then.
   */
  readonly held?: readonly bigint[];
  /** Of a hold that ends or is extended: where it was made. */
  readonly made?: Made;
  /** Of a capture: the hold. */
  readonly parentId?: string;
  /** Of a reversal: the transaction that it takes back, and why. */
  readonly reverses?: string;
  readonly reason?: string | null;
}

/** Where the event that made a transaction stands in the journal. */
export interface Made {
  readonly position: bigint;
  /** Microseconds since 1970. */
  readonly recordedAt: bigint;
}

/** How far a transaction has come. Amounts are per posting. */
export interface Progress {
  readonly status: TransactionStatus;
  /** Of a hold, while it is open: from then on it can only expire. */
  readonly expiresAt: bigint | null;
  /** Empty for what was never a hold. */
  readonly captured: readonly bigint[];
  readonly captures: number;
  readonly reversed: readonly bigint[];
  /** UUIDs of its reversals, oldest first. A hold counts those of its captures as its own. */
  readonly reversals: readonly string[];
}

/** An earlier transaction whose progress an event changes: how far it has come after it. */
export interface Progressed {
  readonly transactionId: string;
  readonly progress: Progress;
}

/** A transaction that a command refers to: as its first event tells it, and how far it has come since. */
export interface StoredTransaction {
  readonly transaction: Transaction;
  readonly isHold: boolean;
  readonly made: Made;
  readonly progress: Progress;
}

/** Captures and reversals of one transaction. */
export const followersMax = 1_000;

/** How far a transaction has come right after its first event. */
export function initialProgress(
  postings: number,
  hold: { readonly expiresAt: bigint | null } | null,
): Progress {
  const zeros = new Array<bigint>(postings).fill(0n);
  return {
    status: hold ? 'pending' : 'posted',
    expiresAt: hold?.expiresAt ?? null,
    captured: hold ? zeros : [],
    captures: 0,
    reversed: zeros,
    reversals: [],
  };
}

/** The amounts of a transaction's postings, in order. */
export function amountsOf({ legs }: Pick<Transaction, 'legs'>): bigint[] {
  return legs.filter(({ direction }) => direction === 'debit').map(({ amount }) => amount);
}
