import { scopes } from '#access';
import {
  Client,
  expectError,
  newKey,
  startService,
  type Account,
  type Answer,
  type BatchAnswer,
  type Entry,
  type One,
  type Service,
  type Transaction,
} from '../support/client.js';
import { expectVerified } from '../support/verify.js';

let service: Service;
let client: Client;
let alice: Account;
let bob: Account;
const clients: Client[] = [];

beforeAll(async () => {
  service = await startService();
  client = service.client;
}, 60_000);

beforeEach(async () => {
  alice = await client.open({ name: 'Alice', openingBalance: 100 });
  bob = await client.open({ name: 'Bob' });
});

afterAll(async () => {
  for (const each of clients) each.close();
  await service.stop();
});

type Mode = 'independent' | 'atomic';
const unknownId = 'acc_01jd3v4wqzfxs9v5n6m7k8h2re';
const path = '/v1/transactions/batch';
const send = (
  mode: Mode,
  transactions: readonly object[],
  fields: object = {},
  key?: string,
  caller = client,
) => caller.post<BatchAnswer>(path, { mode, transactions, ...fields }, key === undefined ? {} : { key });
const pay = (amount: number | string, fields: object = {}) => ({
  sender: alice.id,
  recipient: bob.id,
  amount,
  ...fields,
});
const posted = async (account: Account) => (await client.account(account.id)).balance.posted;
const headPosition = async () =>
  (await client.get<{ meta: { headPosition: string } }>('/v1/events?limit=1')).body.meta.headPosition;

/** Of each item its status, and the code of its error. */
const told = ({ body }: Answer<BatchAnswer>) =>
  body.data.map(({ status, error, replayed }) => [status, error?.code, replayed].filter(Boolean).join(' '));

async function keyWith(fields: object): Promise<Client> {
  const key = { name: 'A key', scopes, rateLimitPerMinute: null, ...fields };
  const { secret } = (await client.post<One<{ secret: string }>>('/v1/api-keys', key)).body.data;
  const made = new Client(client.url, secret);
  clients.push(made);
  return made;
}

describe('an independent batch', () => {
  test('answers each transaction as it would be answered alone', async () => {
    const answer = await send('independent', [
      pay(60, { reference: 'first' }),
      pay(50),
      pay(1, { recipient: unknownId }),
      pay(40, { externalId: 'batch-4' }),
      pay(1, { externalId: 'batch-4' }),
    ]);
    expect(answer.status).toBe(200);
    expect(told(answer)).toEqual([
      '201',
      '422 insufficient_funds',
      '404 account_not_found',
      '201',
      '409 external_id_taken',
    ]);
    expect(answer.body.meta).toEqual({ succeeded: 2, refused: 3 });
    const [first, poor, unknown] = answer.body.data;
    expect(poor).toEqual({
      status: 422,
      error: {
        code: 'insufficient_funds',
        message: expect.any(String),
        details: [{ path: 'amount', message: expect.any(String) }],
      },
    });
    expect(unknown!.error!.details![0]!.path).toBe('recipient');
    const { balances, ...shown } = first!.data!;
    expect(await client.transaction(shown.id)).toEqual(shown);
    expect(balances).toMatchObject([{ posted: '40' }, { posted: '60' }]);
    expect([await posted(alice), await posted(bob)]).toEqual(['0', '100']);
  });

  test('may hold, exchange, post several and compare', async () => {
    const dollars = await client.open({ currency: 'USD' });
    const answer = await send('independent', [
      pay(10, { pending: true }),
      pay(10, { recipient: dollars.id, exchangeRate: '2' }),
      { postings: [pay(1), pay(2)] },
      pay(1, { conditions: [{ accountId: alice.id, version: 1 }] }),
      { postings: [pay(1_000)] },
      pay(1, { effectiveAt: '2024-01-01T00:00:00Z' }),
    ]);
    expect(told(answer)).toEqual([
      '201',
      '201',
      '201',
      '409 version_conflict',
      '422 insufficient_funds',
      '201',
    ]);
    expect(answer.body.data[0]!.data!.status).toBe('pending');
    expect(answer.body.data[1]!.data!.type).toBe('exchange');
    expect(answer.body.data[4]!.error!.details![0]!.path).toBe('postings[0].amount');
  });

  test('of which none is accepted changes nothing', async () => {
    const before = await headPosition();
    const answer = await send('independent', [pay(500), pay(600)]);
    expect([answer.status, answer.body.meta]).toEqual([200, { succeeded: 0, refused: 2 }]);
    expect(await headPosition()).toBe(before);
  });
});

