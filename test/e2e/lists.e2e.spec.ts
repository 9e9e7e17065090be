import {
  expectError,
  startService,
  withQuery,
  type Account,
  type Client,
  type Entry,
  type List,
  type Service,
  type Transaction,
} from '../support/client.js';

let service: Service;
let client: Client;
let alice: Account;
let bob: Account;
let carol: Account;
/** Oldest first: everything that this file has written before its tests begin. */
let written: Transaction[];

const TRANSFERS = 120;

beforeAll(async () => {
  service = await startService();
  client = service.client;
  alice = await client.open({ name: 'Alice', ownerId: 'a' });
  bob = await client.open({ name: 'Bob' });
  carol = await client.open({ name: 'Carol', currency: 'USD', visibility: 'public' });
  written = [await client.transfer('ROOT', alice.id, 100_000, { reference: 'Funding' })];
  written.push(await client.transfer('ROOT', carol.id, 500, { reference: 'funding in dollars' }));
  for (let n = 1; n <= TRANSFERS; n++) {
    const [sender, recipient] = n % 3 === 0 ? [bob.id, alice.id] : [alice.id, bob.id];
    written.push(
      await client.transfer(sender, recipient, n, { reference: `Rent ${n}`, externalId: `x${n}` }),
    );
  }
  written.push(await client.transfer(carol.id, 'ROOT', 77, { reference: '100%_sure\\ É' }));
}, 60_000);

afterAll(() => service.stop());

const list = <T = Transaction>(parameters: Record<string, string>, path = '/v1/transactions') =>
  client.get<List<T>>(withQuery(path, parameters));
const ids = (rows: readonly { id: string }[]) => rows.map(({ id }) => id);
const newestFirst = (matches: (transaction: Transaction) => boolean) =>
  ids(written.filter(matches).reverse());

