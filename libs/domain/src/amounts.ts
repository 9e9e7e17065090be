/**
 * Amounts are integers in the minor unit of their currency, held as bigint and written as digit strings.
 * None of them ever passes through a floating-point number: the only numbers accepted are safe integers,
 * which JSON.parse has represented exactly.
 */
export const amountDigitsMax = 36;
/** The largest amount, and the largest balance on either side of zero. */
export const amountMax = 10n ** BigInt(amountDigitsMax) - 1n;

const unsignedDigits = /^(?:0|[1-9][0-9]{0,35})$/;
const signedDigits = /^(?:0|-?[1-9][0-9]{0,35})$/;

/** An amount to move: a digit string or a safe integer above zero. Null where it is anything else. */
export function parseAmount(value: unknown): bigint | null {
  const amount = parseDigits(value, unsignedDigits);
  return amount !== null && amount > 0n ? amount : null;
}

/** A balance or a limit: as an amount, but zero and one leading minus are allowed ("-0" is not). */
export function parseSignedAmount(value: unknown): bigint | null {
  return parseDigits(value, signedDigits);
}

function parseDigits(value: unknown, digits: RegExp): bigint | null {
  if (typeof value === 'string') return digits.test(value) ? BigInt(value) : null;
  return typeof value === 'number' && Number.isSafeInteger(value) ? BigInt(value) : null;
}
