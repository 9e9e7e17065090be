import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { encodeTypeId } from '#contracts';
import { findFreePort } from '../../tools/start/free-port.js';
import {
  Client,
  expectError,
  startService,
  type Account,
  type Answer,
  type One,
  type Service,
} from '../support/client.js';
import { startDispatcher, startProduct, type Product } from '../support/product.js';
import {
  altered,
  newSigningKey,
  nowSeconds,
  sendSigned,
  sentAs,
  sign,
  type Signed,
  type SigningKey,
} from '../support/signing.js';

/** Two ledger processes and a dispatcher behind them, on one database. */
let service: Service;
let dispatcher: Product;
let second: Product;
let db: pg.Client;
let key: SigningKey;
let one: Client;
let other: Client;
let direct: Client;
let account: Account;

beforeAll(async () => {
  const port = await findFreePort();
  const env = { DISPATCHER_URL: `http://127.0.0.1:${port}` };
  service = await startService({ env });
  const { database } = service;
  dispatcher = await startDispatcher({ databaseUrl: database.dispatcherUrl, port });
  second = await startProduct({ databaseUrl: database.ledgerUrl, env });
  db = new pg.Client({ connectionString: database.superuserUrl });
  await db.connect();
  key = await newSigningKey(service.client);
  [one, other, direct] = [service.product, second, dispatcher].map(({ url }) => new Client(url, '')) as [
    Client,
    Client,
    Client,
  ];
  account = await service.client.open();
}, 60_000);

afterAll(async () => {
  for (const client of [one, other, direct]) client.close();
  await db.end();
  await Promise.all([second.stop(), dispatcher.stop()]);
  await service.stop();
});

const opening = (fields: object = {}) => JSON.stringify({ name: 'Signed', currency: 'EUR', ...fields });
const post = (parts: Partial<Signed> = {}) =>
  sign(key, 'POST', '/v1/accounts', { body: opening(), ...parts });

const unsigned = ({ signature: _, ...signed }: Signed): Partial<Signed> => signed;

const named = async (name: string) => {
  const { rows } = await db.query('SELECT FROM ledger.accounts WHERE name = $1', [name]);
  return rows.length;
};

