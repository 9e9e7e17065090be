/**
 * `npm test [-- <jest arguments>]`: builds (the end-to-end tests run the built product), then runs the unit,
 * architecture, integration and end-to-end tests, on the Postgres of `npm ci`. What takes longer, or needs more, has a
 * command of its own, `npm run test:…`. The last line is jest's own count.
 */
import { CountedTests } from './run-jest.mjs';

const timeoutMs = 20 * 60_000;
/** Twice the cores of a small machine: end-to-end suites wait for much of their time. */
const workers = 4;

const env = { ...process.env };
delete env.TEST_POSTGRES_BIN;
const tests = new CountedTests();
if (tests.build()) {
  const narrowing = process.argv.slice(2);
  const args = [`--maxWorkers=${workers}`, ...narrowing];
  const projects = ['--selectProjects', 'unit', 'architecture', 'integration', 'e2e'];
  const isSelecting = narrowing.some((argument) => argument.startsWith('--selectProjects'));
  tests.run('tests', isSelecting ? args : [...args, ...projects], { env, timeoutMs });
}
tests.tell();
