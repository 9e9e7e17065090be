import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { Client, expectError, startService, type One, type Service } from '../support/client.js';
import { startProduct, type Product } from '../support/product.js';

const env = { RATE_LIMIT_STORE: 'postgres' };

let service: Service;
/** Another process on the same database. */
let second: Product;
let superuser: pg.Client;

beforeAll(async () => {
  service = await startService({ env });
  second = await startProduct({ databaseUrl: service.database.ledgerUrl, env });
  superuser = new pg.Client({ connectionString: service.database.superuserUrl });
  await superuser.connect();
}, 120_000);

afterAll(async () => {
  await superuser.end();
  await second.stop();
  await service.stop();
});

async function newSecret(rateLimitPerMinute: number): Promise<string> {
  const body = { name: 'A limited key', scopes: ['accounts:read'], rateLimitPerMinute };
  const answer = await service.client.post<One<{ secret: string }>>('/v1/api-keys', body);
  expect([answer.status, answer.text]).toEqual([201, answer.text]);
  return answer.body.data.secret;
}

/** What the store has counted for the key with this limit. */
async function pointsOf(limit: number): Promise<number | undefined> {
  const { rows } = await superuser.query<{ points: number }>(
    `SELECT points FROM access.rate_limits r JOIN access.api_keys k ON r.key = 'key:' || k.id
    WHERE k.rate_limit_per_minute = $1`,
    [limit],
  );
  return rows[0]?.points;
}

test('two processes that count in Postgres let together through what one may', async () => {
  const limit = 200;
  const secret = await newSecret(limit);
  const callers = [service.product.url, second.url].map((url) => new Client(url, secret));
  const statuses: number[] = [];
  const startedAt = performance.now();
  // Each of them alone would let all of its share through.
  await Promise.all(
    callers.flatMap((caller) =>
      Array.from({ length: 10 }, async () => {
        for (let sent = 0; sent < limit / 10; sent++)
          statuses.push((await caller.get('/v1/accounts')).status);
      }),
    ),
  );
  expect(performance.now() - startedAt).toBeLessThan(55_000);
  for (const caller of callers) caller.close();
  expect(statuses).toHaveLength(2 * limit);
  expect([...new Set(statuses)].sort()).toEqual([200, 429]);
  const passed = statuses.filter((status) => status === 200).length;
  expect(passed).toBeGreaterThanOrEqual(limit * 0.95);
  expect(passed).toBeLessThanOrEqual(limit * 1.05);
}, 60_000);

test('what is left is told across processes, and one that has seen the last refuses without asking', async () => {
  const secret = await newSecret(3);
  const [one, other] = [new Client(service.product.url, secret), new Client(second.url, secret)];
  const left = async (caller: Client) => {
    const { headers } = await caller.get('/v1/accounts');
    return [headers['x-ratelimit-limit'], headers['x-ratelimit-remaining']];
  };
  expect([await left(one), await left(other), await left(one)]).toEqual([
    ['3', '2'],
    ['3', '1'],
    ['3', '0'],
  ]);
  for (const caller of [one, other, one, other]) {
    const refused = await caller.get('/v1/accounts');
    expectError(refused, 429, 'rate_limited');
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    expect(refused.headers['x-ratelimit-remaining']).toBe('0');
  }
  expect(await pointsOf(3)).toBeLessThanOrEqual(4);
  for (const caller of [one, other]) caller.close();
});

test('while the store fails requests go on, each process counts by itself, and the metric tells', async () => {
  const secret = await newSecret(2);
  const caller = new Client(service.product.url, secret);
  await superuser.query('ALTER TABLE access.rate_limits RENAME TO gone');
  try {
    expect((await caller.get('/v1/accounts')).headers['x-ratelimit-remaining']).toBe('1');
    expect((await caller.get('/v1/accounts')).status).toBe(200);
    expectError(await caller.get('/v1/accounts'), 429, 'rate_limited');
    expect((await caller.get('/metrics')).text).toMatch(/^rate_limit_store_failures_total [1-9]/m);
  } finally {
    await superuser.query('ALTER TABLE access.gone RENAME TO rate_limits');
  }
  const another = new Client(service.product.url, await newSecret(7));
  const counted = async () => {
    await another.get('/v1/accounts');
    return (await pointsOf(7)) !== undefined;
  };
  for (let tries = 0; tries < 6 && !(await counted()); tries++) await sleep(1_000);
  expect(await counted()).toBe(true);
  for (const each of [caller, another]) each.close();
});
