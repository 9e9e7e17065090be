import {
  accountWith,
  captureOf,
  draftOf,
  holdOf,
  idOf,
  moveOf,
  reversalOf,
  rootWith,
  settingsOf,
  systemIdOf,
  voidOf,
} from '../../../test/support/ledger-fixtures.js';
import { LedgerStory } from '../../../test/support/ledger-story.js';
import { postedBalance } from './accounts.js';
import { unboundCaller, type Caller } from './callers.js';
import type { CreateTransactionCommand, LedgerCommand } from './commands.js';
import { amountsOf, type PostingDraft } from './transactions.js';

const [alice, bob, carol, dave] = [idOf(1, 1), idOf(1, 2), idOf(1, 3), idOf(1, 4)] as const;
const [txn, c1, c2, r1, r2, r3, r4] = [1, 2, 3, 4, 5, 6, 7].map((n) => idOf(2, n)) as [
  string,
  string,
  string,
  string,
  string,
  string,
  string,
];

const world = () =>
  new LedgerStory([
    accountWith(alice, 100n),
    accountWith(bob, 0n),
    accountWith(carol, 0n),
    accountWith(dave, 0n),
    rootWith(-100n),
  ]);
const one = (sender: string, recipient: string, amount: bigint): PostingDraft => ({
  sender,
  recipient,
  amount,
});
const several = (...postings: PostingDraft[]): CreateTransactionCommand => {
  return { kind: 'create-transaction', draft: draftOf(txn, postings) };
};
const postedOf = (story: LedgerStory, ...ids: string[]) => ids.map((id) => postedBalance(story.account(id)));

describe('the event of a reversal', () => {
  it('is a transaction of its own, with the postings turned round', () => {
    const command = moveOf(txn, alice, bob, 100n, {
      reference: 'order 7',
      externalId: 'x',
      metadata: { a: 1 },
    });
    const { type, transaction, ...rest } = world()
      .tell(command)
      .lastOf(reversalOf(txn, r1, 30n, 'broken'));
    expect(type).toBe('transaction.reversed');
    expect(transaction).toMatchObject({
      transactionId: r1,
      type: 'reversal',
      reverses: txn,
      reason: 'broken',
      reference: 'order 7',
      externalId: null,
      metadata: {},
    });
    expect(transaction.legs).toMatchObject([
      { leg: 1, direction: 'debit', accountId: bob, amount: 30n, posted: 70n, version: 3, entryNumber: 2 },
      { leg: 2, direction: 'credit', accountId: alice, amount: 30n, posted: 30n, version: 3, entryNumber: 2 },
    ]);
    const progress = { status: 'posted', expiresAt: null, captured: [], captures: 0 };
    expect(rest).toEqual({
      progressed: [{ transactionId: txn, progress: { ...progress, reversed: [30n], reversals: [r1] } }],
    });
  });

  it('tells of a capture and of its hold, which share what was given back', () => {
    const story = world().tell(
      holdOf(txn, alice, bob, 100n),
      captureOf(txn, c1, 40n),
      captureOf(txn, c2, 30n),
    );
    story.tell(reversalOf(txn, r1, 10n));
    const event = story.lastOf(reversalOf(c1, r2, 25n));
    expect(event).toMatchObject({
      transaction: { reverses: c1 },
      progressed: [
        { transactionId: c1, progress: { status: 'posted', reversed: [25n], reversals: [r2] } },
        {
          transactionId: txn,
          progress: {
            status: 'partially_captured',
            captured: [70n],
            captures: 2,
            reversed: [35n],
            reversals: [r1, r2],
          },
        },
      ],
    });
  });
});

