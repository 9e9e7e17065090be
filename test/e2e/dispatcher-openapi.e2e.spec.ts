import { Validator } from '@seriousme/openapi-schema-validator';
import { Client } from '../support/client.js';
import { DocumentedApi, type Call, type OpenApiDocument, type Operation } from '../support/documented-api.js';
import { insertKey } from '../support/keys.js';
import { startDispatcher } from '../support/product.js';
import { properWebhookCalls, type ProperCalls } from '../support/proper-calls.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { registeredDispatcherRoutes } from '../support/registered-routes.js';
import { plantSigningKey, sentAs, sign } from '../support/signing.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import {
  createEndpoint,
  plantDelivery,
  startDispatcherService,
  uuidOf,
  type DispatcherService,
} from '../support/webhook-fixtures.js';

// Each test makes many calls, on a machine that other tests use as well.
import.meta.jest.setTimeout(120_000);

let service: DispatcherService;
let client: Client;
let receiver: Receiver;
let api: DocumentedApi;
let proper: ProperCalls;

beforeAll(async () => {
  service = await startDispatcherService();
  client = service.client;
  receiver = await startReceiver();
  api = new DocumentedApi((await client.get('/openapi.json')).body as OpenApiDocument);
  const { ledgerId, db } = service;
  proper = properWebhookCalls({ client, ledgerId, db, url: () => receiver.url });
}, 60_000);

afterAll(async () => {
  await receiver.close();
  await service.stop();
});

const newEndpoint = async () => ({ id: (await createEndpoint(client, { url: receiver.url })).id });

/** A proper call with these changes is answered so; that it is documented is found out on the way. */
async function expectAnswer(
  status: number,
  code: string,
  operationId: string,
  changes: Call = {},
  caller = client,
) {
  const answer = await api.call(caller, operationId, { ...(await proper[operationId]!()), ...changes });
  const got = (answer.body as { error?: { code: string } } | undefined)?.error?.code ?? '';
  expect([operationId, answer.status, got]).toEqual([operationId, status, code]);
  return answer;
}

const isWrite = ({ method }: Operation) => method !== 'GET';
const ofOne = () => api.operations.filter(({ path }) => path.includes('{id}'));
const lists = ['webhookEndpointsList', 'webhookDeliveriesList', 'webhookDeliveriesListOfEndpoint'];

describe('the document', () => {
  test('is valid OpenAPI 3.1, with all that it refers to and nothing more', async () => {
    const { valid, errors } = await new Validator().validate(JSON.parse(JSON.stringify(api.document)));
    expect(errors ?? []).toEqual([]);
    expect(valid).toBe(true);
    const text = JSON.stringify(api.document);
    const references = new Set(
      [...text.matchAll(/"\$ref":"#\/components\/([^"]+)"/g)].map(([, path]) => path),
    );
    const { schemas, headers } = api.document.components;
    const there = [
      ...Object.keys(schemas).map((name) => `schemas/${name}`),
      ...Object.keys(headers).map((name) => `headers/${name}`),
    ];
    expect([...references].sort()).toEqual(there.sort());
  });

  test('says of every operation what it is, who may call it, and what each of its parts is', () => {
    for (const operation of api.operations) {
      const { operationId, summary, tags, description, parameters, security } = operation;
      expect({ operationId, summary, tags }).toEqual({
        operationId: expect.stringMatching(/^[a-z][A-Za-z]+$/),
        summary: expect.stringMatching(/^[A-Z]/),
        tags: [expect.stringMatching(/^(WebhookEndpoints|WebhookDeliveries|EventTypes|Operations)$/)],
      });
      const scope = operation['x-scope'];
      const needs =
        scope === null ? 'Needs no key' : scope === 'any-key' ? 'Needs a key' : `scope \`${scope}\``;
      expect(description).toContain(needs);
      expect([operationId, security]).toEqual([operationId, scope === null ? [] : undefined]);
      for (const { name, description: meaning } of parameters) {
        expect([operationId, name, meaning]).toEqual([operationId, name, expect.stringMatching(/\w/)]);
      }
    }
  });

  test('has the routes of the app, no more and no less', async () => {
    const routes = await registeredDispatcherRoutes(service.database.dispatcherUrl);
    const documented = api.operations.map(({ method, path }) => `${method} ${path}`);
    expect(documented.sort()).toEqual(routes.map(({ name }) => name).sort());
  });

  test('has examples that fit their schemas, and bodies that are accepted', async () => {
    for (const { operationId, requestBody, responses } of api.operations) {
      for (const part of [requestBody, ...Object.values(responses)]) {
        for (const { schema, example, examples: named = {} } of Object.values(part?.content ?? {})) {
          const values = [example, ...Object.values(named).map(({ value }) => value)];
          for (const value of values.filter((one) => one !== undefined)) {
            api.checkValue(operationId, value, schema);
          }
        }
      }
      for (const { value } of Object.values(requestBody?.content['application/json']?.examples ?? {})) {
        const answer = await api.call(client, operationId, {
          ...(await proper[operationId]!()),
          body: value,
        });
        expect([operationId, answer.status < 300, answer.text]).toEqual([operationId, true, answer.text]);
      }
    }
  });

  test('is shown as a page', async () => {
    const page = await client.get('/docs', { headers: { authorization: undefined, accept: 'text/html' } });
    expect([page.status, page.headers['content-type']]).toEqual([200, expect.stringContaining('text/html')]);
  });
});

