import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, open, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { migrate } from '../../migrations/migrate.js';
import { runCommand } from '../../tools/embedded-postgres/run-command.js';
import { isContinuousIntegration } from '../support/config.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { JournalProcess, type TestLedger } from '../support/journal-fixtures.js';
import { openingOf } from '../support/ledger-fixtures.js';
import { runTool, runToolWell } from '../support/tools.js';
import { expectVerified } from '../support/verify.js';

/** A Postgres that isn't ours: Debian's 15, with its own pg_dump and pg_restore. */
const bin = '/usr/lib/postgresql/15/bin';
const isThere = existsSync(join(bin, 'pg_dump'));
if (!isThere) {
  console.error(`Dump and restore of Postgres 15: NOT RUN, ${bin} is not installed`);
  test('Postgres 15 is there where the build is judged', () => expect(isContinuousIntegration()).toBe(false));
}

(isThere ? describe : describe.skip)('a dump', () => {
  let database: TestDatabase;
  let ledger: TestLedger;
  let directory: string;
  const alice = randomUUID();

  beforeAll(async () => {
    directory = join(await mkdtemp(join(tmpdir(), 'ledger-dump-')), 'backups');
    database = await createTestDatabase({ ownCluster: true, postgresBin: bin });
    const journal = new JournalProcess(database.ledgerUrl);
    ledger = await journal.newLedger();
    const balance = { transactionId: randomUUID(), amount: 500n };
    await ledger.submit(openingOf(alice, { balance }), { key: 'open' });
    for (let n = 0; n < 20; n++) await ledger.move(alice, 'ROOT', 1n, { key: `k${n}` });
    await journal.stop();
  }, 90_000);

  afterAll(async () => {
    await database.drop();
    await rm(join(directory, '..'), { recursive: true, force: true });
  });

  const environment = (url: string) => ({ DATABASE_URL: url, POSTGRES_BIN: bin });

  /** An empty database of the same server. */
  async function newDatabase(name: string): Promise<string> {
    const client = new pg.Client(database.superuserUrl);
    await client.connect();
    await client.query(`CREATE DATABASE ${name} TEMPLATE template0 OWNER ledger_owner`);
    await client.end();
    const url = new URL(database.ownerUrl);
    url.pathname = `/${name}`;
    return url.href;
  }

  async function expectRestored(url: string): Promise<void> {
    await migrate({ ownerUrl: url, ledgerRole: 'ledger_ledger', dispatcherRole: 'ledger_dispatcher' });
    const app = new URL(database.ledgerUrl);
    app.pathname = new URL(url).pathname;
    const journal = new JournalProcess(app.href);
    await journal.ledger(ledger).move(alice, 'ROOT', 1n, { key: 'after' });
    await journal.stop();
    await expectVerified(url);
    const client = new pg.Client(url);
    await client.connect();
    const { rows } = await client.query('SELECT epoch FROM journal.events ORDER BY position DESC LIMIT 1');
    await client.end();
    expect(rows[0].epoch).toBeGreaterThan(1);
  }

  test('is taken by pg_dump, and restored by npm run restore into an empty database', async () => {
    const output = await runToolWell('backup', ['--to', directory], environment(database.ownerUrl));
    expect(output).toMatch(/^Backed up to .*\/dump-\d{8}T\d{6}Z: 1 file/m);
    expect(output).toMatch(/Keep SECRETS_KEY, .* yourself\./);
    const [folder = ''] = (await readdir(directory)).filter((name) => name.startsWith('dump-'));
    expect((await stat(join(directory, folder, 'ledger.dump'))).mode & 0o777).toBe(0o600);

    const url = await newDatabase('restored');
    const restored = await runToolWell('restore', ['--from', directory], environment(url));
    expect(restored).toMatch(/^ldg_\w+: restored to \d+, .* epoch 1 before, \d+ from now on\.$/m);
    await expectRestored(url);
  }, 120_000);

  test('that an operator restores by pg_restore is finished by --finish', async () => {
    const [folder = ''] = (await readdir(directory)).filter((name) => name.startsWith('dump-'));
    const url = await newDatabase('by_hand');
    const dump = join(directory, folder, 'ledger.dump');
    const { code, output } = await runCommand(join(bin, 'pg_restore'), [
      '--no-owner',
      '--no-privileges',
      `--dbname=${url}`,
      dump,
    ]);
    expect([code, output]).toEqual([0, '']);
    const finished = await runToolWell('restore', ['--finish'], environment(url));
    expect(finished).toMatch(/as the journal says/);
    await expectRestored(url);
  }, 120_000);

  test('is refused where it is damaged, has no place, or can’t be made', async () => {
    const refused = async (
      tool: 'backup' | 'restore',
      args: string[],
      env: Record<string, string>,
      sentence: RegExp,
    ) => {
      const { code, output } = await runTool(tool, args, env);
      expect([code, output]).toEqual([1, expect.stringMatching(sentence)]);
    };
    const from = ['--from', directory];
    await refused(
      'restore',
      from,
      environment(database.ownerUrl),
      /The database of DATABASE_URL is not empty/,
    );
    await refused('restore', [...from, '--data-dir', '/tmp/none'], {}, /is a dump: set DATABASE_URL/);
    const url = await newDatabase('stays_empty');
    const elsewhere = { DATABASE_URL: url, POSTGRES_BIN: directory };
    await refused(
      'restore',
      [...from, '--to-time', '2099-01-01T00:00:00Z'],
      environment(url),
      /is a dump, of one moment/,
    );
    await refused('restore', from, elsewhere, /There is no pg_restore here: set POSTGRES_BIN/);
    await refused('backup', ['--to', directory], elsewhere, /and here is no pg_dump: set POSTGRES_BIN/);

    const [folder = ''] = (await readdir(directory)).filter((name) => name.startsWith('dump-'));
    const file = await open(join(directory, folder, 'ledger.dump'), 'r+');
    await file.write(Buffer.from('!'), 0, 1, 200);
    await file.close();
    await refused('restore', from, environment(url), /ledger\.dump is damaged/);
    const client = new pg.Client(url);
    await client.connect();
    const { rows } = await client.query(`SELECT 1 FROM pg_namespace WHERE nspname = 'journal'`);
    await client.end();
    expect(rows).toEqual([]);
  }, 60_000);
});
