import { fork } from 'node:child_process';
import { totalmem } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { findFreePort, tryToListen } from './free-port.js';
import type { ReceiverPlan, StartSettings } from './config.js';
import type { AppDatabases } from './databases.js';
import { CannotStart, messageOf } from './cannot-start.js';
import { SupervisedProcess } from './supervised-process.js';

/** A process that we start: one more is one more entry in appsOf. */
export interface App {
  readonly name: string;
  readonly module: string;
  readonly portVariable: string;
  readonly port: number;
  /** Where its health is asked for. */
  readonly healthHost: string;
  /** All that it sees of the environment. The owner's URL and another app's are never in it. */
  readonly environment: Readonly<Record<string, string>>;
}

interface Keys {
  readonly bootstrapApiKey: string;
  readonly secretsKey: string;
}

const READY_SECONDS_MAX = 30;
const EXITS_BEFORE_READY_MAX = 3;
export const DRAIN_SECONDS_MAX = 15;

/**
 * The stages of the start: what is in one stage starts at the same time, once everything of the stage before is
 * ready. The ledger comes last, so that nobody finds it before what it forwards to is there.
 */
export function appsOf(settings: StartSettings, databases: AppDatabases, keys: Keys): App[][] {
  const { dispatcherPort, receiver } = settings;
  const both = { ...settings.surroundings, ...settings.kafkaSettings, SECRETS_KEY: keys.secretsKey };
  const dispatcherHost = hostToAsk(settings.dispatcherSettings['HOST']);
  const dispatcher: App = {
    name: 'dispatcher',
    module: '../../apps/webhook-dispatcher/src/main.js',
    portVariable: 'DISPATCHER_PORT',
    port: dispatcherPort,
    healthHost: dispatcherHost,
    environment: {
      ...both,
      ...settings.dispatcherSettings,
      DISPATCHER_DATABASE_URL: databases.dispatcherUrl,
      DISPATCHER_PORT: String(dispatcherPort),
    },
  };
  const ledger: App = {
    name: 'ledger',
    module: '../../apps/ledger/src/main.js',
    portVariable: 'PORT',
    port: settings.port,
    healthHost: hostToAsk(settings.ledgerSettings['HOST']),
    environment: {
      ...both,
      DISPATCHER_URL: `http://${dispatcherHost}:${dispatcherPort}`,
      ...settings.ledgerSettings,
      LEDGER_DATABASE_URL: databases.ledgerUrl,
      PORT: String(settings.port),
      BOOTSTRAP_API_KEY: keys.bootstrapApiKey,
      LEDGER_ROLE: settings.ledgerRole,
    },
  };
  return [[...(receiver ? [receiverOf(receiver.port, settings)] : []), dispatcher], [ledger]];
}

function receiverOf(port: number, { surroundings, dataDirectory }: StartSettings): App {
  return {
    name: 'receiver',
    module: '../receiver/main.js',
    portVariable: 'RECEIVER_PORT',
    port,
    healthHost: '127.0.0.1',
    environment: {
      ...surroundings,
      RECEIVER_PORT: String(port),
      RECEIVER_SECRETS_FILE: join(dataDirectory, 'secrets', 'receiver-secrets'),
    },
  };
}

/**
 * Requests are many and short, and what they leave behind outlives the small young generation of the default,
 * which then copies it again and again. It has up to three semi-spaces, which together take no more than a sixteenth
 * of the memory where there is enough of it. The Dockerfile says the same for a small container.
 * @returns MiB, a power of two: V8 takes the next higher one of anything else
 */
export function semiSpaceOf(memoryBytes: number): number {
  const share = memoryBytes / MIB / 16 / 3;
  const power = 2 ** Math.floor(Math.log2(share));
  return Math.min(Math.max(power, SEMI_SPACE_MIN), SEMI_SPACE_MAX);
}

const MIB = 1024 ** 2;
/** What Node 20 has by itself. */
const SEMI_SPACE_MIN = 16;
const SEMI_SPACE_MAX = 256;

/** Of this machine, or of the container around us. */
function memoryBytes(): number {
  return Math.min(totalmem(), process.constrainedMemory() || Infinity);
}

/**
 * Runs the app as a supervised child. Its channel to us tells it when we are gone, however we went; a process
 * group of its own keeps Ctrl-C in a terminal from reaching it before we have said that it should drain.
 */
export function superviseApp(app: App): SupervisedProcess {
  const path = fileURLToPath(new URL(app.module, import.meta.url));
  return new SupervisedProcess({
    name: app.name,
    start: () =>
      Promise.resolve(
        fork(path, [], {
          env: { ...app.environment },
          execArgv: [`--max-semi-space-size=${semiSpaceOf(memoryBytes())}`],
          detached: true,
          stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
        }),
      ),
    stopSteps: [
      { signal: 'SIGTERM', limitMs: DRAIN_SECONDS_MAX * 1000 },
      { signal: 'SIGKILL', limitMs: 5_000 },
    ],
  });
}

export function untilAppReady(app: App, process: SupervisedProcess, signal: AbortSignal): Promise<void> {
  return process.untilReady({
    check: () => whatIsMissing(app),
    limitMs: READY_SECONDS_MAX * 1000,
    exitsMax: EXITS_BEFORE_READY_MAX,
    signal,
  });
}

/** An app that listens everywhere is asked on this machine's own address. */
function hostToAsk(host: string | undefined): string {
  if (host === undefined || host === '0.0.0.0' || host === '::') return '127.0.0.1';
  return host.includes(':') ? `[${host}]` : host;
}

async function whatIsMissing({ healthHost, port }: App): Promise<string | undefined> {
  try {
    const answer = await fetch(`http://${healthHost}:${port}/health/ready`, {
      signal: AbortSignal.timeout(2_000),
    });
    const body = await answer.text();
    return answer.ok ? undefined : `/health/ready answers ${answer.status} ${body.slice(0, 300)}`;
  } catch (error) {
    return `/health/ready can't be asked (${messageOf(error instanceof Error ? (error.cause ?? error) : error)})`;
  }
}

/** The port that was asked for, or any other that is free where none was. */
export async function portToUse(wanted: ReceiverPlan, waitSeconds: number): Promise<number> {
  if (wanted.isPortGiven) return wanted.port;
  const deadline = Date.now() + waitSeconds * 1000;
  do {
    if ((await tryToListen(wanted.port)) === undefined) return wanted.port;
    await sleep(100);
  } while (Date.now() < deadline);
  return await findFreePort();
}

/** The wait is for the app of a killed supervisor, which may still be draining. */
export async function untilPortFree({ portVariable, port }: App, waitSeconds: number): Promise<void> {
  const deadline = Date.now() + waitSeconds * 1000;
  for (;;) {
    const failure = await tryToListen(port);
    if (failure === undefined) return;
    if (failure.code !== 'EADDRINUSE' || Date.now() >= deadline) {
      throw new CannotStart(
        `${portVariable} ${port} can't be listened on (${failure.code ?? failure.message}): set another.`,
      );
    }
    await sleep(200);
  }
}
