import { Readable, Transform } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Counter } from 'prom-client';
import { Pool } from 'undici';
import { ApiError, unavailableError } from '#http';
import { answeredHeaders, forwardedHeaders } from './forwarded-headers.js';
import { forwardedPath } from './forwarded-path.js';

export interface LinkLimits {
  /** From the request's arrival to the last byte of its answer. */
  readonly answerMs: number;
  /** Under way at one time; each has a connection to itself, so none waits for another. */
  readonly requestsMax: number;
  readonly bodyBytesMax: number;
}

const connectMs = 2_000;
const answerBeforeBodyMs = 1_000;
/** Shorter than the dispatcher keeps an idle connection, so that no request meets one that is being closed. */
const idleMs = 4_000;
const noBody = new Set(['GET', 'HEAD', 'TRACE']);
/** Why a request ends for which nobody waits any more, or none did. */
const callerHasLeft = unavailableError('unavailable', 'the caller has left');

/**
 * Passes requests on to the webhook dispatcher and its answers back, as streams. It reads nothing of them, and
 * needs nothing but sockets. A request is sent at most once: whether a lost one had its effect, only its caller
 * can find out. Without an answer the caller gets 503; one that is cut off midway ends the caller's connection,
 * so that a part is not taken for the whole.
 */
export class DispatcherLink {
  private readonly pool: Pool;
  private readonly underWay = new Set<AbortController>();

  constructor(
    url: string,
    private readonly limits: LinkLimits,
    private readonly failures: Counter,
  ) {
    this.pool = new Pool(url, {
      connections: limits.requestsMax,
      pipelining: 1,
      connect: { timeout: connectMs },
      keepAliveTimeout: idleMs,
      keepAliveMaxTimeout: idleMs,
      // The limit is one for the whole way; see forward().
      headersTimeout: 0,
      bodyTimeout: 0,
    });
  }

  /** To be called from a hook before the body is read; `refuse` hands an error on to whoever renders errors. */
  forward(request: FastifyRequest, reply: FastifyReply, refuse: (error: Error) => void): void {
    const path = forwardedPath(request.raw.url ?? '');
    if (path === null) return refuse(new ApiError(404, 'not_found', 'there is no such route'));
    if (this.underWay.size >= this.limits.requestsMax) {
      return refuse(unavailableError('overloaded', 'too many requests wait for the webhook dispatcher'));
    }
    const end = this.follow(request, reply);
    const body = this.bodyOf(request, reply);
    const failed = (error: unknown): Error => this.failure(request, error);
    this.pool
      .request({
        method: request.method,
        path,
        headers: forwardedHeaders(request.raw, request.id, body !== null),
        body,
        signal: end.signal,
      })
      .then((answer) => {
        const content = Readable.from(translated(answer.body, failed), { objectMode: false });
        void reply.code(answer.statusCode).headers(answeredHeaders(answer.headers)).send(content);
      })
      .catch((error: unknown) => {
        if (error !== callerHasLeft) refuse(failed(error));
      });
  }

  /** What is under way may end within the limit; then the connections close. */
  async stop(limitMs: number): Promise<void> {
    const limit = setTimeout(() => {
      for (const end of this.underWay) end.abort(unavailableError('unavailable', 'the service is stopping'));
    }, limitMs);
    await this.pool.close();
    clearTimeout(limit);
  }

  /** The request ends with its caller's connection, or when its time is over. */
  private follow(request: FastifyRequest, reply: FastifyReply): AbortController {
    const end = new AbortController();
    const leftMs = request.receivedAt + this.limits.answerMs - performance.now();
    const timer = setTimeout(() => end.abort(this.failure(request, new Error('no answer in time'))), leftMs);
    this.underWay.add(end);
    reply.raw.once('close', () => {
      clearTimeout(timer);
      this.underWay.delete(end);
      end.abort(callerHasLeft);
    });
    return end;
  }

  /** What the dispatcher doesn't want to read any more is read to nowhere. */
  private bodyOf({ raw, method }: FastifyRequest, reply: FastifyReply): Transform | null {
    const { 'transfer-encoding': encoding, 'content-length': length = '0' } = raw.headers;
    if (noBody.has(method) || (encoding === undefined && length === '0')) return null;
    const { bodyBytesMax } = this.limits;
    const isTooLarge = Number(length) > bodyBytesMax;
    if (isTooLarge) reply.header('connection', 'close');
    const body = raw.pipe(isTooLarge ? begun() : counted(bodyBytesMax));
    body.once('close', () => raw.resume());
    return body;
  }

  private failure(request: FastifyRequest, error: unknown): ApiError {
    if (error instanceof ApiError) return error;
    const { code, message } = error as Error & { code?: string };
    this.failures.inc();
    request.log.warn({ requestId: request.id, reason: code ?? message }, 'a request was not forwarded');
    return unavailableError('unavailable', 'the webhook dispatcher does not answer');
  }
}

async function* translated(body: AsyncIterable<Buffer>, toError: (error: unknown) => Error) {
  try {
    yield* body;
  } catch (error) {
    throw toError(error);
  }
}

function counted(bytesMax: number): Transform {
  let bytes = 0;
  return new Transform({
    transform: (chunk: Buffer, _encoding, done) => {
      bytes += chunk.length;
      if (bytes <= bytesMax) done(null, chunk);
      else done(tooLarge());
    },
  });
}

/**
 * A body that says itself that it is too large is only begun: by its headers the dispatcher knows already, and may
 * find first that the caller has no key. All of it would break the connection on which that answer comes.
 */
function begun(): Transform {
  const body: Transform = new Transform({
    transform: (chunk: Buffer, _encoding, done) => {
      body.push(chunk);
      const timer = setTimeout(() => done(tooLarge()), answerBeforeBodyMs);
      body.once('close', () => clearTimeout(timer));
    },
  });
  return body;
}

function tooLarge(): ApiError {
  return new ApiError(413, 'payload_too_large', 'the body is too large', [], { connection: 'close' });
}
