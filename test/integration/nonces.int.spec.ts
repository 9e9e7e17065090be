import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { AccessDatabase, Nonces } from '#access';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { SECRETS_KEY } from '../support/product.js';

let database: TestDatabase;
let db: pg.Client;
const connections: AccessDatabase[] = [];
/** As two processes have them, with the logins of both apps. */
let ofLedger: Nonces;
let ofDispatcher: Nonces;

const keyId = randomUUID();
const { jest } = import.meta;

beforeAll(async () => {
  database = await createTestDatabase();
  db = new pg.Client({ connectionString: database.superuserUrl });
  await db.connect();
  const noncesOf = async (url: string) => {
    const opened = await AccessDatabase.connect({ url, applicationName: 'test', secretsKey: SECRETS_KEY });
    connections.push(opened);
    return new Nonces(opened);
  };
  ofLedger = await noncesOf(database.ledgerUrl);
  ofDispatcher = await noncesOf(database.dispatcherUrl);
});

afterAll(async () => {
  for (const opened of connections) await opened.close();
  await db.end();
  await database.drop();
});

afterEach(() => {
  jest.restoreAllMocks();
});

async function databaseSeconds(): Promise<number> {
  const { rows } = await db.query<{ now: string }>('SELECT extract(epoch FROM now()) AS now');
  return Number(rows[0]!.now);
}

const age = (requestId: string, interval: string) =>
  db.query('UPDATE access.nonces SET used_at = now() - $2::interval WHERE request_id = $1', [
    requestId,
    interval,
  ]);

test('an id is used once, however many use it at once, in both apps', async () => {
  const now = Math.floor(await databaseSeconds());
  for (let round = 0; round < 20; round++) {
    const requestId = randomUUID();
    const uses = await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        (n % 2 === 0 ? ofLedger : ofDispatcher).use(keyId, requestId, now),
      ),
    );
    expect(uses.sort()).toEqual(['first', ...Array<string>(19).fill('repeated')]);
  }
});

test('each key has its own', async () => {
  const now = Math.floor(await databaseSeconds());
  const requestId = randomUUID();
  expect(await ofLedger.use(keyId, requestId, now)).toBe('first');
  expect(await ofLedger.use(randomUUID(), requestId, now)).toBe('first');
});

test('what is out of time uses nothing up', async () => {
  const now = await databaseSeconds();
  const requestId = randomUUID();
  for (const seconds of [Math.floor(now) - 301, Math.ceil(now) + 310, 0, 999_999_999_999]) {
    expect(await ofLedger.use(keyId, requestId, seconds)).toBe('out of time');
  }
  expect(await ofLedger.use(keyId, requestId, Math.floor(now) + 299)).toBe('first');
});

test('the clock of a process says nothing: neither a jump ahead nor one back lets anything in', async () => {
  const now = Math.floor(await databaseSeconds());
  const requestId = randomUUID();
  expect(await ofLedger.use(keyId, requestId, now)).toBe('first');
  for (const jumpMs of [-86_400_000, -700_000, 700_000, 1_300_000, 86_400_000]) {
    jest.spyOn(Date, 'now').mockReturnValue(now * 1000 + jumpMs);
    jest.spyOn(performance, 'now').mockReturnValue(Math.abs(jumpMs));
    await ofLedger.prune();
    expect(await ofLedger.use(keyId, requestId, now)).toBe('repeated');
    expect(await ofDispatcher.use(keyId, requestId, now)).toBe('repeated');
    expect(await ofLedger.use(keyId, randomUUID(), now + Math.floor(jumpMs / 1000))).toBe('out of time');
  }
});

test('a signature that was in time for the first use is in time no more when its id is free again', async () => {
  const requestId = randomUUID();
  const timestamp = Math.floor(await databaseSeconds()) + 295;
  expect(await ofLedger.use(keyId, requestId, timestamp)).toBe('first');
  // Ten minutes later, as the rows would have it: the id is free, and the timestamp that was ahead is behind.
  await age(requestId, '10 minutes 1 second');
  expect(await ofLedger.use(keyId, requestId, timestamp - 601)).toBe('out of time');
  expect(await ofLedger.use(keyId, requestId, timestamp)).toBe('first');
});

test('ids are kept for twenty minutes, and older ones go in steps, taken by several at once', async () => {
  const [kept, old] = [randomUUID(), randomUUID()];
  const now = Math.floor(await databaseSeconds());
  for (const requestId of [kept, old]) await ofLedger.use(keyId, requestId, now);
  await age(kept, '19 minutes 50 seconds');
  await age(old, '20 minutes 1 second');
  await db.query(
    `INSERT INTO access.nonces SELECT $1, 'old-' || n, now() - interval '21 minutes' FROM generate_series(1, 23000) n`,
    [keyId],
  );
  await Promise.all([ofLedger.prune(), ofDispatcher.prune(), ofLedger.prune()]);
  await ofLedger.prune();
  const { rows } = await db.query<{ request_id: string }>(
    `SELECT request_id FROM access.nonces WHERE used_at < now() - interval '15 minutes'`,
  );
  expect(rows).toEqual([{ request_id: kept }]);
});

test('pruning finds what is old by its index', async () => {
  await db.query('SET enable_seqscan = off');
  const { rows } = await db.query<{ 'QUERY PLAN': string }>(
    `EXPLAIN SELECT ctid FROM access.nonces WHERE used_at < now() - interval '20 minutes' ORDER BY used_at LIMIT 5000`,
  );
  expect(rows.map((row) => row['QUERY PLAN']).join('\n')).toContain('nonces_by_age');
});