describe('a hold and its captures share one count of what was given back', () => {
  /** 100 held, 40 and 30 captured; then reversals of the hold or of a capture, and what is still left of each. */
  it.each<[string, LedgerCommand[], Record<'hold' | 'first' | 'second', bigint>]>([
    ['nothing reversed', [], { hold: 70n, first: 40n, second: 30n }],
    ['a part through the hold', [reversalOf(txn, r1, 20n)], { hold: 50n, first: 40n, second: 30n }],
    [
      'more than a capture through the hold',
      [reversalOf(txn, r1, 45n)],
      { hold: 25n, first: 25n, second: 25n },
    ],
    ['all through the hold', [reversalOf(txn, r1)], { hold: 0n, first: 0n, second: 0n }],
    ['all of one capture', [reversalOf(c1, r1)], { hold: 30n, first: 0n, second: 30n }],
    ['a part of one capture', [reversalOf(c1, r1, 15n)], { hold: 55n, first: 25n, second: 30n }],
    [
      'a part through the hold, then all of one capture',
      [reversalOf(txn, r1, 20n), reversalOf(c1, r2)],
      { hold: 10n, first: 0n, second: 10n },
    ],
    [
      'all of one capture, then all through the hold',
      [reversalOf(c1, r1), reversalOf(txn, r2)],
      { hold: 0n, first: 0n, second: 0n },
    ],
    ['each capture by itself', [reversalOf(c1, r1), reversalOf(c2, r2)], { hold: 0n, first: 0n, second: 0n }],
  ])('%s', (_, reversals, left) => {
    const story = world().tell(
      holdOf(txn, alice, bob, 100n),
      captureOf(txn, c1, 40n),
      captureOf(txn, c2, 30n),
      ...reversals,
    );
    for (const [id, amount] of [
      [txn, left.hold],
      [c1, left.first],
      [c2, left.second],
    ] as const) {
      if (amount === 0n) {
        expect(story.refusalOf(reversalOf(id, r4))).toEqual(['already_reversed', null]);
        expect(story.refusalOf(reversalOf(id, r4, 1n))).toEqual(['already_reversed', null]);
        continue;
      }
      expect(amountsOf(story.lastOf(reversalOf(id, r4)).transaction)).toEqual([amount]);
      expect(story.refusalOf(reversalOf(id, r4, amount))).toBeNull();
      expect(story.refusalOf(reversalOf(id, r4, amount + 1n))).toEqual([
        'amount_exceeds_remaining',
        'amount',
      ]);
    }
  });

  it('what is captured after all was given back can be given back as well', () => {
    const story = world().tell(holdOf(txn, alice, bob, 100n), captureOf(txn, c1, 40n), reversalOf(c1, r1));
    story.tell(captureOf(txn, c2, 60n));
    expect(story.refusalOf(reversalOf(c1, r2))).toEqual(['already_reversed', null]);
    expect(story.refusalOf(reversalOf(txn, r2, 61n))).toEqual(['amount_exceeds_remaining', 'amount']);
    story.tell(reversalOf(txn, r2, 60n));
    expect(postedOf(story, alice, bob)).toEqual([100n, 0n]);
  });

  it('what was released was never captured, and is no part of it', () => {
    const story = world().tell(holdOf(txn, alice, bob, 100n), captureOf(txn, c1, 40n), voidOf(txn));
    expect(story.refusalOf(reversalOf(txn, r1, 41n))).toEqual(['amount_exceeds_remaining', 'amount']);
    story.tell(reversalOf(txn, r1));
    expect(story.transaction(txn).progress).toMatchObject({
      status: 'voided',
      captured: [40n],
      reversed: [40n],
    });
    expect(postedOf(story, alice, bob)).toEqual([100n, 0n]);
  });
});

