import {
  accountWith,
  captureOf,
  draftOf,
  expiryOf,
  idOf,
  moveOf,
  rateOf,
  reversalOf,
  rootWith,
  stateNow,
  systemIdOf,
  voidOf,
} from '../../../test/support/ledger-fixtures.js';
import { LedgerStory } from '../../../test/support/ledger-story.js';
import { postedBalance, type Account } from './accounts.js';
import { amountMax } from './amounts.js';
import type { CreateTransactionCommand, LedgerCommand } from './commands.js';
import { amountsOf, type PostingDraft } from './transactions.js';

const [alice, bob, dollars, yen, points] = [1, 2, 3, 4, 5].map((n) => idOf(1, n)) as [
  string,
  string,
  string,
  string,
  string,
];
const [txn, r1, r2, r3] = [idOf(2, 1), idOf(2, 2), idOf(2, 3), idOf(2, 4)] as const;
const deadline = stateNow + 1_000n;
const exchangeOf = (currency: string) => systemIdOf('EXCHANGE', currency);

const accounts = [
  accountWith(alice, 1_000n),
  accountWith(bob, 1_000n),
  accountWith(dollars, 0n, { currency: 'USD' }),
  accountWith(yen, 0n, { currency: 'JPY' }),
  accountWith(points, 0n, { currency: 'POINTS' }),
];
const world = (...commands: LedgerCommand[]) => new LedgerStory(accounts).tell(...commands);
const posting = (sender: string, recipient: string, amount: bigint, exchangeRate?: string): PostingDraft => {
  return { sender, recipient, amount, ...(exchangeRate === undefined ? {} : { exchangeRate }) };
};
const several = (...postings: PostingDraft[]): CreateTransactionCommand => {
  return { kind: 'create-transaction', draft: draftOf(txn, postings) };
};
const held = ({ draft }: CreateTransactionCommand): CreateTransactionCommand => {
  return { kind: 'create-transaction', draft: { ...draft, hold: { expiresAt: deadline } } };
};
const postedOf = (story: LedgerStory, ...ids: string[]) => ids.map((id) => postedBalance(story.account(id)));

