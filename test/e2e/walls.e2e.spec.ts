import { encodeTypeId } from '#contracts';
import { newUuid } from '#platform';
import type { OpenApiDocument } from '../support/documented-api.js';
import {
  newKey,
  withQuery,
  type Account,
  type Answer,
  type Client,
  type JournalEvent,
  type List,
  type One,
  type Transaction,
} from '../support/client.js';
import { startLedgersOfOwners, type LedgersOfOwners } from '../support/ledgers-of-owners.js';

// Each test makes many calls, on a machine that other tests use as well.
import.meta.jest.setTimeout(180_000);

/**
 * Two ledgers with the same data, of the same two owners. Whoever is on one side of a wall says every id and name
 * of the other side wherever something can be said: they hear what they would hear of what doesn't exist.
 */
let ledgers: LedgersOfOwners;
let document: OpenApiDocument;
/** Per caller: what they are, and what none of their answers may have in it. */
let sides: readonly Side[];

interface Side {
  readonly name: string;
  readonly client: Client;
  readonly beyond: Beyond;
}

/** All that is known on the other side of a wall. */
interface Beyond {
  readonly accounts: readonly string[];
  readonly transactions: readonly string[];
  readonly events: readonly string[];
  /** Names, external ids, references: unlike any text on this side. */
  readonly texts: readonly string[];
  readonly cursors: readonly string[];
  readonly ledgerId: string | null;
}

/** What one ledger has, with texts that tell where they are from. */
async function fill(client: Client, mark: string): Promise<void> {
  const open = (ownerId: string, visibility: string) =>
    client.open({
      name: `name ${mark} ${ownerId} ${visibility}`,
      ownerId,
      visibility,
      externalId: `external ${mark} ${ownerId} ${visibility}`,
      openingBalance: 1_000,
      metadata: { mark: `metadata ${mark} ${ownerId} ${visibility}` },
    });
  const accounts: Record<string, Account> = {};
  for (const ownerId of ['alice', 'bob']) {
    for (const visibility of ['private', 'public', 'unlisted']) {
      accounts[`${ownerId} ${visibility}`] = await open(ownerId, visibility);
    }
  }
  const move = (from: string, to: string) =>
    client.transfer(accounts[from]!.id, accounts[to]!.id, 1, {
      reference: `reference ${mark} ${from} to ${to}`,
      externalId: `moved ${mark} ${from} to ${to}`,
    });
  for (const owner of ['alice', 'bob']) {
    await move(`${owner} private`, `${owner} public`);
    await move(`${owner} public`, `${owner} unlisted`);
    await move(`${owner} unlisted`, `${owner} private`);
  }
  await move('alice private', 'bob private');
  await move('bob unlisted', 'alice public');
  for (const owner of ['alice', 'bob']) {
    const [from, to] = [accounts[`${owner} private`]!.id, accounts[`${owner} unlisted`]!.id];
    const reference = `reference ${mark} held ${owner}`;
    const { id } = await client.hold(from, to, 9, { reference, externalId: `held ${mark} ${owner}` });
    const captured = await client.post<One<Transaction>>(`/v1/transactions/${id}/capture`, { amount: 5 });
    const reason = `reason ${mark} ${owner}`;
    await client.post(`/v1/transactions/${captured.body.data.id}/reverse`, { amount: 2, reason });
    // One that is open, for whoever would end it.
    await client.hold(from, to, 1, { reference: `reference ${mark} open ${owner}` });
  }
}

beforeAll(async () => {
  ledgers = await startLedgersOfOwners();
  const { first: allOfFirst, clientOf } = ledgers;
  const second = await ledgers.addLedger();
  const allOfSecond = await clientOf(second.client, null);
  await fill(allOfFirst, 'here');
  await fill(allOfSecond, 'there');
  const [alice, bob] = [await clientOf(allOfFirst, 'alice'), await clientOf(allOfFirst, 'bob')];
  const [wholeSecond, bobs] = [
    await everythingOf(allOfSecond, second.id),
    await hiddenFrom('alice', allOfFirst, bob),
  ];
  document = (await allOfFirst.get<OpenApiDocument>('/openapi.json')).body;
  sides = [
    { name: 'the key of another ledger', client: allOfFirst, beyond: wholeSecond },
    { name: "an owner's key of another ledger", client: alice, beyond: wholeSecond },
    { name: "another owner's key", client: alice, beyond: bobs },
  ];
}, 120_000);

afterAll(() => ledgers.stop());