describe('an atomic batch', () => {
  test('makes all of them, each with the effects of those before it', async () => {
    const answer = await send('atomic', [
      pay(100),
      pay(70, { sender: bob.id, recipient: alice.id }),
      pay(70),
    ]);
    expect([answer.status, told(answer), answer.body.meta]).toEqual([
      200,
      ['201', '201', '201'],
      { succeeded: 3, refused: 0 },
    ]);
    expect([await posted(alice), await posted(bob)]).toEqual(['0', '100']);
  });

  test('makes none where one is refused, and names it', async () => {
    const before = await headPosition();
    const answer = await send('atomic', [pay(10), pay(10), pay(10), pay(500), pay(600)]);
    const error = expectError(answer, 422, 'batch_refused', 'transactions[3]');
    expect(error.details).toEqual([
      { path: 'transactions[3]', message: expect.stringMatching(/^insufficient_funds: /) },
    ]);
    expect(await headPosition()).toBe(before);
    expect(await posted(alice)).toBe('100');
  });

  test('is one commit of neighbouring positions', async () => {
    const answer = await send(
      'atomic',
      Array.from({ length: 50 }, () => pay(1)),
    );
    const positions = answer.body.data.map(({ data }) => Number(data!.position));
    expect(positions).toEqual(positions.map((_, n) => positions[0]! + n));
  });
});

describe('a dry run of a batch', () => {
  test.each<Mode>(['independent', 'atomic'])(
    'answers what would happen, and changes nothing: %s',
    async (mode) => {
      const before = await headPosition();
      const key = newKey();
      const transactions = [pay(60, { idempotencyKey: newKey() }), pay(40)];
      const answer = await send(mode, transactions, { dryRun: true }, key);
      expect([answer.status, told(answer)]).toEqual([200, ['201', '201']]);
      expect(answer.body.data[1]!.data!.balances[0]!.posted).toBe('0');
      expect(await headPosition()).toBe(before);
      if (mode === 'atomic') {
        expectError(await send(mode, [pay(101)], { dryRun: true }), 422, 'batch_refused');
      }
      const made = await send(mode, transactions, {}, key);
      expect([told(made), made.headers['idempotency-replayed']]).toEqual([['201', '201'], undefined]);
    },
  );

  test('heeds the keys of its items as the batch will', async () => {
    const [used, twice] = [newKey(), newKey()];
    const alone = await client.post<One<Transaction>>('/v1/transactions', pay(60), { key: used });
    const transactions = [
      pay(60, { idempotencyKey: used }),
      pay(1, { idempotencyKey: used }),
      pay(30, { idempotencyKey: twice }),
      pay(30, { idempotencyKey: twice }),
    ];
    const expected = ['201 true', '422 idempotency_key_reused', '201', '201 true'];
    for (const dryRun of [true, false]) {
      const answer = await send('independent', transactions, { dryRun });
      expect(told(answer)).toEqual(expected);
      const [first, , third, fourth] = answer.body.data;
      expect([first!.data, fourth!.data]).toEqual([alone.body.data, third!.data]);
    }
    expect(await posted(alice)).toBe('10');
  });
});

describe('keys', () => {
  test('of the request cover the whole answer, to the byte', async () => {
    const key = newKey();
    const transactions = [pay(60), pay(60), pay(10, { idempotencyKey: newKey() })];
    const first = await send('independent', transactions, {}, key);
    expect(told(first)).toEqual(['201', '422 insufficient_funds', '201']);
    // What was refused would be accepted now.
    await client.post('/v1/mints', { recipient: alice.id, amount: 500 });
    const again = await send('independent', transactions, {}, key);
    expect([again.status, again.text, again.headers['idempotency-replayed']]).toEqual([
      200,
      first.text,
      'true',
    ]);
    const written = [pay('60'), pay(60), { ...transactions[2], amount: '10' }];
    expect((await send('independent', written, {}, key)).text).toBe(first.text);
    expectError(await send('atomic', transactions, {}, key), 422, 'idempotency_key_reused');
    expectError(await send('independent', transactions.slice(1), {}, key), 422, 'idempotency_key_reused');
    expectError(await client.post('/v1/transactions', pay(60), { key }), 422, 'idempotency_key_reused');
  });

  test('of a transaction are as if it were sent alone, before or after', async () => {
    const [before, within] = [newKey(), newKey()];
    const alone = await client.post<One<Transaction>>('/v1/transactions', pay(10), { key: before });
    const answer = await send('independent', [
      pay('10', { idempotencyKey: before }),
      pay(20, { idempotencyKey: within }),
      pay('20', { idempotencyKey: within }),
      pay(30, { idempotencyKey: within }),
    ]);
    expect(told(answer)).toEqual(['201 true', '201', '201 true', '422 idempotency_key_reused']);
    expect(JSON.stringify(answer.body.data[0]!.data)).toBe(JSON.stringify(alone.body.data));
    const retried = await client.post<One<Transaction>>('/v1/transactions', pay(20), { key: within });
    expect([retried.status, retried.headers['idempotency-replayed']]).toEqual([201, 'true']);
    expect(retried.body.data).toEqual(answer.body.data[1]!.data);
    expect(await posted(alice)).toBe('70');
    const again = await send('atomic', [pay(20, { idempotencyKey: within }), pay(1)]);
    expect(told(again)).toEqual(['201 true', '201']);
    expectError(
      await send('atomic', [pay(21, { idempotencyKey: within })]),
      422,
      'batch_refused',
      'transactions[0]',
    );
  });

  test('of what was refused are not used up', async () => {
    const [key, own] = [newKey(), newKey()];
    const transactions = [pay(60), pay(60, { idempotencyKey: own })];
    expectError(await send('atomic', transactions, {}, key), 422, 'batch_refused');
    await client.post('/v1/mints', { recipient: alice.id, amount: 20 });
    const answer = await send('atomic', transactions, {}, key);
    expect([told(answer), answer.headers['idempotency-replayed']]).toEqual([['201', '201'], undefined]);
  });

  test('that are none are refused', async () => {
    for (const idempotencyKey of ['', 'a b', 'x'.repeat(256), 5, null]) {
      const path = 'transactions[1].idempotencyKey';
      expectError(
        await send('independent', [pay(1), pay(1, { idempotencyKey })]),
        400,
        'validation_error',
        path,
      );
    }
    expectError(await send('independent', [pay(1)], {}, 'a b'), 400, 'validation_error', 'Idempotency-Key');
  });
});

