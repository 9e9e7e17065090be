import { FieldWriter, requireUuid } from './field-writer.js';

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
  return arrayOf('uuid', items.map(valueOf), 16, (fields, value) => {
    requireUuid(value);
    fields.uuid(value);
  });
}

export function bigintArray<Item>(
  items: readonly Item[],
  valueOf: (item: Item) => bigint | number | null,
): Buffer {
  return arrayOf('bigint', items.map(valueOf), 8, (fields, value) =>
    fields.bigint(value === null ? null : BigInt(value)),
  );
}

export function integerArray<Item>(items: readonly Item[], valueOf: (item: Item) => number | null): Buffer {
  return arrayOf('integer', items.map(valueOf), 4, (fields, value) => fields.integer(value));
}

/** @param valueOf microseconds since 1970 */
export function timeArray<Item>(items: readonly Item[], valueOf: (item: Item) => bigint | null): Buffer {
  return arrayOf('timestamptz', items.map(valueOf), 8, (fields, value) => fields.time(value));
}

export function byteaArray<Item>(items: readonly Item[], valueOf: (item: Item) => Buffer | null): Buffer {
  const bytesOf = (value: Buffer): number => value.length;
  return arrayOf('bytea', items.map(valueOf), bytesOf, (fields, value) => fields.bytes(value));
}

export function textArray<Item>(items: readonly Item[], valueOf: (item: Item) => string | null): Buffer {
  const bytesOf = (value: string): number => Buffer.byteLength(value);
  return arrayOf('text', items.map(valueOf), bytesOf, (fields, value) => fields.text(value));
}

/** An array of none has no dimension. */
function arrayOf<Value>(
  type: keyof typeof elementTypes,
  values: readonly (Value | null)[],
  /** Of a value that is there. */
  bytesOf: number | ((value: Value) => number),
  write: (fields: FieldWriter, value: Value | null) => void,
): Buffer {
  const isEmpty = values.length === 0;
  let bytes = isEmpty ? headerBytes - 8 : headerBytes + lengthBytes * values.length;
  let hasNull = false;
  for (const value of values) {
    if (value === null) hasNull = true;
    else bytes += typeof bytesOf === 'number' ? bytesOf : bytesOf(value);
  }
  const buffer = Buffer.allocUnsafe(bytes);
  buffer.writeInt32BE(isEmpty ? 0 : 1, 0);
  buffer.writeInt32BE(hasNull ? 1 : 0, 4);
  buffer.writeUInt32BE(elementTypes[type], 8);
  if (isEmpty) return buffer;
  buffer.writeInt32BE(values.length, 12);
  buffer.writeInt32BE(1, 16);
  const fields = new FieldWriter(buffer, headerBytes);
  for (const value of values) write(fields, value);
  return buffer;
}