async function everythingOf(client: Client, ledgerId: string): Promise<Beyond> {
  const accounts = await client.all<Account>('/v1/accounts');
  const events = await client.journal();
  const transactions = await client.all<Transaction>('/v1/transactions');
  return {
    accounts: accounts.map(({ id }) => id),
    transactions: transactions.map(({ id }) => id),
    events: events.map(({ id }) => id),
    texts: [
      ...accounts.flatMap(({ name, externalId }) => [name, externalId!]),
      ...transactions
        .flatMap(({ reference, externalId }) => [reference, externalId])
        .filter((text) => text !== null),
    ],
    cursors: await cursorsOf(client, accounts[0]!.id),
    ledgerId,
  };
}

/** What an owner has that no transaction with the other one shows, and that is in no list of theirs. */
async function hiddenFrom(ownerId: string, all: Client, owner: Client): Promise<Beyond> {
  const accounts = await owner.all<Account>('/v1/accounts', { 'filter[visibility]': 'private' });
  const unlisted = await owner.all<Account>('/v1/accounts', { 'filter[visibility]': 'unlisted' });
  const isTheirs = (event: JournalEvent) => JSON.stringify(event.data).includes(`"${ownerId}"`);
  const theirAccounts = new Set((await all.journal()).filter(isTheirs).map(({ data }) => String(data['id'])));
  const touches = ({ sender, recipient }: Transaction) =>
    theirAccounts.has(sender) || theirAccounts.has(recipient);
  const transactions = (await all.all<Transaction>('/v1/transactions')).filter((one) => !touches(one));
  const ids = transactions.map(({ id }) => id);
  const events = (await owner.journal()).filter(
    ({ transactionId, data }) =>
      ids.includes(transactionId ?? '') || (data['ownerId'] !== ownerId && transactionId === null),
  );
  return {
    accounts: accounts.map(({ id }) => id),
    transactions: ids,
    events: events.map(({ id }) => id),
    texts: [
      ...[...accounts, ...unlisted].flatMap(({ name, externalId }) => [name, externalId!]),
      ...transactions
        .flatMap(({ reference, externalId }) => [reference, externalId])
        .filter((text) => text !== null),
    ],
    cursors: await cursorsOf(owner, accounts[0]!.id),
    ledgerId: null,
  };
}

/** Of each list, as its own reader gets them. */
async function cursorsOf(client: Client, accountId: string): Promise<string[]> {
  const lists = ['/v1/accounts', '/v1/transactions', `/v1/accounts/${accountId}/entries`];
  const pages = await Promise.all(lists.map((path) => client.get<List<unknown>>(`${path}?page[limit]=1`)));
  return pages.map(({ body }) => body.meta.page.nextCursor!);
}

const secretsOf = ({ accounts, transactions, events, texts, ledgerId }: Beyond) => [
  ...accounts,
  ...transactions,
  ...events,
  ...texts,
  ...(ledgerId === null ? [] : [ledgerId]),
];

/** A call that says something of the other side, and the same with something that nobody has. */
interface Attempt {
  readonly method: string;
  readonly path: (said: string) => string;
  readonly body?: (said: string) => unknown;
  readonly said: string;
  readonly unknown: string;
}

const unknownOf = (said: string) => {
  const prefix = /^(acc|txn|evt|ldg)_/.exec(said)?.[1];
  return prefix ? encodeTypeId(prefix, newUuid()) : `nothing ${newKey()}`.slice(0, said.length);
};
const attempt = (said: string, rest: Omit<Attempt, 'said' | 'unknown'>): Attempt => ({
  ...rest,
  said,
  unknown: unknownOf(said),
});

/** Webhooks are the dispatcher's, and what needs no key has nothing to hide. */
function operations() {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods)
      .filter(([, { security }]) => security === undefined || security.length > 0)
      .map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
  );
}

const wholeYears = '?from=2020-01-01T00:00:00Z';
const extension = { expiresAt: '2099-01-01T00:00:00Z' };

/** Every id in every path with an id. */
function inPaths({ accounts, transactions, events, ledgerId }: Beyond): Attempt[] {
  const ids = [...accounts, ...transactions, ...events.slice(0, 5), ...(ledgerId ? [ledgerId] : [])];
  return operations()
    .filter(({ path }) => path.startsWith('/v1/') && path.includes('{id}') && !isOfAccess(path))
    .flatMap(({ method, path }) =>
      ids.map((id) =>
        attempt(id, {
          method,
          path: (said) => path.replace('{id}', said) + (path.endsWith('/statement') ? wholeYears : ''),
          ...(method === 'PATCH'
            ? { body: () => (path.endsWith('/hold') ? extension : { metadata: {} }) }
            : {}),
        }),
      ),
    );
}

