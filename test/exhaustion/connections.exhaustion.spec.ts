import { setTimeout as sleep } from 'node:timers/promises';
import { ConnectionHog } from '../support/connection-hog.js';
import { newKey } from '../support/client.js';
import { inSeconds, reportFigures } from '../support/fault-run.js';
import { Fleet } from '../support/fleet.js';
import { IdempotentLoad } from '../support/idempotent-load.js';
import {
  compareWithJournal,
  expectAnsweredOnce,
  expectSame,
  untilDelivered,
} from '../support/same-events.js';
import { seededRandom, type SeededRandom } from '../support/seeded-random.js';
import { until } from '../support/until.js';
import { expectVerified } from '../support/verify.js';

/** What each process may have at most, by the name that its sessions have in pg_stat_activity. */
const connectionsMax: Readonly<Record<string, number>> = {
  'ledger-read': 16,
  'ledger-write': 8,
  'ledger-worker': 4,
  'ledger-access': 8,
  'ledger-expiry': 1,
  'ledger-commit-notifier': 1,
  'ledger-commit-listener': 1,
  'dispatcher-api': 8,
  'dispatcher-delivery': 12,
  'dispatcher-access': 8,
  'dispatcher-shards': 1,
  'dispatcher-listener': 1,
  'stream-listener-webhooks': 1,
};

const outageMs = 12_000;
const recoveryMsMax = 20_000;
const linesPerSecondMax = 40;

let fleet: Fleet;
let hog: ConnectionHog | undefined;
let random: SeededRandom;
let accountIds: string[];

beforeAll(async () => {
  random = seededRandom();
  fleet = await Fleet.start({ ownCluster: true, settings: { max_connections: '90' } });
  await fleet.up('dispatcher-1');
  await fleet.addEndpoints(['any-order']);
  accountIds = await fleet.openAccounts(12);
}, 120_000);

afterAll(async () => {
  await hog?.stop();
  await fleet.stop();
}, 60_000);

async function connectionsByName(): Promise<Record<string, number>> {
  const { rows } = await fleet.db.query<{ name: string; count: number }>(
    `SELECT application_name AS name, count(*)::integer AS count FROM pg_stat_activity
      WHERE usename IN ('ledger_ledger', 'ledger_dispatcher') GROUP BY 1`,
  );
  return Object.fromEntries(rows.map(({ name, count }) => [name, count]));
}

async function untilAllTaken(): Promise<void> {
  await until('an ordinary role gets no connection', async () => {
    const { rows } = await fleet.db.query<{ free: number }>(
      `SELECT current_setting('max_connections')::integer - current_setting('superuser_reserved_connections')::integer
        - count(*)::integer AS free FROM pg_stat_activity WHERE backend_type = 'client backend' AND usename <> 'postgres'`,
    );
    return (rows[0]?.free ?? 1) <= 2;
  });
  await sleep(300);
}

