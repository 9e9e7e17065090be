/**
 * `npm test [-- <jest arguments>]`: builds (the end-to-end tests run the built product), runs every jest project,
 * then the SQL suites a second time on Postgres 15, the oldest release that is supported. The Kafka suites need
 * Java and Maven, or a cluster that KAFKA_BROKERS names. With arguments only the first run is made, with them.
 * The last line is the sum of jest's own counts.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const runTimeoutMs = 20 * 60_000;
const postgres15 = '/usr/lib/postgresql/15';

const { TEST_POSTGRES_BIN: postgresBin, ...environment } = process.env;
const jestArguments = process.argv.slice(2);
const results = mkdtempSync(join(tmpdir(), 'jest-results-'));
const total = { passed: 0, failed: 0, skipped: 0 };

try {
  await runEverything();
} finally {
  rmSync(results, { recursive: true, force: true });
}
if (total.passed + total.failed === 0) {
  console.error('no test ran');
  total.failed = 1;
}
const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : '';
console.log(`${total.passed} passed, ${total.failed} failed${skipped}`);
process.exitCode = total.failed > 0 ? 1 : 0;

async function runEverything() {
  const build = spawnSync('npm', ['run', '--silent', 'build'], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (build.status !== 0) return fail('the build failed: no test was run');

  if (jestArguments.length > 0) return runJest('narrowed', jestArguments, process.env);
  runJest('all', (await canRunKafka()) ? [] : ['--ignoreProjects', 'kafka'], environment);
  runSqlSuitesOnPostgres15();
}

async function canRunKafka() {
  if (process.env.KAFKA_BROKERS) return true;
  const { whatKafkaLacks } = await import('../dist/tools/kafka/broker-jars.js');
  const missing = await whatKafkaLacks();
  if (missing === null) return true;
  console.error(`Kafka suites: NOT RUN, ${missing}`);
  if (process.env.CI === 'true') total.failed += 1;
  return false;
}

function runSqlSuitesOnPostgres15() {
  const bin = postgresBin ?? `${postgres15}/bin`;
  if (existsSync(join(bin, 'postgres'))) {
    console.log(`SQL suites on the Postgres in ${bin}:`);
    runJest('sql', ['--selectProjects', 'integration'], { ...environment, TEST_POSTGRES_BIN: bin });
    return;
  }
  const missing = postgresBin ? `${bin}/postgres does not exist` : `${postgres15} is not installed`;
  console.error(`SQL suites on Postgres 15: NOT RUN, ${missing}`);
  // A developer's machine may lack it; where the build is judged, a suite that did not run is not green.
  if (process.env.CI === 'true' || postgresBin) total.failed += 1;
}

function runJest(name, args, env) {
  const outputFile = join(results, `${name}.json`);
  const jest = spawnSync(
    process.execPath,
    [
      'node_modules/jest/bin/jest.js',
      '--maxWorkers=2',
      '--testTimeout=60000',
      '--json',
      `--outputFile=${outputFile}`,
      ...args,
    ],
    {
      cwd: root,
      stdio: ['ignore', 'inherit', 'inherit'],
      timeout: runTimeoutMs,
      env: {
        ...env,
        NODE_OPTIONS: [env.NODE_OPTIONS, '--experimental-vm-modules --disable-warning=ExperimentalWarning']
          .filter(Boolean)
          .join(' '),
      },
    },
  );
  if (!existsSync(outputFile))
    return fail(`jest (${name}) ended without a result: ${jest.signal ?? jest.status}`);

  const counts = JSON.parse(readFileSync(outputFile, 'utf8'));
  // A suite that could not be loaded has no tests to count, and is a failure all the same.
  const failed = counts.numFailedTests + counts.numRuntimeErrorTestSuites;
  total.passed += counts.numPassedTests;
  total.failed += failed;
  total.skipped += counts.numPendingTests + counts.numTodoTests;
  if (failed === 0 && jest.status !== 0) fail(`jest (${name}) ended with ${jest.signal ?? jest.status}`);
  else if (failed === 0 && counts.numPassedTests === 0) fail(`jest (${name}) ran no test`);
}

function fail(sentence) {
  console.error(sentence);
  total.failed += 1;
}
