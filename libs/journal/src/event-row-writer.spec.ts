import { randomBytes, randomUUID } from 'node:crypto';
import { NotAUuid } from '#platform';
import { EventRowWriter } from './event-row-writer.js';
import type { RecordedEvent } from './recorded-event.js';

function eventWith(changed: Partial<RecordedEvent> = {}): RecordedEvent {
  return {
    ledgerId: randomUUID(),
    epoch: 1,
    position: 7n,
    id: randomUUID(),
    type: 'transaction.posted',
    version: 2,
    transactionId: randomUUID(),
    dataText: '{"amount":"1"}',
    dataSalt: randomBytes(32),
    dataHash: randomBytes(32),
    actor: 'key_test',
    idempotencyKey: 'key',
    requestHash: randomBytes(32),
    recordedAt: 1_763_700_000_123_456n,
    effectiveAt: -1n,
    hash: randomBytes(32),
    ...changed,
  };
}

/** The parts in which the writer hands events on. */
function partsOf(events: readonly RecordedEvent[]): Buffer[] {
  const parts: Buffer[] = [];
  const writer = new EventRowWriter((part) => parts.push(Buffer.from(part)));
  for (const event of events) writer.write(event);
  writer.end();
  return parts;
}

/** In hexadecimal: jest compares bytes one by one, and a text at once. */
type Fields = (string | null)[];

/** The fields of each row, as the form says that they are read. */
function rowsOf(bytes: Buffer): Fields[] {
  expect(bytes.subarray(0, 19)).toEqual(Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1'));
  const rows: Fields[] = [];
  let at = 19;
  for (let count = bytes.readInt16BE(at); count !== -1; count = bytes.readInt16BE(at)) {
    at += 2;
    const row: Fields = [];
    for (let field = 0; field < count; field += 1) {
      const length = bytes.readInt32BE(at);
      at += 4;
      row.push(length === -1 ? null : bytes.toString('hex', at, at + length));
      at += Math.max(length, 0);
    }
    rows.push(row);
  }
  expect(at + 2).toBe(bytes.length);
  return rows;
}

const int64 = (value: bigint) => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(value);
  return bytes;
};
const int32 = (value: number) => Buffer.from([0, 0, 0, value]);
const uuid = (text: string) => Buffer.from(text.replaceAll('-', ''), 'hex');
const microsOf2000 = 946_684_800_000_000n;

function fieldsOf(event: RecordedEvent): Fields {
  const fields = [
    uuid(event.ledgerId),
    int32(event.epoch),
    int64(event.position),
    uuid(event.id),
    Buffer.from(event.type),
    int32(event.version),
    event.transactionId === null ? null : uuid(event.transactionId),
    Buffer.from(event.dataText ?? ''),
    event.dataSalt,
    event.dataHash,
    Buffer.from(event.actor),
    event.idempotencyKey === null ? null : Buffer.from(event.idempotencyKey),
    event.requestHash,
    int64(event.recordedAt - microsOf2000),
    int64(event.effectiveAt - microsOf2000),
    event.hash,
  ];
  return fields.map((field) => field?.toString('hex') ?? null);
}

const longest = 'x'.repeat(250 * 1_024);
const table: readonly [name: string, events: readonly RecordedEvent[]][] = [
  ['one', [eventWith()]],
  ['absent fields', [eventWith({ transactionId: null, idempotencyKey: null, requestHash: null })]],
  [
    'texts of more bytes than characters',
    [eventWith({ dataText: '"é€😀"', actor: 'é', idempotencyKey: '€' })],
  ],
  ['a position that no double holds', [eventWith({ position: 2n ** 53n + 1n })]],
  ['the longest between short ones', [eventWith(), eventWith({ dataText: longest }), eventWith()]],
  ['a thousand', Array.from({ length: 1_000 }, () => eventWith({ dataText: 'y'.repeat(1_000) }))],
];

describe('rows of a binary COPY', () => {
  it.each(table)('%s', (_, events) => {
    expect(rowsOf(Buffer.concat(partsOf(events)))).toEqual(events.map(fieldsOf));
  });

  it('of no events: nothing at all', () => {
    expect(partsOf([])).toEqual([]);
  });

  it('go out in parts, the first before the last event is known, none much larger than 64 KiB', () => {
    const sizes = partsOf(table.at(-1)![1]).map(({ length }) => length);
    expect(sizes.length).toBeGreaterThan(15);
    expect(sizes[0]).toBeLessThan(8_192);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(65_536);
  });

  it.each(['ledgerId', 'id', 'transactionId'] as const)('are refused where the %s is no UUID', (field) => {
    const text = `${randomUUID().slice(0, -1)}g`;
    expect(() => partsOf([eventWith({ [field]: text })])).toThrow(NotAUuid);
  });

  it('are refused without their data', () => {
    expect(() => partsOf([eventWith({ dataText: null })])).toThrow('an event without its data');
  });
});
