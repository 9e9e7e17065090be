import { isTransactionEvent, type DomainEvent, type EventType } from '#domain';
import { formatTimestamp } from '#platform';
import {
  decodeAccount,
  decodeProgress,
  decodeProgressed,
  decodeTransaction,
  encodeAccount,
  encodeProgress,
  encodeProgressed,
  encodeTransaction,
  textOfTransfer,
  readTimestamp,
  type EncodedAccount,
  type EncodedProgress,
  type EncodedProgressed,
  type EncodedTransaction,
} from './encoded-parts.js';
import type { RecordedEvent } from './recorded-event.js';

/** The versions of each type that this release reads. */
export const readVersions: Readonly<Record<EventType, readonly number[]>> = {
  'account.opened': [1],
  'account.updated': [1],
  'account.closed': [1],
  'transaction.posted': [1, 2],
  'transaction.pending': [1],
  'transaction.captured': [1],
  'transaction.reversed': [1],
  'transaction.voided': [1],
  'transaction.expired': [1],
  'transaction.extended': [1],
  'exchange-rate.set': [1],
  'currency.added': [1],
  'period.closed': [1],
};

export class UnknownEventVersion extends Error {
  constructor(type: string, version: number) {
    super(`event type ${type} version ${version} is not known to this release`);
  }
}

/**
 * The version in which an event is written. A release that knew neither changes of currency nor back-dating would
 * read a posted transaction with one of them as if it had none: to that release it is of a version that it doesn't
 * know, so that it stops in front of it.
 */
export function versionOf(event: DomainEvent): number {
  if (event.type !== 'transaction.posted') return 1;
  const { exchanges, effectiveAt } = event.transaction;
  return exchanges === undefined && effectiveAt === undefined ? 1 : 2;
}

/** What the column transaction_id has: the transaction that the event makes or, of a hold, goes on with. */
export function transactionIdOf(event: DomainEvent): string | null {
  return isTransactionEvent(event) ? event.transaction.transactionId : null;
}

/** What the column effective_at has: when the transaction took effect, where that was before it was recorded. */
export function effectiveAtOf(event: DomainEvent, recordedAt: bigint): bigint {
  return (isTransactionEvent(event) ? event.transaction.effectiveAt : undefined) ?? recordedAt;
}

/** The data text of an event: JSON with every amount and time as a string. */
export function encodeEventData(event: DomainEvent): string {
  if (event.type === 'transaction.posted' && versionOf(event) === 1) return textOfTransfer(event.transaction);
  return JSON.stringify(encodedData(event));
}

function encodedData(event: DomainEvent): object {
  switch (event.type) {
    case 'account.opened':
    case 'account.updated':
    case 'account.closed':
      return { account: encodeAccount(event.account) };
    case 'transaction.posted':
      return encodeTransaction(event.transaction);
    case 'transaction.captured':
    case 'transaction.reversed':
      return { ...encodeTransaction(event.transaction), progressed: event.progressed.map(encodeProgressed) };
    case 'transaction.pending':
    case 'transaction.voided':
    case 'transaction.expired':
    case 'transaction.extended':
      return { ...encodeTransaction(event.transaction), progress: encodeProgress(event.progress) };
    case 'exchange-rate.set':
      return { from: event.from, to: event.to, rate: event.rate };
    case 'currency.added':
      return { code: event.code, exponent: event.exponent, name: event.name };
    case 'period.closed':
      return { through: event.through, closedBefore: formatTimestamp(event.closedBefore) };
  }
}

/** Reads an event back. Null where its data was erased; throws for a type or version of a later release. */
export function decodeEvent(
  recorded: Pick<RecordedEvent, 'type' | 'version' | 'dataText'>,
): DomainEvent | null {
  const { type, version, dataText } = recorded;
  if (!isKnownType(type) || !readVersions[type].includes(version))
    throw new UnknownEventVersion(type, version);
  return dataText === null ? null : decodedData(type, JSON.parse(dataText));
}

function decodedData(type: EventType, data: unknown): DomainEvent {
  switch (type) {
    case 'account.opened':
    case 'account.updated':
    case 'account.closed':
      return { type, account: decodeAccount((data as { account: EncodedAccount }).account) };
    case 'transaction.posted':
      return { type, transaction: decodeTransaction(data as EncodedTransaction) };
    case 'transaction.captured':
    case 'transaction.reversed': {
      const { progressed, ...transaction } = data as EncodedTransaction & {
        progressed: readonly EncodedProgressed[];
      };
      return {
        type,
        transaction: decodeTransaction(transaction),
        progressed: progressed.map(decodeProgressed),
      };
    }
    case 'transaction.pending':
    case 'transaction.voided':
    case 'transaction.expired':
    case 'transaction.extended': {
      const { progress, ...transaction } = data as EncodedTransaction & { progress: EncodedProgress };
      return { type, transaction: decodeTransaction(transaction), progress: decodeProgress(progress) };
    }
    case 'exchange-rate.set':
    case 'currency.added':
      return { type, ...(data as object) } as DomainEvent;
    case 'period.closed': {
      const { through, closedBefore } = data as { through: string; closedBefore: string };
      return { type, through, closedBefore: readTimestamp(closedBefore) };
    }
  }
}

function isKnownType(type: string): type is EventType {
  return Object.hasOwn(readVersions, type);
}
