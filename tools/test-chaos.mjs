/**
 * `npm run test:chaos [-- --rounds 2 --seed <number> --json <file>]`: several processes of both apps over a real
 * Postgres and a real Kafka broker, killed, frozen, cut off and given wrong clocks at random while clients write; after
 * each round everything that there is is compared with everything else. It needs Java and Maven, and libfaketime for
 * the clocks. The table of figures, then the count, come last.
 */
import { CountedTests } from './run-jest.mjs';
import { readArguments, readFigures, tellTable, withFigures } from './seeded-run.mjs';

const minutesPerRunMax = 15;
const minutesPerRoundMax = 10;

const { rounds, seed, json } = readArguments(
  { rounds: { byDefault: 2, from: 1, to: 999 } },
  { json: { type: 'string' } },
);
const tests = new CountedTests();
// It kills its broker: a cluster that is given is left alone.
const given = Object.entries(process.env).filter(([name]) => !name.startsWith('KAFKA_'));
const environment = Object.fromEntries(given);
delete process.env.KAFKA_BROKERS;

console.log(`chaos, ${rounds} rounds, seed ${seed}: repeat with --rounds ${rounds} --seed ${seed}`);
await withFigures(async (figuresFile) => {
  const startedAt = performance.now();
  if (tests.build() && (await tests.canRunKafka('Chaos'))) runJest(figuresFile);
  const [{ figures } = { figures: {} }] = readFigures(figuresFile);
  const seconds = Math.round((performance.now() - startedAt) / 1_000);
  tellTable(['what', 'count'], Object.entries(figures));
  console.log(`\n${rounds} rounds, seed ${seed}, ${seconds} s`);
  tests.report(json, { rounds, seed, seconds, figures });
});
tests.tell();

function runJest(figuresFile) {
  const env = {
    ...environment,
    FAULT_ROUNDS: String(rounds),
    FAULT_FIGURES: figuresFile,
    TEST_SEED: String(seed),
  };
  const timeoutMs = (minutesPerRunMax + rounds * minutesPerRoundMax) * 60_000;
  const args = ['--selectProjects', 'kafka-faults', '--runInBand', 'test/faults/chaos'];
  tests.run('chaos', args, { env, timeoutMs });
}
