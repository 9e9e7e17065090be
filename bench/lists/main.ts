import pg from 'pg';
import { createPostgresPool, type PageRequest, readSession } from '#platform';
import { ListAccountsHandler } from '../../apps/ledger/src/accounts/list-accounts.js';
import { ListEntriesHandler } from '../../apps/ledger/src/accounts/list-entries.js';
import { listsProjection } from '../../apps/ledger/src/projections/lists-projection.js';
import { takeTurn } from '../../apps/ledger/src/projections/projection-turn.js';
import { ProjectionWaiter } from '../../apps/ledger/src/projections/projection-waiter.js';
import { workerSession } from '../../apps/ledger/src/projections/sessions.js';
import { ListTransactionsHandler } from '../../apps/ledger/src/transactions/list-transactions.js';
import { startTestCluster, stopTestCluster, TEMPLATE, urlOf } from '../../test/support/test-cluster.js';
import { readListsBenchSettings, type ListsBenchSettings } from './config.js';
import { measureBalances, measureStatements } from './measure-statement.js';
import { measuredLists, type MeasuredList } from './measured-lists.js';
import { seedLedger } from './seed-ledger.js';
import { seedStatementLedger } from './seed-statement.js';

/**
 * How fast lists answer on a ledger with a million transactions: each filter alone, the first page and the
 * 50th by cursor, through the handlers that the API calls. Then balances as of a time and statements, of an account
 * with as many lines in one year, of which a tenth were back-dated.
 */
const pageLimit = 20;
const deepPage = 50;
const targetMs = 50;
const ledgerId = '00000000-0000-7000-9000-000000000001';
const statementLedgerId = '00000000-0000-7000-9000-000000000002';
const backdatedEvery = 10;
const balanceSamples = 500;

interface Figures {
  readonly list: string;
  readonly page: number;
  readonly items: number;
  readonly isShort: boolean;
  readonly p50Ms: number;
  readonly p95Ms: number;
}

async function main(): Promise<void> {
  const settings = readListsBenchSettings();
  if (settings.databaseUrl !== undefined) return await run(settings.databaseUrl, settings);
  const cluster = await startTestCluster();
  try {
    const admin = new pg.Client({ connectionString: urlOf(cluster, 'postgres', 'postgres') });
    await admin.connect();
    await admin.query(`CREATE DATABASE bench TEMPLATE ${TEMPLATE} OWNER ledger_owner`);
    await admin.end();
    await run(urlOf(cluster, 'ledger_owner', 'bench'), settings);
  } finally {
    await stopTestCluster(cluster);
  }
}

async function run(url: string, settings: ListsBenchSettings): Promise<void> {
  const onError = (error: Error) => console.error(error);
  const pool = (applicationName: string, session: Readonly<Record<string, string>>) =>
    createPostgresPool({ url, applicationName, connectionsMax: 4, session, onError });
  const [worker, read] = [pool('bench-worker', workerSession), pool('bench-read', readSession)];
  try {
    const eventsPerSecond = await prepare(url, worker, ledgerId, (owner) =>
      seedLedger(owner, ledgerId, settings),
    );
    const waiter = new ProjectionWaiter(read);
    const lists = measuredLists(
      {
        transactions: new ListTransactionsHandler(read, waiter),
        entries: new ListEntriesHandler(read, waiter),
        accounts: new ListAccountsHandler(read),
      },
      ledgerId,
      settings.transactions,
    );
    const figures: Figures[] = [];
    for (const list of lists) figures.push(...(await measure(list, settings.samples)));
    report(figures, eventsPerSecond, settings);
    const lines = settings.transactions;
    const backdatedPerSecond = await prepare(url, worker, statementLedgerId, (owner) =>
      seedStatementLedger(owner, statementLedgerId, { lines, backdatedEvery }),
    );
    const balances = await measureBalances(read, waiter, statementLedgerId, balanceSamples);
    console.table(balances);
    const statements = await measureStatements(read, waiter, statementLedgerId);
    console.table(statements);
    console.log(JSON.stringify({ lines, backdatedEvery, backdatedPerSecond, balances, statements }));
  } finally {
    await Promise.all([worker.end(), read.end()]);
  }
}

/** Seeds once; a database that has the ledger already is measured as it is. */
async function prepare(
  url: string,
  worker: pg.Pool,
  ledgerId: string,
  seed: (owner: pg.Client) => Promise<void>,
): Promise<number | null> {
  const owner = new pg.Client({
    connectionString: url,
    options: '-c synchronous_commit=off -c timezone=UTC',
  });
  await owner.connect();
  const { rowCount } = await owner.query('SELECT FROM journal.heads WHERE ledger_id = $1', [ledgerId]);
  if (rowCount === 0) {
    console.log(`seeding ledger ${ledgerId}`);
    await seed(owner);
  }
  const startedAt = performance.now();
  let events = 0;
  for (let isBehind = true; isBehind;) {
    const turn = await takeTurn(worker, ledgerId, listsProjection, 2_000);
    events += turn.events;
    isBehind = turn.isBehind;
  }
  const seconds = (performance.now() - startedAt) / 1_000;
  await owner.query('VACUUM (ANALYZE)');
  await owner.end();
  return events === 0 ? null : Math.round(events / seconds);
}

async function measure(list: MeasuredList, samples: number): Promise<Figures[]> {
  const first: PageRequest = { limit: pageLimit, number: 1, cursor: null, wantsTotal: false };
  const figures = [await measurePage(list, first, 1, samples)];
  let request = first;
  let number = 1;
  for (; number < deepPage; number++) {
    const page = await list.read(request);
    if (page.nextCursor === null) break;
    request = { limit: pageLimit, number: null, cursor: page.nextCursor, wantsTotal: false };
  }
  if (number > 1) figures.push(await measurePage(list, request, number, samples));
  return figures;
}

async function measurePage(
  list: MeasuredList,
  request: PageRequest,
  number: number,
  samples: number,
): Promise<Figures> {
  const times: number[] = [];
  let page = await list.read(request);
  for (let sample = 0; sample < samples; sample++) {
    const startedAt = performance.now();
    page = await list.read(request);
    times.push(performance.now() - startedAt);
  }
  times.sort((a, b) => a - b);
  const quantile = (share: number) => Number((times[Math.floor((times.length - 1) * share)] ?? 0).toFixed(1));
  return {
    list: list.name,
    page: number,
    items: page.items.length,
    isShort: page.hasMore && page.items.length < request.limit,
    p50Ms: quantile(0.5),
    p95Ms: quantile(0.95),
  };
}

function report(
  figures: readonly Figures[],
  eventsPerSecond: number | null,
  settings: ListsBenchSettings,
): void {
  console.table(figures);
  if (eventsPerSecond !== null) console.log(`projected at ${eventsPerSecond} events/s`);
  const slow = figures.filter(({ p95Ms }) => p95Ms > targetMs);
  console.log(`${figures.length - slow.length} of ${figures.length} pages have p95 ≤ ${targetMs} ms`);
  const { transactions, accounts, samples } = settings;
  console.log(JSON.stringify({ transactions, accounts, samples, eventsPerSecond, targetMs, figures }));
}

await main();
