import {
  accountWith,
  draftOf,
  idOf,
  moveOf,
  rootWith,
  stateNow,
  stateOf,
  systemIdOf,
} from '../../../test/support/ledger-fixtures.js';
import type { Account } from './accounts.js';
import { unboundCaller } from './callers.js';
import { decide } from './decide.js';
import type { RefusalCode } from './refusals.js';
import type { PostingDraft, TransactionDraft } from './transactions.js';

const [alice, bob, carol, nobody, dollars] = [1, 2, 3, 4, 5].map((n) => idOf(1, n)) as [
  string,
  string,
  string,
  string,
  string,
];
const txn = idOf(2, 1);

interface Given {
  readonly accounts?: readonly Account[];
  readonly takenExternalIds?: readonly string[];
}

function decideDraft({ accounts = [], takenExternalIds = [] }: Given, draft: TransactionDraft) {
  const state = stateOf(accounts, { transactionExternalIds: takenExternalIds });
  return decide({ kind: 'create-transaction', draft }, state, unboundCaller);
}

function refusalOf(given: Given, postings: readonly PostingDraft[], changes: Partial<TransactionDraft> = {}) {
  const decision = decideDraft(given, draftOf(txn, postings, changes));
  return decision.accepted ? null : ([decision.refusal.code, decision.refusal.path] as const);
}

/** What an accepted draft leaves on each account it touches: [posted, available] after its last leg. */
function acceptedOf(given: Given, draft: TransactionDraft) {
  const decision = decideDraft(given, draft);
  if (!decision.accepted) throw new Error(`refused with ${decision.refusal.code}`);
  const posted = decision.events.find((event) => event.type === 'transaction.posted');
  if (posted?.type !== 'transaction.posted') throw new Error('no transaction was posted');
  return { events: decision.events, transaction: posted.transaction, legs: posted.transaction.legs };
}

const one = (sender: string, recipient: string, amount: bigint): PostingDraft => ({
  sender,
  recipient,
  amount,
});

describe('one posting: each row adds the fact that the row before was refused for', () => {
  type Row = readonly [
    fact: string,
    given: Given,
    posting: PostingDraft,
    refusal: RefusalCode | null,
    path: string | null,
  ];
  const closedAlice = accountWith(alice, 50n, { status: 'closed' });
  const frozenAlice = accountWith(alice, 50n, { status: 'frozen' });
  const closedBob = accountWith(bob, 0n, { currency: 'USD', status: 'closed', maxBalance: 10n });
  const frozenBob = { ...closedBob, status: 'frozen' } as const;
  const openBob = { ...closedBob, status: 'open' } as const;
  const euroBob = accountWith(bob, 0n, { maxBalance: 10n });
  const taken = ['order-1'];
  const rows: Row[] = [
    [
      'nobody, and both sides the same',
      { takenExternalIds: taken },
      one(alice, alice, 100n),
      'same_account',
      'recipient',
    ],
    ['two sides', { takenExternalIds: taken }, one(alice, bob, 100n), 'account_not_found', 'sender'],
    [
      'the sender exists',
      { accounts: [closedAlice], takenExternalIds: taken },
      one(alice, bob, 100n),
      'account_not_found',
      'recipient',
    ],
    [
      'the recipient exists',
      { accounts: [closedAlice, closedBob], takenExternalIds: taken },
      one(alice, bob, 100n),
      'account_closed',
      'sender',
    ],
    [
      'the sender is not closed',
      { accounts: [frozenAlice, closedBob], takenExternalIds: taken },
      one(alice, bob, 100n),
      'account_closed',
      'recipient',
    ],
    [
      'the recipient is not closed',
      { accounts: [frozenAlice, frozenBob], takenExternalIds: taken },
      one(alice, bob, 100n),
      'account_frozen',
      'sender',
    ],
    [
      'the sender is not frozen',
      { accounts: [accountWith(alice, 50n), frozenBob], takenExternalIds: taken },
      one(alice, bob, 100n),
      'account_frozen',
      'recipient',
    ],
    [
      'the recipient is not frozen',
      { accounts: [accountWith(alice, 50n), openBob], takenExternalIds: taken },
      one(alice, bob, 100n),
      'external_id_taken',
      'externalId',
    ],
    [
      'the external id is free',
      { accounts: [accountWith(alice, 50n), openBob] },
      one(alice, bob, 100n),
      'exchange_rate_missing',
      'recipient',
    ],
    [
      'one currency',
      { accounts: [accountWith(alice, 50n), euroBob] },
      one(alice, bob, 100n),
      'insufficient_funds',
      'amount',
    ],
    [
      'enough money',
      { accounts: [accountWith(alice, 100n), euroBob] },
      one(alice, bob, 100n),
      'balance_limit_exceeded',
      'amount',
    ],
    [
      'no more than the recipient may hold',
      { accounts: [accountWith(alice, 100n), euroBob] },
      one(alice, bob, 10n),
      null,
      null,
    ],
  ];

  it.each(rows)('%s', (_, given, posting, code, path) => {
    expect(refusalOf(given, [posting], { externalId: 'order-1' })).toEqual(code && [code, path]);
  });

  it('ROOT to ROOT is the same account, and comes before an account that does not exist', () => {
    expect(refusalOf({}, [one('ROOT', 'ROOT', 1n)])).toEqual(['same_account', 'recipient']);
    expect(refusalOf({}, [one(nobody, bob, 1n), one('ROOT', 'ROOT', 1n)])).toEqual([
      'same_account',
      'postings[1].recipient',
    ]);
  });

  it('a system account is found by its name only, never by its id', () => {
    const given = { accounts: [rootWith(-10n), accountWith(alice, 10n)] };
    expect(refusalOf(given, [one(systemIdOf('ROOT', 'EUR'), alice, 1n)])).toEqual([
      'account_not_found',
      'sender',
    ]);
    expect(refusalOf(given, [one(alice, systemIdOf('ROOT', 'EUR'), 1n)])).toEqual([
      'account_not_found',
      'recipient',
    ]);
  });
});

