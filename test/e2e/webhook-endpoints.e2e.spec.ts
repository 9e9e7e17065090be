import { createHmac } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { eventTypes } from '#contracts';
import {
  Client,
  expectError,
  timestamp,
  withQuery,
  type Answer,
  type List,
  type One,
} from '../support/client.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import {
  createEndpoint,
  exampleUrl,
  startDispatcherService,
  uuidOf,
  type DispatcherService,
  type Endpoint,
  type EndpointWithSecret,
} from '../support/webhook-fixtures.js';

const path = '/v1/webhook-endpoints';
const secretText = /^whsec_[A-Za-z0-9+/]{43}=$/;
const unknownId = 'whe_01jd3v6c0rfh7s5kx2m9q4t8bn';
const accountId = 'acc_01jd3v4wqzfxs9v5n6m7k8h2re';

// Each test makes many calls, on a machine that other tests use as well.
import.meta.jest.setTimeout(120_000);

let service: DispatcherService;
let client: Client;
let receiver: Receiver;

beforeAll(async () => {
  service = await startDispatcherService();
  client = service.client;
  receiver = await startReceiver();
}, 60_000);

afterAll(async () => {
  await receiver.close();
  await service.stop();
});

const at = (endpoint: Pick<Endpoint, 'id'>, verb = '') => `${path}/${endpoint.id}${verb}`;
const get = async (endpoint: Endpoint) => (await client.get<One<Endpoint>>(at(endpoint))).body.data;

interface AuditRow {
  readonly action: string;
  readonly actor: string;
  readonly details: unknown;
}

async function auditOf(endpoint: Endpoint): Promise<AuditRow[]> {
  const { rows } = await service.db.query<AuditRow>(
    'SELECT action, actor, details FROM access.audit_log WHERE ledger_id = $1 AND subject = $2 ORDER BY number',
    [service.ledgerId, endpoint.id],
  );
  return rows;
}

describe('a new endpoint', () => {
  test('has the defaults of the contract, and a secret that is shown once', async () => {
    const { secret, ...endpoint } = await createEndpoint(client);
    expect(secret).toMatch(secretText);
    expect(endpoint).toEqual({
      id: expect.stringMatching(/^whe_[0-9a-hjkmnp-tv-z]{26}$/),
      url: exampleUrl,
      eventTypes: ['*'],
      accountIds: [],
      description: null,
      ordering: 'none',
      rateLimitPerSecond: null,
      maxConcurrency: 10,
      headers: {},
      legacySignature: null,
      status: 'enabled',
      disabledReason: null,
      createdAt: expect.stringMatching(timestamp),
      updatedAt: endpoint.createdAt,
    });
    expect(await get(endpoint)).toEqual(endpoint);
  });

  test('has what it was created with', async () => {
    const fields = {
      url: 'https://example.com:8443/a?b=c',
      eventTypes: ['transaction.*', 'account.closed', 'something.of_the.future'],
      accountIds: [accountId],
      description: 'Bookkeeping',
      ordering: 'account',
      rateLimitPerSecond: 10_000,
      maxConcurrency: 100,
      headers: { Authorization: 'Bearer of the receiver', 'X-Tenant': 'acme' },
      legacySignature: { header: 'X-HG-Webhook-Signature' },
    };
    const { secret: _, ...endpoint } = await createEndpoint(client, fields);
    expect(await get(endpoint)).toMatchObject(fields);
  });

  test('is followed from then on, on its shard, with its secret encrypted', async () => {
    const { id, secret } = await createEndpoint(client);
    const { rows } = await service.db.query<{ shard: number; secret: Buffer; followed: number }>(
      `SELECT shard, secret, (SELECT count(*)::integer FROM stream.offsets WHERE partition = $2::text) AS followed
      FROM dispatcher.endpoints WHERE id = $1`,
      [uuidOf(id), service.ledgerId],
    );
    expect(rows[0]?.followed).toBe(1);
    expect(rows[0]?.shard).toBeLessThan(64);
    expect(rows[0]?.secret.toString('latin1')).not.toContain(secret.slice('whsec_'.length));
  });
});

