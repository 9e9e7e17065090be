import {
  accountRecord,
  postedRecord,
  recordOf,
  storedProgress,
  storedTransaction,
  uuid,
  type StoredPosting,
} from '../../../test/support/journal-records.js';
import type { TopicMessage } from './cloud-event.js';
import { renderStreamEvent } from './stream-event.js';
import { renderTopicMessages } from './topic-messages.js';
import { messageBytesMax } from './topics.js';
import { accountIdOf } from './type-ids.js';

const [alice, bob] = [uuid(1), uuid(2)] as const;
const ledgerId = 'ldg_01h6jx0000e00800000000000x';
const eventId = 'evt_01h6jx0000e008000000000077';
const transactionId = 'txn_01h6jx0000e00800000000003t';

const valueOf = ({ value }: TopicMessage) => JSON.parse(value) as unknown;

const payment: StoredPosting = {
  sender: { accountId: alice, posted: '750', available: '700', version: 4, entryNumber: 2 },
  recipient: { accountId: bob, posted: '250', entryNumber: 1 },
  amount: '250',
};

const headers = {
  ce_specversion: '1.0',
  ce_id: eventId,
  ce_source: `/ledgers/${ledgerId}`,
  ce_type: 'transaction.posted',
  ce_subject: transactionId,
  ce_time: '2026-01-31T09:15:27.482913Z',
  'content-type': 'application/json',
  ce_epoch: '1',
  ce_position: '17',
  ce_hash: 'd1'.repeat(32),
};

describe('what is published of a transaction', () => {
  const record = postedRecord([payment], { reference: 'Lunch' });
  const [event, debit, credit, ...more] = renderTopicMessages(record);

  it('is the event itself, under its ledger', () => {
    expect(event).toEqual({ topic: 'ledger.events.v1', key: ledgerId, headers, value: expect.any(String) });
    expect(valueOf(event!)).toEqual(renderStreamEvent(record));
  });

  it('and an entry per leg, under its account', () => {
    const common = {
      version: 1,
      ledgerId,
      amount: '250',
      currency: 'EUR',
      transactionId,
      eventId,
      epoch: 1,
      position: '17',
      reference: 'Lunch',
      occurredAt: '2026-01-31T09:15:27.482913Z',
    };
    expect([debit, credit, ...more]).toEqual([
      {
        topic: 'ledger.entries.v1',
        key: accountIdOf(alice),
        headers: { ...headers, ce_id: `${eventId}.1` },
        value: expect.any(String),
      },
      {
        topic: 'ledger.entries.v1',
        key: accountIdOf(bob),
        headers: { ...headers, ce_id: `${eventId}.2` },
        value: expect.any(String),
      },
    ]);
    expect(valueOf(debit!)).toEqual({
      ...common,
      id: `${eventId}.1`,
      accountId: accountIdOf(alice),
      entryNumber: 2,
      direction: 'debit',
      balanceAfter: '750',
    });
    expect(valueOf(credit!)).toEqual({
      ...common,
      id: `${eventId}.2`,
      accountId: accountIdOf(bob),
      entryNumber: 1,
      direction: 'credit',
      balanceAfter: '250',
    });
  });
});

