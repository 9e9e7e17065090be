/**
 * `npm test [-- <jest arguments>]`: builds (the end-to-end tests run the built product), runs every jest project,
 * then the SQL suites a second time on Postgres 15, the oldest release that is supported. The Kafka suites need
 * Java and Maven, or a cluster that KAFKA_BROKERS names. Faults are injected by `npm run test:faults`, and odd
 * requests made by `npm run test:fuzz`. With arguments only the first run is made, with them. The last line is the sum of jest's own counts.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { CountedTests } from './run-jest.mjs';

const runTimeoutMs = 20 * 60_000;
/** One more than the cores of a small machine: end-to-end suites wait for much of their time. */
const workers = 3;
const postgres15 = '/usr/lib/postgresql/15';
/** Suites on a database whose release makes no difference to what they test. */
const besideSql = 'test/integration/(cli|authenticate|calling-guide|dump-restore|subscribers-[a-z]+)\\.int';

const { TEST_POSTGRES_BIN: postgresBin, ...environment } = process.env;
const jestArguments = process.argv.slice(2);
const tests = new CountedTests();

if (tests.build()) await runEverything();
tests.tell();

async function runEverything() {
  if (jestArguments.length > 0) return runJest('narrowed', jestArguments, process.env);
  runJest('all', [], environment, (await tests.canRunKafka('Kafka suites')) ? [] : ['kafka']);
  runSqlSuitesOnPostgres15();
}

function runSqlSuitesOnPostgres15() {
  const bin = postgresBin ?? `${postgres15}/bin`;
  if (existsSync(join(bin, 'postgres'))) {
    console.log(`SQL suites on the Postgres in ${bin}:`);
    const sql = ['--selectProjects=integration', `--testPathIgnorePatterns=${besideSql}`];
    runJest('sql', sql, { ...environment, TEST_POSTGRES_BIN: bin });
    return;
  }
  const missing = postgresBin ? `${bin}/postgres does not exist` : `${postgres15} is not installed`;
  console.error(`SQL suites on Postgres 15: NOT RUN, ${missing}`);
  // A developer's machine may lack it; where the build is judged, a suite that did not run is not green.
  if (process.env.CI === 'true' || postgresBin) tests.failed += 1;
}

function runJest(name, args, env, ignored = []) {
  const others = ['faults', 'kafka-faults', 'fuzz', 'exhaustion', 'rehearsals', 'upgrade'];
  const projects = ['--ignoreProjects', ...others, ...ignored];
  tests.run(name, [`--maxWorkers=${workers}`, ...args, ...projects], { env, timeoutMs: runTimeoutMs });
}
