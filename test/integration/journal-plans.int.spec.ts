import pg from 'pg';
import { JournalProcess } from '../support/journal-fixtures.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

/**
 * A batch looks each row up by its key, also while the planner believes that a table is empty: a young ledger
 * grows faster than its statistics, and a plan that is kept for a session is never made again.
 */
const accountsCount = 3_000;
const transfersCount = 200;
const latecomersCount = 100;
/** Of one row: to gather it, to check the sum and to write it, with something to spare. */
const lookUpsMax = 8;

let database: TestDatabase;
let journal: JournalProcess;
let superuser: pg.Client;

beforeAll(async () => {
  database = await createTestDatabase();
  superuser = new pg.Client({ connectionString: database.superuserUrl });
  await superuser.connect();
  await superuser.query('ALTER TABLE ledger.accounts SET (autovacuum_enabled = false)');
  await superuser.query('ALTER TABLE journal.requests SET (autovacuum_enabled = false)');
  journal = new JournalProcess(database.ledgerUrl, { connectionsMax: 1 });
}, 60_000);
afterAll(async () => {
  await journal.stop();
  await superuser.end();
  await database.drop();
});

/** Index entries that sessions have read of a table; they report them when they end, at the latest. */
async function entriesRead(table: string): Promise<number> {
  const backends = `FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'ledger-write'`;
  await superuser.query(`SELECT pg_terminate_backend(pid) ${backends}`);
  for (let open = true; open;) open = (await superuser.query(`SELECT ${backends}`)).rowCount !== 0;
  await superuser.query('SELECT pg_stat_clear_snapshot()');
  const { rows } = await superuser.query<{ read: string }>(
    `SELECT sum(idx_tup_read)::text AS read FROM pg_stat_user_indexes
      WHERE schemaname || '.' || relname = $1`,
    [table],
  );
  return Number(rows[0]?.read);
}

it('reads a few index entries per account that it names, and none of the others', async () => {
  const ledger = await journal.newLedger();
  // The session's plans are made, and kept, while there is next to nothing.
  const payer = await ledger.open(1_000_000n);
  for (let n = 0; n < 10; n += 1) {
    await ledger.move('ROOT', payer, 1n, { key: `early-${n}` });
    await ledger.open();
  }
  const payees = await Promise.all(Array.from({ length: accountsCount }, () => ledger.open(1n)));
  for (let n = 0; n < transfersCount; n += 1)
    await ledger.move(payer, payees[n] ?? payer, 1n, { key: `late-${n}` });
  for (let n = 0; n < latecomersCount; n += 1) await ledger.open();

  expect(await entriesRead('ledger.accounts')).toBeLessThan(
    (accountsCount + transfersCount * 2 + latecomersCount) * lookUpsMax,
  );
  expect(await entriesRead('journal.requests')).toBeLessThan(transfersCount * lookUpsMax);
});
