import { setTimeout as sleep } from 'node:timers/promises';
import { Webhook } from 'standardwebhooks';
import { Client, expectError, startService, type One, type Service } from '../support/client.js';
import { startDispatcher, type Product } from '../support/product.js';
import { startReceiver, type ReceivedWebhook, type Receiver } from '../support/receiver.js';
import { createEndpoint, type Attempt, type Delivery, type Endpoint } from '../support/webhook-fixtures.js';

type Recovery = Readonly<Record<'id' | 'status', string> & Record<'count' | 'done', number>>;
type DeliveryWithAttempts = Delivery & { readonly attemptLog: readonly Attempt[] };

let ledger: Service;
let dispatcher: Product;
let webhooks: Client;
let receiver: Receiver;

beforeAll(async () => {
  ledger = await startService();
  dispatcher = await startDispatcher({ databaseUrl: ledger.database.dispatcherUrl });
  webhooks = new Client(dispatcher.url, ledger.product.apiKey);
}, 90_000);

afterAll(async () => {
  webhooks.close();
  await dispatcher.stop();
  await ledger.stop();
});

beforeEach(async () => {
  receiver = await startReceiver();
});
afterEach(() => receiver.close());

/** What it is when it is there; the machine may be slow. */
async function eventually<T>(what: string, look: () => Promise<T | undefined> | T | undefined): Promise<T> {
  for (const deadline = Date.now() + 45_000; Date.now() < deadline; await sleep(25)) {
    const found = await look();
    if (found !== undefined) return found;
  }
  throw new Error(`waited in vain for ${what}; the dispatcher said:\n${dispatcher.logs().slice(-4_000)}`);
}

const eventOf = (webhook: ReceivedWebhook) =>
  JSON.parse(webhook.body) as { id: string; type: string; data: { id: string } };

const receivedFor = (accountId: string) =>
  eventually('the webhook', () =>
    receiver.received.find((webhook) => eventOf(webhook).data.id === accountId),
  );

async function deliveryOf(
  endpoint: Endpoint,
  status: string,
  eventId?: string,
): Promise<DeliveryWithAttempts> {
  return await eventually(`a delivery that is ${status}`, async () => {
    const all = await webhooks.all<Delivery>(`/v1/webhook-endpoints/${endpoint.id}/deliveries`, {
      'filter[status]': status,
    });
    const found = all.find((delivery) => eventId === undefined || delivery.eventId === eventId);
    if (!found) return undefined;
    return (await webhooks.get<One<DeliveryWithAttempts>>(`/v1/webhook-deliveries/${found.id}`)).body.data;
  });
}

const openAccount = async () => (await ledger.client.open()).id;
const post = <T>(endpoint: Endpoint, verb: string, body?: object) =>
  webhooks.post<One<T>>(`/v1/webhook-endpoints/${endpoint.id}/${verb}`, body);

test('an event after the endpoint is received, signed; one before it is not; its delivery tells so', async () => {
  const before = await openAccount();
  const endpoint = await createEndpoint(webhooks, { url: receiver.url, eventTypes: ['account.*'] });
  const accountId = await openAccount();
  const webhook = await receivedFor(accountId);
  const headers = webhook.headers as Record<string, string>;
  const event = new Webhook(endpoint.secret).verify(webhook.body, headers);
  expect(event).toMatchObject({ type: 'account.opened', data: { id: accountId } });
  expect(event).not.toHaveProperty('legs');
  expect(receiver.received.map((received) => eventOf(received).data.id)).not.toContain(before);

  const { eventId, attempts, attemptLog } = await deliveryOf(endpoint, 'succeeded');
  expect([eventId, attempts]).toEqual([headers['webhook-id'], 1]);
  expect(attemptLog).toMatchObject([
    { statusCode: 200, errorClass: null, responseBody: 'ok', nextAttemptAt: null },
  ]);
  const list = await webhooks.get<{ meta: { position: string } }>('/v1/webhook-deliveries');
  expect(Number(list.body.meta.position)).toBeGreaterThan(0);
}, 90_000);

