import type { IncomingMessage } from 'node:http';
import type { FastifyInstance } from 'fastify';

const readOutMsMax = 1_000;
const readOutBytesMax = 16_777_216;

/**
 * A connection that is closed while its client is still sending a body is reset, and the client never reads why. So
 * what is refused unread, and closes its connection, is answered once the rest of the body has come and been thrown
 * away, or a second or 16 MiB later.
 */
export function readOutRefusedBodies(fastify: FastifyInstance): void {
  fastify.addHook('onSend', (request, reply, payload, done) => {
    const isClosing = reply.getHeader('connection') === 'close';
    // Who expects 100-continue sends no body before he is told to.
    if (!isClosing || request.raw.complete || request.headers.expect !== undefined)
      return done(null, payload);
    readOut(request.raw, () => done(null, payload));
  });
}

function readOut(request: IncomingMessage, done: () => void): void {
  let bytes = 0;
  const count = (chunk: Buffer): void => {
    bytes += chunk.length;
    if (bytes > readOutBytesMax) end();
  };
  const end = (): void => {
    clearTimeout(timer);
    request.off('data', count).off('end', end).off('close', end);
    request.pause();
    done();
  };
  const timer = setTimeout(end, readOutMsMax);
  request.on('data', count).once('end', end).once('close', end);
  request.resume();
}