describe('an exchange', () => {
  const story = () => world(rateOf('EUR', 'USD', '1.0837'));

  it('is two postings through the EXCHANGE of each currency, which are opened for it', () => {
    const decision = story().decide(moveOf(txn, alice, dollars, 100n));
    if (!decision.accepted) throw new Error('refused');
    expect(decision.events.map(({ type }) => type)).toEqual([
      'account.opened',
      'account.opened',
      'transaction.posted',
    ]);
    expect(decision.events.slice(0, 2)).toMatchObject([
      {
        account: {
          id: exchangeOf('EUR'),
          system: 'EXCHANGE',
          currency: 'EUR',
          minBalance: null,
          ownerId: null,
        },
      },
      {
        account: {
          id: exchangeOf('USD'),
          system: 'EXCHANGE',
          currency: 'USD',
          minBalance: null,
          ownerId: null,
        },
      },
    ]);
    expect(decision.events[2]).toMatchObject({
      transaction: {
        type: 'exchange',
        exchanges: [{ posting: 0, rate: '1.0837' }],
        legs: [
          { leg: 1, direction: 'debit', accountId: alice, amount: 100n, currency: 'EUR', posted: 900n },
          { leg: 2, direction: 'credit', system: 'EXCHANGE', amount: 100n, currency: 'EUR', posted: 100n },
          { leg: 3, direction: 'debit', system: 'EXCHANGE', amount: 108n, currency: 'USD', posted: -108n },
          { leg: 4, direction: 'credit', accountId: dollars, amount: 108n, currency: 'USD', posted: 108n },
        ],
      },
    });
  });

  it('opens no EXCHANGE twice, and leaves ROOT alone', () => {
    const after = story().tell(moveOf(txn, alice, dollars, 100n), moveOf(r1, bob, dollars, 200n));
    expect(after.events.filter(({ type }) => type === 'account.opened')).toHaveLength(2);
    expect(postedOf(after, exchangeOf('EUR'), exchangeOf('USD'))).toEqual([300n, -325n]);
    expect(() => after.account(systemIdOf('ROOT', 'EUR'))).toThrow();
  });

  it.each<[string, LedgerCommand[], PostingDraft, bigint | readonly [string, string]]>([
    ["at the ledger's rate", [rateOf('EUR', 'USD', '1.1')], posting(alice, dollars, 100n), 110n],
    ["at the request's own rate", [], posting(alice, dollars, 100n, '1.2'), 120n],
    [
      "at the request's own rate before the ledger's",
      [rateOf('EUR', 'USD', '1.1')],
      posting(alice, dollars, 100n, '1.2'),
      120n,
    ],
    ['to a currency without decimals', [], posting(alice, yen, 100n, '162.5'), 162n],
    ['to a currency without decimals, to the even neighbour', [], posting(alice, yen, 300n, '162.5'), 488n],
    ['to an asset of the own', [], posting(alice, points, 1n, '2.5'), 25n],
    ['to nothing', [], posting(alice, yen, 1n, '0.5'), ['amount_too_small', 'amount']],
    [
      'to half of the least, which is nothing',
      [],
      posting(alice, yen, 1n, '50'),
      ['amount_too_small', 'amount'],
    ],
    ['to more than half of the least', [], posting(alice, yen, 1n, '50.1'), 1n],
    [
      'without a rate',
      [rateOf('USD', 'EUR', '1.1')],
      posting(alice, dollars, 1n),
      ['exchange_rate_missing', 'recipient'],
    ],
    [
      'with a rate where there is nothing to change',
      [],
      posting(alice, bob, 1n, '1'),
      ['currency_mismatch', 'exchangeRate'],
    ],
    ['with a rate to ROOT', [], posting(alice, 'ROOT', 1n, '1'), ['currency_mismatch', 'exchangeRate']],
    ['of more than there is', [], posting(alice, dollars, 1_001n, '1'), ['insufficient_funds', 'amount']],
  ])('%s', (_, settings, asked, expected) => {
    const ownAsset = { kind: 'add-currency', code: 'POINTS', exponent: 3, name: 'Points' } as const;
    const command = several(asked);
    const after = world(ownAsset, ...settings);
    if (typeof expected === 'bigint')
      expect(amountsOf(after.lastOf(command).transaction)).toEqual([asked.amount, expected]);
    else expect(after.refusalOf(command)).toEqual(expected);
  });

  it.each<[string, bigint, Partial<Account>, string | null]>([
    ['with room for it', 100n, { maxBalance: 110n }, null],
    ['with no room for it, in the other currency', 100n, { maxBalance: 109n }, 'balance_limit_exceeded'],
    ['with more digits than amounts have', 10n ** 36n - 1n, {}, 'balance_limit_exceeded'],
  ])('to an account %s', (_, amount, changes, expected) => {
    const rich = accountWith(alice, 10n ** 36n - 1n);
    const after = new LedgerStory([rich, accountWith(dollars, 0n, { currency: 'USD', ...changes })]);
    expect(after.refusalOf(several(posting(alice, dollars, amount, '1.1')))?.[0] ?? null).toBe(expected);
  });

  it('names EXCHANGE itself: a request does not', () => {
    const after = story().tell(moveOf(txn, alice, dollars, 100n));
    for (const name of ['EXCHANGE', exchangeOf('EUR')]) {
      expect(after.refusalOf(moveOf(r1, name, alice, 1n))).toEqual(['account_not_found', 'sender']);
      expect(after.refusalOf(moveOf(r1, alice, name, 1n))).toEqual(['account_not_found', 'recipient']);
    }
  });
});

