import {
  expectError,
  newKey,
  startService,
  timestamp,
  withQuery,
  type Account,
  type Answer,
  type Client,
  type Entry,
  type List,
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

const unknownId = 'acc_01jd3v4wqzfxs9v5n6m7k8h2re';
const malformedIds = [
  'acc_',
  'acc_123',
  'acc_01jd3v4wqzfxs9v5n6m7k8h2r',
  'acc_01jd3v4wqzfxs9v5n6m7k8h2ree',
  'acc_81jd3v4wqzfxs9v5n6m7k8h2re',
  'acc_01JD3V4WQZFXS9V5N6M7K8H2RE',
  'acc_01jd3v4wqzfxs9v5n6m7k8h2ri',
  'txn_01jd3v4wqzfxs9v5n6m7k8h2re',
  '01jd3v4wqzfxs9v5n6m7k8h2re',
  '0193478e-7337-7c3a-89c2-7b4d0fe4a70d',
  'root',
  'Root',
  'acc_%00',
  '%zz',
  `acc_${'0'.repeat(600)}`,
];

const open = (body: unknown, key?: string) =>
  client.post<One<Account>>('/v1/accounts', body, key === undefined ? {} : { key });
const patch = (id: string, body: unknown, headers: Record<string, string> = {}) =>
  client.patch<One<Account>>(`/v1/accounts/${id}`, body, { headers });
const close = (id: string, headers: Record<string, string> = {}) =>
  client.delete(`/v1/accounts/${id}`, { headers });
const etagOf = async (id: string) => (await client.get(`/v1/accounts/${id}`)).headers.etag ?? '';

describe('opening', () => {
  test('with a name and a currency, the rest is as the contract has it', async () => {
    const answer = await open({ name: 'Alice', currency: 'EUR' });
    expect(answer.status).toBe(201);
    expect(answer.body).toEqual({
      data: {
        id: expect.stringMatching(/^acc_[0-7][0-9a-hjkmnp-tv-z]{25}$/),
        name: 'Alice',
        currency: 'EUR',
        visibility: 'private',
        externalId: null,
        ownerId: null,
        status: 'open',
        balance: { posted: '0', available: '0', pendingIn: '0', pendingOut: '0' },
        minBalance: '0',
        maxBalance: null,
        version: 1,
        metadata: {},
        createdAt: expect.stringMatching(timestamp),
        updatedAt: expect.stringMatching(timestamp),
      },
    });
    expect(answer.headers['content-type']).toMatch(/^application\/json; charset=utf-8$/i);
  });

  test('with everything, and the same again when it is read', async () => {
    const sent = {
      name: 'Ünïcode 🏦 "quoted" \\ line\nbreak',
      currency: 'JPY',
      visibility: 'unlisted',
      externalId: 'ext with blanks / and ä',
      ownerId: 'owner-1',
      openingBalance: 1000,
      minBalance: '-500',
      maxBalance: 100000,
      metadata: { tier: 'gold', nested: { list: [1, null, 'x', 0.5], deeper: { constructor: true } } },
    };
    const { body } = await open(sent);
    expect(body.data).toMatchObject({
      name: sent.name,
      currency: 'JPY',
      visibility: 'unlisted',
      externalId: sent.externalId,
      ownerId: 'owner-1',
      minBalance: '-500',
      maxBalance: '100000',
      metadata: sent.metadata,
      version: 2,
      balance: { posted: '1000', available: '1500', pendingIn: '0', pendingOut: '0' },
    });
    expect(await client.account(body.data.id)).toEqual(body.data);
  });

  test('without a limit what is available is what is posted, and restricts nothing', async () => {
    const account = await client.open({ minBalance: null });
    const other = await client.open();
    await client.transfer(account.id, other.id, '70');
    const now = await client.account(account.id);
    expect(now.minBalance).toBeNull();
    expect(now.balance).toEqual({ posted: '-70', available: '-70', pendingIn: '0', pendingOut: '0' });
  });

  test('a least balance above what is there shows what is missing and lets money in', async () => {
    const account = await client.open({ minBalance: '500', openingBalance: '200' });
    expect(account.balance).toMatchObject({ posted: '200', available: '-300' });
  });

  const characters = (count: number) => '🏦'.repeat(count);
  const wrong: [string, Record<string, unknown>, string][] = [
    ['no name', { name: undefined }, 'name'],
    ['a name that is null', { name: null }, 'name'],
    ['an empty name', { name: '' }, 'name'],
    ['a name of 257 characters', { name: characters(257) }, 'name'],
    ['a name of 400 characters, half of them selectors', { name: 'a\uFE0F'.repeat(200) }, 'name'],
    ['a name that is a number', { name: 1 }, 'name'],
    ['no currency', { currency: undefined }, 'currency'],
    ['a currency that is a number', { currency: 978 }, 'currency'],
    ['an unknown visibility', { visibility: 'hidden' }, 'visibility'],
    ['a visibility in capitals', { visibility: 'PUBLIC' }, 'visibility'],
    ['an empty externalId', { externalId: '' }, 'externalId'],
    ['an externalId of 257 characters', { externalId: 'e'.repeat(257) }, 'externalId'],
    ['an empty ownerId', { ownerId: '' }, 'ownerId'],
    ['an opening balance of nothing', { openingBalance: '0' }, 'openingBalance'],
    ['an opening balance below zero', { openingBalance: '-5' }, 'openingBalance'],
    ['a least balance of -0', { minBalance: '-0' }, 'minBalance'],
    ['a least balance with a plus', { minBalance: '+5' }, 'minBalance'],
    ['a least balance with decimals', { minBalance: '0.5' }, 'minBalance'],
    ['a least balance of 37 digits', { minBalance: `-${'9'.repeat(37)}` }, 'minBalance'],
    ['a greatest balance in words', { maxBalance: 'none' }, 'maxBalance'],
    ['a greatest balance past 2^53', { maxBalance: 2 ** 53 }, 'maxBalance'],
    ['metadata that is a text', { metadata: 'gold' }, 'metadata'],
    ['metadata that is a list', { metadata: [] }, 'metadata'],
    ['a status', { status: 'open' }, 'status'],
    ['an id', { id: unknownId }, 'id'],
    ['a field in other letters', { openingbalance: '5' }, 'openingbalance'],
  ];
  test.each(wrong)('%s is refused', async (_, fields, path) => {
    expectError(await open({ name: 'A', currency: 'EUR', ...fields }), 400, 'validation_error', path);
  });

  test('names and ids of 256 characters of any kind are accepted', async () => {
    const account = await client.open({
      name: characters(256),
      externalId: characters(256),
      ownerId: 'ß'.repeat(256),
    });
    expect(await client.account(account.id)).toEqual(account);
    expect(account.name).toBe(characters(256));
  });

  test.each(['XXX', 'ABC', 'eur', 'BITCOIN'])('%s is no currency', async (currency) => {
    expectError(await open({ name: 'A', currency }), 422, 'unknown_currency');
  });

  test('an externalId belongs to one account of the ledger', async () => {
    await client.open({ externalId: 'taken' });
    expectError(await open({ name: 'B', currency: 'USD', externalId: 'taken' }), 409, 'external_id_taken');
  });

  test('an opening balance above the greatest balance opens nothing', async () => {
    const body = { name: 'Full', currency: 'EUR', openingBalance: 101, maxBalance: 100, ownerId: 'full' };
    expectError(await open(body), 422, 'balance_limit_exceeded');
    expect(await client.all('/v1/accounts', { 'filter[ownerId]': 'full' })).toEqual([]);
    expect((await open({ ...body, openingBalance: 100 })).status).toBe(201);
  });

  test('an opening balance is an ordinary mint: in lists, entries and events, in the same commit', async () => {
    const key = newKey();
    const { body } = await open({ name: 'Opened', currency: 'SEK', openingBalance: '1000' }, key);
    const { id } = body.data;
    const [mint, ...others] = await client.all<Transaction>('/v1/transactions', { 'filter[account]': id });
    expect(others).toEqual([]);
    expect(mint).toMatchObject({ type: 'mint', status: 'posted', sender: 'ROOT', recipient: id });
    expect(mint).toMatchObject({ amount: '1000', currency: 'SEK' });
    const entries = await client.all<Entry>(`/v1/accounts/${id}/entries`);
    expect(entries).toMatchObject([
      { direction: 'credit', amount: '1000', balanceAfter: '1000', entryNumber: 1, counterparty: 'ROOT' },
    ]);
    const events = (await client.journal()).filter((event) => event.idempotencyKey === key);
    expect(events.map(({ type }) => type)).toEqual([
      'account.opened',
      ...(events.length === 3 ? ['account.opened'] : []),
      'transaction.posted',
    ]);
    expect(events.at(-1)).toMatchObject({ transactionId: mint?.id, position: mint?.position });
    expect(events.at(-1)?.data).toMatchObject({ id: mint?.id, recipient: id, amount: '1000' });
    expect((await client.get(`/v1/transactions/${mint?.id}`)).body).toEqual({ data: mint });
  });
});

describe('metadata', () => {
  const filled = (bytes: number) => ({ a: 'x'.repeat(bytes - '{"a":""}'.length) });
  const keys = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, n) => [`k${n}`, n]));
  const accepted: [string, unknown][] = [
    ['4,096 bytes', filled(4096)],
    ['4,096 bytes of more than one each', { a: `${'é'.repeat(2043)}xx` }],
    ['50 keys', keys(50)],
    ['50 keys at two levels', { a: keys(24), b: keys(24) }],
    ['4 levels', { a: { b: { c: { d: 1 } } } }],
    ['4 levels with lists', { a: [[{ d: 1 }]] }],
    ['names of inherited things', { constructor: { prototype: 1 }, toString: 'x', hasOwnProperty: null }],
    ['an empty key', { '': '' }],
  ];
  test.each(accepted)('of %s is kept as it is', async (_, metadata) => {
    expect((await client.open({ metadata })).metadata).toEqual(metadata);
  });

  const refused: [string, unknown][] = [
    ['4,097 bytes', filled(4097)],
    ['4,097 bytes of more than one each', { a: `${'é'.repeat(2044)}x` }],
    ['51 keys', keys(51)],
    ['51 keys at two levels', { a: keys(24), b: keys(25) }],
    ['5 levels', { a: { b: { c: { d: {} } } } }],
    ['5 levels with lists', { a: [[[[]]]] }],
  ];
  test.each(refused)('of %s is refused', async (_, metadata) => {
    expectError(await open({ name: 'A', currency: 'EUR', metadata }), 400, 'validation_error', 'metadata');
  });
});

