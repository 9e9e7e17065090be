/**
 * Proves that the import rules and the lint rules still bite: each is run, as configured, on code that breaks
 * it and must report exactly that. A rule whose pattern no longer matches anything passes every real tree; here
 * it fails the build. The trees are made in a temporary directory, so nothing has to be kept from compiling.
 *
 * `node test/architecture/planted-violations.mjs [--json]`
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ESLint } from 'eslint';
import { cruiseTree, ruleNames } from './cruise.mjs';
import { buildOutput, plantedImports, soundTree } from './planted-imports.mjs';
import { plantedLint } from './planted-lint.mjs';

const eslintConfig = join(import.meta.dirname, '../../eslint.config.mjs');

/** Each result: { what, expected, found } as sorted lists of rule names. */
export async function provePlantedViolations() {
  return [
    ...(await proveSoundTree()),
    ...(await provePlantedImports()),
    proveEveryImportRuleIsPlanted(),
    ...(await provePlantedLint()),
  ];
}

async function proveSoundTree() {
  const results = [];
  for (const [what, files] of [
    ['the sound tree, not built', soundTree],
    ['the sound tree, built', { ...soundTree, ...buildOutput }],
  ]) {
    const { violations, subpathTargets } = await inTemporaryTree(files, cruiseTree);
    results.push(result(`import: ${what}`, [], ruleNamesOf(violations)));
    for (const name of Object.keys(JSON.parse(files['package.json']).imports)) {
      const source = `libs/${name.slice(1)}/src/index.ts`;
      results.push(result(`import: ${name} in ${what}`, [source], subpathTargets[name] ?? []));
    }
  }
  return results;
}

async function provePlantedImports() {
  const results = [];
  for (const { what, files, fires } of plantedImports) {
    const { violations } = await inTemporaryTree({ ...soundTree, ...buildOutput, ...files }, cruiseTree);
    results.push(result(`import: ${what}`, fires, ruleNamesOf(violations)));
  }
  return results;
}

function proveEveryImportRuleIsPlanted() {
  const planted = plantedImports.flatMap(({ fires }) => fires);
  return result('import: every rule has a planted violation', ruleNames, [...new Set(planted)]);
}

async function provePlantedLint() {
  const files = Object.fromEntries(plantedLint.map(({ file, code }) => [file, code]));
  const compilerOptions = { strict: true, target: 'es2023', module: 'nodenext', types: [] };
  const tree = {
    ...files,
    'package.json': '{"type":"module"}',
    'tsconfig.json': JSON.stringify({ compilerOptions }),
  };
  return inTemporaryTree(tree, async (root) => {
    const eslint = new ESLint({ cwd: root, overrideConfigFile: eslintConfig });
    const reports = await eslint.lintFiles(['.']);
    return plantedLint.map(({ what, file, fires }) => {
      const report = reports.find(({ filePath }) => filePath === join(root, file));
      return result(
        `lint: ${what}`,
        fires,
        report?.messages.map((m) => m.ruleId ?? m.message) ?? ['not linted'],
      );
    });
  });
}

const ruleNamesOf = (violations) => [...new Set(violations.map(({ rule }) => rule))];
const result = (what, expected, found) => ({ what, expected: expected.toSorted(), found: found.toSorted() });

async function inTemporaryTree(files, examine) {
  const root = mkdtempSync(join(tmpdir(), 'planted-'));
  try {
    for (const [file, text] of Object.entries(files)) {
      mkdirSync(join(root, dirname(file)), { recursive: true });
      writeFileSync(join(root, file), text);
    }
    return await examine(root);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

async function main() {
  const results = await provePlantedViolations();
  const failed = results.filter(({ expected, found }) => String(expected) !== String(found));
  if (process.argv.includes('--json')) {
    console.log(JSON.stringify(results));
  } else {
    for (const { what, expected, found } of failed) {
      console.error(`${what}: expected [${expected.join(', ')}], found [${found.join(', ')}]`);
    }
    console.log(`${results.length - failed.length} of ${results.length} planted cases found as expected`);
  }
  process.exitCode = failed.length > 0 ? 1 : 0;
}

if (import.meta.filename === process.argv[1]) await main();
