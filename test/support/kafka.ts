import type { ChildProcess } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { kafkaSettingSpecs, type KafkaSettings } from '#event-stream';
import { readEnvironment } from '#platform';
import { prepareBroker, READY_LINE, type PreparedBroker } from '../../tools/kafka/broker.js';
import { stopOrphan } from '../../tools/kafka/server.js';
import { givenKafkaSettings } from './config.js';
import { isRunning, RunningProcess } from './running-process.js';

export interface TestBroker {
  /** Of an app that uses it. */
  readonly env: Readonly<Record<string, string>>;
  /** The same, as a library takes them. */
  readonly settings: KafkaSettings;
  /** False where a cluster is given, which the tests don't stop. */
  readonly isOurs: boolean;
  /** Where a proxy that stands at `proxyPort` has to pass connections on to. */
  readonly proxiedPort: number | undefined;
  /** Graceful, or kill -9; the port and the data stay. */
  stop(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>;
  start(): Promise<void>;
  close(): Promise<void>;
}

const PREFIX = 'ledger-test-kafka-';
const STARTS_MAX = 3;
/** Quicker than any cluster of production would let a consumer be given up. */
const TEST_SETTINGS = {
  KAFKA_EVENTS_PARTITIONS: '4',
  KAFKA_ENTRIES_PARTITIONS: '4',
  KAFKA_SESSION_MS: '2000',
};

/** Of tests that stop the broker or stand between: a cluster that is given is left alone. */
export const withOwnBroker = givenKafkaSettings() === undefined ? test : test.skip;

/** A broker of this file's own, or the cluster that KAFKA_BROKERS names. */
export async function startTestBroker({ proxyPort }: { proxyPort?: number } = {}): Promise<TestBroker> {
  const given = givenKafkaSettings();
  if (given !== undefined) return givenCluster(given);
  await removeAbandoned();
  const directory = await mkdtemp(join(tmpdir(), PREFIX));
  await writeFile(join(directory, 'pid'), String(process.pid));
  const started = await startOnFreePorts(directory, proxyPort);
  const { broker } = started;
  let { running } = started;
  const env = { ...TEST_SETTINGS, KAFKA_BROKERS: `127.0.0.1:${broker.port}` };
  return {
    env,
    settings: settingsOf(env),
    isOurs: true,
    proxiedPort: broker.proxiedPort,
    async stop(signal) {
      if (signal === 'SIGTERM') await running.stop();
      else await running.kill();
    },
    async start() {
      running = await startBroker(broker);
    },
    async close() {
      await running.kill();
      await rm(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
    },
  };
}

/** Settings from an environment, as the apps read them. */
export function settingsOf(env: Readonly<Record<string, string>>): KafkaSettings {
  return readEnvironment<KafkaSettings>({ ...env }, kafkaSettingSpecs);
}

function givenCluster(env: Record<string, string>): TestBroker {
  const refuse = () => Promise.reject(new Error('a cluster that is given is not stopped'));
  return {
    env,
    settings: settingsOf(env),
    isOurs: false,
    proxiedPort: undefined,
    stop: refuse,
    start: refuse,
    close: () => Promise.resolve(),
  };
}

/** Another process may take a port between its being found and its being listened on. */
async function startOnFreePorts(directory: string, proxyPort: number | undefined) {
  for (let tries = 1; ; tries++) {
    const broker = await prepareBroker({ directory, proxyPort });
    try {
      return { broker, running: await startBroker(broker) };
    } catch (error) {
      if (tries === STARTS_MAX) throw error;
    }
  }
}

async function startBroker(broker: PreparedBroker): Promise<RunningProcess> {
  const child: ChildProcess = broker.spawn();
  const running = new RunningProcess(child);
  await writeFile(join(broker.directory, 'broker.pid'), String(running.pid));
  try {
    await running.until('Kafka to be ready', () => running.output().includes(READY_LINE), 120_000);
  } catch (error) {
    await running.kill();
    throw error;
  }
  return running;
}

/** A run that was killed could not stop its broker; the directory names the process that is gone. */
async function removeAbandoned(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    if (!name.startsWith(PREFIX)) continue;
    const directory = join(tmpdir(), name);
    const owner = Number(await readFile(join(directory, 'pid'), 'utf8').catch(() => ''));
    if (!(owner > 0) || (await isRunning(owner))) continue;
    await stopOrphan(directory);
    await rm(directory, { recursive: true, force: true });
  }
}
