/**
 * Splits an amount in proportion to what is left of each part, by largest remainder (Hamilton's method): each gets
 * its share rounded down, then one more goes to those that lost most by it, the first of equals before the others.
 * The shares add up to the amount, and none is more than what is left of its part.
 * @param amount from 0 to the sum of the parts
 * @param left what is left of each part, none negative
 */
export function splitProportionally(amount: bigint, left: readonly bigint[]): bigint[] {
  const total = left.reduce((sum, part) => sum + part, 0n);
  if (amount < 0n || amount > total) throw new Error(`${amount} can't be split over ${total}`);
  if (total === 0n) return left.map(() => 0n);
  const shares = left.map((part) => (amount * part) / total);
  const missing = Number(amount - shares.reduce((sum, share) => sum + share, 0n));
  const byRemainder = left
    .map((part, index) => ({ index, remainder: (amount * part) % total }))
    .sort((a, b) => compare(b.remainder, a.remainder) || a.index - b.index);
  for (const { index } of byRemainder.slice(0, missing)) shares[index]! += 1n;
  return shares;
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
