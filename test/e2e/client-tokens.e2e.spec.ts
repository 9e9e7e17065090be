import { generateKeyPairSync, createHmac, sign as signBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  createRemoteJWKSet,
  decodeJwt,
  decodeProtectedHeader,
  exportJWK,
  generateKeyPair,
  importJWK,
  jwtVerify,
  SignJWT,
  type JWK,
  type JWTPayload,
} from 'jose';
import pg from 'pg';
import { decodeTypeId } from '#contracts';
import { SecretBox } from '#platform';
import { findFreePort } from '../../tools/start/free-port.js';
import { Client, expectError, startService, timestamp, type One, type Service } from '../support/client.js';
import { SECRETS_KEY, startDispatcher, startProduct, type Product } from '../support/product.js';
import { newSigningKey, sendSigned, sign } from '../support/signing.js';

interface Token {
  readonly token: string;
  readonly expiresAt: string;
}
interface Key {
  readonly id: string;
  readonly secret: string;
}

const path = '/v1/auth/client-tokens';
const tokenScopes = ['accounts:read', 'webhooks:read'];

/** Two ledger processes and a dispatcher behind them, on one database. */
let service: Service;
let second: Product;
let dispatcher: Product;
let db: pg.Client;
let client: Client;
const clients: Client[] = [];

