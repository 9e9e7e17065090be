import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { createPostgresPool } from '#platform';
import {
  overdueMax,
  scanDueHolds,
  walkDueHolds,
  walkStart,
} from '../../apps/ledger/src/expiry/scan-due-holds.js';
import { expirySession } from '../../apps/ledger/src/expiry/start-expiry.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { readsReported } from '../support/reported-reads.js';

/** Which holds the scan for due ones finds, and how much it reads for it. */
let database: TestDatabase;
let superuser: pg.Client;
/** As the app has it. */
let pool: pg.Pool;

/** Ledgers. */
let one: string;
let other: string;
const nobody = { transactionIds: [], ledgerIds: [] };

beforeAll(async () => {
  database = await createTestDatabase();
  superuser = new pg.Client({ connectionString: database.superuserUrl });
  await superuser.connect();
  pool = createPostgresPool({
    url: database.ledgerUrl,
    applicationName: 'test',
    connectionsMax: 1,
    session: expirySession,
    onError: () => undefined,
  });
});
beforeEach(async () => {
  await superuser.query('TRUNCATE ledger.transaction_progress');
  [one, other] = [randomUUID(), randomUUID()];
});
afterAll(async () => {
  await pool.end();
  await superuser.end();
  await database.drop();
});

/** @param secondsAgo when its time came; null for never */
async function addHold(ledgerId: string, secondsAgo: number | null, status = 'pending'): Promise<string> {
  const id = randomUUID();
  await superuser.query(
    `INSERT INTO ledger.transaction_progress VALUES ($1, $2, $3, now() - $4 * interval '1 second', '{0}', 0, '{0}', '{}')`,
    [ledgerId, id, status, secondsAgo],
  );
  return id;
}

async function addMany(count: number, secondsAgo: number): Promise<void> {
  await superuser.query(
    `INSERT INTO ledger.transaction_progress
      SELECT $1, gen_random_uuid(), 'pending', now() - ($2 + n * 0.000001) * interval '1 second', '{0}', 0, '{0}', '{}'
      FROM generate_series(1, $3::integer) n`,
    [one, secondsAgo, count],
  );
}

it('finds open holds of all ledgers whose time has come, the oldest of each first', async () => {
  const [late, early, partly] = [
    await addHold(one, 1),
    await addHold(other, 7_200),
    await addHold(one, 60, 'partially_captured'),
  ];
  await addHold(one, -5);
  await addHold(one, null);
  for (const status of ['posted', 'voided', 'expired']) await addHold(one, 60, status);
  const { holds, overdue, oldestSeconds } = await scanDueHolds(pool, 10, nobody);
  expect(holds).toEqual([
    { ledgerId: other, transactionId: early },
    { ledgerId: one, transactionId: partly },
    { ledgerId: one, transactionId: late },
  ]);
  expect(overdue).toBe(3);
  expect(Math.round(oldestSeconds / 60)).toBe(120);
});

it('leaves out what is under way, and ledgers that have enough of it, and counts them', async () => {
  const ids = [await addHold(one, 3), await addHold(one, 2), await addHold(other, 1)];
  const found = async (leftOut: Parameters<typeof scanDueHolds>[2], limit = 10) => {
    const { holds, overdue } = await scanDueHolds(pool, limit, leftOut);
    expect(overdue).toBe(3);
    return holds.map(({ transactionId }) => transactionId);
  };
  expect(await found({ transactionIds: [ids[0]!], ledgerIds: [] })).toEqual([ids[1], ids[2]]);
  expect(await found({ transactionIds: [], ledgerIds: [one] })).toEqual([ids[2]]);
  expect(await found({ transactionIds: ids, ledgerIds: [] })).toEqual([]);
  expect(await found(nobody, 2)).toEqual([ids[0], ids[2]]);
});

it('finds nothing where nothing is due', async () => {
  await addHold(one, -60);
  expect(await scanDueHolds(pool, 10, nobody)).toEqual({ holds: [], overdue: 0, oldestSeconds: 0 });
});