describe('filters of transactions', () => {
  const of = (select: (transaction: Transaction) => boolean) => select;
  const amount = (transaction: Transaction) => BigInt(transaction.amount);
  const cases: [string, () => Record<string, string>, (transaction: Transaction) => boolean][] = [
    ['none', () => ({}), of(() => true)],
    [
      'account, either side',
      () => ({ 'filter[account]': bob.id }),
      of((t) => [t.sender, t.recipient].includes(bob.id)),
    ],
    ['account ROOT, all currencies', () => ({ 'filter[account]': 'ROOT' }), of((t) => t.type !== 'transfer')],
    ['sender', () => ({ 'filter[sender]': bob.id }), of((t) => t.sender === bob.id)],
    ['recipient', () => ({ 'filter[recipient]': bob.id }), of((t) => t.recipient === bob.id)],
    ['sender ROOT', () => ({ 'filter[sender]': 'ROOT' }), of((t) => t.type === 'mint')],
    ['recipient ROOT', () => ({ 'filter[recipient]': 'ROOT' }), of((t) => t.type === 'burn')],
    [
      'sender and recipient',
      () => ({ 'filter[sender]': alice.id, 'filter[recipient]': bob.id }),
      of((t) => t.sender === alice.id && t.recipient === bob.id),
    ],
    [
      'account and sender',
      () => ({ 'filter[account]': alice.id, 'filter[sender]': bob.id }),
      of((t) => t.sender === bob.id),
    ],
    [
      'account and ROOT as sender',
      () => ({ 'filter[account]': alice.id, 'filter[sender]': 'ROOT' }),
      of((t) => t.type === 'mint' && t.recipient === alice.id),
    ],
    [
      'two that exclude each other',
      () => ({ 'filter[sender]': bob.id, 'filter[recipient]': bob.id }),
      of(() => false),
    ],
    [
      'reference in another case',
      () => ({ 'filter[reference]': 'rEnT 11' }),
      of((t) => /^Rent 11/.test(t.reference ?? '')),
    ],
    [
      'reference of one letter',
      () => ({ 'filter[reference]': 'u' }),
      of((t) => /u/i.test(t.reference ?? '')),
    ],
    ['reference with %', () => ({ 'filter[reference]': '100%' }), of((t) => t.type === 'burn')],
    ['reference of % alone', () => ({ 'filter[reference]': '%' }), of((t) => t.type === 'burn')],
    ['reference of _ alone', () => ({ 'filter[reference]': '_' }), of((t) => t.type === 'burn')],
    ['reference of \\ alone', () => ({ 'filter[reference]': '\\' }), of((t) => t.type === 'burn')],
    ['reference with é for É', () => ({ 'filter[reference]': 'é' }), of((t) => t.type === 'burn')],
    ['type', () => ({ 'filter[type]': 'mint' }), of((t) => t.type === 'mint')],
    ['type burn', () => ({ 'filter[type]': 'burn' }), of((t) => t.type === 'burn')],
    ['a type that there is none of', () => ({ 'filter[type]': 'reversal' }), of(() => false)],
    ['status', () => ({ 'filter[status]': 'posted' }), of(() => true)],
    ['a status that there is none of', () => ({ 'filter[status]': 'pending' }), of(() => false)],
    ['currency', () => ({ 'filter[currency]': 'USD' }), of((t) => t.currency === 'USD')],
    ['a currency that there is none of', () => ({ 'filter[currency]': 'PLN' }), of(() => false)],
    ['externalId', () => ({ 'filter[externalId]': 'x7' }), of((t) => t.externalId === 'x7')],
    ['externalId in another case', () => ({ 'filter[externalId]': 'X7' }), of(() => false)],
    ['amount from', () => ({ 'filter[amount][gte]': '100' }), of((t) => amount(t) >= 100n)],
    ['amount to', () => ({ 'filter[amount][lte]': '10' }), of((t) => amount(t) <= 10n)],
    [
      'amount from and to',
      () => ({ 'filter[amount][gte]': '10', 'filter[amount][lte]': '20' }),
      of((t) => amount(t) >= 10n && amount(t) <= 20n),
    ],
    ['an amount of 36 digits', () => ({ 'filter[amount][gte]': '9'.repeat(36) }), of(() => false)],
    ['an unknown account', () => ({ 'filter[account]': 'acc_01jd3v4wqzfxs9v5n6m7k8h2re' }), of(() => false)],
    [
      'six together',
      () => ({
        'filter[account]': bob.id,
        'filter[sender]': alice.id,
        'filter[reference]': 'rent',
        'filter[currency]': 'EUR',
        'filter[type]': 'transfer',
        'filter[amount][gte]': '50',
      }),
      of((t) => t.sender === alice.id && t.recipient === bob.id && amount(t) >= 50n),
    ],
  ];
  test.each(cases)('%s', async (_, parameters, matches) => {
    const filters = parameters();
    const expected = newestFirst(matches);
    const first = await list({ ...filters, 'page[limit]': '100', 'page[total]': 'true' });
    expect(first.status).toBe(200);
    expect(ids(first.body.data)).toEqual(expected.slice(0, 100));
    expect(first.body.meta.page).toMatchObject({ limit: 100, number: 1, hasMore: expected.length > 100 });
    expect(first.body.meta.page.total).toBe(expected.length);
    const rows = await client.all<Transaction>('/v1/transactions', { ...filters, 'page[limit]': '7' });
    expect(ids(rows)).toEqual(expected);
  });

  test('createdAt, with its bounds in or out, to the microsecond', async () => {
    const [from, to] = [written[10]!, written[20]!];
    const between = (low: string, high: string) =>
      list({ [`filter[createdAt][${low}]`]: from.createdAt, [`filter[createdAt][${high}]`]: to.createdAt });
    const expected = (first: number, last: number) => ids(written.slice(first, last + 1).reverse());
    expect(ids((await between('gte', 'lte')).body.data)).toEqual(expected(10, 20));
    expect(ids((await between('gt', 'lte')).body.data)).toEqual(expected(11, 20));
    expect(ids((await between('gte', 'lt')).body.data)).toEqual(expected(10, 19));
    expect(ids((await between('gt', 'lt')).body.data)).toEqual(expected(11, 19));
  });

  test.each(['2020-01-01T00:00:00Z', '2020-01-01T00:00:00.5Z', '2020-01-01T02:00:00+02:00'])(
    'a time may be %s',
    async (time) => {
      const later = await list({ 'filter[createdAt][gte]': time, 'page[total]': 'true' });
      expect(later.body.meta.page.total).toBe(written.length);
      expect((await list({ 'filter[createdAt][lt]': time })).body.data).toEqual([]);
    },
  );

  test('a row is the transaction as it is by its id', async () => {
    const { body } = await list({ 'page[limit]': '5' });
    for (const row of body.data) {
      expect((await client.get(`/v1/transactions/${row.id}`)).body).toEqual({ data: row });
    }
  });

  const wrong: [Record<string, string>, string][] = [
    [{ 'filter[account]': 'acc_1' }, 'validation_error'],
    [{ 'filter[account]': 'txn_01jd3v4wqzfxs9v5n6m7k8h2re' }, 'validation_error'],
    [{ 'filter[sender]': 'root' }, 'validation_error'],
    [{ 'filter[recipient]': '' }, 'validation_error'],
    [{ 'filter[type]': 'payment' }, 'validation_error'],
    [{ 'filter[type]': 'MINT' }, 'validation_error'],
    [{ 'filter[status]': 'done' }, 'validation_error'],
    [{ 'filter[createdAt][gte]': 'yesterday' }, 'validation_error'],
    [{ 'filter[createdAt][gte]': '2026-02-30T00:00:00Z' }, 'validation_error'],
    [{ 'filter[createdAt][lt]': '2026-01-01T25:00:00Z' }, 'validation_error'],
    [{ 'filter[createdAt]': '2026-01-01T00:00:00Z' }, 'validation_error'],
    [{ 'filter[createdAt][eq]': '2026-01-01T00:00:00Z' }, 'validation_error'],
    [{ 'filter[amount][gte]': '-1' }, 'validation_error'],
    [{ 'filter[amount][gte]': '01' }, 'validation_error'],
    [{ 'filter[amount][gte]': '1.5' }, 'validation_error'],
    [{ 'filter[amount][lte]': '1e3' }, 'validation_error'],
    [{ 'filter[amount][lte]': '9'.repeat(37) }, 'validation_error'],
    [{ 'filter[amount]': '5' }, 'validation_error'],
    [{ 'filter[amount][gt]': '5' }, 'validation_error'],
    [{ 'filter[refrence]': 'x' }, 'validation_error'],
    [{ 'filter[Account]': 'ROOT' }, 'validation_error'],
    [{ filter: 'x' }, 'validation_error'],
    [{ reference: 'x' }, 'validation_error'],
    [{ sort: 'createdAt' }, 'validation_error'],
    [{ consistency: 'later' }, 'validation_error'],
    [{ 'page[total]': 'yes' }, 'validation_error'],
    [{ 'page[size]': '5' }, 'validation_error'],
  ];
  test.each(wrong)('%j is refused', async (parameters, code) => {
    expectError(await list(parameters), 400, code, Object.keys(parameters)[0]);
  });

  test('a parameter given twice is refused', async () => {
    const twice = '/v1/transactions?filter[type]=mint&filter[type]=burn';
    expectError(await client.get(twice), 400, 'validation_error');
  });

  test('brackets may be written as they are', async () => {
    const answer = await client.get<List<Transaction>>('/v1/transactions?filter[type]=burn&page[limit]=1');
    expect(answer.body.data).toMatchObject([{ type: 'burn' }]);
  });
});

