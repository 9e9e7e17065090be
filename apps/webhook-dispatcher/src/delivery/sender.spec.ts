import { setTimeout as sleep } from 'node:timers/promises';
import { Webhook } from 'standardwebhooks';
import {
  answering,
  eachRequest,
  httpAnswer,
  RawReceiver,
  type RawRequest,
} from '../../../../test/support/raw-receiver.js';
import { AddressGuard } from './address-guard.js';
import type { AttemptTarget } from './attempt-outcome.js';
import { newEndpointSecret } from './secrets.js';
import { connectionsPerEndpointMax, Sender, type SenderLimits } from './sender.js';

const rules = { allowHttp: true, guard: new AddressGuard(['127.0.0.1/32']) };
const message = { id: 'evt_01jd3nz6e8f5ravqk9x1c7hb2m', body: '{"name":"Müller 🏦"}' };
const secrets = [newEndpointSecret(), newEndpointSecret()];

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

async function receive(...args: Parameters<typeof RawReceiver.start>): Promise<RawReceiver> {
  const receiver = await RawReceiver.start(...args);
  stops.push(() => receiver.stop());
  return receiver;
}

function sending(limits: Partial<SenderLimits> = {}): Sender {
  const sender = new Sender({ rules, limits });
  stops.unshift(() => sender.stop(0));
  return sender;
}

function targetOf(url: string, change: Partial<AttemptTarget> = {}): AttemptTarget {
  return { endpointId: url, url, headers: {}, legacySignatureHeader: null, secrets, ...change };
}

async function until(isTrue: () => boolean): Promise<void> {
  for (const endMs = Date.now() + 30_000; !isTrue() && Date.now() < endMs;) await sleep(5);
  expect(isTrue()).toBe(true);
}

describe('what is sent', () => {
  async function requestOf(change: Partial<AttemptTarget> = {}, path = '/hook?tenant=7') {
    const requests: RawRequest[] = [];
    const receiver = await receive(
      answering((request) => {
        requests.push(request);
        return httpAnswer(200);
      }),
    );
    const outcome = await sending().send(targetOf(receiver.url(path), change), message);
    expect(outcome).toMatchObject({ statusCode: 200, errorClass: null, responseBody: '' });
    return { request: requests[0]!, outcome };
  }

  it('is one POST of the body as it is, with headers that standardwebhooks verifies', async () => {
    const { request, outcome } = await requestOf();
    expect(request.head).toBe('POST /hook?tenant=7 HTTP/1.1');
    expect(request.body).toBe(message.body);
    expect(request.headers).toMatchObject({
      'content-type': 'application/json',
      'accept-encoding': 'identity',
      'user-agent': 'Ledger-Webhooks/1.0',
      'content-length': String(Buffer.byteLength(message.body)),
      'webhook-id': message.id,
    });
    for (const secret of secrets) {
      expect(new Webhook(secret).verify(request.body, request.headers)).toEqual(JSON.parse(message.body));
    }
    expect(request.headers).toMatchObject(outcome.requestHeaders);
  });

  it('carries the plain signature where the endpoint wants it, of its newest secret', async () => {
    const { request } = await requestOf({ legacySignatureHeader: 'X-HG-Webhook-Signature' });
    expect(request.headers['X-HG-Webhook-Signature']).toMatch(/^sha256=[0-9a-f]{64}$/);
  });

  it("carries the endpoint's own headers, which stand in for none of ours", async () => {
    const { request } = await requestOf({
      headers: {
        Authorization: 'Bearer partner',
        'Content-Type': 'text/plain',
        'USER-AGENT': 'other',
        Host: 'other.example',
        'Webhook-Signature': 'v1,forged',
        'Accept-Encoding': 'gzip',
        'Transfer-Encoding': 'chunked',
        'Content-Length': '1',
        'X-HG-Webhook-Signature': 'sha256=forged',
      },
      legacySignatureHeader: 'x-hg-webhook-signature',
    });
    const names = Object.keys(request.headers).map((name) => name.toLowerCase());
    expect(new Set(names).size).toBe(names.length);
    expect(names).not.toContain('transfer-encoding');
    expect(request.headers).toMatchObject({
      authorization: 'Bearer partner',
      'content-type': 'application/json',
      'user-agent': 'Ledger-Webhooks/1.0',
      'accept-encoding': 'identity',
    });
    expect(request.headers.host).toMatch(/^127\.0\.0\.1:/);
    expect(request.headers['x-hg-webhook-signature']).toMatch(/^sha256=[0-9a-f]{64}$/);
    expect(new Webhook(secrets[0]!).verify(request.body, request.headers)).toBeTruthy();
  });

  it.each([
    ['a header that is none', { headers: { 'x-a': 'a\r\nx-b: c' } }],
    ['a header with a name that is none', { headers: { 'x a': '1' } }],
    ['an URL that is none', { url: 'nonsense' }],
    ['a port that is not allowed', { url: 'http://127.0.0.1:22/' }],
    ['no secret to sign with', { secrets: [] }],
    ['a user name', { url: 'http://user@127.0.0.1:8080/' }],
  ])('is nothing where what is stored cannot be sent: %s', async (_name, change) => {
    const receiver = await receive(answering(httpAnswer(200)));
    const outcome = await sending().send(targetOf(receiver.url(), change), message);
    expect(outcome).toMatchObject({ statusCode: null, errorClass: 'invalid_request' });
    expect(receiver.opened).toBe(0);
  });

  it('is nothing over http where that is not allowed any more', async () => {
    const receiver = await receive(answering(httpAnswer(200)));
    const sender = new Sender({ rules: { ...rules, allowHttp: false } });
    stops.push(() => sender.stop(0));
    expect(await sender.send(targetOf(receiver.url()), message)).toMatchObject({
      errorClass: 'invalid_request',
    });
    expect(receiver.opened).toBe(0);
  });
});

