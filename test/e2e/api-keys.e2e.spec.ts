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
}, 120_000);

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
  const answer = await operator.post<One<NewLedger>>(`/v1/organizations/${id}/ledgers`, {
    name: 'Book',
    mode,
  });
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
      updatedAt: key.createdAt,
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
  ])('is refused with %j as it is for %s', async (fields, field) => {
    const body = { name: 'x', scopes: [], ...fields };
    expectError(await client.post(path, body), 400, 'validation_error', field);
  });

  test('is not made, or taken over, by one that may do less', async () => {
    const manager = clientOf((await newKey({ scopes: ['keys:manage', 'accounts:read'] })).secret);
    const { id, secret } = await newKey({ scopes: ['accounts:read'] }, manager);
    expectError(await manager.post(path, { name: 'x', scopes: ['admin'] }), 403, 'forbidden');
    expectError(await manager.patch(`${path}/${id}`, { scopes: ['mint'] }), 403, 'forbidden');
    expectError(await manager.patch(`${path}/key_1`, { scopes: ['mint'] }), 403, 'forbidden');
    expectError(await manager.patch(`${path}/key_1`, { scopes: [] }), 404, 'not_found');
    const { id: mighty } = await newKey({ scopes: allScopes });
    expectError(await manager.patch(`${path}/${mighty}`, { name: 'mine' }), 403, 'forbidden');
    expectError(await manager.post(`${path}/${mighty}/rotate`, { overlapSeconds: 0 }), 403, 'forbidden');
    expectError(await clientOf(secret).get(path), 403, 'forbidden');
    // To end a key is never refused for want of a scope.
    expect((await manager.delete(`${path}/${mighty}`)).status).toBe(204);
  });

  test('is changed, and by the next second only what it may do now is let through', async () => {
    const { id, secret, updatedAt } = await newKey({
      scopes: ['accounts:read'],
      expiresAt: '2099-01-01T00:00:00Z',
    });
    const caller = clientOf(secret);
    expect((await caller.get('/v1/accounts')).status).toBe(200);
    const changes = {
      name: 'Narrow',
      scopes: ['transactions:read'],
      rateLimitPerMinute: 50,
      expiresAt: null,
    };
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
    const { rows } = await db.query(
      'SELECT 1 FROM access.api_key_secrets s JOIN access.api_keys k ON k.id = s.key_id WHERE k.deleted_at IS NOT NULL',
    );
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
    const { secret, signing } = await newKey({ name: 'A signing key', signing: 'required' });
    expect(signing).toBe('required');
    expect(await worksEverywhere(secret)).toEqual(nowhere);
    await newKey({ name: 'A key as Bearer' });
    const sealed = await sealedOf('A signing key');
    expect(sealed?.length).toBeGreaterThan(secret.length);
    expect(sealed?.includes(secret)).toBe(false);
    expect(await sealedOf('A key as Bearer')).toBeNull();
  });

  async function sealedOf(name: string): Promise<Buffer | null | undefined> {
    const { rows } = await db.query<{ sealed_secret: Buffer | null }>(
      `SELECT sealed_secret FROM access.api_key_secrets s JOIN access.api_keys k ON k.id = s.key_id WHERE k.name = $1`,
      [name],
    );
    return rows[0]?.sealed_secret;
  }
});

