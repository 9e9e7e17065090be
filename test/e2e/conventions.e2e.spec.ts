import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  expectError,
  newKey,
  startService,
  withQuery,
  type Account,
  type Answer,
  type Client,
  type One,
  type Sent,
  type Service,
  type Transaction,
} from '../support/client.js';
import { rawRequest, sendRaw } from '../support/raw-http.js';

let service: Service;
let client: Client;
let alice: Account;
let bob: Account;

beforeAll(async () => {
  service = await startService({ env: { HEADERS_TIME_MS: '2000' } });
  client = service.client;
  alice = await client.open({ name: 'Alice', openingBalance: 1_000 });
  bob = await client.open({ name: 'Bob' });
}, 60_000);

afterAll(() => service.stop());

const unknownId = 'acc_01jd3v4wqzfxs9v5n6m7k8h2re';
const transfer = (fields: object = {}) => ({ sender: alice.id, recipient: bob.id, amount: 1, ...fields });
const authorized = () => [`Authorization: Bearer ${service.product.apiKey}`];
const raw = (text: string | Buffer) => client.send('POST', '/v1/transactions', { raw: text });
const megabyte = 1_048_576;
/** A proper transfer, filled up with blanks to a length. */
const filled = (bytes: number) => JSON.stringify(transfer()).padEnd(bytes);

describe('who calls', () => {
  test.each([
    ['nobody', undefined],
    ['a wrong key', `Bearer sk_live_${'x'.repeat(43)}`],
    ['a key in another scheme', 'Basic c2tfbGl2ZQ=='],
    ['an empty one', 'Bearer '],
    ['no scheme', 'sk_live_test000000000000000000000000000000000000000'],
    ['a longer one', 'Bearer sk_live_test0000000000000000000000000000000000000000'],
  ])('%s is unauthorized', async (_, authorization) => {
    for (const [method, path] of [
      ['GET', '/v1/accounts'],
      ['POST', '/v1/transactions'],
      ['GET', `/v1/accounts/${alice.id}`],
      ['GET', '/v1/events'],
      ['GET', '/v1/trial-balance'],
    ] as const) {
      const answer = await client.send(method, path, { headers: { authorization } });
      expectError(answer, 401, 'unauthorized');
      expect(answer.headers['www-authenticate']).toMatch(/^Bearer/);
    }
  });

  test('the name of the scheme may be in any case', async () => {
    const headers = { authorization: `bearer ${service.product.apiKey}` };
    expect((await client.get('/v1/accounts', { headers })).status).toBe(200);
  });
});

