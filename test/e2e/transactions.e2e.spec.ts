import {
  expectError,
  startService,
  timestamp,
  type Account,
  type Client,
  type Entry,
  type List,
  type One,
  type Service,
  type Transaction,
} from '../support/client.js';

let service: Service;
let client: Client;
let alice: Account;
let bob: Account;

beforeAll(async () => {
  service = await startService();
  client = service.client;
  alice = await client.open({ name: 'Alice', openingBalance: '1000000' });
  bob = await client.open({ name: 'Bob' });
}, 60_000);

afterAll(() => service.stop());

const unknownId = 'acc_01jd3v4wqzfxs9v5n6m7k8h2re';
const create = (body: unknown) => client.post<One<Transaction>>('/v1/transactions', body);

describe('a transfer', () => {
  test('answers the whole transaction with the balances after it', async () => {
    const sender = await client.open({ openingBalance: 1000, minBalance: -50 });
    const recipient = await client.open();
    const sent = {
      sender: sender.id,
      recipient: recipient.id,
      amount: '250',
      reference: 'Lunch, ünd "more"',
      externalId: 'order 8',
      metadata: { order: { id: 8, lines: [1, 2] } },
    };
    const answer = await create(sent);
    expect(answer.status).toBe(201);
    const sides = { sender: sender.id, recipient: recipient.id, amount: '250', currency: 'EUR' };
    const transaction = {
      id: expect.stringMatching(/^txn_[0-7][0-9a-hjkmnp-tv-z]{25}$/),
      type: 'transfer',
      status: 'posted',
      ...sides,
      reference: sent.reference,
      externalId: sent.externalId,
      metadata: sent.metadata,
      postings: [sides],
      meta: {},
      reversedAmount: '0',
      reversals: [],
      effectiveAt: expect.stringMatching(timestamp),
      position: expect.stringMatching(/^[1-9]\d*$/),
      createdAt: expect.stringMatching(timestamp),
    };
    expect(answer.body).toEqual({
      data: {
        ...transaction,
        balances: [
          { accountId: sender.id, posted: '750', available: '800', version: 3 },
          { accountId: recipient.id, posted: '250', available: '250', version: 2 },
        ],
      },
    });
    const { id, createdAt, effectiveAt } = answer.body.data;
    expect(effectiveAt).toBe(createdAt);
    const read = await client.get<One<Transaction>>(`/v1/transactions/${id}`);
    expect(read.status).toBe(200);
    const { balances: _, ...written } = answer.body.data;
    expect(read.body.data).toMatchObject(written);
    expect(read.body.data).toEqual(transaction);
    expect((await client.account(sender.id)).balance.posted).toBe('750');
    expect((await client.account(recipient.id)).balance.posted).toBe('250');
  });

  test('without a reference, an externalId and metadata shows null, null and {}', async () => {
    const nothing = { reference: null, externalId: null, metadata: {} };
    expect(await client.transfer(alice.id, bob.id, 1)).toMatchObject(nothing);
  });

  test('leaves two entries under one event, the debit first', async () => {
    const a = await client.open({ openingBalance: 10 });
    const b = await client.open();
    const { id, createdAt } = await client.transfer(a.id, b.id, 4, { reference: 'r' });
    const entriesOf = async (account: string) =>
      (await client.get<List<Entry>>(`/v1/accounts/${account}/entries`)).body.data;
    const common = { transactionId: id, amount: '4', reference: 'r', createdAt };
    const [debit] = await entriesOf(a.id);
    const [credit] = await entriesOf(b.id);
    expect(debit).toEqual({
      ...common,
      id: expect.stringMatching(/^evt_[0-9a-z]{26}\.1$/),
      direction: 'debit',
      balanceAfter: '6',
      entryNumber: 2,
      counterparty: b.id,
    });
    expect(credit).toEqual({
      ...common,
      id: debit?.id.replace(/1$/, '2'),
      direction: 'credit',
      balanceAfter: '4',
      entryNumber: 1,
      counterparty: a.id,
    });
  });
});

