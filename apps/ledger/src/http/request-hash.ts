import stringify from 'safe-stable-stringify';
import { sha256 } from '#platform';

/** Fields whose number and digit-string forms are one and the same. */
const amountFields = new Set([
  'amount',
  'openingBalance',
  'minBalance',
  'maxBalance',
  'minPosted',
  'maxPosted',
]);
/** Lists whose items have such fields. What is in metadata is the client's, whatever its names are. */
const listFields = new Set(['postings', 'conditions']);

/** Method, path and parsed body make a request the same; field order and the form of amounts do not matter. */
export function requestHash(method: string, path: string, body: unknown): Buffer {
  return sha256(`[${JSON.stringify(method)},${JSON.stringify(path)},${canonicalText(body)}]`);
}

/**
 * A batch is the same where all else in its body is, and its items are, each with its key: their texts are made once,
 * for the batch and for themselves.
 * @param rest of the body, without the items
 */
export function batchHash(
  path: string,
  rest: object,
  items: readonly { readonly text: string | null; readonly key: string | null }[],
): Buffer {
  const texts = items.map(({ text, key }) => `[${JSON.stringify(key)},${text}]`);
  return sha256(`["POST",${JSON.stringify(path)},${canonicalText(rest)},${texts.join(',')}]`);
}

/** An item's hash is that of the request that it would be by itself. */
export function itemHash(text: string): Buffer {
  return sha256(`["POST","/v1/transactions",${text}]`);
}

/** One text for all ways to write the same body. */
export function canonicalText(body: unknown): string {
  return stringify(normalised(body)) ?? 'null';
}

function normalised(body: unknown): unknown {
  if (body === null || typeof body !== 'object' || Array.isArray(body)) return body ?? null;
  return Object.fromEntries(
    Object.entries(body).map(([field, value]: [string, unknown]) => [field, normalisedField(field, value)]),
  );
}

function normalisedField(field: string, value: unknown): unknown {
  if (amountFields.has(field)) return Number.isSafeInteger(value) ? String(value) : value;
  return listFields.has(field) && Array.isArray(value) ? value.map(normalised) : value;
}