describe('pages', () => {
  test('are 20 rows long, the first by default', async () => {
    const { body } = await list({});
    expect(ids(body.data)).toEqual(newestFirst(() => true).slice(0, 20));
    expect(body.meta).toEqual({
      page: { limit: 20, number: 1, hasMore: true, nextCursor: expect.any(String) },
      position: expect.stringMatching(/^[1-9]\d*$/),
    });
    expect(BigInt(body.meta.position) >= BigInt(written.at(-1)!.position)).toBe(true);
  });

  test('by number add up to the list, and go on by cursor from any of them', async () => {
    const expected = newestFirst(() => true);
    const rows: Transaction[] = [];
    let cursor: string | null = null;
    for (let page = 1; rows.length < expected.length; page++) {
      const { body } = await list({ 'page[page]': String(page), 'page[limit]': '17' });
      expect(body.meta.page).toMatchObject({ number: page, limit: 17 });
      rows.push(...body.data);
      expect(body.meta.page.hasMore).toBe(rows.length < expected.length);
      if (page === 3) cursor = body.meta.page.nextCursor;
    }
    expect(ids(rows)).toEqual(expected);
    const next = await list({ 'page[cursor]': cursor ?? '', 'page[limit]': '17' });
    expect(ids(next.body.data)).toEqual(expected.slice(51, 68));
    expect(next.body.meta.page.number).toBeNull();
  });

  test('the last has no cursor, even when it is full', async () => {
    for (const limit of [1, 2]) {
      const { body } = await list({ 'filter[type]': 'mint', 'page[limit]': String(limit) });
      expect(body.meta.page.hasMore).toBe(limit === 1);
      expect(body.meta.page.nextCursor === null).toBe(limit === 2);
    }
    const past = await list({ 'page[page]': '50', 'page[limit]': '20' });
    expect(past.body).toMatchObject({
      data: [],
      meta: { page: { number: 50, hasMore: false, nextCursor: null } },
    });
  });

  test('a cursor takes another limit, and a total', async () => {
    const first = await list({ 'page[limit]': '3' });
    const cursor = first.body.meta.page.nextCursor ?? '';
    const next = await list({ 'page[cursor]': cursor, 'page[limit]': '100', 'page[total]': 'true' });
    expect(ids(next.body.data)).toEqual(newestFirst(() => true).slice(3, 103));
    expect(next.body.meta.page.total).toBe(written.length);
  });

  test('a cursor belongs to its list and its filters', async () => {
    const { body } = await list({ 'filter[type]': 'transfer', 'page[limit]': '2' });
    const cursor = body.meta.page.nextCursor ?? '';
    const foreign = [
      {},
      { 'filter[type]': 'mint' },
      { 'filter[type]': 'transfer', 'filter[currency]': 'EUR' },
    ] as Record<string, string>[];
    for (const filters of foreign) {
      expectError(await list({ ...filters, 'page[cursor]': cursor }), 400, 'invalid_cursor');
    }
    expectError(await list({ 'page[cursor]': cursor }, '/v1/accounts'), 400, 'invalid_cursor');
    const entries = `/v1/accounts/${alice.id}/entries`;
    expectError(await list({ 'page[cursor]': cursor }, entries), 400, 'invalid_cursor');
    const own = await list({ 'page[limit]': '2' }, entries);
    const others = `/v1/accounts/${bob.id}/entries`;
    const ownCursor = own.body.meta.page.nextCursor ?? '';
    expectError(await list({ 'page[cursor]': ownCursor }, others), 400, 'invalid_cursor');
    expect((await list({ 'page[cursor]': ownCursor }, entries)).status).toBe(200);
  });

  const malformedCursors = [
    'x',
    '-1',
    'AAAA',
    'a'.repeat(400),
    'ünï',
    '{"position":1}',
    'MTIzNDU2Nzg5MDEyMTIz',
  ];
  test.each(malformedCursors)('the cursor %s is refused', async (cursor) => {
    for (const path of ['/v1/transactions', '/v1/accounts', `/v1/accounts/${alice.id}/entries`]) {
      expectError(await list({ 'page[cursor]': cursor }, path), 400, 'invalid_cursor');
    }
  });

  test('a cursor does not go with a page number', async () => {
    const cursor = (await list({ 'page[limit]': '2' })).body.meta.page.nextCursor ?? '';
    for (const page of ['1', '2']) {
      expectError(await list({ 'page[cursor]': cursor, 'page[page]': page }), 400, 'validation_error');
    }
  });

  test.each(['0', '101', '-1', '1.5', 'x', '', '1e1', '99999999999999999999'])(
    'a limit of %p',
    async (limit) => {
      for (const path of ['/v1/transactions', '/v1/accounts', `/v1/accounts/${alice.id}/entries`]) {
        expectError(await list({ 'page[limit]': limit }, path), 400, 'validation_error', 'page[limit]');
      }
    },
  );

  test.each(['0', '-1', '1.5', 'x', ''])('a page of %p', async (page) => {
    expectError(await list({ 'page[page]': page }), 400, 'validation_error', 'page[page]');
  });

  test('page numbers reach 10,000 rows', async () => {
    const deep: [string, string][] = [
      ['101', '100'],
      ['501', '20'],
      ['10001', '1'],
      ['999999999', '100'],
      ['99999999999999999999', '1'],
    ];
    for (const path of ['/v1/transactions', '/v1/accounts', `/v1/accounts/${alice.id}/entries`]) {
      for (const [page, limit] of deep) {
        expectError(await list({ 'page[page]': page, 'page[limit]': limit }, path), 400, 'page_too_deep');
      }
      expectError(await list({ 'page[page]': '501' }, path), 400, 'page_too_deep');
      const last = await list({ 'page[page]': '100', 'page[limit]': '100' }, path);
      expect([last.status, last.body.data]).toEqual([200, []]);
    }
  });

  test('by cursor do not move when rows are added', async () => {
    const first = await list({ 'filter[account]': carol.id, 'page[limit]': '1' });
    const added = await client.transfer('ROOT', carol.id, 1);
    const cursor = first.body.meta.page.nextCursor ?? '';
    const next = await list({ 'filter[account]': carol.id, 'page[limit]': '1', 'page[cursor]': cursor });
    expect(ids(next.body.data)).toEqual([written[1]!.id]);
    expect(ids((await list({ 'page[limit]': '1' })).body.data)).toEqual([added.id]);
    written.push(added);
  });
});

