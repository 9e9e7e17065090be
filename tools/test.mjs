/**
 * `npm test [-- <jest arguments>]`: builds (the end-to-end tests run the built product), then runs what needs nothing
 * but `npm ci`: unit, architecture, integration and end-to-end tests. What takes longer, or more than that, has a
 * command of its own, `npm run test:…`. The last line is jest's own count.
 */
import { CountedTests } from './run-jest.mjs';

const timeoutMs = 20 * 60_000;
/** One more than the cores of a small machine: end-to-end suites wait for much of their time. */
const workers = 4;

const tests = new CountedTests();
if (tests.build()) {
  const narrowing = process.argv.slice(2);
  const args = [`--maxWorkers=${workers}`, ...narrowing];
  const projects = ['--selectProjects', 'unit', 'architecture', 'integration', 'e2e'];
  const isSelecting = narrowing.some((argument) => argument.startsWith('--selectProjects'));
  tests.run('all', isSelecting ? args : [...args, ...projects], { env: process.env, timeoutMs });
}
tests.tell();
