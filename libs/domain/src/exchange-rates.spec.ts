import fc from 'fast-check';
import { convert, divideHalfEven, isExchangeRate } from './exchange-rates.js';

describe('an exchange rate', () => {
  it.each([
    ['a whole number', '2', true],
    ['a decimal', '1.0837', true],
    ['below one', '0.5', true],
    ['zeros at the end', '1.500', true],
    ['18 digits', '123456789012345678', true],
    ['18 digits with a point', '12345678901234567.8', true],
    ['18 digits after a lone zero', '0.123456789012345678', true],
    ['the smallest', '0.000000000000000001', true],
    ['19 digits', '1234567890123456789', false],
    ['19 digits with a point', '1.234567890123456789', false],
    ['19 digits after a lone zero', '0.1234567890123456789', false],
    ['one and 18 zeros after the point', '1.000000000000000000', false],
    ['zero', '0', false],
    ['zero in decimals', '0.000', false],
    ['negative', '-1', false],
    ['with a plus', '+1', false],
    ['a leading zero', '01.5', false],
    ['no digit before the point', '.5', false],
    ['no digit after the point', '1.', false],
    ['two points', '1.0.0', false],
    ['an exponent', '1e3', false],
    ['a comma', '1,5', false],
    ['a blank', ' 1', false],
    ['a line end', '1\n', false],
    ['other digits', '١', false],
    ['nothing', '', false],
    ['infinity', 'Infinity', false],
    ['a million digits', '1'.repeat(1_000_000), false],
  ])('%s', (_, text, expected) => {
    expect(isExchangeRate(text)).toBe(expected);
  });
});

describe('a conversion', () => {
  const currencies = { EUR: 2, USD: 2, JPY: 0, KWD: 3, CLF: 4, ETH: 18 };
  type Code = keyof typeof currencies;
  it.each<[bigint, Code, string, Code, bigint]>([
    [10_000n, 'EUR', '1.0837', 'USD', 10_837n],
    [100n, 'EUR', '1', 'USD', 100n],
    [100n, 'EUR', '162.5', 'JPY', 162n],
    [300n, 'EUR', '162.5', 'JPY', 488n],
    [1n, 'JPY', '0.0061', 'EUR', 1n],
    [1n, 'JPY', '0.0049', 'EUR', 0n],
    [100n, 'EUR', '0.3333', 'KWD', 333n],
    [1_000n, 'KWD', '3.25', 'EUR', 325n],
    [1n, 'CLF', '40.123', 'EUR', 0n],
    [10_000n, 'CLF', '40.123', 'EUR', 4_012n],
    [1n, 'EUR', '0.0004', 'ETH', 4_000_000_000_000n],
    [10n ** 18n, 'ETH', '2500.01', 'EUR', 250_001n],
    [5n * 10n ** 15n, 'ETH', '1', 'EUR', 0n],
    [5n * 10n ** 15n + 1n, 'ETH', '1', 'EUR', 1n],
    [0n, 'EUR', '1.0837', 'USD', 0n],
    [10n ** 36n - 1n, 'EUR', '1.5', 'USD', 1_499_999_999_999_999_999_999_999_999_999_999_998n],
    // Ties go to the even neighbour.
    [1n, 'EUR', '0.5', 'USD', 0n],
    [3n, 'EUR', '0.5', 'USD', 2n],
    [5n, 'EUR', '0.5', 'USD', 2n],
    [7n, 'EUR', '0.5', 'USD', 4n],
    [1n, 'EUR', '1.5', 'USD', 2n],
    [1n, 'EUR', '2.5', 'USD', 2n],
    [1n, 'EUR', '2.500000000000001', 'USD', 3n],
    [1n, 'EUR', '2.499999999999999', 'USD', 2n],
  ])('%s %s at %s to %s is %s', (amount, from, rate, to, expected) => {
    expect(isExchangeRate(rate)).toBe(true);
    expect(convert(amount, rate, { from: currencies[from], to: currencies[to] })).toBe(expected);
  });
});

