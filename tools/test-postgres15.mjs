/**
 * `npm run test:postgres15 [-- <jest arguments>]`: the SQL suites on the oldest release of Postgres that is supported;
 * TEST_POSTGRES_BIN is where its programs are, if not where Debian puts them. The last line is jest's own count.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { CountedTests } from './run-jest.mjs';

const timeoutMs = 20 * 60_000;
const bin = process.env.TEST_POSTGRES_BIN || '/usr/lib/postgresql/15/bin';
/** Suites on a database whose release makes no difference to what they test. */
const besideSql = 'test/integration/(cli|authenticate|dump-restore|subscribers-[a-z]+)\\.int';

const tests = new CountedTests();
const { stdout } = spawnSync(join(bin, 'postgres'), ['--version'], { encoding: 'utf8' });
if (!/ 15\./.test(stdout ?? '')) {
  tests.fail(`SQL suites on Postgres 15: NOT RUN, ${bin} has ${stdout?.trim() || 'no Postgres'}`);
} else if (tests.build()) {
  console.log(`SQL suites on ${stdout.trim()} in ${bin}:`);
  const sql = [`--testPathIgnorePatterns=${besideSql}`, '--selectProjects', 'integration'];
  const args = ['--maxWorkers=3', ...process.argv.slice(2), ...sql];
  tests.run('postgres15', args, { env: { ...process.env, TEST_POSTGRES_BIN: bin }, timeoutMs });
}
tests.tell();
