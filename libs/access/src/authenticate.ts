import { timingSafeEqual } from 'node:crypto';
import type { INestApplicationContext } from '@nestjs/common';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { ApiError } from '#http';
import { ApiKeys, secretHashOf } from './api-keys.js';
import { ClientTokens, isTokenLike } from './client-tokens.js';
import type { Principal } from './principals.js';
import { RateLimits } from './rate-limits.js';
import { reachesBeyondOwners, type RouteAccess, type Scope } from './scopes.js';
import { parseSignedBodies } from './signed-body.js';
import { duplicateRequest, isSigned, SignedRequests } from './signed-requests.js';

export interface AuthenticationSettings {
  /** Requests that need no key. */
  readonly isOpen: (request: FastifyRequest) => boolean;
  /** Null where there is no operator. */
  readonly operatorApiKey: string | null;
}

const bearer = /^Bearer ([\x21-\x7e]{1,4096})$/i;

type Verdict = ApiError | undefined;

/**
 * Finds out who calls before the body is parsed, in the order of the contract: 401 for nobody, 409 for a signed
 * request that was here before, 429, then 403 for a route that the key doesn't open. A route that declares no
 * access is refused to everybody. A key as Bearer that is known needs no promise, which on the way of every
 * request is worth the callbacks; only a signed request is read whole before it is known whose it is.
 */
export function authenticateRequests(
  fastify: FastifyInstance,
  app: INestApplicationContext,
  { isOpen, operatorApiKey }: AuthenticationSettings,
): void {
  const [apiKeys, clientTokens] = [app.get(ApiKeys), app.get(ClientTokens)];
  const [signedRequests, rateLimits] = [app.get(SignedRequests), app.get(RateLimits)];
  const operatorHash = operatorApiKey === null ? null : secretHashOf(operatorApiKey);

  const bearerOf = (secret: string) => {
    if (!isTokenLike(secret)) return apiKeys.principalOf(secret);
    // A key may be any text, one that looks like a token as well.
    return clientTokens.principalOf(secret).then((found) => found ?? apiKeys.principalOf(secret));
  };

  const admit = (principal: Principal | null, request: FastifyRequest, reply: FastifyReply) => {
    if (!principal) return nobody();
    request.principal = principal;
    request.actor = principal.actor;
    const limited = rateLimits.take(principal, reply);
    if (limited instanceof Promise) return limited.then((error) => error ?? refusal(principal, request));
    return limited ?? refusal(principal, request);
  };

  const admitSigned = async (request: FastifyRequest, reply: FastifyReply): Promise<Verdict> => {
    const caller = await signedRequests.callerOf(request);
    if (!caller?.isRepeated) return admit(caller?.principal ?? null, request, reply);
    request.actor = caller.principal.actor;
    // Whoever repeats what was overheard uses up nothing of the key's.
    await rateLimits.take(caller.principal, reply, 0);
    return duplicateRequest();
  };

  const judge = (request: FastifyRequest, reply: FastifyReply): Verdict | Promise<Verdict> => {
    const { authorization } = request.headers;
    if (authorization === undefined && isSigned(request)) return admitSigned(request, reply);
    const secret = bearer.exec(authorization ?? '')?.[1];
    if (secret === undefined) return nobody();
    const { access } = request.routeOptions.config;
    if (access === 'operator' && operatorHash && timingSafeEqual(secretHashOf(secret), operatorHash)) {
      request.actor = 'operator';
      return undefined;
    }
    const principal = bearerOf(secret);
    if (principal instanceof Promise) return principal.then((found) => admit(found, request, reply));
    return admit(principal, request, reply);
  };

  fastify.decorateRequest('principal', null);
  parseSignedBodies(fastify);
  fastify.addHook('onRequest', (request, reply, done) => {
    if (request.is404 || request.routeOptions.config.access === 'open' || isOpen(request)) return done();
    const verdict = judge(request, reply);
    if (verdict instanceof Promise) verdict.then(done, done);
    else done(verdict);
  });
}

function nobody(): ApiError {
  const headers = { 'www-authenticate': 'Bearer' };
  return new ApiError(401, 'unauthorized', 'a valid API key or signature is needed', [], headers);
}

function refusal(principal: Principal, request: FastifyRequest): Verdict {
  const { access, isForBoundKeys } = request.routeOptions.config;
  if (access === 'any-key') return undefined;
  if (!principal.scopes.has(access as Scope)) {
    return forbidden(`this key may not do that${access ? ` (scope ${access})` : ''}`);
  }
  const isBound = principal.isClientToken || (principal.ownerId !== null && isForBoundKeys !== true);
  if (!isBound || !reachesBeyondOwners(access as RouteAccess, isForBoundKeys)) return undefined;
  return forbidden('who is bound to an owner may not do that');
}

function forbidden(message: string): ApiError {
  return new ApiError(403, 'forbidden', message);
}
