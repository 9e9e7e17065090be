import { createHash } from 'node:crypto';
import {
  expectError,
  newKey,
  startService,
  timestamp,
  type Account,
  type Client,
  type JournalEvent,
  type One,
  type Service,
  type Transaction,
} from '../support/client.js';

interface EventPage {
  readonly data: JournalEvent[];
  readonly meta: { readonly headPosition: string; readonly nextAfter: string };
}

interface TrialBalance {
  readonly data: {
    currency: string;
    debits: string;
    credits: string;
    difference: string;
    accounts: number;
  }[];
  readonly meta: { readonly position: string };
}

let service: Service;
let client: Client;
let alice: Account;
let bob: Account;
let transfer: Transaction;
const key = newKey();

beforeAll(async () => {
  service = await startService();
  client = service.client;
  alice = await client.open({ name: 'Ålice', openingBalance: 1_000 });
  bob = await client.open({ name: 'Bob', metadata: { a: '"\u2028\\' } });
  await client.open({ name: 'Carol', currency: 'USD', openingBalance: '9'.repeat(36) });
  const body = {
    sender: alice.id,
    recipient: bob.id,
    amount: 250,
    reference: 'ä 🏦 "',
    metadata: { z: 1, a: 2 },
  };
  transfer = (await client.post<One<Transaction>>('/v1/transactions', body, { key })).body.data;
  await client.patch(`/v1/accounts/${bob.id}`, { name: 'Robert' });
  const { id } = await client.open({ name: 'Dora' });
  await client.delete(`/v1/accounts/${id}`);
  for (let n = 0; n < 30; n++) await client.transfer(alice.id, bob.id, 1);
}, 60_000);

afterAll(() => service.stop());

const page = (query: string) => client.get<EventPage>(`/v1/events${query}`);

/** TypeIDs are base32 of 128 bits, in Crockford's alphabet. */
function uuidBytes(typeId: string): Buffer {
  const alphabet = '0123456789abcdefghjkmnpqrstvwxyz';
  const digits = [...typeId.slice(typeId.lastIndexOf('_') + 1)].map((digit) =>
    BigInt(alphabet.indexOf(digit)),
  );
  const value = digits.reduce((sum, digit) => sum * 32n + digit, 0n);
  return Buffer.from(value.toString(16).padStart(32, '0'), 'hex');
}

const sha256 = (...parts: Buffer[]) => createHash('sha256').update(Buffer.concat(parts)).digest();

function micros(time: string): bigint {
  return BigInt(Date.parse(`${time.slice(0, 19)}Z`)) * 1000n + BigInt(time.slice(20, 26));
}

function int64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(value);
  return bytes;
}

function field(value: Buffer | null): Buffer {
  if (value === null) return Buffer.from('ffffffff', 'hex');
  const length = Buffer.alloc(4);
  length.writeUInt32BE(value.length);
  return Buffer.concat([length, value]);
}

const optional = (text: string | null, encoding: BufferEncoding = 'utf8') =>
  text === null ? null : Buffer.from(text, encoding);

function hashOf(previous: Buffer, event: JournalEvent): Buffer {
  return sha256(
    Buffer.from('ledger/journal/event/v1'),
    field(previous),
    field(uuidBytes(event.ledgerId)),
    field(int64(BigInt(event.epoch))),
    field(int64(BigInt(event.position))),
    field(uuidBytes(event.id)),
    field(Buffer.from(event.type)),
    field(int64(BigInt(event.version))),
    field(event.transactionId === null ? null : uuidBytes(event.transactionId)),
    field(Buffer.from(event.actor)),
    field(optional(event.idempotencyKey)),
    field(optional(event.requestHash, 'hex')),
    field(int64(micros(event.recordedAt))),
    field(int64(micros(event.effectiveAt))),
    field(Buffer.from(event.dataHash, 'hex')),
  );
}

