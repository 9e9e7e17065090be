import { writeBigintValue, writeTimeValue, writeUuidValue } from '#platform';
import type { RecordedEvent } from './recorded-event.js';

/** In this order the fields of a row are written. */
export const eventColumns = `ledger_id, epoch, position, id, type, version, transaction_id, data, data_salt, data_hash,
  actor, idempotency_key, request_hash, recorded_at, effective_at, hash`;

const columnCount = 16;
const lengthBytes = 4;
const signature = Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1');
/** Of flags and of an extension's length: there are none. */
const headerEnd = Buffer.alloc(8);
const trailer = Buffer.from([0xff, 0xff]);
const absent = -1;

const utf8BytesMax = 3;
/** All of a row but its texts, and more. */
const fixedBytesMax = 512;
const partBytesMax = 65_536;

/**
 * Writes events as rows of a binary COPY and hands them on in parts: small ones first, so that little is allocated
 * for a few events and much goes out at once of many. What is handed on is overwritten by the next part.
 *
 * The form: https://www.postgresql.org/docs/current/sql-copy.html#SQL-COPY-BINARY-FORMAT
 */
export class EventRowWriter {
  private part = Buffer.allocUnsafe(0);
  private at = 0;
  private hasBegun = false;

  constructor(private readonly handOn: (part: Buffer) => void) {}

  /** @throws NotAUuid */
  write(event: RecordedEvent): void {
    const { dataText } = event;
    if (dataText === null) throw new Error('an event without its data');
    const { type, actor, idempotencyKey } = event;
    const characters = dataText.length + type.length + actor.length + (idempotencyKey?.length ?? 0);
    this.makeRoom(fixedBytesMax + characters * utf8BytesMax);
    if (!this.hasBegun) this.begin();
    this.at = this.part.writeInt16BE(columnCount, this.at);
    this.uuid(event.ledgerId);
    this.integer(event.epoch);
    this.bigint(event.position);
    this.uuid(event.id);
    this.text(type);
    this.integer(event.version);
    this.uuid(event.transactionId);
    this.text(dataText);
    this.bytes(event.dataSalt);
    this.bytes(event.dataHash);
    this.text(actor);
    this.text(idempotencyKey);
    this.bytes(event.requestHash);
    this.time(event.recordedAt);
    this.time(event.effectiveAt);
    this.bytes(event.hash);
  }

  end(): void {
    if (!this.hasBegun) return;
    this.makeRoom(trailer.length);
    this.at += trailer.copy(this.part, this.at);
    this.flush();
  }

  private begin(): void {
    this.hasBegun = true;
    this.at += signature.copy(this.part, this.at);
    this.at += headerEnd.copy(this.part, this.at);
  }

  private makeRoom(bytes: number): void {
    if (this.at + bytes <= this.part.length) return;
    this.flush();
    const length = Math.max(bytes, Math.min(this.part.length * 4, partBytesMax));
    if (length > this.part.length) this.part = Buffer.allocUnsafe(length);
  }

  private flush(): void {
    if (this.at > 0) this.handOn(this.part.subarray(0, this.at));
    this.at = 0;
  }

  private uuid(value: string | null): void {
    if (value === null) return this.absent();
    this.at = writeUuidValue(this.part, this.length(16), value);
  }

  private integer(value: number): void {
    this.at = this.part.writeInt32BE(value, this.length(4));
  }

  private bigint(value: bigint): void {
    this.at = writeBigintValue(this.part, this.length(8), value);
  }

  private time(value: bigint): void {
    this.at = writeTimeValue(this.part, this.length(8), value);
  }

  private text(value: string | null): void {
    if (value === null) return this.absent();
    const written = this.part.write(value, this.at + lengthBytes);
    this.at = this.length(written) + written;
  }

  private bytes(value: Buffer | null): void {
    if (value === null) return this.absent();
    const at = this.length(value.length);
    this.at = at + value.copy(this.part, at);
  }

  private absent(): void {
    this.at = this.length(absent);
  }

  private length(bytes: number): number {
    return this.part.writeInt32BE(bytes, this.at);
  }
}
