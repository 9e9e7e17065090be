import { accountRecord, postedRecord, recordOf, uuid } from '../../../test/support/journal-records.js';
import type { StreamEvent } from './envelope.js';
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

  it.each(['account.updated', 'transaction.posted'])('of an erased %s has no data, for anybody', (type) => {
    const event = renderStreamEvent(recordOf(type, null));
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
    const event = { ...envelope, type: 'transaction.pending', data: held, legs, trace: 'x' };
    expect(webhookBodyOf(event, everybody)).toEqual({
      ...envelope,
      type: 'transaction.pending',
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
