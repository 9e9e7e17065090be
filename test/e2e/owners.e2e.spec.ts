import {
  expectError,
  newKey,
  withQuery,
  type Account,
  type Answer,
  type Client,
  type Entry,
  type JournalEvent,
  type List,
  type One,
  type Transaction,
} from '../support/client.js';
import { startLedgersOfOwners, type LedgersOfOwners } from '../support/ledgers-of-owners.js';

/**
 * One ledger as alice's key sees it, beside a key that is bound to nobody and sees all. Everything else in the
 * ledger is bob's.
 */
let ledgers: LedgersOfOwners;
let all: Client;
let alice: Client;
let bob: Client;
let own: Account;
let second: Account;
/** What alice may name in a call, by what it is to her. */
let targets: Readonly<Record<Target, string>>;

type Target = (typeof targetNames)[number];
const targetNames = ['own', 'public', 'unlisted', 'private', 'unknown', 'ROOT'] as const;
const unknownId = 'acc_01jd3v4wqzfxs9v5n6m7k8h2re';

beforeAll(async () => {
  ledgers = await startLedgersOfOwners();
  all = ledgers.first;
  alice = await ledgers.clientOf(all, 'alice');
  bob = await ledgers.clientOf(all, 'bob');
  const openAs = (ownerId: string, name: string, visibility = 'private') =>
    all.open({ name, visibility, ownerId, externalId: `ext ${name}`, openingBalance: 1_000 });
  own = await openAs('alice', 'Own');
  second = await openAs('alice', 'Second');
  const [shown, unlisted, hidden] = [
    await openAs('bob', 'Public', 'public'),
    await openAs('bob', 'Unlisted', 'unlisted'),
    await openAs('bob', 'Private'),
  ];
  targets = {
    own: own.id,
    public: shown.id,
    unlisted: unlisted.id,
    private: hidden.id,
    unknown: unknownId,
    ROOT: 'ROOT',
  };
  for (const other of [shown, unlisted, hidden]) {
    await all.transfer(own.id, other.id, 10, { reference: `to ${other.name}` });
    await all.transfer(other.id, own.id, 10, { reference: `from ${other.name}` });
  }
  await all.transfer(hidden.id, shown.id, 10, { reference: 'among others', externalId: 'among others' });
}, 60_000);

afterAll(() => ledgers.stop());

/** A status, and of an error its code. */
type Expected = Readonly<Record<Target, string>>;
const money = (target: string) => ({ sender: target, recipient: second.id, amount: 1 });

