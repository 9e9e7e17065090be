import {
  expectError,
  newKey,
  startService,
  timestamp,
  type Account,
  type Client,
  type Entry,
  type JournalEvent,
  type List,
  type One,
  type Service,
  type Transaction,
} from '../support/client.js';

let service: Service;
let client: Client;
let payer: Account;
let shop: Account;

beforeAll(async () => {
  service = await startService();
  client = service.client;
}, 60_000);

beforeEach(async () => {
  payer = await client.open({ name: 'Payer', openingBalance: 1_000 });
  shop = await client.open({ name: 'Shop' });
});

afterAll(() => service.stop());

const unknownId = 'txn_01jd3v5m7yf8rb6q0n4j2d9ktw';
const post = (id: string, verb: string, body?: object, key?: string) =>
  client.send<One<Transaction>>('POST', `/v1/transactions/${id}/${verb}`, {
    ...(body ? { body } : {}),
    ...(key ? { key } : {}),
  });
const capture = (id: string, body?: object, key?: string) => post(id, 'capture', body, key);
const release = (id: string, body?: object, key?: string) => post(id, 'void', body, key);
const extend = (id: string, body: object) =>
  client.patch<One<Transaction>>(`/v1/transactions/${id}/hold`, body);
const hold = (amount: number, fields: object = {}) => client.hold(payer.id, shop.id, amount, fields);

async function balances() {
  const [ofPayer, ofShop] = [await client.account(payer.id), await client.account(shop.id)];
  return { payer: ofPayer.balance, shop: ofShop.balance };
}

/** How far a hold has come, as its own answer and as the list tell. */
async function progressOf(id: string) {
  const { status, capturedAmount, remainingAmount } = await client.transaction(id);
  const listed = await client.all<Transaction>('/v1/transactions', { 'filter[status]': status });
  expect(listed.find((each) => each.id === id)).toEqual(await client.transaction(id));
  return { status, capturedAmount, remainingAmount };
}

describe('a hold', () => {
  test('takes the money from what is available, and posts nothing', async () => {
    const made = await hold(100, { reference: 'Hotel', expiresAt: '2099-12-31T23:59:59Z' });
    const sides = { sender: payer.id, recipient: shop.id, amount: '100', currency: 'EUR' };
    const shown = {
      id: expect.stringMatching(/^txn_/),
      type: 'transfer',
      status: 'pending',
      ...sides,
      reference: 'Hotel',
      externalId: null,
      metadata: {},
      postings: [sides],
      meta: {},
      expiresAt: '2099-12-31T23:59:59.000000Z',
      capturedAmount: '0',
      remainingAmount: '100',
      reversedAmount: '0',
      reversals: [],
      effectiveAt: made.createdAt,
      position: expect.stringMatching(/^\d+$/),
      createdAt: expect.stringMatching(timestamp),
    };
    expect(made).toEqual({
      ...shown,
      balances: [
        { accountId: payer.id, posted: '1000', available: '900', version: 3 },
        { accountId: shop.id, posted: '0', available: '0', version: 2 },
      ],
    });
    expect(await client.transaction(made.id)).toEqual(shown);
    expect(await balances()).toEqual({
      payer: { posted: '1000', available: '900', pendingIn: '0', pendingOut: '100' },
      shop: { posted: '0', available: '0', pendingIn: '100', pendingOut: '0' },
    });
    expect(await client.all<Entry>(`/v1/accounts/${shop.id}/entries`)).toEqual([]);
    expect((await hold(1)).expiresAt).toBeNull();
  });

  test('is checked against the limits of both sides when it is made', async () => {
    await hold(600);
    const tooMuch = { sender: payer.id, recipient: shop.id, amount: 401 };
    expectError(await client.post('/v1/transactions', tooMuch), 422, 'insufficient_funds', 'amount');
    expectError(
      await client.post('/v1/transactions', { ...tooMuch, pending: true }),
      422,
      'insufficient_funds',
      'amount',
    );
    const full = await client.open({ maxBalance: 100 });
    await client.hold(payer.id, full.id, 60);
    expectError(
      await client.post('/v1/mints', { recipient: full.id, amount: 41 }),
      422,
      'balance_limit_exceeded',
    );
    expectError(await client.delete(`/v1/accounts/${shop.id}`), 409, 'account_not_empty');
  });

  test('can be a mint or a burn', async () => {
    for (const [path, body] of [
      ['/v1/mints', { recipient: shop.id, amount: 5, pending: true }],
      ['/v1/burns', { sender: payer.id, amount: 5, pending: true }],
    ] as const) {
      const { status, body: made } = await client.post<One<Transaction>>(path, body);
      expect([status, made.data.status]).toEqual([201, 'pending']);
      expect((await capture(made.data.id)).status).toBe(201);
      expect((await client.transaction(made.data.id)).status).toBe('posted');
    }
    expect(await balances()).toMatchObject({ payer: { posted: '995' }, shop: { posted: '5' } });
  });
});