describe('GET /v1/events', () => {
  test('shows each event with every field that its hash covers', async () => {
    const events = await client.journal();
    for (const event of events) {
      expect(event).toEqual({
        ledgerId: expect.stringMatching(/^ldg_[0-9a-z]{26}$/),
        epoch: 1,
        position: expect.stringMatching(/^[1-9]\d*$/),
        id: expect.stringMatching(/^evt_[0-9a-z]{26}$/),
        type: expect.stringMatching(/^(account\.(opened|updated|closed)|transaction\.posted)$/),
        version: 1,
        transactionId: event.type === 'transaction.posted' ? event.data['id'] : null,
        data: expect.any(Object),
        actor: expect.stringMatching(/^key_[0-9a-z]{26}$/),
        idempotencyKey: event.transactionId === transfer.id ? key : null,
        requestHash: event.transactionId === transfer.id ? expect.stringMatching(/^[0-9a-f]{64}$/) : null,
        recordedAt: expect.stringMatching(timestamp),
        effectiveAt: event.recordedAt,
        dataText: expect.any(String),
        dataSalt: expect.stringMatching(/^[0-9a-f]{64}$/),
        dataHash: expect.stringMatching(/^[0-9a-f]{64}$/),
        hash: expect.stringMatching(/^[0-9a-f]{64}$/),
      });
    }
  });

  test('positions start at 1 without a gap, times grow, ids are different', async () => {
    const events = await client.journal();
    expect(events.map(({ position }) => position)).toEqual(events.map((_, index) => String(index + 1)));
    for (let n = 1; n < events.length; n++) {
      expect(events[n]!.recordedAt > events[n - 1]!.recordedAt).toBe(true);
    }
    expect(new Set(events.map(({ id }) => id)).size).toBe(events.length);
    expect(new Set(events.map(({ dataSalt }) => dataSalt)).size).toBe(events.length);
  });

  test('the chain can be recomputed from what is shown', async () => {
    const events = await client.journal();
    let previous: Buffer = sha256(Buffer.from('ledger/journal/genesis/v1'), uuidBytes(events[0]!.ledgerId));
    for (const event of events) {
      const dataHash = sha256(Buffer.from(event.dataSalt, 'hex'), Buffer.from(event.dataText));
      expect([event.position, event.dataHash]).toEqual([event.position, dataHash.toString('hex')]);
      previous = hashOf(previous, event);
      expect([event.position, event.hash]).toEqual([event.position, previous.toString('hex')]);
    }
  });

  test('data of a posted transaction is the transaction, its fields at top level', async () => {
    const events = (await client.journal()).filter(({ type }) => type === 'transaction.posted');
    for (const { data, position, transactionId, recordedAt } of events) {
      const read = await client.get<One<Transaction>>(`/v1/transactions/${transactionId}`);
      expect(data).toMatchObject(read.body.data);
      expect(read.body.data).toMatchObject({ position, createdAt: recordedAt });
    }
    const one = events.filter((event) => event.transactionId === transfer.id);
    expect(one).toHaveLength(1);
    expect(one[0]?.data).toMatchObject({
      sender: alice.id,
      recipient: bob.id,
      amount: '250',
      reference: 'ä 🏦 "',
    });
  });

  test('data of an account event is the account after it', async () => {
    const events = await client.journal();
    const of = (name: string) =>
      events.filter(({ data }) => data['name'] === name).map(({ type, data }) => [type, data]);
    expect(of('Robert')).toEqual([['account.updated', expect.objectContaining({ id: bob.id, version: 3 })]]);
    expect(of('Dora').map(([type]) => type)).toEqual(['account.opened', 'account.closed']);
    expect(of('Ålice')).toEqual([['account.opened', expect.objectContaining({ id: alice.id, version: 1 })]]);
    const roots = of('ROOT').map(([, data]) => data);
    expect(roots).toMatchObject([
      { id: 'ROOT', currency: 'EUR' },
      { id: 'ROOT', currency: 'USD' },
    ]);
  });

  test('pages go on after a position', async () => {
    const events = await client.journal();
    const head = events.at(-1)!.position;
    const first = await page('?limit=3');
    expect(first.body).toEqual({ data: events.slice(0, 3), meta: { headPosition: head, nextAfter: '3' } });
    const next = await page('?after=3&limit=2');
    expect(next.body).toEqual({ data: events.slice(3, 5), meta: { headPosition: head, nextAfter: '5' } });
    expect((await page('?after=0&limit=1000')).body.data).toEqual(events);
    expect(await client.journal(7)).toEqual(events);
  });

  test('past the head there is nothing, and it goes on from there', async () => {
    const head = (await page('?limit=1')).body.meta.headPosition;
    expect((await page(`?after=${head}`)).body).toEqual({
      data: [],
      meta: { headPosition: head, nextAfter: head },
    });
    const { position } = await client.transfer(alice.id, bob.id, 1);
    const { body } = await page(`?after=${head}`);
    expect(body.data.map((event) => event.position)).toEqual([position]);
    expect(body.meta).toEqual({ headPosition: position, nextAfter: position });
  });

  test.each([
    'after=-1',
    'after=x',
    'after=1.5',
    'after=',
    'limit=0',
    'limit=1001',
    'limit=x',
    'limit=',
    'from=1',
    'after=1&after=2',
    'page[limit]=5',
  ])('?%s is refused', async (query) => {
    expectError(await page(`?${query}`), 400, 'validation_error');
  });
});

describe('GET /v1/trial-balance', () => {
  test('debits and credits of each currency are equal, and are those of the entries', async () => {
    const { status, body } = await client.get<TrialBalance>('/v1/trial-balance');
    expect(status).toBe(200);
    const head = (await page('?limit=1')).body.meta.headPosition;
    expect(body.meta).toEqual({ position: head });
    const moved = (await client.journal())
      .filter(({ type, data }) => type === 'transaction.posted' && data['currency'] === 'EUR')
      .reduce((sum, { data }) => sum + BigInt(data['amount'] as string), 0n);
    const most = '9'.repeat(36);
    expect([...body.data].sort((a, b) => (a.currency < b.currency ? -1 : 1))).toEqual([
      { currency: 'EUR', debits: String(moved), credits: String(moved), difference: '0', accounts: 4 },
      { currency: 'USD', debits: most, credits: most, difference: '0', accounts: 2 },
    ]);
  });

  test('as it was at a time, that time included', async () => {
    const at = encodeURIComponent(transfer.createdAt);
    for (const query of [`at=${at}`, `at=${at}&by=recorded`, `at=${at}&by=effective`]) {
      const { status, body } = await client.get<TrialBalance>(`/v1/trial-balance?${query}`);
      expect([query, status]).toEqual([query, 200]);
      const euros = body.data.find(({ currency }) => currency === 'EUR');
      expect(euros).toMatchObject({ debits: '1250', credits: '1250', difference: '0' });
    }
  });

  test.each(['at=x', 'by=name', 'currency=EUR'])('?%s is refused', async (query) => {
    expectError(await client.get(`/v1/trial-balance?${query}`), 400, 'validation_error');
  });
});
