import { renderAccount, type AccountState } from './account.js';
import type { EnvelopeLeg } from './envelope.js';
import type { JournalRecord } from './journal-record.js';
import { renderTransaction, type TransactionState } from './transaction.js';
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
  | { readonly kind: 'transaction'; readonly transaction: TransactionState };

type StoredAccount = AccountState & { readonly createdAt: string; readonly updatedAt: string };

const readAccount = (text: string): EventContent => ({
  kind: 'account',
  account: (JSON.parse(text) as { account: StoredAccount }).account,
});

const readTransaction = (text: string): EventContent => ({
  kind: 'transaction',
  transaction: JSON.parse(text) as TransactionState,
});

/** Every type of event that is known, and in which version. */
const known = {
  'account.opened': { version: 1, read: readAccount },
  'account.updated': { version: 1, read: readAccount },
  'account.closed': { version: 1, read: readAccount },
  'transaction.posted': { version: 1, read: readTransaction },
} as const;

export type EventTypeName = keyof typeof known;

type StoredData = Pick<JournalRecord, 'type' | 'version' | 'dataText'>;

/** Null where the data was erased; throws UnknownEventVersion for a type or version of a later release. */
export function readEventContent({ type, version, dataText }: StoredData): EventContent | null {
  if (!isKnown(type) || known[type].version !== version) throw new UnknownEventVersion(type, version);
  return dataText === null ? null : known[type].read(dataText);
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
  switch (content?.kind) {
    case undefined:
      return null;
    case 'account':
      return renderAccount(content.account, content.account, reader);
    case 'transaction':
      return renderTransaction(content.transaction, recorded, true, reader);
  }
}

export function legsOf(content: EventContent | null): EnvelopeLeg[] {
  switch (content?.kind) {
    case undefined:
      return [];
    case 'account':
      return [accountLeg(content.account)];
    case 'transaction':
      return content.transaction.legs.map((leg) => ({
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
      }));
  }
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
