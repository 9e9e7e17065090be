import {
  accountRecord,
  postedRecord,
  recordOf,
  storedProgress,
  storedTransaction,
  uuid,
} from '../../../test/support/journal-records.js';
import { renderEventData, UnknownEventVersion } from './event-content.js';
import { eventTypes } from './event-types.js';
import { exampleRecords } from './example-records.js';
import { renderStreamEvent } from './stream-event.js';
import { accountIdOf, transactionIdOf } from './type-ids.js';

const [alice, bob, carol] = [uuid(1), uuid(2), uuid(3)] as const;
const root = (number: number) => ({ accountId: uuid(number), system: 'ROOT' });

describe('an event of the stream', () => {
  it('of a transaction is the transaction with the balances after it, and its legs', () => {
    const record = postedRecord(
      [
        {
          sender: {
            accountId: alice,
            ownerId: 'alice',
            posted: '750',
            available: '700',
            version: 4,
            entryNumber: 2,
          },
          recipient: { accountId: bob, ownerId: 'bob', visibility: 'public', posted: '250' },
          amount: '250',
        },
      ],
      { reference: 'Lunch', externalId: 'order-8', metadata: { table: 4 } },
    );
    expect(renderStreamEvent(record)).toEqual({
      version: 1,
      id: 'evt_01h6jx0000e008000000000077',
      type: 'transaction.posted',
      ledgerId: 'ldg_01h6jx0000e00800000000000x',
      epoch: 1,
      position: '17',
      occurredAt: '2026-01-31T09:15:27.482913Z',
      data: {
        id: 'txn_01h6jx0000e00800000000003t',
        type: 'transfer',
        status: 'posted',
        sender: 'acc_01h6jx0000e008000000000001',
        recipient: 'acc_01h6jx0000e008000000000002',
        amount: '250',
        currency: 'EUR',
        reference: 'Lunch',
        externalId: 'order-8',
        metadata: { table: 4 },
        postings: [
          {
            sender: 'acc_01h6jx0000e008000000000001',
            recipient: 'acc_01h6jx0000e008000000000002',
            amount: '250',
            currency: 'EUR',
          },
        ],
        meta: {},
        reversedAmount: '0',
        reversals: [],
        effectiveAt: '2026-01-31T09:15:27.482913Z',
        balances: [
          { accountId: 'acc_01h6jx0000e008000000000001', posted: '750', available: '700', version: 4 },
          { accountId: 'acc_01h6jx0000e008000000000002', posted: '250', available: '250', version: 2 },
        ],
        position: '17',
        createdAt: '2026-01-31T09:15:27.482913Z',
      },
      legs: [
        {
          leg: 1,
          accountId: 'acc_01h6jx0000e008000000000001',
          system: null,
          ownerId: 'alice',
          visibility: 'private',
          direction: 'debit',
          currency: 'EUR',
          amount: '250',
          posted: '750',
          pendingIn: '0',
          pendingOut: '0',
          available: '700',
          version: 4,
          entryNumber: 2,
        },
        {
          leg: 2,
          accountId: 'acc_01h6jx0000e008000000000002',
          system: null,
          ownerId: 'bob',
          visibility: 'public',
          direction: 'credit',
          currency: 'EUR',
          amount: '250',
          posted: '250',
          pendingIn: '0',
          pendingOut: '0',
          available: '250',
          version: 2,
          entryNumber: 1,
        },
      ],
    });
  });

  it.each(['account.opened', 'account.updated', 'account.closed'])(
    'of %s is the account, and one leg without amounts',
    (type) => {
      const sums = { postedDebits: '300', postedCredits: '1000', pendingDebits: '50', pendingCredits: '7' };
      const { data, legs } = renderStreamEvent(
        accountRecord(type, { ...sums, ownerId: 'alice', minBalance: '-100', version: 5, entryNumber: 2 }),
      );
      expect(data).toEqual({
        id: accountIdOf(alice),
        name: 'Alice',
        currency: 'EUR',
        visibility: 'private',
        externalId: null,
        ownerId: 'alice',
        status: 'open',
        balance: { posted: '700', available: '750', pendingIn: '7', pendingOut: '50' },
        minBalance: '-100',
        maxBalance: null,
        version: 5,
        metadata: {},
        createdAt: '2026-01-30T17:02:11.000482Z',
        updatedAt: '2026-01-30T17:02:11.000482Z',
      });
      const amounts = { amount: null, posted: null, pendingIn: null, pendingOut: null, available: null };
      expect(legs).toEqual([
        {
          ...amounts,
          leg: 1,
          accountId: accountIdOf(alice),
          system: null,
          ownerId: 'alice',
          visibility: 'private',
          direction: null,
          currency: 'EUR',
          version: 5,
          entryNumber: 2,
        },
      ]);
    },
  );

  it('keeps every digit of amounts that no floating-point number has', () => {
    const amount = '9007199254740993';
    const most = '9'.repeat(36);
    const posted = renderStreamEvent(
      postedRecord([
        {
          sender: { accountId: alice, posted: `-${most}` },
          recipient: { accountId: bob, posted: most },
          amount,
        },
      ]),
    );
    expect(posted.data).toMatchObject({ amount, balances: [{ posted: `-${most}` }, { posted: most }] });
    expect(posted.legs.map((leg) => [leg.amount, leg.posted])).toEqual([
      [amount, `-${most}`],
      [amount, most],
    ]);

    const sums = { postedDebits: '1', postedCredits: most, minBalance: null, maxBalance: most };
    const { data } = renderStreamEvent(accountRecord('account.updated', sums));
    expect(data).toMatchObject({ balance: { posted: `${'9'.repeat(35)}8` }, maxBalance: most });
  });

  it.each([
    ['letters beyond ASCII and the BMP', 'Зарплата 💶 naïve'],
    ['separators that JavaScript once took for line ends', 'a\u2028b\u2029c'],
    ['quotes, backslashes and control characters', '"\\\u0001\n'],
  ])('keeps %s', (_, text) => {
    const record = postedRecord(
      [{ sender: { accountId: alice }, recipient: { accountId: bob }, amount: '1' }],
      { reference: text, metadata: { [text]: [text] } },
    );
    const sent = JSON.parse(JSON.stringify(renderStreamEvent(record))) as { data: unknown };
    expect(sent.data).toMatchObject({ reference: text, metadata: { [text]: [text] } });
  });

  it('of several postings names nobody at the top, and each account once, as it is after its last leg', () => {
    const { data, legs } = renderStreamEvent(
      postedRecord([
        {
          sender: { accountId: alice, posted: '90', version: 5 },
          recipient: { accountId: bob, posted: '10', version: 2 },
          amount: '10',
        },
        {
          sender: { accountId: bob, posted: '6', version: 3 },
          recipient: { accountId: carol, posted: '4', version: 2 },
          amount: '4',
        },
        {
          sender: { accountId: alice, posted: '89', version: 6 },
          recipient: { accountId: carol, posted: '5', version: 3 },
          amount: '1',
        },
      ]),
    );
    expect(data).toMatchObject({
      sender: null,
      recipient: null,
      amount: null,
      currency: null,
      postings: [
        { sender: accountIdOf(alice), recipient: accountIdOf(bob), amount: '10' },
        { sender: accountIdOf(bob), recipient: accountIdOf(carol), amount: '4' },
        { sender: accountIdOf(alice), recipient: accountIdOf(carol), amount: '1' },
      ],
      balances: [
        { accountId: accountIdOf(alice), posted: '89', version: 6 },
        { accountId: accountIdOf(bob), posted: '6', version: 3 },
        { accountId: accountIdOf(carol), posted: '5', version: 3 },
      ],
    });
    expect(legs.map((leg) => [leg.leg, leg.accountId, leg.direction])).toEqual([
      [1, accountIdOf(alice), 'debit'],
      [2, accountIdOf(bob), 'credit'],
      [3, accountIdOf(bob), 'debit'],
      [4, accountIdOf(carol), 'credit'],
      [5, accountIdOf(alice), 'debit'],
      [6, accountIdOf(carol), 'credit'],
    ]);
  });

  it('shows ROOT by its name, and in the legs by its own id, of which each currency has another', () => {
    const { data, legs } = renderStreamEvent(
      postedRecord([
        { sender: { ...root(8), posted: '-5' }, recipient: { accountId: alice }, amount: '5' },
        { sender: { ...root(9), posted: '-7' }, recipient: { accountId: bob }, amount: '7', currency: 'JPY' },
      ]),
    );
    expect(data).toMatchObject({
      postings: [
        { sender: 'ROOT', currency: 'EUR' },
        { sender: 'ROOT', currency: 'JPY' },
      ],
      balances: [
        { accountId: 'ROOT', posted: '-5' },
        { accountId: accountIdOf(alice) },
        { accountId: 'ROOT', posted: '-7' },
        { accountId: accountIdOf(bob) },
      ],
    });
    expect(legs.map(({ accountId, system }) => [accountId, system])).toEqual([
      [accountIdOf(uuid(8)), 'ROOT'],
      [accountIdOf(alice), null],
      [accountIdOf(uuid(9)), 'ROOT'],
      [accountIdOf(bob), null],
    ]);
    const opened = renderStreamEvent(accountRecord('account.opened', { id: uuid(8), system: 'ROOT' }));
    expect(opened).toMatchObject({
      data: { id: 'ROOT' },
      legs: [{ accountId: accountIdOf(uuid(8)), system: 'ROOT' }],
    });
  });

  it.each(eventTypes)('of $type has neither data nor legs once erased', ({ type }) => {
    const record = { ...exampleRecords[type as keyof typeof exampleRecords], dataText: null };
    expect(renderStreamEvent(record)).toMatchObject({ type, data: null, legs: [] });
  });

  it.each([
    ['transaction.invented', 1],
    ['transaction.posted', 3],
    ['transaction.pending', 2],
    ['exchange-rate.set', 0],
    ['account.opened', 0],
    ['toString', 1],
  ])('of a type or version of a later release is refused, erased or not: %s %i', (type, version) => {
    expect(() => renderStreamEvent(recordOf(type, {}, { version }))).toThrow(UnknownEventVersion);
    expect(() => renderStreamEvent(recordOf(type, null, { version }))).toThrow(UnknownEventVersion);
  });
});