test('no read ever tells a secret, nor does the audit log or the process', async () => {
  const created = await createEndpoint(client, { headers: { Authorization: 'Bearer hush-hush' } });
  const rotated = await client.post<One<EndpointWithSecret>>(at(created, '/rotate-secret'), {});
  const answers = [
    await client.get(at(created)),
    await client.get(path),
    await client.patch(at(created), { description: 'x' }),
    await client.post(at(created, '/disable'), undefined),
    await client.post(at(created, '/enable'), undefined),
    await client.get(at(created, '/stats')),
    await client.get(at(created, '/deliveries')),
    await client.get('/metrics'),
  ];
  const texts = [...answers.map(({ text }) => text), JSON.stringify(await auditOf(created))];
  for (const text of [...texts, service.dispatcher.logs()]) {
    expect(text).not.toContain('whsec_');
    for (const secret of [created.secret, rotated.body.data.secret]) {
      expect(text).not.toContain(secret.slice('whsec_'.length));
    }
  }
  expect(texts.at(-1)).not.toContain('hush-hush');
});

describe('what is not allowed of an endpoint is refused, and its field is named', () => {
  const manyHeaders = Object.fromEntries(Array.from({ length: 21 }, (_, index) => [`X-${index}`, 'v']));
  const refusals: [field: string, value: unknown][] = [
    ['url', undefined],
    ['url', null],
    ['url', ''],
    ['url', 17],
    ['url', 'example.com'],
    ['url', 'ftp://example.com'],
    ['url', 'https://user:pass@example.com'],
    ['url', 'https://example.com:22'],
    ['url', 'https://example.com/#part'],
    ['url', `https://example.com/${'x'.repeat(2_048)}`],
    ['url', 'https://10.1.2.3/'],
    ['url', 'https://169.254.169.254/latest/meta-data'],
    ['url', 'https://0x0a010203/'],
    ['url', 'https://[::ffff:10.1.2.3]/'],
    ['eventTypes', []],
    ['eventTypes', '*'],
    ['eventTypes', ['transaction']],
    ['eventTypes', ['Transaction.posted']],
    ['eventTypes', ['transaction.']],
    ['eventTypes', ['*.posted']],
    ['eventTypes', ['transaction.p*']],
    ['eventTypes', ['transaction..posted']],
    ['eventTypes', [`a.${'x'.repeat(99)}`]],
    ['eventTypes', [1]],
    ['eventTypes', Array.from({ length: 51 }, (_, index) => `type.n${index}`)],
    ['accountIds', [unknownId]],
    ['accountIds', ['ROOT']],
    ['accountIds', [null]],
    ['accountIds', {}],
    ['accountIds', Array.from({ length: 101 }, () => accountId)],
    ['description', 'x'.repeat(257)],
    ['description', ''],
    ['ordering', 'ledger'],
    ['ordering', null],
    ['rateLimitPerSecond', 0],
    ['rateLimitPerSecond', 10_001],
    ['rateLimitPerSecond', 1.5],
    ['rateLimitPerSecond', '5'],
    ['maxConcurrency', 0],
    ['maxConcurrency', 101],
    ['maxConcurrency', null],
    ['headers', []],
    ['headers', { 'X-A': 1 }],
    ['headers', { 'X A': 'v' }],
    ['headers', { '': 'v' }],
    ['headers', { 'X-A': 'é' }],
    ['headers', { 'X-A': 'a\r\nX-B: b' }],
    ['headers', { 'X-A': ' padded' }],
    ['headers', { 'X-A': '' }],
    ['headers', { 'X-A': 'x'.repeat(1_025) }],
    ['headers', { 'X-A': '1', 'x-a': '2' }],
    ['headers', manyHeaders],
    ...[
      'Host',
      'Connection',
      'Transfer-Encoding',
      'TE',
      'Content-Type',
      'content-language',
      'Webhook-Id',
    ].map((name): [string, unknown] => ['headers', { [name]: 'v' }]),
    ['legacySignature', 'X-Signature'],
    ['legacySignature', {}],
    ['legacySignature', { header: 'X-Signature', key: 'x' }],
    ['legacySignature.header', { header: 'not a token' }],
    ['legacySignature.header', { header: 'webhook-signature' }],
    ['status', 'disabled'],
    ['secret', 'whsec_mine'],
  ];

  test.each(refusals)('%s (row %#)', async (field, value) => {
    const [name = ''] = field.split('.');
    const body = { url: exampleUrl, [name]: value };
    expectError(await client.post(path, body), 400, 'validation_error', field);
  });

  test('by PATCH as well', async () => {
    const endpoint = await createEndpoint(client);
    for (const [field, value] of refusals.slice(1)) {
      const [name = ''] = field.split('.');
      expectError(await client.patch(at(endpoint), { [name]: value }), 400, 'validation_error', field);
    }
    expect((await auditOf(endpoint)).map(({ action }) => action)).toEqual(['webhook_endpoint.created']);
  });
});

