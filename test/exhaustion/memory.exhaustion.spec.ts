import { get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { Load, type Tally, type Traffic } from '../../bench/transfers/load.js';
import { batches, httpRequest, transfers } from '../../bench/transfers/transfers.js';
import { startBothApps, type BothApps } from '../support/both-apps.js';
import { Client } from '../support/client.js';
import { reportFigures } from '../support/fault-run.js';
import { takePeakMegabytes } from '../support/memory-peaks.js';
import type { Product } from '../support/product.js';
import { ReceiverLog } from '../support/receiver-log.js';
import { seededRandom } from '../support/seeded-random.js';
import { expectVerified } from '../support/verify.js';
import { createEndpoint } from '../support/webhook-fixtures.js';

/**
 * Each app in 256 MB, under all that can be asked of it at once: what is too much is refused with 503 and
 * Retry-After, and nothing dies. Measured is what the kernel counts as resident, at its peak, of the whole process.
 */
const megabytesMax = 256;
/** What is told to Node for 256 MB: beside the heap there are buffers, code, and the libraries. */
const nodeOptions = ['--max-old-space-size=112', '--max-semi-space-size=8'];
const loadMs = 8_000;

let apps: BothApps;
let client: Client;
let receiver: ReceiverLog;
let accountIds: string[];
const peaks: Record<string, Record<string, number>> = {};

beforeAll(async () => {
  seededRandom();
  apps = await startBothApps({ LOG_LEVEL: 'warn' }, nodeOptions);
  client = new Client(apps.ledger.url, apps.ledger.apiKey);
  receiver = await ReceiverLog.start({ delayMs: 1_500 });
  accountIds = [];
  for (let n = 0; n < 50; n++) {
    accountIds.push((await client.open({ openingBalance: '1000000000000' })).id);
  }
  measure('started');
}, 120_000);

afterAll(async () => {
  reportFigures('memory of a ledger process, peak in MB', peaks['ledger'] ?? {});
  reportFigures('memory of a dispatcher process, peak in MB', peaks['dispatcher'] ?? {});
  client.close();
  await receiver.close();
  await apps.stop();
}, 90_000);

function measure(scenario: string): Record<string, number> {
  const measured = { ledger: peakOf(apps.ledger), dispatcher: peakOf(apps.dispatcher) };
  for (const [app, megabytes] of Object.entries(measured)) (peaks[app] ??= {})[scenario] = megabytes;
  return measured;
}

function peakOf(app: Product): number {
  try {
    return takePeakMegabytes(app.pid);
  } catch (error) {
    throw new Error(`A process has ended; it printed: ${app.logs().slice(-5_000)}`, { cause: error });
  }
}

function expectWithin(measured: Record<string, number>): void {
  expect(Object.entries(measured).filter(([, megabytes]) => megabytes > megabytesMax)).toEqual([]);
}

async function run(traffic: Traffic, connections: number, successStatus: number): Promise<Tally> {
  const load = new Load(apps.ledger.url, connections, traffic, successStatus);
  try {
    await sleep(loadMs);
    await load.finish();
    return load.take();
  } finally {
    load.abort();
  }
}

/** Besides success only 503 is an answer to load. */
function refusedOtherwise({ refusals }: Tally): string[] {
  return [...refusals.keys()].filter(
    (told) => !/^503 (overloaded|unavailable|projection_lagging)$/.test(told),
  );
}

const endless = (requests: readonly string[]): Traffic => {
  let count = 0;
  return { next: () => requests[count++ % requests.length] };
};

it('transfers of 256 connections', async () => {
  const tally = await run(transfers('uniform', accountIds, apps.ledger.apiKey, 'transfers'), 256, 201);
  expectWithin(measure('transfers, 256 connections'));
  expect(refusedOtherwise(tally)).toEqual([]);
  expect(tally.units).toBeGreaterThan(100);
}, 120_000);

it('batches of 1,000 of 24 connections', async () => {
  const tally = await run(batches('batch-independent', accountIds, apps.ledger.apiKey, 'batches'), 24, 200);
  expectWithin(measure('batches of 1,000, 24 connections'));
  expect(refusedOtherwise(tally)).toEqual([]);
  expect(tally.units).toBeGreaterThan(1_000);
}, 120_000);

it('lists of 100 rows of 64 connections', async () => {
  const { apiKey } = apps.ledger;
  const paths = ['transactions', 'accounts', 'events'].map(
    (list) => `/v1/${list}?${list === 'events' ? 'limit' : 'page[limit]'}=100`,
  );
  const tally = await run(endless(paths.map((path) => httpRequest(`GET ${path}`, apiKey))), 64, 200);
  expectWithin(measure('lists, 64 connections'));
  expect(refusedOtherwise(tally)).toEqual([]);
  expect(tally.units).toBeGreaterThan(100);
}, 120_000);

it('statements of a long account, read slowly by 16', async () => {
  const from = new Date(Date.now() - 86_400_000).toISOString();
  const to = new Date(Date.now() + 1_000).toISOString();
  const url = `${apps.ledger.url}/v1/accounts/${accountIds[0]!}/statement?from=${from}&to=${to}&by=recorded`;
  const headers = { authorization: `Bearer ${apps.ledger.apiKey}`, accept: 'text/csv' };
  const bytes = await Promise.all(
    Array.from(
      { length: 16 },
      () =>
        new Promise<number>((resolve, reject) => {
          get(url, { headers }, (answer) => {
            let read = 0;
            answer.on('data', (chunk: Buffer) => {
              read += chunk.length;
              answer.pause();
              setTimeout(() => answer.resume(), 5);
            });
            answer.on('end', () =>
              answer.statusCode === 200 ? resolve(read) : reject(new Error(String(answer.statusCode))),
            );
          }).on('error', reject);
        }),
    ),
  );
  expectWithin(measure('statements, 16 slow readers'));
  expect(Math.min(...bytes)).toBeGreaterThan(10_000);
}, 120_000);

it('bodies of a megabyte of 128 connections', async () => {
  const [sender, recipient] = accountIds;
  const json = JSON.stringify({ sender, recipient, amount: 1, metadata: { text: 'x'.repeat(1_047_000) } });
  const request = httpRequest('POST /v1/transactions', apps.ledger.apiKey, { json, idempotencyKey: 'large' });
  const tally = await run(endless([request]), 128, 413);
  expectWithin(measure('bodies of 1 MB, 128 connections'));
  // What is refused for its size is so for that alone, however often it comes.
  expect([...tally.refusals.keys()].filter((told) => !/^(400|413|503 overloaded)/.test(told))).toEqual([]);
}, 120_000);

it('batches of the largest size of 32 connections', async () => {
  const [sender, recipient] = accountIds;
  const transactions = Array.from({ length: 1_000 }, (_, n) => ({
    sender,
    recipient,
    amount: 1,
    reference: `${n} ${'x'.repeat(240)}`,
    metadata: { text: 'y'.repeat(3_900) },
  }));
  const json = JSON.stringify({ mode: 'independent', transactions });
  let count = 0;
  const { apiKey } = apps.ledger;
  const traffic: Traffic = {
    next: () =>
      httpRequest('POST /v1/transactions/batch', apiKey, { json, idempotencyKey: `heavy-${count++}` }),
  };
  const tally = await run(traffic, 32, 200);
  expectWithin(measure('batches of 4 MB, 32 connections'));
  expect(refusedOtherwise(tally)).toEqual([]);
}, 120_000);

it('sixty webhook endpoints whose receivers are slow', async () => {
  const webhooks = new Client(apps.dispatcher.url, apps.ledger.apiKey);
  for (let n = 0; n < 60; n++) {
    const { secret } = await createEndpoint(webhooks, {
      url: receiver.urlOf(`slow-${n}`),
      maxConcurrency: 32,
    });
    receiver.add(`slow-${n}`, secret);
  }
  webhooks.close();
  const tally = await run(transfers('uniform', accountIds, apps.ledger.apiKey, 'webhooks'), 32, 201);
  await sleep(5_000);
  expectWithin(measure('60 slow webhook endpoints'));
  expect(refusedOtherwise(tally)).toEqual([]);
}, 120_000);

it('what is too much is told with Retry-After, and both are alive and right', async () => {
  const text = 'x'.repeat(1_000_000);
  const answers = await Promise.all(
    Array.from({ length: 64 }, () =>
      client.post('/v1/transactions', { metadata: { text } }).catch(() => null),
    ),
  );
  const overloaded = answers.filter((answer) => answer?.status === 503);
  expect(overloaded.every((answer) => answer?.headers['retry-after'] === '1')).toBe(true);
  expectWithin(measure('bodies at once'));
  expect((await client.get('/health/ready')).status).toBe(200);
  expect(await Promise.race([apps.ledger.exited, apps.dispatcher.exited, sleep(10, 'alive')])).toBe('alive');
  await expectVerified(apps.database.ownerUrl);
}, 180_000);
