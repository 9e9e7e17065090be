import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { createPostgresPool, readSession } from '#platform';
import { scanDueHolds, walkDueHolds, walkStart } from '../../apps/ledger/src/expiry/scan-due-holds.js';
import { expirySession } from '../../apps/ledger/src/expiry/start-expiry.js';
import { scanBacklog } from '../../apps/ledger/src/projections/scan-ledgers.js';
import { scanLag as scanPublishingLag } from '../../apps/ledger/src/publishing/scan-ledgers.js';
import { startBothApps, type BothApps } from '../support/both-apps.js';
import { Client, newKey, type One } from '../support/client.js';
import { inSeconds, reportFigures } from '../support/fault-run.js';
import { JournalProcess } from '../support/journal-fixtures.js';
import { OPERATOR_API_KEY, startProduct } from '../support/product.js';
import { until } from '../support/until.js';
import { expectVerified } from '../support/verify.js';
import { createEndpoint } from '../support/webhook-fixtures.js';

/**
 * Ten thousand ledgers with ten accounts each, all of them followed by the dispatcher. The same is measured before
 * and after they are there, in one run; figures of one machine are told, and only ratios that are far off fail.
 */
const ledgers = 10_000;
const accountsPerLedger = 10;
const madeOverHttp = 20;
const seededAtOnce = 48;
/** Short enough that no idle connection is given back meanwhile. */
const idleMs = 8_000;

const slowerMax = 4;
/** Of one core, by a process that has nothing to do. */
const idleCpuMax = 0.5;
/** Of the second in which they come again. */
const scanMsMax = 900;

let apps: BothApps;
/** Of ledgers that were made over HTTP, each with two accounts. */
const callers: { readonly client: Client; readonly accountIds: readonly string[] }[] = [];

beforeAll(async () => {
  apps = await startBothApps({ LOG_LEVEL: 'warn' });
  const operator = new Client(apps.ledger.url, OPERATOR_API_KEY);
  const { body } = await operator.post<One<{ id: string }>>('/v1/organizations', { name: 'Acme' });
  for (let n = 0; n < madeOverHttp; n++) {
    const made = await operator.post<One<{ apiKey: { secret: string } }>>(
      `/v1/organizations/${body.data.id}/ledgers`,
      { name: `Book ${n}`, mode: 'live' },
    );
    const client = new Client(apps.ledger.url, made.body.data.apiKey.secret);
    const opened = [];
    for (let k = 0; k < 2; k++) opened.push((await client.open({ openingBalance: 1_000_000 })).id);
    await createEndpoint(new Client(apps.dispatcher.url, made.body.data.apiKey.secret), {
      url: apps.receiver.url,
    });
    callers.push({ client, accountIds: opened });
  }
  operator.close();
}, 180_000);

afterAll(async () => {
  for (const { client } of callers) client.close();
  await apps.stop();
}, 90_000);

/** Empty where the process has ended: pools give back connections that idle. */
function processFile(pid: number, file: 'stat' | 'status'): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1');
  } catch {
    return '';
  }
}

function cpuSecondsOf(pid: number): number {
  const stat = processFile(pid, 'stat');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) / 100;
}

const megabytesOf = (pid: number, kind: 'VmRSS' | 'RssAnon'): number =>
  Number(new RegExp(`^${kind}:\\s+(\\d+) kB$`, 'm').exec(processFile(pid, 'status'))?.[1] ?? 0) / 1_024;

async function medianPostMs(over: number): Promise<number> {
  const times: number[] = [];
  for (let n = 0; n < 200; n++) {
    const { client, accountIds } = callers[n % over]!;
    const [sender, recipient] = accountIds;
    const startedAt = performance.now();
    const answer = await client.post('/v1/transactions', { sender, recipient, amount: 1 }, { key: newKey() });
    expect(answer.status).toBe(201);
    times.push(performance.now() - startedAt);
  }
  return times.sort((a, b) => a - b)[100]!;
}

async function medianListMs(): Promise<number> {
  const times: number[] = [];
  for (let n = 0; n < 60; n++) {
    const startedAt = performance.now();
    expect((await callers[n % madeOverHttp]!.client.get('/v1/transactions')).status).toBe(200);
    times.push(performance.now() - startedAt);
  }
  return times.sort((a, b) => a - b)[30]!;
}

async function measure() {
  const pids = [apps.ledger.pid, apps.dispatcher.pid] as const;
  const postOfOne = await medianPostMs(1);
  const postOfMany = await medianPostMs(madeOverHttp);
  const list = await medianListMs();
  await sleep(2_000);
  const { rows: backends } = await apps.db.query<{ pid: number }>(
    `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND usename IN ('ledger_ledger', 'ledger_dispatcher')`,
  );
  const all = [...pids, ...backends.map(({ pid }) => pid)];
  const before = all.map(cpuSecondsOf);
  await sleep(idleMs);
  // A backend that has ended meanwhile had nothing to do.
  const idle = all.map((pid, n) => Math.max(0, cpuSecondsOf(pid) - before[n]!) / (idleMs / 1_000));
  const backendMegabytes = backends.map(({ pid }) => megabytesOf(pid, 'RssAnon'));
  return {
    postOfOne,
    postOfMany,
    list,
    idle: {
      ledger: idle[0]!,
      dispatcher: idle[1]!,
      backends: idle.slice(2).reduce((sum, share) => sum + share, 0),
    },
    resident: pids.map((pid) => Math.round(megabytesOf(pid, 'VmRSS'))),
    backends: backends.length,
    backendMax: Math.max(...backendMegabytes),
    startMs: await startMs(),
  };
}