test('a retry of what has succeeded sends it again, under the same id', async () => {
  const endpoint = await createEndpoint(webhooks, { url: receiver.url });
  const id = eventOf(await receivedFor(await openAccount())).id;
  const delivery = await deliveryOf(endpoint, 'succeeded', id);
  expect((await webhooks.post(`/v1/webhook-deliveries/${delivery.id}/retry`, undefined)).status).toBe(202);
  await eventually('the second', () => (receiver.received.length >= 2 ? true : undefined));
  expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id']))).toEqual(new Set([id]));
  const again = await eventually('its end', async () => {
    const found = await deliveryOf(endpoint, 'succeeded', id);
    return found.attempts === 2 ? found : undefined;
  });
  expect(again.attemptLog).toHaveLength(2);
}, 90_000);

test('what is due when an endpoint is disabled is cancelled, nothing is made while it is, and it recovers', async () => {
  receiver.answerWith({ status: 500, body: 'not now' });
  const endpoint = await createEndpoint(webhooks, { url: receiver.url, eventTypes: ['account.opened'] });
  const since = endpoint.createdAt;
  const first = eventOf(await receivedFor(await openAccount())).id;
  await post(endpoint, 'disable');
  const cancelled = await deliveryOf(endpoint, 'cancelled', first);
  expect([cancelled.nextAttemptAt, cancelled.lastStatusCode]).toEqual([null, 500]);
  expectError(await post(endpoint, 'recover', { since }), 409, 'endpoint_disabled');

  const missed = await openAccount();
  const dryRun = { since, dryRun: true };
  await eventually('the missed event', async () => {
    const { status, body } = await post<{ count: number }>(endpoint, 'recover', dryRun);
    expect(status).toBe(200);
    return body.data.count === 2 ? true : undefined;
  });
  receiver.answerWith({ status: 200 });
  await post(endpoint, 'enable');
  const { status, body } = await post<Recovery>(endpoint, 'recover', { since });
  expect([status, body.data]).toEqual([
    202,
    { id: expect.stringMatching(/^rec_/), status: 'running', count: 2, done: 0 },
  ]);
  await receivedFor(missed);
  await deliveryOf(endpoint, 'succeeded', first);
  await eventually('nothing to be left', async () => {
    const left = await post<{ count: number }>(endpoint, 'recover', dryRun);
    return left.body.data.count === 0 ? true : undefined;
  });
}, 120_000);

test('the deliveries of a deleted endpoint end, and can’t be retried', async () => {
  receiver.answerWith({ status: 503 });
  const endpoint = await createEndpoint(webhooks, { url: receiver.url });
  const { id } = eventOf(await receivedFor(await openAccount()));
  await webhooks.delete(`/v1/webhook-endpoints/${endpoint.id}`);
  const [delivery] = await eventually('its end', async () => {
    const all = await webhooks.all<Delivery>('/v1/webhook-deliveries', { 'filter[endpointId]': endpoint.id });
    return all.every(({ eventId, status }) => eventId === id && status === 'cancelled') ? all : undefined;
  });
  const answer = await webhooks.post(`/v1/webhook-deliveries/${delivery?.id}/retry`, undefined);
  expectError(answer, 409, 'endpoint_deleted');
}, 90_000);

test.each([
  [{}, 'since'],
  [{ since: 'yesterday' }, 'since'],
  [{ since: '2999-01-01T00:00:00Z' }, 'since'],
  [{ since: '2026-01-02T00:00:00Z', until: '2026-01-01T00:00:00Z' }, 'until'],
  [{ since: '2026-01-02T00:00:00Z', until: '2026-01-02T00:00:00Z' }, 'until'],
  [{ since: '2026-01-02T00:00:00Z', eventTypes: [] }, 'eventTypes'],
  [{ since: '2026-01-02T00:00:00Z', eventTypes: ['transaction'] }, 'eventTypes'],
  [{ since: '2026-01-02T00:00:00Z', dryRun: 'true' }, 'dryRun'],
  [{ since: '2026-01-02T00:00:00Z', limit: 5 }, 'limit'],
])('a recovery of %j is refused', async (body, field) => {
  const endpoint = await createEndpoint(webhooks, { url: receiver.url });
  expectError(await post(endpoint, 'recover', body), 400, 'validation_error', field);
});