/** Keys, organizations and the like have walls of their own, and tests of them. */
function isOfAccess(path: string): boolean {
  return !/^\/v1\/(accounts|transactions|mints|burns|events|trial-balance)/.test(path);
}

/** Every id and text in every filter of every list, also beside another filter. */
function inFilters({ accounts, texts }: Beyond): Attempt[] {
  const lists = operations().filter(
    ({ method, path }) => method === 'GET' && !isOfAccess(path) && !path.includes('{'),
  );
  return lists.flatMap(({ path, operation }) =>
    operation.parameters
      .filter(({ name, schema }) => name.startsWith('filter[') && schema.enum === undefined)
      .flatMap(({ name }) => [...accounts, ...texts].map((text) => ({ name, text })))
      .flatMap(({ name, text }) =>
        [{}, { 'page[total]': 'true' }, { 'page[limit]': '1' }].map((further) =>
          attempt(text, { method: 'GET', path: (said) => withQuery(path, { [name]: said, ...further }) }),
        ),
      ),
  );
}

/** Every id and every text that is unique in a ledger where a body may have it. */
function inBodies({ accounts }: Beyond, [own, second]: readonly [Account, Account]): Attempt[] {
  return accounts.flatMap((id) => [
    attempt(id, {
      method: 'POST',
      path: () => '/v1/transactions',
      body: (said) => ({ sender: said, recipient: own.id, amount: 1 }),
    }),
    attempt(id, {
      method: 'POST',
      path: () => '/v1/transactions',
      body: (said) => ({ sender: own.id, recipient: said, amount: 1 }),
    }),
    attempt(id, {
      method: 'POST',
      path: () => '/v1/mints',
      body: (said) => ({ recipient: said, amount: 1 }),
    }),
    attempt(id, { method: 'POST', path: () => '/v1/burns', body: (said) => ({ sender: said, amount: 1 }) }),
    attempt(id, {
      method: 'POST',
      path: () => '/v1/transactions',
      body: (said) => ({
        postings: [
          { sender: own.id, recipient: second.id, amount: 1 },
          { sender: own.id, recipient: said, amount: 1 },
        ],
      }),
    }),
    ...[{ minPosted: '999999' }, { maxPosted: '-999999' }, { version: 999 }].map((condition) =>
      attempt(id, {
        method: 'POST',
        path: () => '/v1/transactions',
        body: (said) => ({
          sender: own.id,
          recipient: second.id,
          amount: 1,
          conditions: [{ accountId: said, ...condition }],
        }),
      }),
    ),
    attempt(id, {
      method: 'POST',
      path: () => '/v1/transactions/batch',
      body: (said) => ({
        mode: 'atomic',
        transactions: [{ sender: said, recipient: own.id, amount: 1 }],
      }),
    }),
    attempt(id, {
      method: 'POST',
      path: () => '/v1/transactions',
      body: (said) => ({ sender: said, recipient: own.id, amount: 1, pending: true, dryRun: true }),
    }),
  ]);
}

async function make(client: Client, { method, path, body }: Attempt, said: string): Promise<Answer> {
  return await client.send(method, path(said), body ? { body: body(said) } : {});
}

/** An answer without what differs from one request to the next, and without what was said. */
function heard({ status, text }: Answer, said: string): string {
  return `${status} ${text.replace(/"requestId":"[^"]*"/, '').replaceAll(said, '…')}`;
}

const attemptsAtOnce = 16;

/** What is wrong with how attempts were answered. */
async function leaksOf({ client, beyond }: Side, attempts: readonly Attempt[]): Promise<string[]> {
  const secrets = secretsOf(beyond);
  const leaksOfOne = async (each: Attempt) => {
    const [known, unknown] = [await make(client, each, each.said), await make(client, each, each.unknown)];
    const call = `${each.method} ${each.path(each.said)} ${JSON.stringify(each.body?.(each.said) ?? '')}`;
    const [ofKnown, ofUnknown] = [heard(known, each.said), heard(unknown, each.unknown)];
    const shown = secrets.filter((secret) => known.text.includes(secret));
    return [
      ...(ofKnown === ofUnknown ? [] : [`${call}: ${ofKnown} instead of ${ofUnknown}`]),
      ...(shown.length === 0 ? [] : [`${call}: ${known.status} shows ${shown.join(', ')}`]),
      ...(each.method !== 'GET' && known.status < 300 ? [`${call}: ${known.status}`] : []),
      ...(known.status >= 500 ? [`${call}: ${known.status} ${known.text}`] : []),
    ];
  };
  const leaks: string[] = [];
  for (let from = 0; from < attempts.length; from += attemptsAtOnce) {
    const some = attempts.slice(from, from + attemptsAtOnce);
    leaks.push(...(await Promise.all(some.map(leaksOfOne))).flat());
  }
  return leaks;
}

