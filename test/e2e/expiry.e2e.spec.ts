import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import {
  Client,
  expectError,
  type Account,
  type JournalEvent,
  type List,
  type One,
  type Transaction,
} from '../support/client.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { startProduct, type Product } from '../support/product.js';
import { until } from '../support/until.js';
import { expectVerified } from '../support/verify.js';

/** One database for each test, and as many processes of the product on it as it needs. */
let database: TestDatabase;
let products: Product[] = [];
let clients: Client[] = [];

beforeEach(async () => {
  database = await createTestDatabase();
}, 60_000);

afterEach(async () => {
  for (const client of clients) client.close();
  await Promise.all(products.map((product) => product.kill()));
  [clients, products] = [[], []];
  await database.drop();
});

async function start(role: 'all' | 'api' | 'worker' = 'all'): Promise<{ product: Product; client: Client }> {
  const product = await startProduct({ databaseUrl: database.ledgerUrl, env: { LEDGER_ROLE: role } });
  const client = new Client(product.url, product.apiKey);
  products.push(product);
  clients.push(client);
  return { product, client };
}

const inMs = (ms: number) => new Date(Date.now() + ms).toISOString();
const milliseconds = (time: string) => Date.parse(time.replace(/(\.\d{3})\d{3}Z$/, '$1Z'));
const statusOf = async (client: Client, id: string) => (await client.transaction(id)).status;
const isExpired = async (client: Client, id: string) => (await statusOf(client, id)) === 'expired';
const expiries = async (client: Client): Promise<JournalEvent[]> =>
  (await client.journal()).filter(({ type }) => type === 'transaction.expired');

interface Parties {
  readonly payer: Account;
  readonly shop: Account;
}

async function openParties(client: Client, money = 1_000): Promise<Parties> {
  return { payer: await client.open({ openingBalance: money }), shop: await client.open() };
}

const hold = (
  client: Client,
  { payer, shop }: Parties,
  expiresAt: string,
  amount = 10,
): Promise<Transaction> => client.hold(payer.id, shop.id, amount, { expiresAt });

async function expectReleased(client: Client, { payer, shop }: Parties, posted = '1000'): Promise<void> {
  expect((await client.account(payer.id)).balance).toEqual({
    posted,
    available: posted,
    pendingIn: '0',
    pendingOut: '0',
  });
  expect((await client.account(shop.id)).balance.pendingIn).toBe('0');
}

test('a hold is released by itself within a second of its end, by the ledger', async () => {
  const { client } = await start();
  const parties = await openParties(client);
  const expiresAt = inMs(1_500);
  const made = await hold(client, parties, expiresAt);
  const captured = await client.post<One<Transaction>>(`/v1/transactions/${made.id}/capture`, { amount: 4 });
  expect(captured.status).toBe(201);
  await until('the hold to expire', () => isExpired(client, made.id), 10);
  const [event, ...others] = await expiries(client);
  expect(others).toEqual([]);
  expect(event).toMatchObject({
    transactionId: made.id,
    actor: 'ledger',
    idempotencyKey: null,
    data: { id: made.id, status: 'expired', capturedAmount: '4', remainingAmount: '0' },
  });
  const lateMs = milliseconds(event!.recordedAt) - Date.parse(expiresAt);
  expect(lateMs).toBeGreaterThanOrEqual(0);
  expect(lateMs).toBeLessThan(1_000);
  await expectReleased(client, parties, '996');
  const { body } = await client.get<List<Transaction>>('/v1/transactions?filter[status]=expired');
  expect(body.data).toMatchObject([{ id: made.id, capturedAmount: '4', createdAt: made.createdAt }]);
  for (const verb of ['capture', 'void']) {
    expectError(await client.post(`/v1/transactions/${made.id}/${verb}`, {}), 409, 'transaction_not_pending');
  }
  const measured = async (line: string) => (await client.get('/metrics')).text.split('\n').includes(line);
  expect(await measured('ledger_expired_holds_total 1')).toBe(true);
  await until('the next scan to find none', () => measured('ledger_overdue_holds 0'), 2);
  await expectVerified(database.ownerUrl);
});

