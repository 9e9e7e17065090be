import { timingSafeEqual } from 'node:crypto';
import type { INestApplicationContext } from '@nestjs/common';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { ApiError } from '#platform';
import { ApiKeys, secretHashOf } from './api-keys.js';
import type { Principal } from './principals.js';
import { RateLimits } from './rate-limits.js';
import type { Scope } from './scopes.js';

export interface AuthenticationSettings {
  /** Requests that need no key. */
  readonly isOpen: (request: FastifyRequest) => boolean;
  /** Null where there is no operator. */
  readonly operatorApiKey: string | null;
}

const bearer = /^Bearer ([\x21-\x7e]{1,512})$/i;

type Verdict = ApiError | undefined;

/**
 * Finds out who calls before the body is read: 401 for nobody, 429, then 403 for a route that the key doesn't
 * open. A route that declares no access is refused to everybody.
 */
export function authenticateRequests(
  fastify: FastifyInstance,
  app: INestApplicationContext,
  { isOpen, operatorApiKey }: AuthenticationSettings,
): void {
  const [apiKeys, rateLimits] = [app.get(ApiKeys), app.get(RateLimits)];
  const operatorHash = operatorApiKey === null ? null : secretHashOf(operatorApiKey);

  const admit = (principal: Principal | null, request: FastifyRequest, reply: FastifyReply) => {
    if (!principal) return nobody();
    request.principal = principal;
    request.actor = principal.actor;
    const limited = rateLimits.take(principal, reply);
    if (limited instanceof Promise) return limited.then((error) => error ?? refusal(principal, request));
    return limited ?? refusal(principal, request);
  };

  const judge = (request: FastifyRequest, reply: FastifyReply): Verdict | Promise<Verdict> => {
    const secret = bearer.exec(request.headers.authorization ?? '')?.[1];
    if (secret === undefined) return nobody();
    const { access } = request.routeOptions.config;
    if (access === 'operator' && operatorHash && timingSafeEqual(secretHashOf(secret), operatorHash)) {
      request.actor = 'operator';
      return undefined;
    }
    const principal = apiKeys.principalOf(secret);
    if (principal instanceof Promise) return principal.then((found) => admit(found, request, reply));
    return admit(principal, request, reply);
  };

  fastify.decorateRequest('principal', null);
  fastify.addHook('onRequest', (request, reply, done) => {
    if (request.is404 || request.routeOptions.config.access === 'open' || isOpen(request)) return done();
    const verdict = judge(request, reply);
    // Known keys need no promise, which on the way of every request is worth the callback.
    if (verdict instanceof Promise) verdict.then(done, done);
    else done(verdict);
  });
}

function nobody(): ApiError {
  const headers = { 'www-authenticate': 'Bearer' };
  return new ApiError(401, 'unauthorized', 'a valid API key is needed as Bearer', [], headers);
}

function refusal(principal: Principal, request: FastifyRequest): Verdict {
  const { access } = request.routeOptions.config;
  if (access === 'any-key' || principal.scopes.has(access as Scope)) return undefined;
  return new ApiError(403, 'forbidden', `this key may not do that${access ? ` (scope ${access})` : ''}`);
}
