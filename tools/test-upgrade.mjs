/**
 * `npm run test:upgrade [-- --seconds 60 --seed <number>]`: builds the release before from the git history and runs it
 * and this one side by side on one database, under load, while that is migrated. The count comes last.
 */
import { CountedTests } from './run-jest.mjs';
import { readArguments } from './seeded-run.mjs';

const minutesMax = 15;

const { seconds, seed } = readArguments({ seconds: { byDefault: 60, from: 1, to: 9_999 } });
const tests = new CountedTests();

console.log(`upgrade under load, ${seconds} s, seed ${seed}: repeat with --seed ${seed}`);
if (tests.build() && (await canBuildEarlierRelease())) {
  const env = { ...process.env, UPGRADE_SECONDS: String(seconds), TEST_SEED: String(seed) };
  const args = ['--runInBand', '--selectProjects', 'upgrade'];
  tests.run('upgrade', args, { env, timeoutMs: minutesMax * 60_000 });
  tests.tell();
} else if (tests.failed > 0 || process.env.CI === 'true') {
  tests.tell();
} else {
  console.log('0 passed, 0 failed');
}

/** A shallow clone has no earlier release to build. Where the build is judged, that is a failure. */
async function canBuildEarlierRelease() {
  if (tests.failed > 0) return false;
  const { earlierRelease } = await import('../dist/test/upgrade/releases.js');
  const { whatHistoryLacks } = await import('../dist/test/upgrade/earlier-release.js');
  const missing = await whatHistoryLacks(earlierRelease);
  if (missing === null) return true;
  console.error(`The upgrade under load: NOT RUN, ${missing}; \`git fetch --unshallow\` brings it`);
  if (process.env.CI === 'true') tests.failed += 1;
  return false;
}