/** Per route what each target answers: to alice, and to who is bound to nobody. */
const routes: readonly {
  readonly route: string;
  readonly call: (client: Client, target: string) => Promise<Answer>;
  readonly toAlice: Expected;
  readonly toAll: Expected;
}[] = [
  {
    route: 'GET /v1/accounts/{id}',
    call: (client, id) => client.get(`/v1/accounts/${id}${id === 'ROOT' ? '?currency=EUR' : ''}`),
    toAlice: row('200', '200', '200', '404 account_not_found', '404 account_not_found'),
    toAll: row('200', '200', '200', '200', '200'),
  },
  {
    route: 'GET /v1/accounts/{id}/balance',
    call: (client, id) => client.get(`/v1/accounts/${id}/balance${id === 'ROOT' ? '?currency=EUR' : ''}`),
    toAlice: row('200', ...four('404 account_not_found')),
    toAll: row('200', '200', '200', '200', '200'),
  },
  {
    route: 'GET /v1/accounts/{id}/entries',
    call: (client, id) => client.get(`/v1/accounts/${id}/entries${id === 'ROOT' ? '?currency=EUR' : ''}`),
    toAlice: row('200', ...four('404 account_not_found')),
    toAll: row('200', '200', '200', '200', '200'),
  },
  {
    route: 'GET /v1/accounts/{id}/balance?at',
    call: (client, id) =>
      client.get(`/v1/accounts/${id}/balance?at=2098-01-01T00:00:00Z${id === 'ROOT' ? '&currency=EUR' : ''}`),
    toAlice: row('200', ...four('404 account_not_found')),
    toAll: row('200', '200', '200', '200', '200'),
  },
  {
    route: 'GET /v1/accounts/{id}/statement',
    call: (client, id) =>
      client.get(
        `/v1/accounts/${id}/statement?from=2020-01-01T00:00:00Z${id === 'ROOT' ? '&currency=EUR' : ''}`,
      ),
    toAlice: row('200', ...four('404 account_not_found')),
    toAll: row('200', '200', '200', '200', '200'),
  },
  {
    route: 'PATCH /v1/accounts/{id}',
    call: (client, id) => client.patch(`/v1/accounts/${id}`, { metadata: { at: newKey() } }),
    toAlice: row('200', ...three('404 account_not_found'), '403 forbidden'),
    toAll: row('200', '200', '200', '200', '403 forbidden'),
  },
  {
    route: 'DELETE /v1/accounts/{id}',
    call: (client, id) => client.delete(`/v1/accounts/${id}`),
    toAlice: row('409 account_not_empty', ...three('404 account_not_found'), '403 forbidden'),
    toAll: row('409 account_not_empty', ...three('409 account_not_empty'), '403 forbidden'),
  },
  {
    route: 'POST /v1/transactions, as the sender',
    call: (client, id) => client.post('/v1/transactions', money(id)),
    toAlice: row('201', ...three('404 account_not_found'), '403 forbidden'),
    toAll: row('201', '201', '201', '201', '201'),
  },
  {
    route: 'POST /v1/transactions, as the recipient',
    call: (client, recipient) => client.post('/v1/transactions', { ...money(second.id), recipient }),
    toAlice: row('201', '201', '201', '404 account_not_found', '403 forbidden'),
    toAll: row('201', '201', '201', '201', '201'),
  },
  {
    route: 'POST /v1/transactions, in a second posting',
    call: (client, id) => client.post('/v1/transactions', { postings: [money(own.id), money(id)] }),
    toAlice: row('201', ...three('404 account_not_found'), '403 forbidden'),
    toAll: row('201', '201', '201', '201', '201'),
  },
  {
    route: 'POST /v1/transactions, in a condition',
    call: (client, accountId) =>
      client.post('/v1/transactions', { ...money(own.id), conditions: [{ accountId, version: 999_999 }] }),
    toAlice: row('409 version_conflict', ...three('404 account_not_found'), '403 forbidden'),
    toAll: row('409 version_conflict', ...three('409 version_conflict'), '409 version_conflict'),
  },
  {
    route: 'POST /v1/transactions/batch',
    call: (client, id) =>
      client.post('/v1/transactions/batch', { mode: 'atomic', transactions: [money(own.id), money(id)] }),
    toAlice: row('200 some', ...three('422 batch_refused'), '422 batch_refused'),
    toAll: row('200 some', '200 some', '200 some', '200 some', '200 some'),
  },
  {
    route: 'POST /v1/mints',
    call: (client, recipient) => client.post('/v1/mints', { recipient, amount: 1 }),
    toAlice: row('403 forbidden', ...four('403 forbidden'), '403 forbidden'),
    toAll: row('201', '201', '201', '201', '422 same_account'),
  },
  {
    route: 'POST /v1/burns',
    call: (client, sender) => client.post('/v1/burns', { sender, amount: 1 }),
    toAlice: row('403 forbidden', ...four('403 forbidden'), '403 forbidden'),
    toAll: row('201', '201', '201', '201', '422 same_account'),
  },
  {
    route: 'GET /v1/trial-balance',
    call: (client) => client.get('/v1/trial-balance'),
    toAlice: row('403 forbidden', ...four('403 forbidden'), '403 forbidden'),
    toAll: row('200', '200', '200', '200', '200'),
  },
  {
    route: 'GET /v1/transactions?filter[account]',
    call: (client, id) => client.get(withQuery('/v1/transactions', { 'filter[account]': id })),
    toAlice: row('200 some', '200 some', '200 some', '200 none', '403 forbidden', '200 none'),
    toAll: row('200 some', '200 some', '200 some', '200 some', '200 some', '200 none'),
  },
  {
    route: 'GET /v1/transactions?filter[sender]',
    call: (client, id) => client.get(withQuery('/v1/transactions', { 'filter[sender]': id })),
    toAlice: row('200 some', '200 some', '200 some', '200 none', '403 forbidden', '200 none'),
    toAll: row('200 some', '200 some', '200 some', '200 some', '200 some', '200 none'),
  },
  {
    route: 'GET /v1/transactions?filter[recipient]',
    call: (client, id) => client.get(withQuery('/v1/transactions', { 'filter[recipient]': id })),
    toAlice: row('200 some', '200 some', '200 some', '200 none', '403 forbidden', '200 none'),
    toAll: row('200 some', '200 some', '200 some', '200 some', '200 some', '200 none'),
  },
  {
    route: 'GET /v1/accounts?filter[externalId]',
    call: async (client, id) => {
      const names: Record<string, string> = { [targets.own]: 'Own', [targets.public]: 'Public' };
      Object.assign(names, { [targets.unlisted]: 'Unlisted', [targets.private]: 'Private' });
      return client.get(withQuery('/v1/accounts', { 'filter[externalId]': `ext ${names[id] ?? id}` }));
    },
    toAlice: row('200 some', '200 some', '200 none', '200 none', '200 none', '200 none'),
    toAll: row('200 some', '200 some', '200 some', '200 some', '200 none', '200 none'),
  },
];

