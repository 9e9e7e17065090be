import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';

/** Requests of one connection that are worked on at a time: their answers go out one after the other anyway. */
const underWayMax = 8;
/** Requests that wait behind them. Node reads on whatever waits, so a connection that sends more is ended. */
const waitingMax = 1_000;

interface Turns {
  underWay: number;
  readonly waiting: (() => void)[];
}

/**
 * Whoever sends a thousand requests on a connection without waiting for answers (pipelining) takes no more of what
 * requests share, such as connections to the database, than a few clients do: the rest wait their turn. To be added
 * before all other hooks.
 */
export function takeTurnsOnEachConnection(fastify: FastifyInstance): void {
  const turnsOf = new WeakMap<Socket, Turns>();
  fastify.addHook('onRequest', ({ raw: { socket } }, _reply, done) => {
    let turns = turnsOf.get(socket);
    if (!turns) turnsOf.set(socket, (turns = { underWay: 0, waiting: [] }));
    if (turns.underWay < underWayMax) {
      turns.underWay++;
      done();
    } else if (turns.waiting.length < waitingMax) turns.waiting.push(done);
    else socket.destroy();
  });
  fastify.addHook('onResponse', ({ raw: { socket } }, _reply, done) => {
    const turns = turnsOf.get(socket);
    const next = turns?.waiting.shift();
    if (next) next();
    else if (turns) turns.underWay--;
    done();
  });
}
