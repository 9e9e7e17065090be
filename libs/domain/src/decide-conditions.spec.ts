import {
  accountWith,
  draftOf,
  idOf,
  moveOf,
  rootWith,
  settingsOf,
  stateNow,
  systemIdOf,
} from '../../../test/support/ledger-fixtures.js';
import { LedgerStory } from '../../../test/support/ledger-story.js';
import type { Account } from './accounts.js';
import { unboundCaller } from './callers.js';
import type { CreateTransactionCommand } from './commands.js';
import type { Condition } from './transactions.js';

const [alice, bob, watched, dollars] = [idOf(1, 1), idOf(1, 2), idOf(1, 3), idOf(1, 4)] as const;
const txn = idOf(2, 1);

const accounts = [
  accountWith(alice, 100n, settingsOf({ ownerId: 'alice' })),
  accountWith(bob, 0n, settingsOf({ ownerId: 'bob', visibility: 'public' })),
  accountWith(watched, 50n, { version: 7, pendingCredits: 5n, pendingDebits: 3n }),
  accountWith(dollars, 9n, { currency: 'USD' }),
];
const moveIf = (...conditions: Condition[]): CreateTransactionCommand =>
  moveOf(txn, alice, bob, 10n, { conditions });
const refusalOf = (command: CreateTransactionCommand, given: readonly Account[] = accounts) =>
  new LedgerStory(given).refusalOf(command);

describe('a condition', () => {
  it.each<[string, Omit<Condition, 'account'>, string | null]>([
    ['the version that it has', { version: 7 }, null],
    ['a version before', { version: 6 }, 'version'],
    ['a version after', { version: 8 }, 'version'],
    ['a minimum that is there', { minPosted: 50n }, null],
    ['a minimum of one more', { minPosted: 51n }, 'minPosted'],
    ['a maximum that is there', { maxPosted: 50n }, null],
    ['a maximum of one less', { maxPosted: 49n }, 'maxPosted'],
    ['what is held for it does not count', { minPosted: 51n }, 'minPosted'],
    ['what is held of it does not count', { maxPosted: 49n }, 'maxPosted'],
    ['a minimum below zero', { minPosted: -1n }, null],
    ['all that is so', { version: 7, minPosted: 50n, maxPosted: 50n }, null],
    ['of several that are not so the version', { version: 1, minPosted: 51n, maxPosted: 49n }, 'version'],
    ['then the minimum', { version: 7, minPosted: 51n, maxPosted: 49n }, 'minPosted'],
    ['then the maximum', { version: 7, minPosted: 50n, maxPosted: 49n }, 'maxPosted'],
  ])('of an account that the transaction does not touch: %s', (_, condition, failed) => {
    expect(refusalOf(moveIf({ account: watched, ...condition }))).toEqual(
      failed && ['version_conflict', `conditions[0].${failed}`],
    );
  });

  it('is of the account as it is before the transaction', () => {
    expect(
      refusalOf(moveIf({ account: alice, version: 1, minPosted: 100n }, { account: bob, maxPosted: 0n })),
    ).toBeNull();
    expect(refusalOf(moveIf({ account: alice, maxPosted: 90n }))).toEqual([
      'version_conflict',
      'conditions[0].maxPosted',
    ]);
  });

  it('of several is told by the first that is not so; one that names nobody comes before all', () => {
    const conditions = [
      { account: alice, version: 1 },
      { account: watched, version: 1 },
      { account: bob, version: 9 },
    ];
    expect(refusalOf(moveIf(...conditions))).toEqual(['version_conflict', 'conditions[1].version']);
    expect(refusalOf(moveIf(...conditions, { account: idOf(1, 9), version: 1 }))).toEqual([
      'account_not_found',
      'conditions[3].accountId',
    ]);
  });

  it('of an account that is closed or frozen is a condition all the same', () => {
    for (const status of ['closed', 'frozen'] as const) {
      const given = accounts.map((account) => (account.id === watched ? { ...account, status } : account));
      expect(refusalOf(moveIf({ account: watched, version: 7 }), given)).toBeNull();
    }
  });

  it('of ROOT is of that of the first posting', () => {
    const command: CreateTransactionCommand = {
      kind: 'create-transaction',
      draft: draftOf(
        txn,
        [
          { sender: alice, recipient: bob, amount: 1n },
          { sender: 'ROOT', recipient: dollars, amount: 1n },
        ],
        { conditions: [{ account: 'ROOT', maxPosted: -100n }] },
      ),
    };
    expect(refusalOf(command, [...accounts, rootWith(-100n), rootWith(-9n, 'USD')])).toBeNull();
    expect(refusalOf(command, [...accounts, rootWith(-9n), rootWith(-100n, 'USD')])?.[0]).toBe(
      'version_conflict',
    );
  });

  it('of a ROOT that nobody has needed is of an account that has nothing', () => {
    expect(refusalOf(moveIf({ account: 'ROOT', minPosted: 0n, maxPosted: 0n }))).toBeNull();
    expect(refusalOf(moveIf({ account: 'ROOT', version: 1 }))?.[0]).toBe('version_conflict');
  });

  it('names ROOT by its name only', () => {
    const given = [...accounts, rootWith(-100n)];
    expect(refusalOf(moveIf({ account: systemIdOf('ROOT', 'EUR'), version: 1 }), given)?.[0]).toBe(
      'account_not_found',
    );
    expect(refusalOf(moveIf({ account: 'EXCHANGE', version: 1 }), given)?.[0]).toBe('account_not_found');
  });

  it.each<[string, string, boolean]>([
    ['their own account', alice, true],
    ["another's public account, whose balance they don't see", bob, false],
    ["nobody's account", watched, false],
    ['ROOT', 'ROOT', false],
  ])('an owner may ask of %s', (_, account, isThere) => {
    const story = new LedgerStory(accounts);
    expect(
      story.refusalOf(moveIf({ account, minPosted: -1_000n }), { ...unboundCaller, ownerId: 'alice' }),
    ).toEqual(isThere ? null : ['account_not_found', 'conditions[0].accountId']);
  });

  it('is of what commands before it in the batch have made of the account', () => {
    const story = new LedgerStory(accounts);
    const command = moveIf({ account: alice, version: 1 });
    story.tell(command);
    expect(story.refusalOf(command)).toEqual(['version_conflict', 'conditions[0].version']);
    story.tell(moveIf({ account: alice, version: 2, minPosted: 90n }));
  });
});

describe('a transaction that took effect before it is recorded', () => {
  const at = (effectiveAt: bigint) => moveOf(txn, alice, bob, 10n, { effectiveAt });

  it.each([
    ['long ago', 1n, null],
    ['now', stateNow, null],
    ['in a microsecond', stateNow + 1n, ['validation_error', 'effectiveAt']],
  ])('%s', (_, effectiveAt, refused) => {
    expect(refusalOf(at(effectiveAt))).toEqual(refused);
  });

  it('says so, and one that does not says nothing', () => {
    const story = new LedgerStory(accounts);
    expect(story.lastOf(at(5n)).transaction.effectiveAt).toBe(5n);
    expect('effectiveAt' in story.lastOf(moveOf(txn, alice, bob, 10n)).transaction).toBe(false);
  });

  it('moves money now: what was there then does not matter, nor does the account have to have been there', () => {
    const story = new LedgerStory(accounts).tell(at(1n));
    expect(story.account(alice)).toMatchObject({
      postedDebits: 10n,
      updatedAt: stateNow,
      createdAt: 1_000_000n,
    });
  });
});
