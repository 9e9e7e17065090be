import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { findFreePort } from '../../tools/start/free-port.js';
import type { RunningProduct } from './config.js';

const READY_SECONDS_MAX = 240;
const STOP_SECONDS_MAX = 90;
const OUTPUT_CHARACTERS_MAX = 20_000;

export interface StartedProduct extends RunningProduct {
  readonly pid: number;
  /** The ledger's database, by a role that may read all of it. */
  readonly postgresUrl: string;
  readonly readyAfterSeconds: number;
  /** Ends the processes and removes the data. */
  stop(): Promise<void>;
}

/**
 * The whole product as a user starts it, on a directory that did not exist before. It is a process group of its
 * own, so that Ctrl-C reaches us alone and we end it in order.
 */
export async function startProduct(
  environment: Readonly<Record<string, string>>,
  stop: AbortSignal,
  /** `--kafka`: with a broker of its own, where the environment names none. */
  startArguments: readonly string[] = [],
): Promise<StartedProduct> {
  const [port, dispatcherPort] = [await findFreePort(), await findFreePort()];
  // Made by the product itself: it knows who has to reach it.
  const dataDirectory = join(tmpdir(), `ledger-bench-${randomBytes(6).toString('hex')}`);
  const apiKey = `sk_live_bench${randomBytes(24).toString('hex')}`;
  const startedAt = performance.now();
  const child = spawn(
    process.execPath,
    [fileURLToPath(new URL('../../../tools/start.mjs', import.meta.url)), ...startArguments],
    {
      env: {
        ...environment,
        DATA_DIR: dataDirectory,
        PORT: String(port),
        DISPATCHER_PORT: String(dispatcherPort),
        BOOTSTRAP_API_KEY: apiKey,
      },
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  const exited = once(child, 'exit');
  const end = async (): Promise<void> => {
    await endProcess(child, exited);
    await rm(dataDirectory, { recursive: true, force: true });
  };
  try {
    await untilReady(child, stop);
    return {
      url: `http://127.0.0.1:${port}`,
      apiKey,
      postgresUrl: environment['DATABASE_URL'] ?? (await embeddedPostgresUrl(dataDirectory)),
      pid: child.pid ?? 0,
      readyAfterSeconds: (performance.now() - startedAt) / 1000,
      stop: end,
    };
  } catch (error) {
    await end();
    throw error;
  }
}

/** Afterwards its output is read and thrown away: a pipe that nobody empties would stop the product. */
async function untilReady(child: ChildProcess, stop: AbortSignal): Promise<void> {
  let output = '';
  let isReady = false;
  const collect = (chunk: Buffer): void => {
    if (isReady) return;
    output = (output + chunk.toString('utf8')).slice(-OUTPUT_CHARACTERS_MAX);
    isReady = /^Ready after /m.test(output);
  };
  child.stdout?.on('data', collect);
  child.stderr?.on('data', collect);
  for (const deadline = Date.now() + READY_SECONDS_MAX * 1000; !isReady && Date.now() < deadline;) {
    stop.throwIfAborted();
    if (child.exitCode !== null || child.signalCode !== null) break;
    await sleep(25);
  }
  if (!isReady) throw new Error(`The product did not become ready. It printed:\n${output}`);
}

async function endProcess(child: ChildProcess, exited: Promise<unknown>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  const patience = new AbortController();
  const late = sleep(STOP_SECONDS_MAX * 1000, 'late', { signal: patience.signal }).catch(() => undefined);
  if ((await Promise.race([exited, late])) === 'late') {
    child.kill('SIGKILL');
    await exited;
  }
  patience.abort();
}

/** The port is the fourth line of the file by which Postgres finds itself. */
async function embeddedPostgresUrl(dataDirectory: string): Promise<string> {
  const postmaster = await readFile(join(dataDirectory, 'postgres', 'postmaster.pid'), 'utf8');
  const password = (await readFile(join(dataDirectory, 'secrets', 'postgres-password'), 'utf8')).trim();
  return `postgres://postgres:${password}@127.0.0.1:${postmaster.split('\n')[3]}/ledger`;
}