describe('the wall between ledgers', () => {
  test('a new ledger has a journal, and a first key with every scope', async () => {
    const { apiKey, ...ledger } = await newLedger('test');
    expect(ledger).toMatchObject({ id: expect.stringMatching(/^ldg_/), name: 'Book', mode: 'test' });
    const first = clientOf(apiKey.secret);
    const { body } = await first.get<One<Key>>(`${path}/${apiKey.id}`);
    expect(body.data).toMatchObject({ scopes: allScopes, ownerId: null, rateLimitPerMinute: 100 });
    const account = await first.open({ openingBalance: 5 });
    expect((await first.journal()).every(({ ledgerId }) => ledgerId === ledger.id)).toBe(true);
    expectError(await client.get(`/v1/accounts/${account.id}`), 404, 'account_not_found');
  });

  test('keys of another ledger are not there', async () => {
    const other = clientOf((await newLedger('live')).apiKey.secret);
    const { id, secret } = await newKey();
    for (const answer of [
      await other.get(`${path}/${id}`),
      await other.patch(`${path}/${id}`, { name: 'mine' }),
      await other.delete(`${path}/${id}`),
      await other.post(`${path}/${id}/rotate`, { overlapSeconds: 0 }),
      await other.get(`${path}/${unknownKey}`),
      await other.get(`${path}/nonsense`),
    ]) {
      expectError(answer, 404, 'not_found');
    }
    expect(await worksEverywhere(secret)).toEqual(everywhere);
    expect(await other.all<Key>(path)).toHaveLength(1);
    const { body } = await client.get<List<Key>>(`${path}?page[limit]=1`);
    const cursor = encodeURIComponent(body.meta.page.nextCursor ?? '');
    expectError(await other.get(`${path}?page[cursor]=${cursor}`), 400, 'invalid_cursor');
    const entries = await other.all<AuditEntry>('/v1/audit-log');
    expect(entries.map(({ action }) => action).sort()).toEqual(['api_key.created', 'ledger.created']);
  });

  test('a secret whose beginning is not of its ledger’s mode is nobody’s', async () => {
    for (const [mode, wrong] of [
      ['live', 'test'],
      ['test', 'live'],
    ] as const) {
      const { apiKey } = await newLedger(mode);
      const secret = apiKey.secret.replace(`sk_${mode}_`, `sk_${wrong}_`);
      const changed = await db.query(
        'UPDATE access.api_key_secrets SET secret_hash = $2 WHERE secret_hash = $1',
        [apiKey.secret, secret].map((text) => hash('sha256', text, 'buffer')),
      );
      expect(changed.rowCount).toBe(1);
      expect(await worksEverywhere(secret)).toEqual(nowhere);
    }
  });

  test('the list is newest first, in pages by number and by cursor, with its total where asked', async () => {
    const { apiKey } = await newLedger('live');
    const lister = clientOf(apiKey.secret);
    const ids = [apiKey.id];
    for (let made = 0; made < 4; made++) ids.unshift((await newKey({}, lister)).id);
    expect((await lister.all<Key>(path, { 'page[limit]': '2' })).map(({ id }) => id)).toEqual(ids);
    const second = { 'page[limit]': '2', 'page[page]': '2', 'page[total]': 'true' };
    const { body } = await lister.get<List<Key>>(withQuery(path, second));
    expect(body.data.map(({ id }) => id)).toEqual(ids.slice(2, 4));
    expect(body.meta.page).toMatchObject({ number: 2, hasMore: true, total: 5 });
  });
});

describe('the operator', () => {
  test('makes organizations and their ledgers, and sees them', async () => {
    const made = await operator.post<One<{ id: string; name: string }>>('/v1/organizations', {
      name: 'Globex',
    });
    expect([made.status, made.body.data.name]).toEqual([201, 'Globex']);
    const { id } = made.body.data;
    expect(id).toMatch(/^org_/);
    expect((await operator.get(`/v1/organizations/${id}`)).body).toEqual(made.body);
    const ledgers: string[] = [];
    for (const mode of ['live', 'test']) {
      const body = { name: mode, mode };
      const { body: answer } = await operator.post<One<NewLedger>>(`/v1/organizations/${id}/ledgers`, body);
      ledgers.unshift(answer.data.id);
    }
    const listed = await operator.all<{ id: string }>(`/v1/organizations/${id}/ledgers`, {
      'page[limit]': '1',
    });
    expect(listed.map((ledger) => ledger.id)).toEqual(ledgers);
    expect(JSON.stringify(listed)).not.toContain('sk_');
    const organizations = await operator.all<{ id: string }>('/v1/organizations', { 'page[limit]': '2' });
    expect(organizations.map((organization) => organization.id)).toContain(id);
  });

  test('is not found out by a key, and opens no ledger', async () => {
    expectError(await client.get('/v1/organizations'), 403, 'forbidden');
    expectError(await clientOf(`${OPERATOR_API_KEY}x`).get('/v1/organizations'), 401, 'unauthorized');
    expectError(await operator.get('/v1/accounts'), 401, 'unauthorized');
    expectError(await operator.get(path), 401, 'unauthorized');
    const nowhereId = '/v1/organizations/org_01jd3v3kq8e4wtx2b5n7m0h9yr';
    expectError(await operator.get(nowhereId), 404, 'not_found');
    expectError(await operator.get(`${nowhereId}/ledgers`), 404, 'not_found');
    const tooDeep = 'page[page]=101&page[limit]=100';
    for (const id of [nowhereId, '/v1/organizations/org_1']) {
      expectError(await operator.get(`${id}/ledgers?${tooDeep}`), 400, 'page_too_deep');
    }
    expectError(await operator.get(`${nowhereId}/ledgers?page[cursor]=x`), 400, 'invalid_cursor');
    expectError(await operator.post(`${nowhereId}/ledgers`, { name: 'x', mode: 'live' }), 404, 'not_found');
    const { body } = await operator.post<One<{ id: string }>>('/v1/organizations', { name: 'x' });
    const ledgers = `/v1/organizations/${body.data.id}/ledgers`;
    expectError(
      await operator.post(ledgers, { name: 'x', mode: 'sandbox' }),
      400,
      'validation_error',
      'mode',
    );
  });
});