describe('reading', () => {
  test('one, with its entity tag and when it was changed', async () => {
    const account = await client.open({ openingBalance: 5 });
    const answer = await client.get<One<Account>>(`/v1/accounts/${account.id}`);
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({ data: account });
    expect(answer.headers.etag).toMatch(/^"\d+\.\d+"$/);
    expect(answer.headers.etag?.endsWith(`.${account.version}"`)).toBe(true);
    const modified = Date.parse(answer.headers['last-modified'] ?? '');
    expect(answer.headers['last-modified']).toMatch(/^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$/);
    expect(modified).toBe(Math.floor(Date.parse(account.updatedAt) / 1000) * 1000);
  });

  test('its balance alone', async () => {
    const { id } = await client.open({ openingBalance: 70, minBalance: 20 });
    const answer = await client.get<One<{ position: string }>>(`/v1/accounts/${id}/balance`);
    expect(answer.body).toEqual({
      data: {
        accountId: id,
        currency: 'EUR',
        posted: '70',
        available: '50',
        pendingIn: '0',
        pendingOut: '0',
        version: 2,
        position: expect.stringMatching(/^[1-9]\d*$/),
        asOf: expect.stringMatching(timestamp),
      },
    });
  });

  test.each(malformedIds)('a malformed id is nobody: %s', async (id) => {
    for (const path of [`/v1/accounts/${id}`, `/v1/accounts/${id}/balance`, `/v1/accounts/${id}/entries`]) {
      const answer = await client.get(path);
      expect([path.slice(0, 60), answer.status]).toEqual([path.slice(0, 60), 404]);
      expect(answer.headers['x-request-id']).toBeDefined();
    }
    expect((await patch(id, { name: 'x' })).status).toBe(404);
    expect((await close(id)).status).toBe(404);
  });

  test('an unknown one is not found, whatever is done with it', async () => {
    for (const path of ['', '/balance', '/entries']) {
      expectError(await client.get(`/v1/accounts/${unknownId}${path}`), 404, 'account_not_found');
    }
    expectError(await patch(unknownId, { name: 'x' }), 404, 'account_not_found');
    expectError(await close(unknownId), 404, 'account_not_found');
    expectError(await client.get('/v1/accounts/acc_123'), 404, 'account_not_found');
  });
});

