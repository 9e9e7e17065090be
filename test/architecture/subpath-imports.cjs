'use strict';
/**
 * Maps the subpath imports of package.json (`#domain` → ./dist/libs/domain/src/index.js) to the sources that
 * were compiled into them, for dependency-cruiser: it would otherwise end in dist where that exists and
 * nowhere where it doesn't. It takes the form of a webpack configuration because that is how
 * dependency-cruiser accepts aliases.
 */
const { readFileSync } = require('node:fs');
const { join } = require('node:path');

module.exports = (environment) => {
  const root = environment?.root ?? process.cwd();
  const { imports = {} } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const alias = Object.entries(imports).map(([name, target]) => ({
    name,
    onlyModule: true,
    alias: join(root, target.replace(/^\.\/dist\//, '').replace(/\.js$/, '.ts')),
  }));
  return { resolve: { alias } };
};
