/**
 * Holds this repository's own sources against the import rules.
 *
 * `node test/architecture/real-tree.mjs [--json]`
 */
import { readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { CRUISED_FOLDERS, cruiseTree } from './cruise.mjs';

const root = join(import.meta.dirname, '../..');

/** `unread` are TypeScript files on disk that the cruise did not see: with any, "no violation" proves nothing. */
async function examineRealTree() {
  const { sources, violations, subpathTargets } = await cruiseTree(root);
  const seen = new Set(sources);
  const unread = CRUISED_FOLDERS.flatMap(typescriptFiles).filter((file) => !seen.has(file));
  return { moduleCount: sources.length, unread, subpathTargets, violations };
}

function typescriptFiles(folder) {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)));
}

const tree = await examineRealTree();
const strayed = Object.entries(tree.subpathTargets).filter(([, to]) =>
  to.some((file) => !file.startsWith('libs/')),
);
const complaints = [
  ...tree.violations.map(({ rule, from, to }) =>
    from === to ? `${rule}: ${from}` : `${rule}: ${from} → ${to}`,
  ),
  ...tree.unread.map((file) => `not read: ${file}`),
  ...strayed.map(([name, to]) => `not followed to its source: ${name} → ${to.join(', ')}`),
];
if (tree.moduleCount === 0) complaints.push('no module was read');

if (process.argv.includes('--json')) {
  console.log(JSON.stringify({ ...tree, complaints }));
} else {
  for (const complaint of complaints) console.error(complaint);
  console.log(`${tree.moduleCount} modules read, ${complaints.length} complaints`);
}
process.exitCode = complaints.length > 0 ? 1 : 0;
