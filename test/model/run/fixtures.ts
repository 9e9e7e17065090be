/** Programs that have failed once: kept in fixtures/, and played by every run of the suite. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectDirectory } from '../../support/config.js';
import type { Program } from '../generate/program.js';

const directory = join(projectDirectory, 'test/model/fixtures');

export interface Fixture {
  /** What was found when it was written. */
  readonly found: string;
  readonly program: Program;
}

export function writeFixture(fixture: Fixture): string {
  mkdirSync(directory, { recursive: true });
  const file = join(directory, `seed-${fixture.program.seed}.json`);
  writeFileSync(file, `${JSON.stringify(fixture, null, 2)}\n`);
  return file;
}

export function readFixtures(): { readonly name: string; readonly fixture: Fixture }[] {
  return readdirSync(directory)
    .filter((name) => name.endsWith('.json'))
    .map((name) => ({ name, fixture: JSON.parse(readFileSync(join(directory, name), 'utf8')) as Fixture }));
}