describe('an answer', () => {
  const outcomeOf = async (answer: string | Buffer) => {
    const receiver = await receive(answering(answer));
    return await sending().send(targetOf(receiver.url()), message);
  };

  it.each([200, 201, 204, 299, 300, 301, 302, 303, 307, 308, 400, 401, 404, 410, 429, 500, 502, 503])(
    'of %i is known by its status, and is followed nowhere',
    async (status) => {
      const elsewhere = await receive(answering(httpAnswer(200)));
      const body = status === 204 ? '' : 'as it is';
      const outcome = await outcomeOf(httpAnswer(status, body, `location: ${elsewhere.url()}`));
      expect(outcome).toMatchObject({ statusCode: status, errorClass: null, responseBody: body });
      expect(elsewhere.opened).toBe(0);
    },
  );

  it('tells when to come back', async () => {
    const outcome = await outcomeOf(httpAnswer(503, 'later', 'Retry-After: 120'));
    expect(outcome).toMatchObject({ statusCode: 503, retryAfterSeconds: 120, responseBody: 'later' });
    expect(await outcomeOf(httpAnswer(429, '', 'Retry-After: soon'))).toMatchObject({
      statusCode: 429,
      retryAfterSeconds: null,
    });
  });

  it('of up to 64 KiB is read, and 8 KiB of it are kept', async () => {
    const outcome = await outcomeOf(httpAnswer(200, 'é'.repeat(32_768)));
    expect(outcome).toMatchObject({ statusCode: 200, errorClass: null });
    expect(outcome.responseBody).toBe('é'.repeat(4_096));
  });

  it('is kept as text that Postgres can hold', async () => {
    const outcome = await outcomeOf(httpAnswer(500, Buffer.of(0x61, 0, 0xff, 0xed, 0xa0, 0x80)));
    expect(outcome.responseBody).toBe('a\ufffd\ufffd\ufffd\ufffd\ufffd');
  });

  it('may come in chunks, after interim answers, and without a length', async () => {
    const chunked = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n';
    expect(await outcomeOf(chunked)).toMatchObject({ statusCode: 200, responseBody: 'ok' });
    const hints = 'HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n';
    expect(await outcomeOf(hints + httpAnswer(202, 'ok').toString())).toMatchObject({
      statusCode: 202,
      responseBody: 'ok',
    });
    const receiver = await receive((socket) => {
      eachRequest(socket, () => socket.end('HTTP/1.1 200 OK\r\n\r\nuntil the end'));
    });
    expect(await sending().send(targetOf(receiver.url()), message)).toMatchObject({
      statusCode: 200,
      errorClass: null,
      responseBody: 'until the end',
    });
  });
});