/** Of one more process. */
async function startMs(): Promise<number> {
  const startedAt = performance.now();
  const product = await startProduct({ databaseUrl: apps.database.ledgerUrl, env: { LOG_LEVEL: 'warn' } });
  const ready = performance.now() - startedAt;
  await product.stop();
  return ready;
}

/** Through the journal, as a process of the product writes it. */
async function seedLedgers(): Promise<void> {
  const writer = new JournalProcess(apps.database.ledgerUrl, { connectionsMax: 8 });
  let left = ledgers - madeOverHttp;
  const run = async () => {
    while (left-- > 0) {
      const ledger = await writer.newLedger();
      await Promise.all(
        Array.from({ length: accountsPerLedger }, (_, n) => ledger.open(n === 0 ? 1_000n : 0n)),
      );
    }
  };
  await Promise.all(Array.from({ length: seededAtOnce }, run));
  await writer.stop();
}

/** As `followLedger` has it, once the dispatcher has been asked for an endpoint of each. */
async function followAll(): Promise<void> {
  await apps.db.query(
    `INSERT INTO stream.offsets (subscriber, topic, partition, epoch, position)
      SELECT o.subscriber, o.topic, h.ledger_id::text, h.epoch, h.position
      FROM journal.heads h, (SELECT DISTINCT subscriber, topic FROM stream.offsets) o ON CONFLICT DO NOTHING`,
  );
}

async function scanTimesMs(): Promise<Record<string, number>> {
  const poolOf = (url: string, session: Readonly<Record<string, string>>) =>
    createPostgresPool({
      url,
      applicationName: 'test',
      connectionsMax: 1,
      session,
      onError: () => undefined,
    });
  const { ledgerUrl } = apps.database;
  const [reads, expiry] = [poolOf(ledgerUrl, readSession), poolOf(ledgerUrl, expirySession)];
  const nobody = { transactionIds: [], ledgerIds: [] };
  const scans: Record<string, () => Promise<unknown>> = {
    'projection lag': () => scanBacklog(reads, 'lists'),
    'publishing lag': () => scanPublishingLag(reads),
    'due holds': () => scanDueHolds(expiry, 1_000, nobody),
    'due holds by ledger': () => walkDueHolds(expiry, walkStart, 1_000, nobody),
  };
  const medians: Record<string, number> = {};
  for (const [name, scan] of Object.entries(scans)) {
    const times: number[] = [];
    for (let n = 0; n < 9; n++) {
      const startedAt = performance.now();
      await scan();
      times.push(performance.now() - startedAt);
    }
    medians[name] = Math.round(times.sort((a, b) => a - b)[4]! * 10) / 10;
  }
  await Promise.all([reads.end(), expiry.end()]);
  return medians;
}

const shown = ({ idle, ...measured }: Awaited<ReturnType<typeof measure>>) => ({
  'POST p50 of one ledger': `${measured.postOfOne.toFixed(1)} ms`,
  'POST p50 over 20 ledgers': `${measured.postOfMany.toFixed(1)} ms`,
  'list p50': `${measured.list.toFixed(1)} ms`,
  'idle ledger, of a core': idle.ledger.toFixed(3),
  'idle dispatcher, of a core': idle.dispatcher.toFixed(3),
  'idle backends of both, of a core': idle.backends.toFixed(3),
  'resident MB, ledger and dispatcher': measured.resident.join(' and '),
  backends: measured.backends,
  'largest backend, MB of its own': measured.backendMax.toFixed(1),
  'start of a process': inSeconds(measured.startMs),
});

test('ten thousand ledgers and a hundred thousand accounts slow nothing down by much', async () => {
  const before = await measure();
  reportFigures(`${madeOverHttp} ledgers`, shown(before));
  const seededAt = performance.now();
  await seedLedgers();
  const seedMs = performance.now() - seededAt;
  await until(
    'the lists to have all',
    async () => {
      const { rows } = await apps.db.query(
        `SELECT FROM journal.heads h LEFT JOIN projections.checkpoints c USING (ledger_id)
          WHERE h.position > coalesce(c.position, 0) LIMIT 1`,
      );
      return rows.length === 0;
    },
    300,
  );
  const projectedMs = performance.now() - seededAt - seedMs;
  await followAll();
  const scans = await scanTimesMs();
  const after = await measure();
  const verifiedFrom = performance.now();
  await expectVerified(apps.database.ownerUrl);
  reportFigures(`${ledgers} ledgers, ${ledgers * accountsPerLedger} accounts`, {
    ...shown(after),
    'seeded in': inSeconds(seedMs),
    'lists after': inSeconds(projectedMs),
    verify: inSeconds(performance.now() - verifiedFrom),
  });
  reportFigures(`scans over ${ledgers} ledgers, ms`, scans);

  expect(after.postOfOne / before.postOfOne).toBeLessThan(slowerMax);
  expect(after.postOfMany / before.postOfMany).toBeLessThan(slowerMax);
  expect(after.list / before.list).toBeLessThan(slowerMax);
  expect(after.startMs / before.startMs).toBeLessThan(slowerMax);
  expect(after.idle.ledger).toBeLessThan(idleCpuMax);
  expect(after.idle.dispatcher).toBeLessThan(idleCpuMax);
  // The scans of all that lags, whatever there is to do.
  expect(after.idle.backends).toBeLessThan(idleCpuMax);
  expect(Object.entries(scans).filter(([, ms]) => ms > scanMsMax)).toEqual([]);
}, 900_000);
