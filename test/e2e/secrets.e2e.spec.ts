import { randomUUID } from 'node:crypto';
import type { JWK } from 'jose';
import { SecretBox } from '#platform';
import { dispatcherRoutes, ledgerRoutes } from '../../tools/access-matrix/declared-routes.js';
import { AccessCallers } from '../support/access-callers.js';
import { startBothApps, type BothApps } from '../support/both-apps.js';
import { newKey, type One } from '../support/client.js';
import { BOOTSTRAP_API_KEY, OPERATOR_API_KEY, SECRETS_KEY } from '../support/product.js';
import {
  cellsOf,
  leaksIn,
  RecordedClient,
  Recorder,
  type Place,
  type Secret,
} from '../support/secret-leaks.js';
import { altered, newSigningKey, sendSigned, sign } from '../support/signing.js';
import { until } from '../support/until.js';

// Everything is called, by everybody.
import.meta.jest.setTimeout(120_000);

/** What is searched are all calls of the access matrix and then some, while both apps log what they can. */
let apps: BothApps;
const recorder = new Recorder();
const clients: RecordedClient[] = [];

const clientOf = (secret: string, url = apps.ledger.url) => {
  const client = new RecordedClient(url, secret, recorder);
  clients.push(client);
  return client;
};

beforeAll(async () => {
  apps = await startBothApps({ LOG_LEVEL: 'debug', RATE_LIMIT_STORE: 'postgres' });
  for (const [name, value] of Object.entries({ BOOTSTRAP_API_KEY, OPERATOR_API_KEY, SECRETS_KEY })) {
    recorder.add(name, value);
  }
  const { ownerUrl, ledgerUrl, dispatcherUrl, superuserUrl } = apps.database;
  for (const url of [ownerUrl, ledgerUrl, dispatcherUrl, superuserUrl]) {
    recorder.add('Postgres password', new URL(url).password);
  }
  const callers = await AccessCallers.of(apps, clientOf);
  for (const route of ledgerRoutes) await callers.answersTo(route, apps.ledger.url);
  for (const { url } of [apps.ledger, apps.dispatcher]) {
    for (const route of dispatcherRoutes) await callers.answersTo(route, url);
  }
  await callFurther(callers);
  for (const { d = '' } of await privateTokenKeys()) recorder.add('private part of a token key', d);
});

afterAll(async () => {
  for (const client of clients) client.close();
  await apps.stop();
});

/** What no row of the matrix calls: signatures right and wrong, tokens, limits, faults of every kind. */
async function callFurther(callers: AccessCallers): Promise<void> {
  const key = await newSigningKey(callers.first);
  for (const { url } of [apps.ledger, apps.dispatcher]) {
    const anybody = clientOf('', url);
    const signed = sign(key, 'GET', '/v1/webhook-endpoints');
    await sendSigned(anybody, signed);
    await sendSigned(anybody, signed);
    const another = sign(key, 'GET', '/v1/webhook-endpoints');
    await sendSigned(anybody, altered(another, { signature: '0'.repeat(64) }));
    await sendSigned(anybody, altered(another, { timestamp: '1' }));
    await clientOf(key.secret, url).get('/v1/webhook-endpoints');
  }
  const idempotent = { name: 'Once', scopes: ['accounts:read'] };
  const idempotencyKey = newKey();
  for (let sent = 0; sent < 2; sent++) {
    await callers.first.post('/v1/api-keys', idempotent, { key: idempotencyKey });
  }
  const token = await callers.first.post<One<{ token: string }>>('/v1/auth/client-tokens', {
    ownerId: 'alice',
    scopes: ['accounts:read', 'webhooks:read'],
  });
  for (const { url } of [apps.ledger, apps.dispatcher]) {
    const { token: text } = token.body.data;
    await clientOf(text, url).get('/v1/webhook-endpoints');
    await clientOf(`${text.slice(0, -6)}aaaaaa`, url).get('/v1/webhook-endpoints');
  }
  const limited = clientOf((await callers.makeKey({ rateLimitPerMinute: 1 })).secret);
  for (let sent = 0; sent < 3; sent++) await limited.get('/v1/accounts');
  for (const secret of [(await callers.makeKey()).secret, OPERATOR_API_KEY]) {
    const client = clientOf(secret);
    const basic = `Basic ${Buffer.from(`user:${secret}`).toString('base64')}`;
    await client.get('/v1/accounts', { headers: { authorization: basic } });
    await client.get('/v1/accounts', { headers: { authorization: secret } });
    await client.post('/v1/accounts', undefined, { raw: '{"name":' });
    await client.send('PUT', '/v1/accounts');
    await client.get('/v1/nothing');
    await client.get(`/v1/accounts?apiKey=${secret}`);
    await client.get('/v1/accounts', { headers: { accept: 'text/html' } });
  }
}

async function privateTokenKeys(): Promise<JWK[]> {
  const box = new SecretBox(Buffer.from(SECRETS_KEY, 'base64'), 'api-key-secret');
  const { rows } = await apps.db.query<{ id: string; sealed: Buffer }>(
    'SELECT id, sealed_private_jwk AS sealed FROM access.token_keys',
  );
  return rows.map(({ id, sealed }) => JSON.parse(box.open(sealed, `token-key.${id}`)) as JWK);
}