describe('several postings, some of which change currency', () => {
  const command = several(
    posting('ROOT', alice, 50n),
    posting(alice, dollars, 100n, '2'),
    posting(alice, bob, 1n),
    posting(bob, yen, 200n, '3'),
  );

  it('tell by the index of their first posting where they change', () => {
    const { transaction } = world().lastOf(command);
    expect(transaction.type).toBe('exchange');
    expect(transaction.exchanges).toEqual([
      { posting: 1, rate: '2' },
      { posting: 4, rate: '3' },
    ]);
    expect(amountsOf(transaction)).toEqual([50n, 100n, 200n, 1n, 200n, 6n]);
  });

  it('of an opened ROOT and EXCHANGE each version is 2 after the first leg', () => {
    const legs = world()
      .lastOf(command)
      .transaction.legs.filter(({ system }) => system !== null);
    expect(
      legs.map(({ system, currency, version, entryNumber }) => [system, currency, version, entryNumber]),
    ).toEqual([
      ['ROOT', 'EUR', 2, 1],
      ['EXCHANGE', 'EUR', 2, 1],
      ['EXCHANGE', 'USD', 2, 1],
      ['EXCHANGE', 'EUR', 3, 2],
      ['EXCHANGE', 'JPY', 2, 1],
    ]);
  });

  it.each<[string, PostingDraft[], readonly [string, string]]>([
    [
      'a rate that is missing comes before a later one that is too much',
      [posting(alice, dollars, 1n), posting(alice, bob, 1n, '1')],
      ['exchange_rate_missing', 'postings[0].recipient'],
    ],
    [
      'a rate that is too much comes before a later one that is missing',
      [posting(alice, bob, 1n, '1'), posting(alice, dollars, 1n)],
      ['currency_mismatch', 'postings[0].exchangeRate'],
    ],
    [
      'too small an amount comes before a later rate that is missing',
      [posting(alice, yen, 1n, '0.1'), posting(alice, dollars, 1n)],
      ['amount_too_small', 'postings[0].amount'],
    ],
  ])('%s', (_, postings, refused) => {
    expect(world().refusalOf(several(...postings))).toEqual(refused);
  });

  it('are held, captured and given back as a whole, by no amount', () => {
    const story = world().tell(held(command));
    expect(story.refusalOf(captureOf(txn, r1, 1n))).toEqual(['validation_error', 'amount']);
    story.tell(captureOf(txn, r1));
    expect(story.transaction(txn).progress.captured).toEqual([50n, 100n, 200n, 1n, 200n, 6n]);
    for (const id of [txn, r1]) {
      expect(story.refusalOf(reversalOf(id, r2, 1n))).toEqual(['validation_error', 'amount']);
    }
    story.tell(reversalOf(r1, r2));
    expect(postedOf(story, alice, bob, dollars, yen, exchangeOf('EUR'))).toEqual([
      1_000n,
      1_000n,
      0n,
      0n,
      0n,
    ]);
    expect(story.refusalOf(reversalOf(txn, r3))).toEqual(['already_reversed', null]);
  });
});

