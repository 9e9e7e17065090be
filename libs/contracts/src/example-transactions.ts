import { exampleIds } from './schema-parts.js';
import { decodeTypeId } from './type-ids.js';

/** Transactions as the journal stores them: what happens in the examples between Alice, Bob and Carol. */

export const uuidOf = (id: string) => decodeTypeId(id.slice(0, 3), id)!;

const privately = { system: null, visibility: 'private' };
const alice = { ...privately, accountId: uuidOf(exampleIds.account), ownerId: 'alice', currency: 'EUR' };
const bob = { ...privately, accountId: uuidOf(exampleIds.otherAccount), ownerId: 'bob', currency: 'EUR' };
const carol = {
  ...privately,
  accountId: uuidOf('acc_01jd3v9phaen89t0868sc1vb5n'),
  ownerId: 'carol',
  currency: 'USD',
};
const exchangeOf = (id: string, currency: string) => ({
  accountId: uuidOf(id),
  system: 'EXCHANGE',
  ownerId: null,
  visibility: 'private',
  currency,
});
const euros = exchangeOf('acc_01jd3vaa9hfbhvsd81bxh1fy43', 'EUR');
const dollars = exchangeOf('acc_01jd3vay1red8bzycf7mfky34p', 'USD');

interface After {
  readonly posted: string;
  readonly pendingIn?: string;
  readonly pendingOut?: string;
  readonly available?: string;
  readonly version: number;
  readonly entryNumber: number;
}

/** An account and what is on it after its leg. */
type Side = readonly [account: typeof alice | typeof euros, after: After];

const posting = (amount: string, [sender, given]: Side, [recipient, taken]: Side) => [
  { ...sender, direction: 'debit', amount, ...balances(given) },
  { ...recipient, direction: 'credit', amount, ...balances(taken) },
];

const balances = (after: After) => ({ pendingIn: '0', pendingOut: '0', available: after.posted, ...after });

const transaction = (
  id: string,
  type: string,
  reference: string,
  postings: readonly ReturnType<typeof posting>[],
) => ({
  transactionId: uuidOf(id),
  type,
  reference,
  externalId: null,
  metadata: {},
  legs: postings.flat().map((leg, index) => ({ leg: index + 1, ...leg })),
});

/** Alice, who has 1000, pays Bob 250. */
export const payment = {
  ...transaction(exampleIds.transaction, 'transfer', 'Lunch', [
    posting(
      '250',
      [alice, { posted: '750', version: 4, entryNumber: 2 }],
      [bob, { posted: '250', version: 2, entryNumber: 1 }],
    ),
  ]),
  externalId: 'order-8',
};

const deposit = (amount: string, alicesAfter: After, bobsAfter: After) =>
  transaction(exampleIds.hold, 'transfer', 'Deposit', [
    posting(amount, [alice, alicesAfter], [bob, bobsAfter]),
  ]);

/** Where she did it. */
export const authorisedAt = { position: '18', recordedAt: '2026-01-31T10:00:00.218340Z' };
const until = '2026-02-07T10:00:00.000000Z';
const nothing = {
  status: 'pending',
  expiresAt: until,
  captured: ['0'],
  captures: 0,
  reversed: ['0'],
  reversals: [],
};

/** She has authorised Bob to take 100. */
export const authorised = {
  ...deposit(
    '100',
    { posted: '750', pendingOut: '100', available: '650', version: 5, entryNumber: 2 },
    { posted: '250', pendingIn: '100', version: 3, entryNumber: 1 },
  ),
  progress: nothing,
};

/** For a week more. */
const longer = { ...nothing, expiresAt: '2026-02-14T10:00:00.000000Z' };

export const extended = {
  ...deposit(
    '0',
    { posted: '750', pendingOut: '100', available: '650', version: 5, entryNumber: 2 },
    { posted: '250', pendingIn: '100', version: 3, entryNumber: 1 },
  ),
  held: ['100'],
  made: authorisedAt,
  progress: longer,
};

/** He takes 60 … */
const takenPartly = { ...longer, status: 'partially_captured', captured: ['60'], captures: 1 };

export const captured = {
  ...transaction(exampleIds.capture, 'capture', 'Deposit', [
    posting(
      '60',
      [alice, { posted: '690', pendingOut: '40', available: '650', version: 6, entryNumber: 3 }],
      [bob, { posted: '310', pendingIn: '40', version: 4, entryNumber: 2 }],
    ),
  ]),
  held: ['100'],
  parentId: uuidOf(exampleIds.hold),
  progressed: [{ transactionId: uuidOf(exampleIds.hold), progress: takenPartly }],
};

/** … and does without the other 40. */
const endedEarly = { ...takenPartly, status: 'voided' };

export const voided = {
  ...deposit(
    '40',
    { posted: '690', version: 7, entryNumber: 3 },
    { posted: '310', version: 5, entryNumber: 2 },
  ),
  held: ['100'],
  made: authorisedAt,
  progress: endedEarly,
};

/** Later he gives 25 back. */
export const refunded = {
  ...transaction(exampleIds.reversal, 'reversal', 'Deposit', [
    posting(
      '25',
      [bob, { posted: '285', version: 6, entryNumber: 3 }],
      [alice, { posted: '715', version: 8, entryNumber: 4 }],
    ),
  ]),
  reverses: uuidOf(exampleIds.hold),
  reason: 'Breakfast was not served',
  progressed: [
    {
      transactionId: uuidOf(exampleIds.hold),
      progress: { ...endedEarly, reversed: ['25'], reversals: [uuidOf(exampleIds.reversal)] },
    },
  ],
};

/** Another hold, of 80, that nobody has captured. */
export const expired = {
  ...transaction('txn_01jd3v8f0wfhqtbjsae4t6qxvc', 'transfer', 'Parking', [
    posting(
      '80',
      [alice, { posted: '715', version: 10, entryNumber: 4 }],
      [bob, { posted: '285', version: 8, entryNumber: 3 }],
    ),
  ]),
  held: ['80'],
  made: { position: '23', recordedAt: '2026-02-08T20:00:00.143908Z' },
  progress: { ...nothing, status: 'expired', expiresAt: '2026-02-09T20:00:00.000000Z' },
};

/** Bob pays Carol, who has dollars, 200 of his euros: 216.74 cents are 217. */
export const exchanged = {
  ...transaction('txn_01jd3v92s3fwjrzb2znjc4tvge', 'exchange', 'Books', [
    posting(
      '200',
      [bob, { posted: '85', version: 9, entryNumber: 4 }],
      [euros, { posted: '200', version: 2, entryNumber: 1 }],
    ),
    posting(
      '217',
      [dollars, { posted: '-217', version: 2, entryNumber: 1 }],
      [carol, { posted: '217', version: 2, entryNumber: 1 }],
    ),
  ]),
  exchanges: [{ posting: 0, rate: '1.0837' }],
};
