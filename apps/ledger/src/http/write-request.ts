import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import stringify from 'safe-stable-stringify';
import { callerOf } from '#access';
import type { WriteRequest } from '#journal';
import { pathOf, sha256, validationError } from '#platform';

const idempotencyKey = /^[\x21-\x7e]{1,255}$/;
/** Fields whose number and digit-string forms are one and the same. */
const amountFields = new Set(['amount', 'openingBalance', 'minBalance', 'maxBalance']);

let requestTimeMs = 10_000;

/** How long a request may take; told once at start. */
export function setRequestTime(ms: number): void {
  requestTimeMs = ms;
}

/** A request that changes the ledger, as the journal wants it. */
export const Write = createParamDecorator((_: unknown, context: ExecutionContext): WriteRequest => {
  const request = context.switchToHttp().getRequest<FastifyRequest>();
  const { actor, ledgerId, ownerId } = callerOf(request);
  const key = idempotencyKeyOf(request);
  return {
    ledgerId,
    actor,
    owner: ownerId ?? '',
    idempotencyKey: key,
    requestHash: key === null ? null : requestHash(request),
    deadlineAt: request.receivedAt + requestTimeMs,
    bytes: request.bodyBytes,
  };
});

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

/** Method, path and parsed body make a request the same; field order and the form of amounts do not matter. */
function requestHash(request: FastifyRequest): Buffer {
  const text = stringify([request.method, pathOf(request), normalised(request.body)]);
  return sha256(text ?? '');
}

function normalised(body: unknown): unknown {
  if (body === null || typeof body !== 'object' || Array.isArray(body)) return body ?? null;
  return Object.fromEntries(
    Object.entries(body).map(([field, value]) =>
      amountFields.has(field) && Number.isSafeInteger(value)
        ? [field, String(value)]
        : [field, value as unknown],
    ),
  );
}
