import { randomInt } from 'node:crypto';
import { seedFromEnvironment } from './config.js';

export interface SeededRandom {
  readonly seed: number;
  /** An integer from 0 up to this, itself left out. */
  below(limit: number): number;
  pick<T>(items: readonly T[]): T;
}

/**
 * Random numbers that come again with the same seed (mulberry32). The seed is printed, so that a run that
 * failed can be repeated with TEST_SEED.
 */
export function seededRandom(seed = seedFromEnvironment() ?? randomInt(2 ** 31)): SeededRandom {
  process.stdout.write(`seed ${seed}: repeat with TEST_SEED=${seed}\n`);
  let state = seed;
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (limit: number) => Math.floor(next() * limit);
  return { seed, below, pick: (items) => items[below(items.length)]! };
}
