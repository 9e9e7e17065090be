import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { Registry } from 'prom-client';
import { commitChannel, decodeLedgerIds } from '#event-stream';
import { createPostgresPool } from '#platform';
import type { LedgerRole, LedgerSettings } from '../../apps/ledger/src/config.js';
import {
  startProjections,
  type RunningProjections,
} from '../../apps/ledger/src/projections/start-projections.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { HandMadeJournal } from '../support/hand-made-journal.js';
import { until } from '../support/journal-fixtures.js';

/** Other processes hear of every commit, however many parts of the product the one that commits runs itself. */
const waitMsMax = 30_000;
const silence = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

let database: TestDatabase;
let superuser: pg.Client;
let readPool: pg.Pool;
let registry: Registry;
let running: RunningProjections | undefined;
const heard: { ledgerId: string; at: number }[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  superuser = new pg.Client({ connectionString: database.superuserUrl, options: '-c timezone=UTC' });
  await superuser.connect();
  superuser.on('notification', ({ payload = '' }) =>
    heard.push(...decodeLedgerIds(payload).map((ledgerId) => ({ ledgerId, at: performance.now() }))),
  );
  await superuser.query(`LISTEN ${commitChannel}`);
  readPool = createPostgresPool({
    url: database.ledgerUrl,
    applicationName: 'test-read',
    connectionsMax: 1,
    onError: () => undefined,
  });
}, 60_000);
afterAll(async () => {
  await readPool.end();
  await superuser.end();
  await database.drop();
});
beforeEach(() => {
  heard.length = 0;
  registry = new Registry();
});
afterEach(async () => {
  await running?.stop();
  running = undefined;
});

async function start(role: LedgerRole): Promise<RunningProjections> {
  const settings = {
    LEDGER_DATABASE_URL: database.ledgerUrl,
    LEDGER_ROLE: role,
    PROJECTION_WAIT_MS: 1_000,
    WORKER_CONNECTIONS_MAX: 2,
  };
  running = await startProjections(settings as LedgerSettings, readPool, registry, silence);
  return running;
}

async function newLedger(): Promise<HandMadeJournal> {
  const journal = new HandMadeJournal(superuser);
  journal.openAccount();
  await journal.commit();
  return journal;
}

it.each<LedgerRole>(['all', 'api'])('a process with the role %s tells of its commits', async (role) => {
  const { poke } = await start(role);
  const [one, other] = [await newLedger(), await newLedger()];
  poke(one.ledgerId);
  poke(other.ledgerId);
  await until(() => heard.length === 2, waitMsMax);
  expect(heard.map(({ ledgerId }) => ledgerId)).toEqual([one.ledgerId, other.ledgerId]);
});

it('a worker tells of what it commits: holds that have expired', async () => {
  const { poke } = await start('worker');
  const { ledgerId } = await newLedger();
  poke(ledgerId);
  await until(() => heard.length > 0, waitMsMax);
  expect(heard.map((each) => each.ledgerId)).toEqual([ledgerId]);
});

it('tells at most once in 5 ms, however much is committed', async () => {
  const { poke } = await start('api');
  const { ledgerId } = await newLedger();
  const startedAt = performance.now();
  for (let n = 0; n < 200; n++) {
    poke(ledgerId);
    await sleep(1);
  }
  const lastPokeAt = performance.now();
  poke(ledgerId);
  await until(() => (heard.at(-1)?.at ?? 0) >= lastPokeAt, waitMsMax);
  expect(heard.length).toBeLessThanOrEqual((performance.now() - startedAt) / 5 + 1);
});

it('takes no second turn for what it was told by itself', async () => {
  const { ledgerId } = await newLedger();
  const { poke } = await start('all');
  await until(async () => !(await isAnyLedgerBehind()), waitMsMax);
  await sleep(200);
  const before = await turns();
  poke(ledgerId);
  await until(() => heard.length === 1, waitMsMax);
  await sleep(300);
  expect(await turns()).toBe(before + 1);
});

async function isAnyLedgerBehind(): Promise<boolean> {
  const { rowCount } = await superuser.query(`SELECT FROM journal.heads h
    LEFT JOIN projections.checkpoints c ON c.ledger_id = h.ledger_id WHERE h.position > coalesce(c.position, 0)`);
  return rowCount !== 0;
}

async function turns(): Promise<number> {
  const { values } = await registry.getSingleMetric('ledger_projection_turn_seconds')!.get();
  return values
    .filter((value) => 'metricName' in value && String(value.metricName).endsWith('_count'))
    .reduce((sum, { value }) => sum + value, 0);
}