describe('mints and burns', () => {
  test.each([
    ['/v1/mints', {}],
    ['/v1/transactions', { sender: 'ROOT' }],
  ])('%s with %j makes money', async (path, side) => {
    const { id } = await client.open({ currency: 'CHF' });
    const body = { ...side, recipient: id, amount: 7, reference: 'new', metadata: { a: 1 } };
    const answer = await client.post<One<Transaction>>(path, body);
    expect(answer.status).toBe(201);
    expect(answer.body.data).toMatchObject({ type: 'mint', sender: 'ROOT', recipient: id, amount: '7' });
    expect(answer.body.data).toMatchObject({ currency: 'CHF', reference: 'new', metadata: { a: 1 } });
    const posting = { sender: 'ROOT', recipient: id, amount: '7', currency: 'CHF' };
    expect(answer.body.data.postings).toEqual([posting]);
    const ids = answer.body.data.balances.map(({ accountId }) => accountId);
    expect(ids).toEqual(['ROOT', id]);
    expect(answer.text).not.toMatch(/"null"|-0"/);
  });

  test.each([
    ['/v1/burns', {}],
    ['/v1/transactions', { recipient: 'ROOT' }],
  ])('%s with %j takes it away', async (path, side) => {
    const { id } = await client.open({ currency: 'CHF', openingBalance: 7 });
    const answer = await client.post<One<Transaction>>(path, { ...side, sender: id, amount: '7' });
    expect(answer.status).toBe(201);
    expect(answer.body.data).toMatchObject({ type: 'burn', sender: id, recipient: 'ROOT', amount: '7' });
    expect((await client.account(id)).balance.posted).toBe('0');
  });

  test.each([
    ['/v1/mints', { recipient: 'ROOT' }],
    ['/v1/burns', { sender: 'ROOT' }],
    ['/v1/transactions', { sender: 'ROOT', recipient: 'ROOT' }],
  ])('%s from ROOT to ROOT is one account', async (path, sides) => {
    expectError(await client.post(path, { ...sides, amount: 1 }), 422, 'same_account');
  });

  test.each([
    ['/v1/mints', 'sender'],
    ['/v1/burns', 'recipient'],
  ])('%s knows no %s', async (path, field) => {
    const body = { recipient: alice.id, sender: alice.id, amount: 1 };
    expectError(await client.post(path, body), 400, 'validation_error', field);
  });
});

describe('amounts', () => {
  const accepted: [string, string][] = [
    ['1', '1'],
    ['"1"', '1'],
    ['9007199254740991', '9007199254740991'],
    ['"9007199254740991"', '9007199254740991'],
    ['"9007199254740992"', '9007199254740992'],
    ['"9007199254740993"', '9007199254740993'],
    ['"123456789012345678901234567890123456"', '123456789012345678901234567890123456'],
    [`"${'9'.repeat(36)}"`, '9'.repeat(36)],
    ['1.0', '1'],
    ['12e1', '120'],
    ['9007199254740991.0', '9007199254740991'],
  ];
  test.each(accepted)('%s is %s', async (sent, shown) => {
    const { id } = await client.open({ currency: 'KWD', minBalance: null });
    const raw = `{"sender":"ROOT","recipient":"${id}","amount":${sent}}`;
    const answer = await client.send<One<Transaction>>('POST', '/v1/transactions', { raw });
    expect([answer.status, answer.body.data?.amount]).toEqual([201, shown]);
    expect((await client.account(id)).balance.posted).toBe(shown);
    await client.transfer(id, 'ROOT', shown);
  });

  const refused = [
    ...[
      '0',
      '-1',
      '1.5',
      '0.1',
      '9007199254740992',
      '9007199254740993',
      '-9007199254740993',
      '1e16',
      '1e300',
    ],
    ...['1e400', '-0', 'null', 'true', 'false', '[]', '["1"]', '{}', '{"amount":1}'],
    ...['"0"', '"-1"', '"+1"', '"01"', '"00"', '"-0"', '"1.0"', '"1."', '".5"', '"1,5"', '"1e2"', '"1E2"'],
    ...['""', '" "', '" 1"', '"1 "', '"1\\n"', '"1 000"', '"1_000"', '"0x10"', '"1n"', '"NaN"', '"Infinity"'],
    ...['"١"', '"１"', '"²"', `"${'9'.repeat(37)}"`, `"1${'0'.repeat(400)}"`, '12345678901234567890'],
  ];
  test.each(refused)('%s is none', async (sent) => {
    for (const [path, side] of [
      ['/v1/transactions', `"sender":"ROOT","recipient":"${alice.id}"`],
      ['/v1/mints', `"recipient":"${alice.id}"`],
      ['/v1/burns', `"sender":"${alice.id}"`],
    ] as const) {
      const answer = await client.send('POST', path, { raw: `{${side},"amount":${sent}}` });
      expectError(answer, 400, 'validation_error', 'amount');
    }
  });

  test('no amount at all is refused', async () => {
    const body = { sender: alice.id, recipient: bob.id };
    expectError(await create(body), 400, 'validation_error', 'amount');
  });

  test('what is past 2^53 adds up exactly', async () => {
    const { id } = await client.open({ currency: 'JOD' });
    for (let n = 0; n < 3; n++) await client.transfer('ROOT', id, '9007199254740993');
    expect((await client.account(id)).balance.posted).toBe('27021597764222979');
    await client.transfer(id, 'ROOT', '27021597764222978');
    expect((await client.account(id)).balance.posted).toBe('1');
  });

  test('no answer shows a balance of more than 36 digits', async () => {
    const { id } = await client.open({ currency: 'BHD', minBalance: null });
    const most = '9'.repeat(36);
    await client.transfer('ROOT', id, most);
    const second = await create({ sender: 'ROOT', recipient: id, amount: most });
    expect(second.status).toBe(422);
    expect((await client.account(id)).balance.posted).toMatch(/^\d{1,36}$/);
    const root = await client.get<One<Account>>('/v1/accounts/ROOT?currency=BHD');
    expect(root.body.data.balance.posted).toMatch(/^-\d{1,36}$/);
  });
});

describe('what a request may say', () => {
  const sides = () => ({ sender: alice.id, recipient: bob.id, amount: 1 });
  const wrong: [string, () => object, string][] = [
    ['a malformed sender', () => ({ ...sides(), sender: 'acc_1' }), 'sender'],
    ['a malformed recipient', () => ({ ...sides(), recipient: alice.id.toUpperCase() }), 'recipient'],
    [
      "a transaction's id as the sender",
      () => ({ ...sides(), sender: unknownId.replace('acc', 'txn') }),
      'sender',
    ],
    ['root in small letters', () => ({ ...sides(), sender: 'root' }), 'sender'],
    ['a sender of null', () => ({ ...sides(), sender: null }), 'sender'],
    ['a sender of a list', () => ({ ...sides(), sender: [alice.id] }), 'sender'],
    ['no recipient', () => ({ ...sides(), recipient: undefined }), 'recipient'],
    ['an empty reference', () => ({ ...sides(), reference: '' }), 'reference'],
    ['a reference of 257 characters', () => ({ ...sides(), reference: '🏦'.repeat(257) }), 'reference'],
    ['a reference that is a number', () => ({ ...sides(), reference: 5 }), 'reference'],
    ['an empty externalId', () => ({ ...sides(), externalId: '' }), 'externalId'],
    ['metadata that is a text', () => ({ ...sides(), metadata: 'x' }), 'metadata'],
    ['a currency', () => ({ ...sides(), currency: 'EUR' }), 'currency'],
    ['a misspelt field', () => ({ ...sides(), refrence: 'x' }), 'refrence'],
    ['a type', () => ({ ...sides(), type: 'transfer' }), 'type'],
  ];
  test.each(wrong)('%s is refused', async (_, body, path) => {
    expectError(await create(body()), 400, 'validation_error', path);
  });

  test('a reference of 256 characters of any kind is accepted', async () => {
    const reference = '🏦'.repeat(256);
    expect((await client.transfer(alice.id, bob.id, 1, { reference })).reference).toBe(reference);
  });

  test.each(['[]', '"x"', '5', 'null', 'true'])('%s as the body is refused', async (raw) => {
    expectError(await client.send('POST', '/v1/transactions', { raw }), 400, 'validation_error');
  });
});

describe('refusals', () => {
  test('accounts that do not exist are named', async () => {
    const body = { sender: alice.id, recipient: bob.id, amount: 1 };
    expectError(await create({ ...body, sender: unknownId }), 404, 'account_not_found', 'sender');
    expectError(await create({ ...body, recipient: unknownId }), 404, 'account_not_found', 'recipient');
    expectError(
      await client.post('/v1/mints', { recipient: unknownId, amount: 1 }),
      404,
      'account_not_found',
    );
    expectError(await client.post('/v1/burns', { sender: unknownId, amount: 1 }), 404, 'account_not_found');
  });

  test('an account to itself', async () => {
    const body = { sender: alice.id, recipient: alice.id, amount: 1 };
    expectError(await create(body), 422, 'same_account');
  });

  test('another currency, without a rate', async () => {
    const { id } = await client.open({ currency: 'USD', openingBalance: 5 });
    const body = { sender: alice.id, recipient: id, amount: 1 };
    expectError(await create(body), 422, 'exchange_rate_missing');
    expectError(await create({ ...body, sender: id, recipient: bob.id }), 422, 'exchange_rate_missing');
  });

  test('more than is available', async () => {
    const poor = await client.open({ openingBalance: 10, minBalance: 3 });
    const pay = (amount: number) => create({ sender: poor.id, recipient: bob.id, amount });
    expectError(await pay(8), 422, 'insufficient_funds');
    expect((await pay(7)).status).toBe(201);
    expectError(await pay(1), 422, 'insufficient_funds');
    expectError(await client.post('/v1/burns', { sender: poor.id, amount: 1 }), 422, 'insufficient_funds');
    expect((await client.account(poor.id)).balance).toMatchObject({ posted: '3', available: '0' });
  });

  test('an overdraft goes as far as it was allowed', async () => {
    const debtor = await client.open({ minBalance: -100 });
    const pay = (amount: number) => create({ sender: debtor.id, recipient: bob.id, amount });
    expect((await pay(100)).status).toBe(201);
    expectError(await pay(1), 422, 'insufficient_funds');
    expect((await client.account(debtor.id)).balance).toMatchObject({ posted: '-100', available: '0' });
  });

  test('more than an account may hold', async () => {
    const full = await client.open({ maxBalance: 10 });
    const mint = (amount: number) => client.post('/v1/mints', { recipient: full.id, amount });
    expectError(await mint(11), 422, 'balance_limit_exceeded');
    expect((await mint(10)).status).toBe(201);
    expectError(await mint(1), 422, 'balance_limit_exceeded');
  });

  test('what is below its least or above its greatest balance may still move the right way', async () => {
    const low = await client.open({ minBalance: 100 });
    expect((await client.post('/v1/mints', { recipient: low.id, amount: 1 })).status).toBe(201);
    const high = await client.open({ openingBalance: 100 });
    await client.patch(`/v1/accounts/${high.id}`, { maxBalance: 5 });
    expect((await client.post('/v1/burns', { sender: high.id, amount: 1 })).status).toBe(201);
  });

  test('an externalId belongs to one transaction of the ledger, apart from those of accounts', async () => {
    await client.open({ externalId: 'in both' });
    const first = { sender: alice.id, recipient: bob.id, amount: 1, externalId: 'in both' };
    expect((await create(first)).status).toBe(201);
    expectError(await create(first), 409, 'external_id_taken');
    const mint = { recipient: bob.id, amount: 1, externalId: 'in both' };
    expectError(await client.post('/v1/mints', mint), 409, 'external_id_taken');
  });

  test('a refused one leaves no trace', async () => {
    const poor = await client.open({ openingBalance: 1 });
    const head = async () =>
      (await client.get<{ meta: { headPosition: string } }>('/v1/events?limit=1')).body.meta.headPosition;
    const before = await head();
    const body = {
      sender: poor.id,
      recipient: bob.id,
      amount: 2,
      externalId: 'refused',
      reference: 'refused',
    };
    expectError(await create(body), 422, 'insufficient_funds');
    expect(await head()).toBe(before);
    expect((await client.account(poor.id)).version).toBe(2);
    expect(await client.all('/v1/transactions', { 'filter[reference]': 'refused' })).toEqual([]);
    expect((await create({ ...body, amount: 1 })).status).toBe(201);
  });
});

describe('by id', () => {
  test.each(['txn_1', 'txn_01jd3v4wqzfxs9v5n6m7k8h2re', unknownId, 'ROOT', 'TXN_01jd3v4wqzfxs9v5n6m7k8h2re'])(
    '%s is not found',
    async (id) => {
      expectError(await client.get(`/v1/transactions/${id}`), 404, 'transaction_not_found');
    },
  );

  test('PUT, PATCH and DELETE are not allowed, on none of them', async () => {
    const { id } = await client.transfer(alice.id, bob.id, 1);
    for (const path of [`/v1/transactions/${id}`, '/v1/transactions/none', '/v1/transactions']) {
      for (const method of ['PUT', 'PATCH', 'DELETE']) {
        const answer = await client.send(method, path, { body: { amount: 1 } });
        expectError(answer, 405, 'method_not_allowed');
        expect(answer.headers.allow?.split(/, ?/)).toContain('GET');
      }
    }
    for (const path of ['/v1/mints', '/v1/burns']) {
      const answer = await client.get(path);
      expectError(answer, 405, 'method_not_allowed');
      expect(answer.headers.allow).toBe('POST');
    }
    expect((await client.get(`/v1/transactions/${id}`)).status).toBe(200);
  });

  test('HEAD answers as GET does, without a body', async () => {
    const { id } = await client.transfer(alice.id, bob.id, 1);
    for (const path of [`/v1/transactions/${id}`, '/v1/transactions', `/v1/accounts/${alice.id}`]) {
      const answer = await client.send('HEAD', path);
      expect([answer.status, answer.text]).toEqual([200, '']);
    }
    expect((await client.send('HEAD', `/v1/transactions/${unknownId}`)).status).toBe(404);
  });
});