test('http and addresses that are not public need a setting', async () => {
  const strict = await startDispatcherService({ WEBHOOK_ALLOW_HTTP: 'false', WEBHOOK_ALLOWED_RANGES: '' });
  for (const url of ['http://example.com', 'https://127.0.0.1:8443', 'https://localhost', 'https://[::1]/']) {
    expectError(await strict.client.post(path, { url }), 400, 'validation_error', 'url');
  }
  expect((await strict.client.post(path, { url: exampleUrl })).status).toBe(201);
  await strict.stop();
}, 60_000);

describe('a change', () => {
  test('keeps what it does not name, and tells when it was made', async () => {
    const before = await createEndpoint(client, { description: 'x', headers: { 'X-A': '1' } });
    const { status, body } = await client.patch<One<Endpoint>>(at(before), { maxConcurrency: 3 });
    const { secret: _, ...rest } = before;
    expect(status).toBe(200);
    expect(body.data).toEqual({ ...rest, maxConcurrency: 3, updatedAt: body.data.updatedAt });
    expect(body.data.updatedAt > before.updatedAt).toBe(true);
    expect(await get(before)).toEqual(body.data);
  });

  test('takes away with null what can be taken away', async () => {
    const before = await createEndpoint(client, {
      description: 'x',
      rateLimitPerSecond: 5,
      legacySignature: { header: 'X-S' },
    });
    const gone = { description: null, rateLimitPerSecond: null, legacySignature: null };
    expect((await client.patch<One<Endpoint>>(at(before), gone)).body.data).toMatchObject(gone);
  });

  test('of nothing changes nothing', async () => {
    const { secret: _, ...before } = await createEndpoint(client);
    expect((await client.patch<One<Endpoint>>(at(before), {})).body.data).toEqual(before);
  });

  test('is told to whoever delivers', async () => {
    const heard: (string | undefined)[] = [];
    service.db.on('notification', ({ payload }) => heard.push(payload));
    await service.db.query('LISTEN dispatcher_endpoints');
    const endpoint = await createEndpoint(client);
    await client.patch(at(endpoint), { description: 'x' });
    await client.post(at(endpoint, '/disable'), undefined);
    await client.post(at(endpoint, '/enable'), undefined);
    await client.post(at(endpoint, '/rotate-secret'), undefined);
    await client.delete(at(endpoint));
    await service.db.query('SELECT 1');
    await service.db.query('UNLISTEN dispatcher_endpoints');
    expect(heard.filter((payload) => payload === uuidOf(endpoint.id))).toHaveLength(6);
  });

  test('is in the audit log, with who made it, each once', async () => {
    const endpoint = await createEndpoint(client, { headers: { Authorization: 'Bearer x' } });
    await client.patch(at(endpoint), { description: 'y' });
    for (const verb of ['/disable', '/disable', '/enable', '/enable'])
      await client.post(at(endpoint, verb), {});
    await client.post(at(endpoint, '/rotate-secret'), { overlapSeconds: 0 });
    await client.delete(at(endpoint));
    const entries = await auditOf(endpoint);
    expect(entries.map(({ action }) => action)).toEqual(
      ['created', 'updated', 'disabled', 'enabled', 'secret_rotated', 'deleted'].map(
        (verb) => `webhook_endpoint.${verb}`,
      ),
    );
    expect(new Set(entries.map(({ actor }) => actor))).toEqual(new Set([expect.stringMatching(/^key_/)]));
    expect(entries[0]?.details).toMatchObject({ url: exampleUrl, headers: ['Authorization'] });
    expect(entries[1]?.details).toEqual({ description: 'y' });
  });
});

