import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { createPostgresPool, examinedRowsMax, type Page, type PageRequest } from '#platform';
import {
  listDeliveries,
  type DeliveryFilters,
} from '../../apps/webhook-dispatcher/src/deliveries/list-deliveries.js';
import { writeResults } from '../../apps/webhook-dispatcher/src/delivery/scan-results.js';
import {
  anyDay,
  claimDue,
  countDue,
  giveBack,
  probeNextDue,
} from '../../apps/webhook-dispatcher/src/delivery/scan-shards.js';
import { deliverySession } from '../../apps/webhook-dispatcher/src/delivery/start-delivery.js';
import { cancelPending } from '../../apps/webhook-dispatcher/src/delivery/turn-off-endpoint.js';
import { readEndpointStats } from '../../apps/webhook-dispatcher/src/endpoints/endpoint-stats.js';
import { apiSession } from '../../apps/webhook-dispatcher/src/sessions.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { succeeded } from '../support/delivery-fixtures.js';

/**
 * How deliveries are listed, on more of them than any page may look at, of many days: every statement is explained
 * as it runs, as the app's role and with its session settings.
 */
const ledgerId = randomUUID();
const [busy, quiet] = [randomUUID(), randomUUID()];
const accountId = randomUUID();
const owner = 'alice';
const days = 20;
const deliveriesPerDay = 6_000;
const unboundReader = {
  keyId: '',
  actor: '',
  ledgerId,
  mode: 'live' as const,
  scopes: new Set<never>(),
  ownerId: null,
  rateLimitPerMinute: null,
  isClientToken: false,
};

interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Index Name'?: string;
  readonly 'Actual Rows': number;
  readonly 'Actual Loops': number;
  readonly 'Rows Removed by Filter'?: number;
  readonly Plans?: readonly PlanNode[];
}

let database: TestDatabase;
let superuser: pg.Client;
let pool: pg.Pool;
const explained: PlanNode[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  superuser = new pg.Client({ connectionString: database.superuserUrl });
  await superuser.connect();
  await superuser.query('SET synchronous_commit = off');
  await seed();
  pool = createPostgresPool({
    url: database.dispatcherUrl,
    applicationName: 'test',
    connectionsMax: 2,
    session: apiSession,
    onError: () => undefined,
  });
}, 180_000);

afterAll(async () => {
  await pool.end();
  await superuser.end();
  await database.drop();
});

/** One endpoint has nearly all deliveries, one in a thousand is pending and another ledger has as many. */
async function seed(): Promise<void> {
  await superuser.query(
    `SELECT dispatcher.make_days_v1(array_agg(current_date - n)) FROM generate_series(0, $1::integer) n`,
    [days],
  );
  for (const [endpointId, ownerId] of [
    [busy, null],
    [quiet, owner],
  ]) {
    await superuser.query(
      `INSERT INTO dispatcher.endpoints (id, ledger_id, owner_id, shard, url, event_types, account_ids, ordering,
        max_concurrency, headers, secret, status, created_at, updated_at, enabled_at)
      VALUES ($1, $2, $3, 1, 'https://example.com', '{*}', '{}', 'none', 1, '{}', '', 'enabled', now(), now(), now())`,
      [endpointId, ledgerId, ownerId],
    );
  }
  for (const ledger of [ledgerId, randomUUID()]) {
    await superuser.query(
      `INSERT INTO dispatcher.deliveries (day, event_id, endpoint_id, id, ledger_id, shard, event_type, account_ids,
        owner_id, status, next_attempt_at, created_at)
      SELECT (at AT TIME ZONE 'UTC')::date, gen_random_uuid(), CASE WHEN n % 500 = 0 THEN $3::uuid ELSE $2::uuid END,
        (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || '7' || substr(md5(n::text || $1::uuid::text), 1, 19))::uuid,
        $1::uuid, 1, CASE WHEN n % 7 = 0 THEN 'account.opened' ELSE 'transaction.posted' END,
        CASE WHEN n % 1000 = 0 THEN ARRAY[$4::uuid] ELSE '{}'::uuid[] END,
        CASE WHEN n % 500 = 0 THEN $7 END,
        CASE WHEN n % 1000 = 0 THEN 'pending' ELSE 'succeeded' END, now() + interval '1 hour', at
      FROM generate_series(1, $5::integer) n,
        LATERAL (SELECT now() - n * ($6::integer * interval '1 day') / $5::integer AS at) t`,
      [ledger, busy, quiet, accountId, days * deliveriesPerDay, days - 1, owner],
    );
  }
  await superuser.query('VACUUM (ANALYZE) dispatcher.deliveries');
}