describe('the bootstrap key', () => {
  test('has every scope and no limit, and is changed in the environment alone', async () => {
    const { id } = (await client.all<Key>(path)).find(({ name }) => name === 'Bootstrap key')!;
    const { body, headers } = await client.get<One<Key>>(`${path}/${id}`);
    expect(body.data).toMatchObject({ scopes: allScopes, rateLimitPerMinute: null, expiresAt: null });
    expect(headers).not.toHaveProperty('x-ratelimit-limit');
    expectError(await client.patch(`${path}/${id}`, { name: 'x' }), 403, 'forbidden');
    expectError(await client.delete(`${path}/${id}`), 403, 'forbidden');
    expectError(await client.post(`${path}/${id}/rotate`, { overlapSeconds: 0 }), 403, 'forbidden');
  });

  test('may be any visible text, whatever it begins with', async () => {
    const env = { BOOTSTRAP_API_KEY: `sk_test_!"§$%&/`.replaceAll('§', '#') + 'x'.repeat(32) };
    const third = await startProduct({ databaseUrl: service.database.ledgerUrl, env });
    const caller = clientOf(third.apiKey, third.url);
    expect((await caller.get('/v1/accounts')).status).toBe(200);
    await sleep(1_000);
    expectError(await client.get('/v1/accounts'), 401, 'unauthorized');
    const again = await startProduct({ databaseUrl: service.database.ledgerUrl });
    await sleep(1_000);
    expect((await client.get('/v1/accounts')).status).toBe(200);
    const changes = await client.all<AuditEntry>('/v1/audit-log', { 'filter[action]': 'bootstrap_key.set' });
    expect(changes.map(({ actor }) => actor)).toEqual(Array(3).fill('environment'));
    await Promise.all([third.stop(), again.stop()]);
  }, 120_000);
});

describe('the audit log', () => {
  test('has each change of a key: who, what and when, before and after, and no secret', async () => {
    const manager = await newKey({ scopes: allScopes });
    const caller = clientOf(manager.secret);
    const made = await newKey({ name: 'Old' }, caller);
    await caller.patch(`${path}/${made.id}`, { name: 'New' });
    const rotated = await caller.post<One<NewKey>>(`${path}/${made.id}/rotate`, { overlapSeconds: 60 });
    await caller.delete(`${path}/${made.id}`);
    const entries = await auditOf(made.id);
    const settings = {
      scopes: ['accounts:read', 'webhooks:read'],
      ownerId: null,
      rateLimitPerMinute: null,
      signing: 'none',
      expiresAt: null,
    };
    const [old, renamed] = [
      { name: 'Old', ...settings },
      { name: 'New', ...settings },
    ];
    expect(entries.map(({ action, details }) => [action, details])).toEqual([
      ['api_key.created', { after: old }],
      ['api_key.updated', { before: old, after: renamed }],
      ['api_key.rotated', { overlapSeconds: 60 }],
      ['api_key.deleted', { before: renamed }],
    ]);
    for (const entry of entries) {
      expect(entry).toMatchObject({ actor: manager.id, subject: made.id });
      expect(entry.id).toMatch(/^aud_/);
      expect(entry.createdAt).toMatch(timestamp);
    }
    const text = JSON.stringify(entries);
    for (const secret of [made.secret, rotated.body.data.secret]) expect(text).not.toContain(secret);
  });

  test('is written with the change or not at all, and has nothing of what was refused', async () => {
    const count = async () => (await client.all('/v1/audit-log', { 'page[limit]': '100' })).length;
    const before = await count();
    await client.post(path, { name: 'x', scopes: ['nonsense'] });
    await client.patch(`${path}/${unknownKey}`, { name: 'x' });
    expect(await count()).toBe(before);
    await db.query(
      `ALTER TABLE access.audit_log ADD CONSTRAINT refused CHECK (action <> 'api_key.created') NOT VALID`,
    );
    const keys = (await client.all(path)).length;
    expectError(await client.post(path, { name: 'x', scopes: [] }), 500, 'internal');
    await db.query('ALTER TABLE access.audit_log DROP CONSTRAINT refused');
    expect((await client.all(path)).length).toBe(keys);
  });

  test('is filtered, in pages, and for the admin alone', async () => {
    const { id } = await newKey();
    await client.patch(`${path}/${id}`, { name: 'x' });
    const [created, updated] = await auditOf(id);
    const found = async (filters: Record<string, string>) =>
      (await client.all<AuditEntry>('/v1/audit-log', { 'page[limit]': '2', ...filters })).map(
        (entry) => entry.id,
      );
    expect(await found({ 'filter[action]': 'api_key.updated' })).toContain(updated?.id);
    expect(await found({ 'filter[action]': 'api_key.updated' })).not.toContain(created?.id);
    const at = { 'filter[subject]': id, 'filter[createdAt][lte]': created!.createdAt };
    expect(await found(at)).toEqual([created!.id]);
    expect(await found({ 'filter[subject]': id, 'filter[createdAt][gt]': created!.createdAt })).toEqual([
      updated!.id,
    ]);
    expect(await found({ 'filter[actor]': 'nobody' })).toEqual([]);
    const { body } = await client.get<List<AuditEntry>>(
      withQuery('/v1/audit-log', { 'page[total]': 'true', 'filter[subject]': id }),
    );
    expect([body.data.length, body.meta.page.total]).toEqual([2, 2]);
    expectError(await clientOf((await newKey()).secret).get('/v1/audit-log'), 403, 'forbidden');
    expectError(await client.get('/v1/audit-log?page[cursor]=nonsense'), 400, 'invalid_cursor');
  });
});

