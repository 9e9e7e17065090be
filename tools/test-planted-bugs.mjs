/**
 * `npm run test:planted-bugs [-- --only <a part of a bug's name or file> --list]`: plants the bugs of test/planted-bugs
 * one by one in a copy of the tree, each of which the compiler takes and a test must find: the suites that are named
 * beside it pass without the bug, and fail with it in an assertion. The table of who found what, then the count, come
 * last.
 */
import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { examinePlantedBugs } from '../test/planted-bugs/examine-planted-bugs.mjs';
import { partsOf } from '../test/planted-bugs/plant.mjs';
import { plantedBugs } from '../test/planted-bugs/planted-bugs.mjs';
import { PlantedSources } from '../test/planted-bugs/planted-sources.mjs';

const root = join(import.meta.dirname, '..');
const workers = 2;
const baselineMsMax = 20 * 60_000;
const bugMsMax = 4 * 60_000;
/** Tests that wait for what a bug keeps from coming say so after this time, where they have no other of their own. */
const testMsMax = 20_000;
/** What is copied of the tree: all but what is made from it, what is installed, and what a start has left. */
const notCopied = new Set(['node_modules', 'dist', '.git', '.data', 'coverage']);

const bugs = selectBugs(readArguments());
const problems = examinePlantedBugs().flatMap(({ what, problems }) =>
  problems.map((problem) => `${what}: ${problem}`),
);
if (problems.length > 0) {
  console.error(problems.join('\n'));
  process.exit(1);
}

const copy = mkdtempSync(join(tmpdir(), 'planted-bugs-'));
process.once('exit', () => rmSync(copy, { recursive: true, force: true }));
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));

const startedAt = performance.now();
copyTree();
const sources = new PlantedSources(copy);
const rows = [];
const baseline = await provePassing([...new Set(bugs.flatMap(({ suites }) => suites))]);
if (baseline === null) for (const bug of bugs) rows.push(await proveFound(bug));
tellResults();

function selectBugs({ only, list }) {
  const isMeant = (text) => text.toLowerCase().includes(only.toLowerCase());
  const selected = plantedBugs.filter(({ what, file }) => isMeant(what) || isMeant(file));
  if (list) {
    for (const { what, file, suites } of selected)
      console.log(`${what}\n  in ${file}, by ${suites.join(', ')}`);
    process.exit(0);
  }
  if (selected.length === 0) {
    console.error(`no planted bug has ${JSON.stringify(only)} in its name or file: see --list`);
    process.exit(2);
  }
  return selected;
}

function copyTree() {
  cpSync(root, copy, {
    recursive: true,
    filter: (path) => !notCopied.has(relative(root, path)) && !path.endsWith('.log'),
  });
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
}

/** Once for all suites, or the tests of them that are named. Null: all of them pass. */
async function provePassing(suites) {
  console.log(`${bugs.length} planted bugs, ${suites.length} suites or parts of suites: first without a bug`);
  await sources.build();
  const began = performance.now();
  const isPart = (suite) => partsOf(suite).name !== '';
  for (const some of [suites.filter((suite) => !isPart(suite)), suites.filter(isPart)]) {
    if (some.length === 0) continue;
    const run = await runJest(some, baselineMsMax);
    console.log(`without a bug: ${run.sentence} (${secondsSince(began)} s)`);
    if (!run.isWhole || run.failures.length > 0 || run.passed === 0) return run.sentence;
  }
  return null;
}

async function proveFound(bug) {
  const began = performance.now();
  const row = { what: bug.what, ...(await findBug(bug)), seconds: secondsSince(began) };
  console.log(`${row.isFound ? 'found' : 'NOT FOUND'} (${row.seconds} s): ${row.what}: ${row.by}`);
  return row;
}

async function findBug(bug) {
  const restore = sources.plant(bug);
  if (typeof restore === 'string') return { isFound: false, by: `the compiler does not take it: ${restore}` };
  try {
    const run = await runJest(bug.suites, bugMsMax);
    const proof = run.failures.find(
      ({ isAssertion, message }) => isAssertion || (bug.error && message.includes(bug.error)),
    );
    if (!proof) return { isFound: false, by: run.sentence };
    return { isFound: true, by: `${proof.suite}: ${proof.test}` };
  } finally {
    restore();
  }
}

