import {
  accountWith,
  captureOf,
  draftOf,
  expiryOf,
  extensionOf,
  holdOf,
  idOf,
  moveOf,
  reversalOf,
  rootWith,
  stateNow,
  stateOf,
  systemIdOf,
  voidOf,
} from '../../../test/support/ledger-fixtures.js';
import { LedgerStory } from '../../../test/support/ledger-story.js';
import { availableBalance, postedBalance, type Account } from './accounts.js';
import type { LedgerCommand } from './commands.js';
import type { TransactionEvent } from './events.js';
import { evolve } from './evolve.js';
import { leftToCapture } from './stored-transactions.js';
import type { PostingDraft } from './transactions.js';

const [alice, bob, carol] = [idOf(1, 1), idOf(1, 2), idOf(1, 3)] as const;
const [txn, first, second] = [idOf(2, 1), idOf(2, 2), idOf(2, 3)] as const;
const deadline = stateNow + 1_000n;

const world = () => new LedgerStory([accountWith(alice, 100n), accountWith(bob, 0n), accountWith(carol, 0n)]);
const hold = holdOf(txn, alice, bob, 100n, deadline);

/** An account's money: posted, held of it, held for it, and what is available. */
type Money = readonly [posted: bigint, out: bigint, into: bigint, available: bigint];
function moneyOf(account: Account): Money {
  return [postedBalance(account), account.pendingDebits, account.pendingCredits, availableBalance(account)];
}

describe('a hold that is made', () => {
  it('takes from what the sender has available and from nothing else, and counts no entry', () => {
    const story = world().tell(holdOf(txn, alice, bob, 30n));
    expect(moneyOf(story.account(alice))).toEqual([100n, 30n, 0n, 70n]);
    expect(moneyOf(story.account(bob))).toEqual([0n, 0n, 30n, 0n]);
    expect(story.account(alice)).toMatchObject({ version: 2, settingsVersion: 1, entryNumber: 0 });
    expect(story.account(bob)).toMatchObject({ version: 2, settingsVersion: 1, entryNumber: 0 });
  });

  it('is told by one event, whose legs show both accounts as they are after it', () => {
    const { type, transaction, ...rest } = world().lastOf(holdOf(txn, alice, bob, 30n, deadline));
    expect(type).toBe('transaction.pending');
    expect(transaction).toMatchObject({ transactionId: txn, type: 'transfer' });
    const common = {
      amount: 30n,
      currency: 'EUR',
      version: 2,
      entryNumber: 0,
      pendingIn: 0n,
      pendingOut: 0n,
    };
    expect(transaction.legs).toMatchObject([
      {
        ...common,
        leg: 1,
        direction: 'debit',
        accountId: alice,
        posted: 100n,
        available: 70n,
        pendingOut: 30n,
      },
      { ...common, leg: 2, direction: 'credit', accountId: bob, posted: 0n, available: 0n, pendingIn: 30n },
    ]);
    expect(rest).toEqual({
      progress: {
        status: 'pending',
        expiresAt: deadline,
        captured: [0n],
        captures: 0,
        reversed: [0n],
        reversals: [],
      },
    });
  });

  it.each([
    ['from ROOT', 'ROOT', alice, 'mint'],
    ['to ROOT', alice, 'ROOT', 'burn'],
    ['between accounts', alice, bob, 'transfer'],
  ])('%s has the type that it will have when it is posted', (_, sender, recipient, type) => {
    expect(world().lastOf(holdOf(txn, sender, recipient, 1n)).transaction.type).toBe(type);
  });

  it('of money that is made is pending on ROOT, which is opened for it', () => {
    const story = world().tell(holdOf(txn, 'ROOT', alice, 7n));
    expect(story.events.map(({ type }) => type)).toEqual(['account.opened', 'transaction.pending']);
    expect(moneyOf(story.account(systemIdOf('ROOT', 'EUR')))).toEqual([0n, 7n, 0n, -7n]);
    story.tell(captureOf(txn, first));
    expect(moneyOf(story.account(systemIdOf('ROOT', 'EUR')))).toEqual([-7n, 0n, 0n, -7n]);
    expect(moneyOf(story.account(alice))).toEqual([107n, 0n, 0n, 107n]);
  });

  it.each([
    ['in the past', stateNow - 1n, ['validation_error', 'expiresAt']],
    ['now', stateNow, ['validation_error', 'expiresAt']],
    ['in a microsecond', stateNow + 1n, null],
    ['never', null, null],
  ])('ends %s', (_, expiresAt, refusal) => {
    expect(world().refusalOf(holdOf(txn, alice, bob, 1n, expiresAt))).toEqual(refusal);
  });
});