describe('a request that is signed right', () => {
  test('is answered, whatever its method, by every process', async () => {
    const opened = await sendSigned<One<Account>>(
      one,
      post({ idempotencyKey: 'a.key', requestId: 'my.id-1' }),
    );
    expect([opened.status, opened.headers['x-request-id']]).toEqual([201, 'my.id-1']);
    const path = `/v1/accounts/${opened.body.data.id}`;
    const read = await sendSigned<One<Account>>(other, sign(key, 'GET', path));
    expect([read.status, read.body.data.name]).toEqual([200, 'Signed']);
    expect((await sendSigned(one, sign(key, 'HEAD', path))).status).toBe(200);
    const list = '/v1/accounts?filter[name]=sig%6Eed&page[limit]=1';
    expect((await sendSigned(one, sign(key, 'GET', list))).status).toBe(200);
    const body = '{"name":"Named anew 🥐"}';
    expect((await sendSigned(one, sign(key, 'PATCH', path, { body }))).status).toBe(200);
    expect((await sendSigned(one, sign(key, 'DELETE', path))).status).toBe(204);
  });

  test('may come in pieces, without its length', async () => {
    const signed = post({ body: opening({ metadata: { long: 'x'.repeat(3_000) } }) });
    const sent = sentAs(signed);
    const bytes = Buffer.from(signed.body);
    const answer = await one.send('POST', signed.path, {
      ...sent,
      raw: [bytes.subarray(0, 9), bytes.subarray(9)],
    });
    expect(answer.status).toBe(201);
  });

  test('is not asked for a second connection: the one it came on goes on', async () => {
    const socket = connect(Number(new URL(one.url).port), '127.0.0.1');
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    for (const last of [false, true]) {
      const signed = post();
      const headers = { ...sentAs(signed).headers, host: 'x', connection: last ? 'close' : 'keep-alive' };
      const lines = Object.entries({ ...headers, 'content-type': 'application/json' }).filter(
        ([, value]) => value,
      );
      const length = Buffer.byteLength(signed.body);
      socket.write(`POST /v1/accounts HTTP/1.1\r\ncontent-length: ${length}\r\n`);
      socket.write(
        `${lines.map(([name, value]) => `${name}: ${String(value)}`).join('\r\n')}\r\n\r\n${signed.body}`,
      );
    }
    await once(socket, 'close');
    const text = Buffer.concat(chunks).toString('utf8');
    expect(text.match(/HTTP\/1\.1 201 /g)).toHaveLength(2);
  });

  test('is judged further as any other: its conventions, its scopes, its body', async () => {
    expectError(
      await sendSigned(one, post(), { 'content-type': 'text/plain' }),
      415,
      'unsupported_media_type',
    );
    expectError(await sendSigned(one, post(), { accept: 'text/html' }), 406, 'not_acceptable');
    expectError(await sendSigned(one, post({ body: '{' })), 400, 'validation_error');
    expectError(
      await sendSigned(one, post({ body: opening({ nmae: 'x' }) })),
      400,
      'validation_error',
      'nmae',
    );
    expectError(await sendSigned(one, post({ body: opening({ openingBalance: 1 }) })), 403, 'forbidden');
    expectError(await sendSigned(one, sign(key, 'GET', '/v1/events')), 403, 'forbidden');
    expectError(await sendSigned(one, sign(key, 'GET', '/v1/nothing')), 404, 'not_found');
    expectError(await sendSigned(one, sign(key, 'PUT', '/v1/accounts')), 405, 'method_not_allowed');
  });

  test('is 413 where its body is too large to be read', async () => {
    const body = opening({ name: 'x'.repeat(1_100_000) });
    expectError(await sendSigned(one, post({ body })), 413, 'payload_too_large');
    const signed = post({ body });
    const half = Buffer.from(body.slice(0, 600_000));
    const rest = Buffer.from(body.slice(600_000));
    const answer = await one.send('POST', signed.path, { ...sentAs(signed), raw: [half, rest] });
    expectError(answer, 413, 'payload_too_large');
  });

  test('answers a repeated Idempotency-Key under a new request id', async () => {
    const first = await sendSigned(one, post({ idempotencyKey: 'once' }));
    const again = await sendSigned(other, post({ idempotencyKey: 'once' }));
    expect([first.status, again.status, again.text]).toEqual([201, 201, first.text]);
    expect(again.headers['idempotency-replayed']).toBe('true');
  });
});