test('one whose time was extended lives until then, one without an end for ever', async () => {
  const { client } = await start();
  const parties = await openParties(client);
  const [extended, short, endless] = [
    await hold(client, parties, inMs(1_500)),
    await hold(client, parties, inMs(1_500)),
    await client.hold(parties.payer.id, parties.shop.id, 10),
  ];
  const longer = { expiresAt: '2099-01-01T00:00:00Z' };
  expect((await client.patch(`/v1/transactions/${extended.id}/hold`, longer)).status).toBe(200);
  await until('the short one to expire', () => isExpired(client, short.id), 10);
  await sleep(1_000);
  expect([await statusOf(client, extended.id), await statusOf(client, endless.id)]).toEqual([
    'pending',
    'pending',
  ]);
});

test('an end that is past is none', async () => {
  const { client } = await start();
  const { payer, shop } = await openParties(client);
  const body = { sender: payer.id, recipient: shop.id, amount: 1, pending: true, expiresAt: inMs(-1) };
  expectError(await client.post('/v1/transactions', body), 400, 'validation_error', 'expiresAt');
});

test('from its end on a hold is neither captured nor voided, even before its expiry is written', async () => {
  const { client } = await start('api');
  const parties = await openParties(client);
  const made = await hold(client, parties, inMs(700));
  await sleep(900);
  // Nobody writes expiries here.
  expect(await statusOf(client, made.id)).toBe('pending');
  for (const verb of ['capture', 'void']) {
    expectError(await client.post(`/v1/transactions/${made.id}/${verb}`, {}), 409, 'transaction_not_pending');
  }
  const longer = { expiresAt: '2099-01-01T00:00:00Z' };
  expectError(await client.patch(`/v1/transactions/${made.id}/hold`, longer), 409, 'transaction_not_pending');
  await start('worker');
  await until('the worker to release it', () => isExpired(client, made.id), 10);
  await expectReleased(client, parties);
  // The worker has told who follows the journal elsewhere, and itself.
  const { body } = await client.get<List<Transaction>>('/v1/transactions?filter[status]=expired');
  expect(body.data.map(({ id }) => id)).toEqual([made.id]);
});

test('of several processes each hold is released by one', async () => {
  const [{ client }] = [await start(), await start(), await start('worker')];
  const parties = await openParties(client);
  const expiresAt = inMs(2_500);
  const made = await Promise.all(Array.from({ length: 60 }, () => hold(client, parties, expiresAt)));
  await until('all to expire', async () => (await expiries(client)).length >= 60, 15);
  await sleep(700);
  const ids = (await expiries(client)).map(({ transactionId }) => transactionId);
  expect(ids.sort()).toEqual(made.map(({ id }) => id).sort());
  await expectReleased(client, parties);
  await expectVerified(database.ownerUrl);
});

test('of a void, a capture and the expiry at the same moment one wins', async () => {
  const { client } = await start();
  const parties = await openParties(client);
  const outcomes = new Set<string>();
  for (let round = 0; round < 6; round++) {
    const expiresAt = inMs(700);
    const holds = await Promise.all(Array.from({ length: 5 }, () => hold(client, parties, expiresAt, 1)));
    // Requests arrive from a little before the end to a little after it.
    await sleep(Date.parse(expiresAt) - Date.now() - 30);
    const answers = await Promise.all(
      holds.flatMap(({ id }, n) =>
        ['capture', 'void'].map(async (verb) => {
          await sleep(n * 15);
          return { id, verb, status: (await client.post(`/v1/transactions/${id}/${verb}`, {})).status };
        }),
      ),
    );
    await until('all to have ended', async () => {
      const statuses = await Promise.all(holds.map(({ id }) => statusOf(client, id)));
      return statuses.every((status) => status !== 'pending');
    });
    for (const { id } of holds) {
      const done = answers.filter((answer) => answer.id === id && answer.status < 300);
      const status = await statusOf(client, id);
      const expected = done.map(({ verb }) => (verb === 'void' ? 'voided' : 'posted'));
      expect(status === 'expired' ? [] : [status]).toEqual(expected);
      outcomes.add(status);
    }
  }
  const { balance } = await client.account(parties.payer.id);
  expect([balance.pendingOut, balance.posted]).toEqual(['0', balance.available]);
  expect(outcomes.size).toBeGreaterThan(1);
  await expectVerified(database.ownerUrl);
}, 60_000);

