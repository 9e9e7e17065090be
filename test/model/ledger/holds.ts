/** What becomes of a hold: captured in parts, voided, expired, extended. */
import { convert, sum } from './amounts.js';
import type { AccountRecord, Books, HoldProgress, TransactionRecord } from './books.js';
import { amountOf, fieldsOf, flagOf, timeOf } from './bodies.js';
import { everybody, ownsAllOf, sees, type Asked, type Caller } from './callers.js';
import type { Journal } from './journal.js';
import { move } from './movements.js';
import { refuse, refuseIf } from './refusals.js';
import { partiesNow, seenOf } from './seen.js';
import { shownWithBalances } from './shown.js';
import { exponentOf, refuseClosedAndFrozen } from './transactions.js';

type Hold = TransactionRecord & { readonly hold: HoldProgress };

export interface CaptureDraft {
  readonly amount: bigint | null;
  readonly isFinal: boolean;
  readonly isDryRun: boolean;
}

export function captureDraft(body: unknown): CaptureDraft {
  const fields = fieldsOf(body === undefined ? {} : body, ['amount', 'final', 'dryRun']);
  const amount = fields['amount'] === undefined ? null : amountOf(fields['amount']);
  const isFinal = fields['final'] === undefined ? amount === null : flagOf(fields['final']);
  return { amount, isFinal, isDryRun: flagOf(fields['dryRun']) };
}

/** A transaction that the caller may know of. */
export function transactionNamed(books: Books, id: string, caller: Caller): TransactionRecord {
  const transaction = books.transactions.get(id);
  const isSeen = transaction !== undefined && sees(caller, transaction.parties);
  return isSeen ? transaction : refuse('transaction_not_found');
}

export const accountsOf = (books: Books, { postings }: TransactionRecord): AccountRecord[] =>
  postings.flatMap(({ sender, recipient }) => [books.accounts.get(sender)!, books.accounts.get(recipient)!]);

/** Captures and reversals of one transaction. */
const followersMax = 1_000;

export const isFull = ({ hold, reversals }: TransactionRecord): boolean =>
  (hold?.captures ?? 0) + reversals.length >= followersMax;

/** Who is to get the money says when it is taken, and when not. */
function refuseOthersThanRecipient(books: Books, { postings }: TransactionRecord, caller: Caller): void {
  const recipients = postings.map(({ recipient }) => books.accounts.get(recipient)!);
  refuseIf(!ownsAllOf(caller, recipients), 'forbidden');
}

/** From its end on a hold can only expire, whether that is written yet or not. */
function openHold(transaction: TransactionRecord, now: string): Hold {
  const { hold } = transaction;
  if (hold === null || (hold.status !== 'pending' && hold.status !== 'partially_captured')) {
    return refuse('transaction_not_pending');
  }
  refuseIf(hold.expiresAt !== null && hold.expiresAt <= now, 'transaction_not_pending');
  return transaction as Hold;
}

export function capture(
  books: Books,
  journal: Journal,
  id: string,
  { amount, isFinal }: CaptureDraft,
  { caller, key }: Asked,
) {
  const named = transactionNamed(books, id, caller);
  refuseOthersThanRecipient(books, named, caller);
  refuseIf(amount !== null && named.hold !== null && named.isSeveral, 'validation_error');
  refuseClosedAndFrozen(accountsOf(books, named));
  const parent = openHold(named, journal.now);
  const { hold, postings } = parent;
  refuseIf(isFull(parent), 'transaction_not_pending');
  refuseIf(amount !== null && amount > hold.held[0]!, 'amount_exceeds_remaining');
  const isAll = amount === null || amount === hold.held[0];
  const taken = isAll ? hold.held : partOf(books, parent, amount);
  const captured = hold.captured.map((before, n) => before + taken[n]!);
  const ends = isAll || isFinal;
  const held = hold.held.map((left, n) => (ends ? 0n : left - taken[n]!));
  const progress: HoldProgress = {
    status: ends ? 'posted' : 'partially_captured',
    expiresAt: hold.expiresAt,
    captured,
    captures: hold.captures + 1,
    held,
  };
  const stamp = journal.next('transaction.captured');
  const parties = partiesNow(books, postings);
  const made: TransactionRecord = {
    ...parent,
    id: stamp.subjectId,
    type: 'capture',
    postings: postings.map((posting, n) => ({ ...posting, amount: taken[n]! })),
    externalId: null,
    metadata: {},
    effectiveAt: stamp.recordedAt,
    createdAt: stamp.recordedAt,
    position: books.head + 1,
    parties,
    hold: null,
    capture: { parentId: id },
    reversed: postings.map(() => 0n),
    reversals: [],
  };
  books.set(books.transactions, id, { ...parent, hold: progress });
  books.set(books.transactions, made.id, made);
  const movements = postings.map(({ sender, recipient }, n) => ({
    sender,
    recipient,
    posts: taken[n]!,
    holds: held[n]! - hold.held[n]!,
    isPosting: true,
  }));
  move(books, stamp, movements, {
    transactionId: made.id,
    reference: made.reference,
    effectiveAt: stamp.recordedAt,
  });
  books.advance(stamp.recordedAt, parties);
  const data = shownWithBalances(books, made);
  const effectiveAt = stamp.recordedAt;
  journal.write({ type: 'transaction.captured', transactionId: made.id, data, effectiveAt, key });
  return seenOf(data, parties, caller);
}

