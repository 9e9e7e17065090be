import { writeBigintValue, writeTimeValue, writeUuidValue } from './binary-values.js';

/**
 * Arrays of one dimension as Postgres sends and takes them in binary, as a parameter of a statement: a header with
 * the type of its elements, then each with its length in front, -1 for NULL. There is no text to escape and to parse.
 *
 * The form: src/backend/utils/adt/arrayfuncs.c, array_recv. Types: src/include/catalog/pg_type.dat.
 */
const elementTypes = { bytea: 17, bigint: 20, integer: 23, text: 25, timestamptz: 1184, uuid: 2950 } as const;

const headerBytes = 20;
const lengthBytes = 4;

/** @throws NotAUuid */
export function uuidArray<Item>(items: readonly Item[], valueOf: (item: Item) => string | null): Buffer {
  return fixedArray('uuid', 16, items, valueOf, writeUuidValue);
}

export function bigintArray<Item>(
  items: readonly Item[],
  valueOf: (item: Item) => bigint | number | null,
): Buffer {
  return fixedArray('bigint', 8, items, valueOf, (target, at, value) =>
    writeBigintValue(target, at, BigInt(value)),
  );
}

export function integerArray<Item>(items: readonly Item[], valueOf: (item: Item) => number | null): Buffer {
  return fixedArray('integer', 4, items, valueOf, (target, at, value) => target.writeInt32BE(value, at));
}

/** @param valueOf microseconds since 1970 */
export function timeArray<Item>(items: readonly Item[], valueOf: (item: Item) => bigint | null): Buffer {
  return fixedArray('timestamptz', 8, items, valueOf, writeTimeValue);
}

export function byteaArray<Item>(items: readonly Item[], valueOf: (item: Item) => Buffer | null): Buffer {
  const values = items.map(valueOf);
  const buffer = arrayOf('bytea', values, (value) => value.length);
  let at = headerBytes;
  for (const value of values) {
    at = buffer.writeInt32BE(value === null ? -1 : value.length, at);
    if (value !== null) at += value.copy(buffer, at);
  }
  return buffer;
}

export function textArray<Item>(items: readonly Item[], valueOf: (item: Item) => string | null): Buffer {
  const values = items.map(valueOf);
  const buffer = arrayOf('text', values, (value) => Buffer.byteLength(value));
  let at = headerBytes;
  for (const value of values) {
    if (value === null) {
      at = buffer.writeInt32BE(-1, at);
      continue;
    }
    const written = buffer.write(value, at + lengthBytes);
    at = buffer.writeInt32BE(written, at) + written;
  }
  return buffer;
}

function fixedArray<Item, Value>(
  type: keyof typeof elementTypes,
  width: number,
  items: readonly Item[],
  valueOf: (item: Item) => Value | null,
  write: (target: Buffer, at: number, value: Value) => number,
): Buffer {
  const values = items.map(valueOf);
  const buffer = arrayOf(type, values, () => width);
  let at = headerBytes;
  for (const value of values) {
    at = buffer.writeInt32BE(value === null ? -1 : width, at);
    if (value !== null) at = write(buffer, at, value);
  }
  return buffer;
}

/** Its header, and room for its elements. An array of none has no dimension. */
function arrayOf<Value>(
  type: keyof typeof elementTypes,
  values: readonly (Value | null)[],
  bytesOf: (value: Value) => number,
): Buffer {
  const isEmpty = values.length === 0;
  let bytes = isEmpty ? headerBytes - 8 : headerBytes + lengthBytes * values.length;
  let hasNull = false;
  for (const value of values) {
    if (value === null) hasNull = true;
    else bytes += bytesOf(value);
  }
  const buffer = Buffer.allocUnsafe(bytes);
  buffer.writeInt32BE(isEmpty ? 0 : 1, 0);
  buffer.writeInt32BE(hasNull ? 1 : 0, 4);
  buffer.writeUInt32BE(elementTypes[type], 8);
  if (isEmpty) return buffer;
  buffer.writeInt32BE(values.length, 12);
  buffer.writeInt32BE(1, 16);
  return buffer;
}
