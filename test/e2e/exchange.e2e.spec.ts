import {
  expectError,
  newKey,
  startService,
  timestamp,
  type Account,
  type Client,
  type List,
  type One,
  type Service,
  type Transaction,
} from '../support/client.js';

let service: Service;
let client: Client;
let euros: Account;
let dollars: Account;
let yen: Account;

beforeAll(async () => {
  service = await startService();
  client = service.client;
}, 60_000);

beforeEach(async () => {
  euros = await client.open({ name: 'Euros', currency: 'EUR', openingBalance: 100_000 });
  dollars = await client.open({ name: 'Dollars', currency: 'USD', openingBalance: 100_000 });
  yen = await client.open({ name: 'Yen', currency: 'JPY', openingBalance: 100_000 });
});

afterAll(() => service.stop());

interface Rate {
  readonly from: string;
  readonly to: string;
  readonly rate: string;
  readonly position: string;
  readonly setAt: string;
}

const setRate = (from: string, to: string, rate: unknown) =>
  client.put<One<Rate>>(`/v1/exchange-rates/${from}/${to}`, { rate });
const create = (body: object) => client.post<One<Transaction>>('/v1/transactions', body);
const exchange = (sender: Account, recipient: Account, amount: number | string, fields: object = {}) =>
  create({ sender: sender.id, recipient: recipient.id, amount, ...fields });
const posted = async (account: Account) => (await client.account(account.id)).balance.posted;

async function sumsAreZero(): Promise<void> {
  const { body } = await client.get<{ data: { currency: string; difference: string }[] }>(
    '/v1/trial-balance',
  );
  expect(body.data.length).toBeGreaterThan(2);
  for (const { currency, difference } of body.data) expect([currency, difference]).toEqual([currency, '0']);
}

/** The ledger's open position in a currency. */
const positionIn = async (currency: string) =>
  BigInt(
    (await client.get<One<Account>>(`/v1/accounts/EXCHANGE?currency=${currency}`)).body.data.balance.posted,
  );

describe('rates', () => {
  test('are set, replaced and listed, the newest first', async () => {
    const first = await setRate('CHF', 'SEK', '11.2');
    expect([first.status, first.body.data]).toEqual([
      200,
      {
        from: 'CHF',
        to: 'SEK',
        rate: '11.2',
        position: expect.stringMatching(/^\d+$/),
        setAt: expect.stringMatching(timestamp),
      },
    ]);
    await setRate('CHF', 'DKK', '7.7');
    const again = await setRate('CHF', 'SEK', '11.25');
    const { body } = await client.get<List<Rate>>('/v1/exchange-rates?filter[from]=CHF');
    expect(body.data).toEqual([again.body.data, expect.objectContaining({ to: 'DKK' })]);
    expect(Number(body.meta.position)).toBeGreaterThanOrEqual(Number(again.body.data.position));
    expect(body.meta.page).toMatchObject({ limit: 20, number: 1, hasMore: false });
    const pages = await client.all<Rate>('/v1/exchange-rates', { 'filter[from]': 'CHF', 'page[limit]': '1' });
    expect(pages).toEqual(body.data);
    const one = await client.get<List<Rate>>('/v1/exchange-rates?filter[to]=SEK&page[total]=true');
    expect([one.body.data.length, one.body.meta.page.total]).toEqual([1, 1]);
    const history = (await client.journal()).filter(({ data }) => data['to'] === 'SEK');
    expect(history.map(({ type, data }) => [type, data['rate']])).toEqual([
      ['exchange-rate.set', '11.2'],
      ['exchange-rate.set', '11.25'],
    ]);
    expect(history[1]!.data).toEqual(again.body.data);
  });

  test.each([
    '0',
    '0.0',
    '-1',
    '1,5',
    '1e3',
    '.5',
    '1.',
    '01',
    '+1',
    ' 1',
    '',
    '1'.repeat(19),
    `0.${'1'.repeat(19)}`,
    1.5,
    1,
    null,
    undefined,
  ])('%j is none', async (rate) => {
    expectError(await setRate('EUR', 'GBP', rate), 400, 'validation_error', 'rate');
  });

  test.each(['1', '0.000001', '123456789.123456789', `0.${'1'.repeat(18)}`, '9'.repeat(18)])(
    '%s is one',
    async (rate) => {
      expect((await setRate('EUR', 'GBP', rate)).body.data.rate).toBe(rate);
    },
  );

  test('are between two currencies of the ledger', async () => {
    expectError(await setRate('EUR', 'XYZ', '1'), 422, 'unknown_currency', 'to');
    expectError(await setRate('XYZ', 'EUR', '1'), 422, 'unknown_currency', 'from');
    expectError(await setRate('EUR', 'EUR', '1'), 422, 'currency_mismatch');
    expectError(await setRate('E%00', 'USD', '1'), 404, 'not_found');
    expectError(await setRate('E-R', 'USD', '1'), 404, 'not_found');
    expectError(
      await client.put('/v1/exchange-rates/EUR/USD', { rate: '1', x: 1 }),
      400,
      'validation_error',
      'x',
    );
  });
});

