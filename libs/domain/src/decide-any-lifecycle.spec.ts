import fc from 'fast-check';
import { anyLifecycle, lifecycleOpenings, type Step } from '../../../test/support/any-lifecycle.js';
import {
  accountWith,
  captureOf,
  holdOf,
  idOf,
  rateOf,
  reversalOf,
} from '../../../test/support/ledger-fixtures.js';
import { LedgerStory } from '../../../test/support/ledger-story.js';
import { availableBalance, postedBalance, type Account } from './accounts.js';
import type { LedgerCommand } from './commands.js';
import { isTransactionEvent, type DomainEvent, type TransactionEvent } from './events.js';
import { isSingle, settledOf } from './stored-transactions.js';
import { amountsOf, type Progress, type StoredTransaction } from './transactions.js';

const sumOf = (amounts: readonly bigint[]) => amounts.reduce((sum, amount) => sum + amount, 0n);

const isOpen = ({ status }: Progress) => status === 'pending' || status === 'partially_captured';

/** How often each event and each refusal came up, so that a property that holds of nothing is seen. */
type Counts = Map<string, number>;
const count = (counts: Counts, what: string) => counts.set(what, (counts.get(what) ?? 0) + 1);

interface Watcher {
  beforeEach?(story: LedgerStory, command: LedgerCommand): void;
  /** Of a command that was accepted, with the accounts as they were before it. */
  afterEach?(story: LedgerStory, before: ReadonlyMap<string, Account>, events: readonly DomainEvent[]): void;
}

/** Plays steps under the eyes of a watcher. */
function play(steps: readonly Step[], counts: Counts, watcher: Watcher): LedgerStory {
  const story = new LedgerStory([], { position: 0n }).tell(...lifecycleOpenings);
  for (const [index, step] of steps.entries()) {
    const transactions = [...story.transactions];
    const command = step({
      transactionId: idOf(2, index + 1),
      transactionIds: transactions.map(([id]) => id),
      openHoldIds: transactions.filter(([, { progress }]) => isOpen(progress)).map(([id]) => id),
      now: story.nextRecordedAt,
    });
    if (command.kind === 'wait') {
      story.at(command.until);
      continue;
    }
    watcher.beforeEach?.(story, command);
    const decision = story.decide(command);
    if (!decision.accepted) {
      count(counts, decision.refusal.code);
      continue;
    }
    const before = new Map(story.accounts.map((account) => [account.id, account]));
    story.take(decision.events);
    for (const { type } of decision.events) count(counts, type);
    watcher.afterEach?.(story, before, decision.events);
  }
  return story;
}

/** What a leg does, told here once more: posted, held, and whether it is an entry. */
function effectOfLeg(type: TransactionEvent['type'], amount: bigint, released: bigint) {
  switch (type) {
    case 'transaction.posted':
    case 'transaction.reversed':
      return { posted: amount, held: 0n, entries: 1, versions: 1 };
    case 'transaction.pending':
      return { posted: 0n, held: amount, entries: 0, versions: 1 };
    case 'transaction.captured':
      return { posted: amount, held: -amount - released, entries: 1, versions: 1 };
    case 'transaction.voided':
    case 'transaction.expired':
      return { posted: 0n, held: -amount, entries: 0, versions: 1 };
    case 'transaction.extended':
      return { posted: 0n, held: 0n, entries: 0, versions: 0 };
  }
}

/** Legs add up from the accounts before them to the accounts after them, without a gap. */
function expectLegsToBeTheFold(
  story: LedgerStory,
  before: ReadonlyMap<string, Account>,
  event: TransactionEvent,
) {
  const sums = new Map<
    string,
    { posted: bigint; into: bigint; out: bigint; version: number; entryNumber: number }
  >();
  for (const leg of event.transaction.legs) {
    const was = before.get(leg.accountId);
    const so = sums.get(leg.accountId) ?? {
      posted: was ? postedBalance(was) : 0n,
      into: was?.pendingCredits ?? 0n,
      out: was?.pendingDebits ?? 0n,
      version: was?.version ?? 1,
      entryNumber: was?.entryNumber ?? 0,
    };
    const effect = effectOfLeg(event.type, leg.amount, leg.released ?? 0n);
    const isDebit = leg.direction === 'debit';
    const is = {
      posted: so.posted + (isDebit ? -effect.posted : effect.posted),
      into: so.into + (isDebit ? 0n : effect.held),
      out: so.out + (isDebit ? effect.held : 0n),
      version: so.version + effect.versions,
      entryNumber: so.entryNumber + effect.entries,
    };
    const { posted, pendingIn, pendingOut, version, entryNumber } = leg;
    expect({ posted, into: pendingIn, out: pendingOut, version, entryNumber }).toEqual(is);
    sums.set(leg.accountId, is);
  }
  for (const [id, is] of sums) {
    const { pendingCredits, pendingDebits, version, entryNumber, ...account } = story.account(id);
    const posted = account.postedCredits - account.postedDebits;
    expect({ posted, into: pendingCredits, out: pendingDebits, version, entryNumber }).toEqual(is);
  }
}