describe('what is published', () => {
  it.each<[string, Parameters<typeof recordOf>, string | undefined, string[]]>([
    ['an erased transaction is the bare event', ['transaction.posted', null], transactionId, [ledgerId]],
    ['an erased account is the bare event, about nothing', ['account.updated', null], undefined, [ledgerId]],
  ])('of %s', (_, [type, data], subject, keys) => {
    const messages = renderTopicMessages(recordOf(type, data));
    expect(messages.map(({ key }) => key)).toEqual(keys);
    expect(messages[0]!.headers.ce_subject).toBe(subject);
    expect(Object.values(messages[0]!.headers)).not.toContain(undefined);
    expect(valueOf(messages[0]!)).toMatchObject({ data: null, legs: [] });
  });

  it.each<[string, object, string[]]>([
    ['transaction.pending', { progress: storedProgress() }, []],
    [
      'transaction.captured',
      { type: 'capture', parentId: uuid(0xb0), progressed: [] },
      [accountIdOf(alice), accountIdOf(bob)],
    ],
    [
      'transaction.reversed',
      { type: 'reversal', reverses: uuid(0xb0), reason: null, progressed: [] },
      [accountIdOf(alice), accountIdOf(bob)],
    ],
    ['transaction.voided', { held: ['250'], progress: storedProgress({ status: 'voided' }) }, []],
    ['transaction.expired', { held: ['250'], progress: storedProgress({ status: 'expired' }) }, []],
    ['transaction.extended', { held: ['250'], progress: storedProgress() }, []],
  ])(
    'of %s is the event about that transaction, and entries where its legs are posted',
    (type, data, keys) => {
      const stored = storedTransaction([payment], { ...data });
      const [event, ...entries] = renderTopicMessages(recordOf(type, stored));
      expect(event!.headers).toMatchObject({ ce_type: type, ce_subject: transactionId });
      expect(valueOf(event!)).toMatchObject({ legs: [{ entryNumber: 2 }, { entryNumber: 1 }] });
      expect(entries.map(({ key }) => key)).toEqual(keys);
      expect(entries.map(({ headers: { ce_type } }) => ce_type)).toEqual(keys.map(() => type));
    },
  );

  it('of a capture that comes to nothing in the other currency has that entry too, which counts', () => {
    const postings = [
      { ...payment, amount: '1', recipient: { accountId: uuid(8), system: 'EXCHANGE' } },
      { ...payment, amount: '0', sender: { accountId: uuid(9), system: 'EXCHANGE' }, currency: 'JPY' },
    ];
    const changes = { type: 'capture', exchanges: [{ posting: 0, rate: '0.4' }], parentId: uuid(0xb0) };
    const stored = storedTransaction(postings, { ...changes, progressed: [] });
    const [, ...entries] = renderTopicMessages(recordOf('transaction.captured', stored));
    expect(entries.map(valueOf)).toMatchObject([
      { accountId: accountIdOf(alice), amount: '1', currency: 'EUR' },
      { accountId: accountIdOf(uuid(8)), amount: '1', currency: 'EUR' },
      { accountId: accountIdOf(uuid(9)), amount: '0', currency: 'JPY' },
      { accountId: accountIdOf(bob), amount: '0', currency: 'JPY' },
    ]);
  });

  it.each(['exchange-rate.set', 'currency.added', 'period.closed'])(
    'of %s is the event, about no account and no transaction',
    (type) => {
      const [event, ...entries] = renderTopicMessages(recordOf(type, {}));
      expect(event!.headers).toMatchObject({ ce_type: type, ce_id: eventId });
      expect(event!.headers).not.toHaveProperty('ce_subject');
      expect(entries).toEqual([]);
    },
  );

  it.each(['account.opened', 'account.updated', 'account.closed'])(
    'of %s is the event about that account, and no entry',
    (type) => {
      const messages = renderTopicMessages(accountRecord(type));
      expect(messages).toHaveLength(1);
      expect(messages[0]!.headers).toMatchObject({ ce_type: type, ce_subject: accountIdOf(alice) });
    },
  );

  it('of ROOT is under its own id', () => {
    const root = { accountId: uuid(8), system: 'ROOT' };
    const messages = renderTopicMessages(postedRecord([{ ...payment, sender: root }], { type: 'mint' }));
    expect(messages.map(({ key }) => key)).toEqual([ledgerId, accountIdOf(uuid(8)), accountIdOf(bob)]);
    expect(valueOf(messages[1]!)).toMatchObject({ accountId: accountIdOf(uuid(8)) });
    const [opened] = renderTopicMessages(accountRecord('account.opened', { id: uuid(8), system: 'ROOT' }));
    expect(opened!.headers.ce_subject).toBe(accountIdOf(uuid(8)));
  });

  it('of several postings has the legs in order, those of one account too', () => {
    const back = {
      sender: { accountId: bob, entryNumber: 2 },
      recipient: { accountId: alice, entryNumber: 3 },
    };
    const [, ...entries] = renderTopicMessages(postedRecord([payment, { ...back, amount: '1' }]));
    expect(entries.map(({ headers: { ce_id } }) => ce_id)).toEqual(
      [1, 2, 3, 4].map((n) => `${eventId}.${n}`),
    );
    expect(entries.map(valueOf)).toMatchObject([
      { accountId: accountIdOf(alice), entryNumber: 2 },
      { accountId: accountIdOf(bob), entryNumber: 1 },
      { accountId: accountIdOf(bob), entryNumber: 2 },
      { accountId: accountIdOf(alice), entryNumber: 3 },
    ]);
  });

  it('after a restore says so', () => {
    const record = recordOf('transaction.posted', null, { epoch: 3, position: '9007199254740993' });
    const [message] = renderTopicMessages(record);
    expect(message!.headers).toMatchObject({ ce_epoch: '3', ce_position: '9007199254740993' });
    expect(valueOf(message!)).toMatchObject({ epoch: 3, position: '9007199254740993' });
  });
});

