import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { LogFile } from '../embedded-postgres/log-file.js';
import { startKafka } from '../kafka/server.js';
import {
  appsOf,
  DRAIN_SECONDS_MAX,
  portToUse,
  superviseApp,
  untilAppReady,
  untilPortFree,
  type App,
} from './apps.js';
import { reportFailure } from './cannot-start.js';
import {
  bootstrapApiKey,
  readStartSettings,
  secretsKey,
  type ExternalPostgres,
  type StartSettings,
} from './config.js';
import { lockDataDirectory } from './data-directory-lock.js';
import { makeDataDirectory, prepareDatabase, startEmbeddedPostgres } from './databases.js';
import { newApiKey, newSecretsKey, Secrets } from './secrets.js';
import { tour } from './tour.js';

type Undo = (hurry: AbortSignal) => Promise<void>;

/** npm and the terminal both pass on one Ctrl-C. */
const SAME_SIGNAL_MS = 1_000;

/**
 * From nothing to a running product, and back: each step that has to be undone leaves its undoing in `undo`,
 * which runs in reverse when a step fails or a signal asks for the end. After kill -9 of this process the apps
 * notice by themselves, and the next start stops what is left of Postgres.
 */
async function main(): Promise<void> {
  const { stop, hurry } = listenToSignals();
  const undo: Undo[] = [];
  try {
    await startEverything(undo, stop);
    await new Promise((resolve) => stop.addEventListener('abort', resolve, { once: true }));
    console.log('Stopping …');
  } catch (error) {
    if (!stop.aborted) {
      reportFailure(error);
      process.exitCode = 1;
    }
  }
  for (const step of undo.reverse()) await step(hurry).catch(reportFailure);
}

async function startEverything(undo: Undo[], stop: AbortSignal): Promise<void> {
  const startedAt = performance.now();
  const settings = readStartSettings();
  await makeDataDirectory(settings.dataDirectory);
  const lock = await lockDataDirectory(settings.dataDirectory);
  undo.push(() => lock.release());
  const secrets = new Secrets(join(settings.dataDirectory, 'secrets'));
  const keys = {
    bootstrapApiKey: settings.bootstrapApiKey ?? (await keptApiKey(secrets)),
    secretsKey: settings.secretsKey ?? (await keptSecretsKey(secrets)),
  };
  stop.throwIfAborted();

  const kafkaSettings = await kafkaOf(settings, undo, stop);
  stop.throwIfAborted();
  const { postgres, roleMakerUrl } = await postgresOf(settings, secrets, undo, stop);
  stop.throwIfAborted();
  const { applied, ...databases } = await prepareDatabase(postgres, roleMakerUrl, secrets);
  if (applied.length > 0) console.log(`The database has been migrated: ${applied.join(', ')}.`);

  const drainSeconds = lock.isTakenOver ? DRAIN_SECONDS_MAX : 0;
  const receiver = settings.receiver && {
    ...settings.receiver,
    port: await portToUse(settings.receiver, drainSeconds / 5),
  };
  for (const stage of appsOf({ ...settings, kafkaSettings, receiver }, databases, keys)) {
    stop.throwIfAborted();
    await Promise.all(stage.map((app) => untilPortFree(app, drainSeconds)));
    await Promise.all(stage.map((app) => run(app, undo, stop)));
  }
  sayWhatIsOpen(settings);
  const ports = { ledger: settings.port, dispatcher: settings.dispatcherPort, receiver: receiver?.port };
  console.log(tour(ports, keys.bootstrapApiKey));
  console.log(`Ready after ${((performance.now() - startedAt) / 1000).toFixed(1)} s.`);
}

/** What tells the apps where Kafka is: nothing, a cluster of the environment's, or a broker of our own. */
async function kafkaOf(
  { kafkaSettings, startsKafka, dataDirectory }: StartSettings,
  undo: Undo[],
  stop: AbortSignal,
): Promise<Readonly<Record<string, string>>> {
  if (!startsKafka) return kafkaSettings;
  const directory = join(dataDirectory, 'kafka');
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const log = new LogFile(join(dataDirectory, 'kafka.log'));
  const server = await startKafka({ directory, log, signal: stop });
  undo.push((hurry) => server.stop(hurry));
  console.log(`Kafka runs at ${server.brokers}, its data is in ${directory}.`);
  // Our broker takes shorter sessions than Kafka's default: a dispatcher that was killed is missed sooner.
  return { KAFKA_SESSION_MS: '4000', ...kafkaSettings, KAFKA_BROKERS: server.brokers };
}

/** The Postgres of DATABASE_URL, or our own one, whose superuser makes the apps' roles. */
async function postgresOf(
  { externalPostgres, dataDirectory }: StartSettings,
  secrets: Secrets,
  undo: Undo[],
  stop: AbortSignal,
): Promise<{ postgres: ExternalPostgres; roleMakerUrl: string }> {
  if (externalPostgres !== undefined) {
    return { postgres: externalPostgres, roleMakerUrl: externalPostgres.ownerUrl };
  }
  const { server, ownerUrl } = await startEmbeddedPostgres(dataDirectory, secrets, stop);
  undo.push((hurry) => server.stop(hurry));
  console.log(`Postgres runs on port ${server.port}, its data is in ${join(dataDirectory, 'postgres')}.`);
  const postgres = { ownerUrl, ledgerUrl: undefined, dispatcherUrl: undefined };
  return { postgres, roleMakerUrl: server.superuserUrl };
}

async function run(app: App, undo: Undo[], stop: AbortSignal): Promise<void> {
  const process = superviseApp(app);
  undo.push((hurry) => process.stop(hurry));
  process.start();
  await untilAppReady(app, process, stop);
}

function sayWhatIsOpen({ openings }: StartSettings): void {
  const names = Object.entries(openings).map(([name, value]) => `${name}=${value}`);
  if (names.length === 0) return;
  console.log(
    `For trying it out, webhooks may go to http:// URLs and to this machine (${names.join(', ')}); ` +
      'with NODE_ENV=production they may not.',
  );
}

async function keptApiKey(secrets: Secrets): Promise<string> {
  return bootstrapApiKey(
    secrets.pathOf('bootstrap-api-key'),
    await secrets.kept('bootstrap-api-key', newApiKey),
  );
}

async function keptSecretsKey(secrets: Secrets): Promise<string> {
  return secretsKey(secrets.pathOf('secrets-key'), await secrets.kept('secrets-key', newSecretsKey));
}

function listenToSignals(): { stop: AbortSignal; hurry: AbortSignal } {
  const stop = new AbortController();
  const hurry = new AbortController();
  let firstAt = 0;
  const onSignal = (): void => {
    if (!stop.signal.aborted) firstAt = performance.now();
    else if (performance.now() - firstAt > SAME_SIGNAL_MS) hurry.abort();
    stop.abort();
  };
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, onSignal);
  process.on('uncaughtException', (error) => {
    reportFailure(error);
    process.exitCode = 1;
    stop.abort();
  });
  // Whoever read our output may be gone before we are; that is no reason to leave everything running.
  process.stdout.on('error', () => undefined);
  process.stderr.on('error', () => undefined);
  return { stop: stop.signal, hurry: hurry.signal };
}

await main();