function explaining(): pg.Pool {
  const query = async (text: string, values: unknown[] = []) => {
    const { rows } = await pool.query(`EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) ${text}`, values);
    explained.push(rows[0]['QUERY PLAN'][0].Plan);
    return await pool.query(text, values);
  };
  return { query } as unknown as pg.Pool;
}

function nodesOf(plan: PlanNode): PlanNode[] {
  return [plan, ...(plan.Plans ?? []).flatMap(nodesOf)];
}

/** What is wrong with a plan; nothing, where all that it reads of deliveries is no more than a page may look at. */
function faultsOf(plan: PlanNode): string[] {
  const scans = nodesOf(plan).filter((node) => /^(deliveries|attempts)/.test(node['Relation Name'] ?? ''));
  const whole = scans.filter((node) => node['Node Type'] === 'Seq Scan' && node['Actual Rows'] > 0);
  const read = scans.map(
    (node) => (node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0)) * node['Actual Loops'],
  );
  const sum = Math.round(read.reduce((total, rows) => total + rows, 0));
  const sorted = nodesOf(plan).filter(
    (node) => /Sort|^Hash/.test(node['Node Type']) && node['Actual Rows'] > 1_000,
  );
  return [
    ...whole.map((node) => `Seq Scan of ${node['Relation Name']}`),
    ...sorted.map((node) => `${node['Node Type']} of ${node['Actual Rows']} rows`),
    ...(sum > examinedRowsMax + 1_000 ? [`${sum} rows are read`] : []),
  ];
}

const micros = (daysAgo: number) => BigInt(Date.now() - daysAgo * 86_400_000) * 1_000n;

const lists: [string, DeliveryFilters][] = [
  ['all', { createdAt: {} }],
  ['of the busy endpoint', { endpointId: busy, createdAt: {} }],
  ['of the quiet endpoint', { endpointId: quiet, createdAt: {} }],
  ['that are pending', { status: 'pending', createdAt: {} }],
  ['that are exhausted: none', { status: 'exhausted', createdAt: {} }],
  ['of a type', { eventType: 'account.opened', createdAt: {} }],
  ['of a type that there is none of', { eventType: 'account.closed', createdAt: {} }],
  ['of an account', { accountId, createdAt: {} }],
  ['of an account and the quiet endpoint', { accountId, endpointId: quiet, createdAt: {} }],
  ['of the last day', { createdAt: { gte: micros(1) } }],
  ['before two weeks ago', { createdAt: { lt: micros(14) } }],
  ['of one day, that are pending', { status: 'pending', createdAt: { gte: micros(9), lt: micros(8) } }],
];

/** The owner's own endpoint is the quiet one. */
const cases = [null, owner, 'bob'].flatMap((ownerId) =>
  lists.map(([name, filters]) => [name, ownerId, filters] as const),
);

it.each(cases)('deliveries %s, to the owner %s', async (_name, ownerId, filters) => {
  const reader = { ...unboundReader, ownerId };
  let request: PageRequest = { limit: 20, number: 1, cursor: null, wantsTotal: false };
  for (let pages = 0; pages < 4; pages++) {
    explained.length = 0;
    const { nextCursor }: Page<unknown> = await listDeliveries(explaining(), reader, filters, request);
    expect(explained.flatMap(faultsOf)).toEqual([]);
    if (nextCursor === null) break;
    request = { limit: 20, number: 1, cursor: nextCursor, wantsTotal: false };
  }
  explained.length = 0;
  await listDeliveries(explaining(), unboundReader, filters, {
    limit: 20,
    number: 50,
    cursor: null,
    wantsTotal: true,
  });
  expect(explained.flatMap(faultsOf)).toEqual([]);
});

