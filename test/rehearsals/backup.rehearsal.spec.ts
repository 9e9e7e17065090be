import { chmod, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { Client, type JournalEvent } from '../support/client.js';
import { IdempotentLoad } from '../support/idempotent-load.js';
import { openAccounts } from '../support/posting-load.js';
import { startWholeProduct, type WholeProduct } from '../support/product.js';
import { ReceiverLog, type ReceivedLog } from '../support/receiver-log.js';
import { childrenOf } from '../support/running-process.js';
import { seededRandom } from '../support/seeded-random.js';
import { runToolWell } from '../support/tools.js';
import { until } from '../support/until.js';
import { createEndpoint } from '../support/webhook-fixtures.js';

/*
 * The whole life of a backup, on the embedded Postgres: taken while money moves, its log archived while more does,
 * and restored to the end, to a time and to a position.
 */
const restoreMsMax = 240_000;
const random = seededRandom();

let home: string;
let backups: string;
let receiver: ReceiverLog;
let received: ReceivedLog;
let product: WholeProduct;
let client: Client;
let accountIds: string[];
/** Keys that were answered with 201 before the clean stop. */
const answered = new Set<string>();
/** As the product told it before the stop. */
let journal: JournalEvent[];
let middle: { readonly time: string; readonly journal: JournalEvent[] };
let firstBackup: string;
/** The answer to the transfer with the key `before`. */
let before: unknown;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'ledger-backup-'));
  await chmod(home, 0o755);
  backups = join(home, 'backups');
  receiver = await ReceiverLog.start();
  product = await startWholeProduct({ dataDirectory: join(home, 'data') });
  client = new Client(product.url, product.apiKey);
  const { secret } = await createEndpoint(client, { url: receiver.urlOf('all') });
  received = receiver.add('all', secret);
  accountIds = await openAccounts(client);

  const [sender, recipient] = accountIds;
  before = (await client.post('/v1/transactions', { sender, recipient, amount: 1 }, { key: 'before' })).body;
  await underLoad(async () => {
    firstBackup = await runToolWell('backup', ['--to', backups], { DATA_DIR: product.dataDirectory });
  });
  await underLoad(() => sleep(500));
  middle = { time: await timeOf(product), journal: await client.journal() };
  await sleep(50);
  await underLoad(() => sleep(500));
  journal = await client.journal();
  await until('all is delivered', () => journal.slice(-1).every(({ id }) => received.ids.has(id)));
  client.close();
  expect(await product.stop()).toEqual({ code: 0, signal: null });
}, restoreMsMax);

