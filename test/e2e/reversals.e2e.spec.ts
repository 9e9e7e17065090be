import {
  expectError,
  newKey,
  startService,
  timestamp,
  type Account,
  type Client,
  type One,
  type Service,
  type Transaction,
} from '../support/client.js';

let service: Service;
let client: Client;
let buyer: Account;
let shop: Account;

beforeAll(async () => {
  service = await startService();
  client = service.client;
}, 60_000);

beforeEach(async () => {
  buyer = await client.open({ name: 'Buyer', openingBalance: 1_000 });
  shop = await client.open({ name: 'Shop' });
});

afterAll(() => service.stop());

const unknownId = 'txn_01jd3v5m7yf8rb6q0n4j2d9ktw';
const reverse = (id: string, body?: object, key?: string) =>
  client.send<One<Transaction>>('POST', `/v1/transactions/${id}/reverse`, {
    ...(body ? { body } : {}),
    ...(key ? { key } : {}),
  });
const create = async (body: object) => {
  const answer = await client.post<One<Transaction>>('/v1/transactions', body);
  expect([answer.status, answer.text]).toEqual([201, answer.text]);
  return answer.body.data;
};
const pay = (amount: number, fields: object = {}) => client.transfer(buyer.id, shop.id, amount, fields);
const posted = async (account: Account) => (await client.account(account.id)).balance.posted;

describe('a reversal', () => {
  test('of all needs no body, turns the postings round, and shows in the original', async () => {
    const paid = await pay(100, { reference: 'Order 8' });
    const answer = await reverse(paid.id);
    expect(answer.status).toBe(201);
    const sides = { sender: shop.id, recipient: buyer.id, amount: '100', currency: 'EUR' };
    expect(answer.body.data).toEqual({
      id: expect.stringMatching(/^txn_/),
      type: 'reversal',
      status: 'posted',
      ...sides,
      reference: 'Order 8',
      externalId: null,
      metadata: {},
      postings: [sides],
      meta: {},
      reverses: paid.id,
      reason: null,
      effectiveAt: expect.stringMatching(timestamp),
      balances: [
        { accountId: shop.id, posted: '0', available: '0', version: 3 },
        { accountId: buyer.id, posted: '1000', available: '1000', version: 4 },
      ],
      position: expect.stringMatching(/^\d+$/),
      createdAt: expect.stringMatching(timestamp),
    });
    const { id } = answer.body.data;
    expect(await client.transaction(paid.id)).toMatchObject({
      status: 'posted',
      reversedAmount: '100',
      reversals: [id],
    });
    const listed = await client.all<Transaction>('/v1/transactions', { 'filter[account]': shop.id });
    expect(listed).toEqual([await client.transaction(id), await client.transaction(paid.id)]);
  });

  test('of parts adds up to the original, and no further', async () => {
    const paid = await pay(100);
    const parts = [
      await reverse(paid.id, { amount: '25', reason: 'Breakfast was not served' }),
      await reverse(paid.id, { amount: 50 }),
    ];
    expect(parts.map(({ body }) => [body.data.amount, body.data.reason])).toEqual([
      ['25', 'Breakfast was not served'],
      ['50', null],
    ]);
    expectError(await reverse(paid.id, { amount: 26 }), 422, 'amount_exceeds_remaining', 'amount');
    const rest = await reverse(paid.id);
    expect(rest.body.data.amount).toBe('25');
    expect(await client.transaction(paid.id)).toMatchObject({
      reversedAmount: '100',
      reversals: [...parts, rest].map(({ body }) => body.data.id),
    });
    expect([await posted(buyer), await posted(shop)]).toEqual(['1000', '0']);
    for (const body of [undefined, { amount: 1 }, { amount: 1_000 }]) {
      expectError(await reverse(paid.id, body), 409, 'already_reversed');
    }
  });

  test('can not itself be reversed', async () => {
    const paid = await pay(100);
    const { body } = await reverse(paid.id);
    expectError(await reverse(body.data.id), 409, 'not_reversible');
  });

  test('overdraws nobody', async () => {
    const paid = await pay(100);
    await client.transfer(shop.id, buyer.id, 60);
    expectError(await reverse(paid.id), 422, 'insufficient_funds', 'amount');
    expect((await reverse(paid.id, { amount: 40 })).status).toBe(201);
    await client.patch(`/v1/accounts/${buyer.id}`, { maxBalance: 1_000 });
    await client.transfer('ROOT', shop.id, 60);
    expectError(await reverse(paid.id), 422, 'balance_limit_exceeded');
  });

  test('is refused by accounts that are frozen or closed', async () => {
    const paid = await pay(100);
    await client.patch(`/v1/accounts/${shop.id}`, { status: 'frozen' });
    expectError(await reverse(paid.id), 409, 'account_frozen');
    await client.patch(`/v1/accounts/${shop.id}`, { status: 'open' });
    await client.transfer(shop.id, buyer.id, 100);
    await client.delete(`/v1/accounts/${shop.id}`);
    expectError(await reverse(paid.id), 409, 'account_closed');
  });

  test('happens once by one key, and is answered to the byte', async () => {
    const paid = await pay(100);
    const key = newKey();
    const first = await reverse(paid.id, { amount: 10 }, key);
    await reverse(paid.id, { amount: 20 });
    const again = await reverse(paid.id, { amount: '10' }, key);
    expect([again.status, again.text, again.headers['idempotency-replayed']]).toEqual([
      201,
      first.text,
      'true',
    ]);
    expectError(await reverse(paid.id, { amount: 11 }, key), 422, 'idempotency_key_reused');
    expect((await client.transaction(paid.id)).reversedAmount).toBe('30');
  });

  test('can be tried first', async () => {
    const paid = await pay(100);
    const tried = await reverse(paid.id, { amount: 10, dryRun: true });
    expect([tried.status, tried.body.data]).toMatchObject([200, { type: 'reversal', reverses: paid.id }]);
    expect((await client.transaction(paid.id)).reversals).toEqual([]);
    expect((await reverse(paid.id, { amount: 10 })).body.data.position).toBe(tried.body.data.position);
  });

  test('is one event, whose data is the reversal', async () => {
    const paid = await pay(100);
    const { body } = await reverse(paid.id);
    const events = (await client.journal()).filter(({ data }) => data['reverses'] === paid.id);
    expect(events.map(({ type, data }) => [type, data])).toEqual([['transaction.reversed', body.data]]);
  });
});

