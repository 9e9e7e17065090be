import type { AccountRecord, Books } from './books.js';
import {
  amountOf,
  balanceOf,
  fieldsOf,
  isCurrencyCode,
  metadataOf,
  oneOf,
  optionalText,
  textOf,
  type Fields,
} from './bodies.js';
import { owns, type Asked, type Caller } from './callers.js';
import type { Journal } from './journal.js';
import { checkAll, checkSettings, type Preconditions } from './preconditions.js';
import { refuse, refuseIf } from './refusals.js';
import { partyOf, seenOf } from './seen.js';
import { shownAccount } from './shown.js';
import { checkLimits, systemKey } from './movements.js';
import { createTransaction, exponentOf } from './transactions.js';

const visibilities = ['private', 'public', 'unlisted'] as const;

export interface AccountDraft {
  readonly name: string;
  readonly currency: string;
  readonly visibility: string;
  readonly externalId: string | null;
  readonly ownerId: string | null;
  readonly openingBalance: bigint | null;
  readonly minBalance: bigint | null;
  readonly maxBalance: bigint | null;
  readonly metadata: Fields;
}

export function accountDraft(body: unknown): AccountDraft {
  const fields = fieldsOf(body, [
    ...['name', 'currency', 'visibility', 'externalId', 'ownerId', 'openingBalance'],
    ...['minBalance', 'maxBalance', 'metadata'],
  ]);
  const { openingBalance, currency } = fields;
  if (!isCurrencyCode(currency)) return refuse('validation_error');
  return {
    name: textOf(fields['name']),
    currency,
    visibility: fields['visibility'] === undefined ? 'private' : oneOf(fields['visibility'], visibilities),
    externalId: optionalText(fields['externalId']),
    ownerId: optionalText(fields['ownerId']),
    openingBalance: openingBalance === undefined ? null : amountOf(openingBalance),
    minBalance: fields['minBalance'] === undefined ? 0n : limitOf(fields['minBalance']),
    maxBalance: limitOf(fields['maxBalance'] ?? null),
    metadata: metadataOf(fields['metadata']),
  };
}

const limitOf = (value: unknown): bigint | null => (value === null ? null : balanceOf(value));

export function openAccount(books: Books, journal: Journal, draft: AccountDraft, asked: Asked) {
  const { openingBalance, externalId, currency } = draft;
  refuseIf(externalId !== null && books.accountOfExternalId.has(externalId), 'external_id_taken');
  refuseIf(exponentOf(books, currency) === undefined, 'unknown_currency');
  const stamp = journal.next('account.opened');
  const id = stamp.subjectId;
  const account: AccountRecord = {
    key: id,
    id,
    isSystem: false,
    name: draft.name,
    currency,
    visibility: draft.visibility,
    externalId,
    ownerId: asked.caller.ownerId ?? draft.ownerId,
    status: 'open',
    posted: 0n,
    pendingIn: 0n,
    pendingOut: 0n,
    minBalance: draft.minBalance,
    maxBalance: draft.maxBalance,
    metadata: draft.metadata,
    version: 1,
    settingsVersion: 1,
    entryNumber: 0,
    createdAt: stamp.recordedAt,
    updatedAt: stamp.recordedAt,
  };
  put(books, account, null);
  if (openingBalance !== null) {
    const sender = systemKey('ROOT', currency);
    const mint = { sender, recipient: id, posts: openingBalance, holds: 0n, isPosting: true };
    checkLimits(books, [mint]);
  }
  books.advance(stamp.recordedAt, [partyOf(account)]);
  tell(journal, 'account.opened', account, stamp.recordedAt, asked.key);
  if (openingBalance !== null) mintOpeningBalance(books, journal, id, openingBalance, asked);
  return shownAccount(books.accounts.get(id)!);
}