describe('accounts', () => {
  let opened: Account[];
  const accounts = (parameters: Record<string, string>) => list<Account>(parameters, '/v1/accounts');

  beforeAll(async () => {
    opened = [];
    for (let n = 0; n < 30; n++) {
      opened.push(
        await client.open({
          name: n === 7 ? '100%_É \\ sure' : `Saver ${n}`,
          currency: n % 2 ? 'GBP' : 'CZK',
          visibility: ['private', 'public', 'unlisted'][n % 3],
          externalId: `ext-${n}`,
          ownerId: `owner-${n % 4}`,
        }),
      );
    }
    await client.patch(`/v1/accounts/${opened[3]!.id}`, { status: 'frozen' });
    await client.delete(`/v1/accounts/${opened[4]!.id}`);
  });

  const cases: [Record<string, string>, (account: Account, n: number) => boolean][] = [
    [{ 'filter[name]': 'sAVEr 1' }, (a) => a.name.startsWith('Saver 1')],
    [{ 'filter[name]': '%' }, (_, n) => n === 7],
    [{ 'filter[name]': '_' }, (_, n) => n === 7],
    [{ 'filter[name]': '\\' }, (_, n) => n === 7],
    [{ 'filter[name]': 'é' }, (_, n) => n === 7],
    [{ 'filter[currency]': 'GBP' }, (a) => a.currency === 'GBP'],
    [{ 'filter[visibility]': 'unlisted' }, (a) => a.visibility === 'unlisted'],
    [{ 'filter[externalId]': 'ext-9' }, (_, n) => n === 9],
    [{ 'filter[ownerId]': 'owner-2' }, (a) => a.ownerId === 'owner-2'],
    [{ 'filter[status]': 'frozen' }, (_, n) => n === 3],
    [
      { 'filter[ownerId]': 'owner-1', 'filter[visibility]': 'public', 'filter[currency]': 'GBP' },
      (_, n) => n % 4 === 1 && n % 3 === 1,
    ],
  ];
  test.each(cases)('%j', async (parameters, matches) => {
    const expected = ids(opened.filter((account, n) => n !== 4 && matches(account, n)).reverse());
    const { body } = await accounts({ ...parameters, 'page[limit]': '100', 'page[total]': 'true' });
    expect(ids(body.data)).toEqual(expected);
    expect(body.meta.page).toMatchObject({ total: expected.length, hasMore: false, nextCursor: null });
    expect(ids(await client.all<Account>('/v1/accounts', { ...parameters, 'page[limit]': '3' }))).toEqual(
      expected,
    );
  });

  test('newest first, open and frozen ones, as they are by their ids', async () => {
    const rows = await client.all<Account>('/v1/accounts', { 'page[limit]': '11' });
    const expected = ids([alice, bob, carol, ...opened.filter((_, n) => n !== 4)].reverse());
    expect(ids(rows)).toEqual(expected);
    const { body } = await accounts({ 'page[limit]': '3' });
    for (const row of body.data) expect(row).toEqual(await client.account(row.id));
    const closed = await accounts({ 'filter[status]': 'closed' });
    expect(closed.body.data).toMatchObject([{ id: opened[4]!.id, status: 'closed' }]);
  });

  test.each([
    { 'filter[visibility]': 'secret' },
    { 'filter[status]': 'gone' },
    { 'filter[status]': 'Open' },
    { 'filter[nam]': 'x' },
    { 'filter[balance]': '5' },
    { currency: 'EUR' },
  ])('%j is refused', async (parameters) => {
    expectError(await accounts(parameters), 400, 'validation_error');
  });
});