function expectWithinLimits(
  story: LedgerStory,
  before: ReadonlyMap<string, Account>,
  event: TransactionEvent,
) {
  const isPromised = !['transaction.posted', 'transaction.pending', 'transaction.reversed'].includes(
    event.type,
  );
  for (const { accountId } of event.transaction.legs) {
    const is = story.account(accountId);
    const was = before.get(accountId) ?? {
      ...is,
      postedDebits: 0n,
      postedCredits: 0n,
      pendingDebits: 0n,
      pendingCredits: 0n,
    };
    const fell = availableBalance(is) < availableBalance(was);
    const most = postedBalance(is) + is.pendingCredits;
    const rose = most > postedBalance(was) + was.pendingCredits;
    expect({
      isBelowMinimum: fell && is.minBalance !== null && availableBalance(is) < 0n,
      isAboveMaximum: rose && is.maxBalance !== null && most > is.maxBalance,
      // What was promised when the hold was made needs no room any more.
      isPromisedTwice: isPromised && (fell || rose),
      isStopped: is.status !== 'open' && (!isPromised || event.type === 'transaction.captured'),
    }).toEqual({ isBelowMinimum: false, isAboveMaximum: false, isPromisedTwice: false, isStopped: false });
  }
}

function expectSums(accounts: readonly Account[], stored: readonly StoredTransaction[]) {
  const byCurrency = new Map<string, [posted: bigint, pending: bigint]>();
  for (const account of accounts) {
    const [posted, pending] = byCurrency.get(account.currency) ?? [0n, 0n];
    byCurrency.set(account.currency, [
      posted + postedBalance(account),
      pending + account.pendingDebits - account.pendingCredits,
    ]);
  }
  expect([...byCurrency.values()].flat().every((sum) => sum === 0n)).toBe(true);

  const held = new Map<string, [out: bigint, into: bigint]>(accounts.map(({ id }) => [id, [0n, 0n]]));
  for (const { transaction, isHold, progress } of stored) {
    if (!isHold || !isOpen(progress)) continue;
    for (const [index, leg] of transaction.legs.entries()) {
      const left = leg.amount - progress.captured[Math.floor(index / 2)]!;
      const [out, into] = held.get(leg.accountId)!;
      held.set(leg.accountId, leg.direction === 'debit' ? [out + left, into] : [out, into + left]);
    }
  }
  const pending = accounts.map(({ id, pendingDebits, pendingCredits }) => [
    id,
    [pendingDebits, pendingCredits],
  ]);
  expect(pending).toEqual([...held]);
}

/** What a transaction's counters say that can't be; empty: nothing. */
function faultsOf(stored: StoredTransaction): string[] {
  const { transaction, isHold, progress } = stored;
  const { status, captured, captures, reversed } = progress;
  const held = amountsOf(transaction);
  const settled = settledOf(stored);
  const isWhole = captured.every((amount, index) => amount === held[index]);
  const isLastOfExchange =
    isSingle(transaction) && transaction.parentId === undefined && reversed[0] === settled[0];
  const rules: readonly (readonly [rule: string, isKept: boolean])[] = [
    ['captured is at most held', captured.every((amount, index) => amount >= 0n && amount <= held[index]!)],
    [
      'reversed is at most settled',
      reversed.every((amount, index) => amount >= 0n && amount <= settled[index]!),
    ],
    ['only a hold is captured', isHold || (captured.length === 0 && captures === 0)],
    ['captures have taken something', !isHold || sumOf(captured) > 0n === captures > 0],
    ['a hold that is captured whole has ended', !isHold || !isWhole || status === 'posted'],
    ['nothing is captured of a pending one', status !== 'pending' || captures === 0],
    ['something is captured of a partially captured one', status !== 'partially_captured' || captures > 0],
    [
      'the last reversal of an exchange gives back all',
      !isLastOfExchange || sumOf(reversed) === sumOf(settled),
    ],
  ];
  return rules.filter(([, isKept]) => !isKept).map(([rule]) => `${transaction.transactionId}: ${rule}`);
}

/** What journal readers see: of each pair of accounts no more comes back than went, whatever counters say. */
function expectNoMoreBackThanWent(events: readonly DomainEvent[]) {
  const rootOf = new Map<string, string>();
  const balances = new Map<string, bigint>();
  const add = (key: string, amount: bigint) => balances.set(key, (balances.get(key) ?? 0n) + amount);
  for (const { type, transaction } of events.filter(isTransactionEvent)) {
    const { transactionId, parentId, reverses, legs } = transaction;
    const of = parentId ?? reverses;
    rootOf.set(transactionId, of === undefined ? transactionId : (rootOf.get(of) ?? of));
    if (!['transaction.posted', 'transaction.captured', 'transaction.reversed'].includes(type)) continue;
    for (let index = 0; index < legs.length; index += 2) {
      const [from, to] = [legs[index]!, legs[index + 1]!];
      const key = (a: string, b: string) => `${rootOf.get(transactionId)} ${a} ${b}`;
      if (reverses === undefined) add(key(from.accountId, to.accountId), from.amount);
      else add(key(to.accountId, from.accountId), -from.amount);
    }
  }
  for (const left of balances.values()) expect(left >= 0n).toBe(true);
}

