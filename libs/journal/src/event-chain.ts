import { sha256, writeBigintValue, writeUuid } from '#platform';
import type { RecordedEvent } from './recorded-event.js';

const genesisTag = 'ledger/journal/genesis/v1';
const eventTag = 'ledger/journal/event/v1';

/** What the first event of a ledger is chained to. */
export function genesisHash(ledgerId: string): Buffer {
  const bytes = Buffer.alloc(genesisTag.length + 16);
  writeUuid(bytes, bytes.write(genesisTag, 'latin1'), ledgerId);
  return sha256(bytes);
}

/** For most data: buffers made for each event would cost more than the hash. */
const dataScratch = Buffer.alloc(16_384);

/** The salt makes the hash of a short text unguessable, so that an erased event is really gone. */
export function dataHash(salt: Buffer, dataText: string): Buffer {
  const length = salt.length + Buffer.byteLength(dataText);
  const bytes = length > dataScratch.length ? Buffer.allocUnsafe(length) : dataScratch;
  bytes.write(dataText, salt.copy(bytes));
  return sha256(bytes.subarray(0, length));
}

type HashedFields = Omit<RecordedEvent, 'dataText' | 'dataSalt' | 'hash'>;

/**
 * SHA-256 over a tag that names the format, then every field with its length in front, so that no two
 * different events make the same bytes; an absent field differs from an empty one.
 */
export function chainHash(previousHash: Buffer, event: HashedFields): Buffer {
  const writer = new FieldWriter();
  writer.bytes(previousHash);
  writer.uuid(event.ledgerId);
  writer.integer(BigInt(event.epoch));
  writer.integer(event.position);
  writer.uuid(event.id);
  writer.text(event.type);
  writer.integer(BigInt(event.version));
  writer.uuid(event.transactionId);
  writer.text(event.actor);
  writer.text(event.idempotencyKey);
  writer.bytes(event.requestHash);
  writer.integer(event.recordedAt);
  writer.integer(event.effectiveAt);
  writer.bytes(event.dataHash);
  return sha256(writer.written());
}

const absent = 0xffffffff;
/** Four bytes of length and at most 3 bytes of UTF-8 a character of the texts, whose own limits are far below. */
const scratch = Buffer.alloc(16_384);
const tagLength = scratch.write(eventTag, 'latin1');

/** Writes fields one after the other into a buffer that all hashes share: there is no wait between two. */
class FieldWriter {
  private at = tagLength;

  written(): Buffer {
    return scratch.subarray(0, this.at);
  }

  bytes(value: Buffer | null): void {
    if (value === null) return this.absent();
    this.at = scratch.writeUInt32BE(value.length, this.at);
    this.at += value.copy(scratch, this.at);
  }

  text(value: string | null): void {
    if (value === null) return this.absent();
    const length = Buffer.byteLength(value);
    if (this.at + 4 + length > scratch.length) throw new RangeError('a field is too long to be hashed');
    scratch.write(value, this.at + 4, 'utf8');
    scratch.writeUInt32BE(length, this.at);
    this.at += 4 + length;
  }

  integer(value: bigint): void {
    this.at = writeBigintValue(scratch, scratch.writeUInt32BE(8, this.at), value);
  }

  uuid(value: string | null): void {
    if (value === null) return this.absent();
    this.at = writeUuid(scratch, scratch.writeUInt32BE(16, this.at), value);
  }

  private absent(): void {
    this.at = scratch.writeUInt32BE(absent, this.at);
  }
}
