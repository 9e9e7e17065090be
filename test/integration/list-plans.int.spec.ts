import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { examinedRowsMax } from '#platform';
import { ListAccounts, ListAccountsHandler } from '../../apps/ledger/src/accounts/list-accounts.js';
import type { AccountFilters } from '../../apps/ledger/src/accounts/account-filters.js';
import { GetBalanceAt, GetBalanceAtHandler } from '../../apps/ledger/src/accounts/get-balance-at.js';
import { GetStatement, GetStatementHandler } from '../../apps/ledger/src/accounts/get-statement.js';
import { ListEntries, ListEntriesHandler } from '../../apps/ledger/src/accounts/list-entries.js';
import { ListEvents, ListEventsHandler } from '../../apps/ledger/src/journal/list-events.js';
import { listsProjection } from '../../apps/ledger/src/projections/lists-projection.js';
import { takeTurn } from '../../apps/ledger/src/projections/projection-turn.js';
import { ProjectionWaiter } from '../../apps/ledger/src/projections/projection-waiter.js';
import {
  ListTransactions,
  ListTransactionsHandler,
} from '../../apps/ledger/src/transactions/list-transactions.js';
import type { TransactionFilters } from '../../apps/ledger/src/transactions/transaction-filters.js';
import { measuredLists } from '../../bench/lists/measured-lists.js';
import { seededAccountId, seededRootId, seedLedger } from '../../bench/lists/seed-ledger.js';
import { seedStatementLedger, statementAccountId, statementYear } from '../../bench/lists/seed-statement.js';
import {
  createListDatabase,
  pageRequest,
  type ListDatabase,
  type ReadPage,
} from '../support/list-reading.js';

/**
 * How each list is read, on a ledger larger than any page may look at: every statement that a list sends is
 * explained as it runs, as the app's role and with its session settings.
 */
const ledgerId = randomUUID();
const size = { transactions: 200_000, accounts: 5_000 };

/** The most that one search of a trigram index may give to a sort: a block of positions. */
const sortedRowsMax = 32_768;

/** These grow with the ledger; checkpoints and heads have a row per ledger. */
const largeTables = [
  'transactions',
  'transaction_parties',
  'entries',
  'event_owners',
  'backdated_legs',
  'backdated_sums',
  'events',
  'accounts',
];

interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Index Name'?: string;
  readonly 'Actual Rows': number;
  readonly 'Actual Loops': number;
  readonly 'Rows Removed by Filter'?: number;
  readonly 'Rows Removed by Index Recheck'?: number;
  readonly Plans?: readonly PlanNode[];
}

/** In which everything that happens on one account is back-dated. */
const backdatedLedgerId = randomUUID();
const backdatedLegs = 100_000;

let db: ListDatabase;
let handlers: Parameters<typeof measuredLists>[0];
let events: ListEventsHandler;
const explained: PlanNode[] = [];

beforeAll(async () => {
  db = await createListDatabase();
  await db.superuser.query('SET synchronous_commit = off');
  await seedLedger(db.superuser, ledgerId, size);
  await db.project(ledgerId);
  await makeLifecycle();
  await seedStatementLedger(db.superuser, backdatedLedgerId, { lines: backdatedLegs, backdatedEvery: 1 });
  await db.project(backdatedLedgerId);
  await db.superuser.query('VACUUM (ANALYZE)');
  const pool = explaining(db.readPool);
  const waiter = new ProjectionWaiter(pool);
  events = new ListEventsHandler(pool, waiter);
  handlers = {
    transactions: new ListTransactionsHandler(pool, waiter),
    entries: new ListEntriesHandler(pool, waiter),
    accounts: new ListAccountsHandler(pool),
  };
}, 300_000);
afterAll(() => db.drop());

/** Holds that are pending, and captures of transactions before them, among the others. */
async function makeLifecycle(): Promise<void> {
  const progress =
    '{"status":"%s","expiresAt":null,"captured":["1"],"captures":1,"reversed":["0"],"reversals":[]}';
  for (const sql of [
    `UPDATE projections.transactions SET status = 'pending' WHERE ledger_id = $1 AND position % 3000 = 0`,
    `UPDATE projections.transactions SET progress = format('${progress}', status)::json
      WHERE ledger_id = $1 AND position % 100 = 0`,
    `UPDATE projections.transactions t SET type = 'capture', parent_id = h.id FROM projections.transactions h
      WHERE t.ledger_id = $1 AND t.position % 100 = 1 AND h.ledger_id = $1 AND h.position = t.position - 1`,
    `UPDATE projections.transaction_parties SET hold_visibility = 'private'
      WHERE ledger_id = $1 AND position % 3000 = 0`,
  ]) {
    const { rowCount } = await db.superuser.query(sql, [ledgerId]);
    expect(rowCount).toBeGreaterThan(50);
  }
}

