import {
  accountReference,
  amount,
  choice,
  count,
  currency,
  exampleIds,
  listOf,
  metadata,
  nullable,
  object,
  position,
  signedAmount,
  text,
  time,
  typeId,
  type JsonSchema,
} from './schema-parts.js';

/** As renderBalances makes them. */
export const balanceProperties = {
  posted: signedAmount('What has settled: credits minus debits', '1000'),
  available: signedAmount('What may still leave: posted − pendingOut − minBalance', '1000'),
  pendingIn: amount('What is held for it by others', '0'),
  pendingOut: amount('What is held of it for others', '0'),
};

/** As renderAccount makes it, for any reader. */
export const accountSchema = object(
  {
    id: accountReference('Its id; the name for a system account'),
    name: text('What people call it', 'Alice'),
    currency: currency(),
    visibility: choice(['private', 'public', 'unlisted'], 'Who may see it'),
    externalId: nullable(text("The client's own id of it, unique in the ledger", 'user-17')),
    ownerId: nullable(text('Whose it is', 'alice')),
    status: choice(['open', 'frozen', 'closed'], 'A frozen or closed account neither gives nor takes'),
    balance: object(balanceProperties, 'Left out where the reader may see the account and not its money'),
    minBalance: nullable(signedAmount('The least that must stay; null for no limit', '0')),
    maxBalance: nullable(signedAmount('The most that it may hold; null for no limit', '100000')),
    version: count('Grows by one with every change of any kind, money included', 3),
    metadata,
    createdAt: time('When it was opened', '2026-01-30T17:02:11.000482Z'),
    updatedAt: time('When it last changed in any way'),
  },
  'Money of one currency, with its limits.',
  ['balance'],
);

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

/** Every type and status of the contract, those too that this release never writes. */
export const transactionTypes = ['transfer', 'mint', 'burn', 'exchange', 'capture', 'reversal'] as const;
export const transactionStatuses = ['posted', 'pending', 'partially_captured', 'voided', 'expired'] as const;

const several = 'null where there are several postings, or where the reader may not know';

/**
 * As renderTransaction makes it, for any reader.
 * @param posting is the schema of one, or a reference to it
 */
export const transactionProperties = (posting: JsonSchema) => ({
  id: typeId('txn', 'Its id', exampleIds.transaction),
  type: choice(transactionTypes, 'What kind of movement; this release writes transfer, mint and burn'),
  status: choice(
    transactionStatuses,
    'How far it has come; posted is settled, and all that this release writes',
  ),
  sender: nullable(accountReference(`Who gave; ${several}`)),
  recipient: nullable(accountReference(`Who took; ${several}`, exampleIds.otherAccount)),
  amount: nullable(amount('How much; null where there are several postings', '250')),
  currency: nullable(currency('The code of the currency; null where there are several postings')),
  reference: nullable(text("The client's own text, which lists can search", 'Lunch')),
  externalId: nullable(text("The client's own id of it, unique in the ledger", 'order-8')),
  metadata,
  postings: listOf(posting, 'What it moved, in order'),
  meta: object(
    { exchangeRate: text('Only where the currencies differ') },
    'What the ledger adds to the request',
    ['exchangeRate'],
  ),
  position: position('Its place in the journal'),
  createdAt: time('When it was recorded'),
});

export const balancesAfter = (balanceAfter: JsonSchema) =>
  listOf(balanceAfter, 'The accounts touched as they were right after it, as far as readable');

export const transactionSchema = object(
  { ...transactionProperties(postingSchema), balances: balancesAfter(balanceAfterSchema) },
  'A transaction, with the balances that it led to.',
);