describe('limits, when a hold is made', () => {
  const holding = (amount: bigint, sender: Partial<Account>, recipient: Partial<Account> = {}) =>
    new LedgerStory([accountWith(alice, 100n, sender), accountWith(bob, 50n, recipient)]).refusalOf(
      holdOf(txn, alice, bob, amount),
    )?.[0] ?? null;

  it.each<[string, bigint, Partial<Account>, string | null]>([
    ['all that is there', 100n, {}, null],
    ['one more', 101n, {}, 'insufficient_funds'],
    ['what another hold has left', 60n, { pendingDebits: 40n }, null],
    ['one more than another hold has left', 61n, { pendingDebits: 40n }, 'insufficient_funds'],
    ['what is on its way to the sender', 101n, { pendingCredits: 500n }, 'insufficient_funds'],
    ['down to a minimum above zero', 70n, { minBalance: 30n }, null],
    ['below a minimum above zero', 71n, { minBalance: 30n }, 'insufficient_funds'],
    ['down to a minimum below zero', 150n, { minBalance: -50n }, null],
    ['below a minimum below zero', 151n, { minBalance: -50n }, 'insufficient_funds'],
    ['any amount without a minimum', 10n ** 35n, { minBalance: null, pendingDebits: 5n }, null],
    ['above its own maximum the sender may hold', 1n, { maxBalance: 5n }, null],
  ])('the sender: %s', (_, amount, sender, expected) => {
    expect(holding(amount, sender)).toBe(expected);
  });

  it.each<[string, bigint, Partial<Account>, string | null]>([
    ['up to the maximum', 10n, { maxBalance: 60n }, null],
    ['above the maximum', 11n, { maxBalance: 60n }, 'balance_limit_exceeded'],
    ['what is on its way counts', 6n, { maxBalance: 60n, pendingCredits: 5n }, 'balance_limit_exceeded'],
    ['up to the maximum with what is on its way', 5n, { maxBalance: 60n, pendingCredits: 5n }, null],
    [
      'what is held of it does not count',
      11n,
      { maxBalance: 60n, pendingDebits: 50n },
      'balance_limit_exceeded',
    ],
    ['from below its minimum', 1n, { minBalance: 1_000n }, null],
  ])('the recipient: %s', (_, amount, recipient, expected) => {
    expect(holding(amount, {}, recipient)).toBe(expected);
  });

  it('a transfer to the recipient counts what is held for it', () => {
    const story = new LedgerStory([accountWith(alice, 100n), accountWith(bob, 0n, { maxBalance: 60n })]);
    story.tell(holdOf(txn, alice, bob, 50n));
    expect(story.refusalOf(moveOf(first, alice, bob, 11n))).toEqual(['balance_limit_exceeded', 'amount']);
    expect(story.refusalOf(moveOf(first, alice, bob, 10n))).toBeNull();
  });

  it("money that is held does not pass on: what is pending is nobody's to give", () => {
    const postings = [
      { sender: alice, recipient: bob, amount: 100n },
      { sender: bob, recipient: carol, amount: 1n },
    ];
    const draft = draftOf(txn, postings);
    expect(world().refusalOf({ kind: 'create-transaction', draft })).toBeNull();
    const held = { ...draft, hold: { expiresAt: null } };
    expect(world().refusalOf({ kind: 'create-transaction', draft: held })).toEqual([
      'insufficient_funds',
      'postings[1].amount',
    ]);
  });

  it('no balance gets more digits by being captured than amounts may have, on either side of zero', () => {
    const most = 10n ** 36n - 1n;
    const full = [accountWith(alice, 1n), accountWith(bob, most - 1n, { pendingCredits: 1n })];
    expect(new LedgerStory(full).refusalOf(holdOf(txn, alice, bob, 1n))?.[0]).toBe('balance_limit_exceeded');
    const deep = accountWith(alice, 1n - most, { minBalance: null, pendingDebits: 1n });
    expect(new LedgerStory([deep, accountWith(bob, 0n)]).refusalOf(holdOf(txn, alice, bob, 1n))?.[0]).toBe(
      'balance_limit_exceeded',
    );
    const promised = [
      accountWith(alice, most, { minBalance: null, pendingDebits: most }),
      accountWith(bob, -most, { minBalance: null, pendingCredits: most }),
    ];
    expect(new LedgerStory(promised).refusalOf(holdOf(txn, alice, bob, 1n))?.[0]).toBe(
      'balance_limit_exceeded',
    );
  });
});

