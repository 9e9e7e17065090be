import { setTimeout as sleep } from 'node:timers/promises';
import {
  expectError,
  startService,
  withQuery,
  type Account,
  type Client,
  type Entry,
  type One,
  type Service,
  type Statement,
} from '../support/client.js';

let service: Service;
let client: Client;
let alice: Account;
let bob: Account;
/** When something was recorded, and a moment later. */
let opened: string;
let between: string;

beforeAll(async () => {
  service = await startService();
  client = service.client;
  alice = await client.open({ name: 'Alice', openingBalance: 1_000 });
  bob = await client.open({ name: 'Bob', ownerId: 'bob' });
  opened = alice.createdAt;
  await client.transfer(alice.id, bob.id, 100, { reference: 'first' });
  await sleep(5);
  between = await now();
  await sleep(5);
  await client.transfer(alice.id, bob.id, 30, { reference: 'late', effectiveAt: '2024-06-01T00:00:00Z' });
  await client.transfer(bob.id, alice.id, 7, { reference: '=SUM(A1)' });
  // What is held is on no statement.
  await client.hold(alice.id, bob.id, 500);
}, 60_000);

afterAll(() => service.stop());

/** By the ledger's clock. */
async function now(): Promise<string> {
  const { body } = await client.get<One<{ asOf: string }>>(`/v1/accounts/${alice.id}/balance`);
  return body.data.asOf;
}

const pathOf = (account: Account | string, parameters: Record<string, string>) =>
  withQuery(`/v1/accounts/${typeof account === 'string' ? account : account.id}/statement`, parameters);
const statement = async (account: Account, parameters: Record<string, string>) => {
  const answer = await client.get<One<Statement>>(pathOf(account, parameters));
  expect([answer.status, answer.headers['content-type']]).toEqual([200, 'application/json; charset=utf-8']);
  return answer.body.data;
};
const balance = async (account: Account, parameters: Record<string, string>) =>
  (await client.get<One<Record<string, string>>>(withQuery(`/v1/accounts/${account.id}/balance`, parameters)))
    .body.data;
const linesOf = ({ lines }: Statement) =>
  lines.map(({ direction, amount, balanceAfter, reference }) => [direction, amount, balanceAfter, reference]);
const wholeYears = { from: '2020-01-01T00:00:00Z' };

describe('a balance as of a time', () => {
  test('is what had been recorded by then', async () => {
    expect(await balance(alice, { at: between })).toEqual({
      accountId: alice.id,
      currency: 'EUR',
      posted: '900',
      position: expect.stringMatching(/^\d+$/),
      asOf: between,
    });
    expect((await balance(alice, { at: opened })).posted).not.toBe('900');
    expect(await balance(alice, { at: '2020-01-01T00:00:00Z' })).toMatchObject({
      posted: '0',
      position: '0',
    });
    expect((await balance(alice, { at: '2099-01-01T00:00:00Z' })).posted).toBe('877');
  });

  test('or what had taken effect, whenever it was recorded', async () => {
    const of = async (at: string, by: string) => (await balance(alice, { at, by })).posted;
    expect(await of(between, 'recorded')).toBe('900');
    expect(await of(between, 'effective')).toBe('870');
    expect(await of('2024-06-01T00:00:00Z', 'effective')).toBe('-30');
    expect(await of('2024-05-31T23:59:59.999999Z', 'effective')).toBe('0');
    expect(await of('2099-01-01T00:00:00Z', 'effective')).toBe('877');
  });

  test('of ROOT is that of a currency', async () => {
    const path = withQuery('/v1/accounts/ROOT/balance', { at: between, currency: 'EUR' });
    expect((await client.get<One<object>>(path)).body.data).toMatchObject({
      accountId: 'ROOT',
      posted: '-1000',
    });
  });

  test('is refused where it is not said right', async () => {
    const path = `/v1/accounts/${alice.id}/balance`;
    for (const [query, where] of [
      ['at=yesterday', 'at'],
      ['at=2026-01-01', 'at'],
      ['by=both', 'by'],
      ['at=2026-01-01T00:00:00Z&to=x', 'to'],
    ] as const) {
      expectError(await client.get(`${path}?${query}`), 400, 'validation_error', where);
    }
    const unknown = 'acc_01jd3v4wqzfxs9v5n6m7k8h2re';
    expectError(
      await client.get(`/v1/accounts/${unknown}/balance?at=2026-01-01T00:00:00Z`),
      404,
      'account_not_found',
    );
  });
});

