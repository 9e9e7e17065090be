import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DumpedRow } from './database-dump.js';
import { upgradeDirectory, type Release } from './releases.js';

/** One request to an earlier release, and what that answered. */
export interface RecordedAnswer {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly app: 'ledger' | 'webhook-dispatcher';
  /** The secret that it was sent with; absent: the first key's. */
  readonly apiKey?: string;
  readonly key?: string;
  readonly body?: unknown;
  readonly status: number;
  /** As it came, to the byte. */
  readonly text: string;
}

/** What a release has left: its database, and its answers. */
export interface Fixture {
  readonly release: Release;
  readonly rows: readonly DumpedRow[];
  readonly answers: readonly RecordedAnswer[];
}

export const fixtureFiles = ({ name }: Release) => ({
  database: join(upgradeDirectory, `fixtures/${name}.database.jsonl`),
  answers: join(upgradeDirectory, `fixtures/${name}.answers.jsonl`),
});

export function readFixture(release: Release): Fixture {
  const files = fixtureFiles(release);
  return { release, rows: readLines(files.database), answers: readLines(files.answers) };
}

function readLines<T>(file: string): T[] {
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line) as T);
}
