import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import {
  answering,
  dripping,
  eachRequest,
  httpAnswer,
  pouring,
  RawReceiver,
  type Behaviour,
} from '../../../../test/support/raw-receiver.js';
import { AddressGuard } from './address-guard.js';
import type { AttemptOutcome } from './attempt-outcome.js';
import { newEndpointSecret } from './secrets.js';
import { Sender, type SenderLimits } from './sender.js';

const rules = { allowHttp: true, guard: new AddressGuard(['127.0.0.1/32']) };
const secrets = [newEndpointSecret()];
const message = { id: 'evt_1', body: '{}' };
const shortMs = 400;
const soon = { deadlineMs: shortMs };

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

async function attempt(
  behave: Behaviour,
  limits: Partial<SenderLimits> = {},
): Promise<AttemptOutcome & { receiver: RawReceiver; again: () => Promise<AttemptOutcome> }> {
  const receiver = await RawReceiver.start(behave);
  const sender = new Sender({ rules, limits });
  stops.push(
    () => sender.stop(0),
    () => receiver.stop(),
  );
  const target = { endpointId: '1', url: receiver.url(), headers: {}, legacySignatureHeader: null, secrets };
  const again = () => sender.send(target, message);
  return { ...(await again()), receiver, again };
}

async function untilClosed({ open }: RawReceiver): Promise<void> {
  for (const endMs = Date.now() + 30_000; open.size > 0 && Date.now() < endMs;) await sleep(5);
  expect(open.size).toBe(0);
}

const answerHead = 'HTTP/1.1 200 OK\r\n';
const plainHead = `${answerHead}content-type: text/plain\r\n\r\n`;
const chunkedHead = `${answerHead}transfer-encoding: chunked\r\n\r\n`;
const aKibChunk = Buffer.from(`400\r\n${'a'.repeat(1_024)}\r\n`);

describe('one deadline over the whole attempt', () => {
  it.each<[string, Behaviour]>([
    ['nothing comes after the connection', (socket) => socket.resume()],
    ['nothing is even read', () => undefined],
    ['the headers come byte by byte', dripping(answerHead, 'x')],
    ['header after header comes', dripping(answerHead, 'x-a: b\r\n')],
    ['the body comes byte by byte', dripping(`${answerHead}content-length: 1000000\r\n\r\n`, 'x')],
    ['the body comes in tiny chunks', dripping(chunkedHead, '1\r\nx\r\n')],
    ['the body stays away', dripping(`${answerHead}content-length: 2\r\n\r\n`, '')],
    ['trailers come one by one', dripping(`${chunkedHead}0\r\n`, 'x-a: b\r\n')],
    ['the body has no end', dripping(plainHead, 'x')],
  ])('ends it when %s, and 200 before that is no success', async (_name, behave) => {
    const { receiver, ...outcome } = await attempt(behave, soon);
    expect(outcome).toMatchObject({ statusCode: null, errorClass: 'timeout' });
    expect(outcome.durationMs).toBeGreaterThanOrEqual(shortMs - 20);
    expect(outcome.durationMs).toBeLessThan(10_000);
    for (const socket of receiver.open) socket.resume();
    await untilClosed(receiver);
    // undici would have connected once more.
    expect(receiver.opened).toBe(1);
  });

  it('is 15 s, and 5 s to connect, where nothing else is said', async () => {
    const { senderLimits } = await import('./sender.js');
    expect(senderLimits).toMatchObject({
      deadlineMs: 15_000,
      connectMs: 5_000,
      answerBytesMax: 65_536,
      keptBytesMax: 8_192,
    });
  });
});

describe('an answer that is too large', () => {
  it.each<[string, Behaviour]>([
    ['endless', pouring(plainHead, Buffer.alloc(65_536, 'a'))],
    ['endless in chunks', pouring(chunkedHead, aKibChunk)],
    ['one byte over the limit', answering(httpAnswer(200, 'a'.repeat(65_537)))],
    [
      'announced as huge',
      pouring(`${answerHead}content-length: 99999999999\r\n\r\n`, Buffer.alloc(65_536, 'a')),
    ],
  ])('is not read on when it is %s; its status counts', async (_name, behave) => {
    const { receiver, ...outcome } = await attempt(behave);
    expect(outcome).toMatchObject({ statusCode: 200, errorClass: 'response_too_large' });
    expect(outcome.responseBody).toHaveLength(8_192);
    expect(outcome.responseBody).toMatch(/^a+$/);
    await untilClosed(receiver);
    expect(receiver.opened).toBe(1);
  });

  it('is a failure where its status is one', async () => {
    const outcome = await attempt(answering(httpAnswer(500, 'a'.repeat(100_000))));
    expect(outcome).toMatchObject({ statusCode: 500, errorClass: 'response_too_large' });
  });

  it('does not spoil the next attempt', async () => {
    let answers = 0;
    const behave: Behaviour = (socket) => {
      if (answers++ === 0) pouring(plainHead, Buffer.alloc(65_536, 'a'))(socket);
      else answering(httpAnswer(200, 'ok'))(socket);
    };
    const { again } = await attempt(behave);
    expect(await again()).toMatchObject({ statusCode: 200, errorClass: null, responseBody: 'ok' });
  });

  it('is not unpacked: a bomb is as small as it came', async () => {
    const small = gzipSync(Buffer.alloc(16 * 1_024 * 1_024));
    expect(small.length).toBeLessThan(65_536);
    expect(await attempt(answering(httpAnswer(200, small, 'content-encoding: gzip')))).toMatchObject({
      statusCode: 200,
      errorClass: null,
      responseBody: null,
    });
    const large = gzipSync(Buffer.alloc(100 * 1_024 * 1_024));
    expect(large.length).toBeGreaterThan(65_536);
    expect(await attempt(answering(httpAnswer(200, large, 'content-encoding: gzip')))).toMatchObject({
      statusCode: 200,
      errorClass: 'response_too_large',
      responseBody: null,
    });
  });
});