describe('a capture', () => {
  test('of all that is held needs no body, and is a transaction of its own', async () => {
    const made = await hold(100, { reference: 'Hotel' });
    const answer = await capture(made.id);
    expect(answer.status).toBe(201);
    const sides = { sender: payer.id, recipient: shop.id, amount: '100', currency: 'EUR' };
    expect(answer.body.data).toEqual({
      id: expect.not.stringMatching(made.id),
      type: 'capture',
      status: 'posted',
      ...sides,
      reference: 'Hotel',
      externalId: null,
      metadata: {},
      postings: [sides],
      meta: {},
      parentId: made.id,
      hold: { status: 'posted', expiresAt: null, capturedAmount: '100', remainingAmount: '0' },
      reversedAmount: '0',
      reversals: [],
      effectiveAt: expect.stringMatching(timestamp),
      balances: [
        { accountId: payer.id, posted: '900', available: '900', version: 4 },
        { accountId: shop.id, posted: '100', available: '100', version: 3 },
      ],
      position: expect.stringMatching(/^\d+$/),
      createdAt: expect.stringMatching(timestamp),
    });
    expect(await progressOf(made.id)).toEqual({
      status: 'posted',
      capturedAmount: '100',
      remainingAmount: '0',
    });
    expect(await balances()).toEqual({
      payer: { posted: '900', available: '900', pendingIn: '0', pendingOut: '0' },
      shop: { posted: '100', available: '100', pendingIn: '0', pendingOut: '0' },
    });
    const [entry] = await client.all<Entry>(`/v1/accounts/${shop.id}/entries`);
    expect(entry).toMatchObject({ transactionId: answer.body.data.id, amount: '100', balanceAfter: '100' });
    const captures = await client.all<Transaction>('/v1/transactions', {
      'filter[type]': 'capture',
      'filter[account]': shop.id,
    });
    expect(captures.map(({ id, parentId }) => [id, parentId])).toEqual([[answer.body.data.id, made.id]]);
  });

  test('of parts leaves the rest held, until the last one releases it', async () => {
    const { id } = await hold(100);
    expect((await capture(id, { amount: '30' })).status).toBe(201);
    expect(await progressOf(id)).toEqual({
      status: 'partially_captured',
      capturedAmount: '30',
      remainingAmount: '70',
    });
    expectError(await capture(id, { amount: 71 }), 422, 'amount_exceeds_remaining', 'amount');
    expect((await capture(id, { amount: 20, final: false })).status).toBe(201);
    expect(await balances()).toMatchObject({
      payer: { posted: '950', available: '900', pendingOut: '50' },
      shop: { posted: '50', pendingIn: '50' },
    });
    expect((await capture(id, { amount: 10, final: true })).status).toBe(201);
    expect(await progressOf(id)).toEqual({ status: 'posted', capturedAmount: '60', remainingAmount: '0' });
    expect(await balances()).toEqual({
      payer: { posted: '940', available: '940', pendingIn: '0', pendingOut: '0' },
      shop: { posted: '60', available: '60', pendingIn: '0', pendingOut: '0' },
    });
    expectError(await capture(id), 409, 'transaction_not_pending');
  });

  test('of parts that add up to all ends the hold', async () => {
    const { id } = await hold(100);
    for (const amount of [60, 40]) expect((await capture(id, { amount })).status).toBe(201);
    expect((await progressOf(id)).status).toBe('posted');
  });

  test('is refused by accounts that were frozen since', async () => {
    const { id } = await hold(100);
    await client.patch(`/v1/accounts/${shop.id}`, { status: 'frozen' });
    expectError(await capture(id), 409, 'account_frozen');
    await client.patch(`/v1/accounts/${shop.id}`, { status: 'open', maxBalance: 0 });
    // Its limits were checked when it was made.
    expect((await capture(id)).status).toBe(201);
  });

  test('of several postings takes all of them', async () => {
    const fee = await client.open();
    const postings = [
      { sender: payer.id, recipient: shop.id, amount: 90 },
      { sender: payer.id, recipient: fee.id, amount: 10 },
    ];
    const { body } = await client.post<One<Transaction>>('/v1/transactions', { postings, pending: true });
    expect(body.data).toMatchObject({ sender: null, amount: null, remainingAmount: '100' });
    expectError(await capture(body.data.id, { amount: 50 }), 400, 'validation_error', 'amount');
    const captured = await capture(body.data.id, {});
    expect(captured.body.data.postings.map(({ amount }) => amount)).toEqual(['90', '10']);
    expect((await client.account(fee.id)).balance.posted).toBe('10');
  });
});

