import {
  availableBalance,
  postedBalance,
  type Account,
  type DomainEvent,
  type Leg,
  type PostedTransaction,
} from '#domain';
import { decodeEvent, type RecordedEvent } from '#journal';
import { formatTimestamp } from '#platform';
import type { EntryRow } from '../accounts/list-entries.js';
import { accountIdOf, eventIdOf, ledgerIdOf, transactionIdOf } from './ids.js';

/** Who reads: a key bound to an owner sees its own side of things, one bound to none sees all. */
export interface Reader {
  readonly ownerId: string | null;
}

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
      return presentErased(resource.recorded);
    case 'entry':
      return presentEntry(resource.entry, reader);
    case 'event':
      return presentEvent(resource.recorded, reader);
  }
}

function presentAccount(account: Account, reader: Reader) {
  const isShownWhole = reader.ownerId === null || reader.ownerId === account.ownerId;
  return {
    id: account.system ?? accountIdOf(account.id),
    name: account.name,
    currency: account.currency,
    visibility: account.visibility,
    externalId: account.externalId,
    ownerId: account.ownerId,
    status: account.status,
    ...(isShownWhole ? { balance: balancesOf(account) } : {}),
    minBalance: account.minBalance?.toString() ?? null,
    maxBalance: account.maxBalance?.toString() ?? null,
    version: account.version,
    metadata: account.metadata,
    createdAt: formatTimestamp(account.createdAt),
    updatedAt: formatTimestamp(account.updatedAt),
  };
}

function balancesOf(account: Account) {
  return {
    posted: postedBalance(account).toString(),
    available: availableBalance(account).toString(),
    pendingIn: account.pendingCredits.toString(),
    pendingOut: account.pendingDebits.toString(),
  };
}

function presentBalance({ account, position, asOf }: Extract<Resource, { kind: 'balance' }>) {
  return {
    accountId: account.system ?? accountIdOf(account.id),
    currency: account.currency,
    ...balancesOf(account),
    version: account.version,
    position: position.toString(),
    asOf: formatTimestamp(asOf),
  };
}

function presentTransaction(record: TransactionRecord, withBalances: boolean, reader: Reader) {
  const { transaction, position, recordedAt } = record;
  const shown = transaction.legs.map((leg) => shownAccount(leg, reader));
  const postings = postingsOf(transaction.legs, shown);
  const single = postings.length === 1 ? postings[0] : undefined;
  return {
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
    ...(withBalances ? { balances: balancesAfter(transaction.legs, shown, reader) } : {}),
    position: position.toString(),
    createdAt: formatTimestamp(recordedAt),
  };
}

function presentErased({ transactionId, position, recordedAt }: RecordedEvent) {
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
    position: position.toString(),
    createdAt: formatTimestamp(recordedAt),
  };
}

type Shown = readonly (string | null)[];

function postingsOf(legs: readonly Leg[], shown: Shown) {
  const postings = [];
  for (let index = 0; index + 1 < legs.length; index += 2) {
    const debit = legs[index]!;
    postings.push({
      sender: shown[index],
      recipient: shown[index + 1],
      amount: debit.amount.toString(),
      currency: debit.currency,
    });
  }
  return postings;
}

/** Another owner's private account is not told even by its id. */
function shownAccount(leg: Pick<Leg, 'accountId' | 'system' | 'ownerId' | 'visibility'>, reader: Reader) {
  if (leg.system !== null) return leg.system;
  const isHidden = reader.ownerId !== null && leg.ownerId !== reader.ownerId && leg.visibility === 'private';
  return isHidden ? null : accountIdOf(leg.accountId);
}

/** One line per account, as it is after its last leg; to an owner only those of their own accounts. */
function balancesAfter(legs: readonly Leg[], shown: Shown, reader: Reader) {
  const lastLegs = new Map(legs.map((leg) => [leg.accountId, leg]));
  return [...lastLegs.values()]
    .filter((leg) => reader.ownerId === null || leg.ownerId === reader.ownerId)
    .map((leg) => ({
      accountId: shown[leg.leg - 1],
      posted: leg.posted.toString(),
      available: leg.available.toString(),
      version: leg.version,
    }));
}

function presentEntry(entry: EntryRow, reader: Reader) {
  return {
    id: `${eventIdOf(entry.eventId)}.${entry.leg}`,
    transactionId: transactionIdOf(entry.transactionId),
    direction: entry.direction,
    amount: entry.amount.toString(),
    balanceAfter: entry.balanceAfter.toString(),
    entryNumber: entry.entryNumber,
    counterparty: shownAccount(entry.counterparty, reader),
    reference: entry.reference,
    createdAt: formatTimestamp(entry.recordedAt),
  };
}

/** An event with every field that its hash covers; to an owner without what could tell of others. */
function presentEvent(recorded: RecordedEvent, reader: Reader) {
  const isWhole = reader.ownerId === null;
  return {
    ledgerId: ledgerIdOf(recorded.ledgerId),
    epoch: recorded.epoch,
    position: recorded.position.toString(),
    id: eventIdOf(recorded.id),
    type: recorded.type,
    version: recorded.version,
    transactionId: recorded.transactionId === null ? null : transactionIdOf(recorded.transactionId),
    data: presentEventData(recorded, reader),
    actor: isWhole ? recorded.actor : null,
    idempotencyKey: isWhole ? recorded.idempotencyKey : null,
    requestHash: isWhole ? (recorded.requestHash?.toString('hex') ?? null) : null,
    recordedAt: formatTimestamp(recorded.recordedAt),
    effectiveAt: formatTimestamp(recorded.effectiveAt),
    dataText: isWhole ? recorded.dataText : null,
    dataSalt: isWhole ? (recorded.dataSalt?.toString('hex') ?? null) : null,
    dataHash: recorded.dataHash.toString('hex'),
    hash: recorded.hash.toString('hex'),
  };
}

function presentEventData(recorded: RecordedEvent, reader: Reader) {
  const event: DomainEvent | null = decodeEvent(recorded);
  if (event === null) return null;
  if (event.type !== 'transaction.posted') return presentAccount(event.account, reader);
  const { position, recordedAt } = recorded;
  return presentTransaction({ transaction: event.transaction, position, recordedAt }, true, reader);
}