describe('an exchange', () => {
  test('without a rate is refused, and names it', async () => {
    const answer = await exchange(dollars, yen, 1);
    expectError(answer, 422, 'exchange_rate_missing');
  });

  test('is made at the ledger’s rate, through EXCHANGE of both currencies', async () => {
    await setRate('EUR', 'USD', '1.0837');
    const before = [await exchangeOf('EUR'), await exchangeOf('USD')];
    const { status, body } = await exchange(euros, dollars, '250', { reference: 'Into dollars' });
    expect(status).toBe(201);
    // 250 × 1.0837 = 270.925
    expect(body.data).toMatchObject({
      type: 'exchange',
      sender: euros.id,
      recipient: dollars.id,
      amount: '250',
      currency: 'EUR',
      postings: [
        { sender: euros.id, recipient: 'EXCHANGE', amount: '250', currency: 'EUR' },
        { sender: 'EXCHANGE', recipient: dollars.id, amount: '271', currency: 'USD' },
      ],
      meta: { exchangeRate: '1.0837', convertedAmount: '271', rounding: 'half-even' },
    });
    expect([await posted(euros), await posted(dollars)]).toEqual(['99750', '100271']);
    expect([await exchangeOf('EUR'), await exchangeOf('USD')]).toEqual([
      before[0]! + 250n,
      before[1]! - 271n,
    ]);
    await sumsAreZero();
    const { balances: _, ...shown } = body.data;
    expect(await client.transaction(body.data.id)).toEqual(shown);
    const filters = { 'filter[type]': 'exchange', 'filter[account]': 'EXCHANGE', 'filter[sender]': euros.id };
    const listed = await client.all<Transaction>('/v1/transactions', filters);
    expect(listed.map(({ id }) => id)).toEqual([body.data.id]);
  });

  const exchangeOf = async (currency: string) => {
    const { status } = await client.get(`/v1/accounts/EXCHANGE?currency=${currency}`);
    return status === 404 ? 0n : await positionIn(currency);
  };

  test.each([
    // [amount in the sender's minor units, rate, expected]: half to even, exponents applied.
    ['EUR to JPY', 5, '160.5', '8'],
    ['EUR to JPY', 1, '50', null],
    ['EUR to JPY', 3, '50', '2'],
    ['EUR to JPY', 5, '50', '2'],
    ['EUR to JPY', 7, '50', '4'],
    ['JPY to EUR', 100, '0.00625', '62'],
    ['JPY to EUR', 100, '0.00635', '64'],
  ])('%s of %d at %s is %s', async (pair, amount, exchangeRate, expected) => {
    const [sender, recipient] = pair.startsWith('EUR') ? [euros, yen] : [yen, euros];
    const answer = await exchange(sender, recipient, amount, { exchangeRate });
    if (expected === null) expectError(answer, 422, 'amount_too_small', 'amount');
    else expect(answer.body.data.meta).toMatchObject({ convertedAmount: expected });
  });

  test('between equal currencies takes no rate', async () => {
    const other = await client.open();
    expectError(
      await exchange(euros, other, 1, { exchangeRate: '1' }),
      422,
      'currency_mismatch',
      'exchangeRate',
    );
  });

  test('of several postings tells of each', async () => {
    await setRate('EUR', 'USD', '2');
    const postings = [
      { sender: euros.id, recipient: dollars.id, amount: 10 },
      { sender: euros.id, recipient: yen.id, amount: 100, exchangeRate: '150' },
    ];
    const { body } = await create({ postings });
    expect(body.data).toMatchObject({
      type: 'exchange',
      sender: null,
      amount: null,
      meta: {
        exchanges: [
          { posting: 0, exchangeRate: '2', convertedAmount: '20' },
          { posting: 2, exchangeRate: '150', convertedAmount: '150' },
        ],
        rounding: 'half-even',
      },
    });
    expect(body.data.postings).toHaveLength(4);
    await sumsAreZero();
  });

  test('that is held keeps its rate', async () => {
    await setRate('EUR', 'USD', '2');
    const hold = (await exchange(euros, dollars, 100, { pending: true })).body.data;
    expect(hold).toMatchObject({ status: 'pending', amount: '100', remainingAmount: '100' });
    await setRate('EUR', 'USD', '3');
    const capture = async (body: object) =>
      (await client.post<One<Transaction>>(`/v1/transactions/${hold.id}/capture`, body)).body.data;
    expect(await capture({ amount: 33 })).toMatchObject({ amount: '33', meta: { convertedAmount: '66' } });
    expect(await capture({})).toMatchObject({ amount: '67', meta: { convertedAmount: '134' } });
    expect(await posted(dollars)).toBe('100200');
    await sumsAreZero();
  });

  test('gives back the same share of both sides, and the last reversal all', async () => {
    const made = (await exchange(euros, dollars, 100, { exchangeRate: '1.11' })).body.data;
    const reverse = async (body: object) =>
      (await client.post<One<Transaction>>(`/v1/transactions/${made.id}/reverse`, body)).body.data;
    const first = await reverse({ amount: 50 });
    expect(first).toMatchObject({ type: 'reversal', sender: dollars.id, recipient: euros.id });
    expect(first.postings.map(({ sender, recipient, amount }) => [sender, recipient, amount])).toEqual(
      expect.arrayContaining([
        ['EXCHANGE', euros.id, '50'],
        [dollars.id, 'EXCHANGE', '56'],
      ]),
    );
    await reverse({});
    expect([await posted(euros), await posted(dollars)]).toEqual(['100000', '100000']);
    expect(await client.transaction(made.id)).toMatchObject({ reversedAmount: '100' });
    await sumsAreZero();
  });
});