describe('two postings with two faults: the code of the first check, then of the first posting', () => {
  const accounts = [
    accountWith(alice, 100n),
    accountWith(bob, 100n),
    accountWith(carol, 100n, { status: 'frozen' }),
    accountWith(dollars, 100n, { currency: 'USD', status: 'closed' }),
  ];
  it.each<[string, PostingDraft[], RefusalCode, string]>([
    [
      'a later same_account before an earlier unknown account',
      [one(nobody, bob, 1n), one(bob, bob, 1n)],
      'same_account',
      'postings[1].recipient',
    ],
    [
      'a later unknown account before an earlier frozen one',
      [one(carol, bob, 1n), one(alice, nobody, 1n)],
      'account_not_found',
      'postings[1].recipient',
    ],
    [
      'of two unknown accounts the first posting',
      [one(alice, nobody, 1n), one(nobody, alice, 1n)],
      'account_not_found',
      'postings[0].recipient',
    ],
    [
      'a later closed account before an earlier frozen one',
      [one(carol, bob, 1n), one(alice, dollars, 1n)],
      'account_closed',
      'postings[1].recipient',
    ],
    [
      'a later frozen account before too little money',
      [one(alice, bob, 900n), one(bob, carol, 1n)],
      'account_frozen',
      'postings[1].recipient',
    ],
    [
      'too little money in the second posting',
      [one(alice, bob, 100n), one(bob, alice, 900n)],
      'insufficient_funds',
      'postings[1].amount',
    ],
  ])('%s', (_, postings, code, path) => {
    expect(refusalOf({ accounts }, postings)).toEqual([code, path]);
  });

  it('too little money anywhere comes before too much anywhere', () => {
    const full = accountWith(bob, 10n, { maxBalance: 10n });
    const given = { accounts: [accountWith(alice, 100n), full, accountWith(carol, 0n)] };
    expect(refusalOf(given, [one(alice, bob, 1n), one(carol, alice, 5n)])).toEqual([
      'insufficient_funds',
      'postings[1].amount',
    ]);
  });
});

