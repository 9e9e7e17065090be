import fc from 'fast-check';
import { draftOf, idOf, openingOf, stateNow, stateOf } from '../../../test/support/ledger-fixtures.js';
import { availableBalance, postedBalance, type Account } from './accounts.js';
import type { LedgerCommand } from './commands.js';
import { unboundCaller } from './callers.js';
import { decide } from './decide.js';
import type { DomainEvent } from './events.js';
import { evolve } from './evolve.js';
import type { LedgerState } from './ledger-state.js';

/** A small world, so that commands meet: accounts 0–3 in euros, 4 and 5 in dollars, 6 is never opened. */
const accountIds = [0, 1, 2, 3, 4, 5, 6].map((n) => idOf(1, n));
const currencyOf = (index: number) => (index < 4 ? 'EUR' : 'USD');

const amounts = fc.oneof(
  { weight: 9, arbitrary: fc.bigInt({ min: 1n, max: 30n }) },
  { weight: 1, arbitrary: fc.constantFrom(10n ** 36n - 1n, 2n ** 63n, 100n) },
);
const limits = fc.option(fc.bigInt({ min: -50n, max: 150n }), { nil: null });
const externalIds = fc.option(fc.constantFrom('x', 'y', 'z'), { nil: null, freq: 2 });
const euros = fc.constantFrom(...accountIds.slice(0, 4), 'ROOT');
const anybody = fc.constantFrom(...accountIds, 'ROOT');
const posting = fc.oneof(
  { weight: 9, arbitrary: fc.record({ sender: euros, recipient: euros, amount: amounts }) },
  { weight: 1, arbitrary: fc.record({ sender: anybody, recipient: anybody, amount: amounts }) },
);
const limitsOf = { minBalance: limits, maxBalance: limits };

const command: fc.Arbitrary<LedgerCommand> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc
      .tuple(fc.oneof(fc.tuple(posting), fc.array(posting, { minLength: 2, maxLength: 4 })), externalIds)
      .map(([postings, externalId]): LedgerCommand => ({
        kind: 'create-transaction',
        draft: draftOf(idOf(2, 1), postings, { externalId }),
      })),
  },
  {
    weight: 3,
    arbitrary: fc
      .tuple(fc.nat({ max: 5 }), fc.record(limitsOf), externalIds, fc.option(amounts, { nil: null }))
      .map(([index, limit, externalId, amount]) =>
        openingOf(accountIds[index]!, {
          currency: currencyOf(index),
          settings: { ...limit, externalId },
          ...(amount === null ? {} : { balance: { transactionId: idOf(2, 2), amount } }),
        }),
      ),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(
        fc.constantFrom(...accountIds),
        fc.record(
          { ...limitsOf, externalId: externalIds, status: fc.constantFrom('open', 'frozen') },
          { requiredKeys: [] },
        ),
      )
      .map(([accountId, changes]): LedgerCommand => {
        return { kind: 'update-account', accountId, changes: changes, preconditions: [] };
      }),
  },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom(...accountIds)
      .map((accountId): LedgerCommand => ({ kind: 'close-account', accountId, preconditions: [] })),
  },
);

/** Most accounts are there from the start, some with money, so that histories don't end before they begin. */
const history = (maxLength: number) =>
  fc
    .tuple(
      fc.tuple(...[0, 1, 2, 4, 5].map((index) => opening(index))),
      fc.array(command, { minLength: 10, maxLength }),
    )
    .map(([openings, commands]) => [...openings, ...commands]);

function opening(index: number): fc.Arbitrary<LedgerCommand> {
  return fc.tuple(limits, fc.bigInt({ min: 1n, max: 100n })).map(([minBalance, amount]) =>
    openingOf(accountIds[index]!, {
      currency: currencyOf(index),
      settings: { minBalance },
      balance: { transactionId: idOf(2, index), amount },
    }),
  );
}

/** An account's id is made anew for each opening, so no history opens one twice. */
function opensTwice(state: LedgerState, one: LedgerCommand): boolean {
  return one.kind === 'open-account' && state.account(one.accountId) !== undefined;
}

