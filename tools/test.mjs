/**
 * `npm test [-- <jest arguments>]`: builds (the end-to-end tests run the built product), then runs the unit,
 * architecture, integration and end-to-end tests, on the Postgres of `npm ci`. What takes longer, or needs more, has a
 * command of its own, `npm run test:…`. The last line is jest's own count.
 */
import { CountedTests } from './run-jest.mjs';

const timeoutMs = 20 * 60_000;

const env = { ...process.env };
delete env.TEST_POSTGRES_BIN;
const tests = new CountedTests();
if (tests.build()) {
  const narrowing = process.argv.slice(2);
  const projects = ['--selectProjects', 'unit', 'architecture', 'integration', 'e2e'];
  const isSelecting = narrowing.some((argument) => argument.startsWith('--selectProjects'));
  tests.run('tests', isSelecting ? narrowing : [...narrowing, ...projects], { env, timeoutMs });
}
tests.tell();
