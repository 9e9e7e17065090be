/** One key, one effect: two requests are the same when method, path and parsed body are. */
import type { Books } from './books.js';
import { isPlainObject } from './bodies.js';
import type { Asked } from './callers.js';
import { refuse } from './refusals.js';

export interface Answer {
  readonly status: number;
  /** Undefined where there is none. */
  readonly body: unknown;
  readonly isReplayed: boolean;
}

const amountFields = new Set([
  ...['amount', 'openingBalance', 'minBalance', 'maxBalance', 'minPosted', 'maxPosted'],
]);

/** Numbers and texts of an amount are the same; in metadata nothing is an amount. */
export function canonical(method: string, path: string, body: unknown): string {
  return `${method} ${path} ${JSON.stringify(sorted(body, null))}`;
}

function sorted(value: unknown, field: string | null): unknown {
  if (field === 'metadata') return withSortedKeys(value, (each) => sorted(each, 'metadata'));
  if (typeof value === 'number' && field !== null && amountFields.has(field)) return String(value);
  if (Array.isArray(value)) return value.map((each) => sorted(each, null));
  return withSortedKeys(value, sorted);
}

function withSortedKeys(value: unknown, of: (value: unknown, field: string) => unknown): unknown {
  if (Array.isArray(value)) return value.map((each) => of(each, 'metadata'));
  if (!isPlainObject(value)) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return entries.map(([field, each]) => [field, of(each, field)]);
}

/** What was answered under this key before, if it was the same request. */
export function answeredBefore(books: Books, asked: Asked, request: string): Answer | null {
  const kept = asked.key === null ? undefined : books.answers.get(ownKey(asked));
  if (kept === undefined) return null;
  if (kept.request !== request) return refuse('idempotency_key_reused');
  return { status: kept.status, body: kept.body, isReplayed: true };
}

export function keepAnswer(
  books: Books,
  asked: Asked,
  request: string,
  status: number,
  body: unknown,
): Answer {
  if (asked.key !== null) books.set(books.answers, ownKey(asked), { request, status, body });
  return { status, body, isReplayed: false };
}

/** Keys of different owners never meet: they have no blanks. */
const ownKey = ({ caller, key }: Asked): string => `${key} ${caller.ownerId ?? ''}`;
