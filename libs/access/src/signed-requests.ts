import { Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { decodeTypeId } from '#contracts';
import { ApiError } from '#http';
import { ApiKeys } from './api-keys.js';
import { Nonces } from './nonces.js';
import type { Principal } from './principals.js';
import { isSignedWithOne, type SignedParts } from './signature.js';
import { readSignedBody } from './signed-body.js';

const unixSeconds = /^[1-9][0-9]{0,11}$/;
const visibleAscii = /^[\x21-\x7e]{1,128}$/;
const absoluteForm = /^https?:\/\/[^/?#]*/i;

export interface SignedCaller {
  readonly principal: Principal;
  /** The same request, or another with its id, was here before. */
  readonly isRepeated: boolean;
}

/**
 * Requests that prove by their signature that the key's owner made them, unaltered and just now, without sending
 * its secret. Only one whose signature is right uses its id up.
 */
@Injectable()
export class SignedRequests {
  constructor(
    private readonly apiKeys: ApiKeys,
    private readonly nonces: Nonces,
  ) {}

  /** Null for nobody. It reads the body. */
  async callerOf(request: FastifyRequest): Promise<SignedCaller | null> {
    const { headers } = request;
    const keyId = decodeTypeId('key', textOf(headers['x-api-key']));
    const timestamp = textOf(headers['x-timestamp']);
    const requestId = textOf(headers['x-request-id']);
    if (keyId === null || !unixSeconds.test(timestamp) || !visibleAscii.test(requestId)) return null;
    const key = await this.apiKeys.signingKeyOf(keyId);
    if (!key) return null;
    const parts: SignedParts = {
      timestamp,
      requestId,
      method: request.method,
      path: (request.raw.url ?? '').replace(absoluteForm, ''),
      idempotencyKey: textOf(headers['idempotency-key']),
      body: await readSignedBody(request),
    };
    if (!isSignedWithOne(parts, textOf(headers['x-signature']), key.secrets)) return null;
    const use = await this.nonces.use(keyId, requestId, Number(timestamp));
    if (use === 'out of time') return null;
    this.apiKeys.noteUse(keyId);
    return { principal: key.principal, isRepeated: use === 'repeated' };
  }
}

export function isSigned(request: FastifyRequest): boolean {
  return request.headers['x-api-key'] !== undefined;
}

export function duplicateRequest(): ApiError {
  return new ApiError(409, 'duplicate_request', 'a request with this X-Request-Id was here before');
}

const textOf = (header: string | string[] | undefined): string => (typeof header === 'string' ? header : '');
