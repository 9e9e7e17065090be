import {
  expectError,
  newKey,
  startService,
  type Account,
  type Client,
  type Entry,
  type One,
  type Service,
  type Transaction,
} from '../support/client.js';

let service: Service;
let client: Client;
let buyer: Account;
let shop: Account;
let fees: Account;

beforeAll(async () => {
  service = await startService();
  client = service.client;
}, 60_000);

beforeEach(async () => {
  buyer = await client.open({ name: 'Buyer', openingBalance: 1_000 });
  shop = await client.open({ name: 'Shop' });
  fees = await client.open({ name: 'Fees' });
});

afterAll(() => service.stop());

const unknownId = 'acc_01jd3v4wqzfxs9v5n6m7k8h2re';
const create = (body: object, key?: string) =>
  client.post<One<Transaction>>('/v1/transactions', body, key === undefined ? {} : { key });
const posting = (sender: string, recipient: string, amount: number | string, fields: object = {}) => ({
  sender,
  recipient,
  amount,
  ...fields,
});
const posted = async (account: Account) => (await client.account(account.id)).balance.posted;

describe('a transaction of several postings', () => {
  test('moves all of them, and shows each', async () => {
    const postings = [posting(buyer.id, shop.id, '95'), posting(buyer.id, fees.id, 5)];
    const { status, body } = await create({ postings, reference: 'Sale', externalId: 'sale-1' });
    expect(status).toBe(201);
    expect(body.data).toMatchObject({
      type: 'transfer',
      status: 'posted',
      sender: null,
      recipient: null,
      amount: null,
      currency: null,
      reference: 'Sale',
      postings: [
        { ...postings[0], amount: '95', currency: 'EUR' },
        { ...postings[1], amount: '5', currency: 'EUR' },
      ],
      reversedAmount: '0',
    });
    expect(body.data.balances).toEqual([
      { accountId: buyer.id, posted: '900', available: '900', version: 4 },
      { accountId: shop.id, posted: '95', available: '95', version: 2 },
      { accountId: fees.id, posted: '5', available: '5', version: 2 },
    ]);
    const entries = await client.all<Entry>(`/v1/accounts/${buyer.id}/entries`);
    expect(
      entries
        .slice(0, 2)
        .map(({ amount, balanceAfter, counterparty }) => [amount, balanceAfter, counterparty]),
    ).toEqual([
      ['5', '900', fees.id],
      ['95', '905', shop.id],
    ]);
  });

  test('is found by any of its postings, amount and currency by one', async () => {
    const francs = await client.open({ currency: 'CHF', openingBalance: 50 });
    const other = await client.open({ currency: 'CHF' });
    const postings = [posting(buyer.id, shop.id, 71), posting(francs.id, other.id, 13)];
    const { id } = (await create({ postings })).body.data;
    const found = async (filters: Record<string, string>) =>
      (await client.all<Transaction>('/v1/transactions', filters)).some((each) => each.id === id);
    for (const filters of [
      { 'filter[account]': other.id },
      { 'filter[sender]': buyer.id },
      { 'filter[recipient]': shop.id, 'filter[currency]': 'CHF' },
      { 'filter[amount][gte]': '13', 'filter[amount][lte]': '13' },
      { 'filter[amount][gte]': '71', 'filter[currency]': 'EUR' },
    ] as Record<string, string>[]) {
      expect([filters, await found(filters)]).toEqual([filters, true]);
    }
    expect(await found({ 'filter[amount][gte]': '71', 'filter[currency]': 'CHF' })).toBe(false);
    expect(await found({ 'filter[sender]': shop.id })).toBe(false);
  });

  test('of one posting is as one without a list', async () => {
    const { body } = await create({ postings: [posting(buyer.id, shop.id, 5)] });
    expect(body.data).toMatchObject({ sender: buyer.id, recipient: shop.id, amount: '5', currency: 'EUR' });
  });

  test('may pass money on that it has just brought', async () => {
    const { status } = await create({
      postings: [posting(buyer.id, shop.id, 100), posting(shop.id, fees.id, 100)],
    });
    expect(status).toBe(201);
    expect([await posted(shop), await posted(fees)]).toEqual(['0', '100']);
  });

  test('is all or nothing', async () => {
    const postings = [posting(buyer.id, shop.id, 600), posting(buyer.id, fees.id, 600)];
    expectError(await create({ postings }), 422, 'insufficient_funds');
    expect([await posted(buyer), await posted(shop)]).toEqual(['1000', '0']);
  });

  test('names the posting that is refused, the first of several', async () => {
    const first = posting(buyer.id, shop.id, 1);
    const frozen = await client.open();
    await client.patch(`/v1/accounts/${frozen.id}`, { status: 'frozen' });
    const cases: [object[], number, string, string][] = [
      [[first, posting(shop.id, shop.id, 1)], 422, 'same_account', 'postings[1].recipient'],
      [[first, posting('ROOT', 'ROOT', 1)], 422, 'same_account', 'postings[1].recipient'],
      [[first, posting(unknownId, shop.id, 1)], 404, 'account_not_found', 'postings[1].sender'],
      [
        [posting(buyer.id, unknownId, 1), posting(unknownId, shop.id, 1)],
        404,
        'account_not_found',
        'postings[0].recipient',
      ],
      [[first, posting(frozen.id, shop.id, 1)], 409, 'account_frozen', 'postings[1].sender'],
      [[first, posting(fees.id, shop.id, 1)], 422, 'insufficient_funds', 'postings[1].amount'],
      // One that stands alone is named as it was sent.
      [[posting(unknownId, shop.id, 1)], 404, 'account_not_found', 'postings[0].sender'],
      [[posting(fees.id, shop.id, 1)], 422, 'insufficient_funds', 'postings[0].amount'],
    ];
    for (const [postings, status, code, path] of cases) {
      expectError(await create({ postings }), status, code, path);
    }
  });

  test('is a mint where all come from ROOT, a burn where all go there', async () => {
    const typeOf = async (...postings: object[]) => (await create({ postings })).body.data.type;
    expect(await typeOf(posting('ROOT', buyer.id, 1), posting('ROOT', shop.id, 1))).toBe('mint');
    expect(await typeOf(posting(buyer.id, 'ROOT', 1), posting(shop.id, 'ROOT', 1))).toBe('burn');
    expect(await typeOf(posting('ROOT', buyer.id, 1), posting(buyer.id, shop.id, 1))).toBe('transfer');
  });

  test('may have a hundred', async () => {
    const many = Array.from({ length: 100 }, () => posting(buyer.id, shop.id, 1));
    expect((await create({ postings: many })).status).toBe(201);
    expectError(await create({ postings: [...many, many[0]] }), 400, 'validation_error', 'postings');
  });

  test('is the same by one key, however its amounts are written', async () => {
    const key = newKey();
    const first = await create(
      { postings: [posting(buyer.id, shop.id, 5), posting(buyer.id, fees.id, '6')] },
      key,
    );
    const again = await create(
      { postings: [posting(buyer.id, shop.id, '5'), posting(buyer.id, fees.id, 6)] },
      key,
    );
    expect([again.status, again.text]).toEqual([201, first.text]);
    expect(again.headers['idempotency-replayed']).toBe('true');
    const turned = { postings: [posting(buyer.id, fees.id, 6), posting(buyer.id, shop.id, 5)] };
    expectError(await create(turned, key), 422, 'idempotency_key_reused');
  });

  test('whose event would be too large is refused', async () => {
    // Each leg says whose its account is: 200 of them in a kilobyte each are more than 250 KiB.
    const ownerId = '🏦'.repeat(256);
    const [one, other] = [
      await client.open({ ownerId, openingBalance: 1_000 }),
      await client.open({ ownerId }),
    ];
    const postings = Array.from({ length: 100 }, () => posting(one.id, other.id, 1));
    expectError(await create({ postings }), 413, 'payload_too_large');
    expect((await create({ postings: postings.slice(0, 50) })).status).toBe(201);
    const own = Array.from({ length: 100 }, () => posting(buyer.id, shop.id, 1));
    expect((await create({ postings: own, metadata: { text: 'x'.repeat(4_000) } })).status).toBe(201);
  });
});

