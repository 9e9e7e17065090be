import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import Fastify, { type FastifyInstance } from 'fastify';
import type { ApiError } from './api-error.js';
import { boundBodies } from './bounded-bodies.js';

let app: FastifyInstance;
let port: number;
let finish: () => void;

beforeEach(async () => {
  app = Fastify({ bodyLimit: 1_000, forceCloseConnections: true });
  finish = () => undefined;
  boundBodies(app, 1_500);
  app.setErrorHandler((error, _request, reply) => {
    const { status, code, headers } = error as ApiError;
    return reply.code(status).headers(headers).send({ code });
  });
  app.post('/held', () => new Promise((resolve) => (finish = () => resolve('done'))));
  app.post('/', () => Promise.resolve('done'));
  await app.listen({ host: '127.0.0.1', port: 0 });
  ({ port } = app.server.address() as { port: number });
});
afterEach(async () => {
  finish();
  await app.close();
});

const post = (path: string, bytes: number) =>
  fetch(`http://127.0.0.1:${port}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'text/plain' },
    body: 'x'.repeat(bytes),
  });

async function whileHeld(bytes: number, work: () => Promise<void>): Promise<void> {
  const held = post('/held', bytes);
  await sleep(100);
  await work();
  finish();
  expect((await held).status).toBe(200);
}

it('refuses what would be too much together, until an answer is out', async () => {
  await whileHeld(900, async () => {
    const answer = await post('/', 700);
    expect([answer.status, await answer.json()]).toEqual([503, { code: 'overloaded' }]);
    expect([answer.headers.get('retry-after'), answer.headers.get('connection')]).toEqual(['1', 'close']);
  });
  expect((await post('/', 700)).status).toBe(200);
});

it('lets through what is small enough, and what has no body', async () => {
  await whileHeld(900, async () => {
    expect((await post('/', 500)).status).toBe(200);
    expect((await post('/', 0)).status).toBe(200);
  });
});

it('counts a body whose length is not told as the longest there may be, and forgets one that broke off', async () => {
  const socket = connect(port, '127.0.0.1');
  const head =
    'POST /held HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n';
  socket.write(`${head}5\r\nhello\r\n`);
  await sleep(100);
  expect((await post('/', 700)).status).toBe(503);
  socket.destroy();
  await once(socket, 'close');
  await sleep(100);
  expect((await post('/', 700)).status).toBe(200);
});
