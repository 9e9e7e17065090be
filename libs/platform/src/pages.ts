import { hash as digest } from 'node:crypto';

/** Lists are read in pages, newest first. */
export const pageLimitMax = 100;
export const pageLimitDefault = 20;

/** A page number skips the rows before it one by one, so it reaches only so far. */
export const numberedRowsMax = 10_000;

/** A list's total is counted up to this. */
export const exactTotalMax = 10_000;

/** A page, and a total, looks at no more rows than these; a page then ends short. */
export const examinedRowsMax = 50_000;

export interface PageRequest {
  readonly limit: number;
  /** From 1; null where there is a cursor. */
  readonly number: number | null;
  readonly cursor: string | null;
  readonly wantsTotal: boolean;
}

export interface Page<T> {
  readonly items: readonly T[];
  readonly limit: number;
  /** Null for a page by cursor, and for a short one. */
  readonly number: number | null;
  readonly hasMore: boolean;
  readonly nextCursor: string | null;
  /** How far what the list is read from had come. */
  readonly position: bigint;
  readonly total?: Total;
}

export interface Total {
  readonly count: number;
  readonly isCapped: boolean;
}

export class InvalidCursor extends Error {
  constructor() {
    super('the cursor is malformed, or was given out for another list or other filters');
  }
}

export class PageTooDeep extends Error {
  constructor() {
    super(`page numbers reach the first ${numberedRowsMax} rows; go on with the cursor`);
  }
}

/** How many rows are skipped before a numbered page. */
export function rowsBefore({ number, limit }: PageRequest): number {
  if (number === null) return 0;
  if (number * limit > numberedRowsMax) throw new PageTooDeep();
  return (number - 1) * limit;
}

/** What a cursor belongs to: the list, whose it is, and its filters. */
export interface CursorScope {
  readonly list: string;
  readonly owner: string;
  readonly filters: object;
}

const digestLength = 12;
const cursorText = /^[A-Za-z0-9_-]{12}\d{1,19}(?:\.\d{1,9}){0,3}$/;

/** An opaque text with the key of the last row seen, good for the same list and filters only. */
export function encodeCursor(scope: CursorScope, key: readonly bigint[]): string {
  return Buffer.from(scopeDigest(scope) + key.join('.')).toString('base64url');
}

/** The key of the last row seen. */
export function decodeCursor(scope: CursorScope, cursor: string): bigint[] {
  const text = Buffer.from(cursor, 'base64url').toString('latin1');
  const isCanonical = Buffer.from(text, 'latin1').toString('base64url') === cursor;
  if (!isCanonical || !cursorText.test(text) || !text.startsWith(scopeDigest(scope)))
    throw new InvalidCursor();
  const key = text.slice(digestLength).split('.').map(BigInt);
  if (key.some((part) => part > 9_223_372_036_854_775_807n)) throw new InvalidCursor();
  return key;
}

/** Of its 128 bits, the first 48 (of a UUIDv7: the time) and then three parts that fit a cursor. */
const uuidPartBits = [48n, 26n, 27n, 27n] as const;

/** A UUID as the key of a row, in the same order. */
export function keyOfUuid(uuid: string): bigint[] {
  let rest = BigInt(`0x${uuid.replaceAll('-', '')}`);
  const parts: bigint[] = [];
  for (const bits of uuidPartBits.toReversed()) {
    parts.unshift(BigInt.asUintN(Number(bits), rest));
    rest >>= bits;
  }
  return parts;
}

export function uuidOfKey(key: readonly bigint[]): string {
  const isKey =
    key.length === uuidPartBits.length && key.every((part, index) => part >> uuidPartBits[index]! === 0n);
  if (!isKey) throw new InvalidCursor();
  const value = key.reduce((sum, part, index) => (sum << uuidPartBits[index]!) | part, 0n);
  const hex = value.toString(16).padStart(32, '0');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

function scopeDigest({ list, owner, filters }: CursorScope): string {
  return digest('sha256', canonicalText([list, owner, filters]), 'base64url').slice(0, digestLength);
}

/** The same text for the same filters, in whatever order they were given; absent ones count for nothing. */
function canonicalText(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => {
    if (typeof part === 'bigint') return `${part}n`;
    if (part === null || typeof part !== 'object' || Array.isArray(part)) return part;
    return Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}

/** Where a page was cut off, although there may be more rows for it. */
export interface PageRows<T> {
  /** One more than the page's limit where there are so many. */
  readonly items: readonly T[];
  /** The key of the last row looked at, where the page ends early because of it. */
  readonly end: readonly bigint[] | null;
  readonly position: bigint;
}

export function pageOf<T>(
  request: PageRequest,
  scope: CursorScope,
  { items: found, end, position }: PageRows<T>,
  keyOf: (item: T) => readonly bigint[],
  total: Total | undefined,
): Page<T> {
  const { limit, number } = request;
  const items = found.slice(0, limit);
  const last = items.at(-1);
  const isFull = found.length > limit && last !== undefined;
  const after = isFull ? keyOf(last) : end;
  return {
    items,
    limit,
    number: (isFull || end === null) && request.cursor === null ? number : null,
    hasMore: after !== null,
    nextCursor: after === null ? null : encodeCursor(scope, after),
    position,
    ...(total === undefined ? {} : { total }),
  };
}

/** `counted` may be one more than the most that is shown, to tell that there are more. */
export function totalOf(counted: number, isCut: boolean): Total {
  return { count: Math.min(counted, exactTotalMax), isCapped: isCut || counted > exactTotalMax };
}
