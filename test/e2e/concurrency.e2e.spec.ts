import {
  expectError,
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

beforeAll(async () => {
  service = await startService();
  client = service.client;
}, 60_000);

afterAll(() => service.stop());

const create = (sender: string, recipient: string, amount: number, fields: object = {}) =>
  client.post<One<Transaction>>('/v1/transactions', { sender, recipient, amount, ...fields });

/** Entries of an account, oldest first, each checked against the one before. */
async function statementOf(path: string, parameters: Record<string, string> = {}): Promise<Entry[]> {
  const entries = (await client.all<Entry>(path, { ...parameters, 'page[limit]': '100' })).reverse();
  let balance = 0n;
  for (const [index, entry] of entries.entries()) {
    balance += entry.direction === 'credit' ? BigInt(entry.amount) : -BigInt(entry.amount);
    expect(entry).toMatchObject({ balanceAfter: String(balance), entryNumber: index + 1 });
  }
  return entries;
}

async function expectZeroSums(): Promise<void> {
  const { body } = await client.get<{ data: { currency: string; difference: string }[] }>(
    '/v1/trial-balance',
  );
  const accounts = await client.all<Account>('/v1/accounts', { 'page[limit]': '100' });
  for (const { currency, difference } of body.data) {
    expect(difference).toBe('0');
    const root = await client.get<One<Account>>(`/v1/accounts/ROOT?currency=${currency}`);
    const sum = accounts
      .filter((account) => account.currency === currency)
      .reduce((total, { balance }) => total + BigInt(balance.posted), BigInt(root.body.data.balance.posted));
    expect([currency, sum]).toEqual([currency, 0n]);
  }
}

test('of 300 takers of an account with 100, exactly 100 succeed', async () => {
  const source = await client.open({ name: 'Source', openingBalance: 100 });
  const takers = await Promise.all(Array.from({ length: 30 }, (_, n) => client.open({ name: `Taker ${n}` })));
  const answers = await Promise.all(
    Array.from({ length: 300 }, (_, n) => create(source.id, takers[n % 30]!.id, 1)),
  );
  expect(answers.filter(({ status }) => status === 201)).toHaveLength(100);
  for (const answer of answers) if (answer.status !== 201) expectError(answer, 422, 'insufficient_funds');
  expect((await client.account(source.id)).balance).toMatchObject({ posted: '0', available: '0' });
  expect(await statementOf(`/v1/accounts/${source.id}/entries`)).toHaveLength(101);
  const taken = await Promise.all(takers.map(({ id }) => statementOf(`/v1/accounts/${id}/entries`)));
  expect(taken.flat()).toHaveLength(100);
  await expectZeroSums();
});

test('transfers in all directions add up, in every account and in ROOT', async () => {
  const accounts = await Promise.all(
    Array.from({ length: 6 }, (_, n) =>
      client.open({ name: `Ring ${n}`, currency: 'GBP', openingBalance: 200 }),
    ),
  );
  let succeeded = 0;
  await Promise.all(
    Array.from({ length: 24 }, async (_, worker) => {
      for (let n = 0; n < 25; n++) {
        const sides = [...accounts.map(({ id }) => id), 'ROOT'];
        const sender = sides[(worker + n) % 7]!;
        const recipient = sides[(worker * 3 + n * 2 + 1) % 7]!;
        const answer = await create(sender, recipient, ((worker * 7 + n * 13) % 90) + 1);
        if (answer.status === 201) succeeded += 1;
        else expect(answer.status).toBe(422);
      }
    }),
  );
  const statements = await Promise.all(accounts.map(({ id }) => statementOf(`/v1/accounts/${id}/entries`)));
  const root = await statementOf('/v1/accounts/ROOT/entries', { currency: 'GBP' });
  expect(statements.flat().length + root.length).toBe((succeeded + 6) * 2);
  for (const [index, statement] of statements.entries()) {
    const account = await client.account(accounts[index]!.id);
    expect(account.balance.posted).toBe(statement.at(-1)?.balanceAfter);
    expect(BigInt(account.balance.posted) >= 0n).toBe(true);
    expect(account.version).toBe(1 + statement.length);
  }
  await expectZeroSums();
});

test('of 20 with one externalId, one succeeds', async () => {
  const { id } = await client.open();
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => create('ROOT', id, 1, { externalId: 'the only one' })),
  );
  expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
  for (const answer of answers) if (answer.status !== 201) expectError(answer, 409, 'external_id_taken');
});

test('of 20 accounts with one externalId, one is opened', async () => {
  const body = { name: 'A', currency: 'EUR', externalId: 'only account' };
  const answers = await Promise.all(Array.from({ length: 20 }, () => client.post('/v1/accounts', body)));
  expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array<number>(19).fill(409)]);
});

test('of 20 changes with one entity tag, one succeeds', async () => {
  const { id } = await client.open();
  const etag = (await client.get(`/v1/accounts/${id}`)).headers.etag ?? '';
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, n) =>
      client.patch(`/v1/accounts/${id}`, { name: `Name ${n}` }, { headers: { 'if-match': etag } }),
    ),
  );
  expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array<number>(19).fill(412)]);
  expect((await client.account(id)).version).toBe(2);
});

test('an account that is closed while money comes in is empty or open', async () => {
  for (let n = 0; n < 10; n++) {
    const { id } = await client.open();
    const [closing, paying] = await Promise.all([client.delete(`/v1/accounts/${id}`), create('ROOT', id, 1)]);
    const { status, balance } = await client.account(id);
    if (closing.status === 204) {
      expectError(paying, 409, 'account_closed');
      expect([status, balance.posted]).toEqual(['closed', '0']);
    } else {
      expectError(closing, 409, 'account_not_empty');
      expect([status, balance.posted]).toEqual(['open', '1']);
    }
  }
});
