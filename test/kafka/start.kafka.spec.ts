import { execFile } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { givenKafkaSettings } from '../support/config.js';
import { withOwnBroker } from '../support/kafka.js';
import { startWholeProduct, type WholeProduct } from '../support/product.js';
import { childrenOf, isRunning } from '../support/running-process.js';

const given = givenKafkaSettings();
const startLimitMs = 180_000;
let home: string;
let product: WholeProduct;

/** `npm run start:kafka`. */
const start = () =>
  startWholeProduct({ dataDirectory: join(home, 'data'), args: ['--kafka'], env: given ?? {} });

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'ledger-start-kafka-'));
  await chmod(home, 0o755);
  product = await start();
}, startLimitMs);

afterAll(async () => {
  await product.stop();
  await rm(home, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
}, 60_000);

async function until(what: string, isSo: () => boolean | Promise<boolean>, limitMs = 90_000): Promise<void> {
  for (const deadline = Date.now() + limitMs; Date.now() < deadline;) {
    if (await isSo()) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`Waited ${limitMs} ms for ${what}. It printed:\n${product.logs().slice(-5_000)}`);
}

/** Pastes the tour; resolves when its receiver has printed the transfer that the tour makes for webhooks. */
async function pasteTour(): Promise<void> {
  const { stdout } = await promisify(execFile)('bash', ['-c', product.tour.join('\n')]);
  const { data: transfer } = JSON.parse(stdout.split('\n')[7] ?? '') as { data: { sender: string } };
  const line = new RegExp(`transaction\\.posted: 100 EUR from ${transfer.sender} to \\S+, verified$`, 'm');
  await until('the webhook', () => line.test(product.logs()));
}

const pidOf = async (part: string) =>
  (await childrenOf(product.pid)).find(({ command }) => command.includes(part))?.pid ?? 0;

test('both apps are told of Kafka, and the tour shows a delivery that came through it', async () => {
  for (const app of ['apps/ledger/', 'apps/webhook-dispatcher/']) {
    const environment = await readFile(`/proc/${await pidOf(app)}/environ`, 'utf8');
    expect(environment).toMatch(/(^|\0)KAFKA_BROKERS=\S+:\d+/);
  }
  await pasteTour();
  const { stdout: metrics } = await promisify(execFile)('curl', ['-sS', `${product.url}/metrics`]);
  expect(metrics).toMatch(/^ledger_publishing_events_total(\{.*\})? [1-9]/m);
}, 150_000);

withOwnBroker(
  'a broker that is killed comes back, with what it had',
  async () => {
    const broker = await pidOf('kafka.Kafka');
    process.kill(broker, 'SIGKILL');
    await until('another broker', async () => ![0, broker].includes(await pidOf('kafka.Kafka')));
    await pasteTour();
  },
  150_000,
);

withOwnBroker(
  'after kill -9 of the supervisor the next start replaces the broker and goes on',
  async () => {
    const broker = await pidOf('kafka.Kafka');
    await product.kill('SIGKILL');
    product = await start();
    expect(await isRunning(broker)).toBe(false);
    await pasteTour();
  },
  startLimitMs + 120_000,
);

withOwnBroker(
  'SIGTERM ends the broker as well',
  async () => {
    const broker = await pidOf('kafka.Kafka');
    expect(await product.stop()).toEqual({ code: 0, signal: null });
    expect(await isRunning(broker)).toBe(false);
  },
  60_000,
);