describe('entries', () => {
  const entriesOf = (account: string, parameters: Record<string, string> = {}) =>
    client.all<Entry>(`/v1/accounts/${account}/entries`, parameters);

  test('are the statement, newest first, each going on from the one before', async () => {
    const rows = (await entriesOf(alice.id, { 'page[limit]': '13' })).reverse();
    expect(rows).toHaveLength(TRANSFERS + 1);
    let balance = 0n;
    for (const [index, row] of rows.entries()) {
      balance += row.direction === 'credit' ? BigInt(row.amount) : -BigInt(row.amount);
      expect(row).toMatchObject({ balanceAfter: String(balance), entryNumber: index + 1 });
    }
    expect((await client.account(alice.id)).balance.posted).toBe(String(balance));
    const first = await list<Entry>({ 'page[total]': 'true' }, `/v1/accounts/${alice.id}/entries`);
    expect(first.body.meta.page).toMatchObject({ limit: 20, number: 1, hasMore: true, total: TRANSFERS + 1 });
  });

  test('of a time, the beginning included and the end not', async () => {
    const rows = await entriesOf(alice.id);
    const [newest, oldest] = [rows[10]!, rows[20]!];
    const bounds = { 'filter[createdAt][gte]': oldest.createdAt, 'filter[createdAt][lt]': newest.createdAt };
    expect(ids(await entriesOf(alice.id, { ...bounds, 'page[limit]': '4' }))).toEqual(
      ids(rows.slice(11, 21)),
    );
  });

  test.each([
    { 'filter[createdAt][gt]': '2020-01-01T00:00:00Z' },
    { 'filter[createdAt][gte]': 'x' },
    { 'filter[direction]': 'debit' },
    { page: '1' },
  ])('%j is refused', async (parameters) => {
    const path = `/v1/accounts/${alice.id}/entries`;
    expectError(await list(parameters as Record<string, string>, path), 400, 'validation_error');
  });
});