describe('a body', () => {
  test('says one movement or several', async () => {
    const single = posting(buyer.id, shop.id, 1);
    const cases: [object, string][] = [
      [{ ...single, postings: [single] }, 'sender'],
      [{ postings: [single], amount: 1 }, 'amount'],
      [{ postings: [single], exchangeRate: '1' }, 'exchangeRate'],
      [{ postings: [] }, 'postings'],
      [{ postings: [single, { ...single, amount: '01' }] }, 'postings[1].amount'],
      [{ postings: [single, { ...single, memo: 'x' }] }, 'postings[1].memo'],
      [{ postings: [{ ...single, sender: 'EXCHANGE' }] }, 'postings[0].sender'],
      [{ ...single, recipient: 'EXCHANGE' }, 'recipient'],
      [{ sender: buyer.id, amount: 1 }, 'recipient'],
    ];
    for (const [body, path] of cases) expectError(await create(body), 400, 'validation_error', path);
  });
});

describe('a dry run', () => {
  const tried = (fields: object = {}) =>
    create({ ...posting(buyer.id, shop.id, 10), dryRun: true, ...fields });

  test('answers what would happen, and changes nothing', async () => {
    const before = await client.get<{ meta: { headPosition: string } }>('/v1/events?limit=1');
    const key = newKey();
    const answer = await create({ ...posting(buyer.id, shop.id, 10), dryRun: true, externalId: 'dry' }, key);
    expect([answer.status, answer.body.data]).toMatchObject([200, { type: 'transfer', amount: '10' }]);
    expect(answer.body.data.balances[0]).toMatchObject({ accountId: buyer.id, posted: '990' });
    expect(answer.body.data.position).toBe(String(Number(before.body.meta.headPosition) + 1));
    const after = await client.get<{ meta: { headPosition: string } }>('/v1/events?limit=1');
    expect(after.body.meta).toEqual(before.body.meta);
    expect(await posted(buyer)).toBe('1000');
    expectError(await client.get(`/v1/transactions/${answer.body.data.id}`), 404, 'transaction_not_found');
    const made = await create({ ...posting(buyer.id, shop.id, 10), externalId: 'dry' }, key);
    expect([made.status, made.headers['idempotency-replayed']]).toEqual([201, undefined]);
  });

  test('is refused as the request would be', async () => {
    expectError(await tried({ amount: 1_001 }), 422, 'insufficient_funds');
    expectError(await tried({ recipient: unknownId }), 404, 'account_not_found');
    expectError(await tried({ amount: 0 }), 400, 'validation_error', 'amount');
  });

  test('of mints and burns is one as well', async () => {
    for (const [path, side] of [
      ['/v1/mints', { recipient: shop.id }],
      ['/v1/burns', { sender: buyer.id }],
    ] as const) {
      expect((await client.post(path, { ...side, amount: 7, dryRun: true })).status).toBe(200);
    }
    expect([await posted(buyer), await posted(shop)]).toEqual(['1000', '0']);
  });
});
