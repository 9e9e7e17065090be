/**
 * `npm run test:chaos [-- --rounds 2 --seed <number> --json <file>]`: several processes of both apps over a real
 * Postgres and a real Kafka broker, killed, frozen, cut off and given wrong clocks at random while clients write; after
 * each round everything that there is is compared with everything else. It needs Java and Maven, and libfaketime for
 * the clocks. The table of figures, then the count, come last.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { randomInt } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { CountedTests } from './run-jest.mjs';

const minutesPerRunMax = 15;
const minutesPerRoundMax = 10;

const { rounds, seed, json } = readArguments();
const directory = mkdtempSync(join(tmpdir(), 'chaos-figures-'));
const figuresFile = join(directory, 'figures');
const tests = new CountedTests();
// It kills its broker: a cluster that is given is left alone.
const given = Object.entries(process.env).filter(([name]) => !name.startsWith('KAFKA_'));
const environment = Object.fromEntries(given);
delete process.env.KAFKA_BROKERS;

console.log(`chaos, ${rounds} rounds, seed ${seed}: repeat with --rounds ${rounds} --seed ${seed}`);
try {
  const startedAt = performance.now();
  if (tests.build() && (await tests.canRunKafka('Chaos'))) {
    const env = {
      ...environment,
      FAULT_ROUNDS: String(rounds),
      FAULT_FIGURES: figuresFile,
      TEST_SEED: String(seed),
    };
    const timeoutMs = (minutesPerRunMax + rounds * minutesPerRoundMax) * 60_000;
    tests.run('chaos', ['--selectProjects', 'kafka-faults', '--runInBand', 'test/faults/chaos'], {
      env,
      timeoutMs,
    });
  }
  tellFigures((performance.now() - startedAt) / 1_000);
} finally {
  rmSync(directory, { recursive: true, force: true });
}
tests.tell();

function tellFigures(seconds) {
  const lines = existsSync(figuresFile) ? readFileSync(figuresFile, 'utf8').trim().split('\n') : [];
  const [figures = {}] = lines.map((line) => JSON.parse(line).figures);
  console.log('\n| what | count |\n| --- | --- |');
  for (const [name, value] of Object.entries(figures)) console.log(`| ${name} | ${value} |`);
  console.log(`\n${rounds} rounds, seed ${seed}, ${Math.round(seconds)} s`);
  if (json === undefined) return;
  const { passed, failed } = tests;
  const report = { rounds, seed, seconds: Math.round(seconds), passed, failed, figures };
  writeFileSync(json, `${JSON.stringify(report, null, 2)}\n`);
}

function readArguments() {
  try {
    const { values } = parseArgs({
      options: {
        rounds: { type: 'string', default: '2' },
        seed: { type: 'string', default: String(randomInt(2 ** 31)) },
        json: { type: 'string' },
      },
    });
    if (!/^[1-9]\d{0,2}$/.test(values.rounds))
      throw new Error('--rounds must be a whole number from 1 to 999');
    if (!/^\d{1,10}$/.test(values.seed)) throw new Error('--seed must be a whole number');
    return { rounds: Number(values.rounds), seed: Number(values.seed), json: values.json };
  } catch (error) {
    console.error(error.message);
    process.exit(2);
  }
}
