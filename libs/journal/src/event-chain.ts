import { FieldWriter, sha256, writeUuid } from '#platform';
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
 * All hashes share it: there is no wait between two. The texts' own limits are far below.
 */
const chainScratch = Buffer.alloc(16_384);
const tagLength = chainScratch.write(eventTag, 'latin1');

/**
 * SHA-256 over a tag that names the format, then every field with its length in front, so that no two
 * different events make the same bytes; an absent field differs from an empty one.
 */
export function chainHash(previousHash: Buffer, event: HashedFields): Buffer {
  const writer = new FieldWriter(chainScratch, tagLength);
  writer.bytes(previousHash);
  writer.uuid(event.ledgerId);
  writer.bigint(BigInt(event.epoch));
  writer.bigint(event.position);
  writer.uuid(event.id);
  writer.text(event.type);
  writer.bigint(BigInt(event.version));
  writer.uuid(event.transactionId);
  writer.text(event.actor);
  writer.text(event.idempotencyKey);
  writer.bytes(event.requestHash);
  writer.bigint(event.recordedAt);
  writer.bigint(event.effectiveAt);
  writer.bytes(event.dataHash);
  return sha256(writer.written());
}