describe('request ids', () => {
  const idOf = async (sent: string | string[] | undefined, path = '/v1/accounts') =>
    (await client.get(path, { headers: { 'x-request-id': sent } })).headers['x-request-id'];

  test('a proper one comes back', async () => {
    for (const id of ['a', '!~', 'x'.repeat(128), '{"json":1}']) expect(await idOf(id)).toBe(id);
  });

  test('another is replaced', async () => {
    for (const id of ['x'.repeat(129), 'with blank', 'tab\there', 'ünï', '', ['a', 'b']]) {
      const got = await idOf(id);
      expect(got).toMatch(/^[!-~]{1,128}$/);
      expect(got).not.toBe(id);
    }
  });

  test('every answer has one of its own, whatever it is', async () => {
    const answers = await Promise.all([
      client.get('/v1/accounts'),
      client.get('/v1/nothing'),
      client.send('PUT', '/v1/transactions'),
      client.get('/health/live'),
      client.get('/health/ready'),
      client.get('/metrics'),
      client.get('/docs'),
      client.get('/openapi.json'),
      client.get('/v1/accounts', { headers: { authorization: undefined } }),
      client.get('/v1/accounts', { headers: { accept: 'text/html' } }),
      client.get('/%zz'),
      client.get('/v1/accounts/%zz'),
      raw('{'),
      raw(filled(megabyte + 1)),
      client.delete(`/v1/accounts/${(await client.open()).id}`),
    ]);
    const ids = answers.map(({ headers }) => headers['x-request-id']);
    for (const id of ids) expect(id).toMatch(/^[!-~]{1,128}$/);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test('even to what is no HTTP', async () => {
    const { port } = new URL(client.url);
    const said = await new Promise<string>((resolve, reject) => {
      const socket = connect(Number(port), '127.0.0.1', () =>
        socket.write('GET /v1 HTTP/1.1\r\nno header\r\n\r\n'),
      );
      let text = '';
      socket.on('data', (chunk) => (text += chunk.toString()));
      socket.on('end', () => resolve(text));
      socket.on('error', reject);
    });
    expect(said).toMatch(/^HTTP\/1\.1 400 /);
    expect(said).toMatch(/^x-request-id: [!-~]+\r$/im);
    expect(said).toContain('"code":"validation_error"');
  });
});

describe('where there is no route, or no such method', () => {
  test.each([
    ['/v1/nothing', 404, 'not_found'],
    ['/v1/trial-balance', 405, 'method_not_allowed'],
    ['/metrics', 405, 'method_not_allowed'],
  ] as const)('nothing else about %s matters', async (path, status, code) => {
    for (const sent of [
      { raw: '{a' },
      { raw: '{"__proto__":1}' },
      { raw: '{}', headers: { 'content-type': ';;' } },
      { raw: '{}', headers: { 'content-type': 'application/json; charset=utf-16' } },
      { raw: '{}', headers: { 'content-encoding': 'gzip' } },
      { raw: filled(megabyte + 1) },
    ]) {
      for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
        expectError(await client.send(method, path, sent), status, code);
      }
    }
  });

  test('nor which method it is', async () => {
    for (const method of ['PROPFIND', 'TRACE', 'SEARCH', 'QUERY', 'PURGE', 'OPTIONS']) {
      const { answers } = await sendRaw(client.url, rawRequest(`${method} /v1/accounts`, authorized()));
      // Which methods there are at all is Node's to say: one that it doesn't know is no HTTP to it.
      if (answers[0]!.status === 400) continue;
      expectError(answers[0]!, 405, 'method_not_allowed');
      expect(answers[0]!.headers.allow).toBe('POST, GET, HEAD');
    }
  });

  test('a tunnel is one of them', async () => {
    const { answers, isEnded } = await sendRaw(client.url, rawRequest('CONNECT example.com:443'), {
      answers: 2,
    });
    expectError(answers[0]!, 405, 'method_not_allowed');
    expect([isEnded, answers.length]).toEqual([true, 1]);
  });
});

describe('on a connection', () => {
  const json = 'Content-Type: application/json';
  const body = () => JSON.stringify(transfer());
  const post = (headers: readonly string[] = [], text = body()) =>
    rawRequest(
      'POST /v1/transactions',
      [...authorized(), ...headers, `Content-Length: ${text.length}`],
      text,
    );

  test('what is no HTTP is told so behind the answers to what came before it', async () => {
    const bytes = Buffer.concat([post([json]), post([json]), Buffer.from('no HTTP at all\r\n\r\n')]);
    const { answers, isEnded, rest } = await sendRaw(client.url, bytes, { answers: 4 });
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 400]);
    expectError(answers[2]!, 400, 'validation_error');
    expect([isEnded, rest]).toEqual([true, '']);
  });

  test('nor does a body that is none get an answer out of order', async () => {
    const chunked = [...authorized(), json, 'Transfer-Encoding: chunked'];
    const broken = rawRequest('POST /v1/transactions', chunked, 'no length\r\n');
    const { answers, isEnded, rest } = await sendRaw(client.url, Buffer.concat([post([json]), broken]), {
      answers: 3,
    });
    expect(answers.map(({ status }) => status)).toEqual([201, 400]);
    expect([isEnded, rest]).toEqual([true, '']);
  });

  test('a body that ends too early is told so at once', async () => {
    const half = rawRequest(
      'POST /v1/transactions',
      [...authorized(), json, 'Content-Length: 90'],
      '{"sender"',
    );
    const { answers, isEnded } = await sendRaw(client.url, half, { answers: 2, halfClose: true });
    expectError(answers[0]!, 400, 'validation_error');
    expect(isEnded).toBe(true);
  });

  test('headers that are too large, and a request that never comes, are told so', async () => {
    const large = rawRequest('GET /v1/accounts', [...authorized(), `X-Filler: ${'x'.repeat(20_000)}`]);
    const { answers } = await sendRaw(client.url, large);
    expect(expectError(answers[0]!, 431, 'validation_error').message).toMatch(/too large/);
    const silence = await sendRaw(client.url, 'GET /v1/acc', { answers: 2 });
    expect(silence.isEnded).toBe(true);
    expect(expectError(silence.answers[0]!, 408, 'validation_error').message).toMatch(/in time/);
  });

  test('the more headers there are, the less any of them is passed over', async () => {
    const many = Array.from({ length: 3_000 }, () => 'a:');
    const { answers } = await sendRaw(client.url, rawRequest('GET /v1/accounts', [...many, ...authorized()]));
    expect(answers[0]!.status).toBe(200);
  });

  test('an expectation that nobody knows is passed over', async () => {
    for (const expectation of ['100-continue', '200-maybe']) {
      const { answers } = await sendRaw(client.url, post([json, `Expect: ${expectation}`]));
      expect(answers[0]!.status).toBe(201);
    }
  });

  test('a header that must be one is not taken for one of two', async () => {
    const twice = (header: string) => sendRaw(client.url, post([json, header]));
    expectError((await twice('Authorization: Bearer x')).answers[0]!, 401, 'unauthorized');
    expectError((await twice(authorized()[0]!)).answers[0]!, 401, 'unauthorized');
    expectError((await twice('Content-Type: text/plain')).answers[0]!, 415, 'unsupported_media_type');
    const keys = await sendRaw(client.url, post([json, 'Idempotency-Key: a', 'Idempotency-Key: b']));
    expectError(keys.answers[0]!, 400, 'validation_error', 'Idempotency-Key');
  });

  test.each(['gzip, chunked', 'identity, chunked'])('a body in %s is not understood', async (coding) => {
    const headers = [...authorized(), json, `Transfer-Encoding: ${coding}`];
    const chunks = `${body().length.toString(16)}\r\n${body()}\r\n0\r\n\r\n`;
    const { answers } = await sendRaw(client.url, rawRequest('POST /v1/transactions', headers, chunks));
    expect([400, 415]).toContain(answers[0]!.status);
    expectError(
      answers[0]!,
      answers[0]!.status,
      answers[0]!.status === 415 ? 'unsupported_media_type' : 'validation_error',
    );
  });
});

