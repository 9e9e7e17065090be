/**
 * Exchange rates are decimals of at most 18 digits, between major units: 1.0837 says that one EUR is 1.0837 USD.
 * They are never numbers of floating point: a rate is its digits as a bigint and a power of ten.
 */
export const exchangeRateDigitsMax = 18;

const decimal = /^(?:0|[1-9][0-9]*)(?:\.[0-9]+)?$/;

/** Whether the text is a decimal above zero; a lone zero before the point counts as no digit. */
export function isExchangeRate(text: string): boolean {
  if (text.length > exchangeRateDigitsMax + 2 || !decimal.test(text)) return false;
  const digits = text.replace('.', '').replace(/^0(?=.)/, '');
  return digits.length <= exchangeRateDigitsMax && /[1-9]/.test(digits);
}

/**
 * The amount in the other currency, in its minor units, rounded half to even (IEEE 754, 4.3.1: ties go to the even
 * neighbour), so that many roundings favour nobody.
 * @param amount minor units, zero or more
 * @param exponents decimals of the two currencies' minor units
 */
export function convert(amount: bigint, rate: string, exponents: { from: number; to: number }): bigint {
  const [whole = '', fraction = ''] = rate.split('.');
  const product = amount * BigInt(whole + fraction);
  const shift = exponents.to - exponents.from - fraction.length;
  return shift >= 0 ? product * 10n ** BigInt(shift) : divideHalfEven(product, 10n ** BigInt(-shift));
}

/** A quotient of two numbers that are not negative, rounded half to even. */
export function divideHalfEven(dividend: bigint, divisor: bigint): bigint {
  const quotient = dividend / divisor;
  const twice = (dividend % divisor) * 2n;
  const isUp = twice > divisor || (twice === divisor && quotient % 2n === 1n);
  return isUp ? quotient + 1n : quotient;
}
