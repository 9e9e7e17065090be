// Runs of jest that are counted together; a run that brings no result, or no test, is a failure.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');

export class CountedTests {
  passed = 0;
  failed = 0;
  skipped = 0;

  /** What the tests run is the built product, so that it is built first. */
  build() {
    const command = ['npm', ['run', '--silent', 'build']];
    const { status } = spawnSync(...command, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
    if (status !== 0) this.fail('the build failed: no test was run');
    return status === 0;
  }

  /** What the build is judged by may lack nothing; a developer's machine may, and is told. */
  async canRunKafka(suites) {
    if (process.env.KAFKA_BROKERS) return true;
    const { whatKafkaLacks } = await import('../dist/tools/kafka/broker-jars.js');
    const missing = await whatKafkaLacks();
    if (missing === null) return true;
    console.error(`${suites}: NOT RUN, ${missing}`);
    if (process.env.CI === 'true') this.failed += 1;
    return false;
  }

  run(name, args, { env, timeoutMs }) {
    const results = mkdtempSync(join(tmpdir(), 'jest-results-'));
    try {
      this.#runInto(join(results, 'counts.json'), name, args, { env, timeoutMs });
    } finally {
      rmSync(results, { recursive: true, force: true });
    }
  }

  fail(sentence) {
    console.error(sentence);
    this.failed += 1;
  }

  /** Writes what came of it to a file, where one is wanted. */
  report(file, told) {
    if (file === undefined) return;
    const { passed, failed } = this;
    writeFileSync(file, `${JSON.stringify({ ...told, passed, failed }, null, 2)}\n`);
  }

  /** The last line of a run, and its exit code. */
  tell() {
    if (this.passed + this.failed === 0) this.fail('no test ran');
    const skipped = this.skipped > 0 ? `, ${this.skipped} skipped` : '';
    console.log(`${this.passed} passed, ${this.failed} failed${skipped}`);
    process.exitCode = this.failed > 0 ? 1 : 0;
  }

  #runInto(outputFile, name, args, { env, timeoutMs }) {
    const jest = spawnSync(
      process.execPath,
      [
        'node_modules/jest/bin/jest.js',
        '--testTimeout=60000',
        '--json',
        `--outputFile=${outputFile}`,
        ...args,
      ],
      {
        cwd: root,
        stdio: ['ignore', 'inherit', 'inherit'],
        timeout: timeoutMs,
        env: {
          ...env,
          NODE_OPTIONS: [env.NODE_OPTIONS, '--experimental-vm-modules --disable-warning=ExperimentalWarning']
            .filter(Boolean)
            .join(' '),
        },
      },
    );
    if (!existsSync(outputFile))
      return this.fail(`jest (${name}) ended without a result: ${jest.signal ?? jest.status}`);

    const counts = JSON.parse(readFileSync(outputFile, 'utf8'));
    // A suite that could not be loaded has no tests to count, and is a failure all the same.
    const failed = counts.numFailedTests + counts.numRuntimeErrorTestSuites;
    this.passed += counts.numPassedTests;
    this.failed += failed;
    this.skipped += counts.numPendingTests + counts.numTodoTests;
    if (failed === 0 && jest.status !== 0)
      this.fail(`jest (${name}) ended with ${jest.signal ?? jest.status}`);
    else if (failed === 0 && counts.numPassedTests === 0) this.fail(`jest (${name}) ran no test`);
  }
}
