import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { findFreePort } from '../../tools/start/free-port.js';
import {
  Client,
  expectError,
  newKey,
  startService,
  type One,
  type Sent,
  type Service,
} from '../support/client.js';
import { startDispatcher, type Product } from '../support/product.js';
import { until } from '../support/until.js';

/** What arrived at the dispatcher's place, to the byte. */
interface Arrived {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
}

type Behaviour = (message: IncomingMessage, answer: ServerResponse) => void;

/** Stands where the dispatcher would, and does what a test says. */
class Upstream {
  readonly arrived: Arrived[] = [];
  /** Of each request, when its connection has ended before its answer had. */
  readonly abandoned: string[] = [];
  behaviour: Behaviour = (_message, answer) => answer.end('{"data":[]}');
  private readonly server: Server;

  constructor() {
    this.server = createServer((message, answer) => {
      answer.on('close', () => {
        if (!answer.writableEnded) this.abandoned.push(message.url ?? '');
      });
      if (message.headers['x-unread'] !== undefined) return this.behaviour(message, answer);
      const chunks: Buffer[] = [];
      message.on('data', (chunk: Buffer) => chunks.push(chunk));
      message.on('error', () => undefined);
      message.on('end', () => {
        const { method = '', url = '', headers, rawHeaders } = message;
        this.arrived.push({ method, url, headers, rawHeaders, body: Buffer.concat(chunks) });
        this.behaviour(message, answer);
      });
    });
  }