test('an endpoint is disabled and enabled again, as often as one likes', async () => {
  const endpoint = await createEndpoint(client);
  for (let times = 0; times < 2; times++) {
    const disabled = await client.post<One<Endpoint>>(at(endpoint, '/disable'), undefined);
    expect([disabled.status, disabled.body.data]).toMatchObject([
      200,
      { status: 'disabled', disabledReason: 'manual' },
    ]);
  }
  for (let times = 0; times < 2; times++) {
    const enabled = await client.post<One<Endpoint>>(at(endpoint, '/enable'), undefined);
    expect([enabled.status, enabled.body.data]).toMatchObject([
      200,
      { status: 'enabled', disabledReason: null },
    ]);
  }
});

test('a deleted endpoint is gone, whatever is asked of it', async () => {
  const endpoint = await createEndpoint(client);
  const gone = await client.delete(at(endpoint));
  expect([gone.status, gone.text]).toEqual([204, '']);
  for (const answer of await everyCallOf(endpoint.id, client)) expectError(answer, 404, 'not_found');
  const { data } = (await client.get<List<Endpoint>>(`${path}?page[limit]=100`)).body;
  expect(data.map(({ id }) => id)).not.toContain(endpoint.id);
});

/** Each route of one endpoint, with a request that is in order. */
async function everyCallOf(id: string, caller: Client): Promise<Answer[]> {
  return [
    await caller.get(`${path}/${id}`),
    await caller.patch(`${path}/${id}`, { description: 'x' }),
    await caller.post(`${path}/${id}/enable`, undefined),
    await caller.post(`${path}/${id}/disable`, undefined),
    await caller.post(`${path}/${id}/rotate-secret`, {}),
    await caller.post(`${path}/${id}/test`, { eventType: 'transaction.posted' }),
    await caller.get(`${path}/${id}/deliveries`),
    await caller.get(`${path}/${id}/stats`),
    await caller.delete(`${path}/${id}`),
  ];
}

test.each([unknownId, 'whe_x', accountId, 'ROOT', '019a5fb3-1b0c-7d6e-9f4a-0c2b8d7e6f51', '%00'])(
  'an id that is nobody’s is 404: %s',
  async (id) => {
    for (const answer of await everyCallOf(id, client)) expectError(answer, 404, 'not_found');
  },
);

test('another ledger’s endpoint is 404, is in no list, and is not changed', async () => {
  const stranger = await service.clientOf(await service.addLedger());
  const endpoint = await createEndpoint(client);
  for (const answer of await everyCallOf(endpoint.id, stranger)) expectError(answer, 404, 'not_found');
  expect((await stranger.get<List<Endpoint>>(path)).body.data).toEqual([]);
  expect(await get(endpoint)).toMatchObject({ status: 'enabled', description: null });
});

