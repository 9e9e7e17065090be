/**
 * `npm run test:fuzz [-- --seconds 120 --seed <number> --json <file> <part of a test's file name> …]`: both apps are
 * asked by Schemathesis, from their OpenAPI documents, and by generators of our own, and their connections are
 * abused, for about so many seconds in all. Schemathesis needs Python 3.10 or later with venv, and takes what
 * test/fuzz/requirements.txt names from PyPI. The table of figures, then the count, come last.
 */
import { spawnSync } from 'node:child_process';
import { hash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CountedTests } from './run-jest.mjs';
import { readArguments, readFigures, tellFigures, withFigures } from './seeded-run.mjs';

const root = join(import.meta.dirname, '..');
const requirements = join(root, 'test/fuzz/requirements.txt');
const installMsMax = 300_000;
/** What starting both apps three times, and abuse that has to be waited for, take beside. */
const minutesBesideMax = 15;

const { seconds, seed, json, positionals } = readArguments(
  { seconds: { byDefault: 120, from: 10, to: 99_999 } },
  { json: { type: 'string' } },
  { allowPositionals: true },
);
const tests = new CountedTests();

console.log(`fuzzing for about ${seconds} s, seed ${seed}: repeat with --seed ${seed}`);
await withFigures((figuresFile) => {
  const startedAt = performance.now();
  if (tests.build()) runJest(figuresFile);
  const figures = readFigures(figuresFile);
  const took = Math.round((performance.now() - startedAt) / 1_000);
  tellFigures('what was tried', figures);
  console.log(`\nseed ${seed}, ${took} s`);
  tests.report(json, { seed, seconds: took, tests: figures });
});
tests.tell();

function runJest(figuresFile) {
  const python = pythonWithSchemathesis();
  const env = {
    ...process.env,
    FUZZ_SECONDS: String(seconds),
    FUZZ_PYTHON: python ?? '',
    FAULT_FIGURES: figuresFile,
    TEST_SEED: String(seed),
  };
  const timeoutMs = (minutesBesideMax * 60 + 2 * seconds) * 1_000;
  const ignored = python === null ? ['--testPathIgnorePatterns=documented-answers'] : [];
  const args = [...positionals, '--runInBand', '--selectProjects', 'fuzz', ...ignored];
  tests.run('fuzz', args, { env, timeoutMs });
}

/** What the build is judged by may lack nothing; a developer's machine may, and is told. */
function pythonWithSchemathesis() {
  const pinned = hash('sha256', readFileSync(requirements, 'utf8'), 'hex').slice(0, 16);
  const environment = join(root, 'node_modules/.cache', `schemathesis-${pinned}`);
  const python = join(environment, 'bin/python');
  const done = join(environment, 'installed');
  if (existsSync(done)) return python;
  mkdirSync(join(root, 'node_modules/.cache'), { recursive: true });
  rmSync(environment, { recursive: true, force: true });
  const problem =
    problemOf('python3', ['-m', 'venv', environment]) ??
    problemOf(python, ['-m', 'pip', 'install', '--quiet', '--no-deps', '-r', requirements]);
  if (problem === null) {
    writeFileSync(done, '');
    return python;
  }
  console.error(`Schemathesis: NOT RUN, ${problem}`);
  if (process.env.CI === 'true') tests.failed += 1;
  return null;
}

function problemOf(command, args) {
  const { status, error, stderr } = spawnSync(command, args, { encoding: 'utf8', timeout: installMsMax });
  if (status === 0) return null;
  return `${command} ${args.slice(0, 3).join(' ')}: ${error?.message ?? stderr.trim().slice(-500)}`;
}