/** The pool, with each statement explained beside its run. */
function explaining(pool: pg.Pool): pg.Pool {
  const query = async (statement: string | { text: string; values: unknown[] }, values: unknown[] = []) => {
    const config = typeof statement === 'string' ? { text: statement, values } : statement;
    const { rows } = await pool.query(
      `EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) ${config.text}`,
      config.values,
    );
    explained.push(rows[0]['QUERY PLAN'][0].Plan);
    return await pool.query(config.text, config.values);
  };
  return { query } as unknown as pg.Pool;
}

function nodesOf(plan: PlanNode): PlanNode[] {
  return [plan, ...(plan.Plans ?? []).flatMap(nodesOf)];
}

function readBy(node: PlanNode): number {
  const { 'Node Type': type, 'Relation Name': table } = node;
  if (!type.endsWith('Scan') || table === undefined) return 0;
  const removed = (node['Rows Removed by Filter'] ?? 0) + (node['Rows Removed by Index Recheck'] ?? 0);
  return Math.round((node['Actual Rows'] + removed) * node['Actual Loops']);
}

/** What is wrong with a plan; nothing, where it reads and sorts no more than a page may. */
function faultsOf(plan: PlanNode): string[] {
  const faults: string[] = [];
  for (const node of nodesOf(plan)) {
    const { 'Node Type': type, 'Relation Name': table = '', 'Index Name': index = '' } = node;
    const removed = (node['Rows Removed by Filter'] ?? 0) + (node['Rows Removed by Index Recheck'] ?? 0);
    const read = Math.round((node['Actual Rows'] + removed) * node['Actual Loops']);
    const sorted = Math.max(0, ...(node.Plans ?? []).map((input) => input['Actual Rows']));
    if (type === 'Seq Scan' && largeTables.includes(table)) faults.push(`${type} of ${table}`);
    if (type.endsWith('Scan') && read > examinedRowsMax)
      faults.push(`${type} ${table}${index} reads ${read} rows`);
    if (/Sort|Aggregate|^Hash/.test(type) && sorted > sortedRowsMax) faults.push(`${type} of ${sorted} rows`);
  }
  return faults;
}

async function expectBounded(read: ReadPage<unknown>): Promise<void> {
  let request = pageRequest({ limit: 20 });
  for (let pages = 0; pages < 4; pages++) {
    explained.length = 0;
    const { nextCursor } = await read(request);
    expect(explained.length).toBeGreaterThan(0);
    expect(explained.flatMap(faultsOf)).toEqual([]);
    if (nextCursor === null) return;
    request = pageRequest({ limit: 20, cursor: nextCursor });
  }
}

const names = measuredLists({} as typeof handlers, ledgerId, size.transactions).map(({ name }) => name);

it.each(names)('%s', async (name) => {
  const list = measuredLists(handlers, ledgerId, size.transactions).find((one) => one.name === name)!;
  await expectBounded(list.read);
  explained.length = 0;
  await list.read(pageRequest({ limit: 20, number: 50, wantsTotal: true }));
  expect(explained.flatMap(faultsOf)).toEqual([]);
});

const [busy, quiet] = [seededAccountId(0), seededAccountId(4_321)];
const combinations: TransactionFilters[] = [
  { account: busy, currency: 'JPY' },
  { account: busy, reference: 'migrated' },
  { account: busy, recipient: quiet },
  { sender: busy, recipient: quiet },
  { sender: 'ROOT', recipient: quiet },
  { account: 'ROOT', type: 'burn' },
  { account: 'ROOT', reference: 'lastschrift' },
  { reference: 'invoice', type: 'reversal' },
  { reference: 'inv', currency: 'JPY' },
  { status: 'pending', type: 'mint' },
  { type: 'transfer', amount: { gte: 1_000_000n } },
  { type: 'transfer', createdAt: { lt: BigInt(Date.UTC(2026, 0, 2)) * 1_000n } },
  { type: 'capture' },
  { type: 'capture', account: busy },
  { status: 'pending', account: busy },
  { status: 'posted', reference: 'migrated' },
];

it.each(combinations)(
  'transactions with $account$sender$recipient$reference$type$status and others',
  async (filters) => {
    await expectBounded((page) =>
      handlers.transactions.execute(new ListTransactions(ledgerId, filters, page, 'strong')),
    );
  },
);

