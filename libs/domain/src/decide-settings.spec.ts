import {
  accountWith,
  idOf,
  moveOf,
  openingOf,
  rateOf,
  stateNow,
  stateOf,
} from '../../../test/support/ledger-fixtures.js';
import { LedgerStory } from '../../../test/support/ledger-story.js';
import type { AddCurrencyCommand, ClosePeriodCommand } from './commands.js';
import { unboundCaller } from './callers.js';
import { decide } from './decide.js';
import { evolve } from './evolve.js';

const [alice, bob, gold] = [idOf(1, 1), idOf(1, 2), idOf(1, 3)] as const;
const txn = idOf(2, 1);
const points: AddCurrencyCommand = { kind: 'add-currency', code: 'POINTS', exponent: 3, name: 'Points' };
const closing = (closedBefore: bigint): ClosePeriodCommand => {
  return { kind: 'close-period', through: `before ${closedBefore}`, closedBefore };
};

describe('an exchange rate that is set', () => {
  it.each([
    ['two unknown currencies', 'AAA', 'BBB', ['unknown_currency', 'from']],
    ['an unknown currency to itself', 'AAA', 'AAA', ['unknown_currency', 'from']],
    ['to an unknown currency', 'EUR', 'BBB', ['unknown_currency', 'to']],
    ['a currency to itself', 'EUR', 'EUR', ['currency_mismatch', 'to']],
    ['two currencies', 'EUR', 'USD', null],
    ['to an asset of another ledger', 'EUR', 'POINTS', ['unknown_currency', 'to']],
  ])('%s', (_, from, to, refused) => {
    expect(new LedgerStory().refusalOf(rateOf(from, to, '1.1'))).toEqual(refused);
  });

  it('between an own asset and a currency', () => {
    expect(new LedgerStory().tell(points).refusalOf(rateOf('POINTS', 'EUR', '0.01'))).toBeNull();
  });

  it('is one event each time, also where it is what it was', () => {
    const story = new LedgerStory().tell(rateOf('EUR', 'USD', '1.1'), rateOf('EUR', 'USD', '1.1'));
    const event = { type: 'exchange-rate.set', from: 'EUR', to: 'USD', rate: '1.1' };
    expect(story.events).toEqual([event, event]);
  });

  it('is that of what comes after it, in one direction', () => {
    const accounts = [accountWith(alice, 100n), accountWith(bob, 100n, { currency: 'USD' })];
    const story = new LedgerStory(accounts);
    const credited = () => story.lastOf(moveOf(txn, alice, bob, 10n)).transaction.legs[3]?.amount;
    expect(story.refusalOf(moveOf(txn, alice, bob, 10n))?.[0]).toBe('exchange_rate_missing');
    story.tell(rateOf('EUR', 'USD', '2'));
    expect(credited()).toBe(20n);
    story.tell(rateOf('EUR', 'USD', '3'));
    expect(credited()).toBe(30n);
    story.at(story.nextRecordedAt);
    expect(credited()).toBe(30n);
    expect(story.refusalOf(moveOf(txn, bob, alice, 10n))?.[0]).toBe('exchange_rate_missing');
  });

  it('in an overlay is not seen by its base', () => {
    const base = stateOf([]);
    const overlay = base.overlay();
    const decision = decide(rateOf('EUR', 'USD', '2'), overlay, unboundCaller);
    if (!decision.accepted) throw new Error('refused');
    for (const event of decision.events) evolve(overlay, event);
    expect([base, overlay, overlay.overlay()].map((state) => state.exchangeRate('EUR', 'USD'))).toEqual([
      undefined,
      '2',
      '2',
    ]);
  });
});

describe('an asset of the own', () => {
  it.each([
    ['a currency of ISO 4217', 'EUR', ['currency_exists', 'code']],
    ['one that is there', 'POINTS', ['currency_exists', 'code']],
    ['one whose name differs in case', 'Points', null],
    ['a new one', 'GOLD', null],
  ])('%s', (_, code, refused) => {
    expect(new LedgerStory().tell(points).refusalOf({ ...points, code })).toEqual(refused);
  });

  it('is one event, after which accounts can be opened in it', () => {
    const opening = openingOf(gold, { currency: 'POINTS', balance: { transactionId: txn, amount: 5n } });
    expect(new LedgerStory().refusalOf(opening)).toEqual(['unknown_currency', 'currency']);
    const story = new LedgerStory().tell(points);
    expect(story.events).toEqual([{ type: 'currency.added', code: 'POINTS', exponent: 3, name: 'Points' }]);
    expect(story.refusalOf(opening)).toBeNull();
    expect(story.at(story.nextRecordedAt).refusalOf(opening)).toBeNull();
  });
});

describe('a period that is closed', () => {
  const accounts = [accountWith(alice, 100n), accountWith(bob, 0n)];
  const backDated = (effectiveAt?: bigint) =>
    moveOf(txn, alice, bob, 1n, effectiveAt === undefined ? {} : { effectiveAt });
  const refused = ['period_closed', 'effectiveAt'];

  it.each([
    ['before its end', 999n, refused],
    ['at its end', 1_000n, null],
    ['after its end', 1_001n, null],
    ['now', undefined, null],
  ])('takes nothing that is back-dated: %s', (_, effectiveAt, expected) => {
    const story = new LedgerStory(accounts).tell(closing(1_000n));
    expect(story.events).toEqual([{ type: 'period.closed', through: 'before 1000', closedBefore: 1_000n }]);
    expect(story.refusalOf(backDated(effectiveAt))).toEqual(expected);
    expect(story.at(story.nextRecordedAt).refusalOf(backDated(effectiveAt))).toEqual(expected);
  });

  it('can be set back', () => {
    const story = new LedgerStory(accounts).tell(closing(1_000n), closing(500n));
    expect(story.refusalOf(backDated(499n))).toEqual(refused);
    expect(story.refusalOf(backDated(500n))).toBeNull();
  });

  it.each([
    ['the day that lasts', 86_400_000_000n, null],
    ['one that has not begun', 86_400_000_001n, ['validation_error', 'date']],
  ])('may be %s', (_, ahead, expected) => {
    const story = new LedgerStory(accounts);
    expect(story.refusalOf(closing(story.nextRecordedAt + ahead))).toEqual(expected);
  });

  it('that reaches into the future stops what is back-dated until then, and nothing else', () => {
    const story = new LedgerStory(accounts).tell(closing(stateNow + 1_000_000n));
    expect(story.refusalOf(backDated(stateNow))).toEqual(refused);
    expect(story.refusalOf(backDated())).toBeNull();
  });

  it('holds a hold as well', () => {
    const story = new LedgerStory(accounts).tell(closing(1_000n));
    const hold = moveOf(txn, alice, bob, 1n, { effectiveAt: 999n, hold: { expiresAt: null } });
    expect(story.refusalOf(hold)).toEqual(refused);
  });
});
