import {
  accountRecord,
  postedRecord,
  recordOf,
  storedProgress,
  storedTransaction,
  uuid,
} from '../../../test/support/journal-records.js';
import type { StreamEvent } from './envelope.js';
import { eventTypes } from './event-types.js';
import { exampleRecords } from './example-records.js';
import { renderStreamEvent } from './stream-event.js';
import { accountIdOf } from './type-ids.js';
import { webhookBodyOf } from './webhook-body.js';

const everybody = { ownerId: null };
const alice = { ownerId: 'alice' };
const [own, other] = [accountIdOf(uuid(1)), accountIdOf(uuid(2))] as const;

/** Alice gives to an account of somebody else. */
const paymentTo = (recipient: object) =>
  renderStreamEvent(
    postedRecord([
      {
        sender: { accountId: uuid(1), ownerId: 'alice', posted: '750' },
        recipient: { accountId: uuid(2), posted: '250', ...recipient },
        amount: '250',
      },
    ]),
  );

interface Shown {
  readonly sender: string | null;
  readonly recipient: string | null;
  readonly postings: readonly Record<string, unknown>[];
  readonly balances: readonly { readonly accountId: string }[];
}

const shownOf = (event: StreamEvent, reader: { ownerId: string | null }) => {
  const { sender, recipient, postings, balances } = webhookBodyOf(event, reader).data as unknown as Shown;
  return {
    sides: [sender, recipient],
    postings: postings.map((posting) => [posting['sender'], posting['recipient']]),
    balances: balances.map(({ accountId }) => accountId),
  };
};

describe('the body of a webhook', () => {
  it('is the envelope and the data, without the legs', () => {
    const event = paymentTo({});
    const { legs, ...rest } = event;
    expect(legs).toHaveLength(2);
    expect(webhookBodyOf(event, everybody)).toEqual(rest);
    expect(Object.keys(webhookBodyOf(event, everybody))).toEqual([
      ...['version', 'id', 'type', 'ledgerId', 'epoch', 'position', 'occurredAt', 'data'],
    ]);
  });

  it('names the events that were given up before it, where there are any', () => {
    const skipped = ['evt_01h6jx0000e008000000000070', 'evt_01h6jx0000e008000000000071'];
    expect(webhookBodyOf(paymentTo({}), everybody, skipped)).toMatchObject({ skipped });
    expect(webhookBodyOf(paymentTo({}), everybody, [])).not.toHaveProperty('skipped');
  });

  it('leaves the event that it is made of as it was', () => {
    const event = paymentTo({ ownerId: 'bob' });
    const before = structuredClone(event);
    webhookBodyOf(event, alice, ['evt_01h6jx0000e008000000000070']);
    expect(event).toEqual(before);
  });

  it.each(eventTypes)('of an erased $type has no data, for anybody', ({ type }) => {
    const record = { ...exampleRecords[type as keyof typeof exampleRecords], dataText: null };
    const event = renderStreamEvent(record);
    expect(webhookBodyOf(event, everybody).data).toBeNull();
    expect(webhookBodyOf(event, alice).data).toBeNull();
  });
});

