/** Giving back: all that is left of a transaction, or a part of it. */
import { divideHalfEven, splitByLargestRemainder, sum } from './amounts.js';
import type { Books, Exchange, Posting, TransactionRecord } from './books.js';
import { amountOf, fieldsOf, flagOf, textOf } from './bodies.js';
import { checkReversal, type Asked } from './callers.js';
import { isFull, transactionNamed } from './holds.js';
import type { Journal } from './journal.js';
import { checkLimits, move } from './movements.js';
import { refuseIf } from './refusals.js';
import { partiesNow, seenOf } from './seen.js';
import { leftToReverse, shownWithBalances } from './shown.js';
import { refuseClosedAndFrozen } from './transactions.js';

export interface ReversalDraft {
  readonly amount: bigint | null;
  readonly reason: string | null;
  readonly isDryRun: boolean;
}

export function reversalDraft(body: unknown): ReversalDraft {
  const fields = fieldsOf(body === undefined ? {} : body, ['amount', 'reason', 'dryRun']);
  return {
    amount: fields['amount'] === undefined ? null : amountOf(fields['amount']),
    reason: fields['reason'] === undefined ? null : textOf(fields['reason']),
    isDryRun: flagOf(fields['dryRun']),
  };
}

export function reverse(
  books: Books,
  journal: Journal,
  id: string,
  draft: ReversalDraft,
  { caller, key }: Asked,
) {
  const original = transactionNamed(books, id, caller);
  const { postings, isSeveral, hold } = original;
  checkReversal(
    caller,
    postings.map(({ sender }) => books.accounts.get(sender)!),
    postings.map(({ recipient }) => books.accounts.get(recipient)!),
  );
  const hasSeveralCurrencies = isSeveral && new Set(postings.map(({ currency }) => currency)).size > 1;
  refuseIf(draft.amount !== null && hasSeveralCurrencies, 'validation_error');
  const left = leftToGiveBack(books, original);
  // Whoever has given back their part is not asked again; once all have, all of them are.
  const isWhole = original.exchanges.length > 0 || sum(left) === 0n;
  refuseClosedAndFrozen(
    postings
      .filter((_, n) => isWhole || left[n]! > 0n)
      .flatMap(({ sender, recipient }) => [books.accounts.get(recipient)!, books.accounts.get(sender)!]),
  );
  refuseIf(original.reversal !== null, 'not_reversible');
  refuseIf(hold !== null && sum(hold.captured) === 0n, 'not_reversible');
  refuseIf(sum(left) === 0n, 'already_reversed');
  const { capture } = original;
  const parent = capture === null ? null : books.transactions.get(capture.parentId)!;
  refuseIf(isFull(original) || (parent !== null && isFull(parent)), 'not_reversible');
  const shares = sharesOf(original, left, draft.amount);
  const { given, exchanges } = mirrored(original, shares);
  const movements = given.map(({ sender, recipient, amount }) => ({
    sender,
    recipient,
    posts: amount,
    holds: 0n,
    isPosting: true,
  }));
  checkLimits(books, movements);
  const stamp = journal.next('transaction.reversed');
  const parties = partiesNow(books, given);
  const made: TransactionRecord = {
    ...original,
    id: stamp.subjectId,
    type: 'reversal',
    // Of several postings there may be one alone that gives something back.
    isSeveral: given.length - exchanges.length > 1,
    postings: given,
    exchanges,
    externalId: null,
    metadata: {},
    effectiveAt: stamp.recordedAt,
    createdAt: stamp.recordedAt,
    position: books.head + 1,
    parties,
    hold: null,
    capture: null,
    reversal: { reverses: id, reason: draft.reason },
    reversed: given.map(() => 0n),
    reversals: [],
  };
  countOn(books, original, made.id, shares);
  if (parent !== null) countOn(books, parent, made.id, shares);
  books.set(books.transactions, made.id, made);
  const { reference } = made;
  const effectiveAt = stamp.recordedAt;
  move(books, stamp, movements, { transactionId: made.id, reference, effectiveAt });
  books.advance(stamp.recordedAt, parties);
  const data = shownWithBalances(books, made);
  journal.write({ type: 'transaction.reversed', transactionId: made.id, data, effectiveAt, key });
  return seenOf(data, parties, caller);
}

/**
 * A capture of an exchange is counted in the sender's currency: who gives back the last of that gives back all of
 * the other that its hold has left, whatever was rounded before.
 */
function leftToGiveBack(books: Books, original: TransactionRecord): readonly bigint[] {
  const { capture, postings, reversed } = original;
  if (capture === null) return leftToReverse(books, original);
  const own = postings.map(({ amount }, n) => amount - reversed[n]!);
  const ofHold = leftToReverse(books, books.transactions.get(capture.parentId)!);
  if (ofHold[0]! <= own[0]!) return ofHold;
  return own.map((part, n) => (own[0] === 0n ? 0n : lesser(part, ofHold[n]!)));
}

const lesser = (a: bigint, b: bigint): bigint => (a < b ? a : b);

/** How much of each posting is given back. */
export function sharesOf(
  { isSeveral, postings }: Pick<TransactionRecord, 'isSeveral' | 'postings'>,
  left: readonly bigint[],
  amount: bigint | null,
): readonly bigint[] {
  const whole = isSeveral ? sum(left) : left[0]!;
  if (amount === null || amount === whole) return left;
  refuseIf(amount > whole, 'amount_exceeds_remaining');
  if (isSeveral) return splitByLargestRemainder(amount, left);
  if (postings.length === 1) return [amount];
  const converted = divideHalfEven(left[1]! * amount, left[0]!);
  refuseIf(converted === 0n, 'amount_too_small');
  return [amount, converted];
}

function mirrored({ postings, exchanges }: TransactionRecord, shares: readonly bigint[]) {
  const given: Posting[] = [];
  const back: Exchange[] = [];
  postings.forEach(({ sender, recipient, currency }, n) => {
    if (shares[n] === 0n && exchanges.length === 0) return;
    const exchange = exchanges.find(({ posting }) => posting === n);
    if (exchange !== undefined) back.push({ posting: given.length, rate: exchange.rate });
    given.push({ sender: recipient, recipient: sender, amount: shares[n]!, currency });
  });
  return { given, exchanges: back };
}

/** What was moved for good. */
const settledOf = ({ hold, postings }: TransactionRecord): readonly bigint[] =>
  hold === null ? postings.map(({ amount }) => amount) : hold.captured;

function countOn(
  books: Books,
  transaction: TransactionRecord,
  reversalId: string,
  shares: readonly bigint[],
): void {
  books.set(books.transactions, transaction.id, {
    ...transaction,
    reversed: transaction.reversed.map((before, n) =>
      lesser(before + shares[n]!, settledOf(transaction)[n]!),
    ),
    reversals: [...transaction.reversals, reversalId],
  });
}