/** What commands make of 100 that alice holds for bob: its status, what is captured of it, and both accounts' money. */
describe('a hold of all that the sender has', () => {
  it.each<[string, LedgerCommand[], string, bigint, Money, Money]>([
    ['nothing', [], 'pending', 0n, [100n, 100n, 0n, 0n], [0n, 0n, 100n, 0n]],
    ['a capture', [captureOf(txn, first)], 'posted', 100n, [0n, 0n, 0n, 0n], [100n, 0n, 0n, 100n]],
    [
      'a capture of all, by its amount',
      [captureOf(txn, first, 100n)],
      'posted',
      100n,
      [0n, 0n, 0n, 0n],
      [100n, 0n, 0n, 100n],
    ],
    [
      'a capture of a part',
      [captureOf(txn, first, 30n)],
      'partially_captured',
      30n,
      [70n, 70n, 0n, 0n],
      [30n, 0n, 70n, 30n],
    ],
    [
      'a final capture of a part',
      [captureOf(txn, first, 30n, true)],
      'posted',
      30n,
      [70n, 0n, 0n, 70n],
      [30n, 0n, 0n, 30n],
    ],
    [
      'two captures of parts, the second final',
      [captureOf(txn, first, 30n), captureOf(txn, second, 20n, true)],
      'posted',
      50n,
      [50n, 0n, 0n, 50n],
      [50n, 0n, 0n, 50n],
    ],
    [
      'a capture of a part, then of the rest, which is the last without being called so',
      [captureOf(txn, first, 30n), captureOf(txn, second, null, false)],
      'posted',
      100n,
      [0n, 0n, 0n, 0n],
      [100n, 0n, 0n, 100n],
    ],
    ['a void', [voidOf(txn)], 'voided', 0n, [100n, 0n, 0n, 100n], [0n, 0n, 0n, 0n]],
    [
      'a void after a part was captured',
      [captureOf(txn, first, 30n), voidOf(txn)],
      'voided',
      30n,
      [70n, 0n, 0n, 70n],
      [30n, 0n, 0n, 30n],
    ],
    [
      'an extension',
      [extensionOf(txn, deadline + 1n)],
      'pending',
      0n,
      [100n, 100n, 0n, 0n],
      [0n, 0n, 100n, 0n],
    ],
    [
      'a capture of a part, and its reversal, which holds nothing again',
      [captureOf(txn, first, 30n), reversalOf(first, second)],
      'partially_captured',
      30n,
      [100n, 70n, 0n, 30n],
      [0n, 0n, 70n, 0n],
    ],
  ])('after %s', (_, commands, status, captured, ofAlice, ofBob) => {
    const story = world().tell(hold, ...commands);
    expect(story.transaction(txn).progress).toMatchObject({ status, captured: [captured] });
    expect(leftToCapture(story.transaction(txn))).toEqual([ofAlice[1]]);
    expect(moneyOf(story.account(alice))).toEqual(ofAlice);
    expect(moneyOf(story.account(bob))).toEqual(ofBob);
  });

  it.each<[string, LedgerCommand[], bigint, Money, Money]>([
    ['of nothing captured', [], 0n, [100n, 0n, 0n, 100n], [0n, 0n, 0n, 0n]],
    ['of a part captured', [captureOf(txn, first, 30n)], 30n, [70n, 0n, 0n, 70n], [30n, 0n, 0n, 30n]],
  ])('after its end, %s', (_, commands, captured, ofAlice, ofBob) => {
    const story = world()
      .tell(hold, ...commands)
      .at(deadline)
      .tell(expiryOf(txn));
    expect(story.transaction(txn).progress).toMatchObject({ status: 'expired', captured: [captured] });
    expect(moneyOf(story.account(alice))).toEqual(ofAlice);
    expect(moneyOf(story.account(bob))).toEqual(ofBob);
  });

  it('keeps limits that were set since out of it: it is captured and released all the same', () => {
    const limit = (accountId: string, changes: Partial<Account>): LedgerCommand => {
      return { kind: 'update-account', accountId, changes, preconditions: [] };
    };
    const story = world().tell(hold, limit(alice, { minBalance: 90n }), limit(bob, { maxBalance: 0n }));
    expect(
      [captureOf(txn, first), captureOf(txn, first, 1n), voidOf(txn)].map((one) => story.refusalOf(one)),
    ).toEqual([null, null, null]);
  });
});

