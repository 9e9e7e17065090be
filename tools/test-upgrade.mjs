/**
 * `npm run test:upgrade [-- --seconds 60 --seed <number>]`: builds the release before from the git history and runs it
 * and this one side by side on one database, under load, while that is migrated. The count comes last.
 */
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { CountedTests } from './run-jest.mjs';

const minutesMax = 15;

const { values } = readArguments();
const seed = Number(values.seed ?? randomInt(2 ** 31));
const tests = new CountedTests();

console.log(`upgrade under load, ${values.seconds} s, seed ${seed}: repeat with --seed ${seed}`);
if (tests.build() && (await canBuildEarlierRelease())) {
  const env = { ...process.env, UPGRADE_SECONDS: values.seconds, TEST_SEED: String(seed) };
  tests.run('upgrade', ['--config=test/upgrade/jest.config.mjs', '--runInBand'], {
    env,
    timeoutMs: minutesMax * 60_000,
  });
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

function readArguments() {
  try {
    const given = parseArgs({
      options: { seconds: { type: 'string', default: '60' }, seed: { type: 'string' } },
    });
    const { seconds, seed: wanted = '0' } = given.values;
    if (!/^[1-9]\d{0,3}$/.test(seconds)) throw new Error('--seconds must be a whole number from 1 to 9999');
    if (!/^\d{1,10}$/.test(wanted)) throw new Error('--seed must be a whole number');
    return given;
  } catch (error) {
    console.error(error.message);
    process.exit(2);
  }
}