/** Of an exchange, both sides: what all captures come to is rounded, not each. */
function partOf(books: Books, parent: Hold, amount: bigint): readonly bigint[] {
  const [exchange] = parent.exchanges;
  if (exchange === undefined) return [amount];
  const [from, to] = parent.postings;
  const { captured } = parent.hold;
  const inAll = convert(
    captured[0]! + amount,
    exchange.rate,
    exponentOf(books, from!.currency)!,
    exponentOf(books, to!.currency)!,
  );
  refuseIf(inAll === 0n, 'amount_too_small');
  return [amount, inAll - captured[1]!];
}

export function voidHold(books: Books, journal: Journal, id: string, asked: Asked) {
  const named = transactionNamed(books, id, asked.caller);
  refuseOthersThanRecipient(books, named, asked.caller);
  return release(books, journal, openHold(named, journal.now), 'voided', asked);
}

/** The ledger's own: by nobody's request. */
export function expire(books: Books, journal: Journal, id: string) {
  const asked = { caller: everybody, key: null };
  const transaction = transactionNamed(books, id, asked.caller);
  const { hold } = transaction;
  const isOpen = hold !== null && sum(hold.held) > 0n;
  refuseIf(!isOpen || hold.expiresAt === null || hold.expiresAt > journal.now, 'transaction_not_pending');
  return release(books, journal, transaction as Hold, 'expired', asked);
}

function release(
  books: Books,
  journal: Journal,
  parent: Hold,
  status: 'voided' | 'expired',
  { caller, key }: Asked,
) {
  const { id, postings, hold, reference } = parent;
  const type = `transaction.${status}`;
  const stamp = journal.next(type);
  const after = { ...parent, hold: { ...hold, status, held: postings.map(() => 0n) } };
  const movements = postings.map(({ sender, recipient }, n) => ({
    sender,
    recipient,
    posts: 0n,
    holds: -hold.held[n]!,
    isPosting: false,
  }));
  move(books, stamp, movements, { transactionId: id, reference, effectiveAt: stamp.recordedAt });
  books.set(books.transactions, id, after);
  const parties = partiesNow(books, postings);
  books.advance(stamp.recordedAt, parties);
  const data = shownWithBalances(books, after);
  journal.write({ type, transactionId: id, data, effectiveAt: stamp.recordedAt, key });
  return seenOf(data, parties, caller);
}

export function extensionOf(body: unknown, now: string): string {
  const expiresAt = timeOf(fieldsOf(body, ['expiresAt'])['expiresAt']);
  refuseIf(expiresAt <= now, 'validation_error');
  return expiresAt;
}

/** No caller who is bound to an owner comes here. */
export function extend(books: Books, journal: Journal, id: string, expiresAt: string) {
  const parent = openHold(transactionNamed(books, id, everybody), journal.now);
  const { hold } = parent;
  refuseIf(hold.expiresAt !== null && expiresAt < hold.expiresAt, 'validation_error');
  const stamp = journal.next('transaction.extended');
  const after = { ...parent, hold: { ...hold, expiresAt } };
  books.set(books.transactions, id, after);
  books.advance(stamp.recordedAt, partiesNow(books, parent.postings));
  const data = shownWithBalances(books, after);
  const effectiveAt = stamp.recordedAt;
  journal.write({ type: 'transaction.extended', transactionId: id, data, effectiveAt, key: null });
  return data;
}