describe('the event of', () => {
  const started = () => world().tell(hold, captureOf(txn, first, 30n));

  it('a capture is a transaction of its own, which says of which hold it is and what it releases', () => {
    const command = {
      ...hold,
      draft: { ...hold.draft, reference: 'room 7', externalId: 'x', metadata: { a: 1 } },
    };
    const { type, transaction, ...rest } = world()
      .tell(command)
      .lastOf(captureOf(txn, first, 30n, true));
    expect(type).toBe('transaction.captured');
    expect(transaction).toMatchObject({
      transactionId: first,
      type: 'capture',
      parentId: txn,
      held: [100n],
      reference: 'room 7',
      externalId: null,
      metadata: {},
    });
    const common = { amount: 30n, released: 70n, pendingIn: 0n, pendingOut: 0n, version: 3, entryNumber: 1 };
    expect(transaction.legs).toMatchObject([
      { ...common, direction: 'debit', accountId: alice, posted: 70n, available: 70n },
      { ...common, direction: 'credit', accountId: bob, posted: 30n, available: 30n },
    ]);
    const progress = { status: 'posted', expiresAt: deadline, captured: [30n], captures: 1, reversed: [0n] };
    expect(rest).toEqual({ progressed: [{ transactionId: txn, progress: { ...progress, reversals: [] } }] });
  });

  it('a capture that is not the last releases nothing, and says nothing of it', () => {
    const { transaction } = world()
      .tell(hold)
      .lastOf(captureOf(txn, first, 30n));
    expect(transaction.legs.some((leg) => 'released' in leg)).toBe(false);
  });

  it.each([
    ['voided', voidOf(txn), deadline - 1n],
    ['expired', expiryOf(txn), deadline],
  ])('a hold that is %s is the hold, with legs of what it releases', (status, command, now) => {
    const { type, transaction, ...rest } = started().at(now).lastOf(command);
    expect(type).toBe(`transaction.${status}`);
    const { made } = started().transaction(txn);
    expect(transaction).toMatchObject({ transactionId: txn, type: 'transfer', held: [100n], made });
    expect(made).toEqual({ position: 11n, recordedAt: stateNow });
    const common = { amount: 70n, pendingIn: 0n, pendingOut: 0n, version: 4, entryNumber: 1 };
    expect(transaction.legs).toMatchObject([
      { ...common, direction: 'debit', accountId: alice, posted: 70n, available: 70n },
      { ...common, direction: 'credit', accountId: bob, posted: 30n, available: 30n },
    ]);
    expect(rest).toMatchObject({ progress: { status, captured: [30n], captures: 1 } });
  });

  it('an extension moves nothing, changes no account, and keeps what the hold has come to', () => {
    const story = started();
    const before = story.accounts;
    const { type, transaction, ...rest } = story.lastOf(extensionOf(txn, deadline + 5n));
    expect(type).toBe('transaction.extended');
    expect(transaction).toMatchObject({ transactionId: txn, held: [100n] });
    expect(transaction.legs).toMatchObject([
      { amount: 0n, accountId: alice, posted: 70n, pendingOut: 70n, version: 3, entryNumber: 1 },
      { amount: 0n, accountId: bob, posted: 30n, pendingIn: 70n, version: 3, entryNumber: 1 },
    ]);
    expect(rest).toMatchObject({
      progress: { status: 'partially_captured', expiresAt: deadline + 5n, captured: [30n] },
    });
    expect(story.tell(extensionOf(txn, deadline + 5n)).accounts).toEqual(before);
    const state = stateOf(before, { transactions: story.transactions });
    evolve(state, { type, transaction, ...rest } as TransactionEvent);
    expect(state.touchedAccountIds.size).toBe(0);
  });
});

