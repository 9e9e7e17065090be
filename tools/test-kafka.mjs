/**
 * `npm run test:kafka [-- <jest arguments>]`: publishing and subscribing on a real broker, which needs Java and Maven,
 * or a cluster that KAFKA_BROKERS names. The last line is jest's own count.
 */
import { CountedTests } from './run-jest.mjs';

const timeoutMs = 20 * 60_000;

const tests = new CountedTests();
if (tests.build() && (await tests.canRunKafka('Kafka suites'))) {
  const args = ['--maxWorkers=3', ...process.argv.slice(2), '--selectProjects', 'kafka'];
  tests.run('kafka', args, { env: process.env, timeoutMs });
}
tests.tell();