describe('text that can not be kept', () => {
  const surrogates = ['\\ud800', '\\udc00', '\\ud83c x', 'x\\udfe6\\ud83c'];
  const fields = [
    '"name":"A$"',
    '"externalId":"$"',
    '"ownerId":"$"',
    '"metadata":{"a":{"b":["$"]}}',
    '"metadata":{"$":1}',
  ];

  test.each(['\\u0000', ...surrogates])('%s in a body, wherever it is', async (escape) => {
    for (const field of fields) {
      const name = field.startsWith('"name"') ? '' : '"name":"A",';
      const text = `{${name}"currency":"EUR",${field.replace('$', escape)}}`;
      expectError(await client.send('POST', '/v1/accounts', { raw: text }), 400, 'validation_error');
    }
    const text = JSON.stringify(transfer({ reference: '$' })).replace('$', escape);
    expectError(await raw(text), 400, 'validation_error');
    const patched = await client.send('PATCH', `/v1/accounts/${bob.id}`, { raw: `{"name":"${escape}"}` });
    expectError(patched, 400, 'validation_error');
  });

  test('as it is, without an escape', async () => {
    const [before = '', after = ''] = JSON.stringify(transfer({ reference: 'x$' })).split('$');
    const bytes = [
      [0x00],
      [0xed, 0xa0, 0x80],
      [0xed, 0xb0, 0x80],
      [0xff],
      [0xc0, 0x80],
      [0xf8, 0x88, 0x80, 0x80, 0x80],
    ];
    for (const part of bytes) {
      expectError(
        await raw(Buffer.concat([Buffer.from(before), Buffer.from(part), Buffer.from(after)])),
        400,
        'validation_error',
      );
    }
  });

  test('pairs of surrogates are characters', async () => {
    const text = JSON.stringify(transfer({ reference: '$' })).replace('$', '\\ud83c\\udfe6 \\\\u0000');
    const answer = await client.send<{ data: { reference: string } }>('POST', '/v1/transactions', {
      raw: text,
    });
    expect(answer.body.data.reference).toBe('🏦 \\u0000');
  });

  test('in a query, its names included', async () => {
    const queries = [
      'filter[reference]=%00',
      'filter[reference]=a%00b',
      'filter[externalId]=%ED%A0%80',
      'filter[reference]=%ED%B0%80x',
      'filter[reference]=%FF',
      'filter[reference]=%zz',
      'page[cursor]=%00',
      '%00=x',
      'filter[reference%00]=x',
      '__proto__=x',
      'filter[__proto__]=x',
    ];
    for (const query of queries) {
      const answer = await client.get(`/v1/transactions?${query}`);
      expect([query, answer.status]).toEqual([query, 400]);
      if (!query.startsWith('page[cursor]')) expectError(answer, 400, 'validation_error');
    }
    expectError(await client.get('/v1/accounts?filter[name]=%00'), 400, 'validation_error');
    expectError(await client.get('/v1/accounts/ROOT?currency=%00'), 400, 'validation_error');
    expectError(await client.get('/v1/events?after=%00'), 400, 'validation_error');
  });
});

describe('bodies', () => {
  test.each([
    '{',
    '',
    ' ',
    '{"sender":}',
    "{'sender':1}",
    '{"a":1,}',
    '[1,',
    'undefined',
    'NaN',
    '{"amount":01}',
    '{"amount":+1}',
    '{"amount":.5}',
    '{} {}',
    '{"reference":"a\nb"}',
    '// x\n{}',
  ])('%j is malformed', async (text) => {
    expectError(await raw(text), 400, 'validation_error');
  });

  test('__proto__ is refused as a key, wherever and however it is written', async () => {
    const bodies = [
      JSON.stringify(transfer()).replace('{', '{"__proto__":{"amount":5},'),
      JSON.stringify(transfer()).replace('{', '{"__proto__":null,'),
      JSON.stringify(transfer()).replace('{', '{"\\u005f_proto__":{"x":1},'),
      JSON.stringify(transfer({ metadata: { x: '$' } })).replace('"$"', '{"__proto__" : 1}'),
      JSON.stringify(transfer({ metadata: { x: '$' } })).replace('"$"', '[{"__pro\\u0074o__":{}}]'),
    ];
    for (const body of bodies) expectError(await raw(body), 400, 'validation_error');
    const harmless = await client.transfer(alice.id, bob.id, 1, {
      reference: '"__proto__":',
      metadata: { a: '__proto__' },
    });
    expect(harmless).toMatchObject({ reference: '"__proto__":', metadata: { a: '__proto__' } });
  });

  test('however deep, they are refused and not fallen over', async () => {
    const deep = (depth: number, inside: string) => `${'['.repeat(depth)}${inside}${']'.repeat(depth)}`;
    for (const inside of ['', '"\\u0041"', '{"__proto__":1}']) {
      for (const field of ['metadata', 'reference', 'nothing', 'amount']) {
        const text = JSON.stringify(transfer({ [field]: '$' })).replace('"$"', deep(200_000, inside));
        expectError(await raw(text), 400, 'validation_error');
      }
    }
    const objects = `${'{"a":'.repeat(100_000)}"\\u0041"${'}'.repeat(100_000)}`;
    expectError(
      await raw(JSON.stringify(transfer({ metadata: '$' })).replace('"$"', objects)),
      400,
      'validation_error',
    );
  });

  test('however wide, they are refused and not fallen over', async () => {
    const wide = `{"a":[${'[],'.repeat(300_000)}[]]}`;
    const flat = `{${Array.from({ length: 60_000 }, (_, n) => `"k${n}":1`).join()}}`;
    for (const field of ['metadata', 'reference', 'nothing', 'amount']) {
      for (const value of [wide, flat]) {
        const text = JSON.stringify(transfer({ [field]: '$' })).replace('"$"', value);
        expectError(await raw(text), 400, 'validation_error');
      }
    }
    const answer = await raw(flat);
    expectError(answer, 400, 'validation_error');
    expect(answer.text.length).toBeLessThan(100_000);
  });

  test('a POST without a body needs no content type', async () => {
    for (const path of ['/v1/transactions', '/v1/mints', '/v1/burns', '/v1/accounts']) {
      expectError(await client.send('POST', path), 400, 'validation_error');
    }
  });

  test('of up to 1 MB are read, of more refused, with their length given or not', async () => {
    expect((await raw(filled(999_999))).status).toBe(201);
    expectError(await raw(filled(megabyte + 1)), 413, 'payload_too_large');
    expectError(await raw(filled(3 * megabyte)), 413, 'payload_too_large');
    const chunk = Buffer.alloc(300_000, ' ');
    const chunks = { raw: [chunk, chunk, chunk, chunk, chunk] };
    expectError(await client.send('POST', '/v1/transactions', chunks), 413, 'payload_too_large');
    const whole = { raw: [Buffer.from(JSON.stringify(transfer())), chunk] };
    expect((await client.send('POST', '/v1/transactions', whole)).status).toBe(201);
  });

  test('are refused where their client sees it, however late it sends them', async () => {
    const { hostname, port } = new URL(service.product.url);
    const socket = connect(Number(port), hostname);
    const head = ['POST /v1/transactions HTTP/1.1', 'Host: ledger', ...authorized()];
    const ofBody = ['Content-Type: application/json', `Content-Length: ${3 * megabyte}`];
    socket.write([...head, ...ofBody, '\r\n'].join('\r\n'));
    for (let part = 0; part < 3; part++) {
      await sleep(100);
      socket.write(Buffer.alloc(megabyte, ' '));
    }
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 413 [^]*payload_too_large/);
  });

  test('unknown fields name themselves', async () => {
    const error = expectError(
      await client.post('/v1/transactions', transfer({ memo: 1, Amount: 2 })),
      400,
      'validation_error',
    );
    expect(error.details?.map(({ path }) => path).sort()).toEqual(['Amount', 'memo']);
  });
});