describe('the scopes', () => {
  test('webhooks:read reads, webhooks:write writes, and neither is the other', async () => {
    const reader = await service.clientOf(service.ledgerId, ['webhooks:read']);
    const writer = await service.clientOf(service.ledgerId, ['webhooks:write', 'admin']);
    const endpoint = await createEndpoint(writer);
    const deliveries = '/v1/webhook-deliveries';
    const delivery = `${deliveries}/dlv_01jd3v6d5xe2v8w6p3n0r7j9ck`;
    for (const read of [
      path,
      at(endpoint),
      at(endpoint, '/stats'),
      at(endpoint, '/deliveries'),
      deliveries,
    ]) {
      expect((await reader.get(read)).status).toBe(200);
      expectError(await writer.get(read), 403, 'forbidden');
    }
    expectError(await writer.get(delivery), 403, 'forbidden');
    expectError(await reader.post(path, { url: exampleUrl }), 403, 'forbidden');
    expectError(await reader.patch(at(endpoint), {}), 403, 'forbidden');
    expectError(await reader.delete(at(endpoint)), 403, 'forbidden');
    for (const verb of ['/enable', '/disable', '/rotate-secret', '/test']) {
      expectError(await reader.post(at(endpoint, verb), {}), 403, 'forbidden');
    }
    expectError(await reader.post(`${delivery}/retry`, undefined), 403, 'forbidden');
  });

  test('the types of events are shown to any key, and to nobody without one', async () => {
    const powerless = await service.clientOf(service.ledgerId, []);
    const { status, body } = await powerless.get<One<unknown[]>>('/v1/event-types');
    expect(status).toBe(200);
    expect(body.data).toEqual(JSON.parse(JSON.stringify(eventTypes)));
    const headers = { authorization: undefined };
    expectError(await powerless.get('/v1/event-types', { headers }), 401, 'unauthorized');
  });

  test('a revoked key is refused within a second', async () => {
    const caller = await service.clientOf(service.ledgerId, ['webhooks:read']);
    expect((await caller.get(path)).status).toBe(200);
    await service.db.query(`UPDATE access.api_keys SET deleted_at = now() WHERE scopes = '{webhooks:read}'`);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expectError(await caller.get(path), 401, 'unauthorized');
  });
});

describe('the list', () => {
  test('is newest first, in pages by number and by cursor, with its total where asked', async () => {
    const lister = await service.clientOf(await service.addLedger());
    const ids: string[] = [];
    for (let number = 0; number < 7; number++) ids.unshift((await createEndpoint(lister)).id);
    expect((await lister.all<Endpoint>(path, { 'page[limit]': '3' })).map(({ id }) => id)).toEqual(ids);
    const second = withQuery(path, { 'page[limit]': '3', 'page[page]': '2', 'page[total]': 'true' });
    const { body } = await lister.get<List<Endpoint>>(second);
    expect(body.data.map(({ id }) => id)).toEqual(ids.slice(3, 6));
    expect(body.meta).toEqual({
      page: { limit: 3, number: 2, hasMore: true, nextCursor: expect.any(String), total: 7 },
      position: '0',
    });
    expect((await lister.get<List<Endpoint>>(`${path}?page[page]=4&page[limit]=3`)).body.data).toEqual([]);
  });

  test('refuses what no list takes', async () => {
    expectError(await client.get(`${path}?page[cursor]=nonsense`), 400, 'invalid_cursor');
    expectError(await client.get(`${path}?page[page]=101&page[limit]=100`), 400, 'page_too_deep');
    for (const query of [
      'page[limit]=0',
      'page[limit]=101',
      'page[page]=0',
      'filter[status]=enabled',
      'x=1',
    ]) {
      expectError(await client.get(`${path}?${query}`), 400, 'validation_error');
    }
  });

  test('says how far the journal was taken in', async () => {
    const ledgerId = await service.addLedger();
    const lister = await service.clientOf(ledgerId);
    await service.db.query(`INSERT INTO dispatcher.ledgers (ledger_id, epoch, position) VALUES ($1, 1, 42)`, [
      ledgerId,
    ]);
    expect((await lister.get<List<Endpoint>>(path)).body.meta.position).toBe('42');
  });
});

test('a ledger has no more than 1,000 endpoints, deleted ones aside', async () => {
  const ledgerId = await service.addLedger();
  const owner = await service.clientOf(ledgerId);
  const first = await createEndpoint(owner);
  await service.db.query(
    `INSERT INTO dispatcher.endpoints
    SELECT (jsonb_populate_record(e, jsonb_build_object('id', gen_random_uuid()))).*
    FROM dispatcher.endpoints e, generate_series(1, 999) WHERE e.id = $1`,
    [uuidOf(first.id)],
  );
  expectError(await owner.post(path, { url: exampleUrl }), 409, 'too_many_endpoints');
  await owner.delete(at(first));
  expect((await owner.post(path, { url: exampleUrl })).status).toBe(201);
});

