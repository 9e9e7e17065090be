import {
  accountWith,
  holdOf,
  idOf,
  moveOf,
  openingOf,
  rateOf,
  stateOf,
  voidOf,
} from '../../../test/support/ledger-fixtures.js';
import { unboundCaller } from './callers.js';
import { decide } from './decide.js';
import { evolve } from './evolve.js';
import type { LedgerCommand } from './commands.js';
import type { LedgerState } from './ledger-state.js';

const [alice, bob] = [idOf(1, 1), idOf(1, 2)] as const;
const txn = idOf(2, 1);

function apply(command: LedgerCommand, state: LedgerState): void {
  const decision = decide(command, state, unboundCaller);
  if (!decision.accepted) throw new Error(`refused with ${decision.refusal.code}`);
  for (const event of decision.events) evolve(state, event);
}

const base = () =>
  stateOf([accountWith(alice, 9n, { externalId: 'shop-1' }), accountWith(bob, 0n)], {
    accountExternalIds: ['shop-1'],
  });

describe('the time of the next event', () => {
  it.each([
    ['is the clock of the database', 1_500_000n, 2_000_000n, 2_000_000n],
    ['is 1 µs after the last event where the clock stands still', 2_000_000n, 2_000_000n, 2_000_001n],
    ['is 1 µs after the last event where the clock went backwards', 9_000_000n, 2_000_000n, 9_000_001n],
  ])('%s', (_, recordedAt, now, expected) => {
    expect(stateOf([], { recordedAt, now }).nextRecordedAt).toBe(expected);
  });

  it('grows by 1 µs with each event of a batch', () => {
    const state = stateOf([accountWith(alice, 9n), accountWith(bob, 0n)], { now: 2_000_000n });
    const times = [1n, 2n, 3n].map((amount) => {
      apply(moveOf(txn, alice, bob, amount), state);
      return state.recordedAt;
    });
    expect(times).toEqual([2_000_000n, 2_000_001n, 2_000_002n]);
    expect(state.position).toBe(13n);
    expect(state.account(bob)).toMatchObject({ postedCredits: 6n, updatedAt: 2_000_002n });
  });
});

describe('an overlay', () => {
  it('sees its base, and keeps its own changes apart', () => {
    const state = base();
    const overlay = state.overlay();
    apply(moveOf(txn, alice, bob, 4n, { externalId: 'order-1' }), overlay);
    expect(overlay.account(bob)?.postedCredits).toBe(4n);
    expect(overlay.isTransactionExternalIdTaken('order-1')).toBe(true);
    expect(overlay.position).toBe(11n);
    expect(state.account(bob)?.postedCredits).toBe(0n);
    expect(state.isTransactionExternalIdTaken('order-1')).toBe(false);
    expect(state.position).toBe(10n);
  });

  it('can free an external id that its base has taken, for itself alone', () => {
    const state = base();
    const overlay = state.overlay();
    apply(
      { kind: 'update-account', accountId: alice, changes: { externalId: null }, preconditions: [] },
      overlay,
    );
    expect(overlay.isAccountExternalIdTaken('shop-1')).toBe(false);
    apply(openingOf(idOf(1, 3), { settings: { externalId: 'shop-1' } }), overlay);
    expect(overlay.isAccountExternalIdTaken('shop-1')).toBe(true);
    expect(state.isAccountExternalIdTaken('shop-1')).toBe(true);
    expect(state.overlay().isAccountExternalIdTaken('shop-1')).toBe(true);
  });
});

describe('an overlay of what is not on accounts', () => {
  const points = { kind: 'add-currency', code: 'POINTS', exponent: 3, name: 'Points' } as const;
  const closing = (closedBefore: bigint) => {
    return { kind: 'close-period', through: '1970-01-01', closedBefore } as const;
  };
  const told = () => {
    const state = stateOf([accountWith(alice, 9n), accountWith(bob, 0n)]);
    for (const command of [
      points,
      rateOf('EUR', 'POINTS', '2'),
      closing(100n),
      holdOf(txn, alice, bob, 4n),
    ]) {
      apply(command, state);
    }
    return state;
  };

  it('sees it in its base', () => {
    const overlay = told().overlay();
    expect(overlay.currencyExponent('POINTS')).toBe(3);
    expect(overlay.exchangeRate('EUR', 'POINTS')).toBe('2');
    expect(overlay.closedBefore).toBe(100n);
    expect(overlay.transaction(txn)?.progress.status).toBe('pending');
  });

  it('keeps what it changes of it apart', () => {
    const state = told();
    const overlay = state.overlay();
    for (const command of [rateOf('EUR', 'POINTS', '3'), closing(50n), voidOf(txn)]) apply(command, overlay);
    const seen = (one: LedgerState) => [
      one.exchangeRate('EUR', 'POINTS'),
      one.closedBefore,
      one.transaction(txn)?.progress.status,
    ];
    expect(seen(overlay)).toEqual(['3', 50n, 'voided']);
    expect(seen(overlay.overlay())).toEqual(['3', 50n, 'voided']);
    expect(seen(state)).toEqual(['2', 100n, 'pending']);
  });
});