/** A decimal as digits and how many of them come after the point, read one character at a time. */
function readDecimal(text: string): { digits: bigint; decimals: bigint } {
  let [digits, decimals, isAfterPoint] = [0n, 0n, false];
  for (const character of text) {
    if (character === '.') isAfterPoint = true;
    else {
      digits = digits * 10n + BigInt(character.charCodeAt(0) - 48);
      if (isAfterPoint) decimals += 1n;
    }
  }
  return { digits, decimals };
}

/**
 * Whether a whole number is the fraction's nearest, and the even one of two that are as near: told by distances on
 * one denominator, with no division.
 */
function isNearestEven(whole: bigint, numerator: bigint, denominator: bigint): boolean {
  const apart = whole * denominator - numerator;
  const twice = 2n * (apart < 0n ? -apart : apart);
  return twice < denominator || (twice === denominator && whole % 2n === 0n);
}

const rates = fc
  .tuple(fc.bigInt({ min: 1n, max: 10n ** 18n - 1n }), fc.nat({ max: 18 }))
  .map(([digits, decimals]) => {
    const text = digits.toString().padStart(decimals + 1, '0');
    return decimals === 0 ? text : `${text.slice(0, -decimals)}.${text.slice(-decimals)}`;
  });
const roundRates = fc.constantFrom('0.5', '1.5', '2.5', '0.25', '0.125', '1', '10', '0.05');
const amounts = fc.oneof(fc.bigInt({ min: 1n, max: 1_000n }), fc.bigInt({ min: 1n, max: 10n ** 36n - 1n }));

describe('any conversion', () => {
  it('is the nearest amount to the exact fraction, the even one of two', () => {
    let ties = 0;
    fc.assert(
      fc.property(
        amounts,
        fc.oneof(rates, roundRates),
        fc.record({ from: fc.nat({ max: 18 }), to: fc.nat({ max: 18 }) }),
        (amount, rate, exponents) => {
          expect(isExchangeRate(rate)).toBe(true);
          const { digits, decimals } = readDecimal(rate);
          // amount / 10^from of one currency, times the rate, is so much of the other, of which 10^to are one.
          const numerator = amount * digits * 10n ** BigInt(exponents.to);
          const denominator = 10n ** (BigInt(exponents.from) + decimals);
          const converted = convert(amount, rate, exponents);
          expect(converted).toBeGreaterThanOrEqual(0n);
          expect(isNearestEven(converted, numerator, denominator)).toBe(true);
          if ((2n * numerator) % denominator === 0n && numerator % denominator !== 0n) ties += 1;
        },
      ),
      { numRuns: 1_000 },
    );
    expect(ties).toBeGreaterThan(0);
  });

  it('of more is never less', () => {
    fc.assert(
      fc.property(amounts, amounts, rates, (one, other, rate) => {
        const [less, more] = one < other ? [one, other] : [other, one];
        const exponents = { from: 2, to: 0 };
        expect(convert(less, rate, exponents)).toBeLessThanOrEqual(convert(more, rate, exponents));
      }),
      { numRuns: 500 },
    );
  });
});

describe('a quotient rounded half to even', () => {
  it.each([
    [0n, 7n, 0n],
    [1n, 2n, 0n],
    [3n, 2n, 2n],
    [5n, 2n, 2n],
    [1n, 3n, 0n],
    [2n, 3n, 1n],
    [6n, 3n, 2n],
    [10n ** 40n + 1n, 10n ** 40n, 1n],
    [15n * 10n ** 39n, 10n ** 40n, 2n],
    [25n * 10n ** 39n, 10n ** 40n, 2n],
    [25n * 10n ** 39n + 1n, 10n ** 40n, 3n],
  ])('%s / %s is %s', (dividend, divisor, expected) => {
    expect(divideHalfEven(dividend, divisor)).toBe(expected);
  });
});
