/**
 * `npm run test:faults [-- --rounds 20 --seed <number> --kafka --json <file> <part of a test's file name> …]`: kills,
 * freezes and cuts off the whole product under load, and compares what was delivered with the journal. Faults of
 * publishing and of the broker are played on a real Kafka, which needs Java and Maven or KAFKA_BROKERS; with
 * `--kafka`, or where KAFKA_BROKERS names a cluster, all of them. The table of figures, then the count, come last.
 */
import { CountedTests } from './run-jest.mjs';
import { readArguments, readFigures, tellFigures, withFigures } from './seeded-run.mjs';

const minutesPerRunMax = 20;
const minutesPerRoundMax = 10;

const { rounds, seed, json, kafka, positionals } = readArguments(
  { rounds: { byDefault: 20, from: 1, to: 9_999 } },
  { json: { type: 'string' }, kafka: { type: 'boolean', default: false } },
  { allowPositionals: true },
);
const isOverKafka = kafka || Boolean(process.env.KAFKA_BROKERS);
const stream = isOverKafka ? 'Kafka' : 'Postgres';
const tests = new CountedTests();

console.log(`faults over ${stream}, ${rounds} rounds, seed ${seed}: repeat with --seed ${seed}`);
await withFigures(async (figuresFile) => {
  const startedAt = performance.now();
  if (tests.build()) await runJest(figuresFile);
  const figures = readFigures(figuresFile);
  const seconds = Math.round((performance.now() - startedAt) / 1_000);
  tellFigures('fault', figures);
  console.log(`\n${stream}, ${rounds} rounds, seed ${seed}, ${seconds} s`);
  tests.report(json, { stream, rounds, seed, seconds, tests: figures });
});
tests.tell();

async function runJest(figuresFile) {
  const env = {
    ...process.env,
    FAULT_ROUNDS: String(rounds),
    FAULT_FIGURES: figuresFile,
    FAULT_KAFKA: String(isOverKafka),
    TEST_SEED: String(seed),
  };
  const timeoutMs = (minutesPerRunMax + rounds * minutesPerRoundMax) * 60_000;
  // One after the other: each has processes enough for the machine.
  const projects = (await tests.canRunKafka('Faults over Kafka')) ? ['faults', 'kafka-faults'] : ['faults'];
  // All at once is `npm run test:chaos`.
  const args = [...positionals, '--runInBand', '--testPathIgnorePatterns', 'test/faults/chaos'];
  tests.run('faults', [...args, '--selectProjects', ...projects], { env, timeoutMs });
}