const sideNames = ['the key of another ledger', "an owner's key of another ledger", "another owner's key"];

describe.each(sideNames)('%s', (name) => {
  const side = () => sides.find((one) => one.name === name)!;

  it('has something to hide', () => {
    const { accounts, transactions, events, texts, cursors } = side().beyond;
    for (const kind of [accounts, transactions, events, texts, cursors])
      expect(kind.length).toBeGreaterThan(0);
  });

  it('hears nothing in paths', async () => {
    const attempts = inPaths(side().beyond);
    expect(attempts.length).toBeGreaterThan(20);
    expect(await leaksOf(side(), attempts)).toEqual([]);
  });

  it('hears nothing through filters', async () => {
    const attempts = inFilters(side().beyond);
    expect(attempts.length).toBeGreaterThan(100);
    expect(await leaksOf(side(), attempts)).toEqual([]);
  });

  it('moves nothing by bodies', async () => {
    const [own, second] = await side().client.all<Account>('/v1/accounts', { 'filter[ownerId]': 'alice' });
    expect(await leaksOf(side(), inBodies(side().beyond, [own!, second!]))).toEqual([]);
  });

  it('goes on with no cursor of the other side', async () => {
    const { client, beyond } = side();
    const [own] = await client.all<Account>('/v1/accounts', { 'filter[ownerId]': 'alice' });
    const ids = [own!.id, beyond.accounts[0]!, unknownOf('acc_')];
    const lists = ['/v1/accounts', '/v1/transactions', ...ids.map((id) => `/v1/accounts/${id}/entries`)];
    for (const path of lists) {
      for (const cursor of beyond.cursors) {
        const answer = await client.get(withQuery(path, { 'page[cursor]': cursor }));
        expect({ path, answer: heard(answer, cursor).slice(0, 40) }).toEqual({
          path,
          answer: expect.stringMatching(/^400 .*"invalid_cursor"/),
        });
      }
    }
  });

  it('reads nothing of it in anything that it may read', async () => {
    const { client, beyond } = side();
    const texts: string[] = [];
    const read = async (path: string) => texts.push((await client.get(path)).text);
    for (const path of ['/v1/accounts?', '/v1/accounts?filter[status]=closed&', '/v1/transactions?']) {
      await read(`${path}page[limit]=100&page[total]=true`);
    }
    const accounts = await client.all<Account>('/v1/accounts');
    const transactions = await client.all<Transaction>('/v1/transactions');
    for (const { id } of accounts) {
      for (const part of ['', '/balance', '/entries', `/statement${wholeYears}`]) {
        await read(`/v1/accounts/${id}${part}`);
      }
      const at = 'at=2098-01-01T00:00:00Z&by=effective';
      await read(`/v1/accounts/${id}/balance?${at}`);
      const headers = { accept: 'text/csv' };
      texts.push((await client.get(`/v1/accounts/${id}/statement${wholeYears}`, { headers })).text);
    }
    for (const { id } of transactions) await read(`/v1/transactions/${id}`);
    for (const after of ['0', '1', '7', '20']) await read(`/v1/events?after=${after}&limit=1000`);
    const shown = secretsOf(beyond).filter((secret) => texts.some((text) => text.includes(secret)));
    expect(shown).toEqual([]);
  });

  it('has its texts and keys for itself', async () => {
    const { client, beyond } = side();
    if (beyond.ledgerId === null) return; // Within one ledger external ids are unique, whoever has them.
    const externalId = beyond.texts.find((text) => text.startsWith('external'))!;
    const key = newKey();
    const first = await client.post('/v1/accounts', { name: 'x', currency: 'EUR', externalId }, { key });
    expect(first.status).toBe(201);
    const { id } = (first.body as { data: Account }).data;
    expect((await client.patch(`/v1/accounts/${id}`, { externalId: null })).status).toBe(200);
  });
});
