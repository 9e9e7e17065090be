/**
 * `npm run test:model [-- --seconds 300 --seed <number>]`: random requests of several clients over HTTP, and every
 * answer held against a model of the ledger that shares no code with it. Also plays the fixtures of what has failed
 * before. The figures, then the count, come last.
 */
import { CountedTests } from './run-jest.mjs';
import { readArguments, readFigures, tellTable, withFigures } from './seeded-run.mjs';

/** For fixtures, the tests of the model itself, and making what has failed shorter. */
const minutesBesides = 15;

const { seconds, seed } = readArguments({ seconds: { byDefault: 30, from: 1, to: 99_999 } });
const tests = new CountedTests();

console.log(`model test of ${seconds} s, seed ${seed}: repeat with --seed ${seed}`);
await withFigures((figuresFile) => {
  if (tests.build()) runJest(figuresFile);
  for (const { refused, kinds, ...counts } of readFigures(figuresFile)) {
    const byCount = Object.entries(refused).sort(([, a], [, b]) => b - a);
    const refusals = byCount.map(([code, count]) => [`refused: ${code}`, count]);
    tellTable(['figure', 'count'], [...Object.entries({ ...counts, ...kinds }), ...refusals]);
  }
});
tests.tell();

function runJest(figuresFile) {
  const settings = { MODEL_SECONDS: String(seconds), MODEL_FIGURES: figuresFile, TEST_SEED: String(seed) };
  const timeoutMs = seconds * 1_000 + minutesBesides * 60_000;
  const env = { ...process.env, ...settings };
  tests.run('model', ['--runInBand', '--selectProjects', 'model'], { env, timeoutMs });
}
