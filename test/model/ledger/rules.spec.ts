/** Rules of the model that are easily got wrong: given what was asked before, when this is asked, then that. */
import { Books } from './books.js';
import { everybody } from './callers.js';
import type { Journal, Stamp } from './journal.js';
import { Refused } from './refusals.js';
import { write, type WriteRequest } from './write.js';

/** Ids in the order in which they are made: the first account is acc_…1. */
class MadeUpJournal implements Journal {
  now = '2030-01-01T00:00:00.000000Z';
  private made = 0;

  next(type: string): Stamp {
    this.made += 1;
    const subjectId = idOf(type.startsWith('account') ? 'acc' : 'txn', this.made);
    return {
      eventId: `evt_${this.made}`,
      subjectId,
      recordedAt: `2030-01-01T00:00:00.${pad(this.made, 6)}Z`,
    };
  }

  write(): void {}
}

const pad = (number: number, length: number): string => String(number).padStart(length, '0');
const idOf = (prefix: string, number: number): string => `${prefix}_${pad(number, 26)}`;

const post = (path: string, body: unknown, key: string | null = null): WriteRequest => ({
  method: 'POST',
  path: `/v1/${path}`,
  body,
  key,
  ifMatch: null,
  ifUnmodifiedSince: null,
  accept: null,
  caller: everybody,
});

function ask(books: Books, journal: Journal, request: WriteRequest): unknown {
  try {
    return books.attempt(() => write(books, journal, request).body);
  } catch (error) {
    if (error instanceof Refused) return error.code;
    throw error;
  }
}

/** Euros, dollars and a third account of euros; they are opened by the first three events. */
const [euros, dollars, others] = [idOf('acc', 1), idOf('acc', 2), idOf('acc', 3)];
const opened = [
  post('accounts', { name: 'Euros', currency: 'EUR', minBalance: null }),
  post('accounts', { name: 'Dollars', currency: 'USD', minBalance: null }),
  post('accounts', { name: 'Others', currency: 'EUR', minBalance: null, maxBalance: '100' }),
];
const pay = (fields: object) => post('transactions', { sender: euros, recipient: others, ...fields });
/** EXCHANGE of both currencies is opened by the fourth and the fifth. */
const [held, plain] = [idOf('txn', 6), idOf('txn', 4)];
const exchange = (fields: object) => pay({ recipient: dollars, exchangeRate: '1.115', ...fields });
const capture = (amount: number, more: object = {}) =>
  post(`transactions/${held}/capture`, { amount, ...more });
const reverse = (id: string, amount?: number) =>
  post(`transactions/${id}/reverse`, amount === undefined ? {} : { amount });

/** A hold for ROOT, which is opened by the fourth event, and so many captures of it. */
const promised = idOf('txn', 5);
const capturePromised = post(`transactions/${promised}/capture`, { amount: 1 });
const many = (captures: number) => [
  pay({ recipient: 'ROOT', amount: 5_000, pending: true }),
  ...Array.from({ length: captures }, () => capturePromised),
];

interface Shown {
  readonly data: { readonly postings: readonly { readonly amount: string }[] };
}
const amountsOf = (answer: unknown) =>
  typeof answer === 'string' ? answer : (answer as Shown).data.postings.map(({ amount }) => amount);

test.each<[string, WriteRequest[], WriteRequest, unknown]>([
  ['an exchange is rounded half to even', [], exchange({ amount: 100 }), ['100', '112']],
  [
    'captures of an exchange are rounded in all: 33 and 1 are 37.91',
    [exchange({ amount: 100, pending: true }), capture(33)],
    capture(1),
    ['1', '1'],
  ],
  [
    'a capture of an exchange may come to nothing, once something has: 1 and 1 are 0.6 and 1.2',
    [pay({ recipient: dollars, exchangeRate: '0.6', amount: 9, pending: true }), capture(1)],
    capture(1),
    ['1', '0'],
  ],
  ['a hold has had its 1,000 captures', many(1_000), capturePromised, 'transaction_not_pending'],
  ['a hold has had 999 of them', many(999), capturePromised, ['1']],
  ['what was captured so often is given back', many(1_000), reverse(promised, 1), 'not_reversible'],
  [
    'the last capture leaves nothing over',
    [exchange({ amount: 100, pending: true }), capture(33), capture(1)],
    capture(66),
    ['66', '74'],
  ],
  [
    'a share of an exchange is given back on both sides',
    [exchange({ amount: 100 })],
    reverse(held, 50),
    ['50', '56'],
  ],
  [
    'what is given back last is all that is left',
    [exchange({ amount: 100 }), reverse(held, 50)],
    reverse(held),
    ['50', '56'],
  ],
  [
    'postings give back by largest remainder, the first of equals first',
    [
      post('transactions', {
        postings: [33, 33, 34].map((amount) => ({ sender: euros, recipient: others, amount })),
      }),
      reverse(plain, 10),
    ],
    reverse(plain, 1),
    ['1'],
  ],
  [
    'nothing is left to give back',
    [pay({ amount: 5 }), reverse(plain)],
    reverse(plain, 9),
    'already_reversed',
  ],
  ['more than is left', [pay({ amount: 5 })], reverse(plain, 6), 'amount_exceeds_remaining'],
  ['a limit is reached', [], pay({ amount: 100 }), ['100']],
  ['a limit is passed', [], pay({ amount: 101 }), 'balance_limit_exceeded'],
  [
    'what is pending counts',
    [pay({ amount: 60, pending: true })],
    pay({ amount: 41 }),
    'balance_limit_exceeded',
  ],
])('%s', (_, given, when, then) => {
  const [books, journal] = [new Books(), new MadeUpJournal()];
  for (const request of [...opened, ...given]) expect(typeof ask(books, journal, request)).toBe('object');
  expect(amountsOf(ask(books, journal, when))).toEqual(then);
});

test('what is refused, or only tried, leaves no trace', () => {
  const [books, journal] = [new Books(), new MadeUpJournal()];
  for (const request of opened) ask(books, journal, request);
  const before = JSON.stringify([...books.accounts.values()], (_, value: unknown) =>
    typeof value === 'bigint' ? String(value) : value,
  );
  ask(books, journal, pay({ amount: 101 }));
  books.try(() => ask(books, journal, exchange({ amount: 5 })));
  const after = JSON.stringify([...books.accounts.values()], (_, value: unknown) =>
    typeof value === 'bigint' ? String(value) : value,
  );
  expect([after, books.head, books.transactions.size]).toEqual([before, 3, 0]);
});