describe('a statement', () => {
  test('has what was recorded in its period, oldest first, between its balances', async () => {
    const whole = await statement(alice, wholeYears);
    expect(whole).toMatchObject({
      accountId: alice.id,
      from: '2020-01-01T00:00:00.000000Z',
      to: expect.stringMatching(/\.\d{6}Z$/),
      openingBalance: '0',
      closingBalance: '877',
    });
    expect(Object.keys(whole)).toEqual([
      'accountId',
      'from',
      'to',
      'openingBalance',
      'lines',
      'closingBalance',
    ]);
    expect(linesOf(whole)).toEqual([
      ['credit', '1000', '1000', null],
      ['debit', '100', '900', 'first'],
      ['debit', '30', '870', 'late'],
      ['credit', '7', '877', '=SUM(A1)'],
    ]);
    const entries = await client.all<Entry>(`/v1/accounts/${alice.id}/entries`);
    expect(whole.lines.map(({ effectiveAt: _, ...entry }) => entry)).toEqual(entries.reverse());
    const [first, second] = [
      await statement(alice, { ...wholeYears, to: between }),
      await statement(alice, { from: between }),
    ];
    expect([...linesOf(first), ...linesOf(second)]).toEqual(linesOf(whole));
    expect([first.closingBalance, second.openingBalance, second.closingBalance]).toEqual([
      '900',
      '900',
      '877',
    ]);
  });

  test('by effective time has what was back-dated where it took effect', async () => {
    const whole = await statement(alice, { ...wholeYears, by: 'effective' });
    expect(linesOf(whole)).toEqual([
      ['debit', '30', '-30', 'late'],
      ['credit', '1000', '970', null],
      ['debit', '100', '870', 'first'],
      ['credit', '7', '877', '=SUM(A1)'],
    ]);
    expect(whole.lines[0]!.effectiveAt).toBe('2024-06-01T00:00:00.000000Z');
    const june = { from: '2024-06-01T00:00:00Z', to: '2024-07-01T00:00:00Z', by: 'effective' };
    expect(await statement(alice, june)).toMatchObject({
      openingBalance: '0',
      lines: [{ reference: 'late', balanceAfter: '-30' }],
      closingBalance: '-30',
    });
    expect((await statement(alice, { ...june, by: 'recorded' })).lines).toEqual([]);
  });

  test('includes its beginning and leaves out its end', async () => {
    const [, first] = (await statement(alice, wholeYears)).lines;
    const at = first!.createdAt;
    expect((await statement(alice, { from: at, to: between })).lines).toHaveLength(1);
    expect((await statement(alice, { ...wholeYears, to: at })).lines).toHaveLength(1);
  });

  test('without an end has all that was answered before', async () => {
    for (let round = 0; round < 5; round++) {
      const { id } = await client.transfer(bob.id, alice.id, 1);
      const { lines } = await statement(bob, wholeYears);
      expect(lines.at(-1)?.transactionId).toBe(id);
      await client.transfer(alice.id, bob.id, 1);
    }
  });

  test('is refused where its period is none', async () => {
    const from = '2026-01-01T00:00:00Z';
    expectError(await client.get(pathOf(alice, {})), 400, 'validation_error', 'from');
    for (const to of [from, '2025-01-01T00:00:00Z']) {
      expectError(await client.get(pathOf(alice, { from, to })), 400, 'validation_error', 'from');
    }
    expectError(
      await client.get(pathOf(alice, { from: '2099-01-01T00:00:00Z' })),
      400,
      'validation_error',
      'from',
    );
    expectError(await client.get(pathOf(alice, { from: 'x' })), 400, 'validation_error', 'from');
    expectError(
      await client.get(pathOf(alice, { from, 'page[limit]': '1' })),
      400,
      'validation_error',
      'page[limit]',
    );
    for (const id of ['acc_1', 'acc_01jd3v4wqzfxs9v5n6m7k8h2re']) {
      expectError(await client.get(pathOf(id, { from })), 404, 'account_not_found');
    }
    expectError(await client.get(pathOf('ROOT', { from })), 400, 'validation_error', 'currency');
    expect((await client.get(pathOf('ROOT', { ...wholeYears, currency: 'EUR' }))).status).toBe(200);
  });
});