describe('EXCHANGE', () => {
  test('is in paths and filters as ROOT is, in no list, and nobody changes it', async () => {
    await exchange(euros, dollars, 10, { exchangeRate: '1' });
    for (const part of ['', '/balance', '/entries', '/statement']) {
      const query = part === '/statement' ? '&from=2020-01-01T00:00:00Z' : '';
      const path = `/v1/accounts/EXCHANGE${part}`;
      expect((await client.get(`${path}?currency=EUR${query}`)).status).toBe(200);
      expectError(await client.get(`${path}?${query.slice(1)}`), 400, 'validation_error', 'currency');
    }
    expectError(await client.get('/v1/accounts/EXCHANGE?currency=KWD'), 404, 'account_not_found');
    expectError(await client.patch('/v1/accounts/EXCHANGE', { name: 'x' }), 403, 'forbidden');
    expectError(await client.delete('/v1/accounts/EXCHANGE'), 403, 'forbidden');
    const names = (await client.all<Account>('/v1/accounts')).map(({ id }) => id);
    expect(names).not.toContain('EXCHANGE');
    const { body } = await client.get<{ data: { currency: string; accounts: number }[] }>(
      '/v1/trial-balance',
    );
    expect(body.data.map(({ currency }) => currency)).toEqual(expect.arrayContaining(['EUR', 'USD']));
  });

  test.each(['sender', 'recipient'])('is no %s', async (side) => {
    const body = { sender: euros.id, recipient: dollars.id, amount: 1, [side]: 'EXCHANGE' };
    expectError(await create(body), 400, 'validation_error', side);
  });
});

describe('a rate of the request’s own', () => {
  test('needs admin, and who is bound to an owner can’t say it', async () => {
    const keyWith = async (fields: object) => {
      const key = { name: 'A key', rateLimitPerMinute: null, ...fields };
      const { secret } = (await client.post<One<{ secret: string }>>('/v1/api-keys', key)).body.data;
      return { headers: { authorization: `Bearer ${secret}` } };
    };
    const body = { sender: euros.id, recipient: dollars.id, amount: 1, exchangeRate: '2' };
    const plain = await keyWith({ scopes: ['transactions:write'] });
    expectError(await client.post('/v1/transactions', body, plain), 403, 'forbidden');
    expectError(
      await client.post('/v1/transactions', { ...body, amount: 0 }, plain),
      400,
      'validation_error',
    );
    const admin = await keyWith({ scopes: ['transactions:write', 'admin'] });
    expect((await client.post('/v1/transactions', body, admin)).status).toBe(201);
    const bound = await keyWith({ scopes: ['transactions:write', 'admin'], ownerId: 'alice' });
    const { exchangeRate: _, ...rest } = body;
    expectError(await client.post('/v1/transactions', body, bound), 403, 'forbidden', 'exchangeRate');
    const several = { postings: [rest, body] };
    expectError(
      await client.post('/v1/transactions', several, bound),
      403,
      'forbidden',
      'postings[1].exchangeRate',
    );
    expectError(await client.put('/v1/exchange-rates/EUR/USD', { rate: '1' }, plain), 403, 'forbidden');
    expectError(await client.put('/v1/exchange-rates/EUR/USD', { rate: '1' }, bound), 403, 'forbidden');
  });
});