describe('limits', () => {
  const transfer = (sender: Account, recipient: Account, amount: bigint) =>
    refusalOf({ accounts: [sender, recipient] }, [one(sender.id, recipient.id, amount)])?.[0] ?? 'accepted';

  it.each<[string, Account, bigint, string]>([
    ['all that there is', accountWith(alice, 100n), 100n, 'accepted'],
    ['one more than there is', accountWith(alice, 100n), 101n, 'insufficient_funds'],
    ['down to a minimum above zero', accountWith(alice, 100n, { minBalance: 30n }), 70n, 'accepted'],
    ['below a minimum above zero', accountWith(alice, 100n, { minBalance: 30n }), 71n, 'insufficient_funds'],
    ['down to a minimum below zero', accountWith(alice, 100n, { minBalance: -50n }), 150n, 'accepted'],
    [
      'below a minimum below zero',
      accountWith(alice, 100n, { minBalance: -50n }),
      151n,
      'insufficient_funds',
    ],
    [
      'any amount without a minimum',
      accountWith(alice, 0n, { minBalance: null }),
      10n ** 36n - 1n,
      'accepted',
    ],
    ['money that is held', accountWith(alice, 100n, { pendingDebits: 40n }), 61n, 'insufficient_funds'],
    ['money that is not held', accountWith(alice, 100n, { pendingDebits: 40n }), 60n, 'accepted'],
    [
      'money that is only on its way',
      accountWith(alice, 0n, { pendingCredits: 100n }),
      1n,
      'insufficient_funds',
    ],
    ['from below the limit', accountWith(alice, -10n), 1n, 'insufficient_funds'],
    ['above its maximum it may send', accountWith(alice, 100n, { maxBalance: 5n }), 1n, 'accepted'],
  ])('the sender: %s', (_, sender, amount, expected) => {
    expect(transfer(sender, accountWith(bob, 0n), amount)).toBe(expected);
  });

  it.each<[string, Account, bigint, string]>([
    ['up to the maximum', accountWith(bob, 60n, { maxBalance: 100n }), 40n, 'accepted'],
    ['above the maximum', accountWith(bob, 60n, { maxBalance: 100n }), 41n, 'balance_limit_exceeded'],
    [
      'money on its way counts',
      accountWith(bob, 60n, { maxBalance: 100n, pendingCredits: 10n }),
      31n,
      'balance_limit_exceeded',
    ],
    [
      'money that is held counts',
      accountWith(bob, 60n, { maxBalance: 100n, pendingDebits: 50n }),
      41n,
      'balance_limit_exceeded',
    ],
    ['a maximum of zero', accountWith(bob, 0n, { maxBalance: 0n }), 1n, 'balance_limit_exceeded'],
    ['a maximum below zero', accountWith(bob, -20n, { maxBalance: -5n }), 16n, 'balance_limit_exceeded'],
    ['from above the maximum', accountWith(bob, 200n, { maxBalance: 100n }), 1n, 'balance_limit_exceeded'],
    ['an account below its minimum may receive', accountWith(bob, -50n), 10n, 'accepted'],
    [
      'a minimum above zero asks nothing of a recipient',
      accountWith(bob, 0n, { minBalance: 1_000n }),
      10n,
      'accepted',
    ],
  ])('the recipient: %s', (_, recipient, amount, expected) => {
    expect(transfer(accountWith(alice, 1_000n), recipient, amount)).toBe(expected);
  });

  it('are checked once, after all postings: money may pass through an empty account', () => {
    const accounts = [accountWith(alice, 100n), accountWith(bob, 0n), accountWith(carol, 0n)];
    expect(refusalOf({ accounts }, [one(bob, carol, 100n), one(alice, bob, 100n)])).toBeNull();
    expect(refusalOf({ accounts }, [one(bob, carol, 101n), one(alice, bob, 100n)])).toEqual([
      'insufficient_funds',
      'postings[0].amount',
    ]);
  });

  it('are checked once, after all postings: money may pass through a full account', () => {
    const accounts = [
      accountWith(alice, 100n),
      accountWith(bob, 10n, { maxBalance: 10n }),
      accountWith(carol, 0n),
    ];
    expect(refusalOf({ accounts }, [one(alice, bob, 100n), one(bob, carol, 100n)])).toBeNull();
    expect(refusalOf({ accounts }, [one(alice, bob, 100n), one(bob, carol, 99n)])).toEqual([
      'balance_limit_exceeded',
      'postings[0].amount',
    ]);
  });

  it('a circle that gives everybody back what they gave is accepted from below every limit', () => {
    const accounts = [
      accountWith(alice, -10n),
      accountWith(bob, 50n, { maxBalance: 10n }),
      accountWith(carol, -1n),
    ];
    expect(
      refusalOf({ accounts }, [one(alice, bob, 7n), one(bob, carol, 7n), one(carol, alice, 7n)]),
    ).toBeNull();
  });

  it('ROOT has none', () => {
    const accounts = [accountWith(alice, 0n)];
    expect(refusalOf({ accounts }, [one('ROOT', alice, 10n ** 36n - 1n)])).toBeNull();
  });
});

