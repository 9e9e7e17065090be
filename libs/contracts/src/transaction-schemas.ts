import {
  accountReference,
  amount,
  choice,
  count,
  currency,
  exampleIds,
  exchangeRate,
  listOf,
  metadata,
  nullable,
  object,
  position,
  signedAmount,
  text,
  time,
  typeId,
  withoutExample,
  type JsonSchema,
} from './schema-parts.js';

export const postingSchema = object(
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

export const balanceAfterSchema = object(
  {
    accountId: accountReference('Whose balance it is'),
    posted: signedAmount('What had settled', '750'),
    available: signedAmount('What might still leave', '750'),
    version: count("The account's version", 4),
  },
  'An account right after a transaction.',
);

export const transactionTypes = ['transfer', 'mint', 'burn', 'exchange', 'capture', 'reversal'] as const;
export const transactionStatuses = ['posted', 'pending', 'partially_captured', 'voided', 'expired'] as const;

const several = 'null where there are several postings, or where the reader may not know';
const uncounted = 'null where its postings have several currencies';

const metaSchema: JsonSchema = {
  ...object(
    {
      exchangeRate: exchangeRate("The recipient's currency for one of the sender's"),
      convertedAmount: amount('What the recipient of the exchange got', '271'),
      exchanges: listOf(
        object(
          {
            posting: {
              type: 'integer',
              minimum: 0,
              description: 'Which of postings, from 0, went to EXCHANGE; the next one came from it',
              examples: [0],
            },
            exchangeRate: exchangeRate("The recipient's currency for one of the sender's"),
            convertedAmount: amount('What the recipient of the exchange got', '271'),
          },
          'One of several exchanges',
        ),
        'Instead of exchangeRate and convertedAmount, where there are several exchanges',
      ),
      rounding: choice(['half-even'], 'How convertedAmount was rounded'),
    },
    'What the ledger adds to the request: of an exchange, at which rate and to what; else nothing',
    ['exchangeRate', 'convertedAmount', 'exchanges', 'rounding'],
  ),
  examples: [{}],
};

/** What only holds, captures, reversals and what can be reversed have. */
const lifecycleProperties = {
  expiresAt: nullable(time('When what is left of the hold is released by itself; null for never')),
  capturedAmount: nullable(amount(`What was captured of the hold; ${uncounted}`, '60')),
  remainingAmount: nullable(amount(`What is still held; ${uncounted}`, '40')),
  parentId: typeId('txn', 'The hold that it is a capture of', exampleIds.hold),
  hold: object(
    {
      status: choice(transactionStatuses, 'How far the hold has come'),
      expiresAt: nullable(time('When what is left of the hold is released by itself; null for never')),
      capturedAmount: nullable(amount(`What was captured of it in all; ${uncounted}`, '60')),
      remainingAmount: nullable(amount(`What is still held; ${uncounted}`, '40')),
    },
    'The hold after it: in an answer to a write and an event as it was then, else as it is now',
  ),
  reverses: typeId('txn', 'The transaction that it gives back', exampleIds.hold),
  reason: nullable(text('Why it was given back', 'Breakfast was not served')),
  reversedAmount: nullable(amount(`What was given back of it; ${uncounted}`, '0')),
  reversals: {
    ...listOf(typeId('txn', 'A reversal', exampleIds.reversal), 'What gave it back, oldest first'),
    examples: [[]],
  },
};

type LifecycleProperty = keyof typeof lifecycleProperties;

const ofHolds: readonly LifecycleProperty[] = ['expiresAt', 'capturedAmount', 'remainingAmount'];
const ofCaptures: readonly LifecycleProperty[] = ['parentId', 'hold'];
const ofReversals: readonly LifecycleProperty[] = ['reverses', 'reason'];
const ofReversible: readonly LifecycleProperty[] = ['reversedAmount', 'reversals'];

/** Those of transactionProperties that not every transaction has. */
export const optionalTransactionProperties: readonly LifecycleProperty[] = [
  ...ofHolds,
  ...ofCaptures,
  ...ofReversals,
  ...ofReversible,
];

const commonProperties = (posting: JsonSchema) => ({
  id: typeId('txn', 'Its id', exampleIds.transaction),
  type: choice(transactionTypes, 'What kind of movement'),
  status: choice(
    transactionStatuses,
    'How far it has come: posted is settled; a hold is pending, and may be partially_captured, until it is posted, voided or expired',
  ),
  sender: nullable(accountReference(`Who gave; ${several}`)),
  recipient: nullable(accountReference(`Who took; ${several}`, exampleIds.otherAccount)),
  amount: nullable(
    amount("How much; of an exchange in the sender's currency; null where there are several postings", '250'),
  ),
  currency: nullable(currency('The code of the currency; null where there are several postings')),
  reference: nullable(text("The client's own text, which lists can search", 'Lunch')),
  externalId: nullable(text("The client's own id of it, unique in the ledger", 'order-8')),
  metadata,
  postings: listOf(posting, 'What it moved, in order; an exchange is two, through EXCHANGE'),
  meta: metaSchema,
});

const placeProperties = {
  effectiveAt: time('When it took effect: createdAt, or earlier'),
  position: position('Its place in the journal'),
  createdAt: time('When it was recorded'),
};

/**
 * As renderTransaction makes it, for any transaction and any reader.
 * @param posting is the schema of one, or a reference to it
 */
export const transactionProperties = (posting: JsonSchema) => ({
  ...commonProperties(posting),
  expiresAt: withoutExample(lifecycleProperties.expiresAt),
  capturedAmount: withoutExample(lifecycleProperties.capturedAmount),
  remainingAmount: withoutExample(lifecycleProperties.remainingAmount),
  parentId: withoutExample(lifecycleProperties.parentId),
  hold: withoutExample(lifecycleProperties.hold),
  reverses: withoutExample(lifecycleProperties.reverses),
  reason: withoutExample(lifecycleProperties.reason),
  reversedAmount: lifecycleProperties.reversedAmount,
  reversals: lifecycleProperties.reversals,
  ...placeProperties,
});

export const balancesAfter = (balanceAfter: JsonSchema) =>
  listOf(balanceAfter, 'The accounts touched as they were right after it, as far as readable');

/** The transaction of an event, which has all of these properties and none of the others that only some have. */
function transactionSchemaWith(description: string, properties: readonly LifecycleProperty[]): JsonSchema {
  const lifecycle = Object.fromEntries(properties.map((name) => [name, lifecycleProperties[name]]));
  return object(
    {
      ...commonProperties(postingSchema),
      ...lifecycle,
      ...placeProperties,
      balances: balancesAfter(balanceAfterSchema),
    },
    description,
  );
}

export const postedSchema = transactionSchemaWith(
  'A transaction, with the balances that it led to.',
  ofReversible,
);
export const holdSchema = transactionSchemaWith('A hold as it is after the event, with the balances then.', [
  ...ofHolds,
  ...ofReversible,
]);
export const captureSchema = transactionSchemaWith(
  'The capture, a transaction of its own, with the balances that it led to.',
  [...ofCaptures, ...ofReversible],
);
export const reversalSchema = transactionSchemaWith(
  'The reversal, a transaction of its own, with the balances that it led to.',
  ofReversals,
);