describe('of what is captured', () => {
  test('a hold and its captures share what can be given back', async () => {
    const hold = await client.hold(buyer.id, shop.id, 100);
    expectError(await reverse(hold.id), 409, 'not_reversible');
    const captured = async (amount: number) => {
      const path = `/v1/transactions/${hold.id}/capture`;
      return (await client.post<One<Transaction>>(path, { amount })).body.data;
    };
    const [first, second] = [await captured(60), await captured(30)];
    const one = await reverse(first.id, { amount: 50 });
    expect(one.status).toBe(201);
    expect(await client.transaction(hold.id)).toMatchObject({
      status: 'partially_captured',
      reversedAmount: '50',
      reversals: [one.body.data.id],
    });
    // 90 were captured and 50 given back: 40 are left of all of it, 10 of the first.
    expectError(await reverse(first.id, { amount: 11 }), 422, 'amount_exceeds_remaining');
    expectError(await reverse(hold.id, { amount: 41 }), 422, 'amount_exceeds_remaining');
    expect((await reverse(hold.id, { amount: 40 })).status).toBe(201);
    for (const { id } of [hold, first, second]) {
      expectError(await reverse(id), 409, 'already_reversed');
    }
    expect([await posted(buyer), await posted(shop)]).toEqual(['1000', '0']);
    expect((await client.account(buyer.id)).balance.pendingOut).toBe('10');
    await client.post(`/v1/transactions/${hold.id}/void`, {});
    expect(await client.transaction(hold.id)).toMatchObject({ status: 'voided', capturedAmount: '90' });
  });

  test('a hold that was voided before anything was taken has nothing to give back', async () => {
    const hold = await client.hold(buyer.id, shop.id, 100);
    await client.post(`/v1/transactions/${hold.id}/void`, {});
    expectError(await reverse(hold.id), 409, 'not_reversible');
  });
});

