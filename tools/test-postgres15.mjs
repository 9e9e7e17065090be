/**
 * `npm run test:postgres15 [-- <jest arguments>]`: the SQL suites on the oldest release of Postgres that is supported;
 * TEST_POSTGRES_BIN is where its programs are, if not where Debian puts them. The last line is jest's own count.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { CountedTests } from './run-jest.mjs';

const timeoutMs = 20 * 60_000;
const bin = process.env.TEST_POSTGRES_BIN || '/usr/lib/postgresql/15/bin';
/** Suites on a database whose release makes no difference to what they test. */
const besideSql = 'test/integration/(cli|authenticate|calling-guide|dump-restore|subscribers-[a-z]+)\\.int';

const tests = new CountedTests();
if (!existsSync(join(bin, 'postgres')))
  tests.fail(`SQL suites on Postgres 15: NOT RUN, there is none in ${bin}`);
else if (tests.build()) {
  console.log(`SQL suites on the Postgres in ${bin}:`);
  const sql = [`--testPathIgnorePatterns=${besideSql}`, '--selectProjects', 'integration'];
  const args = ['--maxWorkers=3', ...process.argv.slice(2), ...sql];
  tests.run('postgres15', args, { env: { ...process.env, TEST_POSTGRES_BIN: bin }, timeoutMs });
}
tests.tell();