describe('ROOT', () => {
  test('has the negative of all others, no limit and no id but its name', async () => {
    await client.open({ currency: 'NOK', openingBalance: 30 });
    await client.open({ currency: 'NOK', openingBalance: 12 });
    const { body } = await client.get<One<Account>>('/v1/accounts/ROOT?currency=NOK');
    expect(body.data).toMatchObject({ id: 'ROOT', currency: 'NOK', minBalance: null, maxBalance: null });
    expect(body.data.balance).toEqual({ posted: '-42', available: '-42', pendingIn: '0', pendingOut: '0' });
    const balance = await client.get('/v1/accounts/ROOT/balance?currency=NOK');
    expect(balance.body).toMatchObject({ data: { accountId: 'ROOT', currency: 'NOK', posted: '-42' } });
    const entries = await client.get<List<Entry>>('/v1/accounts/ROOT/entries?currency=NOK');
    expect(entries.body.data.map(({ direction, balanceAfter }) => [direction, balanceAfter])).toEqual([
      ['debit', '-42'],
      ['debit', '-30'],
    ]);
  });

  test('needs a currency in a path', async () => {
    for (const path of ['', '/balance', '/entries']) {
      expectError(await client.get(`/v1/accounts/ROOT${path}`), 400, 'validation_error', 'currency');
    }
  });

  test('can be neither changed nor closed, with or without a currency', async () => {
    for (const id of ['ROOT', 'ROOT?currency=EUR']) {
      expectError(await patch(id, { name: 'x' }), 403, 'forbidden');
      expectError(await close(id), 403, 'forbidden');
    }
  });

  test('is in no list of accounts', async () => {
    await client.open({ currency: 'DKK', openingBalance: 30 });
    const lists = [{}, { 'filter[name]': 'ROOT' }, { 'filter[currency]': 'DKK' }];
    for (const filters of lists) {
      const rows = await client.all<Account>('/v1/accounts', { ...filters, 'page[limit]': '100' });
      expect(rows.filter(({ id, name }) => id === 'ROOT' || name === 'ROOT')).toEqual([]);
    }
  });
});