/** Once both have written all that they log of what was asked so far. */
async function logs(): Promise<Place[]> {
  return Promise.all(
    (['ledger', 'dispatcher'] as const).map(async (app) => {
      const last = randomUUID();
      const path = app === 'ledger' ? '/v1/accounts' : '/v1/event-types';
      const answer = await clientOf('', apps[app].url).get(path, { headers: { 'x-request-id': last } });
      expect(answer.status).toBe(401);
      await until(`the log of the ${app}`, () => apps[app].logs().includes(last));
      return { where: `log of the ${app}`, text: apps[app].logs() };
    }),
  );
}

const webhooks = (): Place[] =>
  apps.receiver.received.map(({ headers, body }) => ({
    where: 'webhook',
    text: JSON.stringify(headers) + body,
  }));

const everywhere = async () => [
  ...(await logs()),
  ...recorder.places,
  ...webhooks(),
  ...(await cellsOf(apps.db)),
];

test('no secret is in a log, an answer, a webhook or a table', async () => {
  const places = await everywhere();
  expect(leaksIn(places, recorder.secrets)).toEqual([]);
});

test('what was searched is all that there is', async () => {
  const names = recorder.secrets.map(({ name }) => name).join('\n');
  for (const kind of [
    'api-keys',
    'rotate ',
    'ledgers',
    'client-tokens',
    'webhook-endpoints',
    'rotate-secret',
  ]) {
    expect(names).toMatch(new RegExp(`POST \\S*${kind}`));
  }
  for (const kind of ['BOOTSTRAP', 'OPERATOR', 'SECRETS', 'Postgres', 'private part']) {
    expect(names).toContain(kind);
  }
  const places = await everywhere();
  const wheres = places.map(({ where }) => where);
  for (const where of [
    'access.api_keys.name',
    'access.audit_log.details',
    'access.api_key_secrets.sealed_secret',
  ]) {
    expect(wheres).toContain(where);
  }
  expect(wheres.filter((where) => /^(journal|dispatcher|projections?)\./.test(where)).length).toBeGreaterThan(
    100,
  );
  expect(wheres).toContain('answer to GET /metrics');
  expect(webhooks().length).toBeGreaterThan(0);
  for (const { where, text } of await logs()) {
    const lines = text
      .split('\n')
      .filter((line) => line.includes('"level":20') || line.includes('"level":30'));
    expect([where, lines.length > 100]).toEqual([where, true]);
    // Beyond this a process's first lines are forgotten.
    expect(text.length).toBeLessThan(4_000_000);
  }
});

describe('a secret would be found', () => {
  /** Whatever kind: the bootstrap key, one made, one of a webhook endpoint, a token, SECRETS_KEY, a password. */
  const kinds = (): Secret[] =>
    [
      'BOOTSTRAP',
      'POST /v1/api-keys ',
      'POST /v1/webhook-endpoints ',
      'POST /v1/auth',
      'SECRETS',
      'Postgres',
    ].map((kind) => recorder.secrets.find(({ name }) => name.startsWith(kind))!);

  test('in a column of text, JSON or bytes, in any schema', async () => {
    await apps.db.query('CREATE SCHEMA planted');
    await apps.db.query('CREATE TABLE planted.cells (text text, json json, list text[], bytes bytea)');
    try {
      for (const secret of kinds()) {
        await apps.db.query('TRUNCATE planted.cells');
        await apps.db.query(
          `INSERT INTO planted.cells
          SELECT said, json_build_object('a', said), ARRAY[said], convert_to(said, 'UTF8') FROM (SELECT $1::text) t (said)`,
          [`it is ${secret.value}.`],
        );
        expect(leaksIn(await cellsOf(apps.db), [secret]).sort()).toEqual(
          ['bytes', 'json', 'list', 'text'].map((column) => `planted.cells.${column}: ${secret.name}`),
        );
      }
    } finally {
      await apps.db.query('DROP SCHEMA planted CASCADE');
    }
  });

  test('in a log line, a header or an error, whatever its form', async () => {
    // A request's id is repeated in all of them, so whoever sends a secret as one plants it.
    const secret = kinds()[1]!;
    const bytes = Buffer.from(secret.value);
    const forms = [
      secret.value,
      secret.value.slice('sk_live_'.length),
      `a=${secret.value};b`,
      bytes.toString('hex'),
      bytes.toString('base64'),
      bytes.toString('base64url'),
      Buffer.from(`user:${secret.value}`).toString('base64'),
      Buffer.from(`users:${secret.value}!`).toString('base64'),
    ];
    for (const app of ['ledger', 'dispatcher'] as const) {
      const path = app === 'ledger' ? '/v1/accounts' : '/v1/event-types';
      for (const form of forms) {
        const from = recorder.places.length;
        await clientOf('', apps[app].url).get(path, { headers: { 'x-request-id': form } });
        expect(leaksIn(recorder.places.slice(from), [secret])).toEqual([
          `answer to GET ${path}: ${secret.name}`,
          `headers of the answer to GET ${path}: ${secret.name}`,
        ]);
      }
    }
    for (const { where, text } of await logs()) {
      for (const form of forms) {
        const line = text.split('\n').find((one) => one.includes(`"${form}"`)) ?? '';
        expect(leaksIn([{ where, text: line }], [secret])).toEqual([`${where}: ${secret.name}`]);
      }
    }
  });
});