/** What an unknown account answers is what a private one of another's answers, unless told otherwise. */
function row(
  own: string,
  shown: string,
  unlisted: string,
  hidden: string,
  root: string,
  unknown = hidden.startsWith('4') ? hidden : '404 account_not_found',
): Expected {
  return { own, public: shown, unlisted, private: hidden, ROOT: root, unknown };
}
function three(each: string) {
  return [each, each, each] as const;
}
function four(each: string) {
  return [each, each, each, each] as const;
}

function told({ status, body }: Answer): string {
  const { error, data } = body as { error?: { code: string }; data?: unknown };
  if (error) return `${status} ${error.code}`;
  return `${status}${Array.isArray(data) ? ` ${data.length > 0 ? 'some' : 'none'}` : ''}`;
}
const isPlain = (expected: string) => /^\d+$/.test(expected);

describe.each(routes)('$route', ({ call, toAlice, toAll }) => {
  it.each(targetNames)("answers alice's key of %s as the table says", async (target) => {
    const answer = told(await call(alice, targets[target]));
    expect(isPlain(toAlice[target]) ? answer.slice(0, 3) : answer).toBe(toAlice[target]);
  });

  it.each(targetNames)('answers a key that is bound to nobody of %s', async (target) => {
    if (target === 'unknown') return;
    const answer = told(await call(all, targets[target]));
    expect(isPlain(toAll[target]) ? answer.slice(0, 3) : answer).toBe(toAll[target]);
  });

  it('tells no private account from one that does not exist', async () => {
    const [hidden, unknown] = await Promise.all([call(alice, targets.private), call(alice, unknownId)]);
    const said = ({ text }: Answer) =>
      text.replace(/"requestId":"[^"]*"/, '').replace(/"position":"\d+"/, '');
    expect(said(hidden)).toBe(said(unknown));
  });
});

