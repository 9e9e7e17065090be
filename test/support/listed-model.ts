import {
  isTransactionEvent,
  progressOf,
  type Account,
  type Progress,
  type TransactionEvent,
  type TransactionStatus,
} from '#domain';
import type { TransactionFilters } from '../../apps/ledger/src/transactions/transaction-filters.js';
import type { DecidedJournal } from './decided-journal.js';
import type { HandMadePosting, HandMadeTransaction } from './hand-made-journal.js';

/** A transaction as a list has it. */
export interface ListedModel extends HandMadeTransaction {
  /** Absent: posted. */
  readonly status?: TransactionStatus;
}

/** One with what has become of it. */
export interface ProgressedModel extends ListedModel {
  readonly progress: Progress | null;
  readonly hold: Progress | null;
}

/** The same question asked in the plainest way. */
export function passes(
  filters: TransactionFilters,
  transaction: ListedModel,
  settingsOf: (accountId: string) => Pick<Account, 'ownerId' | 'visibility'> | undefined,
): boolean {
  const { account, sender, recipient, reference, type, status, currency, externalId, createdAt, amount } =
    filters;
  const { postings, recordedAt } = transaction;
  const some = (check: (posting: Required<HandMadePosting>) => boolean) => postings.some(check);
  const lower = transaction.reference?.toLowerCase() ?? null;
  const { seenBy } = filters;
  const isOwn = (id: string) => settingsOf(id)?.ownerId === seenBy;
  // To an owner another's private account is shown as null, which is no account's id.
  const isShown = (id: string | undefined) =>
    id === undefined || seenBy === undefined || isOwn(id) || settingsOf(id)?.visibility !== 'private';
  return [
    seenBy === undefined || some((posting) => isOwn(posting.sender) || isOwn(posting.recipient)),
    [account, sender, recipient].every(isShown),
    account === undefined || some((posting) => posting.sender === account || posting.recipient === account),
    sender === undefined || some((posting) => posting.sender === sender),
    recipient === undefined || some((posting) => posting.recipient === recipient),
    reference === undefined || (lower?.includes(reference.toLowerCase()) ?? false),
    type === undefined || transaction.type === type,
    status === undefined || status === (transaction.status ?? 'posted'),
    externalId === undefined || transaction.externalId === externalId,
    createdAt?.gte === undefined || recordedAt >= createdAt.gte,
    createdAt?.gt === undefined || recordedAt > createdAt.gt,
    createdAt?.lte === undefined || recordedAt <= createdAt.lte,
    createdAt?.lt === undefined || recordedAt < createdAt.lt,
    (currency === undefined && amount === undefined) ||
      some(
        (posting) =>
          (currency === undefined || posting.currency === currency) &&
          (amount?.gte === undefined || posting.amount >= amount.gte) &&
          (amount?.lte === undefined || posting.amount <= amount.lte),
      ),
  ].every(Boolean);
}

/** What a list should have, oldest first, from the events alone. */
export function modelsOf({ events }: DecidedJournal): ProgressedModel[] {
  const newest = new Map<string, Progress>();
  for (const { event } of events) {
    if (!isTransactionEvent(event)) continue;
    for (const { transactionId, progress } of progressOf(event)) newest.set(transactionId, progress);
  }
  return events.flatMap(({ position, recordedAt, event }) => {
    if (!isTransactionEvent(event) || /voided|expired|extended/.test(event.type)) return [];
    const { transactionId, type, reference, externalId, parentId } = event.transaction;
    const progress = newest.get(transactionId) ?? null;
    return [
      {
        position,
        transactionId,
        recordedAt,
        type,
        reference,
        externalId,
        postings: postingsOf(event),
        status: progress?.status ?? 'posted',
        progress,
        hold: parentId === undefined ? null : newest.get(parentId)!,
      },
    ];
  });
}

function postingsOf({ transaction: { legs } }: TransactionEvent): Required<HandMadePosting>[] {
  const nameOf = (leg: (typeof legs)[number]) => leg.system ?? leg.accountId;
  return legs
    .filter(({ direction }) => direction === 'debit')
    .map((debit, index) => ({
      sender: nameOf(debit),
      recipient: nameOf(legs[2 * index + 1]!),
      amount: debit.amount,
      currency: debit.currency,
    }));
}
