import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { raiseEpochs } from '#journal';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { JournalProcess, verified, type TestLedger } from '../support/journal-fixtures.js';
import { openingOf } from '../support/ledger-fixtures.js';
import { runTool, runToolWell } from '../support/tools.js';
import { expectVerified } from '../support/verify.js';

// Each of them starts programs.
import.meta.jest.setTimeout(180_000);

/** The second half of a restore, on a database that other means have put back. */
let database: TestDatabase;
let superuser: pg.Client;
let ledger: TestLedger;
let empty: TestLedger;
const alice = randomUUID();

beforeAll(async () => {
  database = await createTestDatabase();
  superuser = new pg.Client(database.superuserUrl);
  await superuser.connect();
  await withJournal(async (journal) => {
    ledger = await journal.newLedger();
    empty = await journal.newLedger();
    await ledger.submit(openingOf(alice, { balance: { transactionId: randomUUID(), amount: 500n } }), {
      key: 'open',
    });
  });
}, 60_000);

afterAll(async () => {
  await superuser.end();
  await database.drop();
});

async function withJournal(work: (journal: JournalProcess) => Promise<void>): Promise<void> {
  const journal = new JournalProcess(database.ledgerUrl);
  await work(journal);
  await journal.stop();
}

const finish = () => runToolWell('restore', ['--finish'], { DATABASE_URL: database.ownerUrl });

async function headOf({ ledgerId }: TestLedger): Promise<{ epoch: number; position: string }> {
  const { rows } = await superuser.query(
    'SELECT epoch, position::text FROM journal.heads WHERE ledger_id = $1',
    [ledgerId],
  );
  return rows[0];
}

test('gives all ledgers one epoch, tells of it, and is audited', async () => {
  const before = await headOf(ledger);
  const output = await finish();
  const { epoch, position } = await headOf(ledger);
  expect(position).toBe(before.position);
  // Seconds since 2026, so that no other restore of the same backup has the same.
  const seconds = Math.floor((Date.now() - Date.UTC(2026, 0, 1)) / 1000);
  expect(epoch).toBeGreaterThan(seconds - 600);
  expect(epoch).toBeLessThanOrEqual(seconds + 600);
  expect(await headOf(empty)).toEqual({ epoch, position: '0' });
  expect(output).toMatch(
    new RegExp(
      `^ldg_\\w+: restored to ${position}, recorded at \\S+; epoch 1 before, ${epoch} from now on\\.$`,
      'm',
    ),
  );
  expect(output).toMatch(
    new RegExp(`^ldg_\\w+: restored to 0; epoch 1 before, ${epoch} from now on\\.$`, 'm'),
  );
  const { rows } = await superuser.query(
    `SELECT actor, action, details FROM access.audit_log WHERE ledger_id = $1`,
    [ledger.ledgerId],
  );
  expect(rows).toEqual([
    {
      actor: 'operator',
      action: 'ledger.restored',
      details: { epoch, epochBefore: 1, position, hash: expect.stringMatching(/^[0-9a-f]{64}$/) },
    },
  ]);
}, 60_000);

test('what is written next has it, is chained to what was before, and is as verify recomputes it', async () => {
  const { epoch, position } = await headOf(ledger);
  await withJournal(async (journal) => {
    const again = journal.ledger(ledger);
    await again.move(alice, 'ROOT', 5n, { key: 'after' });
  });
  const { rows } = await superuser.query(
    'SELECT DISTINCT epoch FROM journal.events WHERE ledger_id = $1 AND position > $2',
    [ledger.ledgerId, position],
  );
  expect(rows).toEqual([{ epoch }]);
  expect((await verified(database.superuserUrl, ledger.ledgerId)).difference).toBeNull();
  await expectVerified(database.ownerUrl);
}, 60_000);

test('is higher than any that a reader of the journal has seen, and higher each time', async () => {
  await superuser.query(
    'INSERT INTO dispatcher.ledgers (ledger_id, epoch, position) VALUES ($1, 2000000000, 7)',
    [ledger.ledgerId],
  );
  await finish();
  expect((await headOf(ledger)).epoch).toBe(2_000_000_001);
  await finish();
  expect((await headOf(ledger)).epoch).toBe(2_000_000_002);
  await expectVerified(database.ownerUrl);
}, 60_000);

test('a head of an epoch that no restore has given is a difference', async () => {
  await superuser.query('UPDATE journal.heads SET epoch = epoch + 1 WHERE ledger_id = $1', [ledger.ledgerId]);
  expect((await verified(database.superuserUrl, ledger.ledgerId)).difference).toMatchObject({
    subject: 'head epoch',
  });
  await superuser.query('UPDATE journal.heads SET epoch = epoch - 1 WHERE ledger_id = $1', [ledger.ledgerId]);
});

test('a checkpoint of the publisher that is beyond the head is brought back to it, others stay', async () => {
  const { position } = await headOf(ledger);
  await superuser.query(
    'INSERT INTO publishing.checkpoints (ledger_id, epoch, position) VALUES ($1, 1, $2::bigint + 20), ($3, 1, 0)',
    [ledger.ledgerId, position, empty.ledgerId],
  );
  await finish();
  const { rows } = await superuser.query(
    'SELECT position::text FROM publishing.checkpoints ORDER BY position DESC',
  );
  expect(rows).toEqual([{ position }, { position: '0' }]);
}, 60_000);

test('epochs are raised all or none', async () => {
  const before = await headOf(ledger);
  await superuser.query('BEGIN');
  expect(await raiseEpochs(superuser, 1)).toHaveLength(2);
  await superuser.query('ROLLBACK');
  expect(await headOf(ledger)).toEqual(before);
});

describe('is refused', () => {
  const refused = async (sentence: RegExp, url = database.ownerUrl) => {
    const before = await headOf(ledger);
    const { code, output } = await runTool('restore', ['--finish'], { DATABASE_URL: url });
    expect([code, output]).toEqual([1, expect.stringMatching(sentence)]);
    expect(await headOf(ledger)).toEqual(before);
  };

  it('while an app is connected', async () => {
    const app = new pg.Client({ connectionString: database.ledgerUrl, application_name: 'ledger-write' });
    await app.connect();
    await refused(/The product runs on this database \(ledger-write\): stop it first\./);
    await app.end();
  });

  it('for a database of a newer or an older release', async () => {
    await superuser.query(
      `INSERT INTO public.migrations (timestamp, name) VALUES (1999999999999, 'Later1999999999999')`,
    );
    await refused(/The database is of a newer release \(Later1999999999999\)/);
    await superuser.query(`DELETE FROM public.migrations WHERE name = 'Later1999999999999'`);
    const { rows } = await superuser.query(
      'DELETE FROM public.migrations WHERE id = (SELECT max(id) FROM public.migrations) RETURNING *',
    );
    await refused(new RegExp(`of an earlier release \\(it lacks ${rows[0].name}\\): run npm run migrate`));
    await superuser.query('INSERT INTO public.migrations (id, timestamp, name) VALUES ($1, $2, $3)', [
      rows[0].id,
      rows[0].timestamp,
      rows[0].name,
    ]);
  });

  it('for a database without a ledger', async () => {
    const bare = await createTestDatabase({ isEmpty: true });
    await refused(/The database holds no ledger: restore it first\./, bare.ownerUrl);
    await bare.drop();
  });
});
