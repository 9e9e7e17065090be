import { writeUuid } from './uuid-bytes.js';

/**
 * Values as Postgres sends and takes them in binary, without the length in front. Each function writes one at the
 * place given and returns where it ends.
 */

/** What the caller asks to be stored as a UUID is none, as Postgres would say of its text. */
export class NotAUuid extends Error {}

const uuidText = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** @throws NotAUuid */
export function writeUuidValue(target: Buffer, at: number, uuid: string): number {
  if (!uuidText.test(uuid)) throw new NotAUuid(`${uuid} is not a UUID`);
  return writeUuid(target, at, uuid);
}

const bigintBytes = new Uint8Array(8);
const bigintView = new DataView(bigintBytes.buffer);

/** In less time, and with less left to collect, than Buffer's own function takes. */
export function writeBigintValue(target: Buffer, at: number, value: bigint): number {
  bigintView.setBigInt64(0, value);
  for (let index = 0; index < bigintBytes.length; index += 1) target[at + index] = bigintBytes[index]!;
  return at + bigintBytes.length;
}

/** Postgres counts from 2000. */
const microsOf2000 = BigInt(Date.UTC(2000, 0, 1)) * 1_000n;

/** @param micros microseconds since 1970 */
export function writeTimeValue(target: Buffer, at: number, micros: bigint): number {
  return writeBigintValue(target, at, micros - microsOf2000);
}
