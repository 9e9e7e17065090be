import type { FastifyInstance } from 'fastify';
import { ApiError } from '#http';
import { isSystemAccountName } from '../http/ids.js';

const changingMethods = new Set(['PATCH', 'DELETE']);

/** Nobody changes or closes a system account: told before the body is read, as whatever a route forbids. */
export function refuseSystemAccountChanges(fastify: FastifyInstance): void {
  fastify.addHook('onRequest', (request, _reply, done) => {
    if (!changingMethods.has(request.method) || request.routeOptions.url !== '/v1/accounts/:id')
      return done();
    const { id } = request.params as { id: string };
    if (!isSystemAccountName(id)) return done();
    done(new ApiError(403, 'forbidden', `${id} can be neither changed nor closed`));
  });
}
