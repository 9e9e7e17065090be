/**
 * `npm run test:faults [-- --rounds 20 --seed <number> --kafka --json <file> <part of a test's file name> …]`: kills,
 * freezes and cuts off the whole product under load, and compares what was delivered with the journal. Faults of
 * publishing and of the broker are played on a real Kafka, which needs Java and Maven or KAFKA_BROKERS; with
 * `--kafka`, or where KAFKA_BROKERS names a cluster, all of them. The table of figures, then the count, come last.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { randomInt } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { tellFigures } from './figures-table.mjs';
import { CountedTests } from './run-jest.mjs';

const minutesPerRunMax = 20;
const minutesPerRoundMax = 10;

const { values, positionals } = readArguments();
const rounds = Number(values.rounds);
const seed = Number(values.seed ?? randomInt(2 ** 31));
const isOverKafka = values.kafka || Boolean(process.env.KAFKA_BROKERS);
const stream = isOverKafka ? 'Kafka' : 'Postgres';
const directory = mkdtempSync(join(tmpdir(), 'fault-figures-'));
const figuresFile = join(directory, 'figures');
const tests = new CountedTests();

console.log(`faults over ${stream}, ${rounds} rounds, seed ${seed}: repeat with --seed ${seed}`);
try {
  const startedAt = performance.now();
  if (tests.build()) await runJest();
  report((performance.now() - startedAt) / 1_000);
} finally {
  rmSync(directory, { recursive: true, force: true });
}
tests.tell();

async function runJest() {
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

function report(seconds) {
  const rows = tellFigures('fault', figuresFile);
  console.log(`\n${stream}, ${rounds} rounds, seed ${seed}, ${Math.round(seconds)} s`);
  if (values.json === undefined) return;
  const { passed, failed } = tests;
  const told = { stream, rounds, seed, seconds: Math.round(seconds), passed, failed, tests: rows };
  writeFileSync(values.json, `${JSON.stringify(told, null, 2)}\n`);
}

function readArguments() {
  try {
    const given = parseArgs({
      allowPositionals: true,
      options: {
        rounds: { type: 'string', default: '20' },
        seed: { type: 'string' },
        json: { type: 'string' },
        kafka: { type: 'boolean', default: false },
      },
    });
    const { rounds: asked, seed: wanted = '0' } = given.values;
    if (!/^[1-9]\d{0,3}$/.test(asked)) throw new Error('--rounds must be a whole number from 1 to 9999');
    if (!/^\d{1,10}$/.test(wanted)) throw new Error('--seed must be a whole number');
    return given;
  } catch (error) {
    console.error(error.message);
    process.exit(2);
  }
}
