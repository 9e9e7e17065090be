import {
  expectError,
  startService,
  timestamp,
  type Account,
  type Client,
  type One,
  type Service,
  type Transaction,
} from '../support/client.js';

let service: Service;
let client: Client;
let alice: Account;
let bob: Account;

beforeAll(async () => {
  service = await startService();
  client = service.client;
  alice = await client.open({ name: 'Alice', openingBalance: 1_000 });
  bob = await client.open({ name: 'Bob' });
}, 60_000);

afterAll(() => service.stop());

interface Period {
  readonly date: string;
  readonly closedBefore: string;
  readonly position: string;
  readonly setAt: string;
}

const path = '/v1/periods/closed-through';
const close = (date: unknown) => client.put<One<Period>>(path, { date });
const pay = (effectiveAt: string | null, fields: object = {}) =>
  client.post<One<Transaction>>('/v1/transactions', {
    sender: alice.id,
    recipient: bob.id,
    amount: 1,
    ...(effectiveAt === null ? {} : { effectiveAt }),
    ...fields,
  });

describe('a back-dated transaction', () => {
  test('shows when it took effect, beside when it was recorded', async () => {
    const { body } = await pay('2024-03-01T12:00:00+02:00');
    expect(body.data).toMatchObject({
      effectiveAt: '2024-03-01T10:00:00.000000Z',
      createdAt: expect.stringMatching(/^20(2[5-9]|[3-9])/),
    });
    expect((await client.transaction(body.data.id)).effectiveAt).toBe(body.data.effectiveAt);
    const [event] = (await client.journal()).filter(({ transactionId }) => transactionId === body.data.id);
    expect(event).toMatchObject({ effectiveAt: body.data.effectiveAt, recordedAt: body.data.createdAt });
  });

  test('is not of the future, nor a hold', async () => {
    expectError(await pay('2099-01-01T00:00:00Z'), 400, 'validation_error', 'effectiveAt');
    expectError(await pay('2024-01-01T00:00:00Z', { pending: true }), 400, 'validation_error', 'effectiveAt');
    for (const wrong of ['2024-01-01', '2024-13-01T00:00:00Z', '0000-01-01T00:00:00Z', 'yesterday']) {
      expectError(await pay(wrong), 400, 'validation_error', 'effectiveAt');
    }
  });

  test('may be a mint or a burn', async () => {
    for (const [route, side] of [
      ['/v1/mints', { recipient: bob.id }],
      ['/v1/burns', { sender: alice.id }],
    ] as const) {
      const { body } = await client.post<One<Transaction>>(route, {
        ...side,
        amount: 1,
        effectiveAt: '2024-01-01T00:00:00Z',
      });
      expect(body.data.effectiveAt).toBe('2024-01-01T00:00:00.000000Z');
    }
  });
});

describe('the books', () => {
  test('were never closed at first', async () => {
    expect((await client.get(path)).body).toEqual({ data: null });
  });

  test('are closed through a day of UTC', async () => {
    const { status, body } = await close('2022-12-31');
    expect([status, body.data]).toEqual([
      200,
      {
        date: '2022-12-31',
        closedBefore: '2023-01-01T00:00:00.000000Z',
        position: expect.stringMatching(/^\d+$/),
        setAt: expect.stringMatching(timestamp),
      },
    ]);
    expect((await client.get(path)).body).toEqual(body);
    expectError(await pay('2022-12-31T23:59:59.999999Z'), 422, 'period_closed', 'effectiveAt');
    expectError(await pay('2023-01-01T00:59:59+01:00'), 422, 'period_closed');
    expect((await pay('2023-01-01T00:00:00Z')).status).toBe(201);
    expect((await pay(null)).status).toBe(201);
    const mint = { recipient: bob.id, amount: 1, effectiveAt: '2020-01-01T00:00:00Z' };
    expectError(await client.post('/v1/mints', mint), 422, 'period_closed');
  });

  test('are closed before a moment, and can be opened again', async () => {
    const moment = '2023-06-15T12:00:00.500000Z';
    const closed = await close('2023-06-15T14:00:00.5+02:00');
    expect(closed.body.data).toMatchObject({ date: moment, closedBefore: moment });
    expect((await client.get(path)).body).toEqual(closed.body);
    expectError(await pay('2023-06-15T12:00:00.499999Z'), 422, 'period_closed');
    expect((await pay('2023-06-15T12:00:00.5Z')).status).toBe(201);
    await close('2020-12-31');
    expect((await pay('2021-01-01T00:00:00Z')).status).toBe(201);
    const history = (await client.journal()).filter(({ type }) => type === 'period.closed');
    expect(history.map(({ data }) => data['date'])).toEqual(['2022-12-31', moment, '2020-12-31']);
    expect(history[1]!.actor).toMatch(/^key_/);
  });

  test('are told to be closed by nothing else', async () => {
    for (const date of [
      undefined,
      null,
      5,
      '',
      '2023',
      '2023-02-30',
      '2023-01-01T00:00:00',
      '9999-12-31',
      '0000-01-01',
    ]) {
      expectError(await close(date), 400, 'validation_error', 'date');
    }
    expectError(await client.put(path, { date: '2020-12-31', x: 1 }), 400, 'validation_error', 'x');
  });

  test('are for admin', async () => {
    const key = {
      name: 'A key',
      scopes: ['transactions:write', 'transactions:read'],
      rateLimitPerMinute: null,
    };
    const { secret } = (await client.post<One<{ secret: string }>>('/v1/api-keys', key)).body.data;
    const headers = { authorization: `Bearer ${secret}` };
    expectError(await client.put(path, { date: '2020-12-31' }, { headers }), 403, 'forbidden');
    expectError(await client.get(path, { headers }), 403, 'forbidden');
  });
});

test('who changed a setting of the ledger is in the audit log', async () => {
  await client.put('/v1/exchange-rates/EUR/CHF', { rate: '0.95' });
  await client.post('/v1/currencies', { code: 'AUDITED', exponent: 3, name: 'Audited' });
  await close('2019-12-31');
  expectError(await client.put('/v1/exchange-rates/EUR/XYZ', { rate: '1' }), 422, 'unknown_currency');
  interface Entry {
    readonly actor: string;
    readonly action: string;
    readonly subject: string;
    readonly details: object;
  }
  const entries = await client.all<Entry>('/v1/audit-log');
  const told = entries.slice(0, 3).map(({ action, subject, details }) => [action, subject, details] as const);
  expect(told).toEqual([
    [
      'period.closed',
      'closed-through',
      { through: '2019-12-31', closedBefore: '2020-01-01T00:00:00.000000Z' },
    ],
    ['currency.added', 'AUDITED', { code: 'AUDITED', exponent: 3, name: 'Audited' }],
    ['exchange_rate.set', 'EUR/CHF', { from: 'EUR', to: 'CHF', rate: '0.95' }],
  ]);
  for (const { actor } of entries.slice(0, 3)) expect(actor).toMatch(/^key_/);
  const found = await client.all<Entry>('/v1/audit-log', { 'filter[action]': 'currency.added' });
  expect(found.map(({ subject }) => subject)).toEqual(['AUDITED']);
});