test('what became due while every process was dead is released once, after kill -9 as well', async () => {
  const first = await start();
  const parties = await openParties(first.client);
  const made = await Promise.all(
    Array.from({ length: 40 }, (_, n) => hold(first.client, parties, inMs(600 + n * 60))),
  );
  // It dies in the midst of them.
  await sleep(1_500);
  await first.product.kill('SIGKILL');
  await sleep(2_000);
  const { client } = await start();
  const startedAt = Date.now();
  await until('all to expire', async () => (await expiries(client)).length >= 40, 10);
  expect(Date.now() - startedAt).toBeLessThan(3_000);
  await sleep(500);
  const ids = (await expiries(client)).map(({ transactionId }) => transactionId);
  expect(ids.sort()).toEqual(made.map(({ id }) => id).sort());
  await expectReleased(client, parties);
  await expectVerified(database.ownerUrl);
}, 60_000);

test('after hours of downtime thousands are released at once, and what is not due is left', async () => {
  const first = await start('api');
  const parties = await openParties(first.client, 100_000);
  const transactions = Array.from({ length: 1_000 }, () => ({
    sender: parties.payer.id,
    recipient: parties.shop.id,
    amount: 1,
    pending: true,
    expiresAt: '2098-01-01T00:00:00Z',
  }));
  for (let batch = 0; batch < 3; batch++) {
    const answer = await first.client.post('/v1/transactions/batch', { mode: 'atomic', transactions });
    expect(answer.status).toBe(200);
  }
  const later = await hold(first.client, parties, '2099-01-01T00:00:00Z');
  await first.product.kill('SIGKILL');
  // As if they had been made hours ago, for some hours.
  const db = new pg.Client({ connectionString: database.superuserUrl });
  await db.connect();
  await db.query(
    `UPDATE ledger.transaction_progress SET expires_at = now() - interval '5 hours' WHERE expires_at < '2099-01-01'`,
  );
  const { client } = await start();
  const open = async () =>
    (
      await db.query<{ n: number }>(
        `SELECT count(*)::int AS n FROM ledger.transaction_progress WHERE status = 'pending'`,
      )
    ).rows[0]!.n;
  await until('all but one to have expired', async () => (await open()) === 1, 30);
  await db.end();
  expect(await statusOf(client, later.id)).toBe('pending');
  expect((await client.account(parties.payer.id)).balance).toMatchObject({
    posted: '100000',
    available: '99990',
    pendingOut: '10',
  });
  expect(await expiries(client)).toHaveLength(3_000);
}, 90_000);

test('it goes on where the database was away', async () => {
  const { client, product } = await start();
  const parties = await openParties(client);
  const made = await hold(client, parties, inMs(1_200));
  const db = new pg.Client({ connectionString: database.superuserUrl });
  await db.connect();
  const endAt = Date.now() + 1_800;
  while (Date.now() < endAt) {
    await db.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND application_name IN ('ledger-expiry', 'ledger-write')`,
    );
    await sleep(20);
  }
  await db.end();
  await until('the hold to expire', () => isExpired(client, made.id), 15);
  expect(await expiries(client)).toHaveLength(1);
  expect((await product.stop()).code).toBe(0);
}, 60_000);
