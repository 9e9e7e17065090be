import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { createPostgresPool } from '#platform';
import {
  callArrivals,
  callHeads,
  laneStart,
  readSkipped,
} from '../../apps/webhook-dispatcher/src/delivery/scan-lanes.js';
import { writeResults } from '../../apps/webhook-dispatcher/src/delivery/scan-results.js';
import {
  anyDay,
  claimDue,
  countDue,
  giveBack,
  probeNextDue,
  readEventValues,
} from '../../apps/webhook-dispatcher/src/delivery/scan-shards.js';
import { deliverySession } from '../../apps/webhook-dispatcher/src/delivery/start-delivery.js';
import { cancelPending } from '../../apps/webhook-dispatcher/src/delivery/turn-off-endpoint.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { succeeded } from '../support/delivery-fixtures.js';
import { readsReported } from '../support/reported-reads.js';

/**
 * A session of the dispatcher makes each plan once, and may do so while today's tables are empty: what the planner
 * knows of them then, or believes since, must not make a statement read more than its rows when they have grown.
 */
const ledgerId = randomUUID();
const endpointId = randomUUID();
const term = { shard: 1, term: 0 };
const rowsPerStatement = 20;
const grownTo = 5_000;

const wasEmpty = 'that was empty when it was looked at';
const wasNeverSeen = 'that nobody has ever looked at';
const statistics: Readonly<Record<string, () => Promise<void>>> = {
  [wasNeverSeen]: async () => undefined,
  [wasEmpty]: async () => vacuum(),
  'that had a few rows when it was looked at': async () => {
    await addDue(5);
    await vacuum();
  },
  'that had many rows of one endpoint when it was looked at': async () => {
    await addDue(grownTo);
    await vacuum();
    await empty();
  },
};

let database: TestDatabase;
let superuser: pg.Client;

beforeAll(async () => {
  database = await createTestDatabase();
  superuser = new pg.Client({ connectionString: database.superuserUrl });
  await superuser.connect();
  await superuser.query('SET synchronous_commit = off');
  await superuser.query(
    `SELECT dispatcher.make_days_v1(array_agg(current_date + n)) FROM generate_series(-3, 2) n`,
  );
  const { rows } = await superuser.query<{ name: string }>(
    `SELECT c.oid::regclass::text AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname = 'dispatcher' AND c.relkind = 'r'`,
  );
  // What is known is up to the test alone.
  for (const { name } of rows) await superuser.query(`ALTER TABLE ${name} SET (autovacuum_enabled = off)`);
});

afterAll(async () => {
  await superuser.end();
  await database.drop();
});

const tables = ['events', 'deliveries', 'attempts', 'lane_entries', 'lane_skips', 'endpoints']
  .map((name) => `dispatcher.${name}`)
  .join(', ');

async function empty(): Promise<void> {
  await superuser.query(`TRUNCATE ${tables}`);
}

async function vacuum(): Promise<void> {
  for (const table of tables.split(', ')) await superuser.query(`VACUUM (ANALYZE) ${table}`);
}

/** Deliveries of one endpoint with their events, each in two lanes. */
async function addDue(count: number, status = 'pending'): Promise<void> {
  await superuser.query(
    `WITH added AS (
        INSERT INTO dispatcher.events (day, ledger_id, event_id, epoch, position, type, recorded_at, account_ids, owner_ids, value)
        SELECT current_date, $1::uuid, gen_random_uuid(), 1, n, 't', now(), '{}', '{}', '{}' FROM generate_series(1, $3::integer) n
        RETURNING day, event_id, position
      ), in_lanes AS (
        INSERT INTO dispatcher.lane_entries (endpoint_id, account_id, epoch, position, day, event_id)
        SELECT $2::uuid, gen_random_uuid(), 1, position, day, event_id FROM added, generate_series(1, 2)
      )
      INSERT INTO dispatcher.deliveries (day, event_id, endpoint_id, id, ledger_id, shard, event_type, account_ids, status, next_attempt_at)
      SELECT day, event_id, $2::uuid, gen_random_uuid(), $1::uuid, 1, 't', '{}', $4::text,
        CASE WHEN $4::text = 'pending' THEN now() END FROM added`,
    [ledgerId, endpointId, count, status],
  );
}

interface Delivery {
  readonly id: string;
  readonly day: string;
  readonly eventId: string;
}

async function someOf(status: string): Promise<Delivery[]> {
  const { rows } = await superuser.query<Delivery>(
    `SELECT id, day::text, event_id AS "eventId" FROM dispatcher.deliveries WHERE status = $1 LIMIT $2`,
    [status, rowsPerStatement],
  );
  return rows;
}

