import {
  accountReference,
  amount,
  choice,
  count,
  currency,
  exchangeRate,
  metadata,
  nullable,
  object,
  position,
  signedAmount,
  text,
  time,
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

export const exchangeRateSchema = object(
  {
    from: currency('The currency of the sender'),
    to: { ...currency('The currency of the recipient'), examples: ['USD'] },
    rate: exchangeRate('How much of `to` one of `from` is'),
    position: position('Its place in the journal'),
    setAt: time('From when on it was used'),
  },
  'The rate at which the ledger changes one currency into another.',
);

export const currencySchema = object(
  {
    code: { ...currency('Its code, that of no other currency'), examples: ['MILES'] },
    exponent: {
      type: 'integer',
      minimum: 0,
      description: 'Decimals of its minor unit',
      examples: [0],
    },
    name: text('What people call it', 'Bonus miles'),
    createdAt: time('When it was added'),
  },
  "A currency of the ledger's own.",
);

export const periodSchema = object(
  {
    date: text('Up to when the books are closed, as it was asked for: a day or a moment', '2025-12-31'),
    closedBefore: time('Nothing can take effect before', '2026-01-01T00:00:00.000000Z'),
    position: position('Its place in the journal'),
    setAt: time('When they were closed'),
  },
  'Up to when the books are closed.',
);