describe('a hold of several postings', () => {
  const postings: PostingDraft[] = [
    { sender: alice, recipient: bob, amount: 60n },
    { sender: alice, recipient: 'ROOT', amount: 30n },
    { sender: 'ROOT', recipient: carol, amount: 5n },
  ];
  const started = () =>
    new LedgerStory([
      accountWith(alice, 100n),
      accountWith(bob, 0n),
      accountWith(carol, 0n),
      rootWith(-100n),
    ]).tell({
      kind: 'create-transaction',
      draft: draftOf(txn, postings, { hold: { expiresAt: deadline } }),
    });
  const money = (story: LedgerStory) => [alice, bob, carol].map((id) => moneyOf(story.account(id)));

  it('is held as a whole', () => {
    expect(money(started())).toEqual([
      [100n, 90n, 0n, 10n],
      [0n, 0n, 60n, 0n],
      [0n, 0n, 5n, 0n],
    ]);
  });

  it('is captured as a whole, by no amount, not even by that of all', () => {
    const story = started();
    expect(story.refusalOf(captureOf(txn, first, 95n))).toEqual(['validation_error', 'amount']);
    story.tell(captureOf(txn, first));
    expect(story.transaction(txn).progress).toMatchObject({
      status: 'posted',
      captured: [60n, 30n, 5n],
      captures: 1,
    });
    expect(money(story)).toEqual([
      [10n, 0n, 0n, 10n],
      [60n, 0n, 0n, 60n],
      [5n, 0n, 0n, 5n],
    ]);
    expect(moneyOf(story.account(systemIdOf('ROOT', 'EUR')))).toEqual([-75n, 0n, 0n, -75n]);
  });

  it.each([
    ['voided', voidOf(txn), deadline - 1n],
    ['expired', expiryOf(txn), deadline],
  ])('is %s as a whole', (status, command, now) => {
    const story = started().at(now).tell(command);
    expect(story.transaction(txn).progress).toMatchObject({ status, captured: [0n, 0n, 0n] });
    expect(money(story)).toEqual([
      [100n, 0n, 0n, 100n],
      [0n, 0n, 0n, 0n],
      [0n, 0n, 0n, 0n],
    ]);
  });
});