describe('media types', () => {
  const create = (headers: Sent['headers']) =>
    client.post('/v1/transactions', transfer(), headers ? { headers } : {});

  test.each([
    'text/html',
    'text/csv',
    'application/xml',
    'application/json;q=0',
    'image/*',
    'application/problem+json',
  ])('answers are not %s', async (accept) => {
    expectError(await create({ accept }), 406, 'not_acceptable');
    for (const path of ['/v1/accounts', `/v1/accounts/${alice.id}`, '/v1/events', '/v1/trial-balance']) {
      expectError(await client.get(path, { headers: { accept } }), 406, 'not_acceptable');
    }
  });

  test.each([
    'application/json',
    '*/*',
    'application/*',
    'text/html, application/json;q=0.1',
    'text/html;q=0.9, */*;q=0.1',
    'application/json; charset=utf-8',
    'APPLICATION/JSON',
  ])('%s is JSON enough', async (accept) => {
    const answer = await create({ accept });
    expect([answer.status, answer.headers['content-type']]).toEqual([201, 'application/json; charset=utf-8']);
  });

  test.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'application/xml',
    'multipart/form-data; boundary=x',
    'application/jsonp',
    'application/json-patch+json',
    'application/json; charset=utf-16',
    'application/json; charset="iso-8859-1"',
    'nonsense',
    undefined,
  ])('bodies are not %s', async (contentType) => {
    expectError(await create({ 'content-type': contentType }), 415, 'unsupported_media_type');
    const patched = await client.patch(
      `/v1/accounts/${bob.id}`,
      { name: 'Bob' },
      { headers: { 'content-type': contentType } },
    );
    expectError(patched, 415, 'unsupported_media_type');
  });

  test.each([
    'application/json',
    'application/json; charset=utf-8',
    'application/json;charset=UTF-8',
    'application/json; charset="utf-8"',
    'Application/JSON',
  ])('bodies are %s', async (contentType) => {
    expect((await create({ 'content-type': contentType })).status).toBe(201);
  });

  test('a request without a body may name JSON', async () => {
    const headers = { 'content-type': 'application/json' };
    expect((await client.get('/v1/accounts', { headers })).status).toBe(200);
    const { id } = await client.open();
    expect((await client.delete(`/v1/accounts/${id}`, { headers })).status).toBe(204);
  });
});

describe('what needs no key and takes any Accept', () => {
  test.each([
    ['/health/live', /json/],
    ['/health/ready', /json/],
    ['/metrics', /^text\/plain/],
    ['/openapi.json', /json/],
    ['/docs', /html/],
  ])('%s', async (path, type) => {
    for (const accept of ['text/html', 'text/plain', 'application/json', undefined]) {
      const answer = await client.get(path, { headers: { authorization: undefined, accept } });
      expect(answer.status).toBe(200);
      expect(answer.headers['content-type']).toMatch(type);
    }
  });

  test('the description has every route, with its codes', async () => {
    const { body } = await client.get<{
      openapi: string;
      paths: Record<string, Record<string, { responses: Record<string, unknown> }>>;
    }>('/openapi.json');
    expect(body.openapi).toMatch(/^3\.1/);
    const routes: [string, string, string][] = [
      ['post', '/v1/accounts', '201'],
      ['get', '/v1/accounts', '200'],
      ['get', '/v1/accounts/{id}', '200'],
      ['patch', '/v1/accounts/{id}', '200'],
      ['delete', '/v1/accounts/{id}', '204'],
      ['get', '/v1/accounts/{id}/balance', '200'],
      ['get', '/v1/accounts/{id}/entries', '200'],
      ['post', '/v1/transactions', '201'],
      ['get', '/v1/transactions', '200'],
      ['get', '/v1/transactions/{id}', '200'],
      ['post', '/v1/mints', '201'],
      ['post', '/v1/burns', '201'],
      ['get', '/v1/events', '200'],
      ['get', '/v1/trial-balance', '200'],
    ];
    for (const [method, path, status] of routes) {
      const statuses = Object.keys(body.paths[path]?.[method]?.responses ?? {});
      expect([method, path, statuses]).toEqual([
        method,
        path,
        expect.arrayContaining([status, '400', '401']),
      ]);
    }
    const text = JSON.stringify(body);
    for (const code of [
      'insufficient_funds',
      'idempotency_key_reused',
      'page_too_deep',
      'precondition_failed',
    ]) {
      expect(text).toContain(code);
    }
  });
});

