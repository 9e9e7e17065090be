import { setTimeout as sleep } from 'node:timers/promises';
import { chmodSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { Client, newKey } from '../support/client.js';
import { isContinuousIntegration } from '../support/config.js';
import { inSeconds, reportFigures } from '../support/fault-run.js';
import type { FleetEndpoint } from '../support/fleet.js';
import { IdempotentLoad } from '../support/idempotent-load.js';
import { startWholeProduct, type WholeProduct } from '../support/product.js';
import { ReceiverLog } from '../support/receiver-log.js';
import { childrenOf } from '../support/running-process.js';
import {
  compareWithJournal,
  expectAnsweredOnce,
  expectSame,
  untilDelivered,
  type Delivering,
} from '../support/same-events.js';
import { seededRandom } from '../support/seeded-random.js';
import { SmallDisk, whatMountingLacks } from '../support/small-disk.js';
import { until } from '../support/until.js';
import { expectVerified } from '../support/verify.js';
import { createEndpoint } from '../support/webhook-fixtures.js';

/**
 * The whole product, with its own supervised Postgres, on a disk that gets full under load: first tables can't grow,
 * then the write-ahead log can't, at which Postgres panics and can't come back until somebody frees space.
 */
const diskMegabytes = 320;
const recoveryMsMax = 45_000;
/** Beside the line that each request has: of all processes, a second. */
const linesPerSecondMax = 40;

const missing = whatMountingLacks();
const withSmallDisk = missing === null || isContinuousIntegration() ? test : test.skip;
if (missing !== null) console.error(`a full disk: NOT RUN, ${missing}`);

let disk: SmallDisk | undefined;
let product: WholeProduct | undefined;
let receiver: ReceiverLog | undefined;
const closing: (() => Promise<unknown> | void)[] = [];

afterAll(async () => {
  disk?.free();
  await product?.stop();
  await receiver?.close();
  for (const close of closing) await close();
  disk?.unmount();
}, 90_000);

/** What calls were told, by status and code. */
class Answers {
  readonly counts = new Map<string, number>();

  async ask(what: string, call: () => Promise<{ status: number; text: string }>): Promise<number> {
    const { status, text } = await call().catch((error: unknown) => ({ status: 0, text: String(error) }));
    const code = /"code":"([a-z_]+)"/.exec(text)?.[1];
    const told = `${what}: ${status}${code === undefined ? '' : ` ${code}`}`;
    this.counts.set(told, (this.counts.get(told) ?? 0) + 1);
    return status;
  }

  told(what: string): string[] {
    return [...this.counts.keys()].filter((each) => each.startsWith(`${what}: `)).sort();
  }

  get summary(): string {
    return [...this.counts].map(([told, count]) => `${told} ${count}×`).join('; ');
  }
}

async function passwordOf(dataDirectory: string, name: string): Promise<string> {
  return (await readFile(join(dataDirectory, 'secrets', name), 'utf8')).trim();
}

async function appPids({ pid }: WholeProduct): Promise<(number | undefined)[]> {
  const children = await childrenOf(pid);
  return ['apps/ledger/', 'apps/webhook-dispatcher/'].map(
    (part) => children.find(({ command }) => command.includes(part))?.pid,
  );
}

/** Lines of the apps that are not the one that each request has. */
function linesBesideRequests(output: string): string[] {
  return output.split('\n').filter((line) => line.startsWith('{') && !line.includes('"msg":"request"'));
}

withSmallDisk(
  'the disk of Postgres gets full under load: told as 503, nothing is lost or half done, and all come back alone',
  async () => {
    const random = seededRandom();
    disk = SmallDisk.mount(diskMegabytes);
    chmodSync(disk.path, 0o755);
    product = await startWholeProduct({ dataDirectory: join(disk.path, 'data'), env: { LOG_LEVEL: 'info' } });
    const { url, apiKey, dataDirectory } = product;
    const port = /^Postgres runs on port (\d+)/m.exec(product.logs())?.[1];
    const urlOf = async (role: string, file: string) =>
      `postgres://${role}:${await passwordOf(dataDirectory, file)}@127.0.0.1:${port}/ledger`;
    const superuserUrl = await urlOf('postgres', 'postgres-password');
    const db = new pg.Pool({ connectionString: superuserUrl, max: 3 });
    db.on('error', () => undefined);
    // Connected before: a session that begins has files to write.
    const filler = new pg.Client({ connectionString: superuserUrl, statement_timeout: 5_000 });
    filler.on('error', () => undefined);
    await filler.connect();
    const client = new Client(url, apiKey);
    closing.push(
      () => client.close(),
      () => db.end(),
    );
    receiver = await ReceiverLog.start();
    const { id, secret } = await createEndpoint(client, { url: receiver.urlOf('any') });
    const endpoints: FleetEndpoint[] = [{ name: 'any', id, received: receiver.add('any', secret) }];
    const logs = () => product?.logs().slice(-6_000) ?? '';
    const whole: Delivering = { db, endpoints, broker: undefined, logs, database: { superuserUrl } };
    const accountIds: string[] = [];
    for (let n = 0; n < 12; n++) accountIds.push((await client.open({ openingBalance: 1_000_000_000 })).id);

    const load = new IdempotentLoad({ client, accountIds, random, perSecond: 80 });
    await sleep(3_000);
    const pids = await appPids(product);
    const before = linesBesideRequests(product.logs()).length;
    const fullAtMs = performance.now();
    disk.fill();

    const answers = new Answers();
    const live = async () => answers.ask('live', () => client.get('/health/live'));
    const ready = async () => answers.ask('ready', () => client.get('/health/ready'));
    const probe = async () => {
      const [sender, recipient] = accountIds;
      const body = { sender, recipient, amount: 1 };
      await Promise.all([
        live(),
        ready(),
        answers.ask('write', () => client.post('/v1/transactions', { ...body, dryRun: true })),
        answers.ask('balance', () => client.get(`/v1/accounts/${String(sender)}/balance`)),
        answers.ask('list', () => client.get('/v1/transactions')),
        answers.ask('webhooks', () => client.get('/v1/webhook-deliveries')),
      ]);
    };
    await until('a write is refused', () => load.refusals.length > 0, 60);
    await probe();
    const refusedAtMs = performance.now();
    // What is left of the log is used up, as more load would; the ballast takes what Postgres gives back.
    const isDown = () => /Postgres ended unexpectedly/.test(product!.logs());
    const ways = [0, 1, 2, 3].map(
      (n) => `SELECT pg_logical_emit_message(${n % 2 === 0}, 'fill', repeat(md5(random()::text), 200000))`,
    );
    await until(
      'Postgres goes down',
      async () => {
        disk!.fill();
        for (const way of ways) await filler.query(way).catch(() => undefined);
        return isDown();
      },
      60,
    );
    const downAtMs = performance.now();
    await until('it is not ready', async () => (await ready()) === 503, 20);
    for (let n = 0; n < 8; n++) {
      await probe();
      await sleep(500);
    }
    const outageSeconds = (performance.now() - fullAtMs) / 1_000;
    const lines = linesBesideRequests(product.logs()).slice(before);
    expect(await appPids(product)).toEqual(pids);

    disk.free();
    const freeAtMs = performance.now();
    await until('it is ready', async () => (await ready()) === 200, 60);
    await until('a new transfer is made', async () => {
      const [sender, recipient] = accountIds;
      const key = newKey();
      const body = { sender, recipient, amount: 1 };
      const answer = await client.post('/v1/transactions', body, { key }).catch(() => null);
      if (answer?.status === 201) load.answered.add(key);
      return answer?.status === 201;
    });
    const recoveredMs = performance.now() - freeAtMs;
    await load.stop();
    await untilDelivered(whole);
    const deliveredMs = performance.now() - freeAtMs;
    const difference = await compareWithJournal(whole);
    const refusals = [
      ...new Set(load.refusals.map((told) => told.replace(/^(\d+).*"code":"([a-z_]+)".*$/s, '$1 $2'))),
    ];
    reportFigures('a full disk', {
      'answered transfers': load.answered.size,
      'asked again': load.repeated,
      'told meanwhile': refusals.join(', '),
      'first refusal after': inSeconds(refusedAtMs - fullAtMs),
      'Postgres down after': inSeconds(downAtMs - fullAtMs),
      'writable again after': inSeconds(recoveredMs),
      'delivered after': inSeconds(deliveredMs),
      'log lines a second': (lines.length / outageSeconds).toFixed(1),
      events: difference.events,
      lost: difference.lost.length,
    });
    process.stdout.write(`answers while it was full: ${answers.summary}\n`);

    expectSame(difference);
    await expectAnsweredOnce(whole, load.answered);
    await expectVerified(await urlOf('ledger_owner', 'owner-password'));
    expect(await appPids(product)).toEqual(pids);
    expect(answers.told('live')).toEqual(['live: 200']);
    // A connection that was never answered is one that timed out on the way.
    expect(refusals.filter((told) => !/^503 (unavailable|outcome_unknown|overloaded)$/.test(told))).toEqual(
      [],
    );
    const wrong = [...answers.counts.keys()].filter((told) => !/: (20\d|503 |503$)/.test(told));
    expect(wrong).toEqual([]);
    expect(lines.length / outageSeconds).toBeLessThan(linesPerSecondMax);
    expect(recoveredMs).toBeLessThan(recoveryMsMax);
  },
  360_000,
);
