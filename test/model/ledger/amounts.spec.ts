import { convert, divideHalfEven, readAmount, readBalance, splitByLargestRemainder } from './amounts.js';

test.each<[bigint, bigint, bigint]>([
  [1n, 2n, 0n],
  [3n, 2n, 2n],
  [5n, 2n, 2n],
  [7n, 2n, 4n],
  [49n, 100n, 0n],
  [51n, 100n, 1n],
  [250n, 100n, 2n],
  [251n, 100n, 3n],
  [10n ** 40n + 5n, 10n, 10n ** 39n],
])('%d / %d is %d, half to even', (numerator, denominator, expected) => {
  expect(divideHalfEven(numerator, denominator)).toBe(expected);
});

test.each<[string, bigint, string, number, number, bigint]>([
  ['EUR to USD', 250n, '1.0837', 2, 2, 271n],
  ['EUR to JPY', 5n, '50', 2, 0, 2n],
  ['EUR to JPY', 7n, '50', 2, 0, 4n],
  ['JPY to EUR', 100n, '0.00625', 0, 2, 62n],
  ['JPY to EUR', 100n, '0.00635', 0, 2, 64n],
  ['to nothing', 1n, '0.005', 2, 2, 0n],
  ['to 18 places', 7n, '0.000000000000000001', 0, 18, 7n],
])('%s: %d at %s between exponents %d and %d is %d', (_, amount, rate, from, to, expected) => {
  expect(convert(amount, rate, from, to)).toBe(expected);
});

test.each<[bigint, bigint[], bigint[]]>([
  [10n, [33n, 33n, 34n], [3n, 3n, 4n]],
  [1n, [30n, 30n, 30n], [1n, 0n, 0n]],
  [2n, [30n, 30n, 30n], [1n, 1n, 0n]],
  [5n, [1n, 0n, 9n], [1n, 0n, 4n]],
  [100n, [33n, 33n, 34n], [33n, 33n, 34n]],
])('%d split by %j is %j', (total, weights, expected) => {
  expect(splitByLargestRemainder(total, weights)).toEqual(expected);
});

test.each<[unknown, bigint | null]>([
  [1, 1n],
  ['9007199254740993', 9_007_199_254_740_993n],
  ['9'.repeat(36), 10n ** 36n - 1n],
  ['9'.repeat(37), null],
  [2 ** 53, null],
  [1.5, null],
  ['01', null],
  ['-1', null],
  ['', null],
  [0, null],
  [null, null],
])('%j as an amount is %d', (value, expected) => {
  expect(readAmount(value)).toBe(expected);
});

test.each<[unknown, bigint | null]>([
  ['-5', -5n],
  ['-0', null],
  [0, 0n],
  ['+1', null],
])('%j as a balance is %d', (value, expected) => {
  expect(readBalance(value)).toBe(expected);
});