const takeFromApps = () =>
  fleet.db.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename IN ('ledger_ledger', 'ledger_dispatcher')`,
  );

const codeOf = (told: string) => told.replace(/^(\d+).*"code":"([a-z_]+)".*$/s, '$1 $2');

test('each process has no more connections than it says', async () => {
  const load = new IdempotentLoad({ client: fleet.client, accountIds, random, clients: 64 });
  const highest: Record<string, number> = {};
  const reads = ['/v1/transactions', '/v1/accounts', '/v1/trial-balance', '/v1/events?after=0&limit=10'];
  for (let n = 0; n < 10; n++) {
    await Promise.all(Array.from({ length: 48 }, (_, k) => fleet.client.get(reads[k % reads.length]!)));
    for (const [name, count] of Object.entries(await connectionsByName())) {
      highest[name] = Math.max(highest[name] ?? 0, count);
    }
  }
  await load.stop();
  reportFigures('connections of one ledger and one dispatcher', highest);
  const tooMany = Object.entries(highest).filter(([name, count]) => count > (connectionsMax[name] ?? 0));
  expect(tooMany).toEqual([]);
}, 120_000);

test('somebody takes all connections while the apps run: told as 503, and all come back alone', async () => {
  const pids = fleet.names.map((name) => fleet.get(name).pid);
  const load = new IdempotentLoad({ client: fleet.client, accountIds, random, perSecond: 80 });
  await sleep(1_500);
  const linesBefore = linesOf();
  hog = new ConnectionHog(fleet.database.ownerUrl);
  await untilAllTaken();
  const takenAtMs = performance.now();
  const told = new Map<string, number>();
  const ask = async (what: string, path: string) => {
    const answer = await fleet.client
      .get(path)
      .catch((error: unknown) => ({ status: 0, text: String(error) }));
    const line = `${what}: ${answer.status === 200 ? 200 : answer.status === 503 ? codeOf(`503 ${answer.text}`) : codeOf(`${answer.status} ${answer.text}`)}`;
    told.set(line, (told.get(line) ?? 0) + 1);
    return answer.status;
  };
  while (performance.now() - takenAtMs < outageMs) {
    await takeFromApps();
    await Promise.all([
      ask('live', '/health/live'),
      ask('ready', '/health/ready'),
      ask('balance', `/v1/accounts/${accountIds[0]!}/balance`),
      ask('list', '/v1/transactions'),
    ]);
    await sleep(250);
  }
  const outageSeconds = (performance.now() - takenAtMs) / 1_000;
  const lines = linesOf() - linesBefore;
  const taken = hog.count;
  await hog.stop();
  hog = undefined;
  const givenBackAtMs = performance.now();
  const answered = await newTransfer();
  const recoveredMs = performance.now() - givenBackAtMs;
  await load.stop();
  for (const key of answered) load.answered.add(key);
  await untilDelivered(fleet);
  const refusals = [...new Set(load.refusals.map(codeOf))];
  reportFigures('all connections taken', {
    'taken by another': taken,
    'answered transfers': load.answered.size,
    'asked again': load.repeated,
    'told meanwhile': refusals.join(', '),
    'writable again after': inSeconds(recoveredMs),
    'log lines a second': (lines / outageSeconds).toFixed(1),
  });
  process.stdout.write(
    `answers meanwhile: ${[...told].map(([line, count]) => `${line} ${count}×`).join('; ')}\n`,
  );

  expectSame(await compareWithJournal(fleet));
  await expectVerified(fleet.database.ownerUrl);
  expect(fleet.names.map((name) => fleet.get(name).pid)).toEqual(pids);
  expect(refusals.filter((each) => !/^503 (unavailable|outcome_unknown|overloaded)$/.test(each))).toEqual([]);
  const wrong = [...told.keys()].filter(
    (line) => !/^(live: 200|ready: (200|503.*)|(balance|list): (200|503 \w+))$/s.test(line),
  );
  expect(wrong).toEqual([]);
  expect(told.has('live: 200')).toBe(true);
  expect(lines / outageSeconds).toBeLessThan(linesPerSecondMax);
  expect(recoveredMs).toBeLessThan(recoveryMsMax);
  await expectAnsweredOnce(fleet, new Set([...load.answered, ...(await earlierKeys(load.answered))]));
}, 240_000);

test('apps that start while all connections are taken wait for their turn, and start once they are given back', async () => {
  await Promise.all(fleet.names.map((name) => fleet.kill(name)));
  hog = new ConnectionHog(fleet.database.ownerUrl);
  await untilAllTaken();
  const startedAtMs = performance.now();
  const starting = Promise.all([fleet.up('api'), fleet.up('dispatcher-2')]);
  starting.catch(() => undefined);
  // Longer than a process takes to come so far, on a busy machine too.
  await sleep(12_000);
  await hog.stop();
  hog = undefined;
  const givenBackAtMs = performance.now();
  // One that has ended instead is told here.
  await starting;
  const readyMs = performance.now() - givenBackAtMs;
  reportFigures('starting with all connections taken', {
    waited: inSeconds(givenBackAtMs - startedAtMs),
    'ready after': inSeconds(readyMs),
  });
  await newTransfer();
  await untilDelivered(fleet);
  expectSame(await compareWithJournal(fleet));
}, 120_000);

function linesOf(): number {
  return fleet.names.reduce((sum, name) => sum + fleet.get(name).logs().split('\n').length, 0);
}

/** Asked for until it is made; its key. */
async function newTransfer(): Promise<string[]> {
  const key = newKey();
  const [sender, recipient] = accountIds;
  await until('a transfer is made', async () => {
    const body = { sender, recipient, amount: 1 };
    const answer = await fleet.client.post('/v1/transactions', body, { key }).catch(() => null);
    return answer?.status === 201;
  });
  return [key];
}

/** Of the transfers that an earlier test has made. */
async function earlierKeys(later: ReadonlySet<string>): Promise<string[]> {
  const { rows } = await fleet.db.query<{ key: string }>(
    `SELECT idempotency_key AS key FROM journal.events WHERE idempotency_key IS NOT NULL AND type LIKE 'transaction.%'
      AND recorded_at < (SELECT min(recorded_at) FROM journal.events WHERE idempotency_key = ANY ($1))`,
    [[...later]],
  );
  return rows.map(({ key }) => key);
}
