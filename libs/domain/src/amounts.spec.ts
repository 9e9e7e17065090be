import { parseAmount, parseSignedAmount } from './amounts.js';

const digits36 = '9'.repeat(36);

describe('an amount to move', () => {
  it.each<[string, unknown, bigint | null]>([
    ['digits', '250', 250n],
    ['one', '1', 1n],
    ['36 digits', digits36, 10n ** 36n - 1n],
    ['37 digits', `1${'0'.repeat(36)}`, null],
    ['zero', '0', null],
    ['a leading zero', '0250', null],
    ['a minus', '-1', null],
    ['a plus', '+1', null],
    ['minus zero', '-0', null],
    ['nothing', '', null],
    ['a blank before', ' 1', null],
    ['a line end after', '1\n', null],
    ['a decimal', '1.0', null],
    ['an exponent', '1e3', null],
    ['hexadecimal', '0x10', null],
    ['grouped', '1_000', null],
    ['digits of another script', '١٢', null],
    ['full-width digits', '１２', null],
    ['a number', 250, 250n],
    ['2^53 - 1', 9_007_199_254_740_991, 9_007_199_254_740_991n],
    ['2^53, which stands for 2^53 + 1 as well', 9_007_199_254_740_992, null],
    ['2^53 as a string', '9007199254740992', 9_007_199_254_740_992n],
    ['the number zero', 0, null],
    ['the number minus zero', -0, null],
    ['a negative number', -1, null],
    ['a float', 0.5, null],
    ['a large float', 1e21, null],
    ['not a number', Number.NaN, null],
    ['infinity', Number.POSITIVE_INFINITY, null],
    ['a bigint, which JSON does not have', 1n, null],
    ['a boolean', true, null],
    ['null', null, null],
    ['missing', undefined, null],
    ['a list', ['1'], null],
    ['an object that calls itself 1', { toString: () => '1' }, null],
  ])('%s', (_, value, expected) => {
    expect(parseAmount(value)).toBe(expected);
  });
});

describe('a balance or a limit', () => {
  it.each<[string, unknown, bigint | null]>([
    ['digits', '250', 250n],
    ['zero', '0', 0n],
    ['a minus', '-250', -250n],
    ['minus zero', '-0', null],
    ['two minuses', '--1', null],
    ['a plus', '+1', null],
    ['a leading zero', '01', null],
    ['a leading zero after the minus', '-01', null],
    ['36 digits and a minus', `-${digits36}`, 1n - 10n ** 36n],
    ['37 digits and a minus', `-1${'0'.repeat(36)}`, null],
    ['a negative number', -9_007_199_254_740_991, -9_007_199_254_740_991n],
    ['-2^53', -9_007_199_254_740_992, null],
    ['the number minus zero, by its value', -0, 0n],
    ['a float', -0.5, null],
    ['null', null, null],
  ])('%s', (_, value, expected) => {
    expect(parseSignedAmount(value)).toBe(expected);
  });
});
