import { writeUuid } from './uuid-bytes.js';

/** What the caller asks to be stored as a UUID is none, as Postgres would say of its text. */
export class NotAUuid extends Error {}

const uuidText = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** @throws NotAUuid */
export function requireUuid(text: string | null): void {
  if (text !== null && !uuidText.test(text)) throw new NotAUuid(`${text} is not a UUID`);
}

const absent = -1;
const lengthBytes = 4;
const utf8BytesMax = 3;
/** Postgres counts from 2000. */
const microsOf2000 = BigInt(Date.UTC(2000, 0, 1)) * 1_000n;

const bigintBytes = new Uint8Array(8);
const bigintView = new DataView(bigintBytes.buffer);

/**
 * Writes fields one behind the other, each with its length in front and -1 where it is absent: so Postgres sends and
 * takes the elements of an array and the fields of a row in binary, and so an event is hashed.
 */
export class FieldWriter {
  constructor(
    public target: Buffer,
    /** Where the next field begins. */
    public at: number,
  ) {}

  written(): Buffer {
    return this.target.subarray(0, this.at);
  }

  bytes(value: Buffer | null): void {
    if (value === null) return this.absent();
    this.length(value.length);
    this.at += value.copy(this.target, this.at);
  }

  /** @throws RangeError where it has no room */
  text(value: string | null): void {
    if (value === null) return this.absent();
    const room = this.target.length - this.at - lengthBytes;
    if (value.length * utf8BytesMax > room && Buffer.byteLength(value) > room) {
      throw new RangeError('a text is too long to be written');
    }
    const written = this.target.write(value, this.at + lengthBytes);
    this.length(written);
    this.at += written;
  }

  integer(value: number | null): void {
    if (value === null) return this.absent();
    this.length(4);
    this.at = this.target.writeInt32BE(value, this.at);
  }

  /** In less time, and with less left to collect, than with Buffer's own function. */
  bigint(value: bigint | null): void {
    if (value === null) return this.absent();
    this.length(bigintBytes.length);
    bigintView.setBigInt64(0, value);
    for (let index = 0; index < bigintBytes.length; index += 1) {
      this.target[this.at + index] = bigintBytes[index]!;
    }
    this.at += bigintBytes.length;
  }

  /** A time as Postgres has it. @param micros microseconds since 1970 */
  time(micros: bigint | null): void {
    this.bigint(micros === null ? null : micros - microsOf2000);
  }

  /** Must be one: see requireUuid. */
  uuid(value: string | null): void {
    if (value === null) return this.absent();
    this.length(16);
    this.at = writeUuid(this.target, this.at, value);
  }

  private absent(): void {
    this.length(absent);
  }

  private length(bytes: number): void {
    this.at = this.target.writeInt32BE(bytes, this.at);
  }
}
