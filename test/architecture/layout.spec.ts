import { readdirSync } from 'node:fs';
import { join, relative } from 'node:path';

const root = join(import.meta.dirname, '../..');
const DUMPING_GROUNDS = /^(common|shared|utils?|helpers?|core)$/i;

function foldersUnder(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)));
}

describe('the layout', () => {
  const folders = ['apps', 'libs', 'migrations', 'tools', 'bench', 'test', 'docs'].flatMap((folder) => [
    folder,
    ...foldersUnder(folder),
  ]);

  it('has no dumping ground among its folders', () => {
    expect(folders.length).toBeGreaterThan(10);
    expect(folders.filter((folder) => folder.split('/').some((name) => DUMPING_GROUNDS.test(name)))).toEqual(
      [],
    );
  });

  it('would name one', () => {
    expect(
      ['common', 'shared', 'utils', 'helpers', 'core'].filter((name) => !DUMPING_GROUNDS.test(name)),
    ).toEqual([]);
  });
});
