import type { FastifyInstance, FastifyRequest } from 'fastify';
import { ApiError } from '#platform';
import type { ApiKeys } from './api-keys.js';
import type { Principal } from './principals.js';
import type { RouteAccess, Scope } from './scopes.js';

const bearer = /^Bearer ([\x21-\x7e]{1,512})$/i;

/**
 * Finds out who calls before the body is read: 401 for nobody, then 403 for a route that the key doesn't
 * open. A route that declares no access is refused to everybody.
 */
export function authenticateRequests(
  fastify: FastifyInstance,
  apiKeys: ApiKeys,
  isOpen: (request: FastifyRequest) => boolean,
): void {
  fastify.decorateRequest('principal', null);
  fastify.addHook('onRequest', (request, _reply, done) => {
    const { access } = request.routeOptions.config;
    if (request.is404 || access === 'open' || isOpen(request)) return done();
    const secret = bearer.exec(request.headers.authorization ?? '')?.[1];
    const principal = secret === undefined ? null : apiKeys.principalOf(secret);
    // Known keys need no promise, which on the way of every request is worth the callback.
    if (principal instanceof Promise) {
      principal.then((found) => done(admit(request, found, access)), done);
    } else {
      done(admit(request, principal, access));
    }
  });
}

function admit(request: FastifyRequest, principal: Principal | null, access: RouteAccess | undefined) {
  if (!principal) {
    const headers = { 'www-authenticate': 'Bearer' };
    return new ApiError(401, 'unauthorized', 'a valid API key is needed as Bearer', [], headers);
  }
  request.principal = principal;
  request.actor = principal.actor;
  if (access === 'any-key' || principal.scopes.has(access as Scope)) return undefined;
  return new ApiError(403, 'forbidden', `this key may not do that${access ? ` (scope ${access})` : ''}`);
}