describe('a hold of an exchange', () => {
  const hold = (yenHeld: bigint) =>
    world().tell(held(several(posting(alice, yen, 100n, yenHeld.toString()))));
  const tooSmall = 'amount_too_small';

  /** Of 100 cents held for so many yen: captures one after the other, with what the recipient gets. */
  it.each<[string, bigint, [amount: bigint | null, got: bigint | typeof tooSmall][]]>([
    ['all at once', 33n, [[null, 33n]]],
    ['all at once, by its amount', 33n, [[100n, 33n]]],
    [
      'in halves, of which one is rounded down',
      33n,
      [
        [50n, 16n],
        [50n, 17n],
      ],
    ],
    [
      'in part, then the rest',
      7n,
      [
        [33n, 2n],
        [null, 5n],
      ],
    ],
    [
      'half to even of what is captured in all',
      5n,
      [
        [30n, 2n],
        [20n, 0n],
        [20n, 2n],
        [null, 1n],
      ],
    ],
    [
      'refused while it comes to nothing in all',
      5n,
      [
        [10n, tooSmall],
        [1n, tooSmall],
        [11n, 1n],
        [1n, 0n],
      ],
    ],
    [
      'with nothing left for the last',
      1n,
      [
        [50n, tooSmall],
        [51n, 1n],
        [49n, 0n],
      ],
    ],
  ])('is captured %s', (_, yenHeld, captures) => {
    const story = hold(yenHeld);
    for (const [index, [amount, got]] of captures.entries()) {
      const command = captureOf(txn, idOf(3, index), amount);
      const before = postedOf(story, alice, exchangeOf('EUR'), exchangeOf('JPY'), yen);
      if (got === tooSmall) {
        expect(story.refusalOf(command)).toEqual([tooSmall, 'amount']);
        continue;
      }
      const [taken] = amountsOf(story.lastOf(command).transaction) as [bigint];
      const after = postedOf(story.tell(command), alice, exchangeOf('EUR'), exchangeOf('JPY'), yen);
      expect(after.map((balance, at) => balance - before[at]!)).toEqual([-taken, taken, -got, got]);
    }
  });

  it('has fixed its rate', () => {
    const story = world(rateOf('EUR', 'JPY', '40'), held(several(posting(alice, yen, 100n))));
    story.tell(rateOf('EUR', 'JPY', '80'), captureOf(txn, r1, 50n));
    expect(postedOf(story, yen)).toEqual([20n]);
    expect(story.lastOf(captureOf(txn, r2)).transaction).toMatchObject({
      type: 'capture',
      exchanges: [{ posting: 0, rate: '40' }],
    });
  });

  it('is captured at that rate, not at what its rounded whole comes to', () => {
    const story = world(rateOf('EUR', 'USD', '1.0837'), held(several(posting(alice, dollars, 1_000n))));
    // 937 × 1.0837 is 1015.4; of the 1084 that are held for 1000, 937 would be 1015.7.
    story.tell(captureOf(txn, r1, 937n));
    expect(postedOf(story, dollars)).toEqual([1_015n]);
    story.tell(captureOf(txn, r2));
    expect(postedOf(story, dollars)).toEqual([1_084n]);
  });

  it.each<[string, bigint, LedgerCommand[], string]>([
    ['released by a final capture', stateNow, [captureOf(txn, r1, 50n, true)], 'posted'],
    ['voided', stateNow, [captureOf(txn, r1, 50n), voidOf(txn)], 'voided'],
    ['expired', deadline, [expiryOf(txn)], 'expired'],
  ])('%s leaves nothing pending in either currency', (_, now, commands, status) => {
    const story = hold(33n);
    if (now === deadline) story.tell(captureOf(txn, r1, 50n)).at(deadline);
    story.tell(...commands);
    expect(story.transaction(txn).progress).toMatchObject({ status, captured: [50n, 16n] });
    expect(postedOf(story, alice, exchangeOf('EUR'), exchangeOf('JPY'), yen)).toEqual([950n, 50n, -16n, 16n]);
    for (const { pendingDebits, pendingCredits } of story.accounts) {
      expect([pendingDebits, pendingCredits]).toEqual([0n, 0n]);
    }
  });
});

