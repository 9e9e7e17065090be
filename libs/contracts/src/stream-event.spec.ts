import { accountRecord, postedRecord, recordOf, uuid } from '../../../test/support/journal-records.js';
import { UnknownEventVersion } from './event-content.js';
import { renderStreamEvent } from './stream-event.js';
import { accountIdOf } from './type-ids.js';

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

  it.each(['account.opened', 'account.updated', 'account.closed', 'transaction.posted'])(
    'of %s has neither data nor legs once erased',
    (type) => {
      expect(renderStreamEvent(recordOf(type, null))).toMatchObject({ type, data: null, legs: [] });
    },
  );

  it.each([
    ['transaction.pending', 1],
    ['transaction.posted', 2],
    ['account.opened', 0],
    ['toString', 1],
  ])('of a type or version of a later release is refused, erased or not: %s %i', (type, version) => {
    expect(() => renderStreamEvent(recordOf(type, {}, { version }))).toThrow(UnknownEventVersion);
    expect(() => renderStreamEvent(recordOf(type, null, { version }))).toThrow(UnknownEventVersion);
  });
});