describe('what a batch may say', () => {
  test('is checked for all of it before any is made', async () => {
    const before = await headPosition();
    const cases: [readonly object[], string][] = [
      [[pay(1), pay(1), pay(1), pay(0)], 'transactions[3].amount'],
      [[pay(1), { postings: [pay(1), { ...pay(1), amount: 'x' }] }], 'transactions[1].postings[1].amount'],
      [[pay(1, { conditions: [{ accountId: alice.id }] })], 'transactions[0].conditions[0].version'],
      [[pay(1), pay(1, { dryRun: true })], 'transactions[1].dryRun'],
      [[pay(1), pay(1, { recipient: 'EXCHANGE' })], 'transactions[1].recipient'],
      [[pay(1), { sender: alice.id }], 'transactions[1].recipient'],
      [[pay(1, { expiresAt: '2099-01-01T00:00:00Z' })], 'transactions[0].expiresAt'],
      [[], 'transactions'],
      [Array.from({ length: 1_001 }, () => pay(1)), 'transactions'],
      [
        Array.from({ length: 41 }, () => ({ postings: Array.from({ length: 100 }, () => pay(1)) })),
        'transactions',
      ],
    ];
    for (const [transactions, where] of cases) {
      expectError(await send('independent', transactions), 400, 'validation_error', where);
    }
    expectError(await client.post(path, { transactions: [pay(1)] }), 400, 'validation_error', 'mode');
    expectError(
      await client.post(path, { mode: 'both', transactions: [pay(1)] }),
      400,
      'validation_error',
      'mode',
    );
    expectError(await client.post(path, { mode: 'atomic' }), 400, 'validation_error', 'transactions');
    expect(await headPosition()).toBe(before);
  });

  test('is up to 5 MB here, and no more than 1 MB elsewhere', async () => {
    const body = JSON.stringify({ mode: 'independent', transactions: [pay(1)] });
    const filled = (bytes: number) => ({ raw: body.padEnd(bytes) });
    expect((await client.send('POST', path, filled(5_242_880))).status).toBe(200);
    const headers = { 'content-type': 'application/json', 'content-length': '5242881' };
    expectError(await client.send('POST', path, { raw: ' ', headers }), 413, 'payload_too_large');
    const elsewhere = { raw: JSON.stringify(pay(1)).padEnd(1_048_577) };
    expectError(await client.send('POST', '/v1/transactions', elsewhere), 413, 'payload_too_large');
  });

  test('is judged item by item by who asks', async () => {
    const withoutMint = await keyWith({ scopes: ['transactions:write'] });
    const transactions = [pay(1), pay(1, { sender: 'ROOT' }), pay(1, { recipient: 'ROOT' }), pay(1)];
    const key = newKey();
    const answer = await send('independent', transactions, {}, key, withoutMint);
    expect(told(answer)).toEqual(['201', '403 forbidden', '403 forbidden', '201']);
    // The answer stays what it was, whatever the key that repeats it may do.
    const repeated = await send('independent', transactions, {}, key);
    expect([repeated.text, repeated.headers['idempotency-replayed']]).toEqual([answer.text, 'true']);
    const refused = expectError(
      await send('atomic', transactions, {}, undefined, withoutMint),
      422,
      'batch_refused',
      'transactions[1]',
    );
    expect(refused.details![0]!.message).toMatch(/^forbidden: /);
    const atRate = [pay(1, { exchangeRate: '2' })];
    expect(told(await send('independent', atRate, {}, undefined, withoutMint))).toEqual(['403 forbidden']);
  });

  test('of an owner is of what is theirs', async () => {
    const own = await client.open({ ownerId: 'olga', openingBalance: 10 });
    const shown = await client.open({ visibility: 'public' });
    const olga = await keyWith({ ownerId: 'olga' });
    const move = (sender: string, recipient: string, fields: object = {}) => ({
      sender,
      recipient,
      amount: 1,
      ...fields,
    });
    const answer = await send(
      'independent',
      [
        move(own.id, shown.id),
        move(own.id, alice.id),
        move(alice.id, own.id),
        move('ROOT', own.id),
        move(own.id, shown.id, { conditions: [{ accountId: alice.id, version: 2 }] }),
        move(own.id, shown.id, { conditions: [{ accountId: 'ROOT', maxPosted: 0 }] }),
      ],
      {},
      undefined,
      olga,
    );
    expect(told(answer)).toEqual([
      '201',
      '404 account_not_found',
      '404 account_not_found',
      '403 forbidden',
      '404 account_not_found',
      '403 forbidden',
    ]);
    expect(answer.body.data[0]!.data!.balances.map(({ accountId }) => accountId)).toEqual([own.id]);
  });
});