describe('of a transaction an owner sees', () => {
  it.each<[string, object, string | null, string[]]>([
    ['their own account, its balance too', { ownerId: 'alice' }, other, [own, other]],
    [
      'their own public account, its balance too',
      { ownerId: 'alice', visibility: 'public' },
      other,
      [own, other],
    ],
    ["nothing of another's private account", { ownerId: 'bob' }, null, [own]],
    ["nothing of nobody's private account", { ownerId: null }, null, [own]],
    ["another's public account without its balance", { ownerId: 'bob', visibility: 'public' }, other, [own]],
    [
      "another's unlisted account without its balance",
      { ownerId: 'bob', visibility: 'unlisted' },
      other,
      [own],
    ],
    ["nobody's public account without its balance", { ownerId: null, visibility: 'public' }, other, [own]],
    ['ROOT without its balance', { system: 'ROOT' }, 'ROOT', [own]],
  ])('%s', (_, recipient, shown, balances) => {
    expect(shownOf(paymentTo(recipient), alice)).toEqual({
      sides: [own, shown],
      postings: [[own, shown]],
      balances,
    });
  });

  it('as much of each of several postings, and of its other fields all', () => {
    const bob = { accountId: uuid(2), ownerId: 'bob' };
    const shop = { accountId: uuid(3), ownerId: 'shop', visibility: 'public' as const };
    const mine = { accountId: uuid(1), ownerId: 'alice' };
    const event = renderStreamEvent(
      postedRecord(
        [
          { sender: mine, recipient: bob, amount: '1' },
          { sender: bob, recipient: shop, amount: '2' },
          { sender: shop, recipient: mine, amount: '3' },
        ],
        { reference: 'Dinner', metadata: { sender: other } },
      ),
    );
    expect(shownOf(event, alice)).toEqual({
      sides: [null, null],
      postings: [
        [own, null],
        [null, accountIdOf(uuid(3))],
        [accountIdOf(uuid(3)), own],
      ],
      balances: [own],
    });
    const { data } = webhookBodyOf(event, alice);
    expect(data).toEqual({ ...event.data, postings: expect.any(Array), balances: expect.any(Array) });
    expect(Object.keys(data!)).toEqual(Object.keys(event.data!));
  });
});

describe('of each event of a transaction an owner sees', () => {
  const [bob, shop, mine] = [
    { accountId: uuid(2), ownerId: 'bob' },
    { accountId: uuid(3), ownerId: 'shop', visibility: 'public' as const },
    { accountId: uuid(1), ownerId: 'alice' },
  ] as const;
  const third = accountIdOf(uuid(3));
  const several = [
    { sender: mine, recipient: bob, amount: '1' },
    { sender: bob, recipient: shop, amount: '2' },
  ];
  /** Alice's euros for the dollars of somebody else. */
  const exchangeWith = (recipient: object) => [
    { sender: mine, recipient: { accountId: uuid(8), system: 'EXCHANGE' }, amount: '100' },
    {
      sender: { accountId: uuid(9), system: 'EXCHANGE' },
      recipient: { accountId: uuid(2), ...recipient },
      amount: '108',
      currency: 'USD',
    },
  ];
  const exchanges = [{ posting: 0, rate: '1.0837' }];
  const progress = storedProgress({ captured: ['0', '0'], reversed: ['0', '0'] });

  const types: [string, object][] = [
    ['transaction.posted', {}],
    ['transaction.pending', { progress }],
    ['transaction.extended', { progress, held: ['1', '2'] }],
    ['transaction.captured', { parentId: uuid(0xb0), progressed: [] }],
    ['transaction.voided', { progress, held: ['1', '2'] }],
    ['transaction.expired', { progress, held: ['1', '2'] }],
  ];

  it.each(types)('%s: of several postings what they may', (type, changes) => {
    const event = renderStreamEvent(recordOf(type, storedTransaction(several, { ...changes })));
    expect(shownOf(event, alice)).toEqual({
      sides: [null, null],
      postings: [
        [own, null],
        [null, third],
      ],
      balances: [own],
    });
    expect(shownOf(event, everybody)).toEqual({
      sides: [null, null],
      postings: [
        [own, other],
        [other, third],
      ],
      balances: [own, other, third],
    });
    expect(Object.keys(webhookBodyOf(event, alice).data!)).toEqual(Object.keys(event.data!));
  });

  it.each(types)(
    '%s: of an exchange the rate, and who is on the other side where they may',
    (type, changes) => {
      const eventWith = (recipient: object) => {
        const stored = storedTransaction(exchangeWith(recipient), { ...changes, exchanges });
        return renderStreamEvent(recordOf(type, stored));
      };
      for (const [recipient, shown] of [
        [{ ownerId: 'bob' }, null],
        [{ ownerId: 'bob', visibility: 'unlisted' }, other],
      ] as const) {
        const event = eventWith(recipient);
        expect(shownOf(event, alice)).toEqual({
          sides: [own, shown],
          postings: [
            [own, 'EXCHANGE'],
            ['EXCHANGE', shown],
          ],
          balances: [own],
        });
        expect(webhookBodyOf(event, alice).data).toMatchObject({ meta: { exchangeRate: '1.0837' } });
        expect(shownOf(event, { ownerId: 'bob' })).toMatchObject({ sides: [null, other], balances: [other] });
        expect(shownOf(event, everybody).balances).toEqual([own, 'EXCHANGE', 'EXCHANGE', other]);
      }
    },
  );

  it('transaction.reversed: of an exchange that is given back, the other way', () => {
    const [out, back] = exchangeWith({ ownerId: 'bob' });
    const turned = [out!, back!].map(({ sender, recipient, ...rest }) => ({
      ...rest,
      sender: recipient,
      recipient: sender,
    }));
    const changes = { type: 'reversal', exchanges, reverses: uuid(0xb0), reason: null, progressed: [] };
    const event = renderStreamEvent(recordOf('transaction.reversed', storedTransaction(turned, changes)));
    expect(shownOf(event, alice)).toEqual({
      sides: [null, own],
      postings: [
        ['EXCHANGE', own],
        [null, 'EXCHANGE'],
      ],
      balances: [own],
    });
    expect(shownOf(event, everybody).sides).toEqual([other, own]);
  });
});

