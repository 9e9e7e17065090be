import {
  accountWith,
  idOf,
  moveOf,
  openingOf,
  settingsOf,
  stateNow,
  stateOf,
  systemIdOf,
} from '../../../test/support/ledger-fixtures.js';
import type { Account, AccountSettings } from './accounts.js';
import type { AccountPrecondition } from './commands.js';
import { unboundCaller } from './callers.js';
import { decide } from './decide.js';
import { evolve } from './evolve.js';
import type { RefusalCode } from './refusals.js';

const [alice, bob] = [idOf(1, 1), idOf(1, 2)] as const;
const txn = idOf(2, 1);

const balanceOf = (amount: bigint) => ({ transactionId: txn, amount });
const codeOf = (decision: ReturnType<typeof decide>) =>
  decision.accepted ? null : ([decision.refusal.code, decision.refusal.path] as const);

describe('opening an account', () => {
  it.each<[string, string[], Parameters<typeof openingOf>[1], [RefusalCode, string] | null]>([
    [
      'taken external id, unknown currency, too large a balance',
      ['shop-1'],
      { currency: 'AAA', settings: { externalId: 'shop-1', maxBalance: 5n }, balance: balanceOf(6n) },
      ['external_id_taken', 'externalId'],
    ],
    [
      'the external id is free',
      [],
      { currency: 'AAA', settings: { externalId: 'shop-1', maxBalance: 5n }, balance: balanceOf(6n) },
      ['unknown_currency', 'currency'],
    ],
    [
      'the currency is known',
      [],
      { settings: { externalId: 'shop-1', maxBalance: 5n }, balance: balanceOf(6n) },
      ['balance_limit_exceeded', 'openingBalance'],
    ],
    [
      'the balance is within the maximum',
      [],
      { settings: { externalId: 'shop-1', maxBalance: 5n }, balance: balanceOf(5n) },
      null,
    ],
    ['no balance at all, below its own minimum', [], { settings: { minBalance: 1_000n } }, null],
    [
      'a balance below its own minimum',
      [],
      { settings: { minBalance: 1_000n }, balance: balanceOf(1n) },
      null,
    ],
  ])('%s', (_, accountExternalIds, opening, expected) => {
    expect(
      codeOf(decide(openingOf(alice, opening), stateOf([], { accountExternalIds }), unboundCaller)),
    ).toEqual(expected);
  });

  it('makes one event, with the account as it is', () => {
    const settings = {
      name: 'Shop',
      visibility: 'public',
      ownerId: 'owner-a',
      metadata: { a: [1] },
    } as const;
    const decision = decide(openingOf(alice, { settings }), stateOf([]), unboundCaller);
    expect(decision).toEqual({
      accepted: true,
      events: [
        {
          type: 'account.opened',
          account: accountWith(alice, 0n, {
            ...settingsOf(settings),
            createdAt: stateNow,
            updatedAt: stateNow,
          }),
        },
      ],
    });
  });

  it('with an opening balance is the account, ROOT where it is new, and an ordinary mint', () => {
    const state = stateOf([]);
    const decision = decide(openingOf(alice, { balance: balanceOf(1_000n) }), state, unboundCaller);
    if (!decision.accepted) throw new Error('refused');
    expect(decision.events.map((event) => event.type)).toEqual([
      'account.opened',
      'account.opened',
      'transaction.posted',
    ]);
    expect(decision.events[2]).toMatchObject({
      transaction: {
        transactionId: txn,
        type: 'mint',
        legs: [
          { accountId: systemIdOf('ROOT', 'EUR'), posted: -1_000n, version: 2, entryNumber: 1 },
          { accountId: alice, posted: 1_000n, version: 2, entryNumber: 1 },
        ],
      },
    });
    for (const event of decision.events) evolve(state, event);
    expect(state.account(alice)).toMatchObject({
      postedCredits: 1_000n,
      createdAt: stateNow,
      updatedAt: stateNow + 2n,
    });
    expect(state.position).toBe(13n);
  });
});