describe('as CSV', () => {
  const csv = (accept: string, parameters: Record<string, string> = wholeYears) =>
    client.get(pathOf(alice, parameters), { headers: { accept } });

  test('it is a file with a header row, and text is no formula', async () => {
    const answer = await csv('text/csv');
    expect([answer.status, answer.headers['content-type'], answer.headers['content-disposition']]).toEqual([
      200,
      expect.stringMatching(/^text\/csv; charset=utf-8/),
      `attachment; filename="statement-${alice.id}.csv"`,
    ]);
    const [header, ...rows] = answer.text.split('\r\n');
    expect(header).toBe(
      'id,transactionId,direction,amount,balanceAfter,entryNumber,counterparty,reference,createdAt,effectiveAt',
    );
    expect(rows.at(-1)).toBe('');
    const { lines } = await statement(alice, wholeYears);
    expect(rows).toHaveLength(lines.length + 1);
    const [first] = lines;
    expect(rows[0]!.split(',')).toEqual(Object.values(first!).map((value) => String(value ?? '')));
    const formula = rows[lines.findIndex(({ reference }) => reference === '=SUM(A1)')];
    expect(formula).toContain(`'=SUM(A1)`);
  });

  test.each([
    ['text/csv', 'text/csv'],
    ['text/csv; charset=utf-8', 'text/csv'],
    ['text/csv, application/json;q=0.5', 'text/csv'],
    ['text/*', 'text/csv'],
    ['application/json', 'application/json'],
    ['*/*', 'application/json'],
    ['text/csv;q=0.1, */*', 'application/json'],
  ])('%s is answered in %s', async (accept, type) => {
    const answer = await csv(accept);
    expect([answer.status, answer.headers['content-type']!.split(';')[0]]).toEqual([200, type]);
  });

  test('is acceptable for statements alone, and errors are JSON all the same', async () => {
    expectError(await csv('text/html'), 406, 'not_acceptable');
    const headers = { accept: 'text/csv' };
    for (const path of [
      '/v1/accounts',
      `/v1/accounts/${alice.id}/entries`,
      `/v1/accounts/${alice.id}/balance`,
    ]) {
      expectError(await client.get(path, { headers }), 406, 'not_acceptable');
    }
    expectError(await csv('text/csv', {}), 400, 'validation_error', 'from');
    expectError(await client.get(pathOf('acc_1', wholeYears), { headers }), 404, 'account_not_found');
  });

  test('HEAD tells the same without a body', async () => {
    const answer = await client.send('HEAD', pathOf(alice, wholeYears), { headers: { accept: 'text/csv' } });
    expect([answer.status, answer.text]).toEqual([200, '']);
  });
});

test('the trial balance as of a time is zero by both times', async () => {
  for (const by of ['recorded', 'effective']) {
    for (const at of [between, '2024-06-15T00:00:00Z', '2099-01-01T00:00:00Z']) {
      const path = withQuery('/v1/trial-balance', { at, by });
      const { body } = await client.get<{ data: { difference: string; debits: string }[] }>(path);
      for (const { difference } of body.data) expect([by, at, difference]).toEqual([by, at, '0']);
      const effectiveInJune = by === 'effective' && at.startsWith('2024');
      if (effectiveInJune) expect(body.data.map(({ debits }) => debits)).toEqual(['30']);
    }
  }
});

test('to an owner only their own accounts have one, and private counterparties are null', async () => {
  const key = { name: 'A key', scopes: ['accounts:read'], ownerId: 'bob', rateLimitPerMinute: null };
  const { secret } = (await client.post<One<{ secret: string }>>('/v1/api-keys', key)).body.data;
  const headers = { authorization: `Bearer ${secret}` };
  const own = await client.get<One<Statement>>(pathOf(bob, wholeYears), { headers });
  expect(own.body.data.lines.map(({ counterparty }) => counterparty)).toEqual(
    own.body.data.lines.map(() => null),
  );
  for (const account of [alice.id, 'ROOT']) {
    const parameters = { ...wholeYears, ...(account === 'ROOT' ? { currency: 'EUR' } : {}) };
    expectError(await client.get(pathOf(account, parameters), { headers }), 404, 'account_not_found');
    const { from: at, ...rest } = parameters as { from: string };
    const balancePath = withQuery(`/v1/accounts/${account}/balance`, { ...rest, at });
    expectError(await client.get(balancePath, { headers }), 404, 'account_not_found');
  }
});
