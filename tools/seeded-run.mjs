// What the commands share that test at random: their arguments, and the file in which their tests report figures.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { randomInt } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

/** Leaves room for seeds that are counted up from the first. */
const randomSeedMax = 2 ** 30;

/**
 * Reads `--seed` (else a random one), these whole numbers, and other options as parseArgs describes them; ends the
 * process where one is wrong.
 * @param numbers by option: its default, and from where to where it may be
 */
export function readArguments(numbers, others = {}, { allowPositionals = false } = {}) {
  try {
    const texts = { seed: { type: 'string', default: String(randomInt(randomSeedMax)) } };
    for (const [name, { byDefault }] of Object.entries(numbers)) {
      texts[name] = { type: 'string', default: String(byDefault) };
    }
    const { values, positionals } = parseArgs({ allowPositionals, options: { ...texts, ...others } });
    if (!/^\d{1,10}$/.test(values.seed)) throw new Error('--seed must be a whole number');
    const read = { ...values, positionals, seed: Number(values.seed) };
    for (const [name, { from, to }] of Object.entries(numbers)) {
      read[name] = Number(values[name]);
      if (!/^[1-9]\d*$/.test(values[name]) || read[name] < from || read[name] > to)
        throw new Error(`--${name} must be a whole number from ${from} to ${to}`);
    }
    return read;
  } catch (error) {
    console.error(error.message);
    process.exit(2);
  }
}

/** Gives the work the name of a file for figures, and removes it afterwards. */
export async function withFigures(work) {
  const directory = mkdtempSync(join(tmpdir(), 'test-figures-'));
  try {
    return await work(join(directory, 'figures'));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Figures as tests have reported them, one line of JSON each. */
export function readFigures(file) {
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}

export function tellTable(columns, rows) {
  console.log(`\n| ${columns.join(' | ')} |\n|${' --- |'.repeat(columns.length)}`);
  for (const row of rows) console.log(`| ${row.join(' | ')} |`);
}

/** A row a test. */
export function tellFigures(what, figures) {
  const told = (ofTest) => Object.entries(ofTest).map(([name, value]) => `${name}: ${value}`);
  tellTable(
    [what, 'figures'],
    figures.map(({ test, figures: ofTest }) => [test, told(ofTest).join(', ')]),
  );
}
