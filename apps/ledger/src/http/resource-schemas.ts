import {
  accountReference,
  accountSchema,
  amount,
  balanceAfterSchema,
  balanceProperties,
  balancesAfter,
  currency,
  currencySchema,
  eventTypes,
  exchangeRateSchema,
  metadata,
  optionalTransactionProperties,
  periodSchema,
  postingSchema,
  signedAmount,
  transactionProperties,
} from '#contracts';
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
  typeIdPattern,
  type SchemaObject,
} from '#openapi';
import { accessSchemas } from './access-schemas.js';
import { exampleIds, sha256 } from './schema-parts.js';

/** What the API answers with, as present() renders it; the end-to-end test holds the two together. */
const balance = object(
  {
    accountId: accountReference('Whose balance it is'),
    currency: currency(),
    ...balanceProperties,
    version: count("The account's version", 3),
    position: position("The ledger's position at which it was so"),
    asOf: time('When it was read'),
  },
  'What is on an account.',
);

const transactionParts = transactionProperties(ref('Posting'));

/** Of a transaction whose data was erased, that it was is all that is left. */
const erasableParts = {
  ...transactionParts,
  type: nullable({ ...transactionParts.type, description: 'What kind of movement; null once erased' }),
  metadata: nullable({ ...metadata, description: 'What the client has put there; null once erased' }, {}),
};

const balanceAt = object(
  {
    accountId: accountReference('Whose balance it is'),
    currency: currency(),
    posted: signedAmount('What had settled by then: credits minus debits', '1000'),
    position: position("The ledger's position by then; 0 before its first event"),
    asOf: time('The time that was asked for'),
  },
  'What was on an account at a time.',
);

const entryProperties = {
  id: text('`<event id>.<leg>`, legs from 1, the debit first', `${exampleIds.event}.1`),
  transactionId: typeId('txn', 'The transaction that it is of', exampleIds.transaction),
  direction: choice(['debit', 'credit'], 'debit: money left the account'),
  amount: amount('How much', '250'),
  balanceAfter: signedAmount('What had settled on the account after it', '750'),
  entryNumber: count("Counts the account's entries from 1, without a gap", 2),
  counterparty: nullable(
    accountReference('The other side; null where the reader may not know', exampleIds.otherAccount),
  ),
  reference: transactionParts.reference,
  createdAt: time('When it was recorded'),
};

const entry = object(entryProperties, 'One side of a posting: a line of the statement.');

const statementLine = object(
  { ...entryProperties, effectiveAt: time('When it took effect') },
  'One side of a posting; balanceAfter is in the order of the statement.',
);

const statement = object(
  {
    accountId: accountReference('Whose statement it is'),
    from: time('Its beginning, which is included', '2026-01-01T00:00:00.000000Z'),
    to: time('Its end, which is not', '2026-02-01T00:00:00.000000Z'),
    openingBalance: signedAmount('What had settled before', '1000'),
    lines: listOf('StatementLine', 'Oldest first'),
    closingBalance: signedAmount('The opening balance and all lines', '750'),
  },
  'What happened on an account in a period.',
);

const event = object(
  {
    ledgerId: typeId('ldg', 'The ledger', exampleIds.ledger),
    epoch: count('How often the ledger was restored, plus one', 1),
    position: position('Its place in the journal, from 1, without a gap'),
    id: typeId('evt', 'Its id', exampleIds.event),
    type: choice(
      eventTypes.map(({ type }) => type),
      'What happened; later releases add types',
    ),
    version: count('The version of this type of event', 1),
    transactionId: nullable(typeId('txn', 'The transaction that it is of', exampleIds.transaction)),
    data: {
      description:
        'The transaction, the account or the setting as it is after the event, by type; null once it was erased, ' +
        'and a setting’s for readers who are bound to an owner',
      anyOf: [
        ...['WrittenTransaction', 'Account', 'ExchangeRate', 'Currency', 'ClosedPeriod'].map(ref),
        { type: 'null' },
      ],
    },
    actor: nullable(
      text('The key that was used; ledger where a hold has expired by itself', exampleIds.key, {
        pattern: `${typeIdPattern('key')}|^ledger$`,
      }),
    ),
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
  Account: accountSchema,
  Balance: balance,
  BalanceAt: balanceAt,
  Transaction: object(
    erasableParts,
    'Money that moved or is held, all of its postings or none.',
    optionalTransactionProperties,
  ),
  WrittenTransaction: object(
    { ...transactionParts, balances: balancesAfter(ref('BalanceAfter')) },
    'A transaction, with the balances that it led to.',
    optionalTransactionProperties,
  ),
  BalanceAfter: balanceAfterSchema,
  Posting: postingSchema,
  Entry: entry,
  Statement: statement,
  StatementLine: statementLine,
  ExchangeRate: exchangeRateSchema,
  Currency: currencySchema,
  ClosedPeriod: periodSchema,
  Event: event,
  TrialBalanceLine: trialBalanceLine,
  ...accessSchemas,
} satisfies Record<string, SchemaObject>;

export type ResourceName = keyof typeof resourceSchemas;
