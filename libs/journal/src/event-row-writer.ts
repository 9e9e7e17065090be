import { FieldWriter, requireUuid } from '#platform';
import type { RecordedEvent } from './recorded-event.js';

/** In this order the fields of a row are written. */
export const eventColumns = `ledger_id, epoch, position, id, type, version, transaction_id, data, data_salt, data_hash,
  actor, idempotency_key, request_hash, recorded_at, effective_at, hash`;

const columnCount = 16;
const signature = Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1');
/** Of flags and of an extension's length: there are none. */
const headerEnd = Buffer.alloc(8);
const trailer = Buffer.from([0xff, 0xff]);

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
  private readonly fields = new FieldWriter(Buffer.allocUnsafe(0), 0);
  private hasBegun = false;

  constructor(private readonly handOn: (part: Buffer) => void) {}

  /** @throws NotAUuid */
  write(event: RecordedEvent): void {
    const { dataText } = event;
    if (dataText === null) throw new Error('an event without its data');
    requireUuid(event.ledgerId);
    requireUuid(event.id);
    requireUuid(event.transactionId);
    const { type, actor, idempotencyKey } = event;
    const characters = dataText.length + type.length + actor.length + (idempotencyKey?.length ?? 0);
    this.makeRoom(fixedBytesMax + characters * utf8BytesMax);
    const { fields } = this;
    if (!this.hasBegun) this.begin();
    fields.at = fields.target.writeInt16BE(columnCount, fields.at);
    fields.uuid(event.ledgerId);
    fields.integer(event.epoch);
    fields.bigint(event.position);
    fields.uuid(event.id);
    fields.text(type);
    fields.integer(event.version);
    fields.uuid(event.transactionId);
    fields.text(dataText);
    fields.bytes(event.dataSalt);
    fields.bytes(event.dataHash);
    fields.text(actor);
    fields.text(idempotencyKey);
    fields.bytes(event.requestHash);
    fields.time(event.recordedAt);
    fields.time(event.effectiveAt);
    fields.bytes(event.hash);
  }

  end(): void {
    if (!this.hasBegun) return;
    this.makeRoom(trailer.length);
    this.copy(trailer);
    this.flush();
  }

  private begin(): void {
    this.hasBegun = true;
    this.copy(signature);
    this.copy(headerEnd);
  }

  private copy(bytes: Buffer): void {
    this.fields.at += bytes.copy(this.fields.target, this.fields.at);
  }

  private makeRoom(bytes: number): void {
    const { target, at } = this.fields;
    if (at + bytes <= target.length) return;
    this.flush();
    const length = Math.max(bytes, Math.min(target.length * 4, partBytesMax));
    if (length > target.length) this.fields.target = Buffer.allocUnsafe(length);
  }

  private flush(): void {
    if (this.fields.at > 0) this.handOn(this.fields.written());
    this.fields.at = 0;
  }
}
