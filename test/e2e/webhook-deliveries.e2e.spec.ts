import { randomUUID } from 'node:crypto';
import { encodeTypeId } from '#contracts';
import { Client, expectError, timestamp, withQuery, type List, type One } from '../support/client.js';
import {
  createEndpoint,
  plantDelivery,
  startDispatcherService,
  uuidOf,
  type Attempt,
  type Delivery,
  type DispatcherService,
  type Endpoint,
} from '../support/webhook-fixtures.js';

const path = '/v1/webhook-deliveries';
const unknownDelivery = 'dlv_01jd3v6d5xe2v8w6p3n0r7j9ck';
const unknownEndpoint = 'whe_01jd3v6c0rfh7s5kx2m9q4t8bn';

// Each test makes many calls, on a machine that other tests use as well.
import.meta.jest.setTimeout(120_000);

let service: DispatcherService;

beforeAll(async () => {
  service = await startDispatcherService();
}, 60_000);
afterAll(() => service.stop());

/** A ledger of its own, so that no test sees the deliveries of another. */
async function newLedger() {
  const ledgerId = await service.addLedger();
  const client = await service.clientOf(ledgerId);
  const endpoint = await createEndpoint(client);
  const plant = (planted: Partial<Parameters<typeof plantDelivery>[1]> = {}) =>
    plantDelivery(service.db, { ledgerId, endpointId: endpoint.id, ...planted });
  return { ledgerId, client, endpoint, plant };
}

const idsOf = async (client: Client, parameters: Readonly<Record<string, string>> = {}, list = path) =>
  (await client.all<Delivery>(list, parameters)).map(({ id }) => id);

async function plantAttempt(deliveryId: string, number: number, values: object = {}): Promise<void> {
  const attempt = {
    status_code: 200,
    error_class: null,
    response_body: 'ok',
    next_attempt_at: null,
    ...values,
  };
  await service.db.query(
    `INSERT INTO dispatcher.attempts (day, delivery_id, number, endpoint_id, at, duration_ms, status_code,
      error_class, response_body, next_attempt_at)
    SELECT d.day, d.id, $2::integer, d.endpoint_id, clock_timestamp() + $2::integer * interval '1 ms', $2::integer * 10, $3, $4, $5, $6
    FROM dispatcher.deliveries d WHERE d.id = $1`,
    [
      uuidOf(deliveryId),
      number,
      attempt.status_code,
      attempt.error_class,
      attempt.response_body,
      attempt.next_attempt_at,
    ],
  );
}

