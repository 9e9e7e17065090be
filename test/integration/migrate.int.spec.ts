import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { migrations } from '../../migrations/index.js';
import { migrate } from '../../migrations/migrate.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { restoreRows } from '../upgrade/database-dump.js';
import { readFixture } from '../upgrade/recorded-story.js';
import { releaseNamed } from '../upgrade/releases.js';

/** Its lists get new columns by a later migration, which needs the table for itself. */
const release = releaseNamed('keys');
const { rows } = readFixture(release);
const names = migrations.map(({ name }) => name);
const laterMigrations = names.slice(names.indexOf(release.lastMigration) + 1);
/** One try of a migration, with room for a busy machine. */
const waitMsMax = 5_000;

let database: TestDatabase;
const clients: pg.Client[] = [];

async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  clients.push(client);
  return client;
}

beforeAll(async () => {
  database = await createTestDatabase({ isEmpty: true });
  await restoreRows(await connect(database.superuserUrl), rows);
});
afterAll(async () => {
  for (const client of clients) await client.end();
  await database.drop();
});

const migrateNow = () =>
  migrate({ ownerUrl: database.ownerUrl, ledgerRole: 'ledger_ledger', dispatcherRole: 'ledger_dispatcher' });

test('a migration that can’t have its table lets the apps pass, and comes back for it', async () => {
  const slow = await connect(database.superuserUrl);
  await slow.query('BEGIN');
  await slow.query('SELECT count(*) FROM projections.transactions');
  let isDone = false;
  const migrating = migrateNow().finally(() => (isDone = true));

  const reader = await connect(database.superuserUrl);
  await reader.query(`SET statement_timeout = ${waitMsMax}`);
  for (let reads = 0; reads < 10; reads++) {
    await reader.query('SELECT count(*) FROM projections.transactions');
    await sleep(300);
  }
  expect(isDone).toBe(false);
  await slow.query('COMMIT');
  const { applied } = await migrating;
  expect(applied).toEqual(laterMigrations);
});

test('afterwards there is nothing to do', async () => {
  expect(await migrateNow()).toEqual({ applied: [] });
  const client = await connect(database.superuserUrl);
  const { rowCount } = await client.query('SELECT FROM public.migrations');
  expect(rowCount).toBe(migrations.length);
});

test('no index lets so much wait that whoever fills its list keeps others waiting', async () => {
  const { rows: indexes } = await (
    await connect(database.superuserUrl)
  ).query<{ name: string; kilobytes: number | null }>(
    `SELECT c.relname AS name, (
        SELECT option_value::integer FROM pg_options_to_table(c.reloptions)
        WHERE option_name = 'gin_pending_list_limit'
      ) AS kilobytes
      FROM pg_class c JOIN pg_am m ON m.oid = c.relam WHERE m.amname = 'gin' ORDER BY 1`,
  );
  expect(indexes).toEqual([
    // Filled by who writes the journal.
    { name: 'accounts_name', kilobytes: 128 },
    // Filled by the projection, which no writer waits for.
    { name: 'transactions_reference', kilobytes: 1_024 },
  ]);
});