describe('a state that goes on as that of the next batch', () => {
  const carol = idOf(1, 9);
  const next = (now: bigint) => ({
    now,
    accounts: [accountWith(alice, 1_000n), accountWith(carol, 3n)],
    transactionExternalIds: ['order-7'],
  });

  it('keeps what the batches before have left, and gets what it did not know', () => {
    const state = base();
    apply(moveOf(idOf(2, 2), alice, bob, 1n, { externalId: 'order-1' }), state);
    const left = [state.account(alice), state.position, state.recordedAt];
    state.goOn(next(9_000_000n));
    expect([state.account(alice), state.position, state.recordedAt]).toEqual(left);
    expect(state.account(carol)).toEqual(accountWith(carol, 3n));
    const ids = ['order-1', 'order-7', 'order-8'];
    expect(ids.map((id) => state.isTransactionExternalIdTaken(id))).toEqual([true, true, false]);
  });

  it('forgets the transactions of the batches before', () => {
    const state = base();
    apply(holdOf(txn, alice, bob, 4n), state);
    state.goOn(next(9_000_000n));
    expect(state.transaction(txn)).toBeUndefined();
    expect(state.touchedAccountIds.size).toBe(0);
  });

  it('records by the clock of the next batch, and never before what is recorded', () => {
    const state = base();
    apply(moveOf(idOf(2, 2), alice, bob, 1n), state);
    state.goOn(next(9_000_000n));
    expect(state.nextRecordedAt).toBe(9_000_000n);
    state.goOn(next(1n));
    expect(state.nextRecordedAt).toBe(state.recordedAt + 1n);
  });
});

describe('a state that adopts an overlay', () => {
  const all = [
    { kind: 'add-currency', code: 'POINTS', exponent: 3, name: 'Points' },
    rateOf('EUR', 'POINTS', '2'),
    { kind: 'close-period', through: '1970-01-01', closedBefore: 100n },
    { kind: 'update-account', accountId: alice, changes: { externalId: null }, preconditions: [] },
    openingOf(idOf(1, 3), { settings: { externalId: 'shop-1' } }),
    holdOf(txn, alice, bob, 4n),
    moveOf(idOf(2, 2), alice, bob, 1n, { externalId: 'order-1' }),
    voidOf(txn),
  ] satisfies LedgerCommand[];
  const asked = (state: LedgerState) => [
    ...[alice, bob, idOf(1, 3)].map((id) => state.account(id)),
    ...['shop-1', 'shop-2'].map((id) => state.isAccountExternalIdTaken(id)),
    ...['order-1', 'order-2'].map((id) => state.isTransactionExternalIdTaken(id)),
    ...[txn, idOf(2, 2)].map((id) => state.transaction(id)),
    state.currencyExponent('POINTS'),
    state.exchangeRate('EUR', 'POINTS'),
    state.closedBefore,
    [state.position, state.recordedAt, state.nextRecordedAt],
    [...state.touchedAccountIds].sort(),
  ];

  it('is as if all had been applied to it', () => {
    const [applied, adopting] = [base(), base()];
    const overlay = adopting.overlay();
    for (const command of all) {
      apply(command, applied);
      apply(command, overlay);
    }
    expect(asked(adopting)).not.toEqual(asked(applied));
    adopting.adopt(overlay);
    expect(asked(adopting)).toEqual(asked(applied));
  });

  it('keeps what the overlay has not changed', () => {
    const state = base();
    for (const command of all) apply(command, state);
    const before = asked(state);
    state.adopt(state.overlay());
    expect(asked(state)).toEqual(before);
  });

  it('takes none that was made of another', () => {
    expect(() => base().adopt(base().overlay())).toThrow('another state');
  });
});

it('what has come further and was not gathered is a bug, and says so', () => {
  const state = stateOf([accountWith(alice, 9n), accountWith(bob, 0n)]);
  apply(holdOf(txn, alice, bob, 4n), state);
  const decision = decide(voidOf(txn), state, unboundCaller);
  if (!decision.accepted) throw new Error('refused');
  const accounts = [accountWith(alice, 9n), accountWith(bob, 0n)];
  expect(() => evolve(stateOf(accounts), decision.events[0]!)).toThrow(/not in the state/);
});

it('a leg of an account that nobody gathered is a bug, and says so', () => {
  const state = stateOf([accountWith(alice, 9n), accountWith(bob, 0n)]);
  const decision = decide(moveOf(txn, alice, bob, 4n), state, unboundCaller);
  if (!decision.accepted) throw new Error('refused');
  expect(() => evolve(stateOf([]), decision.events[0]!)).toThrow(/not in the state/);
});