describe('an answer that never comes to its body', () => {
  it.each<[string, Behaviour]>([
    ['a chunk announced for ever', pouring(`${chunkedHead}1;`, Buffer.alloc(65_536, 'a'))],
    ['a reason for ever', pouring('HTTP/1.1 200 ', Buffer.alloc(65_536, 'a'))],
    ['trailers for ever', pouring(`${chunkedHead}0\r\n`, Buffer.from('x-a: b\r\n'.repeat(1_000)))],
  ])('is not read on: %s', async (_name, behave) => {
    const { receiver, ...outcome } = await attempt(behave);
    expect(outcome).toMatchObject({ statusCode: null, errorClass: 'protocol' });
    await untilClosed(receiver);
    expect(receiver.opened).toBe(1);
  });

  it('does not count against the answers before it on the same connection', async () => {
    const { again, receiver, ...first } = await attempt(answering(httpAnswer(200, 'a'.repeat(60_000))));
    expect(first.errorClass).toBeNull();
    for (let at = 0; at < 40; at++) expect((await again()).errorClass).toBeNull();
    expect(receiver.opened).toBeLessThanOrEqual(2);
  });
});

describe('a connection that ends too early', () => {
  it.each<[string, Behaviour]>([
    ['is reset after the request', (socket) => eachRequest(socket, () => socket.resetAndDestroy())],
    ['is closed after the request', (socket) => eachRequest(socket, () => socket.end())],
    ['is closed within the headers', (socket) => eachRequest(socket, () => socket.end(answerHead))],
    [
      'is closed within the body',
      (socket) => eachRequest(socket, () => socket.end(`${answerHead}content-length: 100\r\n\r\nhalf`)),
    ],
    [
      'is closed within a chunk',
      (socket) => eachRequest(socket, () => socket.end(`${chunkedHead}400\r\nhalf`)),
    ],
    [
      'is reset within the body',
      (socket) =>
        eachRequest(socket, () => {
          socket.write(`${answerHead}content-length: 100\r\n\r\nhalf`, () => socket.resetAndDestroy());
        }),
    ],
  ])('%s', async (_name, behave) => {
    const { again, ...outcome } = await attempt(behave);
    expect(outcome).toMatchObject({ statusCode: null, errorClass: 'reset' });
    expect(outcome.durationMs).toBeLessThan(10_000);
    expect(await again()).toMatchObject({ statusCode: null, errorClass: 'reset' });
  });
});

it('a connection that is reset at once was never there, or is', async () => {
  const outcome = await attempt((socket) => socket.resetAndDestroy());
  expect(['connect', 'reset']).toContain(outcome.errorClass);
  expect(outcome.statusCode).toBeNull();
});

describe('an answer that is none', () => {
  it.each([
    ['another protocol', 'SSH-2.0-OpenSSH_9.6\r\n'],
    ['HTTP/2', Buffer.from('000012040000000000000300000080000400010000000502000000', 'hex')],
    ['a header line without a name', `${answerHead}: x\r\n\r\n`],
    ['two lengths', `${answerHead}content-length: 1\r\ncontent-length: 2\r\n\r\nab`],
    [
      'length and chunks',
      `${answerHead}content-length: 1\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n`,
    ],
    ['a chunk of no length', `${chunkedHead}xyz\r\n`],
    ['too many headers', `${answerHead}${'x-a: 0123456789\r\n'.repeat(2_000)}\r\n`],
    ['a header that is too long', `${answerHead}x-a: ${'x'.repeat(100_000)}\r\n\r\n`],
    ['another protocol from here on', 'HTTP/1.1 101 Switching\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n'],
    ['a go-on that nobody asked for', 'HTTP/1.1 100 Continue\r\n\r\n'],
    ['interim answers without end', 'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(1_000)],
  ])('%s', async (_name, answer) => {
    const { receiver, ...outcome } = await attempt(answering(answer));
    expect(outcome).toMatchObject({ statusCode: null, errorClass: 'protocol', responseBody: null });
    expect(outcome.durationMs).toBeLessThan(10_000);
    await untilClosed(receiver);
  });

  it('may come before any request, or after the answer, and is nobody else’s answer', async () => {
    const forged = httpAnswer(200, 'forged').toString();
    const { again, ...first } = await attempt(answering(() => httpAnswer(500, 'mine').toString() + forged));
    expect(first).toMatchObject({ statusCode: 500, responseBody: 'mine' });
    for (let at = 0; at < 5; at++) {
      expect((await again()).responseBody).not.toBe('forged');
      await sleep(10);
    }
  });
});

describe('many hostile receivers at once', () => {
  it('take no more than 100 MB', async () => {
    const receiver = await RawReceiver.start(pouring(plainHead, Buffer.alloc(65_536, 'a')));
    const sender = new Sender({ rules });
    stops.push(
      () => sender.stop(0),
      () => receiver.stop(),
    );
    const attempts = (count: number) =>
      Promise.all(
        Array.from({ length: count }, (_, at) =>
          sender.send(
            {
              endpointId: String(at),
              url: receiver.url(),
              headers: {},
              legacySignatureHeader: null,
              secrets,
            },
            message,
          ),
        ),
      );
    await attempts(20);
    const before = process.memoryUsage().rss;
    const outcomes = await attempts(200);
    expect(process.memoryUsage().rss - before).toBeLessThan(100 * 1_024 * 1_024);
    expect(new Set(outcomes.map(({ errorClass }) => errorClass))).toEqual(new Set(['response_too_large']));
  });
});