describe('a request that was altered on its way', () => {
  const name = 'Must not be opened';
  const right = () => post({ body: opening({ name }), idempotencyKey: 'k-1' });
  const changes: [string, (signed: Signed) => Partial<Signed>][] = [
    ['method', () => ({ method: 'PUT', path: '/v1/accounts' })],
    ['path', () => ({ path: '/v1/transactions' })],
    ['query', () => ({ path: '/v1/accounts?x=1' })],
    ['body', () => ({ body: opening({ name, currency: 'USD' }) })],
    ['end of the body', ({ body }) => ({ body: `${body} ` })],
    ['body, which is gone', () => ({ body: '' })],
    ['timestamp', ({ timestamp }) => ({ timestamp: String(Number(timestamp) + 1) })],
    ['form of the timestamp', ({ timestamp }) => ({ timestamp: `0${timestamp}` })],
    ['Idempotency-Key', () => ({ idempotencyKey: 'k-2' })],
    ['Idempotency-Key, which is gone', () => ({ idempotencyKey: '' })],
    ['request id', () => ({ requestId: 'another' })],
    ['request id, which is none', () => ({ requestId: 'two words' })],
    ['key', () => ({ keyId: account.id.replace('acc', 'key') })],
    ['key, which is no id', () => ({ keyId: 'key_1' })],
    ['kind of the key', ({ keyId }) => ({ keyId: keyId.replace('key', 'acc') })],
    ['signature, cut off', ({ signature }) => ({ signature: signature.slice(0, 62) })],
    ['signature, longer', ({ signature }) => ({ signature: `${signature}00` })],
    ['signature, in capitals', ({ signature }) => ({ signature: signature.toUpperCase() })],
    ['signature, in no hex', ({ signature }) => ({ signature: signature.replace(/./, 'g') })],
    [
      'signature, of another key',
      (signed) => sign({ ...key, secret: `${key.secret}x` }, signed.method, signed.path, unsigned(signed)),
    ],
  ];

  test.each(changes)('in its %s is nobody’s', async (what, change) => {
    // In capitals only a signature with a letter is another one.
    const signed = Array.from({ length: 50 }, right).find(({ signature }) => /^.?[a-f]/.test(signature))!;
    const sent = altered(signed, change(signed));
    const answer = await sendSigned(one, sent);
    if (what === 'method') expectError(answer, 405, 'method_not_allowed');
    else expectError(answer, 401, 'unauthorized');
    expect(await named(name)).toBe(0);
  });

  test('in its method, where the path has both, is nobody’s', async () => {
    const read = sign(key, 'GET', `/v1/accounts/${account.id}`);
    expectError(await sendSigned(one, altered(read, { method: 'DELETE' })), 401, 'unauthorized');
    const closing = sign(key, 'DELETE', `/v1/accounts/${account.id}`);
    expectError(await sendSigned(one, altered(closing, { method: 'GET' })), 401, 'unauthorized');
    expect((await sendSigned(one, altered(read, { method: 'HEAD' }))).status).toBe(401);
  });

  test('in a query, by moving its end into the Idempotency-Key, is nobody’s', async () => {
    const read = sign(key, 'GET', '/v1/accounts?filter[name]=a.b');
    const moved = altered(read, { path: '/v1/accounts?filter[name]=a', idempotencyKey: 'b.' });
    expectError(await sendSigned(one, moved), 401, 'unauthorized');
    expect((await sendSigned(one, read)).status).toBe(200);
  });

  test.each(['x-timestamp', 'x-request-id', 'x-signature', 'x-api-key'])(
    'without %s is nobody’s',
    async (header) => {
      expectError(await sendSigned(one, right(), { [header]: undefined }), 401, 'unauthorized');
      const twice = sentAs(right()).headers?.[header] as string;
      expectError(await sendSigned(one, right(), { [header]: [twice, twice] }), 401, 'unauthorized');
      expect(await named(name)).toBe(0);
    },
  );

  test('uses no request id up: the right one passes afterwards', async () => {
    const signed = right();
    for (const [what, change] of changes.filter(([each]) => each !== 'method')) {
      const answer = await sendSigned(one, altered(signed, change(signed)));
      expect([what, answer.status]).toEqual([what, 401]);
    }
    const { rows } = await db.query('SELECT FROM access.nonces WHERE request_id = $1', [signed.requestId]);
    expect(rows).toEqual([]);
    expect((await sendSigned(one, signed)).status).toBe(201);
  });
});

