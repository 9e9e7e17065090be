/**
 * `npm run test:model [-- --seconds 300 --seed <number>]`: random requests of several clients over HTTP, and every
 * answer held against a model of the ledger that shares no code with it. Also plays the fixtures of what has failed
 * before. The figures, then the count, come last.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { randomInt } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { CountedTests } from './run-jest.mjs';

/** For fixtures, the tests of the model itself, and making what has failed shorter. */
const minutesBesides = 15;

const values = readArguments();
const seconds = Number(values.seconds);
const seed = Number(values.seed ?? randomInt(2 ** 30));
const directory = mkdtempSync(join(tmpdir(), 'model-figures-'));
const figuresFile = join(directory, 'figures');
const tests = new CountedTests();

console.log(`model test of ${seconds} s, seed ${seed}: repeat with --seed ${seed}`);
try {
  if (tests.build()) runJest();
  tellFigures();
} finally {
  rmSync(directory, { recursive: true, force: true });
}
tests.tell();

function runJest() {
  const settings = { MODEL_SECONDS: String(seconds), MODEL_FIGURES: figuresFile, TEST_SEED: String(seed) };
  const timeoutMs = seconds * 1_000 + minutesBesides * 60_000;
  const env = { ...process.env, ...settings };
  tests.run('model', ['--runInBand', '--selectProjects', 'model'], { env, timeoutMs });
}

function tellFigures() {
  if (!existsSync(figuresFile)) return;
  const { refused, ...counts } = JSON.parse(readFileSync(figuresFile, 'utf8'));
  const byCount = Object.entries(refused).sort(([, a], [, b]) => b - a);
  console.log('\n| figure | count |\n| --- | --- |');
  for (const [name, count] of Object.entries(counts)) console.log(`| ${name} | ${count} |`);
  for (const [code, count] of byCount) console.log(`| refused: ${code} | ${count} |`);
}

function readArguments() {
  try {
    const { values: given } = parseArgs({
      options: { seconds: { type: 'string', default: '30' }, seed: { type: 'string' } },
    });
    if (!/^[1-9]\d{0,4}$/.test(given.seconds))
      throw new Error('--seconds must be a whole number from 1 to 99999');
    if (!/^\d{1,10}$/.test(given.seed ?? '0')) throw new Error('--seed must be a whole number');
    return given;
  } catch (error) {
    console.error(error.message);
    process.exit(2);
  }
}