describe('an event in the life of a hold', () => {
  const hold = uuid(0x7a);
  const expiresAt = '2026-02-07T10:00:00.000000Z';
  const longer = '2026-02-14T10:00:00.000000Z';
  const between = (amount: string, changes: object) =>
    storedTransaction(
      [
        {
          sender: { accountId: alice, posted: '690', pendingOut: '40', available: '650', version: 6 },
          recipient: { accountId: bob, posted: '310', pendingIn: '40', version: 4 },
          amount,
        },
      ],
      { ...changes },
    );
  const partly = { status: 'partially_captured', expiresAt, captured: ['60'], captures: 1 };

  it.each<[string, object, object, string]>([
    [
      'transaction.pending',
      between('100', { progress: storedProgress({ expiresAt }) }),
      { status: 'pending', amount: '100', expiresAt, capturedAmount: '0', remainingAmount: '100' },
      '100',
    ],
    [
      'transaction.extended',
      between('0', { held: ['100'], progress: storedProgress({ ...partly, expiresAt: longer }) }),
      { status: 'partially_captured', amount: '100', expiresAt: longer, remainingAmount: '40' },
      '0',
    ],
    [
      'transaction.voided',
      between('40', { held: ['100'], progress: storedProgress({ ...partly, status: 'voided' }) }),
      { status: 'voided', amount: '100', capturedAmount: '60', remainingAmount: '0' },
      '40',
    ],
    [
      'transaction.expired',
      between('40', { held: ['100'], progress: storedProgress({ ...partly, status: 'expired' }) }),
      { status: 'expired', amount: '100', capturedAmount: '60', remainingAmount: '0' },
      '40',
    ],
  ])('%s is the hold as it is then, and legs with what was moved', (type, stored, shown, moved) => {
    const { data, legs } = renderStreamEvent(recordOf(type, stored));
    expect(data).toMatchObject({ id: transactionIdOf(hold), type: 'transfer', ...shown });
    expect(data).toMatchObject({
      balances: [
        { accountId: accountIdOf(alice), posted: '690', available: '650', version: 6 },
        { accountId: accountIdOf(bob), posted: '310', available: '310', version: 4 },
      ],
    });
    expect(legs).toMatchObject([
      { leg: 1, direction: 'debit', amount: moved, posted: '690', pendingOut: '40', available: '650' },
      { leg: 2, direction: 'credit', amount: moved, posted: '310', pendingIn: '40', available: '310' },
    ]);
  });

  it('transaction.captured is the capture, and what is given back of its hold is of it too', () => {
    const progressed = [
      { transactionId: uuid(0x99), progress: storedProgress({ captured: ['7'], reversed: ['7'] }) },
      {
        transactionId: hold,
        progress: storedProgress({ ...partly, reversed: ['20'], reversals: [uuid(0xa1)] }),
      },
    ];
    const capture = between('60', { type: 'capture', transactionId: uuid(0xc1), parentId: hold, progressed });
    const { data, legs } = renderStreamEvent(recordOf('transaction.captured', capture));
    expect(data).toMatchObject({
      id: transactionIdOf(uuid(0xc1)),
      type: 'capture',
      status: 'posted',
      parentId: transactionIdOf(hold),
      amount: '60',
      reversedAmount: '20',
      reversals: [transactionIdOf(uuid(0xa1))],
    });
    expect(data).not.toHaveProperty('progressed');
    expect(legs.map(({ amount }) => amount)).toEqual(['60', '60']);
  });

  it('transaction.reversed is the reversal, and not how far others have come', () => {
    const progressed = [{ transactionId: hold, progress: storedProgress({ ...partly, reversed: ['20'] }) }];
    const reversal = between('20', {
      ...{ type: 'reversal', transactionId: uuid(0xa1), reverses: hold, reason: 'Returned', progressed },
    });
    const { data } = renderStreamEvent(recordOf('transaction.reversed', reversal));
    expect(data).toMatchObject({ status: 'posted', reverses: transactionIdOf(hold), reason: 'Returned' });
    for (const name of ['progressed', 'reversedAmount', 'reversals']) expect(data).not.toHaveProperty(name);
  });

  it('that was back-dated says so, and is recorded when it was', () => {
    const effectiveAt = '2025-12-31T23:00:00.000000Z';
    const stored = between('100', { effectiveAt, progress: storedProgress() });
    expect(renderStreamEvent(recordOf('transaction.pending', stored))).toMatchObject({
      occurredAt: '2026-01-31T09:15:27.482913Z',
      data: { effectiveAt, createdAt: '2026-01-31T09:15:27.482913Z' },
    });
  });
});

