import type { FastifyInstance, FastifyRequest } from 'fastify';
import { pathOf } from '#http';
import type { DispatcherLink } from './dispatcher-link.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    isForwarded?: true;
  }
}

const paths = ['/v1/webhook-endpoints', '/v1/webhook-deliveries', '/v1/event-types'];

/**
 * Clients know one address: what the dispatcher serves is passed on to it, before any check of ours, because
 * keys, scopes and conventions are to be checked once and there. To be called before the hooks that check. The
 * routes are there for their names in log and metrics; a method that Fastify knows no routes for is passed on
 * as well.
 */
export function forwardWebhookRoutes(fastify: FastifyInstance, link: DispatcherLink): void {
  for (const url of paths.flatMap((path) => [path, `${path}/*`])) {
    fastify.route({
      method: fastify.supportedMethods,
      url,
      config: { isForwarded: true },
      handler: () => Promise.reject(new Error('a forwarded request has reached its handler')),
    });
  }
  fastify.addHook('onRequest', (request, reply, done) => {
    if (isForwarded(request)) link.forward(request, reply, done);
    else done();
  });
}

function isForwarded(request: FastifyRequest): boolean {
  if (!request.is404) return request.routeOptions.config.isForwarded === true;
  return paths.some((path) => `${pathOf(request)}/`.startsWith(`${path}/`));
}