describe('the connections of an endpoint', () => {
  it('are kept between attempts (the next one may begin before the last has gone back)', async () => {
    const receiver = await receive(answering(httpAnswer(200)));
    const sender = sending();
    for (let at = 0; at < 20; at++) {
      expect((await sender.send(targetOf(receiver.url()), message)).statusCode).toBe(200);
    }
    expect(receiver.opened).toBeLessThanOrEqual(2);
  });

  it('are as many as attempts are under way, and each attempt has its own', async () => {
    const waiting: (() => void)[] = [];
    const receiver = await receive((socket) => {
      eachRequest(socket, () => waiting.push(() => socket.write(httpAnswer(200))));
    });
    const sender = sending();
    const outcomes = Array.from({ length: 10 }, () => sender.send(targetOf(receiver.url()), message));
    await until(() => waiting.length === 10);
    expect(receiver.opened).toBe(10);
    for (const answer of waiting) answer();
    expect((await Promise.all(outcomes)).map(({ statusCode }) => statusCode)).toEqual(Array(10).fill(200));
  });

  it('are limited: what finds none free waits', async () => {
    const receiver = await receive((socket) => socket.resume());
    const sender = sending();
    const outcomes = Promise.all(
      Array.from({ length: connectionsPerEndpointMax + 20 }, () =>
        sender.send(targetOf(receiver.url()), message),
      ),
    );
    await until(() => receiver.open.size === connectionsPerEndpointMax);
    await sleep(100);
    expect(receiver.opened).toBe(connectionsPerEndpointMax);
    await sender.stop(0);
    expect(new Set((await outcomes).map(({ errorClass }) => errorClass))).toEqual(new Set(['aborted']));
  });

  it('are not made once the deadline has passed', async () => {
    let requests = 0;
    const receiver = await receive((socket) => eachRequest(socket, () => requests++));
    let resolveName: (addresses: string[]) => void;
    const resolving = new Promise<string[]>((resolve) => (resolveName = resolve));
    const sender = new Sender({ rules, limits: { deadlineMs: 100 }, resolve: () => resolving });
    stops.unshift(() => sender.stop(0));
    const outcome = await sender.send(targetOf(`http://late.example:${receiver.port}/`), message);
    expect(outcome).toMatchObject({ statusCode: null, errorClass: 'timeout' });
    resolveName!(['127.0.0.1']);
    await sleep(100);
    expect([receiver.opened, requests]).toEqual([0, 0]);
  });

  it('hold up no other endpoint when they all hang', async () => {
    const hung = await receive((socket) => socket.resume());
    const healthy = await receive(answering(httpAnswer(200)));
    const sender = sending();
    const hanging = Array.from({ length: 100 }, () => sender.send(targetOf(hung.url()), message));
    for (let at = 0; at < 50; at++) {
      expect((await sender.send(targetOf(healthy.url()), message)).statusCode).toBe(200);
    }
    await sender.stop(0);
    expect(new Set((await Promise.all(hanging)).map((outcome) => outcome.errorClass))).toEqual(
      new Set(['aborted']),
    );
  });

  it('follow a URL that is changed', async () => {
    const [first, second] = [
      await receive(answering(httpAnswer(200))),
      await receive(answering(httpAnswer(201))),
    ];
    const sender = sending();
    const endpointId = 'one';
    expect(await sender.send(targetOf(first.url(), { endpointId }), message)).toMatchObject({
      statusCode: 200,
    });
    expect(await sender.send(targetOf(second.url(), { endpointId }), message)).toMatchObject({
      statusCode: 201,
    });
    await until(() => first.open.size === 0);
  });

  it('are closed when the endpoint is forgotten, after what is under way', async () => {
    const waiting: (() => void)[] = [];
    const receiver = await receive((socket) => {
      eachRequest(socket, () => waiting.push(() => socket.write(httpAnswer(200))));
    });
    const sender = sending();
    const target = targetOf(receiver.url());
    const outcome = sender.send(target, message);
    await until(() => waiting.length === 1);
    const forgotten = sender.forget(target.endpointId);
    waiting[0]!();
    expect((await outcome).statusCode).toBe(200);
    await forgotten;
    await until(() => receiver.open.size === 0);
    await sender.forget('never known');
  });

  it('are closed for those that were not used for longest, and for those that are idle', async () => {
    const receivers = await Promise.all([1, 2, 3].map(() => receive(answering(httpAnswer(200)))));
    const [first, second, third] = receivers as [RawReceiver, RawReceiver, RawReceiver];
    const sender = sending({ poolsMax: 2 });
    for (const receiver of [first, second, first, third]) {
      expect((await sender.send(targetOf(receiver.url()), message)).statusCode).toBe(200);
    }
    await until(() => second.open.size === 0);
    expect([first.open.size, third.open.size]).toEqual([1, 1]);

    const idling = sending({ poolIdleMs: 100 });
    expect((await idling.send(targetOf(second.url()), message)).statusCode).toBe(200);
    await until(() => second.open.size === 0);
    expect((await idling.send(targetOf(second.url()), message)).statusCode).toBe(200);
  });
});

describe('a sender that stops', () => {
  it('lets what is under way end within the grace, and sends nothing more', async () => {
    const receiver = await receive((socket) => {
      eachRequest(socket, () => setTimeout(() => socket.write(httpAnswer(200)), 100));
    });
    const sender = sending();
    const outcome = sender.send(targetOf(receiver.url()), message);
    await until(() => receiver.open.size === 1);
    const stopped = sender.stop(10_000);
    expect(await sender.send(targetOf(receiver.url()), message)).toMatchObject({ errorClass: 'aborted' });
    await stopped;
    expect((await outcome).statusCode).toBe(200);
    expect(receiver.opened).toBe(1);
  });

  it('cuts off what hangs, also while it connects', async () => {
    const receiver = await receive((socket) => socket.resume());
    const sender = new Sender({ rules, resolve: () => new Promise(() => undefined) });
    const outcomes = Promise.all([
      sender.send(targetOf(receiver.url()), message),
      sender.send(targetOf('http://never.example:8080/'), message),
    ]);
    await until(() => receiver.open.size === 1);
    await sender.stop(50);
    expect((await outcomes).map(({ errorClass }) => errorClass)).toEqual(['aborted', 'aborted']);
    await until(() => receiver.open.size === 0);
  });
});