describe('a void', () => {
  test('releases all of it, and answers the hold', async () => {
    const { id } = await hold(100);
    const answer = await release(id);
    expect([answer.status, answer.body.data]).toMatchObject([
      200,
      { id, status: 'voided', amount: '100', capturedAmount: '0', remainingAmount: '0' },
    ]);
    const { balances: _, ...shown } = answer.body.data;
    expect(await client.transaction(id)).toEqual(shown);
    expect(answer.body.data.balances).toMatchObject([
      { accountId: payer.id, posted: '1000', available: '1000' },
      { accountId: shop.id, posted: '0', available: '0' },
    ]);
    expect(await progressOf(id)).toEqual({ status: 'voided', capturedAmount: '0', remainingAmount: '0' });
    expect(await balances()).toEqual({
      payer: { posted: '1000', available: '1000', pendingIn: '0', pendingOut: '0' },
      shop: { posted: '0', available: '0', pendingIn: '0', pendingOut: '0' },
    });
    for (const again of [release, capture]) expectError(await again(id), 409, 'transaction_not_pending');
  });

  test('after a part was captured releases the rest', async () => {
    const { id } = await hold(100);
    await capture(id, { amount: 30 });
    expect((await release(id)).body.data).toMatchObject({
      status: 'voided',
      capturedAmount: '30',
      remainingAmount: '0',
      postings: [{ amount: '100' }],
    });
    expect(await balances()).toMatchObject({
      payer: { posted: '970', available: '970', pendingOut: '0' },
      shop: { posted: '30', pendingIn: '0' },
    });
  });

  test('works whatever its accounts are by now', async () => {
    const { id } = await hold(100);
    for (const account of [payer, shop])
      await client.patch(`/v1/accounts/${account.id}`, { status: 'frozen' });
    expect((await release(id)).status).toBe(200);
  });
});

