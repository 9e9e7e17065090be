import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findFreePort } from '../start/free-port.js';
import { CannotStart } from '../start/cannot-start.js';
import { kafkaJars, run } from './broker-jars.js';
import { javaEnvironment, projectDirectory } from './config.js';

export interface BrokerPlan {
  /** Holds everything; made where it is missing, and found again at the next start. */
  readonly directory: string;
  /** A free one where none is named. */
  readonly port?: number | undefined;
  /** A second way in, whose clients are told this port of 127.0.0.1: a proxy that stands in front of it. */
  readonly proxyPort?: number | undefined;
}

/** One node of Kafka in KRaft mode, its files in place: it is spawned, ends, and is spawned again on the same. */
export interface PreparedBroker {
  readonly directory: string;
  readonly port: number;
  /** Where a proxy has to pass connections on; absent without one. */
  readonly proxiedPort: number | undefined;
  spawn(): ChildProcess;
}

const HEAP = ['-Xms128m', '-Xmx512m'];
/** Quick to start rather than fast in the long run. */
const QUICK = ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xshare:auto'];
const FORMAT_SECONDS_MAX = 60;

/** What the broker logs, once, when clients can be served. */
export const READY_LINE = 'Kafka Server started';

export async function prepareBroker(plan: BrokerPlan): Promise<PreparedBroker> {
  const jars = await kafkaJars();
  const { directory } = plan;
  await mkdir(join(directory, 'logs'), { recursive: true });
  const port = plan.port ?? (await findFreePort());
  const controllerPort = await findFreePort();
  const proxiedPort = plan.proxyPort === undefined ? undefined : await findFreePort();
  const properties = join(directory, 'server.properties');
  const proxied =
    plan.proxyPort === undefined || proxiedPort === undefined
      ? undefined
      : { listen: proxiedPort, advertised: plan.proxyPort };
  await writeFile(properties, propertiesOf(directory, port, controllerPort, proxied));
  await format(jars, directory, properties);
  return {
    directory,
    port,
    proxiedPort,
    spawn: () =>
      spawn('java', [...HEAP, ...QUICK, ...classPath(jars), 'kafka.Kafka', properties], {
        cwd: directory,
        env: javaEnvironment(),
        stdio: ['ignore', 'pipe', 'pipe'],
        // Ctrl-C in a terminal is for whoever started us; it says when the broker ends.
        detached: true,
      }),
  };
}

function classPath(jars: string): string[] {
  const log4j = join(projectDirectory, 'tools/kafka/log4j2.xml');
  return [`-Dlog4j2.configurationFile=${log4j}`, '-cp', join(jars, '*')];
}

async function format(jars: string, directory: string, properties: string): Promise<void> {
  const clusterIdFile = join(directory, 'cluster-id');
  let clusterId = await readFile(clusterIdFile, 'utf8').catch(() => '');
  if (clusterId === '') {
    clusterId = randomBytes(16).toString('base64url');
    await writeFile(clusterIdFile, clusterId);
  }
  const args = ['format', '--ignore-formatted', `--cluster-id=${clusterId}`, '-c', properties];
  const formatted = await run(
    'java',
    ['-Xmx128m', ...QUICK, ...classPath(jars), 'kafka.tools.StorageTool', ...args],
    FORMAT_SECONDS_MAX * 1000,
  );
  if (formatted === undefined) throw new CannotStart("Kafka can't be started: Java is not installed.");
  if (formatted.code !== 0) throw new CannotStart(`Kafka could not make its files: ${formatted.output}`);
}

/** A single node for tests and development: everything once, nothing made by accident, joins without a delay. */
function propertiesOf(
  directory: string,
  port: number,
  controllerPort: number,
  proxied: { listen: number; advertised: number } | undefined,
): string {
  const at = (listenPort: number): string => `127.0.0.1:${listenPort}`;
  const extra = (proxyPort: number | undefined): string =>
    proxyPort === undefined ? '' : `,PROXIED://${at(proxyPort)}`;
  const properties: Record<string, string | number | boolean> = {
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@${at(controllerPort)}`,
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,PROXIED:PLAINTEXT',
    listeners: `PLAINTEXT://${at(port)},CONTROLLER://${at(controllerPort)}${extra(proxied?.listen)}`,
    'advertised.listeners': `PLAINTEXT://${at(port)}${extra(proxied?.advertised)}`,
    'log.dirs': join(directory, 'logs'),
    'auto.create.topics.enable': false,
    'offsets.topic.num.partitions': 4,
    'offsets.topic.replication.factor': 1,
    'transaction.state.log.num.partitions': 1,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'group.initial.rebalance.delay.ms': 0,
    'group.min.session.timeout.ms': 1000,
    // Killed and started again, it waits for its former self to be forgotten.
    'broker.session.timeout.ms': 2_000,
    'broker.heartbeat.interval.ms': 500,
    'num.network.threads': 2,
    'num.io.threads': 4,
    'log.cleaner.dedupe.buffer.size': 8_388_608,
    'controlled.shutdown.max.retries': 1,
  };
  return Object.entries(properties)
    .map(([name, value]) => `${name}=${String(value).replaceAll('\\', '\\\\')}\n`)
    .join('');
}
