import type { Metadata, SystemAccountName, Visibility } from './accounts.js';

/** An account's UUID, or the name of a system account: that of the posting's currency is then meant. */
export type AccountReference = string;

/** One movement as asked for: amount is in minor units and above zero. */
export interface PostingDraft {
  readonly sender: AccountReference;
  readonly recipient: AccountReference;
  readonly amount: bigint;
}

/** A transaction as asked for: 1–100 postings, decided as a whole. */
export interface TransactionDraft {
  readonly transactionId: string;
  readonly postings: readonly PostingDraft[];
  readonly reference: string | null;
  readonly externalId: string | null;
  readonly metadata: Metadata;
}

export const transactionTypes = ['transfer', 'mint', 'burn'] as const;
export type TransactionType = (typeof transactionTypes)[number];

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
  readonly currency: string;
  readonly posted: bigint;
  readonly pendingIn: bigint;
  readonly pendingOut: bigint;
  readonly available: bigint;
  readonly version: number;
  readonly entryNumber: number;
}

export interface PostedTransaction {
  readonly transactionId: string;
  readonly type: TransactionType;
  readonly reference: string | null;
  readonly externalId: string | null;
  readonly metadata: Metadata;
  readonly legs: readonly Leg[];
}