describe('the size of messages', () => {
  // What one character costs most in JSON: six bytes, where it is escaped.
  const longest = '\u0001'.repeat(256);
  const metadata = { m: 'm'.repeat(4_096 - '{"m":""}'.length) };
  const amount = '9'.repeat(36);
  const side = (number: number, ownerId: string | null): StoredPosting['sender'] => ({
    accountId: uuid(number),
    ownerId,
    visibility: 'unlisted',
    posted: `-${amount}`,
    pendingIn: amount,
    pendingOut: amount,
    version: Number.MAX_SAFE_INTEGER,
    entryNumber: Number.MAX_SAFE_INTEGER,
  });
  const postingsOf = (count: number, ownerId: string): StoredPosting[] =>
    [...Array(count).keys()].map((n) => ({
      sender: side(2 * n, ownerId),
      recipient: side(2 * n + 1, ownerId),
      amount,
      currency: 'X'.repeat(32),
    }));
  const exchangesOf = (count: number, ownerId: string): StoredPosting[] =>
    postingsOf(count, ownerId).flatMap(({ sender, recipient }, n) => [
      {
        sender,
        recipient: { ...side(1_000 + n, null), system: 'EXCHANGE' },
        amount,
        currency: 'X'.repeat(32),
      },
      {
        sender: { ...side(2_000 + n, null), system: 'EXCHANGE' },
        recipient,
        amount,
        currency: 'Y'.repeat(32),
      },
    ]);
  const texts = { reference: longest, externalId: longest, metadata };

  it.each([
    [
      'an account',
      accountRecord('account.opened', {
        name: longest,
        externalId: longest,
        ownerId: longest,
        metadata,
        minBalance: `-${amount}`,
        maxBalance: amount,
      }),
    ],
    ['a transaction of one posting', postedRecord(postingsOf(1, longest), texts)],
    [
      'a transaction of 100 postings between accounts of owners with ordinary ids',
      postedRecord(postingsOf(100, uuid(1)), texts),
    ],
    [
      'a hold with 1,000 captures and reversals',
      recordOf(
        'transaction.voided',
        storedTransaction(postingsOf(1, longest), {
          ...{ ...texts, held: [amount] },
          progress: storedProgress({ captured: [amount], reversals: Array(1_000).fill(uuid(0xa1)) }),
        }),
      ),
    ],
  ])('stays within the limit for %s with the longest of all texts and amounts', (_, record) => {
    for (const { value } of renderTopicMessages(record)) {
      expect(Buffer.byteLength(value)).toBeLessThan(messageBytesMax);
    }
  });

  describe('grows by so much per posting beyond what is stored that the journal can keep it within the limit', () => {
    const growthBytesMax = 600;
    /** As it is stored: an exchange has two. */
    const growthBytesPerPostingMax = 530;
    const owners = [
      ['no owner', ''],
      ["an owner's id of 256 characters of four bytes", '💶'.repeat(256)],
      ["an owner's id of 256 characters that are escaped", longest],
      ["an owner's id of a UUID", uuid(1)],
    ] as const;
    const reversals = Array(1_000).fill(uuid(0xa1)) as string[];
    const zeros = (count: number) => Array(count).fill(amount) as string[];
    const kinds: [string, (count: number) => object][] = [
      ['transaction.posted', () => ({})],
      ['transaction.pending', (count) => ({ progress: storedProgress({ captured: zeros(count) }) })],
      [
        'transaction.voided',
        (count) => ({ held: zeros(count), progress: storedProgress({ captured: zeros(count), reversals }) }),
      ],
      [
        'transaction.captured',
        (count) => ({
          parentId: uuid(0xb0),
          progressed: [
            {
              transactionId: uuid(0xb0),
              progress: storedProgress({ captured: zeros(count), reversed: zeros(count), reversals }),
            },
          ],
        }),
      ],
      ['transaction.reversed', () => ({ reverses: uuid(0xb0), reason: longest, progressed: [] })],
    ];

    it.each(
      kinds.flatMap(([type, changes]) => owners.map(([name, ownerId]) => ({ type, changes, name, ownerId }))),
    )('$type, $name', ({ type, changes, ownerId }) => {
      for (const count of [1, 2, 50, 100]) {
        for (const isExchange of [false, true]) {
          const postings = isExchange ? exchangesOf(count, ownerId) : postingsOf(count, ownerId);
          const exchanges = [...Array(count).keys()].map((n) => ({
            posting: 2 * n,
            rate: '0.123456789012345678',
          }));
          const stored = storedTransaction(postings, {
            ...changes(postings.length),
            ...(isExchange ? { type: 'exchange', exchanges } : {}),
          });
          const record = recordOf(type, stored, { epoch: 2 ** 31 - 1, position: '9'.repeat(18) });
          const storedBytes = Buffer.byteLength(record.dataText!);
          const sent = renderTopicMessages(record).map(({ value }) => Buffer.byteLength(value));
          expect(Math.max(...sent)).toBeLessThanOrEqual(
            storedBytes + growthBytesMax + growthBytesPerPostingMax * postings.length,
          );
        }
      }
    });
  });
});
