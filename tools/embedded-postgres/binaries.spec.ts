import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { embeddedBinaries, packagedBinaries } from './binaries.js';

let directory: string;
beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'binaries-'))));
afterEach(() => rmSync(directory, { recursive: true }));

it('takes the programs of the folder that is named, in place of those that came along', async () => {
  const { majorVersion, ...packaged } = await packagedBinaries();
  for (const [name, path] of Object.entries(packaged)) symlinkSync(path, join(directory, name));
  expect(await embeddedBinaries(directory)).toEqual({
    initdb: join(directory, 'initdb'),
    pg_ctl: join(directory, 'pg_ctl'),
    postgres: join(directory, 'postgres'),
    majorVersion,
  });
});

it('names the setting where a program is missing', async () => {
  await expect(embeddedBinaries(directory)).rejects.toThrow(
    /^EMBEDDED_POSTGRES_BIN must be a folder with initdb, pg_ctl and postgres, and is .*ENOENT.*\.$/,
  );
});