describe('a list of more than 10,000 rows', () => {
  const ROWS = 10_000;
  let many: Account;
  const page = (parameters: Record<string, string>) => list({ 'filter[account]': many.id, ...parameters });
  const write = async (count: number, writers: number) => {
    const each = async () => {
      for (let n = 0; n < count / writers; n++) await client.transfer('ROOT', many.id, 1);
    };
    await Promise.all(Array.from({ length: writers }, each));
  };

  beforeAll(async () => {
    many = await client.open({ name: 'Many', currency: 'PLN' });
    await write(ROWS, 100);
  }, 120_000);

  test('is counted up to there, and reached to there by page numbers', async () => {
    const exact = await page({ 'page[total]': 'true', 'page[limit]': '1' });
    expect(exact.body.meta.page.total).toBe(ROWS);
    expect(exact.body.meta.page.totalIsCapped ?? false).toBe(false);
    const last = await page({ 'page[page]': '100', 'page[limit]': '100' });
    expect(last.body.data).toHaveLength(100);
    expect(last.body.meta.page).toMatchObject({ number: 100, hasMore: false, nextCursor: null });
    const ends = await page({ 'page[page]': '10000', 'page[limit]': '1' });
    expect(ends.body.data).toEqual([last.body.data.at(-1)]);
    await client.transfer('ROOT', many.id, 1);
    const capped = await page({ 'page[total]': 'true', 'page[limit]': '1' });
    expect(capped.body.meta.page).toMatchObject({ total: ROWS, totalIsCapped: true });
  });

  test('goes on by cursor past the last page number', async () => {
    await write(150, 50);
    const last = await page({ 'page[page]': '100', 'page[limit]': '100' });
    expect(last.body.meta.page.hasMore).toBe(true);
    const cursor = last.body.meta.page.nextCursor ?? '';
    const beyond = await page({ 'page[cursor]': cursor, 'page[limit]': '100' });
    expect(beyond.body.data).toHaveLength(100);
    expect(beyond.body.meta.page).toMatchObject({ number: null, hasMore: true });
    const rows = [...last.body.data, ...beyond.body.data];
    const positions = rows.map(({ position }) => BigInt(position));
    for (let n = 1; n < rows.length; n++) expect(positions[n]! < positions[n - 1]!).toBe(true);
  });
});