describe('an exchange that is given back', () => {
  type Reversal = [of: string, amount: bigint | null, given: readonly [cents: bigint, yen: bigint] | string];
  const exchange = (yenPaid: bigint) => several(posting(alice, yen, 100n, yenPaid.toString()));
  const tooSmall = 'amount_too_small';
  const [c1, c2] = [idOf(3, 1), idOf(3, 2)] as const;
  const inParts = (yenHeld: bigint, ...amounts: bigint[]): LedgerCommand[] => [
    held(exchange(yenHeld)),
    ...amounts.map((amount, index) => captureOf(txn, idOf(3, index + 1), amount)),
  ];

  /** Reversals one after the other, with what they give back in either currency. */
  it.each<[string, LedgerCommand[], Reversal[]]>([
    ['all at once', [exchange(33n)], [[txn, null, [100n, 33n]]]],
    ['all at once, by its amount', [exchange(33n)], [[txn, 100n, [100n, 33n]]]],
    [
      'in parts: the same share of what is left, the last one all',
      [exchange(33n)],
      [
        [txn, 50n, [50n, 16n]],
        [txn, 25n, [25n, 8n]],
        [txn, 25n, [25n, 9n]],
        [txn, 1n, 'already_reversed'],
      ],
    ],
    [
      'more than is left',
      [exchange(33n)],
      [
        [txn, 101n, 'amount_exceeds_remaining'],
        [txn, 60n, [60n, 20n]],
        [txn, 41n, 'amount_exceeds_remaining'],
      ],
    ],
    [
      'a part that comes to nothing',
      [exchange(33n)],
      [
        [txn, 1n, tooSmall],
        [txn, 2n, [2n, 1n]],
      ],
    ],
    [
      'in parts, after which the other currency has nothing left',
      [exchange(1n)],
      [
        [txn, 50n, tooSmall],
        [txn, 51n, [51n, 1n]],
        [txn, 1n, tooSmall],
        [txn, 49n, [49n, 0n]],
        [txn, null, 'already_reversed'],
      ],
    ],
    [
      'by its captures, each as it was',
      inParts(33n, 50n, 50n),
      [
        [c1, null, [50n, 16n]],
        [c2, null, [50n, 17n]],
        [txn, null, 'already_reversed'],
      ],
    ],
    [
      'a capture of nothing in the other currency',
      inParts(1n, 60n, 40n),
      [
        [c2, 10n, tooSmall],
        [c2, null, [40n, 0n]],
        [c2, null, 'already_reversed'],
        [txn, null, [60n, 1n]],
      ],
    ],
    [
      'through the hold and a capture, the last of which gives back what was rounded before',
      inParts(2n, 33n, 33n, 34n),
      [
        // 1, 0 and 1 yen were captured: the last has more to give back than it took.
        [txn, 67n, [67n, 1n]],
        [c2, null, [33n, 1n]],
        [c1, null, 'already_reversed'],
        [txn, null, 'already_reversed'],
      ],
    ],
  ])('%s', (_, commands, reversals) => {
    const story = world(...commands);
    for (const [index, [id, amount, given]] of reversals.entries()) {
      const command = reversalOf(id, idOf(4, index), amount);
      if (typeof given === 'string') {
        expect([index, story.refusalOf(command)?.[0]]).toEqual([index, given]);
        continue;
      }
      const before = postedOf(story, alice, exchangeOf('EUR'), exchangeOf('JPY'), yen);
      const after = postedOf(story.tell(command), alice, exchangeOf('EUR'), exchangeOf('JPY'), yen);
      const [cents, yenBack] = given;
      expect([index, ...after.map((balance, at) => balance - before[at]!)]).toEqual([
        index,
        cents,
        -cents,
        yenBack,
        -yenBack,
      ]);
    }
  });

  it('of a capture counts what the capture took, where its hold gives back more', () => {
    const story = world(...inParts(2n, 33n, 33n, 34n), reversalOf(txn, r1, 67n), reversalOf(c2, r2));
    expect(story.transaction(c2).progress.reversed).toEqual([33n, 0n]);
    expect(story.transaction(txn).progress.reversed).toEqual([100n, 2n]);
  });

  it('of a capture is over with its own currency, whatever was rounded and is captured since', () => {
    const story = world(...inParts(5n, 30n, 30n));
    // 2 and 1 yen were captured; the hold gives back more of them than of the cents, and the capture all its cents.
    story.tell(reversalOf(txn, r1, 11n), reversalOf(txn, r2, 13n), reversalOf(c1, r3));
    expect(story.transaction(c1).progress.reversed).toEqual([30n, 1n]);
    story.tell(captureOf(txn, idOf(3, 3)));
    expect(story.refusalOf(reversalOf(c1, idOf(3, 4)))).toEqual(['already_reversed', null]);
    expect(story.refusalOf(reversalOf(c1, idOf(3, 4), 1n))).toEqual(['already_reversed', null]);
  });

  it('keeps its two postings and its rate, also where one of them is of nothing', () => {
    const { transaction } = world(...inParts(1n, 60n, 40n)).lastOf(reversalOf(c2, r1));
    expect(transaction).toMatchObject({
      type: 'reversal',
      exchanges: [{ posting: 0, rate: '1' }],
      legs: [
        { direction: 'debit', system: 'EXCHANGE', currency: 'EUR', amount: 40n },
        { direction: 'credit', accountId: alice, amount: 40n },
        { direction: 'debit', accountId: yen, amount: 0n },
        { direction: 'credit', system: 'EXCHANGE', currency: 'JPY', amount: 0n },
      ],
    });
  });

  it('at the rate that it had, whatever the rate is now', () => {
    const story = world(
      rateOf('EUR', 'JPY', '40'),
      several(posting(alice, yen, 100n)),
      rateOf('EUR', 'JPY', '80'),
    );
    story.tell(reversalOf(txn, r1, 50n));
    expect(postedOf(story, yen)).toEqual([20n]);
  });

  it('asks both sides whether they are frozen, also where one of them has nothing left to give', () => {
    const story = world(...inParts(1n, 60n, 40n)).tell({
      kind: 'update-account',
      accountId: yen,
      changes: { status: 'frozen' },
      preconditions: [],
    });
    expect(story.refusalOf(reversalOf(c2, r1))).toEqual(['account_frozen', null]);
  });

  it('overdraws nobody', () => {
    const story = world(exchange(40n), moveOf(r1, yen, 'ROOT', 21n));
    expect(story.refusalOf(reversalOf(txn, r2))).toEqual(['insufficient_funds', 'amount']);
    expect(story.refusalOf(reversalOf(txn, r2, 50n))).toEqual(['insufficient_funds', 'amount']);
    expect(story.refusalOf(reversalOf(txn, r2, 48n))).toBeNull();
  });
});