afterAll(async () => {
  await receiver.close();
  await rm(home, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
});

async function underLoad(work: () => Promise<unknown>): Promise<void> {
  const load = new IdempotentLoad({ client, accountIds, random, clients: 4 });
  await work();
  await load.stop();
  for (const key of load.answered) answered.add(key);
}

async function superuserOf({ dataDirectory, pid }: WholeProduct): Promise<pg.Client> {
  const password = (await readFile(join(dataDirectory, 'secrets/postgres-password'), 'utf8')).trim();
  const postgres = (await childrenOf(pid)).find(({ command }) => command.includes('postgres -D'));
  const port = / -p (\d+)/.exec(postgres?.command ?? '')?.[1];
  const superuser = new pg.Client(`postgres://postgres:${password}@127.0.0.1:${port}/ledger`);
  superuser.on('error', () => undefined);
  await superuser.connect();
  return superuser;
}

async function timeOf(of: WholeProduct): Promise<string> {
  const superuser = await superuserOf(of);
  const { rows } = await superuser.query(
    `SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS now`,
  );
  await superuser.end();
  return rows[0].now;
}

const restore = (to: string, ...args: string[]) =>
  runToolWell('restore', ['--from', backups, '--data-dir', join(home, to), ...args]);

async function withProduct(to: string, work: (client: Client, product: WholeProduct) => Promise<void>) {
  const restored = await startWholeProduct({ dataDirectory: join(home, to) });
  const caller = new Client(restored.url, restored.apiKey);
  try {
    await work(caller, restored);
  } finally {
    caller.close();
    await restored.stop();
  }
}

test('a backup says what it holds, and nobody else can read it', async () => {
  expect(firstBackup).toMatch(/^ldg_\w+: to 1:\d+$/m);
  expect(firstBackup).toMatch(/secrets holds secrets \(bootstrap-api-key, .*secrets-key\)/);
  const [folder = ''] = (await readdir(backups)).filter((name) => name.startsWith('base-'));
  const found: string[] = [];
  for (const entry of await readdir(join(backups, folder), { recursive: true, withFileTypes: true })) {
    const { mode } = await stat(join(entry.parentPath, entry.name));
    const expected = entry.isDirectory() ? 0o700 : 0o600;
    if ((mode & 0o777) !== expected) found.push(`${entry.name} ${mode.toString(8)}`);
  }
  expect(found).toEqual([]);
  for (const path of [folder, 'wal']) expect((await stat(join(backups, path))).mode & 0o777).toBe(0o700);
});

test(
  'to the end of the log: all that was answered is there after a clean stop, and the ledger goes on',
  async () => {
    const output = await restore('latest');
    const { position, epoch } = expectRestored(output);
    expect(position).toBe(journal.length);
    await runToolWell('verify', [], { DATA_DIR: join(home, 'latest') });

    await withProduct('latest', async (caller, { apiKey }) => {
      expect(apiKey).toBe(product.apiKey);
      expect(await caller.journal()).toEqual(journal);
      const keys = new Set(journal.map(({ idempotencyKey }) => idempotencyKey));
      expect([...answered].filter((key) => !keys.has(key))).toEqual([]);

      const [sender, recipient] = accountIds;
      const body = { sender, recipient, amount: 1 };
      const again = await caller.post('/v1/transactions', body, { key: 'before' });
      expect(again.body).toEqual(before);
      expect((await caller.post('/v1/transactions', body, { key: 'after' })).status).toBe(201);
      const added = (await caller.journal()).slice(journal.length);
      expect(added).toMatchObject([{ epoch, position: String(journal.length + 1) }]);
      await until('it is delivered', () => added.every(({ id }) => received.accepted.has(id)));
    });
    await runToolWell('verify', [], { DATA_DIR: join(home, 'latest') });
    // Of every event the receiver has one body, however often it came.
    expect(journal.filter(({ id }) => !received.ids.has(id))).toEqual([]);
    expect(received.wrong).toEqual([]);
  },
  restoreMsMax,
);

test(
  'to a time in the middle: what was committed by then, and nothing else',
  async () => {
    const { position } = expectRestored(await restore('middle', '--to-time', middle.time));
    expect(position).toBe(middle.journal.length);
    await withProduct('middle', async (caller) => {
      expect(await caller.journal()).toEqual(middle.journal);
    });
  },
  restoreMsMax,
);

test(
  'to a position: up to the commit that wrote it',
  async () => {
    const last = middle.journal.at(-1)!;
    const wanted = Number(last.position) - 3;
    const output = await restore('position', '--to-position', `${last.ledgerId}:${wanted}`);
    const { position } = expectRestored(output);
    // A batch of a few clients is committed as a whole.
    expect(position).toBeGreaterThanOrEqual(wanted);
    expect(position).toBeLessThan(wanted + 4);
  },
  restoreMsMax,
);

test(
  'a kill -9 of everything loses what was not archived, and nothing before it',
  async () => {
    const crashed = await startWholeProduct({ dataDirectory: join(home, 'latest') });
    const line = join(home, 'second-line');
    client = new Client(crashed.url, crashed.apiKey);
    await runToolWell('backup', ['--to', line], { DATA_DIR: crashed.dataDirectory });
    await underLoad(() => sleep(300));
    const archived = await client.journal();
    const superuser = await superuserOf(crashed);
    const { rows } = await superuser.query('SELECT pg_walfile_name(pg_switch_wal()) AS name');
    await until('it is archived', async () =>
      (await readdir(join(line, 'wal'))).includes(`${rows[0].name}.gz`),
    );
    await underLoad(() => sleep(300));
    const all = await client.journal();
    client.close();
    const children = await childrenOf(crashed.pid);
    await crashed.kill('SIGKILL');
    for (const { pid } of children) kill(pid);

    const place = join(home, 'after-the-crash');
    const output = await runToolWell('restore', ['--from', line, '--data-dir', place]);
    const { position } = expectRestored(output);
    expect(position).toBeGreaterThanOrEqual(archived.length);
    expect(position).toBeLessThan(all.length);
    await withProduct('after-the-crash', async (caller) => {
      expect(await caller.journal()).toEqual(all.slice(0, position));
    });
  },
  restoreMsMax,
);

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has gone with its supervisor.
  }
}

function expectRestored(output: string): { position: number; epoch: number } {
  expect(output).toMatch(/as the journal says/);
  const [, position, before, epoch] =
    /^ldg_\w+: restored to (\d+), recorded at \S+; epoch (\d+) before, (\d+) from now on/m.exec(output) ?? [];
  expect(Number(epoch)).toBeGreaterThan(Number(before));
  return { position: Number(position), epoch: Number(epoch) };
}