describe('several postings are given back in proportion to what is left of each', () => {
  it.each<[string, bigint[], (bigint | null)[], bigint[][]]>([
    ['all at once', [50n, 30n, 20n], [null], [[50n, 30n, 20n]]],
    ['all, by its amount', [50n, 30n, 20n], [100n], [[50n, 30n, 20n]]],
    ['a tenth', [50n, 30n, 20n], [10n], [[5n, 3n, 2n]]],
    ['the largest remainder has one more', [50n, 30n, 20n], [3n], [[1n, 1n, 1n]]],
    ['of equal remainders the first has one more', [1n, 1n, 1n], [1n], [[1n, 0n, 0n]]],
    [
      'ties in posting order, one after the other',
      [1n, 1n, 1n],
      [1n, 1n, 1n],
      [
        [1n, 0n, 0n],
        [0n, 1n, 0n],
        [0n, 0n, 1n],
      ],
    ],
    [
      'by what is left, not by what was paid',
      [50n, 30n, 1n],
      [80n, null],
      [
        [49n, 30n, 1n],
        [1n, 0n, 0n],
      ],
    ],
    [
      'then the rest',
      [50n, 30n, 20n],
      [33n, null],
      [
        [16n, 10n, 7n],
        [34n, 20n, 13n],
      ],
    ],
  ])('%s', (_, amounts, asked, given) => {
    const recipients = [bob, carol, dave];
    const story = world().tell(
      several(...amounts.map((amount, index) => one(alice, recipients[index]!, amount))),
    );
    const parts = asked.map((amount, index) => {
      const before = postedOf(story, ...recipients);
      story.tell(reversalOf(txn, idOf(4, index), amount));
      return postedOf(story, ...recipients).map((after, at) => before[at]! - after);
    });
    expect(parts).toEqual(given);
    const total = given.flat().reduce((sum, amount) => sum + amount, 0n);
    const { reversed } = story.transaction(txn).progress;
    expect(reversed.reduce((sum, amount) => sum + amount, 0n)).toBe(total);
    expect(reversed).toEqual(recipients.map((__, at) => given.reduce((sum, part) => sum + part[at]!, 0n)));
  });

  it('a posting that has no share has no legs', () => {
    const story = world().tell(several(one(alice, bob, 1n), one(alice, carol, 1n)));
    expect(story.lastOf(reversalOf(txn, r1, 1n)).transaction.legs).toMatchObject([
      { leg: 1, direction: 'debit', accountId: bob, amount: 1n },
      { leg: 2, direction: 'credit', accountId: alice, amount: 1n },
    ]);
  });

  it('and a hold of several postings in the same way', () => {
    const command = several(one(alice, bob, 60n), one(alice, carol, 40n));
    const held = { ...command, draft: { ...command.draft, hold: { expiresAt: null } } };
    const story = world().tell(held, captureOf(txn, c1));
    story.tell(reversalOf(txn, r1, 10n), reversalOf(c1, r2, 45n));
    expect(story.transaction(txn).progress.reversed).toEqual([33n, 22n]);
    expect(story.transaction(c1).progress.reversed).toEqual([27n, 18n]);
    expect(story.refusalOf(reversalOf(c1, r3, 46n))?.[0]).toBe('amount_exceeds_remaining');
    story.tell(reversalOf(c1, r3, 45n));
    expect(postedOf(story, alice, bob, carol)).toEqual([100n, 0n, 0n]);
    expect(story.refusalOf(reversalOf(txn, r4))?.[0]).toBe('already_reversed');
  });

  it('and of an account that has given back its part nothing is asked, closed or not', () => {
    const story = world().tell(
      several(one(alice, bob, 1n), one(alice, carol, 99n)),
      reversalOf(txn, r1, 50n),
    );
    expect(story.transaction(txn).progress.reversed).toEqual([1n, 49n]);
    story.tell({ kind: 'close-account', accountId: bob, preconditions: [] }, reversalOf(txn, r2));
    expect(postedOf(story, alice, bob, carol)).toEqual([100n, 0n, 0n]);
    expect(story.refusalOf(reversalOf(txn, r3))).toEqual(['account_closed', null]);
  });

  it('with the limits checked once, after all of it', () => {
    const story = world().tell(several(one(alice, bob, 100n), one(bob, carol, 100n)));
    // bob has nothing, and gives alice back what carol gives him.
    story.tell(reversalOf(txn, r1, 60n));
    expect(postedOf(story, alice, bob, carol)).toEqual([30n, 0n, 70n]);
  });
});

describe('several currencies', () => {
  const dollars = idOf(1, 8);
  const story = () =>
    new LedgerStory([
      accountWith(alice, 100n),
      accountWith(bob, 0n),
      accountWith(dollars, 0n, { currency: 'USD' }),
    ]).tell(several(one(alice, bob, 50n), one('ROOT', dollars, 7n)));

  it('have no amount in common, and are given back as a whole', () => {
    expect(story().refusalOf(reversalOf(txn, r1, 1n))).toEqual(['validation_error', 'amount']);
    expect(story().refusalOf(reversalOf(txn, r1, 57n))).toEqual(['validation_error', 'amount']);
    const after = story().tell(reversalOf(txn, r1));
    expect(postedOf(after, alice, bob, dollars, systemIdOf('ROOT', 'USD'))).toEqual([100n, 0n, 0n, 0n]);
    expect(after.refusalOf(reversalOf(txn, r2))).toEqual(['already_reversed', null]);
  });
});

describe('nobody is overdrawn by a reversal, and nobody gets more than they may hold', () => {
  it.each<
    [string, Parameters<typeof accountWith>[2], Parameters<typeof accountWith>[2], bigint, string | null]
  >([
    ['all is there', {}, {}, 100n, null],
    ['a part is held', { pendingDebits: 1n }, {}, 100n, 'insufficient_funds'],
    ['what is not held is there', { pendingDebits: 1n }, {}, 99n, null],
    ['below the minimum', { minBalance: 1n }, {}, 100n, 'insufficient_funds'],
    ['no minimum', { minBalance: null, pendingDebits: 500n }, {}, 100n, null],
    ['no room', {}, { maxBalance: 99n }, 100n, 'balance_limit_exceeded'],
    ['room for a part', {}, { maxBalance: 99n }, 99n, null],
    [
      'no room by what is on its way',
      {},
      { maxBalance: 100n, pendingCredits: 1n },
      100n,
      'balance_limit_exceeded',
    ],
  ])('%s', (_, recipient, sender, amount, expected) => {
    // The recipient's minimum is set after the transfer, which is not what this is about.
    const story = new LedgerStory([
      accountWith(alice, 100n, sender),
      accountWith(bob, 0n, { ...recipient, minBalance: null }),
    ]).tell(moveOf(txn, alice, bob, 100n));
    const { minBalance = 0n } = recipient ?? {};
    story.tell({ kind: 'update-account', accountId: bob, changes: { minBalance }, preconditions: [] });
    expect(story.refusalOf(reversalOf(txn, r1, amount))?.[0] ?? null).toBe(expected);
  });
});

