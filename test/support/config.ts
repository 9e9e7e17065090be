import { fileURLToPath } from 'node:url';
import type { Cluster } from '../../tools/embedded-postgres/cluster.js';

export type TestRole = 'postgres' | 'ledger_owner' | 'ledger_ledger' | 'ledger_dispatcher';

/** A server for tests, as plain data: it passes through the environment to the workers. */
export interface TestCluster extends Cluster {
  readonly port: number;
  readonly passwords: Readonly<Record<TestRole, string>>;
}

/** Where the built product is. */
export const projectDirectory = fileURLToPath(new URL('../../', import.meta.url)).replace(/dist\/$/, '');

const CLUSTER_VARIABLE = 'TEST_POSTGRES';

/** Programs of a Postgres other than the embedded one, such as /usr/lib/postgresql/15/bin. */
export function postgresBinDirectory(): string | undefined {
  return process.env['TEST_POSTGRES_BIN'] || undefined;
}

/** The cluster of this run of the tests: started by the global setup, known to every worker by its environment. */
export function sharedCluster(): TestCluster | undefined {
  const value = process.env[CLUSTER_VARIABLE];
  return value === undefined || value === '' ? undefined : (JSON.parse(value) as TestCluster);
}

export function shareCluster(cluster: TestCluster | undefined): void {
  process.env[CLUSTER_VARIABLE] = cluster === undefined ? '' : JSON.stringify(cluster);
}

/** What a started product gets of the tests' own environment: nothing that could change what it does. */
export function cleanEnvironment(): Record<string, string> {
  return { PATH: process.env['PATH'] ?? '/usr/bin:/bin', HOME: process.env['HOME'] ?? '/' };
}

/** To repeat a random run. */
export function seedFromEnvironment(): number | undefined {
  const seed = process.env['TEST_SEED'];
  return seed === undefined || seed === '' ? undefined : Number(seed);
}

/** How long two releases run side by side. */
export function secondsSideBySide(): number {
  return Number(process.env['UPGRADE_SECONDS'] || 60);
}

/** Where the build is judged, what could not be run is not green. */
export function isContinuousIntegration(): boolean {
  return process.env['CI'] === 'true';
}

/** Settings of a Kafka cluster that is there already, to be used in place of one started by the tests. */
export function givenKafkaSettings(): Record<string, string> | undefined {
  if (!process.env['KAFKA_BROKERS']) return undefined;
  const given = Object.entries(process.env).filter(([name, value]) => name.startsWith('KAFKA_') && value);
  return Object.fromEntries(given as [string, string][]);
}
