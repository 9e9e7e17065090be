/**
 * `npm run test:rehearsals [-- <part of a test's file name> …]`: backups are taken under load, broken in every way, and
 * restored to the end, to a time and to a position; then whoever reads events is looked at. The count comes last.
 */
import { CountedTests } from './run-jest.mjs';

const minutesMax = 20;

const tests = new CountedTests();
if (tests.build()) {
  const args = [...process.argv.slice(2), '--maxWorkers=2', '--selectProjects', 'rehearsals'];
  tests.run('rehearsals', args, { env: process.env, timeoutMs: minutesMax * 60_000 });
}
tests.tell();