/** What has ended has ended: no later event changes how, nor what was captured. */
function expectEndsToLast(events: readonly DomainEvent[]) {
  const ended = new Map<string, string>();
  for (const event of events.filter(isTransactionEvent)) {
    const progressed =
      'progressed' in event
        ? event.progressed
        : 'progress' in event
          ? [{ transactionId: event.transaction.transactionId, progress: event.progress }]
          : [];
    for (const { transactionId, progress } of progressed) {
      const { status, captured, captures } = progress;
      const so = [status, captures, ...captured].join(' ');
      if (ended.has(transactionId)) expect(so).toBe(ended.get(transactionId));
      if (['posted', 'voided', 'expired'].includes(status)) ended.set(transactionId, so);
    }
  }
}

describe('any life of the transactions of a ledger', () => {
  it('sums to zero, keeps limits, and captures and gives back no more than there is', () => {
    const counts: Counts = new Map();
    fc.assert(
      fc.property(anyLifecycle(80), (steps) => {
        const story = play(steps, counts, {
          afterEach: (after, before, events) => {
            for (const event of events.filter(isTransactionEvent)) {
              expectLegsToBeTheFold(after, before, event);
              expectWithinLimits(after, before, event);
            }
            const stored = [...after.transactions.values()];
            expectSums(after.accounts, stored);
            expect(stored.flatMap(faultsOf)).toEqual([]);
          },
        });
        expectNoMoreBackThanWent(story.events);
        expectEndsToLast(story.events);
      }),
      { numRuns: 60 },
    );
    // Each of these came up, and most of them often.
    for (const what of [
      'transaction.posted',
      'transaction.pending',
      'transaction.captured',
      'transaction.reversed',
      'transaction.voided',
      'transaction.expired',
      'transaction.extended',
      'exchange-rate.set',
      'account_frozen',
      'transaction_not_pending',
      'not_reversible',
      'already_reversed',
      'amount_exceeds_remaining',
      'amount_too_small',
      'insufficient_funds',
      'balance_limit_exceeded',
      'validation_error',
    ]) {
      expect([what, (counts.get(what) ?? 0) > 5]).toEqual([what, true]);
    }
  });

  it('is decided without changing the ledger, and the same way again', () => {
    fc.assert(
      fc.property(anyLifecycle(40), (steps) => {
        play(steps, new Map(), {
          beforeEach: (story, command) => {
            const seen = () => [story.accounts, story.transactions, story.nextRecordedAt];
            const before = structuredClone(seen());
            const decision = story.decide(command);
            expect(seen()).toEqual(before);
            expect(story.decide(command)).toEqual(decision);
          },
        });
      }),
      { numRuns: 10 },
    );
  });
});

/** Captures of the hold, and reversals of it or of one of its captures. */
const followers = fc.array(
  fc.record({
    isCapture: fc.boolean(),
    ofCapture: fc.option(fc.nat({ max: 8 }), { nil: null, freq: 3 }),
    amount: fc.option(fc.bigInt({ min: 1n, max: 40n }), { nil: null, freq: 3 }),
  }),
  { minLength: 1, maxLength: 40, size: 'max' },
);

it('a hold of an exchange that is captured and given back in any parts ends with nothing left over', () => {
  const [euros, yen, hold] = [idOf(1, 1), idOf(1, 2), idOf(2, 1)] as const;
  let captured = 0;
  fc.assert(
    fc.property(
      fc.constantFrom('0.37', '0.9', '1', '3', '33', '250'),
      fc.bigInt({ min: 100n, max: 300n }),
      followers,
      (rate, amount, steps) => {
        const accounts = [accountWith(euros, 300n), accountWith(yen, 0n, { currency: 'JPY' })];
        const story = new LedgerStory(accounts).tell(rateOf('EUR', 'JPY', rate));
        const command = holdOf(hold, euros, yen, amount);
        if (story.refusalOf(command)) return;
        story.tell(command);
        const tellIfAccepted = (one: LedgerCommand) => {
          if (story.refusalOf(one)) return false;
          // Nothing is taken of the yen for no euros.
          expect(story.lastOf(one).transaction.legs[0]!.amount > 0n).toBe(true);
          story.tell(one);
          return true;
        };
        const captures: string[] = [];
        for (const [index, { isCapture, ofCapture, amount: part }] of steps.entries()) {
          const id = idOf(3, index);
          const of = ofCapture === null ? undefined : captures[ofCapture % captures.length];
          if (!isCapture) tellIfAccepted(reversalOf(of ?? hold, id, part));
          else if (tellIfAccepted(captureOf(hold, id, part, false))) captures.push(id);
        }
        for (const [index, id] of [...captures, hold].entries())
          tellIfAccepted(reversalOf(id, idOf(4, index)));
        expect([euros, yen].map((id) => postedBalance(story.account(id)))).toEqual([300n, 0n]);
        captured += captures.length;
      },
    ),
    { numRuns: 100 },
  );
  expect(captured).toBeGreaterThan(100);
});