describe('the list', () => {
  test('is newest first, whatever day an event is filed under, in pages by cursor and by number', async () => {
    const { client, endpoint, plant } = await newLedger();
    const ids: string[] = [];
    for (const ageSeconds of [0, 5, 86_400, 86_500, 200_000, 300_000, 400_000]) {
      ids.push(await plant({ ageSeconds }));
    }
    expect(await idsOf(client, { 'page[limit]': '2' })).toEqual(ids);
    expect(
      await idsOf(client, { 'page[limit]': '2' }, `/v1/webhook-endpoints/${endpoint.id}/deliveries`),
    ).toEqual(ids);
    const third = withQuery(path, { 'page[limit]': '3', 'page[page]': '3', 'page[total]': 'true' });
    const { body } = await client.get<List<Delivery>>(third);
    expect(body.data.map(({ id }) => id)).toEqual(ids.slice(6));
    expect(body.meta).toEqual({
      page: { limit: 3, number: 3, hasMore: false, nextCursor: null, total: 7 },
      position: '0',
    });
  });

  test('shows a delivery as the contract writes it', async () => {
    const { client, endpoint, plant } = await newLedger();
    const id = await plant({ attempts: 2 });
    const { body } = await client.get<List<Delivery>>(path);
    expect(body.data).toEqual([
      {
        id,
        eventId: expect.stringMatching(/^evt_/),
        endpointId: endpoint.id,
        eventType: 'transaction.posted',
        status: 'succeeded',
        attempts: 2,
        nextAttemptAt: null,
        manual: false,
        createdAt: expect.stringMatching(timestamp),
        lastStatusCode: 200,
      },
    ]);
  });

  test('is filtered by all that the contract names, together', async () => {
    const { ledgerId, client, endpoint, plant } = await newLedger();
    const other = await createEndpoint(client);
    const account = randomUUID();
    const accountIds = [randomUUID(), account];
    const [first, second, third] = [
      await plant({ status: 'failed', accountIds }),
      await plant({ eventType: 'account.closed', ageSeconds: 7_200 }),
      await plant({ endpointId: other.id, accountIds, ageSeconds: 90_000 }),
    ];
    const of = (filters: Readonly<Record<string, string>>) =>
      idsOf(
        client,
        Object.fromEntries(Object.entries(filters).map(([name, value]) => [`filter${name}`, value])),
      );
    const ago = (seconds: number) => new Date(Date.now() - seconds * 1_000).toISOString();
    expect(await of({ '[status]': 'failed' })).toEqual([first]);
    expect(await of({ '[status]': 'exhausted' })).toEqual([]);
    expect(await of({ '[eventType]': 'account.closed' })).toEqual([second]);
    expect(await of({ '[eventType]': 'account.*' })).toEqual([]);
    expect(await of({ '[endpointId]': other.id })).toEqual([third]);
    expect(await of({ '[endpointId]': unknownEndpoint })).toEqual([]);
    expect(await of({ '[accountId]': encodeTypeId('acc', account) })).toEqual([first, third]);
    expect(await of({ '[accountId]': encodeTypeId('acc', account), '[endpointId]': endpoint.id })).toEqual([
      first,
    ]);
    expect(await of({ '[createdAt][gte]': ago(3_600) })).toEqual([first]);
    expect(await of({ '[createdAt][lt]': ago(3_600) })).toEqual([second, third]);
    expect(await of({ '[createdAt][gte]': ago(10_000), '[createdAt][lt]': ago(3_600) })).toEqual([second]);
    expect(ledgerId).not.toBe(service.ledgerId);
  });

  test('takes a time in a filter to the microsecond, the first one included and the last one not', async () => {
    const { client, plant } = await newLedger();
    const id = await plant();
    const { createdAt } = (await client.get<One<Delivery>>(`${path}/${id}`)).body.data;
    expect(await idsOf(client, { 'filter[createdAt][gte]': createdAt })).toEqual([id]);
    expect(await idsOf(client, { 'filter[createdAt][lt]': createdAt })).toEqual([]);
  });

  test('keeps its filters while it goes on: a cursor is good for no other', async () => {
    const { client, plant } = await newLedger();
    for (let number = 0; number < 3; number++) await plant({ ageSeconds: number });
    const filter = { 'filter[status]': 'succeeded', 'page[limit]': '1' };
    const { body } = await client.get<List<Delivery>>(withQuery(path, filter));
    const cursor = { 'page[cursor]': body.meta.page.nextCursor ?? '' };
    expect(
      (await client.get<List<Delivery>>(withQuery(path, { ...filter, ...cursor }))).body.data,
    ).toHaveLength(1);
    for (const changed of [cursor, { ...cursor, 'filter[status]': 'failed' }]) {
      expectError(await client.get(withQuery(path, changed)), 400, 'invalid_cursor');
    }
    const ofEndpoints = await client.get<List<Endpoint>>(withQuery('/v1/webhook-endpoints', cursor));
    expectError(ofEndpoints, 400, 'invalid_cursor');
  });

  test.each([
    'filter[status]=sent',
    'filter[endpointId]=whe_x',
    'filter[endpointId]=acc_01jd3v4wqzfxs9v5n6m7k8h2re',
    'filter[accountId]=ROOT',
    'filter[accountId]=',
    'filter[createdAt][gte]=yesterday',
    'filter[createdAt][gt]=2026-01-31T00:00:00Z',
    'filter[createdAt][lt]=2026-02-30T00:00:00Z',
    'filter[eventType]=',
    'filter[eventTyp]=transaction.posted',
    'filter[status]=failed&filter[status]=failed',
    'page[limit]=101',
  ])('refuses %s', async (query) => {
    expectError(await service.client.get(`${path}?${query}`), 400, 'validation_error');
  });

  test('of an endpoint takes no other endpoint', async () => {
    const { client, endpoint } = await newLedger();
    const answer = await client.get(
      `/v1/webhook-endpoints/${endpoint.id}/deliveries?filter[endpointId]=${endpoint.id}`,
    );
    expectError(answer, 400, 'validation_error', 'filter[endpointId]');
  });

  test('still has the deliveries of an endpoint that was deleted', async () => {
    const { client, endpoint, plant } = await newLedger();
    const id = await plant();
    await client.delete(`/v1/webhook-endpoints/${endpoint.id}`);
    expect(await idsOf(client, { 'filter[endpointId]': endpoint.id })).toEqual([id]);
    expect((await client.get(`${path}/${id}`)).status).toBe(200);
  });

  test('shows no other ledger’s', async () => {
    const { plant, endpoint } = await newLedger();
    const stranger = await newLedger();
    const id = await plant();
    expect(await idsOf(stranger.client)).toEqual([]);
    expect(await idsOf(stranger.client, { 'filter[endpointId]': endpoint.id })).toEqual([]);
    expectError(await stranger.client.get(`${path}/${id}`), 404, 'not_found');
    expectError(await stranger.client.post(`${path}/${id}/retry`, undefined), 404, 'not_found');
  });
});