const ofLedger = { endpointId, ledgerId };
const claimed = ({ id, day, eventId }: Delivery) => ({
  ...ofLedger,
  ...term,
  id,
  day,
  eventId,
  attempts: 0,
  scheduleFrom: 0,
  isManual: false,
});
const resultOf = (delivery: Delivery, isOrdered: boolean) => ({
  ...succeeded,
  delivery: claimed(delivery),
  isOrdered,
});

/** Each may read its own rows, several times over, and none of the others. */
const statements: Readonly<Record<string, (db: pg.Pool, some: readonly Delivery[]) => Promise<unknown>>> = {
  'claims deliveries': (db) =>
    claimDue(db, [{ ...ofLedger, ...term, count: rowsPerStatement, fromDay: anyDay }]),
  'reads events': (db, some) => readEventValues(db, some.map(claimed)),
  'asks what is due next': (db) => probeNextDue(db, [ofLedger]),
  'gives deliveries back': (db, some) => giveBack(db, some.map(claimed)),
  'writes results': (db, some) =>
    writeResults(
      db,
      some.map((one) => resultOf(one, false)),
      { isOrdered: false },
    ),
};

/** Lanes are short but for those of a receiver that is away, and are looked up in a table that is mostly empty. */
const statementsOfLanes: typeof statements = {
  'writes results of lanes': (db, some) =>
    writeResults(
      db,
      some.map((one) => resultOf(one, true)),
      { isOrdered: true },
    ),
  'reads what was skipped': (db, some) => readSkipped(db, some.map(claimed)),
  'calls what has arrived in lanes': (db) =>
    callArrivals(db, term, ofLedger, { ...laneStart, epoch: 1, position: String(grownTo - 5) }),
  'calls the heads of lanes': async (db) => {
    const { rows } = await superuser.query<{ accountId: string }>(
      'SELECT account_id AS "accountId" FROM dispatcher.lane_entries LIMIT $1',
      [rowsPerStatement],
    );
    return await callHeads(
      db,
      [term],
      rows.map(({ accountId }) => ({ endpointId, accountId })),
    );
  },
};

/** Rows of heaps and entries of indexes that a session has read of the dispatcher's tables, as it tells itself. */
async function rowsRead(session: pg.Pool, work: () => Promise<unknown>): Promise<number> {
  const { read } = await readsReported<{ read: string }>(
    superuser,
    session,
    work,
    `SELECT (SELECT coalesce(sum(idx_tup_read), 0) FROM pg_stat_user_indexes WHERE schemaname = 'dispatcher')
      + (SELECT coalesce(sum(seq_tup_read), 0) FROM pg_stat_user_tables
          WHERE schemaname = 'dispatcher' AND relname NOT IN ('shards', 'endpoints')) AS read`,
  );
  return Number(read);
}

describe.each(Object.keys(statistics))('a table %s', (name) => {
  let session: pg.Pool;

  beforeAll(async () => {
    await empty();
    await statistics[name]!();
    session = createPostgresPool({
      url: database.dispatcherUrl,
      applicationName: 'test',
      connectionsMax: 1,
      session: deliverySession,
      onError: () => undefined,
    });
    const nobody = [{ id: randomUUID(), day: '2026-01-01', eventId: randomUUID() }];
    for (const statement of Object.values({ ...statements, ...statementsOfLanes }))
      await statement(session, nobody);
    await addDue(grownTo, 'succeeded');
    await addDue(grownTo, 'delivering');
    await addDue(grownTo);
  }, 120_000);
  afterAll(() => session.end());

  it.each(Object.keys(statements))('has grown, and a session that knows it from before %s', async (what) => {
    const some = await someOf('delivering');
    expect(await rowsRead(session, () => statements[what]!(session, some))).toBeLessThan(1_000);
  });

  // Where nothing is known of lanes, all entries of the endpoint may be read for each: the next ANALYZE ends that.
  if (name !== wasEmpty && name !== wasNeverSeen) {
    it.each(Object.keys(statementsOfLanes))(
      'has grown, and a session that knows it from before %s',
      async (what) => {
        const some = await someOf('delivering');
        expect(await rowsRead(session, () => statementsOfLanes[what]!(session, some))).toBeLessThan(5_000);
      },
    );
  }

  it('has grown, and a session that knows it from before counts what is due and cancels it', async () => {
    const due = await rowsRead(session, () => countDue(session, [ofLedger]));
    // It may read all that the endpoint has, in two ways: it is done every few seconds.
    expect(due).toBeLessThan(7 * grownTo);
    const cancelled = await rowsRead(session, () => cancelPending(session, term, ledgerId, endpointId));
    expect(cancelled).toBeLessThan(name === wasEmpty || name === wasNeverSeen ? Infinity : 15_000);
  });
});