function update(
  account: Account,
  changes: Partial<AccountSettings>,
  preconditions: readonly AccountPrecondition[] = [],
  taken: readonly string[] = [],
) {
  return decide(
    { kind: 'update-account', accountId: account.id, changes, preconditions },
    stateOf([account], { accountExternalIds: taken }),
    unboundCaller,
  );
}

const never: AccountPrecondition = { settingsVersion: 99, version: null, unmodifiedSinceSeconds: null };

describe('changing an account', () => {
  const closed = accountWith(alice, 0n, { status: 'closed' });
  const open = accountWith(alice, 0n, { externalId: 'shop-1' });

  it('is refused where it does not exist, or is a system account', () => {
    const missing = { kind: 'update-account', accountId: bob, changes: {}, preconditions: [never] } as const;
    expect(codeOf(decide(missing, stateOf([open]), unboundCaller))).toEqual(['account_not_found', null]);
    const root = accountWith(alice, 0n, { system: 'ROOT' });
    expect(codeOf(update(root, { name: 'x' }))).toEqual(['account_not_found', null]);
  });

  it.each<[string, Account, AccountPrecondition[], string[], RefusalCode | null]>([
    ['changed since, closed, external id taken', closed, [never], ['shop-2'], 'precondition_failed'],
    ['not changed since', closed, [], ['shop-2'], 'account_closed'],
    ['not closed', open, [], ['shop-2'], 'external_id_taken'],
    ['the external id is free', open, [], [], null],
    ['frozen accounts may be changed', { ...open, status: 'frozen' }, [], [], null],
  ])('%s', (_, account, preconditions, taken, expected) => {
    const decision = update(account, { externalId: 'shop-2' }, preconditions, taken);
    expect(codeOf(decision)?.[0] ?? null).toBe(expected);
  });

  it('keeps its own external id without asking', () => {
    expect(update(open, { externalId: 'shop-1', name: 'New' }, [], ['shop-1']).accepted).toBe(true);
  });

  it('raises both versions and leaves the money', () => {
    const account = accountWith(alice, 50n, {
      version: 7,
      settingsVersion: 3,
      entryNumber: 4,
      maxBalance: 100n,
    });
    expect(update(account, { name: 'New', maxBalance: null, minBalance: 60n, metadata: { a: 1 } })).toEqual({
      accepted: true,
      events: [
        {
          type: 'account.updated',
          account: {
            ...account,
            name: 'New',
            maxBalance: null,
            minBalance: 60n,
            metadata: { a: 1 },
            version: 8,
            settingsVersion: 4,
            updatedAt: stateNow,
          },
        },
      ],
    });
  });

  it.each<[string, Partial<AccountSettings>]>([
    ['nothing named', {}],
    ['every field as it is', settingsOf({ externalId: 'shop-1' })],
    ['metadata as they are', { metadata: {} }],
  ])('to what it is makes no event: %s', (_, changes) => {
    expect(update(open, changes)).toEqual({ accepted: true, events: [], unchanged: open });
  });

  it('clears the external id, which is then free for another', () => {
    const state = stateOf([open], { accountExternalIds: ['shop-1'] });
    expect(
      codeOf(decide(openingOf(bob, { settings: { externalId: 'shop-1' } }), state, unboundCaller))?.[0],
    ).toBe('external_id_taken');
    const decision = decide(
      { kind: 'update-account', accountId: alice, changes: { externalId: null }, preconditions: [] },
      state,
      unboundCaller,
    );
    if (!decision.accepted) throw new Error('refused');
    for (const event of decision.events) evolve(state, event);
    expect(
      decide(openingOf(bob, { settings: { externalId: 'shop-1' } }), state, unboundCaller).accepted,
    ).toBe(true);
  });
});