test('a batch of a thousand is made as one', async () => {
  const rich = await client.open({ openingBalance: 1_000_000 });
  const transactions = Array.from({ length: 1_000 }, (_, n) =>
    pay(1, { sender: rich.id, reference: `line ${n}` }),
  );
  const answer = await send('atomic', transactions, {}, newKey());
  expect([answer.status, answer.body.meta]).toEqual([200, { succeeded: 1_000, refused: 0 }]);
  expect(await posted(rich)).toBe('999000');
  expect((await client.all<Entry>(`/v1/accounts/${rich.id}/entries`, { 'page[limit]': '100' })).length).toBe(
    1_001,
  );
});

test('one batch that comes 50 times at once with one key is made once, and answered alike', async () => {
  for (const mode of ['independent', 'atomic'] as const) {
    const account = await client.open();
    const transactions = [
      { sender: 'ROOT', recipient: account.id, amount: 5 },
      { sender: account.id, recipient: bob.id, amount: mode === 'atomic' ? 2 : 50 },
      { sender: account.id, recipient: bob.id, amount: 1 },
    ];
    const key = newKey();
    const answers = await Promise.all(Array.from({ length: 50 }, () => send(mode, transactions, {}, key)));
    expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
    expect(answers.filter(({ headers }) => headers['idempotency-replayed'] === 'true')).toHaveLength(49);
    expect(await posted(account)).toBe(mode === 'atomic' ? '2' : '4');
  }
});

test('50 atomic batches that cross the same accounts end, and leave sums at zero and nobody below', async () => {
  const accounts = await Promise.all(Array.from({ length: 8 }, () => client.open({ openingBalance: 300 })));
  const batchOf = (n: number) =>
    Array.from({ length: 20 }, (_, line) => ({
      // Each goes through the accounts in another order, and back.
      sender: accounts[(n * 3 + line) % 8]!.id,
      recipient: accounts[(n * 5 + line * 7 + 1 + ((n + line) % 2)) % 8]!.id,
      amount: 1 + ((n * 11 + line * 13) % 60),
    })).filter(({ sender, recipient }) => sender !== recipient);
  const answers = await Promise.all(Array.from({ length: 50 }, (_, n) => send('atomic', batchOf(n))));
  const made = answers.filter(({ status }) => status === 200);
  for (const answer of answers) if (answer.status !== 200) expectError(answer, 422, 'batch_refused');
  expect(made.length).toBeGreaterThan(0);
  const balances = await Promise.all(accounts.map(async (account) => BigInt(await posted(account))));
  expect(balances.every((balance) => balance >= 0n)).toBe(true);
  expect(balances.reduce((sum, balance) => sum + balance, 0n)).toBe(2_400n);
  const { body } = await client.get<{ data: { difference: string }[] }>('/v1/trial-balance');
  for (const { difference } of body.data) expect(difference).toBe('0');
});

test('what all of this has written is as the journal says', async () => {
  await client.all('/v1/transactions', { 'page[limit]': '100' });
  await expectVerified(service.database.ownerUrl);
});
