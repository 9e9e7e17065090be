/** What answers and events look like. */
import { sum } from './amounts.js';
import type { AccountRecord, Books, EntryRecord, HoldProgress, Posting, TransactionRecord } from './books.js';
import type { Caller } from './callers.js';
import { isHidden, seenOf } from './seen.js';

export const shownParty = (key: string): string => key.split(':')[0]!;

export const availableOf = ({ posted, pendingOut, minBalance }: AccountRecord): bigint =>
  posted - pendingOut - (minBalance ?? 0n);

const text = (amount: bigint | null): string | null => (amount === null ? null : String(amount));

export function shownAccount(account: AccountRecord) {
  const { id, name, currency, visibility, externalId, ownerId, status, version, metadata } = account;
  return {
    id,
    name,
    currency,
    visibility,
    externalId,
    ownerId,
    status,
    balance: {
      posted: String(account.posted),
      available: String(availableOf(account)),
      pendingIn: String(account.pendingIn),
      pendingOut: String(account.pendingOut),
    },
    minBalance: text(account.minBalance),
    maxBalance: text(account.maxBalance),
    version,
    metadata,
    createdAt: account.createdAt,
    updatedAt: account.updatedAt,
  };
}

/** What of each posting can still be given back: a capture shares with its hold. */
export function leftToReverse(books: Books, transaction: TransactionRecord): bigint[] {
  const { postings, hold, capture, reversed } = transaction;
  if (hold !== null) return hold.captured.map((captured, n) => captured - reversed[n]!);
  const own = postings.map(({ amount }, n) => amount - reversed[n]!);
  if (capture === null) return own;
  const ofHold = leftToReverse(books, books.transactions.get(capture.parentId)!);
  return own.map((left, n) => (left < ofHold[n]! ? left : ofHold[n]!));
}

const hasOneCurrency = (postings: readonly Posting[]): boolean =>
  new Set(postings.map(({ currency }) => currency)).size === 1;

/** In one number: of several postings the sum, of an exchange what the sender gives; null where there is none. */
export function inOne(transaction: TransactionRecord, amounts: readonly bigint[]): string | null {
  if (!transaction.isSeveral) return String(amounts[0]);
  return hasOneCurrency(transaction.postings) ? String(sum(amounts)) : null;
}

/** Who sends what to whom, as the request said it: an exchange without its way through EXCHANGE. */
export function shownSides({ isSeveral, type, postings }: TransactionRecord) {
  if (isSeveral) return { sender: null, recipient: null, amount: null, currency: null };
  const [first, last] = [postings[0]!, postings.at(-1)!];
  const isBackwards = type === 'reversal' && postings.length > 1;
  return {
    sender: shownParty(isBackwards ? last.sender : first.sender),
    recipient: shownParty(isBackwards ? first.recipient : last.recipient),
    amount: String(first.amount),
    currency: first.currency,
  };
}

function shownMeta({ exchanges, postings }: TransactionRecord) {
  if (exchanges.length === 0) return {};
  const told = exchanges.map(({ posting, rate }) => ({
    posting,
    exchangeRate: rate,
    convertedAmount: String(postings[posting + 1]!.amount),
  }));
  if (told.length > 1) return { exchanges: told, rounding: 'half-even' };
  const [{ exchangeRate, convertedAmount }] = told as [(typeof told)[0]];
  return { exchangeRate, convertedAmount, rounding: 'half-even' };
}

function shownHold(transaction: TransactionRecord, { status, expiresAt, captured, held }: HoldProgress) {
  return {
    status,
    expiresAt,
    capturedAmount: inOne(transaction, captured),
    remainingAmount: inOne(transaction, held),
  };
}

function shownProgress(books: Books, transaction: TransactionRecord) {
  const { hold, capture, reversal, postings, reversals } = transaction;
  if (reversal !== null) return reversal;
  const movedAmounts = hold === null ? postings.map(({ amount }) => amount) : hold.captured;
  const left = leftToReverse(books, transaction);
  const gone = movedAmounts.map((amount, n) => amount - left[n]!);
  const given = { reversedAmount: inOne(transaction, gone), reversals };
  if (hold !== null) {
    const { status: _, ...rest } = shownHold(transaction, hold);
    return { ...rest, ...given };
  }
  if (capture === null) return given;
  const parent = books.transactions.get(capture.parentId)!;
  // A hold and its captures share what can be given back, and so what was.
  const shared = { ...given, reversals: parent.reversals };
  return { parentId: capture.parentId, hold: shownHold(parent, parent.hold!), ...shared };
}

export function shownTransaction(books: Books, transaction: TransactionRecord) {
  const { id, type, hold, reference, externalId, metadata, postings, effectiveAt, position, createdAt } =
    transaction;
  return {
    id,
    type,
    status: hold?.status ?? 'posted',
    ...shownSides(transaction),
    reference,
    externalId,
    metadata,
    postings: postings.map(({ sender, recipient, amount, currency }) => ({
      sender: shownParty(sender),
      recipient: shownParty(recipient),
      amount: String(amount),
      currency,
    })),
    meta: shownMeta(transaction),
    ...shownProgress(books, transaction),
    effectiveAt,
    position: String(position),
    createdAt,
  };
}

/** As the caller may see it, when it is read. */
export const seenTransaction = (books: Books, transaction: TransactionRecord, caller: Caller) =>
  seenOf(shownTransaction(books, transaction), transaction.parties, caller);

/** As the answer to a write and its event show it: with the balances of whom it has touched. */
export function shownWithBalances(books: Books, transaction: TransactionRecord) {
  const touched = new Set(transaction.postings.flatMap(({ sender, recipient }) => [sender, recipient]));
  const balances = [...touched].map((key) => {
    const account = books.accounts.get(key)!;
    return {
      accountId: account.id,
      posted: String(account.posted),
      available: String(availableOf(account)),
      version: account.version,
    };
  });
  return { ...shownTransaction(books, transaction), balances };
}

export function shownEntry(entry: EntryRecord, caller: Caller) {
  const { id, transactionId, direction, entryNumber, reference, createdAt } = entry;
  return {
    id,
    transactionId,
    direction,
    amount: String(entry.amount),
    balanceAfter: String(entry.balanceAfter),
    entryNumber,
    counterparty: isHidden(caller, entry.counterparty) ? null : entry.counterparty.id,
    reference,
    createdAt,
  };
}
