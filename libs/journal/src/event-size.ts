import { isTransactionEvent, type DomainEvent, type Transaction } from '#domain';

/**
 * What an event may take. Its message (libs/contracts) is the stored text and what is rendered beside it: each
 * posting once more, the balances of each account, and the envelope. Messages are promised to be below 256 KiB; this
 * leaves the rest of that for the envelope.
 */
const eventBytesMax = 250 * 1_024;
/** Of a posting and of an account's balances as they are rendered: names, quotes and ids; numbers come to it. */
const postingBytes = 114;
const balancesBytes = 190;
const exchangeBytes = 60;
/** By how much the text of a leg may grow until its hold ends: four balances of 37 characters, two numbers of 16. */
const grownLegBytes = 174;
/** The id of a reversal in a list that is not rendered. */
const reversalBytes = 39;
/** Safely more than all of these come to for one leg. */
const legBytesMax = 500;

/**
 * Whether the event would be too large to be published. What follows from a hold is not asked for, as it must always
 * be possible: room for it is kept when the hold is made.
 */
export function isTooLarge(event: DomainEvent, dataText: string): boolean {
  if (!isTransactionEvent(event)) return false;
  const { type, transaction } = event;
  if (type === 'transaction.posted') return isOver(transaction, dataText, 0);
  if (type === 'transaction.pending') {
    return isOver(transaction, dataText, transaction.legs.length * grownLegBytes);
  }
  if (type !== 'transaction.reversed') return false;
  const reversals = event.progressed.reduce((sum, { progress }) => sum + progress.reversals.length, 0);
  return isOver(transaction, dataText, -reversals * reversalBytes);
}

/** @param moreBytes that the event may still take, or that are stored and not rendered */
function isOver({ legs, exchanges = [] }: Transaction, dataText: string, moreBytes: number): boolean {
  // Nearly every event: a character is at most three bytes.
  if (dataText.length * 3 + legs.length * legBytesMax <= eventBytesMax) return false;
  let bytes = Buffer.byteLength(dataText) + exchanges.length * exchangeBytes + moreBytes;
  for (const { direction, amount, currency } of legs) {
    if (direction === 'debit') bytes += postingBytes + amount.toString().length + currency.length;
  }
  bytes += new Set(legs.map(({ accountId }) => accountId)).size * balancesBytes;
  return bytes > eventBytesMax;
}
