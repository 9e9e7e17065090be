import {
  expectError,
  newKey,
  startService,
  type Account,
  type Client,
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
}, 60_000);

beforeEach(async () => {
  alice = await client.open({ name: 'Alice', openingBalance: 100 });
  bob = await client.open({ name: 'Bob' });
});

afterAll(() => service.stop());

const unknownId = 'acc_01jd3v4wqzfxs9v5n6m7k8h2re';
const pay = (conditions: unknown, fields: object = {}, key?: string) =>
  client.post<One<Transaction>>(
    '/v1/transactions',
    { sender: alice.id, recipient: bob.id, amount: 1, conditions, ...fields },
    key === undefined ? {} : { key },
  );

describe('a condition that holds', () => {
  test.each<[string, () => object]>([
    ['of the version', () => ({ accountId: alice.id, version: 2 })],
    ['of the least', () => ({ accountId: alice.id, minPosted: '100' })],
    ['of the most, as a number', () => ({ accountId: alice.id, maxPosted: 100 })],
    ['of all', () => ({ accountId: alice.id, version: 2, minPosted: 0, maxPosted: '100' })],
    ['of an account that takes no part', () => ({ accountId: bob.id, version: 1, maxPosted: 0 })],
    ['of ROOT', () => ({ accountId: 'ROOT', maxPosted: '-1' })],
  ])('%s lets it pass', async (_, condition) => {
    expect((await pay([condition()])).status).toBe(201);
  });

  test('is of the account as it was before', async () => {
    expect((await pay([{ accountId: bob.id, maxPosted: 0 }])).status).toBe(201);
  });
});

describe('a condition that fails', () => {
  test.each<[string, () => object]>([
    ['version', () => ({ accountId: alice.id, version: 1 })],
    ['minPosted', () => ({ accountId: alice.id, minPosted: '101' })],
    ['maxPosted', () => ({ accountId: alice.id, maxPosted: 99 })],
  ])('is named: %s', async (path, condition) => {
    const conditions = [{ accountId: bob.id, version: 1 }, condition()];
    expectError(await pay(conditions), 409, 'version_conflict', `conditions[1].${path}`);
    expect((await client.account(alice.id)).version).toBe(2);
  });

  test('refuses mints and burns as well', async () => {
    const conditions = [{ accountId: alice.id, version: 1 }];
    for (const [path, side] of [
      ['/v1/mints', { recipient: alice.id }],
      ['/v1/burns', { sender: alice.id }],
    ] as const) {
      expectError(await client.post(path, { ...side, amount: 1, conditions }), 409, 'version_conflict');
    }
  });

  test('uses up no key', async () => {
    const key = newKey();
    const conditions = [{ accountId: alice.id, minPosted: 101 }];
    expectError(await pay(conditions, {}, key), 409, 'version_conflict');
    await client.post('/v1/mints', { recipient: alice.id, amount: 1 });
    const first = await pay(conditions, {}, key);
    expect(first.status).toBe(201);
    // The form of amounts doesn't matter, and a replay comes before every condition.
    const again = await pay([{ minPosted: '101', accountId: alice.id }], { amount: '1' }, key);
    expect([again.text, again.headers['idempotency-replayed']]).toEqual([first.text, 'true']);
  });

  test('comes after what the currencies and before what the funds say', async () => {
    const stale = [{ accountId: alice.id, version: 1 }];
    const francs = await client.open({ currency: 'CHF' });
    expectError(await pay(stale, { recipient: francs.id }), 422, 'exchange_rate_missing');
    expectError(await pay(stale, { amount: 101 }), 409, 'version_conflict');
    expectError(
      await pay([{ accountId: unknownId, version: 1 }], { amount: 101 }),
      404,
      'account_not_found',
      'conditions[0].accountId',
    );
  });
});

describe('what is no condition', () => {
  test.each<[string, unknown, string]>([
    ['a list of none', [], 'conditions'],
    ['no list', {}, 'conditions'],
    ['too many', Array.from({ length: 101 }, () => ({ accountId: unknownId, version: 1 })), 'conditions'],
    ['nothing to hold', [{ accountId: unknownId }], 'conditions[0].version'],
    ['nobody', [{ version: 1 }], 'conditions[0].accountId'],
    ['EXCHANGE', [{ accountId: 'EXCHANGE', version: 1 }], 'conditions[0].accountId'],
    ['a version that is text', [{ accountId: unknownId, version: '1' }], 'conditions[0].version'],
    ['a broken amount', [{ accountId: unknownId, minPosted: '1.5' }], 'conditions[0].minPosted'],
    [
      'what it does not know',
      [{ accountId: unknownId, version: 1, minAvailable: 1 }],
      'conditions[0].minAvailable',
    ],
  ])('is refused: %s', async (_, conditions, path) => {
    expectError(await pay(conditions), 400, 'validation_error', path);
  });
});

test('of 20 that saw the same version, one passes', async () => {
  const { version } = await client.account(alice.id);
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => pay([{ accountId: alice.id, version }])),
  );
  expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array<number>(19).fill(409)]);
  expect((await client.account(alice.id)).balance.posted).toBe('99');
});
