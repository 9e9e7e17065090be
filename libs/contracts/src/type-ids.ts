import { LRUCache } from 'lru-cache';
import { fromString, fromUUIDBytes, toUUIDBytes } from 'typeid-js';

/** The oldest go first, used or not: to keep the order of use would cost more than to convert some of them again. */
const rememberedMax = 50_000;
const accountTexts = new LRUCache<string, string>({ max: rememberedMax });
const uuidByText = new LRUCache<string, string>({ max: rememberedMax });

/** 128 bits in Crockford's base32, which has no i, l, o or u. */
export const typeIdPattern = (prefix: string) => `^${prefix}_[0-7][0-9a-hjkmnp-tv-z]{25}$`;

/**
 * Ids on the wire are TypeIDs (https://github.com/jetify-com/typeid): a prefix that names the kind of thing,
 * and the UUID in base32. Inside and in the database they are UUIDs.
 */
export function encodeTypeId(prefix: string, uuid: string): string {
  return fromUUIDBytes(prefix, Buffer.from(uuid.replaceAll('-', ''), 'hex'));
}

/** The UUID of a well-formed id of this kind, else null. */
export function decodeTypeId(prefix: string, text: string): string | null {
  const isOfKind = text.startsWith(`${prefix}_`);
  const known = isOfKind ? uuidByText.peek(text) : undefined;
  if (known !== undefined) return known;
  try {
    const uuid = uuidText(toUUIDBytes(fromString(text, prefix)));
    uuidByText.set(text, uuid);
    return uuid;
  } catch {
    return null;
  }
}

/** Of any 128 bits: to a TypeID, as to Postgres, no version of UUID is wrong. */
function uuidText(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes).toString('hex');
  return [[0, 8], [8, 12], [12, 16], [16, 20], [20]].map(([from, to]) => hex.slice(from, to)).join('-');
}

/** Remembered: the same accounts come again and again, and a conversion costs more than a look-up. */
export function accountIdOf(uuid: string): string {
  const known = accountTexts.peek(uuid);
  if (known !== undefined) return known;
  const text = encodeTypeId('acc', uuid);
  accountTexts.set(uuid, text);
  return text;
}
export const transactionIdOf = (uuid: string) => encodeTypeId('txn', uuid);
export const eventIdOf = (uuid: string) => encodeTypeId('evt', uuid);
export const ledgerIdOf = (uuid: string) => encodeTypeId('ldg', uuid);