describe('of several postings', () => {
  const split = (amounts: readonly number[], shops: readonly Account[]) =>
    create({ postings: amounts.map((amount, n) => ({ sender: buyer.id, recipient: shops[n]!.id, amount })) });

  test('each gives back its share of what is left, largest remainder first', async () => {
    const shops = await Promise.all([1, 2, 3].map(() => client.open()));
    const paid = await split([33, 33, 34], shops);
    const shares = async (amount?: number) => {
      const { body } = await reverse(paid.id, amount === undefined ? {} : { amount });
      return body.data.postings.map(({ amount: share }) => Number(share));
    };
    // 3.3, 3.3 and 3.4 of ten.
    expect(await shares(10)).toEqual([3, 3, 4]);
    expect(await shares(1)).toEqual([1]);
    expect(await shares()).toEqual([29, 30, 30]);
    expect(await client.transaction(paid.id)).toMatchObject({ amount: null, reversedAmount: '100' });
    expect(await Promise.all(shops.map(posted))).toEqual(['0', '0', '0']);
  });

  test('in several currencies it is all or nothing', async () => {
    const dollars = await client.open({ currency: 'USD', openingBalance: 10 });
    const other = await client.open({ currency: 'USD' });
    const paid = await create({
      postings: [
        { sender: buyer.id, recipient: shop.id, amount: 5 },
        { sender: dollars.id, recipient: other.id, amount: 7 },
      ],
    });
    expect(paid.reversedAmount).toBeNull();
    expectError(await reverse(paid.id, { amount: 1 }), 400, 'validation_error', 'amount');
    expect((await reverse(paid.id)).status).toBe(201);
    expectError(await reverse(paid.id), 409, 'already_reversed');
  });
});

describe('of money that was made or destroyed', () => {
  test('needs the scope to destroy or to make it', async () => {
    const clientWith = async (...scopes: string[]) => {
      const body = { name: 'A key', scopes: ['transactions:write', ...scopes], rateLimitPerMinute: null };
      const { secret } = (await client.post<One<{ secret: string }>>('/v1/api-keys', body)).body.data;
      return { post: (id: string) => client.send('POST', `/v1/transactions/${id}/reverse`, bearer(secret)) };
    };
    const bearer = (secret: string) => ({ headers: { authorization: `Bearer ${secret}` } });
    const mint = await client.transfer('ROOT', buyer.id, 10);
    const burn = await client.transfer(buyer.id, 'ROOT', 10);
    const [plain, minter, burner] = [await clientWith(), await clientWith('mint'), await clientWith('burn')];
    for (const key of [plain, minter]) expectError(await key.post(mint.id), 403, 'forbidden');
    for (const key of [plain, burner]) expectError(await key.post(burn.id), 403, 'forbidden');
    expect((await burner.post(mint.id)).status).toBe(201);
    expect((await minter.post(burn.id)).status).toBe(201);
  });
});

describe('what is no transaction', () => {
  test('is not found, and what is malformed is told before', async () => {
    for (const id of [unknownId, 'txn_1', 'none', buyer.id]) {
      expectError(await reverse(id), 404, 'transaction_not_found');
    }
    const wrong: [object, string][] = [
      [{ amount: 0 }, 'amount'],
      [{ amount: '1.5' }, 'amount'],
      [{ reason: '' }, 'reason'],
      [{ reason: 'x'.repeat(257) }, 'reason'],
      [{ reason: 5 }, 'reason'],
      [{ final: true }, 'final'],
    ];
    for (const [body, path] of wrong) {
      expectError(await reverse(unknownId, body), 400, 'validation_error', path);
    }
    const paid = await pay(1);
    expect((await reverse(paid.id, { reason: '🏦'.repeat(256) })).status).toBe(201);
  });
});

test('of 30 refunds of 10 on 100 that come at once, exactly 10 succeed', async () => {
  const paid = await pay(100);
  const answers = await Promise.all(Array.from({ length: 30 }, () => reverse(paid.id, { amount: 10 })));
  const done = answers.filter(({ status }) => status === 201);
  expect(done).toHaveLength(10);
  for (const answer of answers) if (answer.status !== 201) expectError(answer, 409, 'already_reversed');
  const { reversedAmount, reversals } = await client.transaction(paid.id);
  expect(reversedAmount).toBe('100');
  expect([...reversals!].sort()).toEqual(done.map(({ body }) => body.data.id).sort());
  expect([await posted(buyer), await posted(shop)]).toEqual(['1000', '0']);
});

test('of refunds of a hold and of its captures that come at once, no more is given back than was taken', async () => {
  const hold = await client.hold(buyer.id, shop.id, 90);
  const captures = await Promise.all(
    [1, 2, 3].map(() => client.post<One<Transaction>>(`/v1/transactions/${hold.id}/capture`, { amount: 30 })),
  );
  const ids = [hold.id, ...captures.map(({ body }) => body.data.id)];
  const answers = await Promise.all(
    Array.from({ length: 40 }, (_, n) => reverse(ids[n % 4]!, { amount: 10 })),
  );
  expect(answers.filter(({ status }) => status === 201)).toHaveLength(9);
  expect([await posted(buyer), await posted(shop)]).toEqual(['1000', '0']);
});
