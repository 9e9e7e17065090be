import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { examinedRowsMax } from '#platform';
import { ListAccounts, ListAccountsHandler } from '../../apps/ledger/src/accounts/list-accounts.js';
import type { AccountFilters } from '../../apps/ledger/src/accounts/account-filters.js';
import { ListEntries, ListEntriesHandler } from '../../apps/ledger/src/accounts/list-entries.js';
import { ListEvents, ListEventsHandler } from '../../apps/ledger/src/journal/list-events.js';
import { ProjectionWaiter } from '../../apps/ledger/src/projections/projection-waiter.js';
import {
  ListTransactions,
  ListTransactionsHandler,
} from '../../apps/ledger/src/transactions/list-transactions.js';
import type { TransactionFilters } from '../../apps/ledger/src/transactions/transaction-filters.js';
import { measuredLists } from '../../bench/lists/measured-lists.js';
import { seededAccountId, seededRootId, seedLedger } from '../../bench/lists/seed-ledger.js';
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
const largeTables = ['transactions', 'transaction_parties', 'entries', 'event_owners', 'events', 'accounts'];

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

let db: ListDatabase;
let handlers: Parameters<typeof measuredLists>[0];
let events: ListEventsHandler;
const explained: PlanNode[] = [];

beforeAll(async () => {
  db = await createListDatabase();
  await db.superuser.query('SET synchronous_commit = off');
  await seedLedger(db.superuser, ledgerId, size);
  await db.project(ledgerId);
  await db.superuser.query(
    `UPDATE projections.transactions SET status = 'pending' WHERE ledger_id = $1 AND position % 3000 = 0`,
    [ledgerId],
  );
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
