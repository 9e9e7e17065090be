import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectDirectory } from '../support/config.js';

/** A landed state of the history that some database may still be of. */
export interface Release {
  readonly name: string;
  readonly commit: string;
  readonly date: string;
  readonly apps: readonly ('ledger' | 'webhook-dispatcher')[];
  /** Whether keys can be made over its API. */
  readonly hasKeys: boolean;
  /** The highest that it has; one of a lower number may have landed later. */
  readonly lastMigration: string;
  /** Which it writes, in which versions. */
  readonly events: Readonly<Record<string, readonly number[]>>;
  /** Fields of transactions that later releases have added to its answers, which are otherwise what they were, to the byte. */
  readonly addedToAnswersSince: readonly string[];
}

export const upgradeDirectory = join(projectDirectory, 'test/upgrade');

/** Oldest first. */
export const releases = JSON.parse(
  readFileSync(join(upgradeDirectory, 'releases.json'), 'utf8'),
) as readonly Release[];

export function releaseNamed(name: string): Release {
  const found = releases.find((release) => release.name === name);
  if (!found)
    throw new Error(`releases.json has no ${name}: ${releases.map((each) => each.name).join(', ')}`);
  return found;
}

const newest = releases.at(-1)!;

/** The last one that doesn't know all types of events: what is upgraded from under load. */
export const earlierRelease =
  releases.findLast(({ events }) => Object.keys(newest.events).some((type) => !(type in events))) ?? newest;
