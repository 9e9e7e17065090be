import {
  accountIdOf,
  eventIdOf,
  isHidden,
  ledgerIdOf,
  renderAccount,
  renderBalances,
  renderCurrency,
  renderErasedTransaction,
  renderEventData,
  renderExchangeRate,
  renderPeriod,
  renderTransaction,
  transactionIdOf,
  transactionText,
  type CurrencyState,
  type ExchangeRateState,
  type ProgressState,
  type Reader,
  type TransactionState,
} from '#contracts';
import type { Account, Progress, Transaction } from '#domain';
import type { RecordedEvent } from '#journal';
import { formatTimestamp } from '#platform';
import type { EntryRow } from '../accounts/entry-row.js';
import type { BalanceAt } from '../accounts/get-balance-at.js';
import type { StatementLine } from '../accounts/statement-lines.js';

export interface TransactionRecord {
  readonly transaction: Transaction;
  readonly position: bigint;
  readonly recordedAt: bigint;
}

export interface TransactionResource {
  readonly kind: 'transaction';
  readonly record: TransactionRecord;
  /** How far it has come; null for one that is no hold and of which nothing was given back. */
  readonly progress: Progress | null;
  /** Of a capture: how far its hold has come. */
  readonly hold: Progress | null;
  readonly withBalances: boolean;
}

/** When something was set, and where the journal says so. */
interface SettingRecord {
  readonly position: bigint;
  readonly recordedAt: bigint;
}

/** What a ledger as a whole was told to be. */
export type SettingResource =
  | {
      readonly kind: 'exchange-rate';
      readonly exchangeRate: ExchangeRateState;
      readonly record: SettingRecord;
    }
  | { readonly kind: 'currency'; readonly currency: CurrencyState; readonly record: SettingRecord }
  | {
      readonly kind: 'period';
      readonly period: { readonly through: string; readonly closedBefore: bigint };
      readonly record: SettingRecord;
    };

export type Resource =
  | { readonly kind: 'account'; readonly account: Account }
  | { readonly kind: 'balance'; readonly account: Account; readonly position: bigint; readonly asOf: bigint }
  | TransactionResource
  /** A transaction whose data was erased: that it was, and how far it has come, is all that is left. */
  | { readonly kind: 'erased'; readonly recorded: RecordedEvent; readonly progress: Progress | null }
  | SettingResource
  | { readonly kind: 'balance-at'; readonly balance: BalanceAt }
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
      return presentTransaction(resource, reader);
    case 'erased':
      return presentErased(resource);
    case 'exchange-rate':
      return renderExchangeRate(resource.exchangeRate, timed(resource.record));
    case 'currency':
      return renderCurrency(resource.currency, timed(resource.record));
    case 'period':
      return presentPeriod(resource);
    case 'balance-at':
      return presentBalanceAt(resource.balance);
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

function presentTransaction(resource: TransactionResource, reader: Reader) {
  return renderTransaction(...transactionParts(resource), reader);
}

/** As JSON: what JSON.stringify makes of the same transaction presented. */
export function presentTransactionText(resource: TransactionResource, reader: Reader): string {
  return transactionText(...transactionParts(resource), reader);
}

function transactionParts({ record, progress, hold, withBalances }: TransactionResource) {
  const shown = { progress: progressState(progress), hold: progressState(hold), withBalances };
  return [transactionState(record.transaction), timed(record), shown] as const;
}

function presentErased({ recorded, progress }: Extract<Resource, { kind: 'erased' }>) {
  const times = { ...timed(recorded), effectiveAt: formatTimestamp(recorded.effectiveAt) };
  return renderErasedTransaction(recorded.transactionId, times, progressState(progress));
}

/** Times are texts to whoever renders; most transactions have none of their own. */
function transactionState(transaction: Transaction): TransactionState {
  type Plain = Omit<Transaction, 'effectiveAt' | 'made'>;
  const { effectiveAt, made } = transaction;
  // No copy: this is so for each transfer of a batch.
  if (effectiveAt === undefined && made === undefined) return transaction as Plain;
  return {
    ...(transaction as Plain),
    ...(effectiveAt === undefined ? {} : { effectiveAt: formatTimestamp(effectiveAt) }),
    ...(made === undefined ? {} : { made: timed(made) }),
  };
}

function progressState(progress: Progress | null): ProgressState | null {
  if (!progress) return null;
  const { expiresAt } = progress;
  return { ...progress, expiresAt: expiresAt === null ? null : formatTimestamp(expiresAt) };
}

function timed({ position, recordedAt }: Pick<RecordedEvent, 'position' | 'recordedAt'>) {
  return { position: position.toString(), recordedAt: formatTimestamp(recordedAt) };
}

function presentPeriod({ period, record }: Extract<Resource, { kind: 'period' }>) {
  const closedBefore = formatTimestamp(period.closedBefore);
  return renderPeriod({ through: period.through, closedBefore }, timed(record));
}

function presentBalanceAt({ account, posted, position, asOf }: BalanceAt) {
  return {
    accountId: account.system ?? accountIdOf(account.id),
    currency: account.currency,
    posted: posted.toString(),
    position: position.toString(),
    asOf: formatTimestamp(asOf),
  };
}

export function presentStatementLine(line: StatementLine, reader: Reader) {
  return { ...presentEntry(line, reader), effectiveAt: formatTimestamp(line.effectiveAt) };
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
