import { renderAccount, type AccountState } from './account.js';
import type { EnvelopeLeg } from './envelope.js';
import type { JournalRecord } from './journal-record.js';
import type { Leg, TransactionState } from './postings.js';
import type { ProgressState } from './progress.js';
import {
  renderCurrency,
  renderExchangeRate,
  renderPeriod,
  type CurrencyState,
  type ExchangeRateState,
  type PeriodState,
} from './settings.js';
import { renderTransaction } from './transaction.js';
import { accountIdOf } from './type-ids.js';
import type { Reader } from './visibility.js';

export class UnknownEventVersion extends Error {
  constructor(type: string, version: number) {
    super(`event type ${type} version ${version} is not known to this release`);
  }
}

/** What the journal stores of an event of each type, read. The text is what libs/journal wrote. */
export type EventContent =
  | { readonly kind: 'account'; readonly account: StoredAccount }
  | TransactionContent
  /** Of the ledger as a whole: it touches no account. */
  | { readonly kind: 'setting'; readonly render: (recorded: Dated) => RenderedSetting };

interface TransactionContent {
  readonly kind: 'transaction';
  readonly transaction: TransactionState;
  /** How far it had come; null for what has only just been posted. */
  readonly progress: ProgressState | null;
  /** Of a capture: how far its hold had come. */
  readonly hold: ProgressState | null;
  /** Whether its legs are entries of their accounts; those of a hold only say what is pending. */
  readonly isPosted: boolean;
}

type StoredAccount = AccountState & { readonly createdAt: string; readonly updatedAt: string };
type StoredHold = TransactionState & { readonly progress: ProgressState };
type StoredPosted = TransactionState & {
  readonly progressed?: readonly { readonly transactionId: string; readonly progress: ProgressState }[];
};

const readAccount = (text: string): EventContent => ({
  kind: 'account',
  account: (JSON.parse(text) as { account: StoredAccount }).account,
});

const readPosted = (text: string): EventContent => {
  const transaction = JSON.parse(text) as StoredPosted;
  const { parentId, progressed = [] } = transaction;
  const hold = progressed.find(({ transactionId }) => transactionId === parentId)?.progress ?? null;
  return { kind: 'transaction', transaction, progress: null, hold, isPosted: true };
};

const readHold = (text: string): EventContent => {
  const transaction = JSON.parse(text) as StoredHold;
  return {
    kind: 'transaction',
    transaction,
    progress: transaction.progress,
    hold: null,
    isPosted: false,
  };
};

type RenderedSetting = ReturnType<typeof renderExchangeRate | typeof renderCurrency | typeof renderPeriod>;

const readExchangeRate = (text: string): EventContent => {
  const exchangeRate = JSON.parse(text) as ExchangeRateState;
  return { kind: 'setting', render: (recorded) => renderExchangeRate(exchangeRate, recorded) };
};

const readCurrency = (text: string): EventContent => {
  const currency = JSON.parse(text) as CurrencyState;
  return { kind: 'setting', render: (recorded) => renderCurrency(currency, recorded) };
};

const readPeriod = (text: string): EventContent => {
  const period = JSON.parse(text) as PeriodState;
  return { kind: 'setting', render: (recorded) => renderPeriod(period, recorded) };
};

interface Known {
  readonly versions: readonly number[];
  readonly read: (text: string) => EventContent;
}

/** Every type of event that is known, and in which versions. */
const known = {
  'account.opened': { versions: [1], read: readAccount },
  'account.updated': { versions: [1], read: readAccount },
  'account.closed': { versions: [1], read: readAccount },
  'transaction.posted': { versions: [1, 2], read: readPosted },
  'transaction.pending': { versions: [1], read: readHold },
  'transaction.captured': { versions: [1], read: readPosted },
  'transaction.reversed': { versions: [1], read: readPosted },
  'transaction.voided': { versions: [1], read: readHold },
  'transaction.expired': { versions: [1], read: readHold },
  'transaction.extended': { versions: [1], read: readHold },
  'exchange-rate.set': { versions: [1], read: readExchangeRate },
  'currency.added': { versions: [1], read: readCurrency },
  'period.closed': { versions: [1], read: readPeriod },
} as const satisfies Record<string, Known>;

export type EventTypeName = keyof typeof known;

type StoredData = Pick<JournalRecord, 'type' | 'version' | 'dataText'>;

/** Null where the data was erased; throws UnknownEventVersion for a type or version of a later release. */
export function readEventContent({ type, version, dataText }: StoredData): EventContent | null {
  const found: Known | undefined = isKnown(type) ? known[type] : undefined;
  if (!found?.versions.includes(version)) throw new UnknownEventVersion(type, version);
  return dataText === null ? null : found.read(dataText);
}

function isKnown(type: string): type is EventTypeName {
  return Object.hasOwn(known, type);
}

type Dated = Pick<JournalRecord, 'position' | 'recordedAt'>;

/** The resource that an event is about, as it is after it: `data` of the event feed, of Kafka and of webhooks. */
export function renderEventData(record: StoredData & Dated, reader: Reader) {
  return renderContent(readEventContent(record), record, reader);
}

export function renderContent(content: EventContent | null, recorded: Dated, reader: Reader) {
  if (content === null) return null;
  switch (content.kind) {
    case 'account':
      return renderAccount(content.account, content.account, reader);
    case 'transaction':
      return renderTransaction(content.transaction, recorded, { ...content, withBalances: true }, reader);
    case 'setting':
      return reader.ownerId === null ? content.render(recorded) : null;
  }
}

export function legsOf(content: EventContent | null): EnvelopeLeg[] {
  switch (content?.kind) {
    case 'account':
      return [accountLeg(content.account)];
    case 'transaction':
      return content.transaction.legs.map(transactionLeg);
    case 'setting':
    case undefined:
      return [];
  }
}

function transactionLeg(leg: Leg): EnvelopeLeg {
  return {
    leg: leg.leg,
    accountId: accountIdOf(leg.accountId),
    system: leg.system,
    ownerId: leg.ownerId,
    visibility: leg.visibility,
    direction: leg.direction,
    currency: leg.currency,
    amount: leg.amount.toString(),
    posted: leg.posted.toString(),
    pendingIn: leg.pendingIn.toString(),
    pendingOut: leg.pendingOut.toString(),
    available: leg.available.toString(),
    version: leg.version,
    entryNumber: leg.entryNumber,
  };
}

/** It moves nothing, but tells whose account it is. */
function accountLeg(account: AccountState): EnvelopeLeg {
  return {
    leg: 1,
    accountId: accountIdOf(account.id),
    system: account.system,
    ownerId: account.ownerId,
    visibility: account.visibility,
    direction: null,
    currency: account.currency,
    amount: null,
    posted: null,
    pendingIn: null,
    pendingOut: null,
    available: null,
    version: account.version,
    entryNumber: account.entryNumber,
  };
}