describe('an event of settings', () => {
  const place = { position: '17', setAt: '2026-01-31T09:15:27.482913Z' };

  const settings: [string, object, object][] = [
    [
      'exchange-rate.set',
      { from: 'EUR', to: 'USD', rate: '1.0837' },
      { from: 'EUR', to: 'USD', rate: '1.0837', ...place },
    ],
    [
      'currency.added',
      { code: 'MILES', exponent: 0, name: 'Bonus miles' },
      { code: 'MILES', exponent: 0, name: 'Bonus miles', createdAt: place.setAt },
    ],
    [
      'period.closed',
      { through: '2025-12-31', closedBefore: '2026-01-01T00:00:00.000000Z' },
      { date: '2025-12-31', closedBefore: '2026-01-01T00:00:00.000000Z', ...place },
    ],
  ];

  it.each(settings)('%s is what was set, and has no legs', (type, stored, data) => {
    expect(renderStreamEvent(recordOf(type, stored))).toMatchObject({ type, data, legs: [] });
  });

  it.each(settings)('%s is nothing to a reader who is bound to an owner', (type, stored, data) => {
    expect(renderEventData(recordOf(type, stored), { ownerId: null })).toEqual(data);
    expect(renderEventData(recordOf(type, stored), { ownerId: 'alice' })).toBeNull();
  });
});