/** The first has a tenth of all transactions, the second few, the third none. */
describe.each(['owner-0', 'owner-540', 'owner-none'])('the lists of %s', (owner) => {
  const othersPrivate = seededAccountId(4_321);
  const ofTransactions: TransactionFilters[] = [
    {},
    { account: busy },
    { account: othersPrivate },
    { sender: othersPrivate, recipient: busy },
    { account: busy, recipient: othersPrivate },
    { account: randomUUID() },
    { externalId: 'order-500' },
    { reference: 'migrated' },
    { reference: 'zebra' },
    { type: 'burn' },
    { status: 'pending' },
    { currency: 'JPY' },
    { amount: { gte: 1_000_000n } },
    { createdAt: { lt: BigInt(Date.UTC(2026, 0, 2)) * 1_000n } },
  ];
  const ofAccounts: AccountFilters[] = [
    {},
    { name: 'customer' },
    { name: 'walrus' },
    { visibility: 'public' },
    { visibility: 'private' },
    { currency: 'JPY' },
    { externalId: 'customer-4320' },
    { ownerId: 'owner-0' },
    { ownerId: 'owner-1', visibility: 'public' },
    { status: 'closed' },
  ];

  async function expectCounted(read: ReadPage<unknown>): Promise<void> {
    explained.length = 0;
    await read(pageRequest({ limit: 20, number: 50, wantsTotal: true }));
    expect(explained.flatMap(faultsOf)).toEqual([]);
  }

  it.each(ofTransactions)('transactions by %j', async (filters) => {
    const list = { ...filters, seenBy: owner };
    const read: ReadPage<unknown> = (page) =>
      handlers.transactions.execute(new ListTransactions(ledgerId, list, page, 'strong'));
    await expectBounded(read);
    await expectCounted(read);
  });

  it.each(ofAccounts)('accounts by %j', async (filters) => {
    const read: ReadPage<unknown> = (page) =>
      handlers.accounts.execute(new ListAccounts(ledgerId, { ...filters, seenBy: owner }, page));
    await expectBounded(read);
    await expectCounted(read);
  });

  it.each([busy, othersPrivate, seededRootId])('entries of %s', async (accountId) => {
    const read: ReadPage<unknown> = (page) =>
      handlers.entries.execute(new ListEntries(ledgerId, accountId, {}, page, 'strong', owner));
    await expectBounded(read);
    await expectCounted(read);
    const isOwn = accountId === busy && owner === 'owner-0';
    const entries = explained.flatMap(nodesOf).filter((node) => node['Relation Name'] === 'entries');
    expect(entries.some((node) => node['Actual Rows'] > 0)).toBe(isOwn);
  });

  it('events', async () => {
    const head = BigInt(size.transactions + size.accounts + 1);
    for (let after = 0n; after < head;) {
      explained.length = 0;
      const page = await events.execute(new ListEvents(ledgerId, after, 1_000, owner, 'strong'));
      expect(explained.flatMap(faultsOf)).toEqual([]);
      const read = explained.flatMap(nodesOf).filter((node) => node['Relation Name'] === 'events');
      for (const node of read) expect(node['Actual Rows'] * node['Actual Loops']).toBeLessThanOrEqual(1_000);
      expect(page.nextAfter).toBeGreaterThan(after);
      after = page.nextAfter;
    }
  });
});

