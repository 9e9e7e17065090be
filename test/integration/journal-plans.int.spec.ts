import { randomUUID } from 'node:crypto';
import pg from 'pg';
import type { LedgerCommand } from '#domain';
import { captureOf, holdOf, moveOf, rateOf, reversalOf, voidOf } from '../support/ledger-fixtures.js';
import { fateOf, itemOf, JournalProcess, withClient, type TestLedger } from '../support/journal-fixtures.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

/**
 * A batch looks each row up by its key, also while the planner believes that a table is empty: a young ledger
 * grows faster than its statistics, and a plan that is kept for a session is never made again.
 */
const accountsCount = 3_000;
const transfersCount = 200;
const latecomersCount = 100;
/** Of one row: to gather it and to write it, with something to spare. */
const lookUpsMax = 6;

const lookedUp = [
  'ledger.accounts',
  'journal.events',
  'journal.requests',
  'ledger.transaction_progress',
  'ledger.exchange_rates',
  'ledger.currencies',
];

let database: TestDatabase;
let journal: JournalProcess;
let superuser: pg.Client;

beforeAll(async () => {
  database = await createTestDatabase();
  superuser = new pg.Client({ connectionString: database.superuserUrl });
  await superuser.connect();
  for (const table of lookedUp) {
    await superuser.query(`ALTER TABLE ${table} SET (autovacuum_enabled = false)`);
  }
  journal = new JournalProcess(database.ledgerUrl, { connectionsMax: 1 });
}, 60_000);
afterAll(async () => {
  await journal.stop();
  await superuser.end();
  await database.drop();
});

/** Index entries that sessions have read of a table; they report them when they end, at the latest. */
async function entriesRead(table: string, client = superuser): Promise<number> {
  const backends = `FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'ledger-write'`;
  await client.query(`SELECT pg_terminate_backend(pid) ${backends}`);
  for (let open = true; open;) open = (await client.query(`SELECT ${backends}`)).rowCount !== 0;
  await client.query('SELECT pg_stat_clear_snapshot()');
  const { rows } = await client.query<{ read: string }>(
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

it('also where the planner knows that there are three accounts, before there are thousands', async () => {
  const small = await createTestDatabase();
  const process = new JournalProcess(small.ledgerUrl, { connectionsMax: 1 });
  await withClient(small.superuserUrl, async (client) => {
    await client.query('ALTER TABLE ledger.accounts SET (autovacuum_enabled = false)');
    const ledger = await process.newLedger();
    const [payer, payee] = [await ledger.open(1_000_000n), await ledger.open()];
    await client.query('ANALYZE ledger.accounts');
    for (let n = 0; n < 10; n += 1) await ledger.move(payer, payee, 1n);
    await Promise.all(Array.from({ length: accountsCount }, () => ledger.open()));
    for (let n = 0; n < transfersCount; n += 1) await ledger.move(payer, payee, 1n);
    const read = await entriesRead('ledger.accounts', client);
    expect(read).toBeLessThan((accountsCount + transfersCount * 2) * lookUpsMax);
  });
  await process.stop();
  await small.drop();
});

describe('what follows from earlier transactions', () => {
  const holdsCount = 1_500;
  const followedCount = 150;
  const currencies = Array.from({ length: 12 }, (_, n) => `OWN${String.fromCharCode(65 + n)}`);
  let ledger: TestLedger;
  let [payer, payee, inDollars] = ['', '', ''];

  async function accepted(command: LedgerCommand): Promise<void> {
    if ((await fateOf(ledger.submit(command))) !== 'accepted') throw new Error(`${command.kind} was refused`);
  }

  /** A hold that is captured in part, given back in part and voided, an exchange, and a batch that is sent twice. */
  async function goThrough(n: number, hold: string): Promise<void> {
    const capture = randomUUID();
    await accepted(captureOf(hold, capture, 1n));
    await accepted(reversalOf(capture, randomUUID()));
    await accepted(voidOf(hold));
    await accepted(moveOf(randomUUID(), payer, inDollars, 1n));
    const items = [itemOf(moveOf(randomUUID(), payer, payee, 1n), `item-${n}`)];
    for (const fate of ['accepted', 'replayed']) {
      expect(await fateOf(ledger.batch('atomic', items, { key: `batch-${n}` }))).toBe(fate);
    }
  }

  const hold = () => {
    const id = randomUUID();
    return accepted(holdOf(id, payer, payee, 10n)).then(() => id);
  };

  it('is read by key as well, however many there are', async () => {
    await superuser.query('SELECT pg_stat_reset()');
    ledger = await journal.newLedger();
    payer = await ledger.open(1_000_000n);
    payee = await ledger.open();
    inDollars = await ledger.open(0n, { currency: 'USD' });
    await accepted(rateOf('EUR', 'USD', '1.1'));
    // The session's plans are made, and kept, while there is next to nothing.
    for (let n = 0; n < 8; n += 1) await goThrough(n, await hold());
    for (const code of currencies) await accepted({ kind: 'add-currency', code, exponent: 0, name: code });
    await Promise.all(
      currencies.flatMap((from) =>
        currencies.filter((to) => to !== from).map((to) => accepted(rateOf(from, to, '1'))),
      ),
    );
    const holds = await Promise.all(Array.from({ length: holdsCount }, hold));
    for (let n = 0; n < followedCount; n += 1) await goThrough(100 + n, holds[n]!);

    // Each of some four accounts or fewer; of anything else, one.
    const commands = holdsCount + currencies.length * currencies.length + (followedCount + 8) * 7;
    expect(await entriesRead('ledger.accounts')).toBeLessThan(commands * 4 * lookUpsMax);
    for (const table of lookedUp.filter((each) => each !== 'ledger.accounts')) {
      expect(await entriesRead(table)).toBeLessThan(commands * lookUpsMax);
    }
  }, 60_000);
});