describe('a request that comes again', () => {
  test('is 409, at the same process and at another', async () => {
    const signed = post({ body: opening({ name: 'Once' }) });
    expect((await sendSigned(one, signed)).status).toBe(201);
    for (const client of [one, other]) {
      const error = expectError(await sendSigned(client, signed), 409, 'duplicate_request');
      expect(error.requestId).toBe(signed.requestId);
    }
    expect(await named('Once')).toBe(1);
  });

  test('is 409 under the same id with everything else new, and another key’s id is its own', async () => {
    const { requestId } = post();
    expect((await sendSigned(one, post({ requestId }))).status).toBe(201);
    const anew = post({ requestId, body: opening({ name: 'Another' }), timestamp: String(nowSeconds() - 1) });
    expectError(await sendSigned(one, anew), 409, 'duplicate_request');
    const another = await newSigningKey(service.client);
    expect((await sendSigned(one, sign(another, 'GET', '/v1/accounts', { requestId }))).status).toBe(200);
  });

  test('is 409 although the first was refused: the id was used before it was looked at', async () => {
    const forbidden = sign(key, 'GET', '/v1/events');
    expectError(await sendSigned(one, forbidden), 403, 'forbidden');
    expectError(await sendSigned(other, forbidden), 409, 'duplicate_request');
    const wrong = post({ body: '{}' });
    expectError(await sendSigned(one, wrong), 400, 'validation_error');
    expectError(await sendSigned(one, wrong), 409, 'duplicate_request');
  });

  test('fifty times at once passes once', async () => {
    const signed = post({ body: opening({ name: 'Of fifty' }) });
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, n) => sendSigned(n % 2 === 0 ? one : other, signed)),
    );
    const statuses = answers.map(({ status }) => status).sort();
    expect(statuses).toEqual([201, ...Array<number>(49).fill(409)]);
    expect(await named('Of fifty')).toBe(1);
  });

  test('is let in again after ten minutes under a new timestamp, and remembered for twenty', async () => {
    const { requestId } = post();
    const used = () => sendSigned(one, post({ requestId }));
    const age = (seconds: number) =>
      db.query('UPDATE access.nonces SET used_at = now() - make_interval(secs => $2) WHERE request_id = $1', [
        requestId,
        seconds,
      ]);
    expect((await used()).status).toBe(201);
    await age(590);
    expectError(await used(), 409, 'duplicate_request');
    await age(610);
    expect((await used()).status).toBe(201);
    expectError(await used(), 409, 'duplicate_request');
  });
});

test('is refused in the order of the contract: 401, 409, 429, 403; a repeated one counts nothing', async () => {
  const limited = await newSigningKey(service.client, { scopes: [], rateLimitPerMinute: 2 });
  const read = () => sign(limited, 'GET', '/v1/accounts');
  const left = (answer: Answer) => answer.headers['x-ratelimit-remaining'];
  const [first, last] = [read(), read()];
  for (const [signed, status, code, remaining] of [
    [first, 403, 'forbidden', '1'],
    [first, 409, 'duplicate_request', '1'],
    [altered(first, { path: '/v1/transactions' }), 401, 'unauthorized', undefined],
    [read(), 403, 'forbidden', '0'],
    [last, 429, 'rate_limited', '0'],
    [last, 409, 'duplicate_request', '0'],
    [altered(last, { timestamp: '1' }), 401, 'unauthorized', undefined],
  ] as const) {
    const answer = await sendSigned(one, signed, { accept: 'text/html' });
    expectError(answer, status, code);
    expect([code, left(answer)]).toEqual([code, remaining]);
  }
});

describe('the time of a request', () => {
  test.each([-290, -1, 0, 1, 290])('may be off by %d s', async (seconds) => {
    const timestamp = String(nowSeconds() + seconds);
    expect((await sendSigned(one, sign(key, 'GET', '/v1/accounts', { timestamp }))).status).toBe(200);
  });

  test.each([-86_400, -310, 310, 86_400])('may not be off by %d s', async (seconds) => {
    const signed = sign(key, 'GET', '/v1/accounts', { timestamp: String(nowSeconds() + seconds) });
    expectError(await sendSigned(one, signed), 401, 'unauthorized');
    const { rows } = await db.query('SELECT FROM access.nonces WHERE request_id = $1', [signed.requestId]);
    expect(rows).toEqual([]);
  });

  test.each(['', 'now', '-1', '1e9', '1763712345.5', '0x5', '9'.repeat(13), '9'.repeat(400)])(
    'is unix seconds, not "%s"',
    async (timestamp) => {
      expectError(
        await sendSigned(one, sign(key, 'GET', '/v1/accounts', { timestamp })),
        401,
        'unauthorized',
      );
    },
  );
});

