/** What requests may say; whatever is said otherwise is 400 `validation_error`. */
import { readAmount, readBalance } from './amounts.js';
import { refuse, refuseIf } from './refusals.js';
import { readTime } from './times.js';
import { typeId } from './type-ids.js';

export type Fields = Readonly<Record<string, unknown>>;

const invalid = (): never => refuse('validation_error');
const accountId = typeId('acc');
const transactionId = typeId('txn');
const rate = /^(0|[1-9]\d{0,17})(\.\d{1,18})?$/;
const keyText = /^[\x21-\x7e]{1,255}$/;

export const isAccountId = (value: unknown): value is string =>
  typeof value === 'string' && accountId.test(value);
export const isTransactionId = (value: unknown): value is string =>
  typeof value === 'string' && transactionId.test(value);
export const isKey = (value: unknown): value is string => typeof value === 'string' && keyText.test(value);
export const isRate = (value: unknown): value is string =>
  typeof value === 'string' && rate.test(value) && /[1-9]/.test(value);

export const isPlainObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isStorable = (text: string): boolean => !text.includes('\0') && text.isWellFormed();

/** What no part of a body may have, whatever it is for. */
export function checkText(value: unknown): void {
  if (typeof value === 'string') refuseIf(!isStorable(value), 'validation_error');
  if (Array.isArray(value)) return value.forEach(checkText);
  if (!isPlainObject(value)) return;
  for (const [field, each] of Object.entries(value)) {
    refuseIf(!isStorable(field) || field === '__proto__', 'validation_error');
    checkText(each);
  }
}

/** The body as an object that has no other fields. */
export function fieldsOf(body: unknown, known: readonly string[]): Fields {
  if (!isPlainObject(body)) return invalid();
  refuseIf(
    Object.keys(body).some((field) => !known.includes(field)),
    'validation_error',
  );
  return body;
}

export function textOf(value: unknown): string {
  if (typeof value !== 'string') return invalid();
  const characters = [...value].length;
  refuseIf(characters < 1 || characters > 256, 'validation_error');
  return value;
}

export const optionalText = (value: unknown): string | null => (value == null ? null : textOf(value));

export const amountOf = (value: unknown): bigint => readAmount(value) ?? invalid();

export const balanceOf = (value: unknown): bigint => readBalance(value) ?? invalid();

export const timeOf = (value: unknown): string => readTime(value) ?? invalid();

const optionalTime = (value: unknown): string | null => (value == null ? null : timeOf(value));

export function flagOf(value: unknown): boolean {
  if (value === undefined) return false;
  return typeof value === 'boolean' ? value : invalid();
}

export function oneOf<T extends string>(value: unknown, known: readonly T[]): T {
  return known.find((each) => each === value) ?? invalid();
}

export function metadataOf(value: unknown): Fields {
  if (value == null) return {};
  if (!isPlainObject(value)) return invalid();
  refuseIf(levelsOf(value) > 4 || keysIn(value) > 50, 'validation_error');
  refuseIf(Buffer.byteLength(JSON.stringify(value)) > 4_096, 'validation_error');
  return value;
}

const childrenOf = (value: unknown): unknown[] =>
  typeof value === 'object' && value !== null ? Object.values(value) : [];

function levelsOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return 1 + Math.max(0, ...childrenOf(value).map(levelsOf));
}

function keysIn(value: unknown): number {
  const own = isPlainObject(value) ? Object.keys(value).length : 0;
  return childrenOf(value).reduce<number>((count, each) => count + keysIn(each), own);
}

const currencyCode = /^[A-Za-z0-9]{1,32}$/;

export const isCurrencyCode = (value: unknown): value is string =>
  typeof value === 'string' && currencyCode.test(value);

export const partyOf = (value: unknown): string =>
  value === 'ROOT' || isAccountId(value) ? value : invalid();