describe('what is answered is what is documented', () => {
  test('when all is well', async () => {
    for (const { operationId, responses } of api.operations) {
      const status = Number(Object.keys(responses).findLast((known) => known.startsWith('2')));
      await expectAnswer(status, '', operationId);
    }
  });

  test('when the examples of query parameters are asked for, and every value of an enumeration', async () => {
    for (const { operationId, parameters } of api.operations) {
      for (const { name, schema } of parameters.filter((parameter) => parameter.in === 'query')) {
        for (const value of [...(schema.examples ?? []), ...(schema.enum ?? [])]) {
          await expectAnswer(200, '', operationId, { query: { [name]: String(value) } });
        }
      }
    }
  });

  test('in all the shapes that an answer has', async () => {
    const fields = { description: 'x', rateLimitPerSecond: 5, legacySignature: { header: 'X-S' } };
    const { id } = await createEndpoint(client, { ...fields, accountIds: [], headers: { 'X-A': 'b' } });
    await client.post(`/v1/webhook-endpoints/${id}/disable`, undefined);
    await expectAnswer(200, '', 'webhookEndpointsGet', { id });
    const deliveryId = await plantDelivery(service.db, { ledgerId: service.ledgerId, endpointId: id });
    await service.db.query(
      `INSERT INTO dispatcher.attempts
      SELECT day, id, 1, endpoint_id, created_at, 7, NULL, 'timeout', NULL, created_at
      FROM dispatcher.deliveries WHERE id = $1`,
      [uuidOf(deliveryId)],
    );
    await expectAnswer(200, '', 'webhookDeliveriesGet', { id: deliveryId });
    await expectAnswer(200, '', 'webhookEndpointsStats', { id });
    for (const query of [{ 'page[limit]': '1' }, { 'page[total]': 'true' }, { consistency: 'eventual' }]) {
      for (const list of lists) await expectAnswer(200, '', list, { query });
    }
  });

  test('when the conventions are not kept', async () => {
    const powerless = await service.clientOf(service.ledgerId, []);
    for (const operation of api.operations) {
      const { operationId } = operation;
      await expectAnswer(400, 'validation_error', operationId, { query: { nonsense: '1' } });
      if (isWrite(operation)) {
        const headers = { 'content-type': 'text/plain' };
        await expectAnswer(415, 'unsupported_media_type', operationId, { raw: 'text', headers });
        const raw = Buffer.alloc(1_100_000, ' ');
        const sent = { raw, headers: { 'content-type': 'application/json' } };
        await expectAnswer(413, 'payload_too_large', operationId, sent);
      }
      if (operation['x-scope'] === null) continue;
      await expectAnswer(401, 'unauthorized', operationId, { headers: { authorization: undefined } });
      await expectAnswer(406, 'not_acceptable', operationId, { headers: { accept: 'text/html' } });
      if (operation['x-scope'] === 'any-key') continue;
      await expectAnswer(403, 'forbidden', operationId, {}, powerless);
    }
  });

  test('when a key has made as many requests as it may', async () => {
    for (const operation of api.operations.filter(({ 'x-scope': scope }) => scope !== null)) {
      const secret = await insertKey(service.db, service.ledgerId, ['webhooks:read', 'webhooks:write'], 1);
      const limited = new Client(service.dispatcher.url, secret);
      await expectAnswer(200, '', 'webhookEndpointsList', {}, limited);
      await expectAnswer(429, 'rate_limited', operation.operationId, {}, limited);
      limited.close();
    }
  });

  test('when a signed request comes again', async () => {
    const key = await plantSigningKey(service.database, service.ledgerId, ['webhooks:read']);
    for (const operation of api.operations.filter(({ 'x-scope': scope }) => scope !== null)) {
      const { operationId, method, path } = operation;
      const signed = sentAs(sign(key, method, path.replace('{id}', 'x')));
      await client.send(method, path.replace('{id}', 'x'), signed);
      await expectAnswer(409, 'duplicate_request', operationId, { ...signed, id: 'x', body: undefined });
    }
  });

  test('when there is no such thing', async () => {
    for (const { operationId } of ofOne()) {
      await expectAnswer(404, 'not_found', operationId, { id: 'whe_01jd3v6c0rfh7s5kx2m9q4t8bn' });
    }
  });

  test('when a list is asked for what it has not', async () => {
    for (const list of lists) {
      await expectAnswer(400, 'invalid_cursor', list, { query: { 'page[cursor]': 'nonsense' } });
      const query = { 'page[limit]': '100', 'page[page]': '101' };
      await expectAnswer(400, 'page_too_deep', list, { query });
    }
  });

  test('when the state does not allow it', async () => {
    const { id } = await newEndpoint();
    const planted = { ledgerId: service.ledgerId, endpointId: id };
    const pending = await plantDelivery(service.db, { ...planted, status: 'pending' });
    await expectAnswer(409, 'delivery_not_ended', 'webhookDeliveriesRetry', { id: pending });
    const off = await newEndpoint();
    await client.post(`/v1/webhook-endpoints/${off.id}/disable`, undefined);
    await expectAnswer(409, 'endpoint_disabled', 'webhookEndpointsRecover', off);
    const failed = await plantDelivery(service.db, { ...planted, status: 'failed' });
    await client.delete(`/v1/webhook-endpoints/${id}`);
    await expectAnswer(409, 'endpoint_deleted', 'webhookDeliveriesRetry', { id: failed });

    const full = await service.addLedger();
    const owner = await service.clientOf(full);
    const first = await createEndpoint(owner);
    await service.db.query(
      `INSERT INTO dispatcher.endpoints
      SELECT (jsonb_populate_record(e, jsonb_build_object('id', gen_random_uuid()))).*
      FROM dispatcher.endpoints e, generate_series(1, 999) WHERE e.id = $1`,
      [uuidOf(first.id)],
    );
    await expectAnswer(409, 'too_many_endpoints', 'webhookEndpointsCreate', {}, owner);
  });

  test('when too many tests run at once', async () => {
    const call = await proper['webhookEndpointsTest']!();
    receiver.answerWith(() => null);
    const running = Array.from({ length: 16 }, () => api.call(client, 'webhookEndpointsTest', call));
    while (receiver.received.length < 16) await new Promise((resolve) => setTimeout(resolve, 10));
    await expectAnswer(503, 'overloaded', 'webhookEndpointsTest', call);
    // Whoever waits for an answer gets none, and the test ends.
    await receiver.close();
    receiver = await startReceiver();
    await Promise.all(running);
  }, 60_000);

  test('when the database is gone', async () => {
    const proxy = await TcpProxy.start(service.database.dispatcherUrl);
    const dispatcher = await startDispatcher({ databaseUrl: proxy.url });
    const key = await insertKey(service.db, service.ledgerId, ['webhooks:read', 'webhooks:write']);
    const caller = new Client(dispatcher.url, key);
    const calls = new Map<string, Call>();
    for (const { operationId, responses } of api.operations) {
      if (responses['503']) calls.set(operationId, await proper[operationId]!());
    }
    await proxy.close();
    for (const [operationId, call] of calls) {
      const answer = await api.call(caller, operationId, call);
      expect([operationId, answer.status]).toEqual([operationId, 503]);
    }
    caller.close();
    await dispatcher.kill();
  }, 60_000);
});

test('nothing is documented that was not seen, but for bugs', () => {
  const unseen = api.documented().filter((answer) => !api.seen.has(answer));
  expect(unseen.filter((answer) => !answer.endsWith(' 500 internal'))).toEqual([]);
});