describe('ROOT', () => {
  it('is opened by the first transaction that needs it, before that transaction', () => {
    const { events, transaction } = acceptedOf(
      { accounts: [accountWith(alice, 0n)] },
      draftOf(txn, [one('ROOT', alice, 100n)]),
    );
    expect(events.map((event) => event.type)).toEqual(['account.opened', 'transaction.posted']);
    expect(events[0]).toMatchObject({
      account: {
        id: systemIdOf('ROOT', 'EUR'),
        system: 'ROOT',
        currency: 'EUR',
        minBalance: null,
        maxBalance: null,
        version: 1,
        createdAt: stateNow,
      },
    });
    expect(transaction.type).toBe('mint');
  });

  it('is not opened again', () => {
    const { events } = acceptedOf(
      { accounts: [rootWith(-5n), accountWith(alice, 5n)] },
      draftOf(txn, [one(alice, 'ROOT', 5n)]),
    );
    expect(events.map((event) => event.type)).toEqual(['transaction.posted']);
  });

  it('is one account per currency, each opened 1 µs after the one before', () => {
    const { events, legs } = acceptedOf(
      { accounts: [accountWith(alice, 0n), accountWith(dollars, 0n, { currency: 'USD' })] },
      draftOf(txn, [one('ROOT', alice, 1n), one('ROOT', dollars, 2n), one('ROOT', alice, 4n)]),
    );
    expect(events.slice(0, 2)).toMatchObject([
      { account: { currency: 'EUR', createdAt: stateNow } },
      { account: { currency: 'USD', createdAt: stateNow + 1n } },
    ]);
    expect(legs.map(({ system, currency, posted }) => [system, currency, posted])).toEqual([
      ['ROOT', 'EUR', -1n],
      [null, 'EUR', 1n],
      ['ROOT', 'USD', -2n],
      [null, 'USD', 2n],
      ['ROOT', 'EUR', -5n],
      [null, 'EUR', 5n],
    ]);
  });

  it('is not opened by a refused transaction', () => {
    const state = stateOf([accountWith(alice, 5n)]);
    const decision = decide(moveOf(txn, alice, 'ROOT', 6n), state, unboundCaller);
    expect(decision).toMatchObject({ accepted: false, refusal: { code: 'insufficient_funds' } });
    expect(state.account(systemIdOf('ROOT', 'EUR'))).toBeUndefined();
  });

  it.each<[string, PostingDraft[], string]>([
    ['all senders ROOT', [one('ROOT', alice, 1n), one('ROOT', bob, 1n)], 'mint'],
    ['all recipients ROOT', [one(alice, 'ROOT', 1n), one(bob, 'ROOT', 1n)], 'burn'],
    ['some senders ROOT', [one('ROOT', alice, 1n), one(alice, bob, 1n)], 'transfer'],
    ['one in, one out', [one('ROOT', alice, 1n), one(bob, 'ROOT', 1n)], 'transfer'],
    ['no ROOT', [one(alice, bob, 1n)], 'transfer'],
  ])('%s: %s', (_, postings, type) => {
    const accounts = [accountWith(alice, 10n), accountWith(bob, 10n), rootWith(-20n)];
    expect(acceptedOf({ accounts }, draftOf(txn, postings)).transaction.type).toBe(type);
  });
});

