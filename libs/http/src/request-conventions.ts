import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import Negotiator from 'negotiator';
import { ApiError, validationError } from './api-error.js';
import type { RequestMetrics } from './request-metrics.js';

const json = 'application/json';
const visibleAscii = /^[\x21-\x7e]{1,128}$/;

/** The caller's id for a request where it sent a proper one, else a new one. */
export function requestIdOf(request: Pick<IncomingMessage, 'headers'>): string {
  const sent = request.headers['x-request-id'];
  return typeof sent === 'string' && visibleAscii.test(sent) ? sent : randomUUID();
}

declare module 'fastify' {
  interface FastifyRequest {
    /** On the scale of performance.now(). */
    receivedAt: number;
    /** Who called, as the request log shows it. */
    actor: string | null;
  }
}

/** Every answer has its request's id; every request is one line of the log and one observation. */
export function followRequests(fastify: FastifyInstance, metrics: RequestMetrics): void {
  fastify.decorateRequest('receivedAt', 0);
  fastify.decorateRequest('actor', null);
  fastify.addHook('onRequest', (request, reply, done) => {
    request.receivedAt = performance.now();
    reply.header('x-request-id', request.id);
    done();
  });
  fastify.addHook('onResponse', (request, reply, done) => {
    const route = request.is404 ? 'none' : (request.routeOptions.url ?? 'none');
    const elapsedMs = performance.now() - request.receivedAt;
    metrics.observe(request.method, route, reply.statusCode, elapsedMs / 1000);
    request.log.info(
      {
        requestId: request.id,
        method: request.method,
        route,
        path: pathOf(request),
        status: reply.statusCode,
        durationMs: Math.round(elapsedMs * 100) / 100,
        actor: request.actor,
      },
      'request',
    );
    done();
  });
}

/** Query strings may name people; the log has the path alone. */
export function pathOf(request: Pick<FastifyRequest, 'url'>): string {
  const end = request.url.indexOf('?');
  return end === -1 ? request.url : request.url.slice(0, end);
}

const openPaths = /^\/(openapi\.json|docs(\/|$)|health\/|metrics$|\.well-known\/)/;

/** Requests that may ask for something else than JSON, and that need no key. */
export function isOpenPath(request: Pick<FastifyRequest, 'url'>): boolean {
  return openPaths.test(pathOf(request));
}

const jsonOnly: readonly string[] = [json];

/** Of the media types that its route answers in, the one that a request likes best; undefined where it takes none. */
export function mediaTypeOf(request: FastifyRequest): string | undefined {
  const offered = request.routeOptions.config.answersIn ?? jsonOnly;
  const { accept } = request.headers;
  if (accept === undefined || accept === '*/*' || accept === offered[0]) return offered[0];
  // Parameters as in "application/json; charset=utf-8" don't make it another type; q says how welcome it is.
  const types = accept.replace(/;\s*(?!q=)[^;,]*/gi, '');
  if (types === '') return offered[0];
  return new Negotiator({ headers: { accept: types } }).mediaType([...offered]);
}

/** A caller that can't take what its route answers in is told so. To be added after authentication. */
export function refuseOtherMediaTypes(
  fastify: FastifyInstance,
  isExempt: (request: FastifyRequest) => boolean,
): void {
  fastify.addHook('onRequest', (request, _reply, done) => {
    const { accept } = request.headers;
    if (accept === undefined || accept === '*/*' || accept === json) return done();
    if (request.is404 || isExempt(request) || mediaTypeOf(request) !== undefined) return done();
    const offered = request.routeOptions.config.answersIn ?? jsonOnly;
    done(new ApiError(406, 'not_acceptable', `answers are ${offered.join(' or ')}`));
  });
}

/** What isn't UTF-8 behind its escapes would be read as something else than was sent, and compressed bodies as none. */
export function refuseUnreadable(fastify: FastifyInstance): void {
  fastify.addHook('onRequest', (request, _reply, done) => {
    const { 'content-encoding': encoding = 'identity', 'transfer-encoding': transfer = 'chunked' } =
      request.headers;
    if (request.is404 || (encoding === 'identity' && transfer.toLowerCase() === 'chunked')) return done();
    const coding = encoding === 'identity' ? transfer : encoding;
    done(new ApiError(415, 'unsupported_media_type', `a body in ${coding} is not understood`));
  });
  fastify.addHook('preValidation', (request, _reply, done) => {
    const start = request.url.indexOf('?');
    const isEscaped = start !== -1 && request.url.includes('%', start);
    if (!isEscaped || isDecodable(request.url.slice(start + 1))) return done();
    done(validationError([{ path: 'query', message: 'is not UTF-8 in percent-encoding' }]));
  });
}

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}
