import type { EventTypeName } from './event-content.js';
import type { JournalRecord } from './journal-record.js';
import { exampleIds } from './schema-parts.js';
import { decodeTypeId } from './type-ids.js';

const uuidOf = (id: string) => decodeTypeId(id.slice(0, 3), id)!;

const openedAt = '2026-01-30T17:02:11.000482Z';
const updatedAt = '2026-01-31T08:02:45.730164Z';
const paidAt = '2026-01-31T09:15:27.482913Z';
const closedAt = '2026-02-14T18:40:03.115270Z';

/** Alice's account as the journal stores it. */
const alice = {
  id: uuidOf(exampleIds.account),
  system: null,
  name: 'Alice',
  currency: 'EUR',
  visibility: 'private',
  externalId: 'user-17',
  ownerId: 'alice',
  status: 'open',
  minBalance: '0',
  maxBalance: null,
  metadata: { tier: 'gold' },
  postedDebits: '0',
  postedCredits: '0',
  pendingDebits: '0',
  pendingCredits: '0',
  version: 1,
  settingsVersion: 1,
  entryNumber: 0,
  createdAt: openedAt,
  updatedAt: openedAt,
};

const limited = {
  ...alice,
  maxBalance: '100000',
  postedCredits: '1000',
  version: 3,
  settingsVersion: 2,
  entryNumber: 1,
  updatedAt,
};

const closed = {
  ...limited,
  status: 'closed',
  postedDebits: '1000',
  version: 6,
  settingsVersion: 3,
  entryNumber: 3,
  updatedAt: closedAt,
};

const leg = {
  system: null,
  visibility: 'private',
  amount: '250',
  currency: 'EUR',
  pendingIn: '0',
  pendingOut: '0',
};

/** Alice, who has 1000, pays Bob 250. */
const payment = {
  transactionId: uuidOf(exampleIds.transaction),
  type: 'transfer',
  reference: 'Lunch',
  externalId: 'order-8',
  metadata: {},
  legs: [
    {
      ...leg,
      leg: 1,
      accountId: uuidOf(exampleIds.account),
      ownerId: 'alice',
      direction: 'debit',
      posted: '750',
      available: '750',
      version: 4,
      entryNumber: 2,
    },
    {
      ...leg,
      leg: 2,
      accountId: uuidOf(exampleIds.otherAccount),
      ownerId: 'bob',
      direction: 'credit',
      posted: '250',
      available: '250',
      version: 2,
      entryNumber: 1,
    },
  ],
};

function recordOf(type: EventTypeName, position: string, data: object, recordedAt: string): JournalRecord {
  return {
    ledgerId: uuidOf(exampleIds.ledger),
    epoch: 1,
    position,
    id: uuidOf(exampleIds.event),
    type,
    version: 1,
    transactionId: type === 'transaction.posted' ? payment.transactionId : null,
    dataText: JSON.stringify(data),
    recordedAt,
    hash: 'd'.repeat(64),
  };
}

/** One event of each type, as the journal has it. */
export const exampleRecords: Readonly<Record<EventTypeName, JournalRecord>> = {
  'account.opened': recordOf('account.opened', '12', { account: alice }, openedAt),
  'account.updated': recordOf('account.updated', '15', { account: limited }, updatedAt),
  'account.closed': recordOf('account.closed', '42', { account: closed }, closedAt),
  'transaction.posted': recordOf('transaction.posted', '17', payment, paidAt),
};