describe('a new secret', () => {
  interface StoredSecrets {
    readonly has_previous: boolean;
    readonly seconds: number | null;
  }
  const stored = async ({ id }: Endpoint) => {
    const { rows } = await service.db.query<StoredSecrets>(
      `SELECT previous_secret IS NOT NULL AS has_previous,
        extract(epoch from previous_secret_until - updated_at)::integer AS seconds
      FROM dispatcher.endpoints WHERE id = $1`,
      [uuidOf(id)],
    );
    return rows[0];
  };

  test.each([
    [undefined, { has_previous: true, seconds: 86_400 }],
    [{}, { has_previous: true, seconds: 86_400 }],
    [{ overlapSeconds: 60 }, { has_previous: true, seconds: 60 }],
    [{ overlapSeconds: 604_800 }, { has_previous: true, seconds: 604_800 }],
    [{ overlapSeconds: 0 }, { has_previous: false, seconds: null }],
  ])('after %j', async (body, expected) => {
    const endpoint = await createEndpoint(client);
    const rotated = await client.post<One<EndpointWithSecret>>(at(endpoint, '/rotate-secret'), body);
    expect(rotated.status).toBe(200);
    expect(rotated.body.data.secret).toMatch(secretText);
    expect(rotated.body.data.secret).not.toBe(endpoint.secret);
    expect(await stored(endpoint)).toEqual(expected);
  });

  test.each([-1, 604_801, 1.5, '60', null])('is refused for an overlap of %j', async (overlapSeconds) => {
    const endpoint = await createEndpoint(client);
    const answer = await client.post(at(endpoint, '/rotate-secret'), { overlapSeconds });
    expectError(answer, 400, 'validation_error', 'overlapSeconds');
  });

  test.each([null, false, 0, '', []])('and a body that is %j is refused, by every verb', async (body) => {
    const endpoint = await createEndpoint(client);
    for (const verb of ['/rotate-secret', '/disable', '/enable']) {
      expectError(await client.post(at(endpoint, verb), body), 400, 'validation_error', 'body');
    }
  });
});

describe('a test of an endpoint', () => {
  interface TestResult {
    readonly statusCode: number | null;
    readonly errorClass: string | null;
    readonly latencyMs: number;
    readonly requestHeaders: Readonly<Record<string, string>>;
    readonly responseBody: string | null;
  }
  const testIt = (endpoint: Endpoint, eventType = 'transaction.posted') =>
    client.post<One<TestResult>>(at(endpoint, '/test'), { eventType });

  test.each(eventTypes.map(({ type }) => type))('sends the example of %s, signed', async (type) => {
    const fields = { headers: { 'X-Tenant': 'acme' }, legacySignature: { header: 'X-Legacy' } };
    const endpoint = await createEndpoint(client, { url: `${receiver.url}/hook?a=1`, ...fields });
    receiver.answerWith({ status: 202, body: 'thanks' });
    const { status, body } = await testIt(endpoint, type);
    expect([status, body.data]).toMatchObject([
      200,
      { statusCode: 202, errorClass: null, responseBody: 'thanks' },
    ]);
    expect(body.data.latencyMs).toBeGreaterThanOrEqual(0);

    const webhook = receiver.received.at(-1)!;
    const headers = webhook.headers as Record<string, string>;
    expect([webhook.path, headers['x-tenant']]).toEqual(['/hook?a=1', 'acme']);
    const event = new Webhook(endpoint.secret).verify(webhook.body, headers) as Record<string, unknown>;
    expect(event).toMatchObject({ type, version: 1, id: headers['webhook-id'] });
    expect(event['ledgerId']).toMatch(/^ldg_/);
    const legacy = createHmac('sha256', endpoint.secret).update(webhook.body).digest('hex');
    expect(headers['x-legacy']).toBe(`sha256=${legacy}`);
    expect(body.data.requestHeaders['webhook-signature']).toBe(headers['webhook-signature']);
    expect(JSON.stringify(body)).not.toContain('whsec_');
  });

  test('has an id of its own each time, and works on a disabled endpoint', async () => {
    const endpoint = await createEndpoint(client, { url: receiver.url });
    await client.post(at(endpoint, '/disable'), undefined);
    receiver.answerWith({ status: 200 });
    const ids = [await testIt(endpoint), await testIt(endpoint)].map(
      ({ body }) => body.data.requestHeaders['webhook-id'],
    );
    expect(new Set(ids).size).toBe(2);
  });

  test('is signed with both secrets while they overlap', async () => {
    const endpoint = await createEndpoint(client, { url: receiver.url });
    const rotated = await client.post<One<EndpointWithSecret>>(at(endpoint, '/rotate-secret'), {});
    await testIt(endpoint);
    const { body, headers } = receiver.received.at(-1)!;
    for (const secret of [endpoint.secret, rotated.body.data.secret]) {
      expect(() => new Webhook(secret).verify(body, headers as Record<string, string>)).not.toThrow();
    }
    await client.post(at(endpoint, '/rotate-secret'), { overlapSeconds: 0 });
    await testIt(endpoint);
    const last = receiver.received.at(-1)!;
    expect(() => new Webhook(endpoint.secret).verify(last.body, last.headers as never)).toThrow();
  });

  test('tells what the receiver answered, redirects not followed', async () => {
    const endpoint = await createEndpoint(client, { url: receiver.url });
    for (const [status, headers] of [
      [500, {}],
      [302, { location: 'http://169.254.169.254/' }],
    ] as const) {
      receiver.answerWith({ status, headers, body: 'no' });
      expect((await testIt(endpoint)).body.data).toMatchObject({ statusCode: status, responseBody: 'no' });
    }
  });

  test('tells why there was no answer', async () => {
    const closed = await startReceiver();
    const endpoint = await createEndpoint(client, { url: closed.url });
    await closed.close();
    const { status, body } = await testIt(endpoint);
    expect([status, body.data]).toMatchObject([
      200,
      { statusCode: null, errorClass: 'connect', responseBody: null },
    ]);
  });

  test.each([{}, { eventType: 'transaction.imagined' }, { eventType: 5 }, { eventType: 'x', more: 1 }])(
    'needs a type that there is: %j',
    async (body) => {
      const endpoint = await createEndpoint(client, { url: receiver.url });
      expectError(await client.post(at(endpoint, '/test'), body), 400, 'validation_error');
    },
  );
});

