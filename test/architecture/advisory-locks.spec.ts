import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');

/** The apps may share a database, and with it the numbers of their locks: each number belongs to one owner. */
const ownerOf = (file: string): string => {
  const app = /^apps\/([^/]+)\//.exec(file)?.[1];
  if (app !== undefined) return app;
  return file.endsWith('-dispatcher.ts') ? 'webhook-dispatcher' : file;
};

function ownersByLock(): Map<string, Set<string>> {
  const owners = new Map<string, Set<string>>();
  for (const folder of ['apps', 'libs', 'migrations', 'tools']) {
    for (const name of readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })) {
      if (!name.endsWith('.ts') || name.endsWith('.spec.ts')) continue;
      const file = join(folder, name);
      for (const [number] of readFileSync(join(root, file), 'utf8').matchAll(/\b7_?165_?901_?\d{3}\b/g)) {
        const lock = number.replaceAll('_', '');
        owners.set(lock, (owners.get(lock) ?? new Set()).add(ownerOf(file)));
      }
    }
  }
  return owners;
}

test('no two parts of the product use one number for their locks', () => {
  const owners = [...ownersByLock()].map(([lock, parts]) => [lock, [...parts]] as const);
  expect(owners.length).toBeGreaterThanOrEqual(5);
  expect(owners.filter(([, parts]) => parts.length > 1)).toEqual([]);
});
