import {
  accountIdOf,
  eventIdOf,
  isHidden,
  ledgerIdOf,
  renderAccount,
  renderBalances,
  renderErasedTransaction,
  renderEventData,
  renderTransaction,
  transactionIdOf,
  type Reader,
} from '#contracts';
import type { Account, PostedTransaction } from '#domain';
import type { RecordedEvent } from '#journal';
import { formatTimestamp } from '#platform';
import type { EntryRow } from '../accounts/list-entries.js';

export interface TransactionRecord {
  readonly transaction: PostedTransaction;
  readonly position: bigint;
  readonly recordedAt: bigint;
}

export type Resource =
  | { readonly kind: 'account'; readonly account: Account }
  | { readonly kind: 'balance'; readonly account: Account; readonly position: bigint; readonly asOf: bigint }
  | { readonly kind: 'transaction'; readonly record: TransactionRecord; readonly withBalances: boolean }
  /** A transaction whose data was erased: that it was is all that is left. */
  | { readonly kind: 'erased'; readonly recorded: RecordedEvent }
  | { readonly kind: 'entry'; readonly entry: EntryRow }
  | { readonly kind: 'event'; readonly recorded: RecordedEvent };

/** Everything that the API shows is rendered here, and nowhere else. */
export function present(resource: Resource, reader: Reader): Record<string, unknown> {
  switch (resource.kind) {
    case 'account':
      return presentAccount(resource.account, reader);
    case 'balance':
      return presentBalance(resource);
    case 'transaction':
      return presentTransaction(resource.record, resource.withBalances, reader);
    case 'erased':
      return renderErasedTransaction(resource.recorded.transactionId, timed(resource.recorded));
    case 'entry':
      return presentEntry(resource.entry, reader);
    case 'event':
      return presentEvent(resource.recorded, reader);
  }
}

function presentAccount(account: Account, reader: Reader) {
  const createdAt = formatTimestamp(account.createdAt);
  const updatedAt = formatTimestamp(account.updatedAt);
  return renderAccount(account, { createdAt, updatedAt }, reader);
}

function presentBalance({ account, position, asOf }: Extract<Resource, { kind: 'balance' }>) {
  return {
    accountId: account.system ?? accountIdOf(account.id),
    currency: account.currency,
    ...renderBalances(account),
    version: account.version,
    position: position.toString(),
    asOf: formatTimestamp(asOf),
  };
}

function presentTransaction(record: TransactionRecord, withBalances: boolean, reader: Reader) {
  return renderTransaction(record.transaction, timed(record), withBalances, reader);
}

function timed({ position, recordedAt }: Pick<RecordedEvent, 'position' | 'recordedAt'>) {
  return { position: position.toString(), recordedAt: formatTimestamp(recordedAt) };
}

function presentEntry(entry: EntryRow, reader: Reader) {
  const { counterparty } = entry;
  return {
    id: `${eventIdOf(entry.eventId)}.${entry.leg}`,
    transactionId: transactionIdOf(entry.transactionId),
    direction: entry.direction,
    amount: entry.amount.toString(),
    balanceAfter: entry.balanceAfter.toString(),
    entryNumber: entry.entryNumber,
    counterparty: isHidden(counterparty, reader)
      ? null
      : (counterparty.system ?? accountIdOf(counterparty.accountId)),
    reference: entry.reference,
    createdAt: formatTimestamp(entry.recordedAt),
  };
}

/** An event with every field that its hash covers; to an owner without what could tell of others. */
function presentEvent(recorded: RecordedEvent, reader: Reader) {
  const isWhole = reader.ownerId === null;
  const { type, version, dataText } = recorded;
  return {
    ledgerId: ledgerIdOf(recorded.ledgerId),
    epoch: recorded.epoch,
    position: recorded.position.toString(),
    id: eventIdOf(recorded.id),
    type,
    version,
    transactionId: recorded.transactionId === null ? null : transactionIdOf(recorded.transactionId),
    data: renderEventData({ type, version, dataText, ...timed(recorded) }, reader),
    actor: isWhole ? recorded.actor : null,
    idempotencyKey: isWhole ? recorded.idempotencyKey : null,
    requestHash: isWhole ? (recorded.requestHash?.toString('hex') ?? null) : null,
    recordedAt: formatTimestamp(recorded.recordedAt),
    effectiveAt: formatTimestamp(recorded.effectiveAt),
    dataText: isWhole ? dataText : null,
    dataSalt: isWhole ? (recorded.dataSalt?.toString('hex') ?? null) : null,
    dataHash: recorded.dataHash.toString('hex'),
    hash: recorded.hash.toString('hex'),
  };
}