describe('secrets', () => {
  test('all that live verify, and one that has ended does not', async () => {
    const { id, secret } = await newSigningKey(service.client);
    const rotated = async (overlapSeconds: number) => {
      const path = `/v1/api-keys/${id}/rotate`;
      return (await service.client.post<One<SigningKey>>(path, { overlapSeconds })).body.data.secret;
    };
    const isGood = async (each: string) =>
      (await sendSigned(one, sign({ id, secret: each }, 'GET', '/v1/accounts'))).status === 200;
    const [newer, newest] = [await rotated(600), await rotated(600)];
    for (const each of [secret, newer, newest]) expect(await isGood(each)).toBe(true);
    const last = await rotated(0);
    await sleep(1_000);
    for (const each of [secret, newer, newest]) expect(await isGood(each)).toBe(false);
    expect(await isGood(last)).toBe(true);
    await service.client.delete(`/v1/api-keys/${id}`);
    await sleep(1_000);
    expect(await isGood(last)).toBe(false);
  });

  test('of a signing key are no Bearer, nor do they help an unsigned request with its id', async () => {
    const bearer = { headers: { authorization: `Bearer ${key.secret}` } };
    expectError(await one.get('/v1/accounts', bearer), 401, 'unauthorized');
    const both = { headers: { ...bearer.headers, 'x-api-key': key.id } };
    expectError(await one.get('/v1/accounts', both), 401, 'unauthorized');
    const signedToo = sentAs(sign(key, 'GET', '/v1/accounts'), bearer.headers);
    expectError(await one.get('/v1/accounts', signedToo), 401, 'unauthorized');
  });

  test('of a key that does not sign are no good to sign with', async () => {
    const { rows } = await db.query<{ id: string }>('SELECT id FROM access.api_keys WHERE is_bootstrap');
    const bootstrap = { id: encodeTypeId('key', rows[0]!.id), secret: service.product.apiKey };
    expectError(await sendSigned(one, sign(bootstrap, 'GET', '/v1/accounts')), 401, 'unauthorized');
  });
});

describe('what the dispatcher answers', () => {
  const create = () =>
    sign(key, 'POST', '/v1/webhook-endpoints', { body: JSON.stringify({ url: 'https://example.com/' }) });

  test('needs the same signature, at its own address and at the ledger’s', async () => {
    for (const client of [one, other, direct]) {
      expect((await sendSigned(client, create())).status).toBe(201);
      const read = sign(key, 'GET', '/v1/webhook-deliveries?filter[status]=failed&page[limit]=1');
      expect((await sendSigned(client, read)).status).toBe(200);
    }
  });

  test('is 409 for a second use, whichever way it comes', async () => {
    const signed = create();
    expect((await sendSigned(one, signed)).status).toBe(201);
    for (const client of [direct, other, one]) {
      expectError(await sendSigned(client, signed), 409, 'duplicate_request');
    }
    const { requestId } = signed;
    expectError(await sendSigned(one, post({ requestId })), 409, 'duplicate_request');
  });

  test.each<[string, (signed: Signed) => Partial<Signed>]>([
    ['path', () => ({ path: '/v1/webhook-deliveries' })],
    ['query', ({ path }) => ({ path: `${path}&page[limit]=2` })],
    ['request id', () => ({ requestId: 'another' })],
    ['request id, which is none', () => ({ requestId: 'two words' })],
    ['timestamp', ({ timestamp }) => ({ timestamp: String(Number(timestamp) - 1) })],
    ['Idempotency-Key', () => ({ idempotencyKey: 'x' })],
    ['signature', ({ signature }) => ({ signature: signature.toUpperCase() })],
  ])('is 401 for another %s', async (_name, change) => {
    const signed = sign(key, 'GET', '/v1/webhook-endpoints?page[limit]=1', {
      requestId: `A-${Math.random()}`,
    });
    expectError(await sendSigned(one, altered(signed, change(signed))), 401, 'unauthorized');
    expect((await sendSigned(one, signed)).status).toBe(200);
  });

  test('is 401 for another body', async () => {
    const signed = create();
    const body = signed.body.replace('example.com', 'attacker.example');
    expectError(await sendSigned(one, altered(signed, { body })), 401, 'unauthorized');
    expect((await sendSigned(one, signed)).status).toBe(201);
  });
});
