import { setTimeout as sleep } from 'node:timers/promises';
import { encodeTypeId } from '#contracts';
import { newUuid } from '#platform';
import {
  Client,
  withQuery,
  type Account,
  type Answer,
  type JournalEvent,
  type List,
} from '../support/client.js';
import type { OpenApiDocument } from '../support/documented-api.js';
import { startLedgersOfOwners, type LedgersOfOwners } from '../support/ledgers-of-owners.js';
import { startDispatcher, type Product } from '../support/product.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { createEndpoint, type Delivery, type Endpoint } from '../support/webhook-fixtures.js';

// Each test makes many calls, on a machine that other tests use as well.
import.meta.jest.setTimeout(120_000);

/** Webhooks of one ledger, in which alice has an account and everything else is bob's; and those of another. */
let ledgers: LedgersOfOwners;
let dispatcher: Product;
let receiver: Receiver;
let all: Client;
let callers: Readonly<Record<'alice' | 'bob' | 'unbound' | 'elsewhere', Client>>;
let endpoints: Readonly<Record<'alice' | 'named' | 'bob' | 'unbound' | 'elsewhere', Endpoint>>;
let accounts: Readonly<Record<'own' | 'public' | 'private', Account>>;
/** Of the ledger, all of which the endpoint that is bound to nobody has got. */
let events: JournalEvent[];

beforeAll(async () => {
  ledgers = await startLedgersOfOwners();
  const { service, first, clientOf } = ledgers;
  dispatcher = await startDispatcher({ databaseUrl: service.database.dispatcherUrl });
  receiver = await startReceiver();
  all = first;
  const open = (ownerId: string, visibility: string) =>
    all.open({ name: `${ownerId} ${visibility}`, ownerId, visibility, openingBalance: 100 });
  accounts = {
    own: await open('alice', 'private'),
    public: await open('bob', 'public'),
    private: await open('bob', 'private'),
  };
  const second = await ledgers.addLedger();
  const toDispatcher = async (ledger: Client, ownerId: string | null) =>
    (await clientOf(ledger, ownerId)).at(dispatcher.url);
  callers = {
    alice: await toDispatcher(first, 'alice'),
    bob: await toDispatcher(first, 'bob'),
    unbound: await toDispatcher(first, null),
    elsewhere: await toDispatcher(second.client, 'alice'),
  };
  const at = (path: string, fields: object = {}) => ({ url: `${receiver.url}/${path}`, ...fields });
  endpoints = {
    alice: await createEndpoint(callers.alice, at('alice')),
    named: await createEndpoint(callers.alice, at('named', { accountIds: [accounts.private.id] })),
    bob: await createEndpoint(callers.bob, at('bob')),
    unbound: await createEndpoint(callers.unbound, at('unbound')),
    elsewhere: await createEndpoint(callers.elsewhere, at('elsewhere')),
  };
  const before = await all.journal();
  await all.transfer(accounts.own.id, accounts.public.id, 1);
  await all.transfer(accounts.private.id, accounts.own.id, 2);
  await all.transfer(accounts.private.id, accounts.public.id, 3);
  await all.patch(`/v1/accounts/${accounts.private.id}`, { metadata: { secret: 'of bob' } });
  await all.patch(`/v1/accounts/${accounts.own.id}`, { metadata: { mine: true } });
  events = (await all.journal()).slice(before.length);
  await eventually('all webhooks', () => bodiesOf('unbound').length === events.length);
  await eventually('those of alice', () => bodiesOf('alice').length === 3);
}, 120_000);

afterAll(async () => {
  await receiver.close();
  await dispatcher.stop();
  await ledgers.stop();
});

async function eventually(what: string, isSo: () => boolean): Promise<void> {
  for (const deadline = Date.now() + 60_000; Date.now() < deadline; await sleep(25)) if (isSo()) return;
  throw new Error(`waited in vain for ${what}; the dispatcher said:\n${dispatcher.logs().slice(-4_000)}`);
}

interface Body {
  readonly type: string;
  readonly position: string;
  readonly data: Readonly<Record<string, unknown>>;
}

function bodiesOf(endpoint: string): Body[] {
  const bodies = receiver.received.filter(({ path }) => path === `/${endpoint}`);
  return bodies
    .map(({ body }) => JSON.parse(body) as Body)
    .sort((a, b) => Number(a.position) - Number(b.position));
}

const deliveriesOf = (client: Client, parameters: Record<string, string> = {}) =>
  client.all<Delivery>('/v1/webhook-deliveries', parameters);

describe('an endpoint that an owner has made', () => {
  it('gets the events of that owner alone, as the owner may see them', () => {
    const [toBob, fromHidden, changed] = bodiesOf('alice');
    expect(toBob!.data).toMatchObject({
      sender: accounts.own.id,
      recipient: accounts.public.id,
      amount: '1',
    });
    expect(fromHidden!.data).toMatchObject({ sender: null, recipient: accounts.own.id, amount: '2' });
    for (const { data } of [toBob!, fromHidden!]) {
      expect(data['balances']).toMatchObject([{ accountId: accounts.own.id }]);
    }
    expect(changed).toMatchObject({ type: 'account.updated', data: { id: accounts.own.id } });
    expect(JSON.stringify(bodiesOf('alice'))).not.toContain(accounts.private.id);
    expect(bodiesOf('bob').length).toBeGreaterThan(0);
    expect(bodiesOf('elsewhere')).toEqual([]);
  });

  it("finds no other owner's private account in them, whatever it asks for", async () => {
    expect(bodiesOf('named')).toEqual([]);
    const since = new Date(Date.now() - 3_600_000).toISOString();
    const dryRun = async (client: Client, { id }: Endpoint) =>
      (await client.post(`/v1/webhook-endpoints/${id}/recover`, { since, dryRun: true })).body;
    expect(await dryRun(callers.alice, endpoints.named)).toEqual({ data: { count: 0 } });
    const to = { accountIds: [accounts.public.id] };
    expect((await callers.alice.patch(`/v1/webhook-endpoints/${endpoints.named.id}`, to)).status).toBe(200);
    expect(await dryRun(callers.alice, endpoints.named)).toEqual({ data: { count: 1 } });
  });
});

