/** How money moves: postings become legs, each counted on its account; limits are checked once, after the last. */
import { hasTooManyDigits } from './amounts.js';
import type { AccountRecord, Books, Posting, SystemAccount } from './books.js';
import type { Journal, Stamp } from './journal.js';
import { refuse, refuseIf } from './refusals.js';
import { partyOf } from './seen.js';
import { availableOf, shownAccount } from './shown.js';

/** What one posting does: to what is posted, and to what is pending. */
export interface Movement {
  readonly sender: string;
  readonly recipient: string;
  readonly posts: bigint;
  readonly holds: bigint;
  /** Whether it is an entry of both accounts: a part of an exchange may be one of nothing. */
  readonly isPosting: boolean;
}

export const systemKey = (name: SystemAccount, currency: string): string => `${name}:${currency}`;

/** A system account is opened by the first transaction that needs it. */
export function openSystemAccounts(books: Books, journal: Journal, postings: readonly Posting[]): void {
  for (const { sender, recipient, currency } of postings) {
    for (const key of [sender, recipient]) {
      if (books.accounts.has(key)) continue;
      const stamp = journal.next('account.opened');
      const account = newSystemAccount(key, currency, stamp.recordedAt);
      books.set(books.accounts, key, account);
      books.advance(stamp.recordedAt, [partyOf(account)]);
      journal.write({
        type: 'account.opened',
        transactionId: null,
        data: shownAccount(account),
        effectiveAt: stamp.recordedAt,
        key: null,
      });
    }
  }
}

export function newSystemAccount(key: string, currency: string, openedAt: string): AccountRecord {
  const name = key.split(':')[0]!;
  return {
    key,
    id: name,
    isSystem: true,
    name,
    currency,
    visibility: 'private',
    externalId: null,
    ownerId: null,
    status: 'open',
    posted: 0n,
    pendingIn: 0n,
    pendingOut: 0n,
    minBalance: null,
    maxBalance: null,
    metadata: {},
    version: 1,
    settingsVersion: 1,
    entryNumber: 0,
    createdAt: openedAt,
    updatedAt: openedAt,
  };
}

/** Of whom a limit may be broken by it. Asked before anything is written. */
export function checkLimits(books: Books, movements: readonly Movement[]): void {
  const before = new Map<string, AccountRecord>();
  const after = new Map<string, AccountRecord>();
  for (const { sender, recipient, posts, holds } of movements) {
    for (const [key, sign] of [
      [sender, -1n],
      [recipient, 1n],
    ] as const) {
      const was = after.get(key) ?? books.accounts.get(key) ?? newSystemAccount(key, '', '');
      if (!before.has(key)) before.set(key, was);
      after.set(key, moved(was, sign, posts, holds));
    }
  }
  for (const [key, account] of after) refuseIf(isShort(before.get(key)!, account), 'insufficient_funds');
  // Of an amount that comes of an exchange.
  refuseIf(
    movements.some(({ posts, holds }) => hasTooManyDigits(posts) || hasTooManyDigits(holds)),
    'balance_limit_exceeded',
  );
  for (const [key, account] of after) refuseIf(isOver(before.get(key)!, account), 'balance_limit_exceeded');
}

const isShort = (before: AccountRecord, after: AccountRecord): boolean =>
  after.minBalance !== null && availableOf(after) < availableOf(before) && availableOf(after) < 0n;

function isOver(before: AccountRecord, after: AccountRecord): boolean {
  const [was, is] = [before.posted + before.pendingIn, after.posted + after.pendingIn];
  const least = after.posted - after.pendingOut;
  if (after.maxBalance !== null && is > was && is > after.maxBalance) return true;
  // What is available may be wider: it is counted from a limit that may itself have all the digits.
  return [after.posted, after.pendingIn, after.pendingOut, is, least].some(hasTooManyDigits);
}

function moved(account: AccountRecord, sign: bigint, posts: bigint, holds: bigint): AccountRecord {
  const { posted, pendingIn, pendingOut } = account;
  return {
    ...account,
    posted: posted + sign * posts,
    pendingIn: sign > 0n ? pendingIn + holds : pendingIn,
    pendingOut: sign < 0n ? pendingOut + holds : pendingOut,
  };
}

export interface EntryText {
  readonly transactionId: string;
  readonly reference: string | null;
  readonly effectiveAt: string;
}

/** Writes the legs, two for each posting, debit first; each is one more version of its account. */
export function move(books: Books, stamp: Stamp, movements: readonly Movement[], text: EntryText): void {
  movements.forEach((movement, index) => {
    const { sender, recipient } = movement;
    moveLeg(books, stamp, { key: sender, other: recipient, sign: -1n, leg: 2 * index + 1 }, movement, text);
    moveLeg(books, stamp, { key: recipient, other: sender, sign: 1n, leg: 2 * index + 2 }, movement, text);
  });
}

interface Leg {
  readonly key: string;
  readonly other: string;
  readonly sign: bigint;
  readonly leg: number;
}

function moveLeg(books: Books, stamp: Stamp, leg: Leg, movement: Movement, text: EntryText): void {
  const { posts, holds, isPosting } = movement;
  const account = books.accounts.get(leg.key) ?? refuse('account_not_found');
  const entryNumber = account.entryNumber + (isPosting ? 1 : 0);
  const after = {
    ...moved(account, leg.sign, posts, holds),
    version: account.version + 1,
    entryNumber,
    updatedAt: stamp.recordedAt,
  };
  books.set(books.accounts, leg.key, after);
  if (!isPosting) return;
  books.addEntry(leg.key, {
    id: `${stamp.eventId}.${leg.leg}`,
    transactionId: text.transactionId,
    direction: leg.sign < 0n ? 'debit' : 'credit',
    amount: posts,
    balanceAfter: after.posted,
    entryNumber,
    counterparty: partyOf(books.accounts.get(leg.other)!),
    reference: text.reference,
    createdAt: stamp.recordedAt,
    effectiveAt: text.effectiveAt,
    position: books.head + 1,
  });
}