describe('ledger by ledger', () => {
  const walk = async (leftOut: Parameters<typeof walkDueHolds>[3] = nobody, after = walkStart) => {
    const { holds, next } = await walkDueHolds(pool, after, 1_000, leftOut);
    return { ids: holds.map(({ transactionId }) => transactionId), next };
  };
  /** @param secondsAhead of the database's clock, where its last event was recorded */
  const addHead = (ledgerId: string, secondsAhead = -60) =>
    superuser.query(
      `INSERT INTO journal.heads (ledger_id, epoch, position, hash, recorded_at)
        VALUES ($1, 1, 1, '\\x00', now() + $2 * interval '1 second')`,
      [ledgerId, secondsAhead],
    );

  it('finds the one due hold of a ledger behind very many of another, in the next scan', async () => {
    await addHead(one);
    await addHead(other);
    await addMany(100_000, 3_600);
    const behind = await addHold(other, 1);
    const { holds, overdue } = await scanDueHolds(pool, 1_000, nobody);
    expect([holds.length, overdue]).toEqual([1_000, overdueMax]);
    expect(holds.map(({ ledgerId }) => ledgerId)).not.toContain(other);
    const transactionIds = holds.map(({ transactionId }) => transactionId);
    const read = await entriesRead(async () => {
      expect((await walk({ transactionIds, ledgerIds: [one] })).ids).toEqual([behind]);
      expect((await walk({ transactionIds, ledgerIds: [] })).ids).toContain(behind);
    });
    expect(read).toBeLessThan(2_000);
  });

  it('finds what is due by the clock of a ledger that is ahead of the database', async () => {
    await addHead(one, 600);
    await addHead(other);
    const [ahead] = [await addHold(one, -300), await addHold(one, -900), await addHold(other, -300)];
    expect(await scanDueHolds(pool, 10, nobody)).toEqual({ holds: [], overdue: 0, oldestSeconds: 0 });
    expect((await walk()).ids).toEqual([ahead]);
  });

  it('goes over ledgers in turn, a limited number at a time', async () => {
    await superuser.query(
      `WITH ids AS MATERIALIZED (SELECT gen_random_uuid() AS id FROM generate_series(1, 700)), heads AS (
        INSERT INTO journal.heads (ledger_id, epoch, position, hash, recorded_at) SELECT id, 1, 1, '\\x00', now() FROM ids
      ) INSERT INTO ledger.transaction_progress
        SELECT id, gen_random_uuid(), 'pending', now() - interval '1 minute', '{0}', 0, '{0}', '{}' FROM ids`,
    );
    const first = await walk();
    const second = await walk(nobody, first.next);
    expect([first.ids.length, second.ids.length, second.next]).toEqual([500, 200, walkStart]);
    expect(new Set([...first.ids, ...second.ids]).size).toBe(700);
  });

  it('passes over what has ended and what never ends, with a plan that was made for a few', async () => {
    await addHead(one);
    await addHold(one, -3_600);
    for (let n = 0; n < 10; n++) await walk();
    await superuser.query(
      `INSERT INTO ledger.transaction_progress
        SELECT $1, gen_random_uuid(), CASE WHEN n % 2 = 0 THEN 'posted' ELSE 'pending' END,
          CASE WHEN n % 2 = 0 THEN now() END, '{0}', 0, '{0}', '{}' FROM generate_series(1, 50000) n`,
      [one],
    );
    const read = await entriesRead(async () => {
      for (let n = 0; n < 10; n++) expect((await walk()).ids).toEqual([]);
    });
    // The planner looks at ends of indexes by itself.
    expect(read).toBeLessThan(5_000);
  });
});

/** Index entries of holds that these scans have read. */
async function entriesRead(scans: () => Promise<void>): Promise<number> {
  const { read, scanned } = await readsReported<{ read: string; scanned: string }>(
    superuser,
    pool,
    scans,
    `SELECT sum(idx_tup_read)::text AS read, (SELECT coalesce(sum(seq_tup_read), 0)::text FROM pg_stat_user_tables
        WHERE relname = 'transaction_progress') AS scanned
      FROM pg_stat_user_indexes WHERE relname = 'transaction_progress'`,
  );
  expect(scanned).toBe('0');
  return Number(read);
}

it('reads none of the holds that have time left, however many, with a plan that was made for a few', async () => {
  await addHold(one, -3_600);
  for (let n = 0; n < 10; n++) await scanDueHolds(pool, 1_000, nobody);
  await addMany(50_000, -3_600);
  const read = await entriesRead(async () => {
    for (let n = 0; n < 10; n++) await scanDueHolds(pool, 1_000, nobody);
  });
  // The planner looks at an end of the index by itself.
  expect(read).toBeLessThan(100);
});

it('reads and counts no more of those that are due than it is to', async () => {
  await addMany(50_000, 3_600);
  const read = await entriesRead(async () => {
    const { holds, overdue } = await scanDueHolds(pool, 1_000, nobody);
    expect([holds.length, overdue]).toEqual([1_000, overdueMax]);
  });
  expect(read).toBeLessThan(overdueMax + 1_000 + 100);
});
