import {
  expectError,
  newKey,
  startService,
  type Account,
  type Answer,
  type Client,
  type Entry,
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
  alice = await client.open({ name: 'Alice', openingBalance: 1_000_000 });
  bob = await client.open({ name: 'Bob' });
}, 60_000);

afterAll(() => service.stop());

const create = (fields: object, key: string) =>
  client.post('/v1/transactions', { sender: alice.id, recipient: bob.id, amount: '5', ...fields }, { key });
const sendRaw = (raw: string, key: string) => client.send('POST', '/v1/transactions', { raw, key });
const transactionsOf = (account: string) =>
  client.all<Transaction>('/v1/transactions', { 'filter[account]': account });

function expectReplay(answer: Answer, first: Answer): void {
  expect([answer.status, answer.text]).toEqual([first.status, first.text]);
  expect(answer.headers['idempotency-replayed']).toBe('true');
}

test('a repeated request has one effect, and the first answer to the byte', async () => {
  const { id } = await client.open();
  const key = newKey();
  const first = await create({ recipient: id, reference: 'once', metadata: { b: 1, a: [2, 'é'] } }, key);
  expect(first.status).toBe(201);
  expect(first.headers['idempotency-replayed']).toBeUndefined();
  for (let n = 0; n < 3; n++) {
    expectReplay(
      await create({ recipient: id, reference: 'once', metadata: { b: 1, a: [2, 'é'] } }, key),
      first,
    );
  }
  expect(await transactionsOf(id)).toHaveLength(1);
  expect((await client.account(id)).balance.posted).toBe('5');
});

test('the answer stays the first one, whatever has happened since', async () => {
  const { id } = await client.open();
  const key = newKey();
  const first = await create({ recipient: id }, key);
  await client.transfer(alice.id, id, 70);
  await client.patch(`/v1/accounts/${id}`, { name: 'renamed', status: 'frozen', maxBalance: '1' });
  expectReplay(await create({ recipient: id }, key), first);
});

test('without a key nothing is deduplicated', async () => {
  const { id } = await client.open();
  await client.transfer(alice.id, id, 1);
  await client.transfer(alice.id, id, 1);
  expect(await transactionsOf(id)).toHaveLength(2);
});

test.each([
  ['/v1/accounts', () => ({ name: 'A', currency: 'EUR', openingBalance: '9', metadata: { x: 1 } })],
  ['/v1/mints', () => ({ recipient: bob.id, amount: '9' })],
  ['/v1/burns', () => ({ sender: alice.id, amount: '9' })],
  ['/v1/transactions', () => ({ sender: 'ROOT', recipient: bob.id, amount: '9' })],
])('%s takes a key', async (path, body) => {
  const key = newKey();
  const first = await client.post(path, body(), { key });
  expect(first.status).toBe(201);
  expectReplay(await client.post(path, body(), { key }), first);
});

test('an opened account is answered as it was then', async () => {
  const key = newKey();
  const body = { name: 'Then', currency: 'EUR', openingBalance: '9', externalId: 'then' };
  const first = await client.post<{ data: Account }>('/v1/accounts', body, { key });
  await client.transfer(alice.id, first.body.data.id, 1);
  await client.patch(`/v1/accounts/${first.body.data.id}`, { name: 'Now', externalId: null });
  expectReplay(await client.post('/v1/accounts', body, { key }), first);
});

describe('what makes two requests the same', () => {
  test('the form of amounts does not matter', async () => {
    const key = newKey();
    const first = await create({ amount: '120' }, key);
    const body = `"sender":"${alice.id}","recipient":"${bob.id}"`;
    for (const form of ['120', '"120"', '120.0', '1.2e2']) {
      expectReplay(await sendRaw(`{${body},"amount":${form}}`, key), first);
    }
  });

  test('nor for opening balances and limits', async () => {
    const key = newKey();
    const body = { name: 'A', currency: 'EUR', openingBalance: '7', minBalance: '-5', maxBalance: '90' };
    const first = await client.post('/v1/accounts', body, { key });
    const numbers = { ...body, openingBalance: 7, minBalance: -5, maxBalance: 90 };
    expectReplay(await client.post('/v1/accounts', numbers, { key }), first);
  });

  test('nor do the order of fields and white space, at any depth', async () => {
    const key = newKey();
    const [sender, recipient] = [alice.id, bob.id];
    const first = await sendRaw(
      JSON.stringify({ sender, recipient, amount: 5, metadata: { a: { x: 1, y: [1, 2] }, b: 2 } }),
      key,
    );
    const turned = { metadata: { b: 2, a: { y: [1, 2], x: 1 } }, amount: '5', recipient, sender };
    expectReplay(await sendRaw(` \n${JSON.stringify(turned, null, 4)}\n\t `, key), first);
    expectReplay(await sendRaw(JSON.stringify(turned).replace('"metadata"', '"\\u006detadata"'), key), first);
  });

  const others: [string, object][] = [
    ['another amount', { amount: '6' }],
    ['another recipient', { recipient: 'ROOT' }],
    ['a reference', { reference: 'x' }],
    ['an externalId', { externalId: 'another request' }],
    ['a reference of null', { reference: null }],
    ['metadata', { metadata: {} }],
  ];
  test.each(others)('%s makes it another', async (_, fields) => {
    const key = newKey();
    const first = await create({}, key);
    expectError(await create(fields, key), 422, 'idempotency_key_reused');
    expectReplay(await create({}, key), first);
  });

  test('numbers in metadata are no amounts, and lists have an order', async () => {
    const key = newKey();
    await create({ metadata: { amount: '5', list: [1, 2] } }, key);
    expectError(await create({ metadata: { amount: 5, list: [1, 2] } }, key), 422, 'idempotency_key_reused');
    expectError(
      await create({ metadata: { amount: '5', list: [2, 1] } }, key),
      422,
      'idempotency_key_reused',
    );
  });

  test('keys are one space for all routes', async () => {
    const key = newKey();
    expect((await client.post('/v1/mints', { recipient: bob.id, amount: 1 }, { key })).status).toBe(201);
    const same = { sender: 'ROOT', recipient: bob.id, amount: 1 };
    expectError(await client.post('/v1/transactions', same, { key }), 422, 'idempotency_key_reused');
    const account = { name: 'A', currency: 'EUR' };
    expectError(await client.post('/v1/accounts', account, { key }), 422, 'idempotency_key_reused');
  });

  test('keys differ by case', async () => {
    const key = `Key-${newKey()}`;
    expect((await create({}, key)).status).toBe(201);
    expect((await create({ amount: 6 }, key.toUpperCase())).status).toBe(201);
  });
});