describe('changing', () => {
  test('what is named, and nothing else', async () => {
    const account = await client.open({ externalId: 'before', metadata: { a: 1 }, ownerId: 'o' });
    const answer = await patch(account.id, {
      name: 'New',
      visibility: 'public',
      minBalance: -5,
      maxBalance: '9',
    });
    expect(answer.status).toBe(200);
    const { updatedAt, ...rest } = account;
    expect(answer.body.data).toEqual({
      ...rest,
      name: 'New',
      visibility: 'public',
      minBalance: '-5',
      maxBalance: '9',
      balance: { ...account.balance, available: '5' },
      version: 2,
      updatedAt: expect.stringMatching(timestamp),
    });
    expect(answer.body.data.updatedAt > updatedAt).toBe(true);
    expect(await client.account(account.id)).toEqual(answer.body.data);
  });

  test('null clears what can be cleared', async () => {
    const { id } = await client.open({ externalId: 'cleared', metadata: { a: 1 }, maxBalance: 5 });
    const nothing = { externalId: null, metadata: null, minBalance: null, maxBalance: null };
    expect((await patch(id, nothing)).body.data).toMatchObject({ ...nothing, metadata: {} });
    expect((await open({ name: 'B', currency: 'EUR', externalId: 'cleared' })).status).toBe(201);
  });

  test('metadata is replaced whole', async () => {
    const { id } = await client.open({ metadata: { a: 1, b: 2 } });
    expect((await patch(id, { metadata: { c: 3 } })).body.data.metadata).toEqual({ c: 3 });
  });

  test('nothing changes nothing', async () => {
    const account = await client.open();
    expect((await patch(account.id, {})).status).toBe(200);
    expect((await client.account(account.id)).name).toBe(account.name);
  });

  test('what is so already is answered as it was then, whatever others make of it meanwhile', async () => {
    const { id } = await client.open();
    const names = Array.from({ length: 200 }, (_, n) => ['A', 'A', 'B', 'B'][n % 4]);
    const answers = await Promise.all(names.map((name) => patch(id, { name })));
    expect(answers.map(({ body }) => body.data.name)).toEqual(names);
  });

  const wrong: [string, unknown, string | undefined][] = [
    ['a name of null', { name: null }, 'name'],
    ['a visibility of null', { visibility: null }, 'visibility'],
    ['a status of null', { status: null }, 'status'],
    ['the status closed', { status: 'closed' }, 'status'],
    ['a currency', { currency: 'USD' }, 'currency'],
    ['an ownerId', { ownerId: 'x' }, 'ownerId'],
    ['an openingBalance', { openingBalance: '5' }, 'openingBalance'],
    ['an empty name', { name: '' }, 'name'],
    ['a limit with decimals', { maxBalance: 1.5 }, 'maxBalance'],
    ['a list', [], undefined],
    ['a text', 'x', undefined],
    ['null', null, undefined],
  ];
  test.each(wrong)('%s is refused', async (_, body, path) => {
    const { id } = await client.open();
    expectError(await patch(id, body), 400, 'validation_error', path);
    expect((await client.account(id)).version).toBe(1);
  });

  test('without a body is refused', async () => {
    const { id } = await client.open();
    expectError(await client.send('PATCH', `/v1/accounts/${id}`), 400, 'validation_error');
  });

  test('an externalId that another has is refused, its own is not', async () => {
    const { id } = await client.open({ externalId: 'mine' });
    await client.open({ externalId: 'theirs' });
    expectError(await patch(id, { externalId: 'theirs' }), 409, 'external_id_taken');
    expect((await patch(id, { externalId: 'mine' })).status).toBe(200);
  });

  test('If-Match compares the settings alone: postings in between do not disturb', async () => {
    const { id } = await client.open();
    const etag = await etagOf(id);
    await client.transfer('ROOT', id, 5);
    const answer = await patch(id, { name: 'B' }, { 'if-match': etag });
    expect(answer.status).toBe(200);
    expect(answer.headers.etag).toBe(await etagOf(id));
    expectError(await patch(id, { name: 'C' }, { 'if-match': etag }), 412, 'precondition_failed');
    for (const stale of ['"999.1"', 'W/"2.2"', '"nonsense"']) {
      expectError(await patch(id, { name: 'C' }, { 'if-match': stale }), 412, 'precondition_failed');
    }
    const some = `"999.9", ${await etagOf(id)}`;
    expect((await patch(id, { name: 'C' }, { 'if-match': some })).status).toBe(200);
    expect((await patch(id, { name: 'D' }, { 'if-match': '*' })).status).toBe(200);
    expect((await client.account(id)).name).toBe('D');
  });

  test('limits may be set whatever the balance; from then on they hold', async () => {
    const { id } = await client.open({ openingBalance: 100 });
    expect((await patch(id, { minBalance: 500, maxBalance: 50 })).body.data.balance.available).toBe('-400');
    const pay = (sender: string, recipient: string) =>
      client.post('/v1/transactions', { sender, recipient, amount: 1 });
    expectError(await pay(id, 'ROOT'), 422, 'insufficient_funds');
    expectError(await pay('ROOT', id), 422, 'balance_limit_exceeded');
  });
});

