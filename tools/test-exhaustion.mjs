/**
 * `npm run test:exhaustion [-- --seed <number> <part of a test's file name> …]`: lets run out what the product lives
 * on (disk, connections, memory) and gives it very many ledgers, with real processes on a real Postgres. The table of
 * figures, then the count, come last. The disk is a file system of its own, which only root may mount.
 */
import { CountedTests } from './run-jest.mjs';
import { readArguments, readFigures, tellFigures, withFigures } from './seeded-run.mjs';

const minutesMax = 40;

const { seed, positionals: files } = readArguments({}, {}, { allowPositionals: true });
const tests = new CountedTests();

console.log(`exhaustion, seed ${seed}: repeat with --seed ${seed}`);
await withFigures((figuresFile) => {
  const startedAt = performance.now();
  if (tests.build()) {
    const env = { ...process.env, FAULT_FIGURES: figuresFile, TEST_SEED: String(seed) };
    // One after the other: what is measured is the process, not its neighbours.
    const args = [...files, '--runInBand', '--selectProjects', 'exhaustion'];
    tests.run('exhaustion', args, { env, timeoutMs: minutesMax * 60_000 });
  }
  tellFigures('what runs out', readFigures(figuresFile));
  console.log(`\nseed ${seed}, ${Math.round((performance.now() - startedAt) / 1_000)} s`);
});
tests.tell();
