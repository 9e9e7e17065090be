/**
 * `npm run test:exhaustion [-- --seed <number> <part of a test's file name> …]`: lets run out what the product lives
 * on (disk, connections, memory) and gives it very many ledgers, with real processes on a real Postgres. The table of
 * figures, then the count, come last. The disk is a file system of its own, which only root may mount.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { randomInt } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { tellFigures } from './figures-table.mjs';
import { CountedTests } from './run-jest.mjs';

const minutesMax = 40;

const { seed: wanted, files } = readArguments();
const seed = wanted ?? String(randomInt(2 ** 31));
const directory = mkdtempSync(join(tmpdir(), 'exhaustion-figures-'));
const figuresFile = join(directory, 'figures');
const tests = new CountedTests();

console.log(`exhaustion, seed ${seed}: repeat with --seed ${seed}`);
try {
  const startedAt = performance.now();
  if (tests.build()) {
    const env = { ...process.env, FAULT_FIGURES: figuresFile, TEST_SEED: seed };
    // One after the other: what is measured is the process, not its neighbours.
    const args = [...files, '--runInBand', '--selectProjects', 'exhaustion'];
    tests.run('exhaustion', args, { env, timeoutMs: minutesMax * 60_000 });
  }
  tellFigures('what runs out', figuresFile);
  console.log(`\nseed ${seed}, ${Math.round((performance.now() - startedAt) / 1_000)} s`);
} finally {
  rmSync(directory, { recursive: true, force: true });
}
tests.tell();

function readArguments() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: { seed: { type: 'string' } },
    });
    if (values.seed !== undefined && !/^\d{1,10}$/.test(values.seed)) {
      throw new Error('--seed must be a whole number');
    }
    return { seed: values.seed, files: positionals };
  } catch (error) {
    console.error(error.message);
    process.exit(2);
  }
}
