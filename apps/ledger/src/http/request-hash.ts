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

/**
 * One text for all ways to write the same body, without one of its fields where that is left out. Written field by
 * field, because this is done for each transaction of a batch.
 */
export function canonicalText(body: unknown, leftOut?: string): string {
  if (body === null || typeof body !== 'object' || Array.isArray(body))
    return stringify(body ?? null) ?? 'null';
  const fields: string[] = [];
  for (const field of Object.keys(body).sort()) {
    const value = (body as Record<string, unknown>)[field];
    if (value === undefined || field === leftOut) continue;
    fields.push(`${JSON.stringify(field)}:${fieldText(field, value)}`);
  }
  return `{${fields.join(',')}}`;
}

function fieldText(field: string, value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (amountFields.has(field) && Number.isSafeInteger(value)) return `"${String(value)}"`;
  if (listFields.has(field) && Array.isArray(value)) {
    return `[${value.map((item) => canonicalText(item)).join(',')}]`;
  }
  return stringify(value) ?? 'null';
}