describe('own currencies', () => {
  const add = (code: unknown, exponent: unknown = 0, name: unknown = 'Points', key?: string) =>
    client.post<One<{ code: string }>>('/v1/currencies', { code, exponent, name }, key ? { key } : {});

  test('are added once, listed, and used like any other', async () => {
    const key = newKey();
    const added = await add('MILES', 0, 'Bonus miles', key);
    expect([added.status, added.body.data]).toEqual([
      201,
      { code: 'MILES', exponent: 0, name: 'Bonus miles', createdAt: expect.stringMatching(timestamp) },
    ]);
    const again = await add('MILES', 0, 'Bonus miles', key);
    expect([again.status, again.text, again.headers['idempotency-replayed']]).toEqual([
      201,
      added.text,
      'true',
    ]);
    expectError(await add('MILES', 2), 409, 'currency_exists', 'code');
    expectError(await add('EUR', 2), 409, 'currency_exists', 'code');
    await add('GRAIN', 18, 'Grains');
    const { body } = await client.get<List<{ code: string }>>('/v1/currencies');
    expect(body.data.map(({ code }) => code)).toEqual(['GRAIN', 'MILES']);

    const miles = await client.open({ currency: 'MILES', openingBalance: 500 });
    expect(miles).toMatchObject({ currency: 'MILES', balance: { posted: '500' } });
    await setRate('EUR', 'MILES', '10');
    // 2.50 EUR are 25 miles: the exponents are 2 and 0.
    expect((await exchange(euros, miles, 250)).body.data.meta).toMatchObject({ convertedAmount: '25' });
    const grain = await client.open({ currency: 'GRAIN' });
    await setRate('MILES', 'GRAIN', '0.000000000000000001');
    expect((await exchange(miles, grain, 7)).body.data.meta).toMatchObject({ convertedAmount: '7' });
    await sumsAreZero();
  });

  test('that nobody added have no accounts', async () => {
    const body = { name: 'A', currency: 'POINTS' };
    expectError(await client.post('/v1/accounts', body), 422, 'unknown_currency', 'currency');
  });

  test.each<[string, unknown, unknown, unknown]>([
    ['code', '', 0, 'x'],
    ['code', 'A B', 0, 'x'],
    ['code', 'x'.repeat(33), 0, 'x'],
    ['code', 5, 0, 'x'],
    ['exponent', 'PTS', -1, 'x'],
    ['exponent', 'PTS', 19, 'x'],
    ['exponent', 'PTS', '2', 'x'],
    ['exponent', 'PTS', 1.5, 'x'],
    ['name', 'PTS', 2, ''],
    ['name', 'PTS', 2, null],
  ])('with a wrong %s are refused: %j %j %j', async (path, code, exponent, name) => {
    expectError(await add(code, exponent, name), 400, 'validation_error', path);
  });

  test('of two that come at once with one code, one is added', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => add('RACE')));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array<number>(19).fill(409)]);
  });
});

test('exchanges in all directions at once leave every currency at zero', async () => {
  await setRate('EUR', 'USD', '1.0837');
  await setRate('USD', 'EUR', '0.9228');
  await setRate('EUR', 'JPY', '161.37');
  await setRate('JPY', 'EUR', '0.0062');
  const accounts = [euros, dollars, yen];
  const answers = await Promise.all(
    Array.from({ length: 200 }, (_, n) =>
      exchange(accounts[n % 3]!, accounts[(n * 2 + 1) % 3]!, (n % 50) + 100),
    ),
  );
  expect(answers.filter(({ status }) => status === 201).length).toBeGreaterThan(20);
  for (const { status } of answers) expect([201, 422]).toContain(status);
  await sumsAreZero();
});
