import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { callerOf } from '#access';
import { pathOf, validationError } from '#http';
import type { WriteRequest } from '#journal';
import { idempotencyKey } from './fields.js';
import { requestHash } from './request-hash.js';

let requestTimeMs = 10_000;

/** How long a request may take; told once at start. */
export function setRequestTime(ms: number): void {
  requestTimeMs = ms;
}

/** A request that changes the ledger, as the journal wants it. */
export const Write = createParamDecorator((_: unknown, context: ExecutionContext): WriteRequest => {
  const request = context.switchToHttp().getRequest<FastifyRequest>();
  return writeRequestOf(request, () => requestHash(request.method, pathOf(request), request.body));
});

/** @param hashOf what makes the request the same as another; asked for where it has a key alone */
export function writeRequestOf(request: FastifyRequest, hashOf: () => Buffer): WriteRequest {
  const { actor, ledgerId, ownerId, scopes } = callerOf(request);
  const key = idempotencyKeyOf(request);
  return {
    ledgerId,
    actor,
    owner: ownerId ?? '',
    mayMint: scopes.has('mint'),
    mayBurn: scopes.has('burn'),
    isDryRun: isDryRun(request.body),
    idempotencyKey: key,
    requestHash: key === null ? null : hashOf(),
    deadlineAt: request.receivedAt + requestTimeMs,
    bytes: request.bodyBytes,
  };
}

/** The body may not have been checked yet: a route that doesn't know the field refuses it. */
function isDryRun(body: unknown): boolean {
  return body !== null && typeof body === 'object' && (body as { dryRun?: unknown }).dryRun === true;
}

function idempotencyKeyOf(request: FastifyRequest): string | null {
  const key = request.headers['idempotency-key'];
  if (key === undefined || request.method !== 'POST') return null;
  if (typeof key !== 'string' || !idempotencyKey.test(key)) {
    throw validationError([
      { path: 'Idempotency-Key', message: 'must be 1 to 255 visible ASCII characters' },
    ]);
  }
  return key;
}