describe('an extension', () => {
  test('moves the end of an open hold, and nothing else', async () => {
    const { id } = await hold(100, { expiresAt: '2098-01-01T00:00:00Z' });
    const before = await balances();
    const answer = await extend(id, { expiresAt: '2099-01-01T00:00:00.5Z' });
    expect([answer.status, answer.body.data]).toMatchObject([
      200,
      { id, status: 'pending', expiresAt: '2099-01-01T00:00:00.500000Z', remainingAmount: '100' },
    ]);
    expect(await balances()).toEqual(before);
    expect((await client.transaction(id)).expiresAt).toBe('2099-01-01T00:00:00.500000Z');
    expectError(
      await extend(id, { expiresAt: '2098-06-01T00:00:00Z' }),
      400,
      'validation_error',
      'expiresAt',
    );
    expectError(
      await extend(id, { expiresAt: '2020-01-01T00:00:00Z' }),
      400,
      'validation_error',
      'expiresAt',
    );
    for (const expiresAt of [undefined, null, 'tomorrow', 5]) {
      expectError(await extend(id, { expiresAt }), 400, 'validation_error', 'expiresAt');
    }
    await release(id);
    expectError(await extend(id, { expiresAt: '2099-06-01T00:00:00Z' }), 409, 'transaction_not_pending');
  });

  test('gives an end to a hold that had none', async () => {
    const { id } = await hold(100);
    expect((await extend(id, { expiresAt: '2099-01-01T00:00:00Z' })).status).toBe(200);
  });
});

describe('what becomes of a hold', () => {
  test('happens once by one key, and is answered to the byte', async () => {
    const { id } = await hold(100);
    for (const [send, body] of [
      [capture, { amount: 30 }],
      [release, undefined],
    ] as const) {
      const key = newKey();
      const first = await send(id, body, key);
      const again = await send(id, body, key);
      expect([again.status, again.text, again.headers['idempotency-replayed']]).toEqual([
        first.status,
        first.text,
        'true',
      ]);
      expectError(await send(id, { dryRun: false }, key), 422, 'idempotency_key_reused');
    }
    expect(await progressOf(id)).toMatchObject({ status: 'voided', capturedAmount: '30' });
  });

  test('can be tried first', async () => {
    const { id } = await hold(100);
    const key = newKey();
    const before = await balances();
    const tried = await capture(id, { amount: 30, dryRun: true }, key);
    expect([tried.status, tried.body.data]).toMatchObject([
      200,
      { type: 'capture', amount: '30', parentId: id },
    ]);
    const dry = await release(id, { dryRun: true }, key);
    expect([dry.status, dry.body.data.status]).toEqual([200, 'voided']);
    expectError(await capture(id, { amount: 101, dryRun: true }), 422, 'amount_exceeds_remaining');
    expect(await balances()).toEqual(before);
    expect((await progressOf(id)).status).toBe('pending');
    expectError(await client.get(`/v1/transactions/${tried.body.data.id}`), 404, 'transaction_not_found');
    const captured = await capture(id, { amount: 30 }, key);
    expect([captured.status, captured.headers['idempotency-replayed']]).toEqual([201, undefined]);
    expect(captured.body.data.position).toBe(tried.body.data.position);
  });

  test('is one event each', async () => {
    const { id } = await hold(100);
    await extend(id, { expiresAt: '2099-01-01T00:00:00Z' });
    const captured = await capture(id, { amount: 30 });
    await release(id);
    const events = (await client.journal()).filter(({ data }) => [data['id'], data['parentId']].includes(id));
    const told = ({ type, transactionId, data }: JournalEvent) => [type, transactionId, data['status']];
    expect(events.map(told)).toEqual([
      ['transaction.pending', id, 'pending'],
      ['transaction.extended', id, 'pending'],
      ['transaction.captured', captured.body.data.id, 'posted'],
      ['transaction.voided', id, 'voided'],
    ]);
    expect(events[2]!.data).toEqual(captured.body.data);
  });
});