describe('frozen', () => {
  test('refuses both directions until it is opened again', async () => {
    const other = await client.open({ openingBalance: 10 });
    const { id } = await client.open({ openingBalance: 10 });
    expect((await patch(id, { status: 'frozen' })).body.data.status).toBe('frozen');
    const pay = (sender: string, recipient: string) =>
      client.post('/v1/transactions', { sender, recipient, amount: 1 });
    expectError(await pay(id, other.id), 409, 'account_frozen', 'sender');
    expectError(await pay(other.id, id), 409, 'account_frozen', 'recipient');
    expectError(await client.post('/v1/mints', { recipient: id, amount: 1 }), 409, 'account_frozen');
    expectError(await client.post('/v1/burns', { sender: id, amount: 1 }), 409, 'account_frozen');
    expect((await patch(id, { name: 'still mine to name' })).status).toBe(200);
    expect((await patch(id, { status: 'open' })).body.data.status).toBe('open');
    expect((await pay(id, other.id)).status).toBe(201);
  });
});

describe('closing', () => {
  test('answers 204 with nothing, and the account stays readable with its history', async () => {
    const { id } = await client.open({ openingBalance: 10, externalId: 'closed-one' });
    await client.transfer(id, 'ROOT', 10);
    const answer = await close(id);
    expect([answer.status, answer.text]).toEqual([204, '']);
    expect(await client.account(id)).toMatchObject({ status: 'closed', version: 4 });
    expect(await client.all(`/v1/accounts/${id}/entries`)).toHaveLength(2);
    expect(await client.all('/v1/transactions', { 'filter[account]': id })).toHaveLength(2);
    expect(await client.get(`/v1/accounts/${id}/balance`)).toMatchObject({ status: 200 });
    const listed = (filters: Record<string, string>) =>
      client.all<Account>('/v1/accounts', { 'filter[externalId]': 'closed-one', ...filters });
    expect(await listed({})).toEqual([]);
    expect(await listed({ 'filter[status]': 'open' })).toEqual([]);
    expect(await listed({ 'filter[status]': 'closed' })).toMatchObject([{ id, status: 'closed' }]);
    const again = { name: 'B', currency: 'EUR', externalId: 'closed-one' };
    expectError(await open(again), 409, 'external_id_taken');
  });

  test('a closed one refuses everything', async () => {
    const { id } = await client.open();
    await close(id);
    expectError(await patch(id, { name: 'x' }), 409, 'account_closed');
    expectError(await patch(id, {}), 409, 'account_closed');
    expectError(await patch(id, { status: 'open' }), 409, 'account_closed');
    expectError(await close(id), 409, 'account_closed');
    expectError(await client.post('/v1/mints', { recipient: id, amount: 1 }), 409, 'account_closed');
    expectError(await client.post('/v1/burns', { sender: id, amount: 1 }), 409, 'account_closed');
  });

  test('only at zero', async () => {
    const { id } = await client.open({ openingBalance: 1 });
    expectError(await close(id), 409, 'account_not_empty');
    const below = await client.open({ minBalance: null });
    await client.transfer(below.id, id, 1);
    expectError(await close(below.id), 409, 'account_not_empty');
  });

  test('If-Match compares settings and postings', async () => {
    const { id } = await client.open();
    const etag = await etagOf(id);
    await client.transfer('ROOT', id, 5);
    await client.transfer(id, 'ROOT', 5);
    expectError(await close(id, { 'if-match': etag }), 412, 'precondition_failed');
    expect((await close(id, { 'if-match': await etagOf(id) })).status).toBe(204);
  });

  test('If-Unmodified-Since compares when it was changed, in seconds', async () => {
    const { id } = await client.open();
    const answer: Answer = await client.get(`/v1/accounts/${id}`);
    const modified = answer.headers['last-modified'] ?? '';
    const earlier = new Date(Date.parse(modified) - 1000).toUTCString();
    expectError(await close(id, { 'if-unmodified-since': earlier }), 412, 'precondition_failed');
    expect((await close(id, { 'if-unmodified-since': modified })).status).toBe(204);
  });
});

describe('versions', () => {
  test('grow by one with every change of any kind; entry numbers count posted legs', async () => {
    const account = await client.open();
    const other = await client.open();
    await client.transfer('ROOT', account.id, 10);
    await patch(account.id, { name: 'B' });
    const transfer = await client.transfer(account.id, other.id, 4);
    expect(transfer.balances).toEqual([
      { accountId: account.id, posted: '6', available: '6', version: 4 },
      { accountId: other.id, posted: '4', available: '4', version: 2 },
    ]);
    const path = withQuery(`/v1/accounts/${account.id}/entries`, {});
    const { body } = await client.get<List<Entry>>(path);
    expect(body.data.map(({ entryNumber }) => entryNumber)).toEqual([2, 1]);
    expect((await client.account(account.id)).version).toBe(4);
  });
});
