import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { ApiError, unavailableError, validationError } from '#http';

declare module 'fastify' {
  interface FastifyRequest {
    /** The bytes that a signature covers, once they were read for it; null for a request that isn't signed. */
    signedBody: Buffer | null;
  }
}

/** Of all bodies together that are being read and whose signatures are still to be looked at. */
const unverifiedBytesMax = 64 * 1_048_576;
let unverifiedBytes = 0;

/** What was read for a signature is handed on to the parser, which finds nothing left on the connection. */
export function parseSignedBodies(fastify: FastifyInstance): void {
  fastify.decorateRequest('signedBody', null);
  fastify.addHook('preParsing', (request, _reply, payload, done) => {
    done(null, request.signedBody === null ? payload : Readable.from([request.signedBody]));
  });
}

/** Reads the whole body, whatever its type, before anything else is known of it than its length. */
export async function readSignedBody(request: FastifyRequest): Promise<Buffer> {
  const { raw } = request;
  const { 'content-length': length, 'transfer-encoding': encoding } = raw.headers;
  const bytesMax = request.routeOptions.bodyLimit;
  if (Number(length ?? 0) > bytesMax) throw tooLarge();
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    if (length !== undefined || encoding !== undefined) {
      for await (const chunk of raw.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
        bytes += chunk.length;
        unverifiedBytes += chunk.length;
        if (bytes > bytesMax) throw tooLarge();
        if (unverifiedBytes > unverifiedBytesMax) throw tooMany();
        chunks.push(chunk);
      }
    }
  } catch (error) {
    throw error instanceof ApiError ? error : validationError([{ path: 'body', message: 'ended too early' }]);
  } finally {
    unverifiedBytes -= bytes;
  }
  return (request.signedBody = Buffer.concat(chunks, bytes));
}

const andClose = { connection: 'close' };

function tooLarge(): ApiError {
  return new ApiError(413, 'payload_too_large', 'the body is too large', [], andClose);
}

function tooMany(): ApiError {
  const { status, code, message, headers } = unavailableError('overloaded', 'too many bodies are being read');
  return new ApiError(status, code, message, [], { ...headers, ...andClose });
}