describe('routes', () => {
  test('that are none are not found', async () => {
    for (const path of [
      '/',
      '/v1',
      '/v2/accounts',
      '/v1/account',
      '/v1/accounts/',
      `/v1/accounts/${alice.id}/nothing`,
    ]) {
      expectError(await client.get(path), 404, 'not_found');
    }
    expectError(await client.post('/v1/nothing', {}), 404, 'not_found');
  });

  test('know their methods', async () => {
    const allowed: [string, string, string[]][] = [
      ['PUT', '/v1/accounts', ['GET', 'POST']],
      ['DELETE', '/v1/accounts', ['GET', 'POST']],
      ['POST', `/v1/accounts/${alice.id}`, ['DELETE', 'GET', 'PATCH']],
      ['PUT', `/v1/accounts/${unknownId}`, ['DELETE', 'GET', 'PATCH']],
      ['POST', `/v1/accounts/${alice.id}/balance`, ['GET']],
      ['DELETE', `/v1/accounts/${alice.id}/entries`, ['GET']],
      ['POST', '/v1/events', ['GET']],
      ['DELETE', '/v1/events', ['GET']],
      ['PATCH', '/v1/trial-balance', ['GET']],
      ['GET', '/v1/mints', ['POST']],
      ['DELETE', '/v1/burns', ['POST']],
      ['DELETE', '/v1/transactions/batch', ['POST']],
      ['GET', '/v1/transactions/txn_1/capture', ['POST']],
      ['PUT', '/v1/transactions/txn_1/void', ['POST']],
      ['PATCH', '/v1/transactions/txn_1/reverse', ['POST']],
      ['POST', '/v1/transactions/txn_1/hold', ['PATCH']],
      ['POST', `/v1/accounts/${alice.id}/statement`, ['GET']],
      ['POST', '/v1/exchange-rates', ['GET']],
      ['GET', '/v1/exchange-rates/EUR/USD', ['PUT']],
      ['DELETE', '/v1/currencies', ['GET', 'POST']],
      ['POST', '/v1/periods/closed-through', ['GET', 'PUT']],
    ];
    for (const [method, path, methods] of allowed) {
      const answer = await client.send(method, path);
      expectError(answer, 405, 'method_not_allowed');
      const allow = (answer.headers.allow ?? '').split(/, ?/).filter((name) => name !== 'HEAD');
      expect([method, path, allow.sort()]).toEqual([method, path, methods]);
    }
  });

  test('refuse query parameters that they do not know', async () => {
    const { id } = await client.transfer(alice.id, bob.id, 1);
    const refused: [string, string][] = [
      ['GET', `/v1/accounts/${alice.id}`],
      ['GET', `/v1/accounts/${alice.id}/balance`],
      ['GET', `/v1/accounts/${alice.id}/entries`],
      ['PATCH', `/v1/accounts/${alice.id}`],
      ['DELETE', `/v1/accounts/${alice.id}`],
      ['GET', '/v1/accounts'],
      ['POST', '/v1/accounts'],
      ['GET', '/v1/transactions'],
      ['POST', '/v1/transactions'],
      ['GET', `/v1/transactions/${id}`],
      ['POST', '/v1/mints'],
      ['POST', '/v1/burns'],
      ['GET', '/v1/events'],
      ['GET', '/v1/trial-balance'],
      ['POST', '/v1/transactions/batch'],
      ['POST', `/v1/transactions/${id}/capture`],
      ['POST', `/v1/transactions/${id}/void`],
      ['POST', `/v1/transactions/${id}/reverse`],
      ['PATCH', `/v1/transactions/${id}/hold`],
      ['GET', `/v1/accounts/${alice.id}/statement`],
      ['PUT', '/v1/exchange-rates/EUR/USD'],
      ['GET', '/v1/exchange-rates'],
      ['POST', '/v1/currencies'],
      ['GET', '/v1/currencies'],
      ['PUT', '/v1/periods/closed-through'],
      ['GET', '/v1/periods/closed-through'],
    ];
    const body: Record<string, object> = {
      '/v1/accounts': { name: 'A', currency: 'EUR' },
      '/v1/transactions': transfer(),
      '/v1/mints': { recipient: bob.id, amount: 1 },
      '/v1/burns': { sender: alice.id, amount: 1 },
      [`/v1/accounts/${alice.id}`]: { name: 'Alice' },
      '/v1/transactions/batch': { mode: 'atomic', transactions: [transfer()] },
      [`/v1/transactions/${id}/capture`]: {},
      [`/v1/transactions/${id}/void`]: {},
      [`/v1/transactions/${id}/reverse`]: {},
      [`/v1/transactions/${id}/hold`]: { expiresAt: '2099-01-01T00:00:00Z' },
      '/v1/exchange-rates/EUR/USD': { rate: '1' },
      '/v1/currencies': { code: 'PTS', exponent: 0, name: 'Points' },
      '/v1/periods/closed-through': { date: '2020-12-31' },
    };
    for (const [method, path] of refused) {
      const sent = ['POST', 'PATCH', 'PUT'].includes(method) ? { body: body[path] } : {};
      expectError(await client.send(method, `${path}?verbose=1`, sent), 400, 'validation_error', 'verbose');
    }
  });
});