describe('read your writes', () => {
  test('every list shows a write that was answered, at once, each time', async () => {
    for (let n = 0; n < 60; n++) {
      const { id } = await client.transfer(alice.id, bob.id, 1, {
        reference: `now ${n}`,
        externalId: `now ${n}`,
      });
      const [all, byAccount, byReference, byExternalId, entries] = await Promise.all([
        list({ 'page[limit]': '1' }),
        list({ 'filter[account]': bob.id, 'page[limit]': '1' }),
        list({ 'filter[reference]': `now ${n}` }),
        list({ 'filter[externalId]': `now ${n}` }),
        list<Entry>({ 'page[limit]': '1' }, `/v1/accounts/${bob.id}/entries`),
      ]);
      for (const { body } of [all, byAccount, byReference, byExternalId]) expect(body.data[0]?.id).toBe(id);
      expect(entries.body.data[0]?.transactionId).toBe(id);
    }
  });

  test('also while 16 write at once, and for accounts', async () => {
    const write = async (writer: number) => {
      for (let n = 0; n < 10; n++) {
        const { id } = await client.open({ ownerId: `writer ${writer}`, openingBalance: 5 });
        const mine = await list<Account>(
          { 'filter[ownerId]': `writer ${writer}`, 'page[limit]': '1' },
          '/v1/accounts',
        );
        expect(mine.body.data[0]).toMatchObject({ id, balance: { posted: '5' } });
        expect((await list({ 'filter[account]': id })).body.data).toHaveLength(1);
      }
    };
    await Promise.all(Array.from({ length: 16 }, (_, writer) => write(writer)));
  });

  test('consistency=eventual has the same shape and comes to the same', async () => {
    const { id } = await client.transfer(alice.id, bob.id, 1);
    for (const path of ['/v1/transactions', '/v1/accounts', `/v1/accounts/${bob.id}/entries`]) {
      const { status, body } = await list({ consistency: 'eventual' }, path);
      expect(status).toBe(200);
      expect(Object.keys(body.meta.page).sort()).toEqual(['hasMore', 'limit', 'nextCursor', 'number']);
    }
    const isShown = async () => ids((await list({ consistency: 'eventual' })).body.data).includes(id);
    for (let tries = 0; !(await isShown()); tries++) {
      expect(tries).toBeLessThan(200);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  });
});
