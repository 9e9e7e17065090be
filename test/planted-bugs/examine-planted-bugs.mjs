/**
 * Whether each planted bug can still be planted: its text stands in its file once, and the tests that are to find it
 * are there. `node test/planted-bugs/examine-planted-bugs.mjs [--json]`
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { partsOf } from './plant.mjs';
import { plantedBugs } from './planted-bugs.mjs';

const root = join(import.meta.dirname, '../..');

/** Each result: { what, problems } */
export function examinePlantedBugs() {
  return plantedBugs.map((planted) => ({ what: planted.what, problems: problemsOf(planted) }));
}

function problemsOf({ what, file, text, bug, suites }) {
  const source = existsSync(join(root, file)) ? readFileSync(join(root, file), 'utf8') : null;
  const times = source === null ? 0 : source.split(text).length - 1;
  return [
    ...(plantedBugs.filter((other) => other.what === what).length === 1
      ? []
      : ['there are two of this name']),
    ...(source === null ? [`${file} is not there`] : []),
    ...(source !== null && times !== 1 ? [`${file} has its text ${times} times: ${text}`] : []),
    ...(text === bug ? ['it changes nothing'] : []),
    ...(suites.length === 0 ? ['no suite is named'] : []),
    ...suites.flatMap((suite) => problemsOfSuite(partsOf(suite))),
  ];
}

function problemsOfSuite({ path, name }) {
  if (!existsSync(join(root, path))) return [`${path} is not there`];
  const hasTest = readFileSync(join(root, path), 'utf8').includes(name);
  return hasTest ? [] : [`${path} has no test named ${name}`];
}

if (import.meta.filename === process.argv[1]) {
  const results = examinePlantedBugs();
  const failed = results.filter(({ problems }) => problems.length > 0);
  if (process.argv.includes('--json')) {
    console.log(JSON.stringify(results));
  } else {
    for (const { what, problems } of failed) console.error(`${what}: ${problems.join('; ')}`);
    console.log(`${results.length - failed.length} of ${results.length} planted bugs can be planted`);
  }
  process.exitCode = failed.length > 0 ? 1 : 0;
}