describe('of two faults, the first in the order of checks', () => {
  let closed: Account;
  let frozen: Account;
  let dollars: Account;
  let full: Account;
  let poor: Account;
  /** A hold that was voided, of an account that is frozen now; one that is open; a payment that was given back. */
  let voided: Transaction;
  let open: Transaction;
  let reversed: Transaction;
  /** Of keys that may do less. */
  let plain: Record<string, string>;
  let bound: Record<string, string>;
  const key = newKey();

  beforeAll(async () => {
    [closed, frozen, dollars, full, poor] = await Promise.all([
      client.open(),
      client.open(),
      client.open({ currency: 'USD' }),
      client.open({ maxBalance: 0 }),
      client.open(),
    ]);
    await client.delete(`/v1/accounts/${closed.id}`);
    await client.patch(`/v1/accounts/${frozen.id}`, { status: 'frozen' });
    await client.open({ externalId: 'taken' });
    await client.transfer(alice.id, bob.id, 1, { externalId: 'taken' });
    await client.post('/v1/transactions', transfer(), { key });
    const held = await client.open({ openingBalance: 10 });
    voided = await client.hold(held.id, bob.id, 5);
    await end(voided, 'void');
    await client.patch(`/v1/accounts/${held.id}`, { status: 'frozen' });
    open = await client.hold(alice.id, bob.id, 5);
    const spent = await client.open();
    reversed = await client.transfer(alice.id, spent.id, 5);
    await client.transfer(spent.id, alice.id, 5);
    await client.put('/v1/periods/closed-through', { date: '2020-12-31' });
    const bearer = async (fields: object) => {
      const body = { name: 'A key', scopes: ['transactions:write'], rateLimitPerMinute: null, ...fields };
      const { secret } = (await client.post<One<{ secret: string }>>('/v1/api-keys', body)).body.data;
      return { authorization: `Bearer ${secret}` };
    };
    [plain, bound] = [await bearer({}), await bearer({ ownerId: 'olga' })];
  });

  const nobody = { authorization: undefined };
  const html = { accept: 'text/html' };
  const text = { 'content-type': 'text/plain' };
  const stale = { 'if-match': '"999.999"' };
  const create = (fields: object, sent: Sent = {}) => client.post('/v1/transactions', transfer(fields), sent);
  const end = (transaction: { id: string }, verb: string, body: object = {}, sent: Sent = {}) =>
    client.post(`/v1/transactions/${transaction.id}/${verb}`, body, sent);
  const stalest = () => ({ conditions: [{ accountId: alice.id, version: 0 }] });
  const longAgo = { effectiveAt: '2020-06-01T00:00:00Z' };
  const none = '/v1/transactions/txn_1';
  const entries = `/v1/accounts/${unknownId}/entries`;

  const faults: [string, () => Promise<Answer>, number, string][] = [
    [
      'no route, no key, no JSON',
      () => client.get('/v1/x', { headers: { ...nobody, ...html } }),
      404,
      'not_found',
    ],
    [
      'no such method, no key',
      () => client.send('PUT', none, { headers: { ...nobody, ...html } }),
      405,
      'method_not_allowed',
    ],
    ['no such method, no such id', () => client.delete(none), 405, 'method_not_allowed'],
    ['no key, no JSON', () => create({}, { headers: { ...nobody, ...html, ...text } }), 401, 'unauthorized'],
    [
      'no key, too large',
      () => client.send('POST', '/v1/transactions', { raw: filled(2 * megabyte), headers: nobody }),
      401,
      'unauthorized',
    ],
    [
      'no key, malformed',
      () => client.send('POST', '/v1/transactions', { raw: '{', headers: nobody }),
      401,
      'unauthorized',
    ],
    [
      'no key, no such account',
      () => client.get(`/v1/accounts/${unknownId}`, { headers: nobody }),
      401,
      'unauthorized',
    ],
    ['406, 415', () => create({}, { headers: { ...html, ...text } }), 406, 'not_acceptable'],
    [
      '406, too large',
      () => client.send('POST', '/v1/transactions', { raw: filled(2 * megabyte), headers: html }),
      406,
      'not_acceptable',
    ],
    [
      '406, malformed',
      () => client.send('POST', '/v1/transactions', { raw: '{', headers: html }),
      406,
      'not_acceptable',
    ],
    [
      '406, unknown query',
      () => client.get('/v1/transactions?x=1', { headers: html }),
      406,
      'not_acceptable',
    ],
    [
      '406, no such account',
      () => client.get(`/v1/accounts/${unknownId}`, { headers: html }),
      406,
      'not_acceptable',
    ],
    [
      '415, malformed',
      () => client.send('POST', '/v1/transactions', { raw: '{', headers: text }),
      415,
      'unsupported_media_type',
    ],
    ['415, wrong key header', () => create({}, { headers: text, key: 'a b' }), 415, 'unsupported_media_type'],
    [
      '415, unknown query',
      () => client.post('/v1/transactions?x=1', transfer(), { headers: text }),
      415,
      'unsupported_media_type',
    ],
    [
      '413, malformed',
      () => client.send('POST', '/v1/transactions', { raw: '{'.padEnd(2 * megabyte) }),
      413,
      'payload_too_large',
    ],
    [
      '413, unknown query',
      () => client.send('POST', '/v1/transactions?x=1', { raw: filled(2 * megabyte) }),
      413,
      'payload_too_large',
    ],
    ['400, key of another request', () => create({ amount: 0 }, { key }), 400, 'validation_error'],
    ['400, one account', () => create({ recipient: alice.id, amount: 0 }), 400, 'validation_error'],
    ['400, no such account', () => create({ sender: unknownId, amount: 0 }), 400, 'validation_error'],
    [
      'wrong key header, no such account',
      () => create({ sender: unknownId }, { key: 'a b' }),
      400,
      'validation_error',
    ],
    [
      '400, malformed id in the path',
      () => client.patch('/v1/accounts/acc_1', { name: '' }),
      400,
      'validation_error',
    ],
    ['unknown query, malformed id', () => client.get('/v1/accounts/acc_1?x=1'), 400, 'validation_error'],
    [
      'unknown query, malformed id of a transaction',
      () => client.get(`${none}?x=1`),
      400,
      'validation_error',
    ],
    [
      'unknown query, DELETE of a malformed id',
      () => client.delete('/v1/accounts/acc_1?x=1'),
      400,
      'validation_error',
    ],
    ['wrong limit, no such account', () => client.get(`${entries}?page[limit]=0`), 400, 'validation_error'],
    ['wrong cursor, no such account', () => client.get(`${entries}?page[cursor]=x`), 400, 'invalid_cursor'],
    [
      'cursor and number, no such account',
      () => client.get(`${entries}?page[cursor]=x&page[page]=1`),
      400,
      'validation_error',
    ],
    ['too deep, no such account', () => client.get(`${entries}?page[page]=501`), 400, 'page_too_deep'],
    [
      'reused key, one account',
      () => create({ recipient: alice.id }, { key }),
      422,
      'idempotency_key_reused',
    ],
    [
      'reused key, no such account',
      () => create({ recipient: unknownId }, { key }),
      422,
      'idempotency_key_reused',
    ],
    ['reused key, closed', () => create({ recipient: closed.id }, { key }), 422, 'idempotency_key_reused'],
    ['one account, unknown', () => create({ sender: unknownId, recipient: unknownId }), 422, 'same_account'],
    ['one account, closed', () => create({ sender: closed.id, recipient: closed.id }), 422, 'same_account'],
    [
      'no such recipient, closed sender',
      () => create({ sender: closed.id, recipient: unknownId }),
      404,
      'account_not_found',
    ],
    [
      'no such recipient, taken id',
      () => create({ recipient: unknownId, externalId: 'taken' }),
      404,
      'account_not_found',
    ],
    [
      'no such account, stale',
      () => client.patch(`/v1/accounts/${unknownId}`, { name: 'x' }, { headers: stale }),
      404,
      'account_not_found',
    ],
    [
      'stale, closed',
      () => client.patch(`/v1/accounts/${closed.id}`, { name: 'x' }, { headers: stale }),
      412,
      'precondition_failed',
    ],
    [
      'stale DELETE, closed',
      () => client.delete(`/v1/accounts/${closed.id}`, { headers: stale }),
      412,
      'precondition_failed',
    ],
    [
      'stale, taken id',
      () => client.patch(`/v1/accounts/${bob.id}`, { externalId: 'taken' }, { headers: stale }),
      412,
      'precondition_failed',
    ],
    [
      'stale, not empty',
      () => client.delete(`/v1/accounts/${alice.id}`, { headers: stale }),
      412,
      'precondition_failed',
    ],
    [
      'unmodified since long ago, not empty',
      () =>
        client.delete(`/v1/accounts/${alice.id}`, {
          headers: { 'if-unmodified-since': 'Thu, 01 Jan 2015 00:00:00 GMT' },
        }),
      412,
      'precondition_failed',
    ],
    [
      'closed, taken id',
      () => client.patch(`/v1/accounts/${closed.id}`, { externalId: 'taken' }),
      409,
      'account_closed',
    ],
    [
      'frozen sender, closed recipient',
      () => create({ sender: frozen.id, recipient: closed.id }),
      409,
      'account_closed',
    ],
    [
      'closed, other currency',
      () => create({ sender: dollars.id, recipient: closed.id }),
      409,
      'account_closed',
    ],
    ['frozen, taken id', () => create({ recipient: frozen.id, externalId: 'taken' }), 409, 'account_frozen'],
    ['frozen, too little', () => create({ sender: frozen.id, amount: 99 }), 409, 'account_frozen'],
    [
      'taken id, other currency',
      () => create({ recipient: dollars.id, externalId: 'taken' }),
      409,
      'external_id_taken',
    ],
    [
      'taken id, too little',
      () => create({ sender: poor.id, externalId: 'taken' }),
      409,
      'external_id_taken',
    ],
    [
      'other currency, too little',
      () => create({ sender: poor.id, recipient: dollars.id }),
      422,
      'exchange_rate_missing',
    ],
    [
      'too little, too much',
      () => create({ sender: poor.id, recipient: full.id }),
      422,
      'insufficient_funds',
    ],
    [
      'opening: taken id, no currency',
      () => client.post('/v1/accounts', { name: 'A', currency: 'XXX', externalId: 'taken' }),
      409,
      'external_id_taken',
    ],
    [
      'opening: no currency, too much',
      () => client.post('/v1/accounts', { name: 'A', currency: 'XXX', openingBalance: 5, maxBalance: 1 }),
      422,
      'unknown_currency',
    ],
    [
      'opening: taken id, too much',
      () =>
        client.post('/v1/accounts', {
          name: 'A',
          currency: 'EUR',
          externalId: 'taken',
          openingBalance: 5,
          maxBalance: 1,
        }),
      409,
      'external_id_taken',
    ],
    [
      'ROOT, stale',
      () => client.patch('/v1/accounts/ROOT', { name: 'x' }, { headers: stale }),
      403,
      'forbidden',
    ],
    ['ROOT DELETE, stale', () => client.delete('/v1/accounts/ROOT', { headers: stale }), 403, 'forbidden'],
    [
      'route not for owners, 406, malformed',
      () => client.patch(`${none}/hold`, { x: 1 }, { headers: { ...bound, ...html } }),
      403,
      'forbidden',
    ],
    [
      '400, no scope for ROOT',
      () => create({ sender: 'ROOT', amount: 0 }, { headers: plain }),
      400,
      'validation_error',
    ],
    [
      'an end without a hold, no scope for ROOT',
      () => create({ sender: 'ROOT', expiresAt: '2099-01-01T00:00:00Z' }, { headers: plain }),
      400,
      'validation_error',
    ],
    [
      'no scope for ROOT, reused key',
      () => create({ sender: 'ROOT' }, { headers: plain, key }),
      403,
      'forbidden',
    ],
    [
      'no scope for a rate, reused key',
      () => create({ exchangeRate: '2' }, { headers: plain, key }),
      403,
      'forbidden',
    ],
    [
      'no scope for ROOT, one account',
      () => create({ sender: 'ROOT', recipient: 'ROOT' }, { headers: plain }),
      403,
      'forbidden',
    ],
    [
      'of two postings, the first',
      () =>
        create({
          sender: undefined,
          recipient: undefined,
          amount: undefined,
          postings: [transfer({ recipient: unknownId }), transfer({ sender: unknownId })],
        }),
      404,
      'account_not_found',
    ],
    [
      'no account of a condition, closed',
      () => create({ recipient: closed.id, conditions: [{ accountId: unknownId, version: 1 }] }),
      404,
      'account_not_found',
    ],
    ['taken id, closed period', () => create({ externalId: 'taken', ...longAgo }), 409, 'external_id_taken'],
    [
      'other currency, closed period',
      () => create({ recipient: dollars.id, ...longAgo }),
      422,
      'exchange_rate_missing',
    ],
    [
      'too little of the other currency, closed period',
      () => create({ recipient: dollars.id, exchangeRate: '0.001', ...longAgo }),
      422,
      'amount_too_small',
    ],
    [
      'a rate for nothing, closed period',
      () => create({ exchangeRate: '2', ...longAgo }),
      422,
      'currency_mismatch',
    ],
    ['closed period, stale condition', () => create({ ...longAgo, ...stalest() }), 422, 'period_closed'],
    ['stale condition, too little', () => create({ sender: poor.id, ...stalest() }), 409, 'version_conflict'],
    [
      'stale condition, taken id',
      () => create({ externalId: 'taken', ...stalest() }),
      409,
      'external_id_taken',
    ],
    ['400, no such hold', () => end({ id: 'txn_1' }, 'capture', { amount: 0 }), 400, 'validation_error'],
    [
      'reused key, no such hold',
      () => end({ id: unknownId.replace('acc', 'txn') }, 'void', {}, { key }),
      422,
      'idempotency_key_reused',
    ],
    ['frozen, voided', () => end(voided, 'capture'), 409, 'account_frozen'],
    ['voided, too much', () => end(voided, 'capture', { amount: 99 }), 409, 'account_frozen'],
    ['no hold, too much', () => end(reversed, 'capture', { amount: 99 }), 409, 'transaction_not_pending'],
    ['no reversal of a hold, too much', () => end(open, 'reverse', { amount: 99 }), 409, 'not_reversible'],
    [
      'more than is left, too little',
      () => end(reversed, 'reverse', { amount: 6 }),
      422,
      'amount_exceeds_remaining',
    ],
    ['too little', () => end(reversed, 'reverse'), 422, 'insufficient_funds'],
    [
      'an end that is past, no such hold',
      () =>
        client.patch(`/v1/transactions/${unknownId.replace('acc', 'txn')}/hold`, {
          expiresAt: '2020-01-01T00:00:00Z',
        }),
      400,
      'validation_error',
    ],
    [
      'batch: 400 of the second, 403 of the first',
      () =>
        client.post(
          '/v1/transactions/batch',
          { mode: 'atomic', transactions: [transfer({ sender: 'ROOT' }), transfer({ amount: 0 })] },
          { headers: plain },
        ),
      400,
      'validation_error',
    ],
    [
      'batch: 403 of the second, reused key',
      () =>
        client.post(
          '/v1/transactions/batch',
          { mode: 'atomic', transactions: [transfer(), transfer({ sender: 'ROOT' })] },
          { headers: plain, key },
        ),
      422,
      'batch_refused',
    ],
    [
      'rate: 400, no such currency',
      () => client.put('/v1/exchange-rates/E-R/USD', { rate: '0' }),
      400,
      'validation_error',
    ],
    [
      'currency: 400, there already',
      () => client.post('/v1/currencies', { code: 'EUR', exponent: 99, name: 'x' }),
      400,
      'validation_error',
    ],
  ];
  test.each(faults)('%s', async (_, send, status, code) => {
    expectError(await send(), status, code);
  });

  test('the sender is looked at before the recipient', async () => {
    const both = { sender: unknownId, recipient: unknownId.replace('01jd', '01je') };
    const sides = [both, { sender: closed.id, recipient: closed.id.replace(closed.id, 'ROOT') }];
    expectError(await create(sides[0]!), 404, 'account_not_found', 'sender');
    expectError(await create(sides[1]!), 409, 'account_closed', 'sender');
    const other = await client.open();
    await client.patch(`/v1/accounts/${other.id}`, { status: 'frozen' });
    expectError(await create({ sender: frozen.id, recipient: other.id }), 409, 'account_frozen', 'sender');
  });

  test('a replay comes before every look at the ledger', async () => {
    const temporary = await client.open({ openingBalance: 5 });
    const body = { sender: temporary.id, recipient: 'ROOT', amount: 5, externalId: 'only once' };
    const again = newKey();
    const first = await client.post('/v1/transactions', body, { key: again });
    await client.delete(`/v1/accounts/${temporary.id}`);
    const replay = await client.post('/v1/transactions', body, { key: again });
    expect([replay.status, replay.text]).toEqual([first.status, first.text]);
    expectError(await client.post('/v1/transactions', body), 409, 'account_closed');
  });
});

test('withQuery writes what the API reads', async () => {
  const path = withQuery('/v1/transactions', { 'filter[reference]': 'a+b &c=d' });
  await client.transfer(alice.id, bob.id, 1, { reference: 'a+b &c=d' });
  const { body } = await client.get<{ data: unknown[] }>(path);
  expect(body.data).toHaveLength(1);
});