describe('what is shown of others', () => {
  it('is the account alone, without its balance', async () => {
    for (const target of ['public', 'unlisted'] as const) {
      const { body } = await alice.get<One<Account>>(`/v1/accounts/${targets[target]}`);
      expect(body.data).toMatchObject({ id: targets[target], ownerId: 'bob' });
      expect(body.data).not.toHaveProperty('balance');
    }
    expect((await alice.account(own.id)).balance.posted).toBeDefined();
    expect((await all.account(targets.public)).balance).toBeDefined();
  });

  it('in the list of accounts is what is public', async () => {
    const names = async (client: Client, parameters: Record<string, string> = {}) =>
      (await client.all<Account>('/v1/accounts', parameters)).map(({ name }) => name);
    expect(await names(alice)).toEqual(['Public', 'Second', 'Own']);
    expect(await names(bob)).toEqual(['Private', 'Unlisted', 'Public']);
    expect(await names(all)).toEqual(['Private', 'Unlisted', 'Public', 'Second', 'Own']);
    expect(await names(alice, { 'filter[ownerId]': 'bob' })).toEqual(['Public']);
    expect(await names(alice, { 'filter[visibility]': 'private' })).toEqual(['Second', 'Own']);
    expect(await names(alice, { 'filter[visibility]': 'unlisted' })).toEqual([]);
    expect(await names(alice, { 'filter[name]': 'riva' })).toEqual([]);
    const { body } = await alice.get<List<Account>>('/v1/accounts?page[total]=true&page[limit]=1');
    expect(body.meta.page.total).toBe(3);
    for (const account of body.data) expect('balance' in account).toBe(account.ownerId === 'alice');
  });

  it('of a transaction is the other side where it may be known, and the own balance', async () => {
    const body = { sender: own.id, recipient: targets.public, amount: 1 };
    const answer = await alice.post<One<Transaction>>('/v1/transactions', body);
    expect(answer.body.data).toMatchObject({ sender: own.id, recipient: targets.public });
    expect(answer.body.data.balances.map(({ accountId }) => accountId)).toEqual([own.id]);

    for (const client of [alice, all]) {
      const rows = await client.all<Transaction>('/v1/transactions', { 'filter[reference]': 'private' });
      const shown = client === alice ? null : targets.private;
      expect(rows.map(({ sender, recipient }) => [sender, recipient])).toEqual([
        [shown, own.id],
        [own.id, shown],
      ]);
      for (const transaction of rows) {
        expect(transaction.postings).toMatchObject([
          { sender: transaction.sender, recipient: transaction.recipient },
        ]);
        const { body: one } = await client.get<One<Transaction>>(`/v1/transactions/${transaction.id}`);
        expect(one.data).toEqual(transaction);
      }
    }
  });

  it('is no transaction among others', async () => {
    const [hidden] = await all.all<Transaction>('/v1/transactions', { 'filter[reference]': 'among' });
    expectError(await alice.get(`/v1/transactions/${hidden!.id}`), 404, 'transaction_not_found');
    expect((await bob.get(`/v1/transactions/${hidden!.id}`)).status).toBe(200);
    for (const filter of [
      { 'filter[reference]': 'among' },
      { 'filter[externalId]': 'among others' },
      { 'filter[sender]': targets.private, 'filter[recipient]': targets.public },
    ]) {
      expect(await alice.all('/v1/transactions', filter as Record<string, string>)).toEqual([]);
    }
    const own = await alice.all<Transaction>('/v1/transactions');
    const ownIds = new Set(own.map(({ id }) => id));
    const whole = await all.all<Transaction>('/v1/transactions');
    expect(whole.filter(({ id }) => !ownIds.has(id)).length).toBeGreaterThan(3);
    const { body } = await alice.get<List<Transaction>>('/v1/transactions?page[total]=true');
    expect(body.meta.page.total).toBe(own.length);
  });

  it('of an entry is the counterparty where it may be known', async () => {
    const counterparties = async (client: Client) => {
      const rows = await client.all<Entry>(`/v1/accounts/${own.id}/entries`);
      return new Map(rows.map(({ reference, counterparty }) => [reference, counterparty]));
    };
    const toAlice = await counterparties(alice);
    expect(toAlice.get('to Private')).toBeNull();
    expect(toAlice.get('to Unlisted')).toBe(targets.unlisted);
    expect((await counterparties(all)).get('to Private')).toBe(targets.private);
  });

  it('of the journal are the events of own accounts, without what could tell of others', async () => {
    const whole = await all.journal();
    const part = await alice.journal(3);
    const isAlices = (event: JournalEvent) =>
      event.data['ownerId'] === 'alice' ||
      JSON.stringify(event.data).includes(own.id) ||
      JSON.stringify(event.data).includes(second.id);
    expect(part.map(({ position }) => position)).toEqual(
      whole.filter(isAlices).map(({ position }) => position),
    );
    expect(part.length).toBeLessThan(whole.length);
    for (const event of part) {
      const { actor, idempotencyKey, requestHash, dataText, dataSalt } = event;
      expect([actor, idempotencyKey, requestHash, dataText, dataSalt]).toEqual(Array(5).fill(null));
      expect(event.hash).toBe(whole.find(({ id }) => id === event.id)!.hash);
      expect(JSON.stringify(event)).not.toContain(targets.private);
    }
  });

  it('ends the journal at its head, whoever reads', async () => {
    type Page = { data: unknown[]; meta: { headPosition: string; nextAfter: string } };
    const { body: whole } = await all.get<Page>('/v1/events?limit=1');
    const { body } = await alice.get<Page>('/v1/events?limit=1000');
    expect(body.meta).toEqual({
      headPosition: whole.meta.headPosition,
      nextAfter: whole.meta.headPosition,
    });
    const beyond = await alice.get<Page>('/v1/events?after=999999999');
    expect(beyond.body).toMatchObject({ data: [], meta: { nextAfter: '999999999' } });
  });
});