function accountsOf(state: LedgerState): Account[] {
  return [...state.touchedAccountIds].map((id) => state.account(id)!);
}

function expectZeroSums(accounts: readonly Account[]): void {
  const sums = new Map<string, bigint>();
  for (const account of accounts) {
    sums.set(account.currency, (sums.get(account.currency) ?? 0n) + postedBalance(account));
  }
  for (const sum of sums.values()) expect(sum).toBe(0n);
}

/** A transaction takes no account below its minimum, nor above its maximum, unless it leaves it no worse. */
function expectWithinLimits(before: ReadonlyMap<string, Account>, event: DomainEvent, state: LedgerState) {
  if (event.type !== 'transaction.posted') return;
  for (const { accountId } of event.transaction.legs) {
    const is = state.account(accountId)!;
    const was = before.get(accountId) ?? { ...is, postedDebits: 0n, postedCredits: 0n };
    const fell = postedBalance(is) < postedBalance(was);
    const rose = postedBalance(is) > postedBalance(was);
    expect(fell && is.minBalance !== null && availableBalance(is) < 0n).toBe(false);
    expect(rose && is.maxBalance !== null && postedBalance(is) > is.maxBalance).toBe(false);
    expect(is.status).toBe('open');
  }
}

/** What each leg claims is what the state has come to by then. */
function expectLegsToBeTheFold(before: ReadonlyMap<string, Account>, event: DomainEvent, state: LedgerState) {
  if (event.type !== 'transaction.posted') return;
  const balances = new Map<string, [posted: bigint, version: number, entryNumber: number]>();
  for (const leg of event.transaction.legs) {
    const start = before.get(leg.accountId);
    const [posted, version, entryNumber] = balances.get(leg.accountId) ?? [
      start ? postedBalance(start) : 0n,
      start?.version ?? 1,
      start?.entryNumber ?? 0,
    ];
    const after = posted + (leg.direction === 'debit' ? -leg.amount : leg.amount);
    expect([leg.posted, leg.version, leg.entryNumber]).toEqual([after, version + 1, entryNumber + 1]);
    balances.set(leg.accountId, [after, version + 1, entryNumber + 1]);
  }
  for (const [id, [posted, version, entryNumber]] of balances) {
    const account = state.account(id)!;
    expect([postedBalance(account), account.version, account.entryNumber]).toEqual([
      posted,
      version,
      entryNumber,
    ]);
  }
}

describe('any history', () => {
  it('sums to zero, keeps limits, and its legs are what it comes to', () => {
    let accepted = 0;
    fc.assert(
      fc.property(history(40), (commands) => {
        const state = stateOf([], { position: 0n, now: stateNow });
        for (const one of commands) {
          if (opensTwice(state, one)) continue;
          const decision = decide(one, state, unboundCaller);
          if (!decision.accepted) continue;
          for (const event of decision.events) {
            const before = new Map(accountsOf(state).map((account) => [account.id, account]));
            evolve(state, event);
            expectLegsToBeTheFold(before, event, state);
            expectWithinLimits(before, event, state);
            if (event.type === 'transaction.posted') accepted += 1;
          }
          expectZeroSums(accountsOf(state));
        }
      }),
      { numRuns: 100 },
    );
    // Five openings each, and some of what came after.

    expect(accepted).toBeGreaterThan(100 * 6);
  });

  it('is decided without changing the state, and the same way again', () => {
    fc.assert(
      fc.property(history(30), (commands) => {
        const state = stateOf([], { position: 0n });
        for (const one of commands) {
          if (opensTwice(state, one)) continue;
          const before = structuredClone(Object.fromEntries(accountsOf(state).map((a) => [a.id, a])));
          const head = [state.position, state.recordedAt];
          const decision = decide(one, state, unboundCaller);
          expect(Object.fromEntries(accountsOf(state).map((a) => [a.id, a]))).toEqual(before);
          expect([state.position, state.recordedAt]).toEqual(head);
          expect(decide(one, state, unboundCaller)).toEqual(decision);
          if (decision.accepted) for (const event of decision.events) evolve(state, event);
        }
      }),
      { numRuns: 40 },
    );
  });
});