beforeAll(async () => {
  const port = await findFreePort();
  const env = { DISPATCHER_URL: `http://127.0.0.1:${port}` };
  service = await startService({ env });
  client = service.client;
  const { database } = service;
  dispatcher = await startDispatcher({ databaseUrl: database.dispatcherUrl, port });
  second = await startProduct({ databaseUrl: database.ledgerUrl, env });
  db = new pg.Client({ connectionString: database.superuserUrl });
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

async function newKey(fields: object = {}): Promise<Key> {
  const body = {
    name: 'Issues',
    scopes: [...tokenScopes, 'keys:manage'],
    rateLimitPerMinute: null,
    ...fields,
  };
  return (await client.post<One<Key>>('/v1/api-keys', body)).body.data;
}

const request = (fields: object = {}) => ({ ownerId: 'alice', scopes: tokenScopes, ...fields });

async function issue(fields: object = {}, issuer = client): Promise<Token> {
  const answer = await issuer.post<One<Token>>(path, request(fields));
  expect([answer.status, answer.text]).toEqual([201, answer.text]);
  return answer.body.data;
}

/** What a token is answered, by both processes of the ledger, and by the dispatcher at both its addresses. */
async function statusesOf(token: string): Promise<number[]> {
  const answers = await Promise.all([
    clientOf(token).get('/v1/accounts'),
    clientOf(token, second.url).get('/v1/accounts'),
    clientOf(token).get('/v1/webhook-endpoints'),
    clientOf(token, dispatcher.url).get('/v1/webhook-endpoints'),
  ]);
  return answers.map(({ status }) => status);
}

const accepted = [200, 200, 200, 200];
const refused = [401, 401, 401, 401];

/** The key that signs now, its private part as the product itself opens it. */
async function signingKey() {
  const { rows } = await db.query<{ id: string; public_jwk: JWK; sealed_private_jwk: Buffer }>(
    'SELECT id, public_jwk, sealed_private_jwk FROM access.token_keys WHERE retired_at IS NULL',
  );
  const [row] = rows;
  const box = new SecretBox(Buffer.from(SECRETS_KEY, 'base64'), 'api-key-secret');
  const jwk = JSON.parse(box.open(row!.sealed_private_jwk, `token-key.${row!.id}`)) as JWK;
  return { ...row!, privateKey: await importJWK(jwk, 'EdDSA'), privateJwk: jwk };
}

/** A token like the one given, with other claims or another header, signed with the product's own key. */
async function forge(token: string, claims: Record<string, unknown>, header: object = {}): Promise<string> {
  const { privateKey } = await signingKey();
  return new SignJWT({ ...decodeJwt(token), ...claims })
    .setProtectedHeader({ ...decodeProtectedHeader(token), alg: 'EdDSA', ...header })
    .sign(privateKey);
}

const base64url = (value: unknown) =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

describe('a client token', () => {
  test('opens what it was made for, everywhere, and says so', async () => {
    const before = Date.now();
    const { token, expiresAt } = await issue();
    expect(await statusesOf(token)).toEqual(accepted);
    expect(expiresAt).toMatch(timestamp);
    expect(Math.abs(Date.parse(expiresAt) - before - 900_000)).toBeLessThan(30_000);
    const { iat = 0, exp = 0, ...claims } = decodeJwt(token);
    expect([exp - iat, Math.round(exp * 1000)]).toEqual([900, Date.parse(expiresAt)]);
    expect(claims).toEqual({
      iss: 'ledger',
      aud: 'ledger-api',
      sub: 'alice',
      keyId: expect.stringMatching(/^key_/),
      ledgerId: expect.stringMatching(/^ldg_/),
      mode: 'live',
      scopes: tokenScopes,
    });
    expect(decodeProtectedHeader(token)).toEqual({
      alg: 'EdDSA',
      typ: 'JWT',
      kid: expect.stringMatching(/^jwk_/),
    });
  });

  test('is for one owner: it sees that owner’s accounts and moves no others’', async () => {
    const [mine, theirs] = [await client.open({ ownerId: 'alice' }), await client.open({ ownerId: 'bob' })];
    const { token } = await issue();
    expect((await clientOf(token).get(`/v1/accounts/${mine.id}`)).status).toBe(200);
    expectError(await clientOf(token).get(`/v1/accounts/${theirs.id}`), 404, 'account_not_found');
  });

  test('may do no more than its scopes', async () => {
    const caller = clientOf((await issue({ scopes: ['accounts:read'] })).token);
    expect((await caller.get('/v1/accounts')).status).toBe(200);
    expectError(await caller.get('/v1/transactions'), 403, 'forbidden');
    expectError(await caller.get('/v1/webhook-endpoints'), 403, 'forbidden');
    const powerless = clientOf((await issue({ scopes: [] })).token);
    expectError(await powerless.get('/v1/accounts'), 403, 'forbidden');
    expect((await powerless.get('/v1/event-types')).status).toBe(200);
  });

  test('opens no route that reaches beyond its owner, whatever its scopes', async () => {
    const mighty = clientOf((await issue({ scopes: ['admin', 'keys:manage'] })).token);
    for (const answer of [
      await mighty.get('/v1/trial-balance'),
      await mighty.get('/v1/audit-log'),
      await mighty.get('/v1/api-keys'),
      await mighty.post('/v1/api-keys', { name: 'x', scopes: [] }),
      await mighty.post(path, request()),
    ]) {
      expectError(answer, 403, 'forbidden');
    }
  });

  test.each([
    [{ ownerId: undefined }, 'ownerId'],
    [{ ownerId: '' }, 'ownerId'],
    [{ ownerId: 'x'.repeat(257) }, 'ownerId'],
    [{ ownerId: 7 }, 'ownerId'],
    [{ scopes: undefined }, 'scopes'],
    [{ scopes: ['accounts:delete'] }, 'scopes'],
    [{ scopes: ['accounts:read', 'accounts:read'] }, 'scopes'],
    [{ scopes: 'accounts:read' }, 'scopes'],
    [{ ttlSeconds: 0 }, 'ttlSeconds'],
    [{ ttlSeconds: 901 }, 'ttlSeconds'],
    [{ ttlSeconds: -1 }, 'ttlSeconds'],
    [{ ttlSeconds: 1.5 }, 'ttlSeconds'],
    [{ ttlSeconds: '60' }, 'ttlSeconds'],
    [{ ttlSeconds: null }, 'ttlSeconds'],
    [{ customerId: 'alice' }, 'customerId'],
  ])('is not made of %j', async (fields, field) => {
    expectError(await client.post(path, request(fields)), 400, 'validation_error', field);
  });

  test('is made by a key with keys:manage alone, of scopes that the key has', async () => {
    const plain = await newKey({ scopes: ['accounts:read'] });
    expectError(await clientOf(plain.secret).post(path, request()), 403, 'forbidden');
    const issuer = clientOf((await newKey()).secret);
    await issue({}, issuer);
    for (const scopes of [['admin'], ['accounts:read', 'transactions:write']]) {
      expectError(await issuer.post(path, request({ scopes })), 403, 'forbidden');
    }
  });

  test('is made for its own owner alone by a key that is bound to one', async () => {
    const issuer = clientOf((await newKey({ ownerId: 'alice' })).secret);
    const { token } = await issue({}, issuer);
    expect(await statusesOf(token)).toEqual(accepted);
    expectError(await issuer.post(path, request({ ownerId: 'bob' })), 403, 'forbidden');
    expectError(await issuer.get('/v1/api-keys'), 403, 'forbidden');
  });

  test('is made with a signature too, and then used without one', async () => {
    const key = await newSigningKey(client, { scopes: [...tokenScopes, 'keys:manage'] });
    const answer = await sendSigned<One<Token>>(
      client,
      sign(key, 'POST', path, { body: JSON.stringify(request()) }),
    );
    expect(answer.status).toBe(201);
    expect(await statusesOf(answer.body.data.token)).toEqual(accepted);
  });

  test('carries an owner of any characters, of the longest length', async () => {
    const ownerId = '🥐é'.repeat(128);
    const mine = await client.open({ ownerId });
    const { token } = await issue({ ownerId });
    expect((await clientOf(token).get(`/v1/accounts/${mine.id}`)).status).toBe(200);
  });
});

describe('the end of a token', () => {
  test('is exactly when it was told, in every process', async () => {
    const { token, expiresAt } = await issue({ ttlSeconds: 3 });
    expect(await statusesOf(token)).toEqual(accepted);
    await sleep(Date.parse(expiresAt) - Date.now() + 50);
    expect(await statusesOf(token)).toEqual(refused);
  });

  test('comes within a second of its key’s, by deletion and by expiry', async () => {
    const [deleted, expiring] = [await newKey(), await newKey()];
    const tokens = [await issue({}, clientOf(deleted.secret)), await issue({}, clientOf(expiring.secret))];
    for (const { token } of tokens) expect(await statusesOf(token)).toEqual(accepted);
    await client.delete(`/v1/api-keys/${deleted.id}`);
    const expiresAt = new Date(Date.now() + 300).toISOString();
    await client.patch(`/v1/api-keys/${expiring.id}`, { expiresAt });
    await sleep(1_500);
    for (const { token } of tokens) expect(await statusesOf(token)).toEqual(refused);
  });

  test('is not the end of its key’s secret: a rotated key’s tokens live on', async () => {
    const { id, secret } = await newKey();
    const { token } = await issue({}, clientOf(secret));
    await client.post(`/v1/api-keys/${id}/rotate`, { overlapSeconds: 0 });
    await sleep(1_000);
    expect(await statusesOf(token)).toEqual(accepted);
  });

  test('of a scope comes when its key loses it', async () => {
    const { id, secret } = await newKey();
    const { token } = await issue({}, clientOf(secret));
    await client.patch(`/v1/api-keys/${id}`, { scopes: ['webhooks:read', 'keys:manage'] });
    await sleep(1_000);
    expect(await statusesOf(token)).toEqual([403, 403, 200, 200]);
  });
});

describe('a token that is not as it was made', () => {
  let token: string;
  let nowSeconds: number;

  beforeAll(async () => {
    ({ token } = await issue());
    nowSeconds = Math.floor(Date.now() / 1000);
  });

  test('is told from one that is by a test that can forge', async () => {
    expect(await statusesOf(await forge(token, {}))).toEqual(accepted);
    expect(await statusesOf(await forge(token, { nbf: nowSeconds - 1 }))).toEqual(accepted);
  });

  const parts = () => token.split('.') as [string, string, string];

  const forgeries: [string, () => string | Promise<string>][] = [
    [
      'alg none, unsigned',
      () => `${base64url({ ...decodeProtectedHeader(token), alg: 'none' })}.${parts()[1]}.`,
    ],
    [
      'alg none, still signed',
      () => `${base64url({ ...decodeProtectedHeader(token), alg: 'none' })}.${parts()[1]}.${parts()[2]}`,
    ],
    ['unsigned', () => `${parts()[0]}.${parts()[1]}.`],
    [
      'HMAC under the public key',
      async () => {
        const head = `${base64url({ ...decodeProtectedHeader(token), alg: 'HS256' })}.${parts()[1]}`;
        const { public_jwk: jwk } = await signingKey();
        return `${head}.${createHmac('sha256', Buffer.from(jwk.x ?? '', 'base64url'))
          .update(head)
          .digest('base64url')}`;
      },
    ],
    [
      'ES256',
      () => {
        const head = `${base64url({ ...decodeProtectedHeader(token), alg: 'ES256' })}.${parts()[1]}`;
        const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
        const signature = signBytes('sha256', Buffer.from(head), {
          key: privateKey,
          dsaEncoding: 'ieee-p1363',
        });
        return `${head}.${signature.toString('base64url')}`;
      },
    ],
    ['another name for its algorithm', () => forge(token, {}, { alg: 'Ed25519' })],
    ['another key under its id', () => forgeWithOwnKey({})],
    ['another key, which it brings along', () => forgeWithOwnKey({ bringsKey: true })],
    ['an id of no key', () => forge(token, {}, { kid: 'jwk_01jd3v6c0rfh7s5kx2m9q4t8bn' })],
    ['an id that is none', () => forge(token, {}, { kid: '../../etc/passwd' })],
    ['no id of a key', () => forge(token, {}, { kid: undefined })],
    ['an id that is no text', () => forge(token, {}, { kid: 7 })],
    ['another type', () => forge(token, {}, { typ: 'at+jwt' })],
    [
      'a header that must be understood',
      () =>
        `${base64url({ ...decodeProtectedHeader(token), crit: ['b64'], b64: false })}.${parts()[1]}.${parts()[2]}`,
    ],
    ['expired', () => forge(token, { exp: nowSeconds - 1 })],
    ['no end', () => forge(token, { exp: undefined })],
    ['an end that is no number', () => forge(token, { exp: 'later' })],
    ['not yet valid', () => forge(token, { nbf: nowSeconds + 60 })],
    ['another issuer', () => forge(token, { iss: 'somebody' })],
    ['no issuer', () => forge(token, { iss: undefined })],
    ['another audience', () => forge(token, { aud: 'somebody' })],
    ['no audience', () => forge(token, { aud: undefined })],
    ['no owner', () => forge(token, { sub: undefined })],
    ['no scopes', () => forge(token, { scopes: undefined })],
    ['no key that issued it', () => forge(token, { keyId: undefined })],
    ['a key that is not there', () => forge(token, { keyId: 'key_01jd3v4r2wf5jbx6t8q0k4m7zn' })],
    ['another ledger', () => forge(token, { ledgerId: 'ldg_01jd3v4r1ke0m8n2c5b7d9f3hs' })],
    ['another mode', () => forge(token, { mode: 'test' })],
    ['an altered owner', () => alteredClaims({ sub: 'bob' })],
    ['more scopes', () => alteredClaims({ scopes: ['admin'] })],
    ['a later end', () => alteredClaims({ exp: nowSeconds + 9_000 })],
    ['an altered signature', () => `${parts()[0]}.${parts()[1]}.${flipped(parts()[2])}`],
    ['a signature cut off', () => token.slice(0, -4)],
    ['something behind it', () => `${token}.x`],
    ['nothing in it', () => `${parts()[0]}..${parts()[2]}`],
    ['a header that is no JSON', () => `${base64url('{')}.${parts()[1]}.${parts()[2]}`],
    ['claims that are no JSON', () => `${parts()[0]}.${base64url('[')}.${parts()[2]}`],
  ];

  test.each(forgeries)('is refused: %s', async (_name, make) => {
    expect(await statusesOf(await make())).toEqual(refused);
  });

  test('gets no scope that its key has not, though rightly signed', async () => {
    const { secret } = await newKey();
    const narrow = await issue({}, clientOf(secret));
    const wider = await forge(narrow.token, { scopes: [...tokenScopes, 'transactions:read'] });
    expect(await statusesOf(wider)).toEqual(accepted);
    expectError(await clientOf(wider).get('/v1/transactions'), 403, 'forbidden');
  });

  test('gets no other owner than its key has, though rightly signed', async () => {
    const { secret } = await newKey({ ownerId: 'alice' });
    const bound = await issue({}, clientOf(secret));
    expect(await statusesOf(await forge(bound.token, {}))).toEqual(accepted);
    expect(await statusesOf(await forge(bound.token, { sub: 'bob' }))).toEqual(refused);
  });

  async function forgeWithOwnKey({ bringsKey = false }): Promise<string> {
    const { privateKey, publicKey } = await generateKeyPair('EdDSA', { extractable: true });
    const jwk = bringsKey ? { jwk: await exportJWK(publicKey) } : {};
    return new SignJWT(decodeJwt(token))
      .setProtectedHeader({ ...decodeProtectedHeader(token), alg: 'EdDSA', ...jwk })
      .sign(privateKey);
  }

  const alteredClaims = (claims: JWTPayload) =>
    `${parts()[0]}.${base64url({ ...decodeJwt(token), ...claims })}.${parts()[2]}`;

  const flipped = (signature: string) => {
    const bytes = Buffer.from(signature, 'base64url');
    bytes[5]! ^= 1;
    return bytes.toString('base64url');
  };
});

describe('the key set', () => {
  const keySet = async (url = service.product.url) => {
    const nobody = { headers: { authorization: undefined, accept: 'text/html' } };
    return clientOf('', url).get<{ keys: JWK[] }>('/.well-known/jwks.json', nobody);
  };

  test('needs no key, and is what anybody can verify tokens with', async () => {
    const { token } = await issue();
    const { status, headers, body, text } = await keySet();
    expect([status, headers['content-type']]).toEqual([200, expect.stringMatching(/^application\/json/)]);
    expect(body.keys).toEqual([
      {
        kty: 'OKP',
        crv: 'Ed25519',
        x: expect.stringMatching(/^[\w-]{43}$/),
        kid: decodeProtectedHeader(token).kid,
        alg: 'EdDSA',
        use: 'sig',
      },
    ]);
    const { privateJwk } = await signingKey();
    expect(text).not.toContain(privateJwk.d!);
    const remote = createRemoteJWKSet(new URL('/.well-known/jwks.json', service.product.url));
    const { payload } = await jwtVerify(token, remote, { issuer: 'ledger', audience: 'ledger-api' });
    expect(payload.sub).toBe('alice');
    expect((await keySet(second.url)).body).toEqual(body);
  });

  test('keeps private parts sealed', async () => {
    const { rows } = await db.query<{ row: string }>('SELECT t::text AS row FROM access.token_keys t');
    const { privateJwk } = await signingKey();
    for (const { row } of rows) expect(row).not.toContain(privateJwk.d!);
  });

  /** As if so many days had gone by since the newest was made. */
  const ageKeys = (days: number) =>
    db.query(
      `UPDATE access.token_keys SET created_at = created_at - make_interval(days => $1),
        retired_at = retired_at - make_interval(days => $1)`,
      [days],
    );

  test('gets one new key when the newest is too old, however many ask at once; the old one proves on', async () => {
    const old = await issue();
    await ageKeys(29);
    expect(decodeProtectedHeader((await issue()).token).kid).toBe(decodeProtectedHeader(old.token).kid);
    await ageKeys(2);
    const issuers = [client, clientOf(service.product.apiKey, second.url)];
    const tokens = await Promise.all(Array.from({ length: 20 }, (_, n) => issue({}, issuers[n % 2])));
    const kids = new Set(tokens.map(({ token }) => decodeProtectedHeader(token).kid));
    expect([...kids]).toHaveLength(1);
    expect(kids).not.toContain(decodeProtectedHeader(old.token).kid);
    for (const { token } of [old, tokens[0]!, tokens[1]!]) expect(await statusesOf(token)).toEqual(accepted);
    expect((await keySet()).body.keys.map(({ kid }) => kid)).toEqual([
      ...kids,
      decodeProtectedHeader(old.token).kid,
    ]);
  });

  test('loses a key when none of its tokens can live, and the next rotation deletes it', async () => {
    const old = await issue();
    await ageKeys(31);
    await issue();
    const { kid = '' } = decodeProtectedHeader(old.token);
    const retire = (ago: string) =>
      db.query('UPDATE access.token_keys SET retired_at = now() - $2::interval WHERE id = $1', [
        decodeTypeId('jwk', kid),
        ago,
      ]);
    await retire('59 minutes');
    await sleep(1_000);
    expect(await statusesOf(old.token)).toEqual(accepted);
    await retire('61 minutes');
    await sleep(1_000);
    expect(await statusesOf(old.token)).toEqual(refused);
    expect((await keySet()).body.keys.map((key) => key.kid)).not.toContain(kid);
    await ageKeys(31);
    await issue();
    const { rows } = await db.query('SELECT FROM access.token_keys WHERE id = $1', [
      decodeTypeId('jwk', kid),
    ]);
    expect(rows).toEqual([]);
  });
});