describe('when a key was last used', () => {
  const lastUsed = async (id: string) => (await client.get<One<Key>>(`${path}/${id}`)).body.data.lastUsedAt;

  test.each(['ledger', 'dispatcher'] as const)(
    'is known within a minute: %s',
    async (app) => {
      const { id, secret } = await newKey();
      const before = Date.now();
      const [url, used] =
        app === 'ledger' ? [service.product.url, '/v1/accounts'] : [dispatcher.url, '/v1/webhook-endpoints'];
      expect((await clientOf(secret, url).get(used)).status).toBe(200);
      while ((await lastUsed(id)) === null && Date.now() < before + 50_000) await sleep(500);
      const at = await lastUsed(id);
      expect(at).toMatch(timestamp);
      expect(Math.abs(Date.parse(at!) - before)).toBeLessThan(60_000);
    },
    90_000,
  );

  test('is written by a process that ends', async () => {
    const { id, secret } = await newKey();
    const third = await startProduct({ databaseUrl: service.database.ledgerUrl });
    expect((await clientOf(secret, third.url).get('/v1/accounts')).status).toBe(200);
    await third.stop();
    expect(await lastUsed(id)).toMatch(timestamp);
  }, 60_000);
});

describe('a limit', () => {
  const limits = ({ headers }: Answer) =>
    ['limit', 'remaining', 'reset'].map((name) => Number(headers[`x-ratelimit-${name}`]));

  test('is told with every answer, and what is beyond it is refused until the minute is over', async () => {
    const { secret } = await newKey({ rateLimitPerMinute: 3 });
    const caller = clientOf(secret);
    const startedAt = Math.floor(Date.now() / 1000);
    const answers = [
      await caller.get('/v1/accounts'),
      await caller.get('/v1/accounts/nonsense'),
      await caller.post('/v1/burns', {}),
      await caller.get('/v1/accounts'),
      await caller.post('/v1/burns', {}),
    ];
    const endedAt = Math.ceil(Date.now() / 1000);
    expect(answers.map(({ status }) => status)).toEqual([200, 404, 403, 429, 429]);
    expect(answers.map((answer) => limits(answer).slice(0, 2))).toEqual([
      [3, 2],
      [3, 1],
      [3, 0],
      [3, 0],
      [3, 0],
    ]);
    for (const answer of answers) {
      const [, , reset] = limits(answer);
      expect(reset).toBeGreaterThanOrEqual(startedAt + 60);
      expect(reset).toBeLessThanOrEqual(endedAt + 60);
    }
    for (const refused of answers.slice(3)) {
      expectError(refused, 429, 'rate_limited');
      const wait = Number(refused.headers['retry-after']);
      expect(wait).toBeGreaterThanOrEqual(60 - (endedAt - startedAt));
      expect(wait).toBeLessThanOrEqual(60);
    }
    // Nobody else's, and nobody's at all.
    expect((await client.get('/v1/accounts')).headers).not.toHaveProperty('x-ratelimit-limit');
    expectError(await clientOf(`sk_live_${randomUUID()}`).get('/v1/accounts'), 401, 'unauthorized');
    expect(
      (await clientOf((await newKey({ rateLimitPerMinute: 3 })).secret).get('/v1/accounts')).status,
    ).toBe(200);
  });

  test('holds in the dispatcher as well', async () => {
    const { secret } = await newKey({ rateLimitPerMinute: 1 });
    const caller = clientOf(secret, dispatcher.url);
    expect(limits(await caller.get('/v1/webhook-endpoints')).slice(0, 2)).toEqual([1, 0]);
    expectError(await caller.get('/v1/webhook-endpoints'), 429, 'rate_limited');
  });
});
