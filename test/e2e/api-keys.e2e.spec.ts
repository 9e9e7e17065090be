import { hash, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { scopes as allScopes } from '#access';
import {
  Client,
  expectError,
  startService,
  timestamp,
  withQuery,
  type Answer,
  type List,
  type One,
  type Service,
} from '../support/client.js';
import { OPERATOR_API_KEY, startDispatcher, startProduct, type Product } from '../support/product.js';

interface Key {
  readonly id: string;
  readonly name: string;
  readonly scopes: readonly string[];
  readonly ownerId: string | null;
  readonly rateLimitPerMinute: number | null;
  readonly signing: string;
  readonly expiresAt: string | null;
  readonly lastUsedAt: string | null;
  readonly createdAt: string;
  readonly updatedAt: string;
}
type NewKey = Key & { readonly secret: string };
interface AuditEntry {
  readonly id: string;
  readonly actor: string;
  readonly action: string;
  readonly subject: string;
  readonly details: { readonly before?: object; readonly after?: object };
  readonly createdAt: string;
}
interface NewLedger {
  readonly id: string;
  readonly mode: string;
  readonly apiKey: { readonly id: string; readonly secret: string };
}

const path = '/v1/api-keys';
const unknownKey = 'key_01jd3v4r2wf5jbx6t8q0k4m7zn';

let service: Service;
let client: Client;
let operator: Client;
let db: pg.Client;
/** Another process of the ledger app, and one of the dispatcher, on the same database. */
let second: Product;
let dispatcher: Product;
const clients: Client[] = [];

beforeAll(async () => {
  service = await startService();
  client = service.client;
  operator = clientOf(OPERATOR_API_KEY);
  second = await startProduct({ databaseUrl: service.database.ledgerUrl });
  dispatcher = await startDispatcher({ databaseUrl: service.database.dispatcherUrl });
  db = new pg.Client({ connectionString: service.database.superuserUrl });
  await db.connect();
}, 60_000);

afterAll(async () => {
  for (const each of clients) each.close();
  await db.end();
  await Promise.all([second.stop(), dispatcher.stop()]);
  await service.stop();
});

function clientOf(secret: string, url = service.product.url): Client {
  const made = new Client(url, secret);
  clients.push(made);
  return made;
}

async function newKey(fields: object = {}, maker = client): Promise<NewKey> {
  const answer = await maker.post<One<NewKey>>(path, {
    name: 'A key',
    scopes: ['accounts:read', 'webhooks:read'],
    rateLimitPerMinute: null,
    ...fields,
  });
  expect([answer.status, answer.text]).toEqual([201, answer.text]);
  return answer.body.data;
}

async function newLedger(mode: 'live' | 'test'): Promise<NewLedger> {
  const organization = await operator.post<One<{ id: string }>>('/v1/organizations', { name: 'Acme' });
  const { id } = organization.body.data;
  const answer = await operator.post<One<NewLedger>>(`/v1/organizations/${id}/ledgers`, { name: 'Book', mode });
  expect([answer.status, answer.text]).toEqual([201, answer.text]);
  return answer.body.data;
}

/** Whether a secret is accepted, by both processes of the ledger and by the dispatcher. */
async function worksEverywhere(secret: string): Promise<boolean[]> {
  const answers = await Promise.all([
    clientOf(secret).get('/v1/accounts'),
    clientOf(secret, second.url).get('/v1/accounts'),
    clientOf(secret, dispatcher.url).get('/v1/webhook-endpoints'),
  ]);
  return answers.map(({ status, text }) => {
    expect([status, text]).toEqual([status === 401 ? 401 : 200, text]);
    return status === 200;
  });
}

const everywhere = [true, true, true];
const nowhere = [false, false, false];

const auditOf = async (subject: string) =>
  (await client.all<AuditEntry>('/v1/audit-log', { 'filter[subject]': subject })).reverse();

describe('a key', () => {
  test('is made with what was asked for, and shows its secret once', async () => {
    const fields = {
      name: 'Checkout',
      scopes: ['transactions:write', 'accounts:read'],
      ownerId: 'merchant-17',
      rateLimitPerMinute: 600,
      expiresAt: '2099-12-31T23:59:59.123456Z',
    };
    const { secret, ...key } = await newKey(fields);
    expect(secret).toMatch(/^sk_live_[0-9A-Za-z]{43}$/);
    expect(key).toEqual({
      ...fields,
      id: expect.stringMatching(/^key_/),
      scopes: ['accounts:read', 'transactions:write'],
      signing: 'none',
      lastUsedAt: null,
      createdAt: expect.stringMatching(timestamp),
      updatedAt: expect.stringMatching(timestamp),
    });
    const { body, text } = await client.get<One<Key>>(`${path}/${key.id}`);
    expect(body.data).toEqual(key);
    expect(text).not.toContain('secret');
    expect((await client.get(withQuery(path, { 'page[limit]': '100' }))).text).not.toContain('secret');
  });

  test('has the defaults of its ledger’s mode', async () => {
    const usual = { ownerId: null, signing: 'none', expiresAt: null };
    const made = await client.post<One<NewKey>>(path, { name: 'x', scopes: [] });
    expect(made.body.data).toMatchObject({ ...usual, rateLimitPerMinute: 6_000 });
    const { apiKey } = await newLedger('test');
    const { secret, ...key } = await newKey({ rateLimitPerMinute: undefined }, clientOf(apiKey.secret));
    expect(key).toMatchObject({ ...usual, rateLimitPerMinute: 100 });
    expect(secret).toMatch(/^sk_test_[0-9A-Za-z]{43}$/);
  });

  test.each([
    [{ name: undefined }, 'name'],
    [{ name: '' }, 'name'],
    [{ scopes: undefined }, 'scopes'],
    [{ scopes: ['accounts:delete'] }, 'scopes'],
    [{ scopes: ['admin', 'admin'] }, 'scopes'],
    [{ scopes: 'admin' }, 'scopes'],
    [{ ownerId: 'x'.repeat(257) }, 'ownerId'],
    [{ rateLimitPerMinute: 0 }, 'rateLimitPerMinute'],
    [{ rateLimitPerMinute: '5' }, 'rateLimitPerMinute'],
    [{ rateLimitPerMinute: 1_000_001 }, 'rateLimitPerMinute'],
    [{ signing: 'always' }, 'signing'],
    [{ expiresAt: 'tomorrow' }, 'expiresAt'],
    [{ expiresAt: '2020-01-01T00:00:00Z' }, 'expiresAt'],
    [{ secret: 'mine' }, 'secret'],
  ])('is refused with %j', async (fields, field) => {
    const body = { name: 'x', scopes: [], ...fields };
    expectError(await client.post(path, body), 400, 'validation_error', field);
  });

  test('is not made, or taken over, by one that may do less', async () => {
    const manager = clientOf((await newKey({ scopes: ['keys:manage', 'accounts:read'] })).secret);
    const { id, secret } = await newKey({ scopes: ['accounts:read'] }, manager);
    expectError(await manager.post(path, { name: 'x', scopes: ['admin'] }), 403, 'forbidden');
    expectError(await manager.patch(`${path}/${id}`, { scopes: ['mint'] }), 403, 'forbidden');
    const { id: mighty } = await newKey({ scopes: allScopes });
    expectError(await manager.patch(`${path}/${mighty}`, { name: 'mine' }), 403, 'forbidden');
    expectError(await manager.post(`${path}/${mighty}/rotate`, { overlapSeconds: 0 }), 403, 'forbidden');
    expectError(await clientOf(secret).get(path), 403, 'forbidden');
    // To end a key is never refused for want of a scope.
    expect((await manager.delete(`${path}/${mighty}`)).status).toBe(204);
  });

  test('is changed, and by the next second only what it may do now is let through', async () => {
    const { id, secret, updatedAt } = await newKey({ scopes: ['accounts:read'], expiresAt: '2099-01-01T00:00:00Z' });
    const caller = clientOf(secret);
    expect((await caller.get('/v1/accounts')).status).toBe(200);
    const changes = { name: 'Narrow', scopes: ['transactions:read'], rateLimitPerMinute: 50, expiresAt: null };
    const { body } = await client.patch<One<Key>>(`${path}/${id}`, changes);
    expect(body.data).toMatchObject(changes);
    expect(body.data.updatedAt > updatedAt).toBe(true);
    await sleep(1_000);
    expectError(await caller.get('/v1/accounts'), 403, 'forbidden');
    expect((await caller.get('/v1/transactions')).headers['x-ratelimit-limit']).toBe('50');
    expect((await client.patch<One<Key>>(`${path}/${id}`, {})).body.data).toEqual(body.data);
    for (const [fields, field] of [
      [{ name: null }, 'name'],
      [{ ownerId: 'other' }, 'ownerId'],
      [{ signing: 'required' }, 'signing'],
      [{ expiresAt: '2020-01-01T00:00:00Z' }, 'expiresAt'],
    ] as const) {
      expectError(await client.patch(`${path}/${id}`, fields), 400, 'validation_error', field);
    }
  });

  test('that is deleted is refused within a second, in every process of both apps', async () => {
    const { id, secret } = await newKey();
    expect(await worksEverywhere(secret)).toEqual(everywhere);
    expect((await client.delete(`${path}/${id}`)).status).toBe(204);
    await sleep(1_000);
    expect(await worksEverywhere(secret)).toEqual(nowhere);
    for (const answer of [
      await client.get(`${path}/${id}`),
      await client.patch(`${path}/${id}`, { name: 'x' }),
      await client.delete(`${path}/${id}`),
      await client.post(`${path}/${id}/rotate`, { overlapSeconds: 0 }),
    ]) {
      expectError(answer, 404, 'not_found');
    }
    expect((await client.all<Key>(path)).map((key) => key.id)).not.toContain(id);
    const { rows } = await db.query('SELECT 1 FROM access.api_key_secrets s JOIN access.api_keys k ON k.id = s.key_id WHERE k.deleted_at IS NOT NULL');
    expect(rows).toEqual([]);
  });

  test('may end itself', async () => {
    const { id, secret } = await newKey({ scopes: ['keys:manage'] });
    const caller = clientOf(secret);
    expect((await caller.delete(`${path}/${id}`)).status).toBe(204);
    await sleep(1_000);
    expectError(await caller.get(path), 401, 'unauthorized');
  });

  test('gets a new secret; the old one ends at once without an overlap', async () => {
    const { id, secret } = await newKey();
    expect(await worksEverywhere(secret)).toEqual(everywhere);
    const { status, body } = await client.post<One<NewKey>>(`${path}/${id}/rotate`, { overlapSeconds: 0 });
    expect([status, body.data.id]).toEqual([200, id]);
    expect(await worksEverywhere(body.data.secret)).toEqual(everywhere);
    await sleep(1_000);
    expect(await worksEverywhere(secret)).toEqual(nowhere);
    expect(await worksEverywhere(body.data.secret)).toEqual(everywhere);
  });

  test('has two secrets while they overlap, and one after', async () => {
    const { id, secret } = await newKey();
    const { body } = await client.post<One<NewKey>>(`${path}/${id}/rotate`, { overlapSeconds: 3 });
    const rotatedAt = performance.now();
    expect(await worksEverywhere(secret)).toEqual(everywhere);
    expect(await worksEverywhere(body.data.secret)).toEqual(everywhere);
    await sleep(4_000 - (performance.now() - rotatedAt));
    expect(await worksEverywhere(secret)).toEqual(nowhere);
    expect(await worksEverywhere(body.data.secret)).toEqual(everywhere);
    const rotate = (sent: object) => client.post(`${path}/${id}/rotate`, sent);
    for (const sent of [{}, { overlapSeconds: -1 }, { overlapSeconds: 604_801 }, { overlapSeconds: 1.5 }]) {
      expectError(await rotate(sent), 400, 'validation_error', 'overlapSeconds');
    }
  });

  test('that is rotated with a shorter overlap takes no more time from an earlier one than it had', async () => {
    const { id, secret } = await newKey();
    await client.post(`${path}/${id}/rotate`, { overlapSeconds: 2 });
    const rotatedAt = performance.now();
    await client.post(`${path}/${id}/rotate`, { overlapSeconds: 600 });
    await sleep(3_000 - (performance.now() - rotatedAt));
    expect(await worksEverywhere(secret)).toEqual(nowhere);
  });

  test('has no more secrets than it may, however often it is rotated', async () => {
    const { id, secret } = await newKey();
    const secrets = [secret];
    for (let turn = 0; turn < 5; turn++) {
      const { body } = await client.post<One<NewKey>>(`${path}/${id}/rotate`, { overlapSeconds: 600 });
      secrets.push(body.data.secret);
    }
    const works: boolean[] = [];
    for (const each of secrets) works.push((await clientOf(each).get('/v1/accounts')).status === 200);
    expect(works).toEqual([false, true, true, true, true, true]);
  });

  test('expires', async () => {
    const expiresAt = new Date(Date.now() + 2_500).toISOString();
    const { id, secret } = await newKey({ expiresAt });
    expect(await worksEverywhere(secret)).toEqual(everywhere);
    await sleep(Date.parse(expiresAt) + 1_000 - Date.now());
    expect(await worksEverywhere(secret)).toEqual(nowhere);
    expect((await client.get(`${path}/${id}`)).status).toBe(200);
    await client.patch(`${path}/${id}`, { expiresAt: null });
    await sleep(1_000);
    expect(await worksEverywhere(secret)).toEqual(everywhere);
  });

  test('is not accepted as Bearer when it is to sign, and its secret is kept encrypted', async () => {
    const { id, secret, signing } = await newKey({ signing: 'required' });
    expect(signing).toBe('required');
    expect(await worksEverywhere(secret)).toEqual(nowhere);
    const plain = await newKey();
    const sealed = await sealedOf(id);
    expect(sealed?.length).toBeGreaterThan(secret.length);
    expect(sealed?.includes(secret)).toBe(false);
    expect(await sealedOf(plain.id)).toBeNull();
  });

  async function sealedOf(id: string): Promise<Buffer | null | undefined> {
    const { rows } = await db.query<{ sealed_secret: Buffer | null }>(
      `SELECT s.sealed_secret FROM access.api_key_secrets s JOIN access.api_keys k ON k.id = s.key_id
      WHERE k.name = 'A key' AND s.secret_hash = $1`,
      [hash('sha256', '', 'buffer')],
    );
    void id;
    return rows[0]?.sealed_secret;
  }
});