  async listen(port = 0): Promise<string> {
    await once(this.server.listen(port, '127.0.0.1'), 'listening');
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  last(): Arrived {
    const last = this.arrived.at(-1);
    if (!last) throw new Error('nothing has arrived');
    return last;
  }
}

const answerMs = 3_000;
const connectionsMax = 8;
const bodyBytesMax = 100_000;

let upstream: Upstream;
let upstreamUrl: string;
let service: Service;
let client: Client;

beforeAll(async () => {
  upstream = new Upstream();
  upstreamUrl = await upstream.listen();
  service = await startService({
    env: {
      DISPATCHER_URL: upstreamUrl,
      DISPATCHER_TIME_MS: String(answerMs),
      DISPATCHER_CONNECTIONS_MAX: String(connectionsMax),
      BODY_BYTES_MAX: String(bodyBytesMax),
    },
  });
  client = service.client;
}, 60_000);

afterAll(async () => {
  await service.stop();
  await upstream.close();
});

beforeEach(() => {
  upstream.behaviour = (_message, answer) => answer.end('{"data":[]}');
});

/** Sends bytes as they are and reads until the connection ends. */
async function sendRaw(text: string): Promise<string> {
  const socket = connect(Number(new URL(service.product.url).port), '127.0.0.1');
  socket.on('error', () => undefined);
  socket.write(text);
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  await once(socket, 'close');
  return Buffer.concat(chunks).toString('latin1');
}

describe('what is passed on', () => {
  test.each([
    '/v1/webhook-endpoints',
    '/v1/webhook-endpoints/whe_1/rotate-secret',
    '/v1/webhook-endpoints/',
    '/v1/webhook-deliveries?filter[status]=failed&filter%5BcreatedAt%5D[gte]=2026-01-01T00:00:00Z&q=%zz&a=a+b',
    '/v1/webhook-deliveries/dlv_%C3%A9%2f1',
    '/v1/event-types',
    '/v1/event-types//x|y',
  ])('%s, to the byte, by every method, without a check of ours', async (path) => {
    for (const method of ['GET', 'HEAD', 'POST', 'PATCH', 'PUT', 'DELETE', 'OPTIONS', 'PROPFIND']) {
      upstream.behaviour = (_message, answer) => {
        answer.writeHead(418, { 'x-theirs': 'yes' }).end(method === 'HEAD' ? undefined : 'short and stout');
      };
      const headers = { authorization: undefined, accept: 'text/html', 'content-encoding': 'br' };
      const answer = await client.send(method, path, { headers });
      expect([answer.status, answer.text]).toEqual([418, method === 'HEAD' ? '' : 'short and stout']);
      expect(answer.headers['x-theirs']).toBe('yes');
      expect(upstream.last()).toMatchObject({ method, url: path, headers: { accept: 'text/html' } });
      expect(upstream.last().headers.authorization).toBeUndefined();
    }
  });

  test('a path that a client should have escaped, as it came', async () => {
    await sendRaw('GET /v1/event-types/"<a>\\b HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
    expect(upstream.last().url).toBe('/v1/event-types/"<a>\\b');
  });

  test('the body, whatever it is, with its length or in chunks', async () => {
    const raw = Buffer.from('{"amount": 1.0, "not": json\0\xff', 'latin1');
    for (const sent of [raw, [raw.subarray(0, 9), raw.subarray(9)]]) {
      const headers = { 'content-type': 'application/json; charset=utf-8', 'idempotency-key': 'k' };
      await client.send('POST', '/v1/webhook-endpoints', { raw: sent, headers });
      const { body, headers: arrived } = upstream.last();
      expect(body.equals(raw)).toBe(true);
      expect(arrived).toMatchObject(headers);
      expect(arrived['content-length'] ?? String(raw.length)).toBe(String(raw.length));
    }
    await client.send('DELETE', '/v1/webhook-endpoints/whe_1');
    expect(upstream.last().headers).not.toHaveProperty('transfer-encoding');
  });

  test('the headers but for those of the connection; the host is theirs, and the address of the caller is added', async () => {
    await client.get('/v1/event-types', {
      headers: {
        connection: 'keep-alive, X-Between-Us',
        'x-between-us': 'two',
        te: 'trailers',
        'proxy-authorization': 'Basic eA==',
        'x-forwarded-for': '203.0.113.7, 198.51.100.2',
        'x-kept': ['one', 'two'],
        host: 'ledger.example',
      },
    });
    const { headers, rawHeaders } = upstream.last();
    expect(headers.host).toBe(new URL(upstreamUrl).host);
    expect(headers['x-forwarded-for']).toMatch(/^203\.0\.113\.7, 198\.51\.100\.2, (::ffff:)?127\.0\.0\.1$/);
    for (const name of ['x-between-us', 'te', 'proxy-authorization'])
      expect(headers).not.toHaveProperty(name);
    const kept = rawHeaders.filter((_, index) => rawHeaders[index - 1]?.toLowerCase() === 'x-kept');
    expect(kept).toEqual(['one', 'two']);
  });

  test('a body that the dispatcher never asked for takes nothing away from its answer', async () => {
    upstream.behaviour = (_message, answer) => answer.writeHead(401).end('{}');
    const raw = Buffer.alloc(bodyBytesMax - 1, ' ');
    for (let n = 0; n < 5; n++) {
      const answer = await client.send('POST', '/v1/webhook-endpoints', {
        raw,
        headers: { 'x-unread': '1' },
      });
      expect(answer.status).toBe(401);
    }
  });

  test('100 Continue is answered here', async () => {
    const text = await sendRaw(
      'POST /v1/webhook-endpoints HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}',
    );
    expect(text).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 /);
    expect(upstream.last().headers).not.toHaveProperty('expect');
  });
});

describe('what is answered', () => {
  test('has the status, the headers and the bytes of the dispatcher', async () => {
    const bytes = Buffer.from([0, 255, 1, 254]);
    upstream.behaviour = (_message, answer) => {
      answer.writeHead(206, {
        'content-type': 'application/x-anything',
        'content-encoding': 'gzip',
        'set-cookie': ['a=1', 'b=2'],
        connection: 'close, x-between-us',
        'x-between-us': 'two',
        'retry-after': '7',
      });
      answer.write(bytes.subarray(0, 2));
      answer.end(bytes.subarray(2));
    };
    const { status, headers, text } = await client.get('/v1/webhook-deliveries');
    expect([status, Buffer.from(text)]).toEqual([206, Buffer.from(bytes.toString('utf8'))]);
    expect(headers).toMatchObject({
      'content-type': 'application/x-anything',
      'content-encoding': 'gzip',
      'set-cookie': ['a=1', 'b=2'],
      'retry-after': '7',
    });
    expect(headers).not.toHaveProperty('x-between-us');
    expect(headers.connection).not.toContain('close');
  });

  test.each([204, 304])('%i has no body', async (status) => {
    upstream.behaviour = (_message, answer) => answer.writeHead(status).end();
    const answer = await client.delete('/v1/webhook-endpoints/whe_1');
    expect([answer.status, answer.text]).toEqual([status, '']);
    expect(answer.headers['content-length'] ?? '0').toBe('0');
  });

  test('HEAD keeps the length', async () => {
    upstream.behaviour = (_message, answer) => answer.writeHead(200, { 'content-length': '12345' }).end();
    const answer = await client.send('HEAD', '/v1/event-types');
    expect(answer.headers['content-length']).toBe('12345');
  });

  test('comes once: a 503 is passed on and not tried again', async () => {
    upstream.behaviour = (_message, answer) => answer.writeHead(503, { 'retry-after': '1' }).end('{}');
    const before = upstream.arrived.length;
    expect((await client.get('/v1/event-types')).status).toBe(503);
    await sleep(200);
    expect(upstream.arrived.length - before).toBe(1);
  });

  test('streams: the first part is there before the last one is written', async () => {
    let finish = (): void => undefined;
    upstream.behaviour = (_message, answer) => {
      answer.write('first');
      finish = () => answer.end(' last');
    };
    const answer = await fetch(`${service.product.url}/v1/webhook-deliveries`);
    const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader();
    expect((await reader.read()).value).toBe('first');
    finish();
    expect((await reader.read()).value).toBe(' last');
  });

  test("has the request's id both ways: the caller's, else one that the log has too", async () => {
    upstream.behaviour = (message, answer) =>
      answer.writeHead(200, { 'x-request-id': String(message.headers['x-request-id']) }).end('{}');
    for (const sent of [newKey(), 'not visible', undefined]) {
      const headers = sent === undefined ? {} : { 'x-request-id': sent };
      const answer = await client.get('/v1/event-types', { headers });
      const id = answer.headers['x-request-id'];
      expect(id).toBe(upstream.last().headers['x-request-id']);
      expect(id === sent).toBe(sent !== undefined && !sent.includes(' '));
    }
  });
});

describe('what is not passed on', () => {
  test.each([
    '/v1/webhook-endpoints/../../metrics',
    '/v1/webhook-endpoints/%2e%2e/%2E%2E/metrics',
    '/v1/event-types/..%2f..%2fmetrics',
    '/v1/event-types/..%5c..%5cmetrics',
    '/v1/event-types/..\\..\\metrics',
    '/v1/event-types/./x',
    '/v1/webhook-deliveries/..',
    '/v1/webhook-endpointsx',
    '/v1/webhook-endpoint',
    '//v1/event-types',
    '/v1//event-types',
    '/V1/event-types',
    '/v1/webhooks',
  ])('%s', async (path) => {
    const before = upstream.arrived.length;
    // A client that builds URLs would have resolved the path before it asks.
    const text = await sendRaw(`GET ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`);
    expect(text).toMatch(/^HTTP\/1\.1 404 .*"code":"not_found"/s);
    expect(upstream.arrived.length).toBe(before);
  });

  test("a whole URL in the request line is asked for by its path, whoever's it is", async () => {
    const text = await sendRaw(
      'GET http://elsewhere.example:81/v1/event-types?x=1 HTTP/1.1\r\nhost: elsewhere.example\r\nconnection: close\r\n\r\n',
    );
    expect(text).toMatch(/^HTTP\/1\.1 200 /);
    expect(upstream.last()).toMatchObject({
      url: '/v1/event-types?x=1',
      headers: { host: new URL(upstreamUrl).host },
    });
  });

  test('a second request that hides in the body of a first', async () => {
    const before = upstream.arrived.length;
    await sendRaw(
      'POST /v1/event-types HTTP/1.1\r\nhost: x\r\ncontent-length: 40\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n' +
        '0\r\n\r\nGET /metrics HTTP/1.1\r\nhost: x\r\n\r\n',
    );
    for (const { url } of upstream.arrived.slice(before)) expect(url).toBe('/v1/event-types');
  });

  test('more than the body limit: 413, however it comes', async () => {
    const half = Buffer.alloc(bodyBytesMax / 2 + 1, ' ');
    for (const raw of [[half, half], Buffer.concat([half, half])]) {
      const headers = { 'content-type': 'application/json' };
      const answer = await client.send('POST', '/v1/webhook-endpoints', { raw, headers });
      expectError(answer, 413, 'payload_too_large');
    }
  });
});

describe('a dispatcher that does not answer', () => {
  test('nobody listens: 503, and the ledger is as ready as before', async () => {
    const other = await startService({
      env: { DISPATCHER_URL: `http://127.0.0.1:${await findFreePort()}` },
    });
    try {
      for (const method of ['GET', 'POST', 'DELETE']) {
        const answer = await other.client.send(method, '/v1/webhook-endpoints', {
          body: method === 'POST' ? {} : undefined,
        });
        expectError(answer, 503, 'unavailable');
      }
      expect((await other.client.get('/health/ready')).status).toBe(200);
      await other.client.open();
    } finally {
      await other.stop();
    }
  }, 60_000);

  test('it hangs: 503 within the limit, and its connection is let go', async () => {
    upstream.behaviour = () => undefined;
    const path = `/v1/event-types/${newKey()}`;
    const startedAt = performance.now();
    expectError(await client.get(path), 503, 'unavailable');
    expect(performance.now() - startedAt).toBeGreaterThan(answerMs * 0.9);
    await until('the request to be abandoned', () => upstream.abandoned.includes(path));
  });

  test('it answers late, but in time: its answer', async () => {
    upstream.behaviour = (_message, answer) => void setTimeout(() => answer.end('late'), answerMs / 3);
    expect((await client.get('/v1/event-types')).text).toBe('late');
  });

  test('it closes the connection, or answers what is not HTTP: 503', async () => {
    upstream.behaviour = (message) => message.socket.destroy();
    expectError(await client.get('/v1/event-types'), 503, 'unavailable');
    expectError(await client.post('/v1/webhook-endpoints', {}), 503, 'unavailable');
    upstream.behaviour = (message) => message.socket.end('HTTP/9.9 nonsense\r\n\r\n');
    expectError(await client.get('/v1/event-types'), 503, 'unavailable');
  });

  test('it ends between headers and body: 503, or a connection that ends, never half an answer', async () => {
    upstream.behaviour = (message, answer) => {
      answer.writeHead(200, { 'content-length': '100', 'content-type': 'application/json' });
      answer.flushHeaders();
      setTimeout(() => message.socket.destroy(), 100);
    };
    expectError(await client.get('/v1/event-types'), 503, 'unavailable');
  });

  test('it resets in the middle of the answer: so does ours', async () => {
    for (const headers of [{ 'content-length': '100' }, {}]) {
      upstream.behaviour = (message, answer) => {
        answer.writeHead(200, headers).write('{"data": [');
        setTimeout(() => message.socket.resetAndDestroy(), 100);
      };
      await expect(client.get('/v1/event-types')).rejects.toThrow(/aborted|hang up|ECONNRESET/);
    }
    expect((await client.get('/health/live')).status).toBe(200);
  });

  test('it stops in the middle of the answer: ours ends at the limit', async () => {
    upstream.behaviour = (_message, answer) => void answer.writeHead(200).write('{"data": [');
    await expect(client.get('/v1/event-types')).rejects.toThrow(/aborted|hang up|ECONNRESET/);
  });

  test('it was restarted: the connections of before do no harm', async () => {
    const port = Number(new URL(upstreamUrl).port);
    expect((await client.get('/v1/event-types')).status).toBe(200);
    const { behaviour } = upstream;
    await upstream.close();
    expectError(await client.get('/v1/event-types'), 503, 'unavailable');
    upstream = new Upstream();
    upstream.behaviour = behaviour;
    await upstream.listen(port);
    expect((await client.get('/v1/event-types')).status).toBe(200);
  });

  test('no more requests wait for it than the limit says, and a POST of the ledger waits for none', async () => {
    upstream.behaviour = () => undefined;
    const hanging = Array.from({ length: connectionsMax }, () => client.get('/v1/webhook-deliveries'));
    await until('them to hang', async () => (await client.get('/v1/event-types')).status === 503);
    const startedAt = performance.now();
    expectError(await client.get('/v1/event-types'), 503, 'overloaded');
    const account = await client.open();
    await client.transfer('ROOT', account.id, 1);
    expect(performance.now() - startedAt).toBeLessThan(answerMs);
    for (const answer of await Promise.all(hanging)) expectError(answer, 503, 'unavailable');
    upstream.behaviour = (_message, answer) => answer.end('{}');
    expect((await client.get('/v1/event-types')).status).toBe(200);
  });

  test('a caller who leaves takes the request along', async () => {
    upstream.behaviour = () => undefined;
    const path = `/v1/event-types/${newKey()}`;
    const leaving = new AbortController();
    const asked = fetch(service.product.url + path, { signal: leaving.signal }).catch(() => undefined);
    await until('the request to arrive', () => upstream.arrived.some(({ url }) => url === path));
    leaving.abort();
    await asked;
    await until('the request to be abandoned', () => upstream.abandoned.includes(path));
  });
});

describe('the dispatcher itself', () => {
  const id = () => ({ 'x-request-id': newKey() });
  let dispatcher: Product;
  let through: Service;
  let direct: Client;

  beforeAll(async () => {
    const port = await findFreePort();
    through = await startService({ env: { DISPATCHER_URL: `http://127.0.0.1:${port}` } });
    dispatcher = await startDispatcher({ databaseUrl: through.database.dispatcherUrl, port });
    direct = new Client(dispatcher.url, dispatcher.apiKey);
  }, 60_000);

  afterAll(async () => {
    direct.close();
    await dispatcher.stop();
    await through.stop();
  });

  test('answers the same through the ledger as by itself', async () => {
    const calls: [method: string, path: string, sent?: Sent][] = [
      ['GET', '/v1/event-types'],
      ['HEAD', '/v1/event-types'],
      ['GET', '/v1/event-types', { headers: { authorization: undefined } }],
      ['GET', '/v1/event-types', { headers: { accept: 'text/html' } }],
      ['GET', '/v1/event-types?unknown=1'],
      ['DELETE', '/v1/event-types'],
      ['PROPFIND', '/v1/event-types'],
      ['GET', '/v1/event-types/more'],
      ['GET', '/v1/webhook-endpoints/whe_nonsense'],
      ['GET', '/v1/webhook-deliveries?filter[status]=lost'],
      ['POST', '/v1/webhook-endpoints', { raw: '{"url":' }],
      ['POST', '/v1/webhook-endpoints', { raw: '{}', headers: { 'content-type': 'text/plain' } }],
      ['POST', '/v1/webhook-endpoints', { raw: '{}', headers: { 'content-encoding': 'gzip' } }],
      ['POST', '/v1/webhook-endpoints', { raw: Buffer.alloc(1_100_000, ' ') }],
      [
        'POST',
        '/v1/webhook-endpoints',
        { raw: Buffer.alloc(1_100_000, ' '), headers: { authorization: 'Bearer x' } },
      ],
      ['POST', '/v1/webhook-endpoints', { body: { url: 'gopher://localhost/' } }],
    ];
    for (const [method, path, sent] of calls) {
      const headers = { ...sent?.headers, ...id() };
      const answers = [];
      for (const client of [through.client, direct]) {
        const { status, text, headers: got } = await client.send(method, path, { ...sent, headers });
        const { date: _date, connection: _connection, 'keep-alive': _keepAlive, ...rest } = got;
        answers.push({ status, text, ...rest });
      }
      expect([method, path, answers[0]]).toEqual([method, path, answers[1]]);
    }
  }, 60_000);

  test('keeps what is made through the ledger', async () => {
    const made = await through.client.post<One<{ id: string }>>('/v1/webhook-endpoints', {
      url: 'http://127.0.0.1:9999/',
    });
    expect(made.status).toBe(201);
    const path = `/v1/webhook-endpoints/${made.body.data.id}`;
    expect((await direct.get(path)).status).toBe(200);
    expect((await through.client.patch(path, { description: 'changed' })).status).toBe(200);
    expect(await through.client.get<One<object>>(path)).toMatchObject({
      body: { data: { description: 'changed' } },
    });
    expect((await through.client.delete(path)).status).toBe(204);
    expect((await direct.get(path)).status).toBe(404);
  });

  test('is asked again as soon as it is back', async () => {
    await dispatcher.kill();
    expectError(await through.client.get('/v1/event-types'), 503, 'unavailable');
    const port = Number(new URL(dispatcher.url).port);
    dispatcher = await startDispatcher({ databaseUrl: through.database.dispatcherUrl, port });
    expect((await through.client.get('/v1/event-types')).status).toBe(200);
  }, 60_000);
});

test('log and metrics name the route, never what a caller made up', async () => {
  const [mark, id] = [newKey(), newKey()];
  await client.get(`/v1/webhook-endpoints/${mark}?name=${mark}`, { headers: { 'x-request-id': id } });
  const { text } = await client.get('/metrics', { headers: { authorization: undefined } });
  expect(text).toMatch(
    /http_request_seconds_count\{method="GET",route="\/v1\/webhook-endpoints\/\*",status="200"\}/,
  );
  expect(text).toMatch(/^forwarding_failures_total [1-9]/m);
  expect(text).not.toContain(mark);
  await until('the line', () => service.product.logs().includes(id));
  const line =
    service.product
      .logs()
      .split('\n')
      .find((text) => text.includes(id)) ?? '{}';
  expect(JSON.parse(line)).toMatchObject({ requestId: id, route: '/v1/webhook-endpoints/*', status: 200 });
  expect(line).not.toContain('?name');
});

test('the worker has no forwarding', async () => {
  const worker = await startService({ env: { LEDGER_ROLE: 'worker', DISPATCHER_URL: upstreamUrl } });
  try {
    expectError(await worker.client.get('/v1/event-types'), 404, 'not_found');
  } finally {
    await worker.stop();
  }
}, 60_000);

test('a shutdown lets a request end that is under way', async () => {
  const stopping = await startService({ env: { DISPATCHER_URL: upstreamUrl } });
  upstream.behaviour = (_message, answer) => void setTimeout(() => answer.end('done'), 1_000);
  const path = `/v1/event-types/${newKey()}`;
  const asked = stopping.client.get(path);
  await until('the request to arrive', () => upstream.arrived.some(({ url }) => url === path));
  const stopped = stopping.product.stop();
  expect((await asked).text).toBe('done');
  expect(await stopped).toEqual({ code: 0, signal: null });
  await stopping.stop();
}, 60_000);

test.each(['nonsense', 'ftp://host', 'http://host/path', 'http://user@host', 'http://host?x'])(
  'DISPATCHER_URL=%s stops the start',
  async (url) => {
    await expect(startService({ env: { DISPATCHER_URL: url } })).rejects.toThrow(
      /DISPATCHER_URL is wrong: it must be an http:/,
    );
  },
  60_000,
);