describe('deliveries', () => {
  it('are listed to whose endpoint they are for', async () => {
    const endpointsOf = async (client: Client) =>
      new Set((await deliveriesOf(client)).map(({ endpointId }) => endpointId));
    expect(await endpointsOf(callers.alice)).toEqual(new Set([endpoints.alice.id]));
    expect(await endpointsOf(callers.bob)).toEqual(new Set([endpoints.bob.id]));
    expect(await endpointsOf(callers.unbound)).toEqual(
      new Set([endpoints.alice.id, endpoints.bob.id, endpoints.unbound.id]),
    );
    expect(await endpointsOf(callers.elsewhere)).toEqual(new Set());
    const page = await callers.alice.get<List<Delivery>>(
      '/v1/webhook-deliveries?page[limit]=1&page[total]=true',
    );
    expect(page.body.meta.page).toMatchObject({ total: 3, hasMore: true });
  });

  it.each(['own', 'public', 'private'] as const)(
    'are found by the account %s as far as it is shown',
    async (name) => {
      const found = await deliveriesOf(callers.alice, { 'filter[accountId]': accounts[name].id });
      expect(found).toHaveLength({ own: 3, public: 1, private: 0 }[name]);
      expect(
        (await deliveriesOf(callers.unbound, { 'filter[accountId]': accounts[name].id })).length,
      ).toBeGreaterThan(0);
    },
  );
});

it('nobody hears of endpoints and deliveries that are not theirs', async () => {
  const { body: document } = await callers.unbound.get<OpenApiDocument>('/openapi.json');
  const deliveries = await deliveriesOf(callers.unbound);
  const idOf = (endpoint: Endpoint) => deliveries.find(({ endpointId }) => endpointId === endpoint.id)!.id;
  const theirs = {
    alice: [
      endpoints.bob.id,
      endpoints.unbound.id,
      endpoints.elsewhere.id,
      idOf(endpoints.bob),
      idOf(endpoints.unbound),
    ],
    elsewhere: [endpoints.alice.id, endpoints.unbound.id, idOf(endpoints.alice), idOf(endpoints.unbound)],
    unbound: [endpoints.elsewhere.id],
  };
  const cursors = await Promise.all(
    [
      '/v1/webhook-endpoints',
      '/v1/webhook-deliveries',
      `/v1/webhook-endpoints/${endpoints.bob.id}/deliveries`,
    ].map(
      async (path) =>
        (await callers.bob.get<List<unknown>>(`${path}?page[limit]=1`)).body.meta.page.nextCursor,
    ),
  );
  const bodies: Readonly<Record<string, object>> = {
    test: { eventType: 'transaction.posted' },
    recover: { since: '2026-01-01T00:00:00Z' },
    'rotate-secret': {},
  };
  const leaks: string[] = [];
  let calls = 0;
  const compare = async (client: Client, call: (id: string) => Promise<Answer>, id: string, what: string) => {
    calls += 1;
    const unknown = encodeTypeId(id.slice(0, 3), newUuid());
    const [known, other] = [heard(await call(id), id), heard(await call(unknown), unknown)];
    if (known !== other || known.startsWith('5')) leaks.push(`${what} ${id}: ${known} instead of ${other}`);
  };
  for (const [name, ids] of Object.entries(theirs)) {
    const client = callers[name as keyof typeof theirs];
    for (const id of ids) {
      for (const [path, methods] of Object.entries(document.paths)) {
        for (const method of Object.keys(methods)) {
          if (!path.includes('{id}')) continue;
          const verb = path.slice(path.lastIndexOf('/') + 1);
          const body = method === 'patch' ? { description: 'x' } : bodies[verb];
          const send = (said: string) =>
            client.send(method.toUpperCase(), path.replace('{id}', said), body === undefined ? {} : { body });
          await compare(client, send, id, `${name}: ${method} ${path}`);
        }
      }
      if (!id.startsWith('whe')) continue;
      for (const further of [{}, { 'page[total]': 'true' }, { 'page[limit]': '1' }]) {
        const list = (said: string) =>
          client.get(withQuery('/v1/webhook-deliveries', { 'filter[endpointId]': said, ...further }));
        await compare(client, list, id, `${name}: filter[endpointId]`);
      }
    }
  }
  expect(leaks).toEqual([]);
  expect(calls).toBeGreaterThan(100);
  for (const cursor of cursors.filter((one) => one !== null)) {
    for (const path of ['/v1/webhook-endpoints', '/v1/webhook-deliveries']) {
      const answer = await callers.alice.get(withQuery(path, { 'page[cursor]': cursor }));
      expect(`${answer.status} ${answer.text}`).toMatch(/^400 .*"invalid_cursor"/);
    }
  }
});

function heard({ status, text }: Answer, said: string): string {
  return `${status} ${text
    .replace(/"requestId":"[^"]*"/, '')
    .replace(/"position":"\d+"/, '')
    .replaceAll(said, '…')}`;
}
