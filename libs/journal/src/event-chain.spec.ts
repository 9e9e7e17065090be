import { createHash } from 'node:crypto';
import { chainHash, dataHash, genesisHash } from './event-chain.js';
import { systemAccountId } from './system-account-id.js';

const ledgerId = '0190a0b0-0000-7000-8000-000000000001';
const event = {
  ledgerId,
  epoch: 1,
  position: 7n,
  id: '0190a0b0-0000-7000-8000-000000000002',
  type: 'transaction.posted',
  version: 1,
  transactionId: '0190a0b0-0000-7000-8000-000000000003',
  dataHash: Buffer.alloc(32, 1),
  actor: 'key_1',
  idempotencyKey: 'k',
  requestHash: Buffer.alloc(32, 2),
  recordedAt: 1_700_000_000_000_001n,
  effectiveAt: 1_700_000_000_000_000n,
};

/** The format said once more, byte by byte, as somebody outside who checks the chain would read it. */
function chainedByHand(): string {
  const field = (bytes: Buffer) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    return Buffer.concat([length, bytes]);
  };
  const uuid = (text: string) => field(Buffer.from(text.replaceAll('-', ''), 'hex'));
  const integer = (value: bigint) => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64BE(value);
    return field(bytes);
  };
  const text = (value: string) => field(Buffer.from(value, 'utf8'));
  return createHash('sha256')
    .update('ledger/journal/event/v1')
    .update(field(genesisHash(ledgerId)))
    .update(uuid(ledgerId))
    .update(integer(1n))
    .update(integer(7n))
    .update(uuid(event.id))
    .update(text('transaction.posted'))
    .update(integer(1n))
    .update(uuid(event.transactionId))
    .update(text('key_1'))
    .update(text('k'))
    .update(field(Buffer.alloc(32, 2)))
    .update(integer(1_700_000_000_000_001n))
    .update(integer(1_700_000_000_000_000n))
    .update(field(Buffer.alloc(32, 1)))
    .digest('hex');
}

describe('the chain', () => {
  it('begins with the tag and the ledger', () => {
    const expected = createHash('sha256')
      .update('ledger/journal/genesis/v1')
      .update(Buffer.from(ledgerId.replaceAll('-', ''), 'hex'))
      .digest('hex');
    expect(genesisHash(ledgerId).toString('hex')).toBe(expected);
  });

  it('is the SHA-256 that its format says', () => {
    expect(chainHash(genesisHash(ledgerId), event).toString('hex')).toBe(chainedByHand());
  });

  it.each(['{"a":"é"}', 'é'.repeat(8_176), 'é'.repeat(8_177), 'é'.repeat(1_000_000), ''])(
    'has a data hash of salt and exact text, however long',
    (text) => {
      const salt = Buffer.alloc(32, 3);
      const expected = createHash('sha256').update(salt).update(text, 'utf8').digest('hex');
      expect(dataHash(salt, text).toString('hex')).toBe(expected);
      expect(chainHash(genesisHash(ledgerId), event).toString('hex')).toBe(chainedByHand());
    },
  );

  const hashOf = (changes: Partial<typeof event> | { transactionId: null } | { requestHash: null }) =>
    chainHash(genesisHash(ledgerId), { ...event, ...changes }).toString('hex');
  const others: [string, Parameters<typeof hashOf>[0]][] = [
    ['ledgerId', { ledgerId: '0190a0b0-0000-7000-8000-000000000009' }],
    ['epoch', { epoch: 2 }],
    ['position', { position: 8n }],
    ['id', { id: '0190a0b0-0000-7000-8000-000000000009' }],
    ['type', { type: 'transaction.pending' }],
    ['version', { version: 2 }],
    ['transactionId', { transactionId: '0190a0b0-0000-7000-8000-000000000009' }],
    ['no transactionId', { transactionId: null }],
    ['dataHash', { dataHash: Buffer.alloc(32, 9) }],
    ['actor', { actor: 'key_2' }],
    ['idempotencyKey', { idempotencyKey: 'l' }],
    ['an empty key instead of none', { idempotencyKey: '' }],
    ['bytes moved from one field to the next', { actor: 'key_', idempotencyKey: '1k' }],
    ['requestHash', { requestHash: Buffer.alloc(32, 9) }],
    ['no requestHash', { requestHash: null }],
    ['recordedAt', { recordedAt: 1_700_000_000_000_002n }],
    ['effectiveAt', { effectiveAt: 1_700_000_000_000_001n }],
  ];
  it('differs with every field', () => {
    const hashes = others.map(([, changes]) => hashOf(changes));
    expect(new Set([hashOf({}), ...hashes]).size).toBe(others.length + 1);
    expect(chainHash(Buffer.alloc(32), event).toString('hex')).not.toBe(hashOf({}));
  });
});

describe("a system account's id", () => {
  it('is a UUIDv8 that follows from ledger, name and currency', () => {
    const id = systemAccountId(ledgerId, 'ROOT', 'EUR');
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(systemAccountId(ledgerId, 'ROOT', 'EUR')).toBe(id);
    expect(systemAccountId(ledgerId, 'ROOT', 'USD')).not.toBe(id);
    expect(systemAccountId(event.id, 'ROOT', 'EUR')).not.toBe(id);
  });

  it('is the same in every release: accounts are found by it', () => {
    expect(systemAccountId(ledgerId, 'ROOT', 'EUR')).toBe('1ff95052-730c-84f2-9f13-395b9303dbd1');
  });
});