describe('the legs of a transaction', () => {
  it('show each account as it is after them, with version and entry number one higher each', () => {
    const accounts = [
      accountWith(alice, 100n, {
        minBalance: 20n,
        version: 7,
        entryNumber: 4,
        ownerId: 'owner-a',
        pendingDebits: 5n,
      }),
      accountWith(bob, 0n, { version: 3, entryNumber: 0, visibility: 'public', pendingCredits: 9n }),
    ];
    const { legs } = acceptedOf({ accounts }, draftOf(txn, [one(alice, bob, 30n), one(alice, bob, 10n)]));
    const money = { currency: 'EUR', system: null };
    const fromAlice = {
      ...money,
      accountId: alice,
      ownerId: 'owner-a',
      visibility: 'private',
      direction: 'debit',
      pendingIn: 0n,
      pendingOut: 5n,
    };
    const toBob = {
      ...money,
      accountId: bob,
      ownerId: null,
      visibility: 'public',
      direction: 'credit',
      pendingIn: 9n,
      pendingOut: 0n,
    };
    expect(legs).toEqual([
      { ...fromAlice, leg: 1, amount: 30n, posted: 70n, available: 45n, version: 8, entryNumber: 5 },
      { ...toBob, leg: 2, amount: 30n, posted: 30n, available: 30n, version: 4, entryNumber: 1 },
      { ...fromAlice, leg: 3, amount: 10n, posted: 60n, available: 35n, version: 9, entryNumber: 6 },
      { ...toBob, leg: 4, amount: 10n, posted: 40n, available: 40n, version: 5, entryNumber: 2 },
    ]);
  });

  it('are exact far beyond 2^63, up to 36 digits', () => {
    const most = 10n ** 36n - 1n;
    const accounts = [accountWith(alice, most), accountWith(bob, 0n)];
    const { legs } = acceptedOf({ accounts }, draftOf(txn, [one(alice, bob, most)]));
    expect(legs.map(({ posted }) => posted)).toEqual([0n, most]);
  });

  it('never have a balance of more digits, on either side of zero', () => {
    const most = 10n ** 36n - 1n;
    const full = [accountWith(alice, 1n), accountWith(bob, most)];
    const upward = decideDraft({ accounts: full }, draftOf(txn, [one(alice, bob, 1n)]));
    expect(upward).toMatchObject({ accepted: false, refusal: { code: 'balance_limit_exceeded' } });
    const overdrawn = [accountWith(alice, -most, { minBalance: null }), accountWith(bob, 0n)];
    const downward = decideDraft({ accounts: overdrawn }, draftOf(txn, [one(alice, bob, 1n)]));
    expect(downward).toMatchObject({ accepted: false, refusal: { code: 'balance_limit_exceeded' } });
  });

  it('sum to zero in every currency', () => {
    const accounts = [accountWith(alice, 9n), accountWith(dollars, 9n, { currency: 'USD' })];
    const { legs } = acceptedOf(
      { accounts },
      draftOf(txn, [one(alice, 'ROOT', 3n), one('ROOT', dollars, 8n)]),
    );
    for (const currency of ['EUR', 'USD']) {
      const sum = legs
        .filter((leg) => leg.currency === currency)
        .reduce((total, { direction, amount }) => total + (direction === 'debit' ? -amount : amount), 0n);
      expect(sum).toBe(0n);
    }
  });

  it('carry what the draft says', () => {
    const accounts = [accountWith(alice, 9n), accountWith(bob, 0n)];
    const said = { reference: 'rent', externalId: 'order-2', metadata: { month: 5 } };
    const { transaction } = acceptedOf(
      { accounts, takenExternalIds: ['order-1'] },
      draftOf(txn, [one(alice, bob, 1n)], said),
    );
    expect(transaction).toMatchObject({ transactionId: txn, type: 'transfer', ...said });
  });
});
