import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CannotStart } from '../start/cannot-start.js';
import { SupervisedProcess } from '../start/supervised-process.js';
import { prepareBroker, READY_LINE } from './broker.js';

export interface KafkaOptions {
  /** Where the broker keeps everything; the same at the next start. The caller lets no one else use it. */
  readonly directory: string;
  readonly port?: number;
  /** The broker's own messages. */
  readonly log: { append(chunk: Buffer): void; lastMessage(...levels: string[]): string | undefined };
  readonly signal?: AbortSignal;
}

export interface KafkaServer {
  /** For KAFKA_BROKERS. */
  readonly brokers: string;
  readonly port: number;
  /** Undefined while a broker that ended is being started again. */
  readonly pid: number | undefined;
  stop(hurry: AbortSignal): Promise<void>;
}

const READY_SECONDS_MAX = 120;
const EXITS_BEFORE_READY_MAX = 3;
const PID_FILE = 'broker.pid';
const ORPHAN_SECONDS_MAX = 20;

/**
 * Apache Kafka as our own supervised child on 127.0.0.1, from Maven Central the first time. Throws CannotStart,
 * with a sentence for a person, where Java 17 or Maven is missing. A broker that an earlier, killed start has left
 * on this directory is stopped first.
 */
export async function startKafka(options: KafkaOptions): Promise<KafkaServer> {
  const { directory, log } = options;
  await stopOrphan(directory);
  const broker = await prepareBroker({ directory, port: options.port });
  let isReady = false;
  const server = new SupervisedProcess({
    name: 'Kafka',
    start: async () => {
      const child = broker.spawn();
      await writeFile(join(directory, PID_FILE), String(child.pid));
      child.stdout?.on('data', (chunk: Buffer) => {
        isReady ||= chunk.includes(READY_LINE);
        log.append(chunk);
      });
      child.stderr?.on('data', (chunk: Buffer) => log.append(chunk));
      return child;
    },
    stopSteps: [
      { signal: 'SIGTERM', limitMs: 20_000 },
      { signal: 'SIGKILL', limitMs: 5_000 },
    ],
  });
  server.start();
  try {
    await server.untilReady({
      check: () =>
        Promise.resolve(isReady ? undefined : (log.lastMessage('FATAL', 'ERROR') ?? 'it has not answered')),
      limitMs: READY_SECONDS_MAX * 1000,
      exitsMax: EXITS_BEFORE_READY_MAX,
      signal: options.signal ?? new AbortController().signal,
    });
  } catch (error) {
    await server.stop(AbortSignal.timeout(5_000));
    throw error;
  }
  return {
    brokers: `127.0.0.1:${broker.port}`,
    port: broker.port,
    get pid() {
      return server.pid;
    },
    async stop(hurry) {
      await server.stop(hurry);
      await rm(join(directory, PID_FILE), { force: true });
    },
  };
}

/** A broker outlives a supervisor that was killed; it is stopped, so that the next one is ours to supervise. */
export async function stopOrphan(directory: string): Promise<void> {
  const path = join(directory, PID_FILE);
  const pid = Number(await readFile(path, 'utf8').catch(() => ''));
  if (!(await isBrokerOn(pid, directory))) return;
  process.kill(pid, 'SIGTERM');
  for (const deadline = Date.now() + ORPHAN_SECONDS_MAX * 1000; Date.now() < deadline; await sleep(50)) {
    if (!(await isBrokerOn(pid, directory))) return;
  }
  process.kill(pid, 'SIGKILL');
  await sleep(500);
  if (await isBrokerOn(pid, directory)) {
    throw new CannotStart(`The Kafka of an earlier start (process ${pid}) on ${directory} can't be stopped.`);
  }
}

/** The number may belong to another process today: a broker names its directory in its command. Linux only. */
async function isBrokerOn(pid: number, directory: string): Promise<boolean> {
  if (!(pid > 0)) return false;
  const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  return command.split('\0').includes(join(directory, 'server.properties'));
}
