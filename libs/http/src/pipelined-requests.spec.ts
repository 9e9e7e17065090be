import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import Fastify, { type FastifyInstance } from 'fastify';
import { until } from '../../../test/support/until.js';
import { takeTurnsOnEachConnection } from './pipelined-requests.js';

const sockets: Socket[] = [];
let fastify: FastifyInstance;
/** Requests that are worked on, by what they are called, and what ends them. */
const underWay = new Map<string, () => void>();

beforeEach(async () => {
  fastify = Fastify({ forceCloseConnections: true });
  takeTurnsOnEachConnection(fastify);
  fastify.get<{ Params: { name: string } }>('/:name', ({ params: { name } }, reply) => {
    underWay.set(name, () => {
      underWay.delete(name);
      void reply.send(name);
    });
  });
  fastify.get<{ Params: { name: string } }>('/answered/:name', ({ params: { name } }) => name);
  await fastify.listen({ port: 0, host: '127.0.0.1' });
});

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  underWay.clear();
  await fastify.close();
});

async function send(
  names: readonly string[],
  path = '',
): Promise<{ socket: Socket; read: () => readonly string[] }> {
  const address = fastify.server.address() as { port: number };
  const socket = connect(address.port, '127.0.0.1');
  sockets.push(socket);
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
  await once(socket, 'connect');
  socket.write(names.map((name) => `GET ${path}/${name} HTTP/1.1\r\nHost: here\r\n\r\n`).join(''));
  return { socket, read: () => [...text.matchAll(/\r\n\r\n([a-z]\d+)/g)].map(([, name]) => name!) };
}

/** Long enough for what must not happen; what must is waited for. */
async function settle(): Promise<void> {
  await sleep(50);
}

async function untilUnderWay(...names: readonly string[]): Promise<void> {
  await until(`${names.join()} to be under way`, () => names.every((name) => underWay.has(name)), 10);
}

const named = (prefix: string, count: number) => Array.from({ length: count }, (_, n) => `${prefix}${n}`);

it('works on eight requests of a connection at a time, on those of another beside them', async () => {
  await send(named('a', 300));
  await send(named('b', 3));
  await untilUnderWay('a7', 'b2');
  await settle();
  expect([...underWay.keys()].sort()).toEqual([...named('a', 8), ...named('b', 3)]);
  underWay.get('a5')!();
  await settle();
  // Its answer waits for five others; its turn is over when it has gone out.
  expect(underWay.has('a8')).toBe(false);
  underWay.get('a0')!();
  await untilUnderWay('a8');
  await settle();
  expect([...underWay.keys()].filter((name) => name.startsWith('a')).sort()).toEqual(
    ['a1', 'a2', 'a3', 'a4', 'a6', 'a7', 'a8'].sort(),
  );
});

it('answers all of them in order', async () => {
  const names = named('a', 1_008);
  const { read } = await send(names, '/answered');
  await until('all to be answered', () => read().length === names.length, 10);
  expect(read()).toEqual(names);
});

it('ends a connection on which more than a thousand wait', async () => {
  const { socket } = await send(named('a', 1_009));
  await once(socket, 'close');
  expect([...underWay.keys()]).toEqual(named('a', 8));
});

it('begins nothing more for a connection that has gone', async () => {
  const { socket } = await send(named('a', 20));
  await untilUnderWay('a7');
  socket.destroy();
  await settle();
  expect([...underWay.keys()]).toEqual(named('a', 8));
  for (const end of [...underWay.values()]) end();
  await settle();
  expect(underWay.size).toBe(0);
  const { read } = await send(['b0']);
  await untilUnderWay('b0');
  underWay.get('b0')!();
  await until('an answer', () => read().length > 0, 10);
  expect(read()).toEqual(['b0']);
});