describe('what becomes of a transaction', () => {
  const end = (client: Client, id: string, verb: string) => client.post(`/v1/transactions/${id}/${verb}`, {});
  const longer = { expiresAt: '2099-01-01T00:00:00Z' };

  it('is for the owner of who gets the money, where it is held', async () => {
    for (const verb of ['capture', 'void']) {
      const given = await all.hold(own.id, targets.public, 1);
      expectError(await end(alice, given.id, verb), 403, 'forbidden');
      expect((await end(bob, given.id, verb)).status).toBeLessThan(300);
      const got = await all.hold(targets.private, own.id, 1);
      const answer = await end(alice, got.id, verb);
      expect(answer.status).toBeLessThan(300);
      expect(answer.text).not.toContain(targets.private);
      const { balances } = (answer.body as One<Transaction>).data;
      expect(balances.map(({ accountId }) => accountId)).toEqual([own.id]);
      const others = await all.hold(targets.private, targets.public, 1);
      expectError(await end(alice, others.id, verb), 404, 'transaction_not_found');
    }
  });

  it('is for the owner who gives it back, where it is reversed', async () => {
    const paid = await all.transfer(own.id, targets.public, 1);
    expectError(await end(alice, paid.id, 'reverse'), 403, 'forbidden');
    expect((await end(bob, paid.id, 'reverse')).status).toBe(201);
    const got = await all.transfer(targets.private, own.id, 1);
    const answer = await end(alice, got.id, 'reverse');
    expect([answer.status, (answer.body as One<Transaction>).data.recipient]).toEqual([201, null]);
    const others = await all.transfer(targets.private, targets.public, 1);
    expectError(await end(alice, others.id, 'reverse'), 404, 'transaction_not_found');
  });

  it('gets more time from a key that is bound to nobody, whatever else is wrong', async () => {
    const { id } = await all.hold(targets.private, own.id, 1);
    const extend = (client: Client, body: object) => client.patch(`/v1/transactions/${id}/hold`, body);
    for (const body of [longer, { expiresAt: 'x' }, { nonsense: 1 }]) {
      expectError(await extend(alice, body), 403, 'forbidden');
    }
    expect((await extend(all, longer)).status).toBe(200);
    await end(all, id, 'void');
  });

  it('shows to who has a side of it, and in no list of others', async () => {
    const { id } = await all.hold(targets.private, own.id, 5, { reference: 'held for alice' });
    await end(all, id, 'capture');
    const captures = await alice.all<Transaction>('/v1/transactions', { 'filter[type]': 'capture' });
    expect(captures.filter(({ parentId }) => parentId === id)).toMatchObject([
      { sender: null, recipient: own.id },
    ]);
    const events = (await alice.journal()).filter(({ data }) => [data['id'], data['parentId']].includes(id));
    expect(events.map(({ type }) => type)).toEqual(['transaction.pending', 'transaction.captured']);
    expect(JSON.stringify(events)).not.toContain(targets.private);
  });
});

