/** The check is worth what it finds: a true record of a run, falsified in one place at a time. */
import { checkRun } from './check/check-run.js';
import { bodyOf, type JournalEvent, type LoggedCall, type RecordedRun } from './check/call-log.js';
import type { Operation, Program } from './generate/program.js';
import { startProductUnderTest } from './run/product-under-test.js';
import { runProgram } from './run/run-program.js';

const post = (path: string, body: object, more: Partial<Operation> = {}) => ({
  method: 'POST',
  path: `/v1/${path}`,
  body,
  ...more,
});
const get = (path: string, query: Record<string, string> = {}) => ({
  method: 'GET',
  path: `/v1/${path}`,
  query,
});
const [alice, bob, carol] = ['{account:0}', '{account:1}', '{account:2}'];
const pay = (sender: string, recipient: string, amount: number) => ({ sender, recipient, amount });

const steps: Omit<Operation, 'number'>[] = [
  post('accounts', { name: 'Alice', currency: 'EUR', openingBalance: 100 }),
  post('accounts', { name: 'Bob', currency: 'EUR' }),
  post('accounts', { name: 'Carol', currency: 'EUR', openingBalance: 50 }),
  get(`transactions`, { 'filter[account]': '{account:0}' }),
  post('transactions', pay(alice, bob, 60)),
  post('transactions', pay(alice, bob, 60)),
  post('transactions', pay(carol, bob, 5), { key: 'one' }),
  post('transactions', pay(carol, bob, 5), { key: 'one' }),
  get(`accounts/${bob}/balance`),
  get('transactions', { 'filter[account]': '{account:0}' }),
  post('transactions', { ...pay(alice, bob, 20), pending: true }),
  post('transactions/{transaction:10}/capture', { amount: 5 }),
];
const program: Program = {
  seed: 1,
  setup: steps.map((step, number) => ({ number, ...step })),
  clients: [],
};

let run: RecordedRun;

beforeAll(async () => {
  const product = await startProductUnderTest();
  try {
    run = await runProgram(await product.newLedger(), program);
  } finally {
    await product.stop();
  }
}, 120_000);

/** Of the steps: what comes after them reads only. */
const step = (number: number): LoggedCall => run.calls[number]!;
const withCall = (number: number, changed: Partial<LoggedCall>): RecordedRun => ({
  ...run,
  calls: run.calls.map((call, n) => (n === number ? { ...call, ...changed } : call)),
});
const edited = (number: number, edit: (text: string) => string): RecordedRun =>
  withCall(number, { text: edit(step(number).text) });
const withJournal = (journal: readonly JournalEvent[]): RecordedRun => ({ ...run, journal });
const transferIn = (journal: readonly JournalEvent[]) =>
  journal.findIndex(({ data }) => data['amount'] === '60');

test('the true record is explained', () => {
  expect(checkRun(run)).toEqual([]);
  expect(run.calls.slice(0, steps.length).map(({ status }) => status)).toEqual([
    ...[201, 201, 201, 200, 201, 422, 201, 201, 200, 200, 201, 201],
  ]);
});

const falsified: [string, () => RecordedRun][] = [
  [
    'the second spending of the same money is answered as accepted',
    () => withCall(5, { status: 201, text: step(4).text.replace(/"txn_\w{10}/, '"txn_01jd3v5m7y') }),
  ],
  [
    'the second spending is given the answer of the first',
    () => withCall(5, { ...step(4), startedAt: 10.5 }),
  ],
  ['an event is missing', () => withJournal(run.journal.filter((_, n) => n !== transferIn(run.journal)))],
  [
    'an event is missing, and nobody sees it by the positions',
    () =>
      withJournal(
        run.journal
          .filter((_, n) => n !== transferIn(run.journal))
          .map((event, n) => ({ ...event, position: String(n + 1) })),
      ),
  ],
  [
    'an event comes twice',
    () => {
      const again = { ...run.journal.at(-1)!, position: String(run.journal.length + 1) };
      return withJournal([...run.journal, { ...again, recordedAt: '2099-01-01T00:00:00.000000Z' }]);
    },
  ],
  [
    'an event moves another amount',
    () =>
      withJournal(
        run.journal.map((event, n) =>
          n === transferIn(run.journal) ? { ...event, data: { ...event.data, amount: '61' } } : event,
        ),
      ),
  ],
  ['a balance is another one', () => edited(8, (text) => text.replace('"posted":"65"', '"posted":"66"'))],
  [
    'a balance in the answer to a write is another one',
    () => edited(4, (text) => text.replace('"posted":"40"', '"posted":"41"')),
  ],
  [
    'a list has a row of another account',
    () =>
      edited(9, (text) => {
        const body = JSON.parse(text) as { data: unknown[] };
        const { balances: _, ...foreign } = bodyOf(step(6)).data as Record<string, unknown>;
        return JSON.stringify({ ...body, data: [foreign, ...body.data] });
      }),
  ],
  ['a list does not show what was answered before', () => withCall(9, { text: step(3).text })],
  [
    'a refusal has another code',
    () => edited(5, (text) => text.replace('insufficient_funds', 'balance_limit_exceeded')),
  ],
  [
    'what there is money for is refused',
    () => ({ ...run, calls: [...run.calls, { ...step(5), body: pay('ROOT', bobOf(), 1) }] }),
  ],
  ['a replay differs by a byte', () => edited(7, (text) => `${text} `)],
  ['a replay says that it is none', () => withCall(7, { isReplayed: false })],
  ['what was captured is more', () => edited(11, (text) => text.replaceAll('"amount":"5"', '"amount":"6"'))],
];

const bobOf = (): string => (bodyOf(step(1)).data as { id: string }).id;

test.each(falsified)('it is found that %s', (_, falsify) => {
  expect(checkRun(falsify())).not.toEqual([]);
});