it('a list that looks at too many rows ends short, and goes on where it stopped', async () => {
  const filters: DeliveryFilters = { eventType: 'account.closed', createdAt: {} };
  const first = await listDeliveries(pool, unboundReader, filters, {
    limit: 20,
    number: 1,
    cursor: null,
    wantsTotal: true,
  });
  expect(first).toMatchObject({
    items: [],
    number: null,
    hasMore: true,
    total: { count: 0, isCapped: true },
  });
  let cursor = first.nextCursor;
  let pages = 1;
  for (; cursor !== null; pages++) {
    ({ nextCursor: cursor } = await listDeliveries(pool, unboundReader, filters, {
      limit: 20,
      number: null,
      cursor,
      wantsTotal: false,
    }));
  }
  expect(pages).toBe(Math.ceil((days * deliveriesPerDay) / examinedRowsMax));
});

it.each([busy, quiet])('the figures of the endpoint %s', async (endpointId) => {
  explained.length = 0;
  await readEndpointStats(explaining(), ledgerId, endpointId);
  expect(explained.flatMap(faultsOf)).toEqual([]);
});

describe('deliveries are worked by', () => {
  const ofLedger = { endpointId: busy, ledgerId };
  const delivery = {
    ...ofLedger,
    id: randomUUID(),
    day: '2026-01-01',
    eventId: randomUUID(),
    shard: 1,
    term: 1,
    attempts: 0,
    scheduleFrom: 0,
    isManual: false,
  };
  const result = { ...succeeded, delivery };
  const [due, key] = [/_endpoint_id_next_attempt_at_idx$/, /_pkey$/];
  let worker: pg.Pool;

  beforeAll(() => {
    worker = createPostgresPool({
      url: database.dispatcherUrl,
      applicationName: 'test',
      connectionsMax: 1,
      // Without pruning, the plan also shows the partitions that no value of ours is in.
      session: { ...deliverySession, plan_cache_mode: 'force_generic_plan', enable_partition_pruning: 'off' },
      onError: () => undefined,
    });
  });
  afterAll(() => worker.end());

  /** The plan that such a session makes of a statement, once and for all values. */
  async function indexesOf(work: (db: pg.Pool) => Promise<unknown>): Promise<string[]> {
    let text = '';
    const query = async (statement: { readonly text: string }) => {
      ({ text } = statement);
      return { rows: [], rowCount: 0 };
    };
    await work({ query } as unknown as pg.Pool);
    const parametersCount = Math.max(...[...text.matchAll(/\$(\d+)/g)].map(([, number]) => Number(number)));
    const values = Array.from({ length: parametersCount }, () => 'NULL').join(', ');
    await worker.query(`PREPARE work AS ${text}`);
    const { rows } = await worker.query(`EXPLAIN (FORMAT JSON) EXECUTE work (${values})`);
    await worker.query('DEALLOCATE work');
    const { rows: filled } = await superuser.query<{ relname: string }>(
      `SELECT relname FROM pg_class WHERE relname LIKE 'deliveries_%' AND relkind = 'r' AND reltuples > 0`,
    );
    const partitions = new Set<unknown>(filled.map(({ relname }) => relname));
    return nodesOf(rows[0]['QUERY PLAN'][0].Plan)
      .filter((node) => partitions.has(node['Relation Name']) && node['Node Type'] !== 'ModifyTable')
      .map((node) => node['Index Name'] ?? node['Node Type']);
  }

  it.each<[string, readonly RegExp[], (db: pg.Pool) => Promise<unknown>]>([
    [
      'when they are claimed',
      [due, key],
      (db) => claimDue(db, [{ ...ofLedger, shard: 1, term: 1, count: 10, fromDay: anyDay }]),
    ],
    ['when it is asked what is due next', [due], (db) => probeNextDue(db, [ofLedger])],
    ['when those that are due are counted', [due], (db) => countDue(db, [ofLedger])],
    ['when they are given back', [key], (db) => giveBack(db, [delivery])],
    ['when results are written', [key], (db) => writeResults(db, [result], { isOrdered: false })],
    ['when they are cancelled', [due, key], (db) => cancelPending(db, { shard: 1, term: 1 }, ledgerId, busy)],
  ])('what they are due at, or their key: %s', async (_, expected, work) => {
    const indexes = await indexesOf(work);
    expect(indexes.length).toBeGreaterThanOrEqual(days - 1);
    expect(indexes.filter((index) => !expected.some((pattern) => pattern.test(index)))).toEqual([]);
  });
});