describe('preconditions', () => {
  const account = accountWith(alice, 0n, { settingsVersion: 3, version: 8, updatedAt: 5_999_999n });
  const condition = (changes: Partial<AccountPrecondition>): AccountPrecondition => ({
    settingsVersion: null,
    version: null,
    unmodifiedSinceSeconds: null,
    ...changes,
  });
  it.each<[string, AccountPrecondition[], boolean]>([
    ['none', [], true],
    ['any state of it', [condition({})], true],
    ['its settings version', [condition({ settingsVersion: 3 })], true],
    ['another settings version', [condition({ settingsVersion: 2 })], false],
    ['its version', [condition({ settingsVersion: 3, version: 8 })], true],
    ['another version', [condition({ settingsVersion: 3, version: 7 })], false],
    ['one of several', [condition({ version: 1 }), condition({ version: 8 })], true],
    ['none of several', [condition({ version: 1 }), condition({ version: 2 })], false],
    ['the second in which it changed', [condition({ unmodifiedSinceSeconds: 5n })], true],
    ['the second before', [condition({ unmodifiedSinceSeconds: 4n })], false],
    ['both must hold', [condition({ version: 8, unmodifiedSinceSeconds: 4n })], false],
  ])('%s: %s', (_, preconditions, holds) => {
    expect(update(account, { name: 'New' }, preconditions).accepted).toBe(holds);
    const close = decide(
      { kind: 'close-account', accountId: alice, preconditions },
      stateOf([account]),
      unboundCaller,
    );
    expect(codeOf(close)).toEqual(holds ? null : ['precondition_failed', null]);
  });
});

describe('closing an account', () => {
  const close = (account: Account, preconditions: AccountPrecondition[] = []) =>
    decide({ kind: 'close-account', accountId: alice, preconditions }, stateOf([account]), unboundCaller);

  it.each<[string, Account, AccountPrecondition[], RefusalCode | null]>([
    ['does not exist', accountWith(bob, 5n), [never], 'account_not_found'],
    [
      'changed since, closed, not empty',
      accountWith(alice, 5n, { status: 'closed' }),
      [never],
      'precondition_failed',
    ],
    ['not changed since', accountWith(alice, 5n, { status: 'closed' }), [], 'account_closed'],
    ['not closed', accountWith(alice, 5n), [], 'account_not_empty'],
    ['owes something', accountWith(alice, -5n), [], 'account_not_empty'],
    ['has money on its way in', accountWith(alice, 0n, { pendingCredits: 1n }), [], 'account_not_empty'],
    ['has money held', accountWith(alice, 0n, { pendingDebits: 1n }), [], 'account_not_empty'],
    ['is empty', accountWith(alice, 0n), [], null],
    ['is empty and frozen', accountWith(alice, 0n, { status: 'frozen' }), [], null],
  ])('%s', (_, account, preconditions, expected) => {
    expect(codeOf(close(account, preconditions))?.[0] ?? null).toBe(expected);
  });

  it('is for ever, and keeps the external id', () => {
    const state = stateOf(
      [accountWith(alice, 0n, { externalId: 'shop-1', version: 4, settingsVersion: 2 })],
      { accountExternalIds: ['shop-1'] },
    );
    const decision = decide(
      { kind: 'close-account', accountId: alice, preconditions: [] },
      state,
      unboundCaller,
    );
    if (!decision.accepted) throw new Error('refused');
    for (const event of decision.events) evolve(state, event);
    expect(state.account(alice)).toMatchObject({
      status: 'closed',
      version: 5,
      settingsVersion: 3,
      updatedAt: stateNow,
    });
    expect(
      codeOf(decide(openingOf(bob, { settings: { externalId: 'shop-1' } }), state, unboundCaller))?.[0],
    ).toBe('external_id_taken');
    expect(codeOf(decide(moveOf(txn, 'ROOT', alice, 1n), state, unboundCaller))?.[0]).toBe('account_closed');
  });
});
