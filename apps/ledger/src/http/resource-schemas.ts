import { listedStatuses, listedTypes } from '../transactions/transaction-queries.js';
import {
  choice,
  count,
  listOf,
  nullable,
  object,
  position,
  ref,
  text,
  time,
  typeId,
  type SchemaObject,
} from '#openapi';
import {
  accountReference,
  accountStatus,
  amount,
  currency,
  exampleIds,
  metadata,
  sha256,
  signedAmount,
  visibility,
} from './schema-parts.js';

/** What the API answers with, as present() renders it; the end-to-end test holds the two together. */
const externalId = nullable(text("The client's own id of it, unique in the ledger", 'order-8'));
const reference = nullable(text("The client's own text, which lists can search", 'Lunch'));

const balances = {
  posted: signedAmount('What has settled: credits minus debits', '1000'),
  available: signedAmount('What may still leave: posted − pendingOut − minBalance', '1000'),
  pendingIn: amount('What is held for it by others', '0'),
  pendingOut: amount('What is held of it for others', '0'),
};

const account = object(
  {
    id: accountReference('Its id; the name for a system account'),
    name: text('What people call it', 'Alice'),
    currency: currency(),
    visibility,
    externalId: nullable(text("The client's own id of it, unique in the ledger", 'user-17')),
    ownerId: nullable(text('Whose it is', 'alice')),
    status: accountStatus,
    balance: object(balances, 'Left out where the reader may see the account and not its money'),
    minBalance: nullable(signedAmount('The least that must stay; null for no limit', '0')),
    maxBalance: nullable(signedAmount('The most that it may hold; null for no limit', '1000'), null),
    version: count('Grows by one with every change of any kind, money included', 3),
    metadata,
    createdAt: time('When it was opened', '2026-01-30T17:02:11.000482Z'),
    updatedAt: time('When it last changed in any way'),
  },
  'Money of one currency, with its limits.',
  ['balance'],
);

const balance = object(
  {
    accountId: accountReference('Whose balance it is'),
    currency: currency(),
    ...balances,
    version: count("The account's version", 3),
    position: position("The ledger's position at which it was so"),
    asOf: time('When it was read'),
  },
  'What is on an account.',
);

const posting = object(
  {
    sender: nullable(accountReference('Who gave; null where the reader may not know')),
    recipient: nullable(
      accountReference('Who took; null where the reader may not know', exampleIds.otherAccount),
    ),
    amount: amount('How much', '250'),
    currency: currency(),
  },
  'One movement between two accounts.',
);

const several = 'null where there are several postings, or where the reader may not know';
const transactionParts = {
  id: typeId('txn', 'Its id', exampleIds.transaction),
  type: nullable(
    choice(listedTypes, 'This release writes transfer, mint and burn; null once the data was erased'),
  ),
  status: choice(listedStatuses, 'How far it has come; posted is settled, and all that this release writes'),
  sender: nullable(accountReference(`Who gave; ${several}`)),
  recipient: nullable(accountReference(`Who took; ${several}`, exampleIds.otherAccount)),
  amount: nullable(amount('How much; null where there are several postings', '250')),
  currency: nullable(currency('The code of the currency; null where there are several postings')),
  reference,
  externalId,
  metadata: nullable({ ...metadata, description: 'What the client has put there; null once erased' }, {}),
  postings: listOf('Posting', 'What it moved, in order; empty once the data was erased'),
  meta: object(
    { exchangeRate: text('Only where the currencies differ') },
    'What the ledger adds to the request',
    ['exchangeRate'],
  ),
  position: position('Its place in the journal'),
  createdAt: time('When it was recorded'),
};

const writtenTransaction = object(
  {
    ...transactionParts,
    balances: listOf('BalanceAfter', 'The accounts touched as they were right after it, as far as readable'),
  },
  'A transaction, with the balances that it led to.',
);

const balanceAfter = object(
  {
    accountId: accountReference('Whose balance it is'),
    posted: signedAmount('What had settled', '750'),
    available: signedAmount('What might still leave', '750'),
    version: count("The account's version", 4),
  },
  'An account right after a transaction.',
);

const entry = object(
  {
    id: text('`<event id>.<leg>`, legs from 1, the debit first', `${exampleIds.event}.1`),
    transactionId: typeId('txn', 'The transaction that it is of', exampleIds.transaction),
    direction: choice(['debit', 'credit'], 'debit: money left the account'),
    amount: amount('How much', '250'),
    balanceAfter: signedAmount('What had settled on the account after it', '750'),
    entryNumber: count("Counts the account's entries from 1, without a gap", 2),
    counterparty: nullable(
      accountReference('The other side; null where the reader may not know', exampleIds.otherAccount),
    ),
    reference,
    createdAt: time('When it was recorded'),
  },
  'One side of a posting: a line of the statement.',
);

const event = object(
  {
    ledgerId: typeId('ldg', 'The ledger', exampleIds.ledger),
    epoch: count('How often the ledger was restored, plus one', 1),
    position: position('Its place in the journal, from 1, without a gap'),
    id: typeId('evt', 'Its id', exampleIds.event),
    type: choice(
      ['transaction.posted', 'account.opened', 'account.updated', 'account.closed'],
      'What happened; later releases add types',
    ),
    version: count('The version of this type of event', 1),
    transactionId: nullable(typeId('txn', 'The transaction that it is of', exampleIds.transaction)),
    data: {
      description:
        'The transaction, or the account as it is after the event, by type; null once it was erased',
      anyOf: [ref('WrittenTransaction'), ref('Account'), { type: 'null' }],
    },
    actor: nullable(typeId('key', 'The key that was used', exampleIds.key)),
    idempotencyKey: nullable(text('The Idempotency-Key of the request', 'order-8-payment')),
    requestHash: nullable(sha256('SHA-256 of the request, where it had a key', 'c')),
    recordedAt: time('When it was recorded'),
    effectiveAt: time('When it counts from'),
    dataText: nullable(text('The exact text that dataHash covers; null once it was erased', '{"…":"…"}')),
    dataSalt: nullable(sha256('What dataHash is salted with; null once it was erased', 'a')),
    dataHash: sha256('SHA-256 of dataSalt and dataText', 'b'),
    hash: sha256('SHA-256 over the event before and every field of this one', 'd'),
  },
  'A fact of the journal. It never changes; at most its data is erased.',
);

const trialBalanceLine = object(
  {
    currency: currency(),
    debits: amount('All that was ever debited', '1250'),
    credits: amount('All that was ever credited', '1250'),
    difference: signedAmount('credits − debits: anything but "0" is a broken ledger', '0'),
    accounts: count('Accounts of this currency, system accounts counted', 3),
  },
  'The sums of one currency.',
);

/** The things that the API shows, by the names that they have in the contract. */
export const resourceSchemas = {
  Account: account,
  Balance: balance,
  Transaction: object(transactionParts, 'Money that moved, all of its postings or none.'),
  WrittenTransaction: writtenTransaction,
  BalanceAfter: balanceAfter,
  Posting: posting,
  Entry: entry,
  Event: event,
  TrialBalanceLine: trialBalanceLine,
} satisfies Record<string, SchemaObject>;

export type ResourceName = keyof typeof resourceSchemas;