describe('of settings of the ledger', () => {
  it.each(['exchange-rate.set', 'currency.added', 'period.closed'] as const)(
    'an owner sees nothing, and who is bound to none sees all: %s',
    (type) => {
      const event = renderStreamEvent(exampleRecords[type]);
      expect(webhookBodyOf(event, everybody).data).toEqual(event.data);
      expect(webhookBodyOf(event, alice)).toMatchObject({ type, data: null });
    },
  );
});

describe('of an account an owner sees', () => {
  it.each<[string, Readonly<Record<string, unknown>>, boolean]>([
    ['all, where it is theirs', { ownerId: 'alice' }, true],
    ["all but the money, where it is another's", { ownerId: 'bob', visibility: 'public' }, false],
    ["all but the money, where it is nobody's", { ownerId: null, visibility: 'unlisted' }, false],
    ['all but the money, where it is ROOT', { system: 'ROOT' }, false],
  ])('%s', (_, changes, seesMoney) => {
    const event = renderStreamEvent(accountRecord('account.updated', changes));
    const { balance, ...rest } = event.data as { balance: object };
    expect(webhookBodyOf(event, alice).data).toEqual(seesMoney ? { ...rest, balance } : rest);
    expect(webhookBodyOf(event, everybody).data).toEqual(event.data);
  });
});

describe('of an event of a later release', () => {
  const { legs, ...envelope } = paymentTo({ ownerId: 'bob' });
  const held = { ...envelope.data, status: 'pending', remainingAmount: '250', parentId: null };

  it('the same is hidden, and fields that this one does not know are there', () => {
    const event = { ...envelope, type: 'transaction.invented', data: held, legs, trace: 'x' };
    expect(webhookBodyOf(event, everybody)).toEqual({
      ...envelope,
      type: 'transaction.invented',
      data: held,
      trace: 'x',
    });
    expect(webhookBodyOf(event, alice)).toMatchObject({
      trace: 'x',
      data: { sender: own, recipient: null, remainingAmount: '250', parentId: null },
    });
  });

  it('an account that the legs do not name is hidden', () => {
    const event = { ...envelope, data: held, legs: legs.slice(1) };
    expect(shownOf(event, alice)).toEqual({ sides: [null, null], postings: [[null, null]], balances: [] });
  });
});