describe('one delivery', () => {
  test('has its attempts in order', async () => {
    const { client, plant } = await newLedger();
    const id = await plant({ attempts: 2 });
    await plantAttempt(id, 1, {
      status_code: null,
      error_class: 'timeout',
      response_body: null,
      next_attempt_at: '2026-01-31T09:15:27.482913Z',
    });
    await plantAttempt(id, 2);
    const { attemptLog, ...delivery } = (
      await client.get<One<Delivery & { attemptLog: Attempt[] }>>(`${path}/${id}`)
    ).body.data;
    expect((await client.get<List<Delivery>>(path)).body.data).toEqual([delivery]);
    expect(attemptLog).toEqual([
      {
        at: expect.stringMatching(timestamp),
        statusCode: null,
        durationMs: 10,
        errorClass: 'timeout',
        responseBody: null,
        nextAttemptAt: '2026-01-31T09:15:27.482913Z',
      },
      {
        at: expect.stringMatching(timestamp),
        statusCode: 200,
        durationMs: 20,
        errorClass: null,
        responseBody: 'ok',
        nextAttemptAt: null,
      },
    ]);
  });

  test.each([unknownDelivery, 'dlv_x', unknownEndpoint, 'nothing'])('%s is 404', async (id) => {
    expectError(await service.client.get(`${path}/${id}`), 404, 'not_found');
    expectError(await service.client.post(`${path}/${id}/retry`, undefined), 404, 'not_found');
  });
});

describe('a retry', () => {
  test.each(['succeeded', 'failed', 'exhausted', 'cancelled'])(
    'makes one that has %s due',
    async (status) => {
      const { client, plant } = await newLedger();
      const id = await plant({ status, attempts: 12 });
      const { status: answered, body } = await client.post<One<Delivery>>(`${path}/${id}/retry`, undefined);
      expect(answered).toBe(202);
      expect(body.data).toMatchObject({ id, status: 'pending', manual: true, attempts: 12 });
      expect(body.data.nextAttemptAt).toMatch(timestamp);
    },
  );

  test.each(['pending', 'delivering'])('is refused while it is %s', async (status) => {
    const { client, plant } = await newLedger();
    const id = await plant({ status });
    expectError(await client.post(`${path}/${id}/retry`, undefined), 409, 'delivery_not_ended');
  });

  test('is refused where the endpoint was deleted', async () => {
    const { client, endpoint, plant } = await newLedger();
    const id = await plant({ status: 'failed' });
    await client.delete(`/v1/webhook-endpoints/${endpoint.id}`);
    expectError(await client.post(`${path}/${id}/retry`, undefined), 409, 'endpoint_deleted');
  });

  test('is told to whoever delivers', async () => {
    const { client, endpoint, plant } = await newLedger();
    const id = await plant({ status: 'failed' });
    const heard: (string | undefined)[] = [];
    service.db.on('notification', ({ payload }) => heard.push(payload));
    await service.db.query('LISTEN dispatcher_due');
    await client.post(`${path}/${id}/retry`, undefined);
    await service.db.query('UNLISTEN dispatcher_due');
    expect(heard).toContain(uuidOf(endpoint.id));
  });

  test('takes no fields', async () => {
    const answer = await service.client.post(`${path}/${unknownDelivery}/retry`, { force: true });
    expectError(answer, 400, 'validation_error', 'force');
  });
});

describe('the figures of an endpoint', () => {
  interface Stats {
    readonly from: string;
    readonly to: string;
    readonly attempts: number;
    readonly succeeded: number;
    readonly successRate: number | null;
    readonly latencyMs: { readonly p50: number | null; readonly p99: number | null };
    readonly undelivered: number;
    readonly oldestUndeliveredSeconds: number | null;
  }
  const statsOf = async (client: Client, endpoint: Endpoint) =>
    (await client.get<One<Stats>>(`/v1/webhook-endpoints/${endpoint.id}/stats`)).body.data;

  test('are nothing for one that was sent nothing', async () => {
    const { client, endpoint } = await newLedger();
    expect(await statsOf(client, endpoint)).toEqual({
      from: expect.stringMatching(timestamp),
      to: expect.stringMatching(timestamp),
      attempts: 0,
      succeeded: 0,
      successRate: null,
      latencyMs: { p50: null, p99: null },
      undelivered: 0,
      oldestUndeliveredSeconds: null,
    });
  });

  test('count attempts of the last day, and what has not ended', async () => {
    const { client, endpoint, plant } = await newLedger();
    const other = await createEndpoint(client);
    const id = await plant({ attempts: 4 });
    for (const number of [1, 2, 3]) await plantAttempt(id, number);
    await plantAttempt(id, 4, { status_code: 503 });
    await plantAttempt(await plant({ endpointId: other.id }), 9);
    await plant({ status: 'pending', ageSeconds: 600 });
    await plant({ status: 'delivering' });
    const stats = await statsOf(client, endpoint);
    expect(stats).toMatchObject({
      attempts: 4,
      succeeded: 3,
      successRate: 0.75,
      latencyMs: { p50: 20, p99: 40 },
      undelivered: 2,
    });
    expect(stats.oldestUndeliveredSeconds).toBeGreaterThanOrEqual(600);
    expect(Date.parse(stats.to) - Date.parse(stats.from)).toBe(86_400_000);
  });
});