describe('what an owner may not say', () => {
  const opening = { name: 'x', currency: 'EUR' };
  it.each([
    ['ownerId', { ownerId: 'alice' }],
    ['ownerId', { ownerId: null }],
    ['minBalance', { minBalance: '0' }],
    ['maxBalance', { maxBalance: null }],
    ['openingBalance', { openingBalance: 1 }],
  ])('when opening an account: %s', async (path, fields) => {
    expectError(await alice.post('/v1/accounts', { ...opening, ...fields }), 403, 'forbidden', path);
  });

  it.each([
    ['minBalance', { minBalance: '5' }],
    ['maxBalance', { maxBalance: '5' }],
    ['status', { status: 'open' }],
  ])('when changing one: %s', async (path, fields) => {
    expectError(await alice.patch(`/v1/accounts/${own.id}`, fields), 403, 'forbidden', path);
    // The same of another's: it is told before the account is looked for.
    expectError(await alice.patch(`/v1/accounts/${targets.private}`, fields), 403, 'forbidden', path);
  });

  it('is told after what is malformed, and before idempotency', async () => {
    const key = newKey();
    expect((await alice.post('/v1/accounts', opening, { key })).status).toBe(201);
    expectError(await alice.post('/v1/accounts', { ...opening, ownerId: 'x' }, { key }), 403, 'forbidden');
    expectError(await alice.post('/v1/accounts', { ...opening, ownerId: '' }), 400, 'validation_error');
    const toRoot = { sender: own.id, recipient: 'ROOT', amount: 1 };
    expectError(await alice.post('/v1/transactions', toRoot, { key }), 403, 'forbidden', 'recipient');
    expectError(await alice.post('/v1/transactions', { ...toRoot, amount: 0 }), 400, 'validation_error');
  });

  it.each<[string, () => object]>([
    ['exchangeRate', () => ({ ...money(own.id), exchangeRate: '2' })],
    [
      'postings[1].exchangeRate',
      () => ({ postings: [money(own.id), { ...money(own.id), exchangeRate: '2' }] }),
    ],
    ['postings[0].sender', () => ({ postings: [money('ROOT'), money(own.id)] })],
    [
      'conditions[0].accountId',
      () => ({ ...money(own.id), conditions: [{ accountId: 'ROOT', minPosted: 0 }] }),
    ],
  ])('when moving money: %s', async (path, body) => {
    expectError(await alice.post('/v1/transactions', body()), 403, 'forbidden', path);
  });

  it('when reading what is of the whole ledger: all but its rates', async () => {
    expect((await alice.get('/v1/exchange-rates')).status).toBe(200);
    for (const path of ['/v1/currencies', '/v1/periods/closed-through'])
      expectError(await alice.get(path), 403, 'forbidden');
    expectError(await alice.post('/v1/currencies', {}), 403, 'forbidden');
    expectError(await alice.put('/v1/exchange-rates/EUR/USD', {}), 403, 'forbidden');
    await all.put('/v1/exchange-rates/EUR/USD', { rate: '1.1' });
    const events = await alice.journal();
    expect(events.filter(({ type }) => type === 'exchange-rate.set')).toEqual([]);
  });

  it('is what a route of money from or to ROOT asks for, before its body is read', async () => {
    expectError(await alice.post('/v1/mints', {}), 403, 'forbidden');
    expectError(await alice.post('/v1/burns', {}), 403, 'forbidden');
    expectError(await all.post('/v1/mints', {}), 400, 'validation_error');
  });

  it('leaves what they open in their hands', async () => {
    const account = await alice.open({ name: 'Third', visibility: 'unlisted' });
    expect(account).toMatchObject({ ownerId: 'alice', minBalance: '0', balance: { posted: '0' } });
    expect((await alice.transfer(own.id, account.id, 1)).type).toBe('transfer');
    expect((await alice.transfer(account.id, own.id, 1)).type).toBe('transfer');
    expectError(await bob.delete(`/v1/accounts/${account.id}`), 404, 'account_not_found');
    expect((await alice.delete(`/v1/accounts/${account.id}`)).status).toBe(204);
  });
});

describe('idempotency keys', () => {
  it('are apart per owner, and a replay shows what the first answer did', async () => {
    const key = newKey();
    const body = (sender: string) => ({ sender, recipient: targets.public, amount: 1 });
    const first = await alice.post('/v1/transactions', body(own.id), { key });
    const again = await alice.post('/v1/transactions', body(own.id), { key });
    expect(again.text).toBe(first.text);
    expect(again.headers['idempotency-replayed']).toBe('true');
    const bobs = await bob.post<One<Transaction>>('/v1/transactions', body(targets.private), { key });
    expect(bobs.status).toBe(201);
    expect(bobs.headers['idempotency-replayed']).toBeUndefined();
    const unbound = await all.post('/v1/transactions', body(own.id), { key });
    expect(unbound.status).toBe(201);
    expect(unbound.headers['idempotency-replayed']).toBeUndefined();
  });
});

test('what is malformed is told before what is forbidden, and before what is not there', async () => {
  const tooDeep = { 'page[page]': '501', 'page[limit]': '20' };
  const ofRoot = withQuery('/v1/transactions', { 'filter[account]': 'ROOT', ...tooDeep });
  expectError(await alice.get(ofRoot), 400, 'page_too_deep');
  expectError(await all.get(withQuery('/v1/accounts/acc_1/entries', tooDeep)), 400, 'page_too_deep');
  expectError(await all.get('/v1/accounts/acc_1?currency=EUR'), 400, 'validation_error', 'currency');
});