describe('keys', () => {
  test.each(['!', '~', 'a'.repeat(255), '"quoted"', "it's;--", '0'])('%s is one', async (key) => {
    const first = await create({}, key);
    expect(first.status).toBe(201);
    expectReplay(await create({}, key), first);
  });

  test.each([[''], ['a'.repeat(256)], ['a b'], ['tab\tbed'], ['ünï'], ['\u0080'], [' ']])(
    '%j is none',
    async (key) => {
      const { id } = await client.open();
      expectError(await create({ recipient: id }, key), 400, 'validation_error', 'Idempotency-Key');
      expect(await transactionsOf(id)).toEqual([]);
    },
  );

  test('two at once are none', async () => {
    const body = { sender: alice.id, recipient: bob.id, amount: 1 };
    const headers = { 'idempotency-key': ['one', 'two'] };
    expectError(await client.post('/v1/transactions', body, { headers }), 400, 'validation_error');
  });
});

describe('a refused request does not use up its key', () => {
  test('of too little money', async () => {
    const poor = await client.open();
    const key = newKey();
    for (let n = 0; n < 2; n++) {
      const refused = await create({ sender: poor.id }, key);
      expectError(refused, 422, 'insufficient_funds');
      expect(refused.headers['idempotency-replayed']).toBeUndefined();
    }
    await client.transfer(alice.id, poor.id, 5);
    const first = await create({ sender: poor.id }, key);
    expect(first.status).toBe(201);
    expectReplay(await create({ sender: poor.id }, key), first);
  });

  test('of any other kind', async () => {
    const frozen = await client.open();
    await client.patch(`/v1/accounts/${frozen.id}`, { status: 'frozen' });
    const key = newKey();
    expectError(await create({ amount: 0 }, key), 400, 'validation_error');
    expectError(await create({ recipient: alice.id }, key), 422, 'same_account');
    expectError(await create({ recipient: 'acc_01jd3v4wqzfxs9v5n6m7k8h2re' }, key), 404, 'account_not_found');
    expectError(await create({ recipient: frozen.id }, key), 409, 'account_frozen');
    expectError(
      await client.post('/v1/accounts', { name: 'A', currency: 'XXX' }, { key }),
      422,
      'unknown_currency',
    );
    expect((await create({}, key)).status).toBe(201);
  });
});

describe('at the same time', () => {
  test('50 with one key have one effect and 50 equal answers', async () => {
    const { id } = await client.open();
    const key = newKey();
    const answers = await Promise.all(Array.from({ length: 50 }, () => create({ recipient: id }, key)));
    expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
    expect(answers[0]?.status).toBe(201);
    const replays = answers.filter(({ headers }) => headers['idempotency-replayed'] === 'true');
    expect(replays).toHaveLength(49);
    expect(await transactionsOf(id)).toHaveLength(1);
    expect(await client.all<Entry>(`/v1/accounts/${id}/entries`)).toHaveLength(1);
    const events = (await client.journal()).filter((event) => event.idempotencyKey === key);
    expect(events).toHaveLength(1);
  });

  test('50 that open one account', async () => {
    const key = newKey();
    const body = { name: 'One', currency: 'HUF', ownerId: key, openingBalance: 3 };
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => client.post('/v1/accounts', body, { key })),
    );
    expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
    expect(await client.all('/v1/accounts', { 'filter[ownerId]': key })).toHaveLength(1);
  });

  test('of different requests with one key one is taken', async () => {
    const { id } = await client.open();
    const key = newKey();
    const amounts = Array.from({ length: 20 }, (_, n) => n + 1);
    const answers = await Promise.all(amounts.map((amount) => create({ recipient: id, amount }, key)));
    const refused = answers.filter(({ status }) => status !== 201);
    expect(refused).toHaveLength(19);
    for (const answer of refused) expectError(answer, 422, 'idempotency_key_reused');
    expect(await transactionsOf(id)).toHaveLength(1);
  });

  test('copies of a refused request are refused each', async () => {
    const poor = await client.open();
    const key = newKey();
    const answers = await Promise.all(Array.from({ length: 20 }, () => create({ sender: poor.id }, key)));
    for (const answer of answers) expectError(answer, 422, 'insufficient_funds');
  });
});
