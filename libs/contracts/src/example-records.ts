import type { EventTypeName } from './event-content.js';
import {
  authorised,
  authorisedAt,
  captured,
  exchanged,
  expired,
  extended,
  payment,
  refunded,
  uuidOf,
  voided,
} from './example-transactions.js';
import type { JournalRecord } from './journal-record.js';
import { exampleIds } from './schema-parts.js';

const openedAt = '2026-01-30T17:02:11.000482Z';
const updatedAt = '2026-01-31T08:02:45.730164Z';
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
  postedDebits: '1025',
  postedCredits: '1025',
  version: 12,
  settingsVersion: 3,
  entryNumber: 5,
  updatedAt: closedAt,
};

const rate = { from: 'EUR', to: 'USD', rate: '1.0837' };
const miles = { code: 'MILES', exponent: 0, name: 'Bonus miles' };
const lastYear = { through: '2025-12-31', closedBefore: '2026-01-01T00:00:00.000000Z' };

function recordOf(
  type: EventTypeName,
  position: string,
  data: Readonly<Record<string, unknown>> & { readonly transactionId?: string },
  recordedAt: string,
): JournalRecord {
  return {
    ledgerId: uuidOf(exampleIds.ledger),
    epoch: 1,
    position,
    id: uuidOf(exampleIds.event),
    type,
    version: 1,
    transactionId: data.transactionId ?? null,
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
  'transaction.posted': recordOf('transaction.posted', '17', payment, '2026-01-31T09:15:27.482913Z'),
  'transaction.pending': recordOf(
    'transaction.pending',
    authorisedAt.position,
    authorised,
    authorisedAt.recordedAt,
  ),
  'transaction.captured': recordOf('transaction.captured', '20', captured, '2026-02-07T09:12:50.630582Z'),
  'transaction.reversed': recordOf('transaction.reversed', '22', refunded, '2026-02-08T14:27:33.057219Z'),
  'transaction.voided': recordOf('transaction.voided', '21', voided, '2026-02-07T09:13:04.981126Z'),
  'transaction.expired': recordOf('transaction.expired', '24', expired, '2026-02-09T20:00:00.143908Z'),
  'transaction.extended': recordOf('transaction.extended', '19', extended, '2026-02-06T16:31:09.004417Z'),
  'exchange-rate.set': recordOf('exchange-rate.set', '25', rate, '2026-02-10T07:00:01.300755Z'),
  'currency.added': recordOf('currency.added', '29', miles, '2026-02-11T08:45:16.772031Z'),
  'period.closed': recordOf('period.closed', '30', lastYear, '2026-02-12T06:30:00.519646Z'),
};

/** More of a type whose events differ. */
export const furtherExamples: readonly JournalRecord[] = [
  recordOf('transaction.posted', '28', exchanged, '2026-02-10T11:20:48.066174Z'),
];