/** After all that read this ledger, because it adds to it. */
describe('a turn that comes to a large ledger', () => {
  const events = 300;

  /** The worker's pool, with what follows the first statement of a projection explained as it runs. */
  function explainingWorker(): pg.Pool {
    const connect = async () => {
      const client = await db.workerPool.connect();
      const query = async (statement: string | pg.QueryConfig) => {
        const isFollowing = typeof statement !== 'string' && /^project-(?!lists)/.test(statement.name ?? '');
        if (!isFollowing) return await client.query(statement as string);
        const { rows } = await client.query(
          `EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) ${statement.text}`,
          statement.values,
        );
        explained.push(rows[0]['QUERY PLAN'][0].Plan);
        return { rows: [] };
      };
      return { query, release: () => client.release() };
    };
    return { connect } as unknown as pg.Pool;
  }

  it('looks up what it changes, and reads nothing else of it', async () => {
    await db.superuser.query(
      `INSERT INTO journal.events (ledger_id, epoch, position, id, type, version, transaction_id, data, data_salt,
         data_hash, actor, recorded_at, effective_at, hash)
       SELECT e.ledger_id, 1, e.position + ${events}, gen_random_uuid(), 'transaction.reversed', 1, gen_random_uuid(),
         (e.data::jsonb || jsonb_build_object('progressed', jsonb_build_array(jsonb_build_object(
           'transactionId', e.transaction_id, 'progress', json_build_object('status', 'posted')))))::json,
         e.data_salt, e.data_hash, e.actor, h.recorded_at + e.position * interval '1 microsecond', e.recorded_at, e.hash
       FROM journal.heads h JOIN journal.events e ON e.ledger_id = h.ledger_id AND e.position > h.position - ${events}
       WHERE h.ledger_id = $1`,
      [ledgerId],
    );
    await db.superuser.query(
      `UPDATE journal.heads SET position = position + ${events} WHERE ledger_id = $1`,
      [ledgerId],
    );
    explained.length = 0;
    const outcome = await takeTurn(explainingWorker(), ledgerId, listsProjection, 2_000);
    expect(outcome).toEqual({ result: 'projected', events, isBehind: false });
    expect(explained).toHaveLength(2);
    const nodes = explained.flatMap(nodesOf);
    for (const node of nodes) expect(readBy(node)).toBeLessThanOrEqual(events * 2);
    // Both did something: the rows that were there before, and sums of each leg at each level.
    const written = nodes.filter((node) => node['Node Type'] === 'ModifyTable');
    expect(written.map((node) => node['Relation Name']).sort()).toEqual([
      'backdated_legs',
      'backdated_sums',
      'transactions',
    ]);
    const { rowCount } = await db.superuser.query(
      `SELECT FROM projections.transactions WHERE ledger_id = $1 AND progress ->> 'captures' IS NULL AND progress IS NOT NULL`,
      [ledgerId],
    );
    expect(rowCount).toBe(events);
  });
});

describe('of an account with 100,000 back-dated legs', () => {
  const reader = { ownerId: null };
  const selector = { id: statementAccountId };
  const { from, to } = statementYear;
  const bases = ['recorded', 'effective'] as const;
  const middle = from + (to - from) / 2n;

  /** A sum has at most seven ranges of 256 rows; all else is found by its key. */
  it.each(bases)('a balance as of a time reads few rows, by %s time', async (by) => {
    const pool = explaining(db.readPool);
    const handler = new GetBalanceAtHandler(pool, new ProjectionWaiter(pool));
    for (const at of [from, middle, middle + 123_456_789n, to - 1n]) {
      explained.length = 0;
      await handler.execute(new GetBalanceAt(backdatedLedgerId, selector, at, by, reader));
      expect(explained.flatMap(faultsOf)).toEqual([]);
      expect(explained.flatMap(nodesOf).reduce((sum, node) => sum + readBy(node), 0)).toBeLessThan(2_000);
    }
  });

  it.each(bases)('a balance as of a time takes less than 50 ms, by %s time', async (by) => {
    const handler = new GetBalanceAtHandler(db.readPool, new ProjectionWaiter(db.readPool));
    const times: number[] = [];
    for (let sample = 0n; sample < 101n; sample++) {
      const at = from + ((to - from) * ((sample * 37n) % 101n)) / 101n;
      const startedAt = performance.now();
      await handler.execute(new GetBalanceAt(backdatedLedgerId, selector, at, by, reader));
      times.push(performance.now() - startedAt);
    }
    times.sort((a, b) => a - b);
    expect(times[50]).toBeLessThan(50);
  });

  it.each(bases)('a statement reads a page at a time, by %s time', async (by) => {
    const pool = explaining(db.readPool);
    const handler = new GetStatementHandler(pool, new ProjectionWaiter(pool));
    for (const start of [from, middle]) {
      explained.length = 0;
      const period = { from: start, to };
      const query = new GetStatement(backdatedLedgerId, selector, period, by, reader);
      let lines = 0;
      for await (const line of (await handler.execute(query))!.lines) if (++lines > 2_500 && line) break;
      expect(lines).toBeGreaterThan(2_500);
      expect(explained.flatMap(faultsOf)).toEqual([]);
      for (const node of explained.flatMap(nodesOf)) expect(readBy(node)).toBeLessThan(2_000);
    }
  });
});

it('finds a plan that reads too much', () => {
  const scan = {
    'Node Type': 'Index Scan',
    'Actual Rows': 1,
    'Actual Loops': 1,
    'Rows Removed by Filter': 60_000,
  };
  const sort = {
    'Node Type': 'Sort',
    'Actual Rows': 20,
    'Actual Loops': 1,
    Plans: [{ ...scan, 'Actual Rows': 40_000 }],
  };
  const whole = { 'Node Type': 'Seq Scan', 'Relation Name': 'entries', 'Actual Rows': 1, 'Actual Loops': 1 };
  expect(faultsOf(scan)).toHaveLength(1);
  expect(faultsOf(sort)).toHaveLength(2);
  expect(faultsOf(whole)).toHaveLength(1);
});