/** Ends when jest does or is killed after its time; `sentence` says how it went. */
async function runJest(suites, msMax) {
  const results = mkdtempSync(join(tmpdir(), 'jest-results-'));
  const outputFile = join(results, 'counts.json');
  try {
    const output = await spawnJest(outputFile, suites, msMax);
    if (!existsSync(outputFile)) {
      return { isWhole: false, passed: 0, failures: [], sentence: `jest gave no result: ${output}` };
    }
    return judge(JSON.parse(readFileSync(outputFile, 'utf8')));
  } finally {
    rmSync(results, { recursive: true, force: true });
  }
}

function spawnJest(outputFile, suites, msMax) {
  const parts = suites.map(partsOf);
  const names = parts.map(({ name }) => name.replace(/[^\w ]/g, '.'));
  const jest = spawn(
    process.execPath,
    [
      'node_modules/jest/bin/jest.js',
      '--silent',
      '--forceExit',
      `--maxWorkers=${workers}`,
      `--testTimeout=${testMsMax}`,
      '--json',
      `--outputFile=${outputFile}`,
      ...(names.includes('') ? [] : [`--testNamePattern=${names.join('|')}`]),
      '--runTestsByPath',
      ...new Set(parts.map(({ path }) => path)),
    ],
    {
      cwd: copy,
      detached: true,
      stdio: ['ignore', 'ignore', 'pipe'],
      env: {
        ...process.env,
        NODE_OPTIONS: '--experimental-vm-modules --disable-warning=ExperimentalWarning',
      },
    },
  );
  let tail = '';
  jest.stderr.setEncoding('utf8').on('data', (text) => (tail = (tail + text).slice(-2_000)));
  const stop = () => killGroup(jest.pid);
  process.once('exit', stop);
  const limit = setTimeout(stop, msMax);
  return new Promise((resolve) => {
    jest.once('close', (code, signal) => {
      clearTimeout(limit);
      process.off('exit', stop);
      resolve(signal ? `no end within ${msMax / 1_000} s` : tail.trim() || `it ended with ${code}`);
    });
  });
}

/** What it started is in its group; a Postgres that is left behind is removed by the next run that starts one. */
function killGroup(pid) {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

function judge({ numPassedTests: passed, numRuntimeErrorTestSuites: broken, testResults }) {
  const failures = testResults.flatMap(({ name, assertionResults }) =>
    assertionResults
      .filter(({ status }) => status === 'failed')
      .map(({ fullName, failureMessages: [message = ''] }) => ({
        suite: relative(copy, name),
        test: fullName,
        message: firstLineOf(message),
        isAssertion: isAssertion(message),
      })),
  );
  const [first] = failures;
  const crash = testResults.find(
    ({ status, assertionResults }) => status === 'failed' && !assertionResults.length,
  );
  const sentence = first
    ? `${first.suite}: ${first.test}: ${first.message}`
    : broken > 0
      ? `${relative(copy, crash?.name ?? '')} could not be run: ${firstLineOf(crash?.message ?? '')}`
      : `${passed} tests pass`;
  return { isWhole: broken === 0, passed, failures, sentence };
}

/** By `expect`, by a property of fast-check, or by a test that waited in vain for what it asserts. */
function isAssertion(message) {
  return /expect\(|Property failed|Exceeded timeout|not within [\d.]+ s|not so after/.test(plain(message));
}

function firstLineOf(message) {
  return plain(message).trim().split('\n')[0].slice(0, 200);
}

function plain(message) {
  // eslint-disable-next-line no-control-regex
  return message.replace(/\u001b\[[0-9;]*m/g, '');
}

function tellResults() {
  console.log('\n| planted bug | found by | seconds |\n| --- | --- | --- |');
  for (const { what, by, isFound, seconds } of rows) {
    console.log(`| ${what} | ${isFound ? '' : '**not found** '}${by.replaceAll('|', '\\|')} | ${seconds} |`);
  }
  const passed = rows.filter(({ isFound }) => isFound).length;
  const failed = rows.length - passed + (baseline === null ? 0 : 1);
  console.log(`\n${secondsSince(startedAt)} s`);
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed > 0 ? 1 : 0;
}

function secondsSince(began) {
  return Math.round((performance.now() - began) / 1_000);
}

function readArguments() {
  try {
    return parseArgs({
      options: { only: { type: 'string', default: '' }, list: { type: 'boolean', default: false } },
    }).values;
  } catch (error) {
    console.error(error.message);
    process.exit(2);
  }
}
