import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { cruise } from 'dependency-cruiser';
import extractOptions from 'dependency-cruiser/config-utl/extract-depcruise-options';
import extractTsConfig from 'dependency-cruiser/config-utl/extract-ts-config';

const require = createRequire(import.meta.url);
const configFile = join(import.meta.dirname, '../../.dependency-cruiser.cjs');

export const CRUISED_FOLDERS = ['apps', 'libs', 'migrations', 'tools', 'bench', 'test'];
export const ruleNames = require(configFile).forbidden.map(({ name }) => name);

/**
 * Cruises the tree under `root` with the project's own rules. The answer names what was read, so that a caller
 * can tell "no violation" from "nothing read".
 */
export async function cruiseTree(root) {
  const options = await extractOptions(configFile);
  const folders = CRUISED_FOLDERS.filter((folder) => existsSync(join(root, folder)));
  const { output } = await cruise(
    folders,
    { ...options, baseDir: root },
    require(options.webpackConfig.fileName)({ root }).resolve,
    {
      tsConfig: extractTsConfig(options.tsConfig.fileName),
    },
  );
  const modules = output.modules.filter(({ source }) =>
    folders.some((folder) => source.startsWith(`${folder}/`)),
  );
  return {
    sources: modules.map(({ source }) => source),
    subpathTargets: subpathTargets(modules),
    violations: output.summary.violations.map(({ rule, from, to }) => ({ rule: rule.name, from, to })),
  };
}

/** Where each `#name` led: { '#domain': ['libs/domain/src/index.ts'] }. */
function subpathTargets(modules) {
  const targets = {};
  for (const { module, resolved } of modules.flatMap(({ dependencies }) => dependencies)) {
    if (!module.startsWith('#')) continue;
    targets[module] = [...new Set([...(targets[module] ?? []), resolved])];
  }
  return targets;
}
