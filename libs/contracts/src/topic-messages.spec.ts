import {
  accountRecord,
  postedRecord,
  recordOf,
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
  const side = (number: number, ownerId: string) => ({
    accountId: uuid(number),
    ownerId,
    visibility: 'unlisted' as const,
    posted: `-${amount}`,
    version: Number.MAX_SAFE_INTEGER,
    entryNumber: Number.MAX_SAFE_INTEGER,
  });

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
    [
      'a transaction of one posting',
      postedRecord([{ sender: side(1, longest), recipient: side(2, longest), amount }], {
        reference: longest,
        externalId: longest,
        metadata,
      }),
    ],
    [
      'a transaction of 100 postings between accounts of owners with ordinary ids',
      postedRecord(
        [...Array(100).keys()].map((n) => ({
          sender: side(2 * n, uuid(2 * n)),
          recipient: side(2 * n + 1, uuid(2 * n + 1)),
          amount,
        })),
        { reference: longest, externalId: longest, metadata },
      ),
    ],
  ])('stays within the limit for %s with the longest of all texts and amounts', (_, record) => {
    for (const { value } of renderTopicMessages(record)) {
      expect(Buffer.byteLength(value)).toBeLessThan(messageBytesMax);
    }
  });
});