describe('the conventions', () => {
  const create = (sent: Parameters<Client['send']>[2]) => client.send('POST', path, sent);

  test('hold on this app as well, in their order', async () => {
    const nobody = { headers: { authorization: undefined } };
    expectError(await client.get('/v1/webhooks', nobody), 404, 'not_found');
    expectError(await client.send('PUT', path, nobody), 405, 'method_not_allowed');
    expect((await client.send('PUT', path)).headers['allow']).toMatch(/GET/);
    expectError(await client.get(path, nobody), 401, 'unauthorized');
    expectError(
      await create({ raw: 'x', headers: { 'content-type': 'text/plain' } }),
      415,
      'unsupported_media_type',
    );
    expectError(await client.get(path, { headers: { accept: 'text/html' } }), 406, 'not_acceptable');
    expectError(await create({ raw: ' '.repeat(1_100_000) }), 413, 'payload_too_large');
    expectError(await create({ raw: '{' }), 400, 'validation_error', 'body');
    expectError(await create({ raw: '{"__proto__": {}}' }), 400, 'validation_error', 'body');
    expectError(await create({ raw: '{"url": "\\u0000"}' }), 400, 'validation_error', 'url');
    expectError(
      await create({ body: { url: exampleUrl, colour: 'red' } }),
      400,
      'validation_error',
      'colour',
    );
    expectError(await client.get(`${path}?colour=red`), 400, 'validation_error', 'colour');
  });

  test('a request keeps its id', async () => {
    const headers = { 'x-request-id': 'mine-17' };
    expect((await client.get(path, { headers })).headers['x-request-id']).toBe('mine-17');
  });

  test('fields where none are known are refused, and no body is needed', async () => {
    const endpoint = await createEndpoint(client);
    for (const verb of ['/enable', '/disable']) {
      expectError(await client.post(at(endpoint, verb), { why: 'x' }), 400, 'validation_error', 'why');
      expectError(await client.post(at(endpoint, verb), [1]), 400, 'validation_error');
      expect((await client.post(at(endpoint, verb), {})).status).toBe(200);
      expect((await client.send('POST', at(endpoint, verb))).status).toBe(200);
    }
  });
});
