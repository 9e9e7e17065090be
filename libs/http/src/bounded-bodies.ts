import { getHeapStatistics } from 'node:v8';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { ApiError, unavailableError } from './api-error.js';

/** Where no setting says: bodies take some ten times their size, and there is more to a heap than them. */
export const bodiesBytesDefault = Math.floor(getHeapStatistics().heap_size_limit / 16);

/**
 * A request costs memory in proportion to its body, from its first byte to the last of its answer: the text, what is
 * read from it, what is decided and shown of it. This bounds the sum over all requests; more is refused before it is
 * read. Where nothing else is under way, one body of any allowed size is taken. To be added after authentication.
 */
export function boundBodies(fastify: FastifyInstance, bytesMax: number): void {
  let bytes = 0;
  fastify.addHook('onRequest', (request, reply, done) => {
    const announced = announcedBytes(request);
    if (announced === 0) return done();
    if (bytes > 0 && bytes + announced > bytesMax) return done(tooMany());
    bytes += announced;
    reply.raw.once('close', () => (bytes -= announced));
    done();
  });
}

/** A body whose length isn't told may be as long as its route allows; one that is too long isn't read. */
function announcedBytes({ raw, routeOptions }: FastifyRequest): number {
  const { 'content-length': length, 'transfer-encoding': encoding } = raw.headers;
  if (encoding !== undefined) return routeOptions.bodyLimit;
  const announced = Number(length ?? 0);
  return announced > routeOptions.bodyLimit ? 0 : announced;
}

function tooMany(): ApiError {
  const { status, code, message, headers } = unavailableError(
    'overloaded',
    'too many bodies are being worked on',
  );
  return new ApiError(status, code, message, [], { ...headers, connection: 'close' });
}
