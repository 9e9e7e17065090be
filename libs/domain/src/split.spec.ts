import fc from 'fast-check';
import { splitProportionally } from './split.js';

const sumOf = (parts: readonly bigint[]) => parts.reduce((sum, part) => sum + part, 0n);

describe('a split in proportion', () => {
  it.each<[bigint, bigint[], bigint[]]>([
    [10n, [50n, 30n, 20n], [5n, 3n, 2n]],
    [0n, [50n, 30n], [0n, 0n]],
    [80n, [50n, 30n], [50n, 30n]],
    [1n, [50n, 30n], [1n, 0n]],
    [1n, [30n, 50n], [0n, 1n]],
    [1n, [1n, 1n, 1n], [1n, 0n, 0n]],
    [2n, [1n, 1n, 1n], [1n, 1n, 0n]],
    [5n, [2n, 2n, 2n], [2n, 2n, 1n]],
    [3n, [0n, 5n, 0n], [0n, 3n, 0n]],
    [1n, [0n, 1n], [0n, 1n]],
    [0n, [], []],
    [0n, [0n, 0n], [0n, 0n]],
    // The small one loses most by being rounded down, and is first served.
    [7n, [6n, 1n, 1n], [5n, 1n, 1n]],
    [10n ** 36n - 1n, [10n ** 36n - 1n, 10n ** 36n - 1n], [5n * 10n ** 35n, 5n * 10n ** 35n - 1n]],
  ])('of %s over %j is %j', (amount, left, expected) => {
    expect(splitProportionally(amount, left)).toEqual(expected);
  });

  it.each<[bigint, bigint[]]>([
    [81n, [50n, 30n]],
    [1n, []],
    [1n, [0n]],
    [-1n, [5n]],
  ])('of %s over %j is a bug', (amount, left) => {
    expect(() => splitProportionally(amount, left)).toThrow(/can't be split/);
  });
});

const lefts = fc.array(
  fc.oneof(fc.bigInt({ min: 0n, max: 5n }), fc.bigInt({ min: 0n, max: 10n ** 36n - 1n })),
  {
    minLength: 1,
    maxLength: 100,
  },
);
const splits = lefts.chain((left) => fc.tuple(fc.constant(left), fc.bigInt({ min: 0n, max: sumOf(left) })));

describe('any split', () => {
  it('adds up, takes no more than is left, and gives each its share within one unit', () => {
    fc.assert(
      fc.property(splits, ([left, amount]) => {
        const total = sumOf(left);
        const shares = splitProportionally(amount, left);
        expect(sumOf(shares)).toBe(amount);
        for (const [index, share] of shares.entries()) {
          const part = left[index]!;
          expect(share >= 0n && share <= part).toBe(true);
          const missed = share * total - amount * part;
          expect((missed > -total && missed < total) || total === 0n).toBe(true);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('gives one more to those with the largest remainders, the first of equals before the others', () => {
    fc.assert(
      fc.property(splits, ([left, amount]) => {
        const total = sumOf(left);
        if (total === 0n) return;
        const shares = splitProportionally(amount, left);
        const remainders = left.map((part) => (amount * part) % total);
        const hasMore = left.map((part, index) => shares[index]! > (amount * part) / total);
        for (const [index, more] of hasMore.entries()) {
          if (!more) continue;
          for (const [other, otherMore] of hasMore.entries()) {
            if (otherMore) continue;
            const [own, others] = [remainders[index]!, remainders[other]!];
            expect(own > others || (own === others && index < other)).toBe(true);
          }
        }
      }),
      { numRuns: 100 },
    );
  });

  it('of what is left, again and again, ends with nothing left', () => {
    fc.assert(
      fc.property(lefts, fc.array(fc.bigInt({ min: 1n, max: 10n ** 36n })), (start, wishes) => {
        let left = start;
        for (const wish of [...wishes, 10n ** 40n]) {
          const amount = wish < sumOf(left) ? wish : sumOf(left);
          const shares = splitProportionally(amount, left);
          left = left.map((part, index) => part - shares[index]!);
        }
        expect(left.every((part) => part === 0n)).toBe(true);
      }),
      { numRuns: 100 },
    );
  });
});