it('EXCHANGE is the open position, ROOT what was issued: either way a currency sums to zero', () => {
  const story = new LedgerStory([
    accountWith(alice, 1_000n),
    rootWith(-1_000n),
    accountWith(dollars, 0n, { currency: 'USD' }),
  ]);
  story.tell(several(posting(alice, dollars, 100n, '2')), moveOf(r1, dollars, 'ROOT', 50n));
  expect(postedOf(story, alice, systemIdOf('ROOT', 'EUR'), exchangeOf('EUR'))).toEqual([900n, -1_000n, 100n]);
  expect(postedOf(story, dollars, systemIdOf('ROOT', 'USD'), exchangeOf('USD'))).toEqual([150n, 50n, -200n]);
});

it('an exchange whose result has too many digits is refused, though both balances would have no more', () => {
  const accumulated = 2n * 10n ** 35n;
  const story = new LedgerStory([
    accountWith(bob, amountMax),
    accountWith(dollars, -accumulated, { currency: 'USD', minBalance: null }),
    accountWith(exchangeOf('USD'), accumulated, { currency: 'USD', minBalance: null, system: 'EXCHANGE' }),
  ]);
  const command = several(posting(bob, dollars, amountMax, '1.1'));
  expect(story.refusalOf(command)).toEqual(['balance_limit_exceeded', 'amount']);
  expect(story.refusalOf(several(posting(bob, dollars, amountMax, '1')))).toBeNull();
});

it('of its digits it is refused after the funds and where the other limits are', () => {
  const story = new LedgerStory([
    accountWith(bob, amountMax - 1n),
    accountWith(dollars, 0n, { currency: 'USD' }),
  ]);
  const command = several(posting(bob, dollars, amountMax, '2'));
  expect(story.refusalOf(command)).toEqual(['insufficient_funds', 'amount']);
  const draft = { ...command.draft, conditions: [{ account: bob, version: 99 }] };
  expect(story.refusalOf({ ...command, draft })).toEqual(['version_conflict', 'conditions[0].version']);
});
