import { renderMeta } from './exchange.js';
import {
  balancesAfter,
  postingsOf,
  requestedPosting,
  shownParties,
  type TransactionState,
} from './postings.js';
import { renderHold, renderParent, renderReversals, type ProgressState } from './progress.js';
import type { Recorded } from './recorded.js';
import { redact } from './redact.js';
import { accountIdOf, transactionIdOf } from './type-ids.js';
import type { Reader } from './visibility.js';

/** What is known of a transaction beside what made it, and how much of it is shown. */
export interface ShownTransaction {
  /** How far it has come; null for one that is no hold and of which nothing was given back. */
  readonly progress: ProgressState | null;
  /** Of a capture: how far its hold has come. */
  readonly hold: ProgressState | null;
  /** Answers to writes and events have the balances after it as well. */
  readonly withBalances: boolean;
}

/** The Transaction of the contract. */
export function renderTransaction(
  transaction: TransactionState,
  recorded: Recorded,
  { progress, hold, withBalances }: ShownTransaction,
  reader: Reader,
) {
  const { legs, type, parentId, reverses } = transaction;
  const { position, recordedAt } = transaction.made ?? recorded;
  const shownIds = legs.map((leg) => leg.system ?? accountIdOf(leg.accountId));
  const asHold = progress && progress.captured.length > 0 ? progress : null;
  const postings = postingsOf(legs, shownIds, asHold ? transaction.held : undefined);
  const requested = requestedPosting(transaction, postings);
  const rendered = {
    id: transactionIdOf(transaction.transactionId),
    type,
    status: progress?.status ?? 'posted',
    sender: requested?.sender ?? null,
    recipient: requested?.recipient ?? null,
    amount: requested?.amount ?? null,
    currency: requested?.currency ?? null,
    reference: transaction.reference,
    externalId: transaction.externalId,
    metadata: transaction.metadata,
    postings,
    meta: renderMeta(transaction, postings),
    ...(asHold ? renderHold(transaction, asHold) : {}),
    ...(parentId === undefined ? {} : renderParent(transaction, parentId, hold)),
    ...(reverses === undefined
      ? renderReversals(transaction, progress, hold)
      : { reverses: transactionIdOf(reverses), reason: transaction.reason ?? null }),
    effectiveAt: transaction.effectiveAt ?? recordedAt,
    ...(withBalances ? { balances: balancesAfter(legs, shownIds) } : {}),
    position: position.toString(),
    createdAt: recordedAt,
  };
  return reader.ownerId === null ? rendered : redact(rendered, shownParties(legs), reader);
}

/** That it was, and how far it has come, is all that is left of a transaction whose data was erased. */
export function renderErasedTransaction(
  transactionId: string | null,
  recorded: Recorded & { readonly effectiveAt?: string },
  progress: ProgressState | null = null,
) {
  return {
    id: transactionId === null ? null : transactionIdOf(transactionId),
    type: null,
    status: progress?.status ?? 'posted',
    sender: null,
    recipient: null,
    amount: null,
    currency: null,
    reference: null,
    externalId: null,
    metadata: null,
    postings: [],
    meta: {},
    effectiveAt: recorded.effectiveAt ?? recorded.recordedAt,
    position: recorded.position.toString(),
    createdAt: recorded.recordedAt,
  };
}