describe('to reverse a mint is to burn, and a burn to mint', () => {
  const caller = (mayMint: boolean, mayBurn: boolean): Caller => ({ ...unboundCaller, mayMint, mayBurn });
  const [both, onlyMint, onlyBurn, neither] = [
    caller(true, true),
    caller(true, false),
    caller(false, true),
    caller(false, false),
  ];
  it.each<[string, PostingDraft[], Record<'onlyMint' | 'onlyBurn' | 'neither', boolean>]>([
    ['a mint', [one('ROOT', alice, 1n)], { onlyMint: false, onlyBurn: true, neither: false }],
    ['a burn', [one(alice, 'ROOT', 1n)], { onlyMint: true, onlyBurn: false, neither: false }],
    [
      'a transfer with a mint in it',
      [one(alice, bob, 1n), one('ROOT', alice, 1n)],
      { onlyMint: false, onlyBurn: true, neither: false },
    ],
    [
      'a transfer with a burn in it',
      [one(alice, bob, 1n), one(alice, 'ROOT', 1n)],
      { onlyMint: true, onlyBurn: false, neither: false },
    ],
    [
      'both in one',
      [one('ROOT', bob, 1n), one(alice, 'ROOT', 1n)],
      { onlyMint: false, onlyBurn: false, neither: false },
    ],
    ['a transfer', [one(alice, bob, 1n)], { onlyMint: true, onlyBurn: true, neither: true }],
  ])('%s', (_, postings, allowed) => {
    const story = world().tell(several(...postings));
    const may = (who: Caller) => story.refusalOf(reversalOf(txn, r1), who)?.[0] ?? null;
    expect(may(both)).toBeNull();
    expect({ onlyMint: may(onlyMint), onlyBurn: may(onlyBurn), neither: may(neither) }).toEqual(
      Object.fromEntries(Object.entries(allowed).map(([who, is]) => [who, is ? null : 'forbidden'])),
    );
  });

  it('of a capture of a hold of money that is made as well', () => {
    const story = world().tell(holdOf(txn, 'ROOT', alice, 10n), captureOf(txn, c1));
    for (const id of [txn, c1]) {
      expect(story.refusalOf(reversalOf(id, r1), onlyMint)).toEqual(['forbidden', null]);
      expect(story.refusalOf(reversalOf(id, r1), onlyBurn)).toBeNull();
    }
  });

  it('gives ROOT back what it gave', () => {
    const story = world().tell(moveOf(txn, 'ROOT', alice, 10n), reversalOf(txn, r1, 4n));
    expect(postedOf(story, systemIdOf('ROOT', 'EUR'), alice)).toEqual([-106n, 106n]);
  });
});

describe('who gives the money back', () => {
  const owned = [
    accountWith(alice, 100n, settingsOf({ ownerId: 'alice' })),
    accountWith(bob, 0n, settingsOf({ ownerId: 'bob' })),
    accountWith(carol, 0n, settingsOf({ ownerId: 'bob' })),
    accountWith(dave, 0n, settingsOf({ ownerId: 'dave' })),
  ];
  const answers = (postings: PostingDraft[], owners: string[]) => {
    const story = new LedgerStory(owned).tell(several(...postings));
    return owners.map(
      (ownerId) => story.refusalOf(reversalOf(txn, r1), { ...unboundCaller, ownerId })?.[0] ?? null,
    );
  };

  it.each<[string, PostingDraft[], (string | null)[]]>([
    ['one recipient', [one(alice, bob, 5n)], ['forbidden', null, 'transaction_not_found']],
    [
      'two accounts of one recipient',
      [one(alice, bob, 5n), one(alice, carol, 5n)],
      ['forbidden', null, 'transaction_not_found'],
    ],
    [
      'recipients of two owners',
      [one(alice, bob, 5n), one(alice, dave, 5n)],
      ['forbidden', 'forbidden', 'forbidden'],
    ],
    [
      'money that was destroyed',
      [one(alice, 'ROOT', 5n)],
      ['forbidden', 'transaction_not_found', 'transaction_not_found'],
    ],
    [
      'in part destroyed',
      [one(alice, bob, 5n), one(alice, 'ROOT', 5n)],
      ['forbidden', 'forbidden', 'transaction_not_found'],
    ],
    ['money that was made', [one('ROOT', bob, 5n)], ['transaction_not_found', null, 'transaction_not_found']],
  ])('%s: alice, bob and dave', (_, postings, expected) => {
    expect(answers(postings, ['alice', 'bob', 'dave'])).toEqual(expected);
  });
});
