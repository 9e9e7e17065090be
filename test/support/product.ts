import { fork, spawn } from 'node:child_process';
import { join } from 'node:path';
import { findFreePort } from '../../tools/start/free-port.js';
import { cleanEnvironment, projectDirectory } from './config.js';
import { isReady, RunningProcess, type Exit } from './running-process.js';

export const BOOTSTRAP_API_KEY = 'sk_live_test000000000000000000000000000000000000000';
export const OPERATOR_API_KEY = 'operator-test-00000000000000000000000000000000000';
export const SECRETS_KEY = Buffer.alloc(32, 7).toString('base64');

/** Two seconds on a machine of one's own; many on one that others use as well. */
const readyMsMax = 180_000;

export interface ProductOptions {
  /** The ledger app's own login. */
  readonly databaseUrl: string;
  readonly port?: number;
  /** Further settings of the app, or others in place of the usual ones. */
  readonly env?: Readonly<Record<string, string>>;
  /** Options of Node, such as `--cpu-prof`. */
  readonly nodeOptions?: readonly string[];
  /** Where another release is built; absent, this one is started. */
  readonly directory?: string;
}

export interface Product {
  readonly url: string;
  readonly apiKey: string;
  readonly pid: number;
  readonly exited: Promise<Exit>;
  /** SIGKILL, the default, waits for the end. */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** Lets it drain. */
  stop(): Promise<Exit>;
  logs(): string;
}

/** The built ledger app, from outside, on a database that is migrated. Ready when this resolves. */
export async function startProduct(options: ProductOptions): Promise<Product> {
  const port = options.port ?? (await findFreePort());
  const apiKey = options.env?.['BOOTSTRAP_API_KEY'] ?? BOOTSTRAP_API_KEY;
  const env = {
    LEDGER_DATABASE_URL: options.databaseUrl,
    PORT: String(port),
    BOOTSTRAP_API_KEY: apiKey,
    OPERATOR_API_KEY,
  };
  return startApp('ledger', port, apiKey, { ...options, env: { ...env, ...options.env } });
}

/**
 * The built dispatcher, from outside, on a database that is migrated: it may send to http:// and to this machine.
 * It has no key of its own; a ledger app on the same database makes the one that this assumes.
 */
export async function startDispatcher(options: ProductOptions): Promise<Product> {
  const port = options.port ?? (await findFreePort());
  const env = {
    DISPATCHER_DATABASE_URL: options.databaseUrl,
    DISPATCHER_PORT: String(port),
    WEBHOOK_ALLOW_HTTP: 'true',
    WEBHOOK_ALLOWED_RANGES: '127.0.0.0/8,::1/128',
  };
  return startApp('webhook-dispatcher', port, BOOTSTRAP_API_KEY, {
    ...options,
    env: { ...env, ...options.env },
  });
}

async function startApp(
  app: 'ledger' | 'webhook-dispatcher',
  port: number,
  apiKey: string,
  { env = {}, nodeOptions = [], directory = projectDirectory }: Omit<ProductOptions, 'databaseUrl' | 'port'>,
): Promise<Product> {
  const child = fork(join(directory, `dist/apps/${app}/src/main.js`), [], {
    cwd: directory,
    execArgv: [...nodeOptions],
    // The channel is how the app notices that a test run was killed.
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: { ...cleanEnvironment(), SECRETS_KEY, ...env },
  });
  const running = new RunningProcess(child);
  const url = `http://127.0.0.1:${port}`;
  try {
    await running.until('the product to be ready', () => isReady(url), readyMsMax);
  } catch (error) {
    await running.kill();
    throw error;
  }
  return {
    url,
    apiKey,
    pid: running.pid,
    exited: running.exited,
    kill: (signal) => running.kill(signal),
    stop: () => running.stop(),
    logs: () => running.output(),
  };
}

export interface WholeProductOptions {
  readonly dataDirectory: string;
  /** `--kafka`, for start:kafka. */
  readonly args?: readonly string[];
  readonly port?: number;
  readonly env?: Readonly<Record<string, string>>;
}

export interface WholeProduct extends Product {
  readonly dispatcherUrl: string;
  /** Where webhooks can be sent to. */
  readonly receiverUrl: string;
  readonly dataDirectory: string;
  /** The lines to paste: five for the ledger, then those for webhooks. */
  readonly tour: readonly string[];
  readonly readyAfterSeconds: number;
}

/** Settings with which a start meets no other one. */
export async function freePorts() {
  return {
    PORT: String(await findFreePort()),
    DISPATCHER_PORT: String(await findFreePort()),
    RECEIVER_PORT: String(await findFreePort()),
  };
}

/** `npm start`, as a person runs it, without waiting for anything. */
export function spawnStart(
  env: Readonly<Record<string, string>>,
  args: readonly string[] = [],
): RunningProcess {
  const child = spawn(process.execPath, [join(projectDirectory, 'tools/start.mjs'), ...args], {
    cwd: projectDirectory,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...cleanEnvironment(), ...env },
  });
  return new RunningProcess(child);
}

/** `npm start` on a data directory; ready, its tour printed, when this resolves. */
export async function startWholeProduct(options: WholeProductOptions): Promise<WholeProduct> {
  const ports = { ...(await freePorts()), ...(options.port ? { PORT: String(options.port) } : {}) };
  const { dataDirectory } = options;
  const running = spawnStart({ DATA_DIR: dataDirectory, ...ports, ...options.env }, options.args);
  try {
    await running.until('npm start to be ready', () => /^Ready after/m.test(running.output()), 120_000);
  } catch (error) {
    await running.stop();
    throw error;
  }
  const output = running.output();
  return {
    url: `http://127.0.0.1:${ports.PORT}`,
    dispatcherUrl: `http://127.0.0.1:${ports.DISPATCHER_PORT}`,
    receiverUrl: /^The receiver takes webhooks at (\S+)\/ /m.exec(output)?.[1] ?? '',
    dataDirectory,
    apiKey: /^API key: (.*)$/m.exec(output)?.[1] ?? '',
    tour: output.split('\n').filter((line) => line.includes('curl ')),
    readyAfterSeconds: Number(/^Ready after ([\d.]+) s/m.exec(output)?.[1]),
    pid: running.pid,
    exited: running.exited,
    kill: (signal) => running.kill(signal),
    stop: () => running.stop(40_000),
    logs: () => running.output(),
  };
}