function mintOpeningBalance(
  books: Books,
  journal: Journal,
  recipient: string,
  amount: bigint,
  asked: Asked,
): void {
  const postings = [{ sender: 'ROOT', recipient, amount, exchangeRate: null }];
  const nothing = { reference: null, externalId: null, expiresAt: null, effectiveAt: null };
  const plain = { ...nothing, metadata: {}, conditions: [], isPending: false, isDryRun: false };
  createTransaction(books, journal, { postings, ...plain }, asked);
}

function tell(
  journal: Journal,
  type: string,
  account: AccountRecord,
  effectiveAt: string,
  key: string | null,
): void {
  journal.write({ type, transactionId: null, data: shownAccount(account), effectiveAt, key });
}

function put(books: Books, account: AccountRecord, before: AccountRecord | null): void {
  if (before !== null && before.externalId !== null && before.externalId !== account.externalId) {
    books.remove(books.accountOfExternalId, before.externalId);
  }
  if (account.externalId !== null) books.set(books.accountOfExternalId, account.externalId, account.id);
  books.set(books.accounts, account.key, account);
}

export type AccountChange = Partial<
  Pick<
    AccountRecord,
    'name' | 'visibility' | 'externalId' | 'metadata' | 'minBalance' | 'maxBalance' | 'status'
  >
>;

export function accountChange(body: unknown): AccountChange {
  const readers: Record<string, (value: unknown) => unknown> = {
    name: textOf,
    visibility: (value) => oneOf(value, visibilities),
    externalId: optionalText,
    metadata: metadataOf,
    minBalance: limitOf,
    maxBalance: limitOf,
    status: (value) => oneOf(value, ['open', 'frozen']),
  };
  const fields = fieldsOf(body, Object.keys(readers));
  return Object.fromEntries(Object.entries(fields).map(([field, value]) => [field, readers[field]!(value)]));
}

/** An account that is the caller's to change. */
function accountNamed(books: Books, id: string, caller: Caller): AccountRecord {
  const account = books.accounts.get(id);
  return account !== undefined && owns(caller, account) ? account : refuse('account_not_found');
}

/** As the caller may see it. */
export const seenAccount = (account: AccountRecord, caller: Caller) =>
  seenOf(shownAccount(account), [partyOf(account)], caller);

export function updateAccount(
  books: Books,
  journal: Journal,
  id: string,
  change: AccountChange,
  preconditions: Preconditions,
  caller: Caller,
) {
  const before = accountNamed(books, id, caller);
  checkSettings(preconditions, before);
  refuseIf(before.status === 'closed', 'account_closed');
  const { externalId } = change;
  const holder = externalId == null ? undefined : books.accountOfExternalId.get(externalId);
  refuseIf(holder !== undefined && holder !== id, 'external_id_taken');
  const changed = { ...before, ...change };
  if (isSame(changed, before)) return shownAccount(before);
  return write(books, journal, 'account.updated', changed, before);
}

const isSame = (a: AccountRecord, b: AccountRecord): boolean =>
  Object.keys(a).every((field) => {
    const [one, other] = [a[field as keyof AccountRecord], b[field as keyof AccountRecord]];
    return field === 'metadata' ? JSON.stringify(one) === JSON.stringify(other) : one === other;
  });

function write(books: Books, journal: Journal, type: string, changed: AccountRecord, before: AccountRecord) {
  const { recordedAt } = journal.next(type);
  const after = {
    ...changed,
    version: before.version + 1,
    settingsVersion: before.settingsVersion + 1,
    updatedAt: recordedAt,
  };
  put(books, after, before);
  books.advance(recordedAt, [partyOf(after)]);
  tell(journal, type, after, recordedAt, null);
  return shownAccount(after);
}

export function closeAccount(
  books: Books,
  journal: Journal,
  id: string,
  preconditions: Preconditions,
  caller: Caller,
): void {
  const before = accountNamed(books, id, caller);
  checkAll(preconditions, before);
  refuseIf(before.status === 'closed', 'account_closed');
  const { posted, pendingIn, pendingOut } = before;
  refuseIf(posted !== 0n || pendingIn !== 0n || pendingOut !== 0n, 'account_not_empty');
  write(books, journal, 'account.closed', { ...before, status: 'closed' }, before);
}
