/** Integers in minor units, as the contract lets requests say them. */
const digits = /^(0|[1-9]\d{0,35})$/;
const signedDigits = /^(0|-?[1-9]\d{0,35})$/;
const largest = 10n ** 36n - 1n;

const asText = (value: unknown): string | null => {
  if (typeof value === 'string') return value;
  return typeof value === 'number' && Number.isSafeInteger(value) ? String(value) : null;
};

export function readAmount(value: unknown): bigint | null {
  const text = asText(value);
  return text !== null && digits.test(text) && text !== '0' ? BigInt(text) : null;
}

export function readBalance(value: unknown): bigint | null {
  const text = asText(value);
  return text !== null && signedDigits.test(text) ? BigInt(text) : null;
}

export function hasTooManyDigits(value: bigint): boolean {
  return value > largest || value < -largest;
}

/** To the nearest whole, from the middle to the even one; neither may be negative. */
export function divideHalfEven(numerator: bigint, denominator: bigint): bigint {
  const whole = numerator / denominator;
  const twiceTheRest = 2n * (numerator % denominator);
  if (twiceTheRest < denominator) return whole;
  if (twiceTheRest > denominator) return whole + 1n;
  return whole % 2n === 0n ? whole : whole + 1n;
}

/** The rate is between major units: 1.00 EUR at 150 is 150 JPY, whose exponents are 2 and 0. */
export function convert(amount: bigint, rate: string, from: number, to: number): bigint {
  const [whole = '', fraction = ''] = rate.split('.');
  const numerator = amount * BigInt(whole + fraction) * 10n ** BigInt(to);
  return divideHalfEven(numerator, 10n ** BigInt(fraction.length + from));
}

/** Splits a total by weights; what rounding down leaves over goes to the largest remainders, the first of equals first. */
export function splitByLargestRemainder(total: bigint, weights: readonly bigint[]): bigint[] {
  const sum = weights.reduce((added, weight) => added + weight, 0n);
  const shares = weights.map((weight) => (total * weight) / sum);
  const order = weights.map((weight, index) => ({ index, rest: (total * weight) % sum }));
  order.sort((a, b) => (a.rest === b.rest ? a.index - b.index : a.rest > b.rest ? -1 : 1));
  let over = total - shares.reduce((added, share) => added + share, 0n);
  for (const { index } of order) {
    if (over === 0n) break;
    shares[index]! += 1n;
    over -= 1n;
  }
  return shares;
}

export const sum = (amounts: readonly bigint[]): bigint => amounts.reduce((added, each) => added + each, 0n);