describe('what is no open hold', () => {
  test('is refused', async () => {
    const { id } = await client.transfer(payer.id, shop.id, 1);
    for (const verb of ['capture', 'void']) {
      expectError(await post(id, verb), 409, 'transaction_not_pending');
      for (const none of [unknownId, 'txn_1', 'none', payer.id, 'ROOT']) {
        expectError(await post(none, verb), 404, 'transaction_not_found');
      }
    }
    expectError(await extend(id, { expiresAt: '2099-01-01T00:00:00Z' }), 409, 'transaction_not_pending');
    expectError(await extend('txn_1', { expiresAt: '2099-01-01T00:00:00Z' }), 404, 'transaction_not_found');
  });

  test('nor does a body say what it does not know', async () => {
    const { id } = await hold(1);
    const wrong: [string, object, string][] = [
      ['capture', { amount: 0 }, 'amount'],
      ['capture', { amount: null }, 'amount'],
      ['capture', { amuont: 1 }, 'amuont'],
      ['capture', { final: 'yes' }, 'final'],
      ['void', { amount: 1 }, 'amount'],
      ['void', { dryRun: 1 }, 'dryRun'],
    ];
    for (const [verb, body, path] of wrong) {
      expectError(await post(id, verb, body), 400, 'validation_error', path);
      // Told before it is looked for.
      expectError(await post(unknownId, verb, body), 400, 'validation_error', path);
    }
    for (const raw of ['[]', 'null', '"x"']) {
      expectError(
        await client.send('POST', `/v1/transactions/${id}/capture`, { raw }),
        400,
        'validation_error',
      );
    }
    const headers = { 'content-type': 'application/json' };
    expect((await client.send('POST', `/v1/transactions/${id}/capture`, { headers })).status).toBe(201);
  });

  test('and the transaction itself stays as it is', async () => {
    const { id } = await hold(1);
    for (const method of ['PUT', 'PATCH', 'DELETE']) {
      expectError(await client.send(method, `/v1/transactions/${id}`), 405, 'method_not_allowed');
    }
    for (const [method, verb] of [
      ['GET', 'capture'],
      ['PUT', 'void'],
      ['POST', 'hold'],
      ['DELETE', 'hold'],
    ] as const) {
      expectError(await client.send(method, `/v1/transactions/${id}/${verb}`), 405, 'method_not_allowed');
    }
  });
});

test('of captures that come at once no more is taken than is held', async () => {
  const { id } = await hold(100);
  const answers = await Promise.all(Array.from({ length: 30 }, () => capture(id, { amount: 10 })));
  const done = answers.filter(({ status }) => status === 201);
  expect(done).toHaveLength(10);
  for (const answer of answers)
    if (answer.status !== 201) expectError(answer, 409, 'transaction_not_pending');
  expect(await progressOf(id)).toEqual({ status: 'posted', capturedAmount: '100', remainingAmount: '0' });
  expect((await client.account(shop.id)).balance).toMatchObject({ posted: '100', pendingIn: '0' });
});

test('of a capture, a void and others that come at once one wins', async () => {
  for (let round = 0; round < 20; round++) {
    const { id } = await hold(10);
    const answers = await Promise.all([capture(id), release(id), capture(id), release(id)]);
    const done = answers.filter(({ status }) => status < 300);
    expect(done).toHaveLength(1);
    for (const answer of answers) {
      if (answer.status >= 300) expectError(answer, 409, 'transaction_not_pending');
    }
    const { status } = await client.transaction(id);
    expect(status).toBe(done[0]!.status === 201 ? 'posted' : 'voided');
  }
  const { payer: left } = await balances();
  expect(left.pendingOut).toBe('0');
  expect(left.posted).toBe(left.available);
});

test('lists find holds by their status', async () => {
  const { id } = await hold(5);
  const page = await client.get<List<Transaction>>(
    `/v1/transactions?filter[status]=pending&filter[account]=${payer.id}`,
  );
  expect(page.body.data.map((each) => each.id)).toEqual([id]);
});