export interface PostingDraft {
  readonly sender: string;
  readonly recipient: string;
  readonly amount: bigint;
  readonly exchangeRate: string | null;
}

export interface Condition {
  readonly accountId: string;
  readonly version: number | null;
  readonly minPosted: bigint | null;
  readonly maxPosted: bigint | null;
}

export interface TransactionDraft {
  readonly postings: readonly PostingDraft[];
  readonly reference: string | null;
  readonly externalId: string | null;
  readonly metadata: Fields;
  readonly isPending: boolean;
  readonly expiresAt: string | null;
  readonly effectiveAt: string | null;
  readonly conditions: readonly Condition[];
  readonly isDryRun: boolean;
}

const postingFields = ['sender', 'recipient', 'amount', 'exchangeRate'];
const transactionFields = [
  'reference',
  'externalId',
  'metadata',
  'pending',
  'expiresAt',
  'effectiveAt',
  'conditions',
  'dryRun',
];

/** Which side the route says itself. */
export type Route = 'transactions' | 'mints' | 'burns';

export function transactionDraft(body: unknown, route: Route): TransactionDraft {
  const own = {
    transactions: [...postingFields, 'postings'],
    mints: ['recipient', 'amount'],
    burns: ['sender', 'amount'],
  }[route];
  const fields = fieldsOf(body, [...own, ...transactionFields]);
  const isPending = flagOf(fields['pending']);
  const expiresAt = optionalTime(fields['expiresAt']);
  refuseIf(expiresAt !== null && !isPending, 'validation_error');
  const effectiveAt = optionalTime(fields['effectiveAt']);
  refuseIf(effectiveAt !== null && isPending, 'validation_error');
  return {
    postings: postingDrafts(fields, route),
    reference: optionalText(fields['reference']),
    externalId: optionalText(fields['externalId']),
    metadata: metadataOf(fields['metadata']),
    isPending,
    expiresAt,
    effectiveAt,
    conditions: conditionsOf(fields['conditions']),
    isDryRun: flagOf(fields['dryRun']),
  };
}

function postingDrafts(fields: Fields, route: Route): PostingDraft[] {
  const { postings } = fields;
  if (postings === undefined) {
    const sides = { mints: { sender: 'ROOT' }, burns: { recipient: 'ROOT' }, transactions: {} }[route];
    return [postingDraft({ ...fields, ...sides })];
  }
  refuseIf(
    postingFields.some((field) => fields[field] !== undefined),
    'validation_error',
  );
  if (!Array.isArray(postings) || postings.length < 1 || postings.length > 100) return invalid();
  return postings.map((posting) => postingDraft(fieldsOf(posting, postingFields)));
}

function postingDraft(fields: Fields): PostingDraft {
  const { exchangeRate } = fields;
  refuseIf(exchangeRate !== undefined && !isRate(exchangeRate), 'validation_error');
  return {
    sender: partyOf(fields['sender']),
    recipient: partyOf(fields['recipient']),
    amount: amountOf(fields['amount']),
    exchangeRate: (exchangeRate as string | undefined) ?? null,
  };
}

function conditionsOf(value: unknown): Condition[] {
  if (value === undefined) return [];
  if (!Array.isArray(value) || value.length < 1 || value.length > 100) return invalid();
  return value.map((each) => {
    const fields = fieldsOf(each, ['accountId', 'version', 'minPosted', 'maxPosted']);
    const { version, minPosted, maxPosted } = fields;
    refuseIf(version === undefined && minPosted === undefined && maxPosted === undefined, 'validation_error');
    const isVersion = Number.isSafeInteger(version) && (version as number) >= 0;
    refuseIf(version !== undefined && !isVersion, 'validation_error');
    return {
      accountId: partyOf(fields['accountId']),
      version: (version as number | undefined) ?? null,
      minPosted: minPosted === undefined ? null : balanceOf(minPosted),
      maxPosted: maxPosted === undefined ? null : balanceOf(maxPosted),
    };
  });
}
