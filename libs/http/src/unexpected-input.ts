import { ROUTE_ARGS_METADATA } from '@nestjs/common/constants.js';
import { RouteParamtypes } from '@nestjs/common/enums/route-paramtypes.enum.js';
import type { FastifyInstance } from 'fastify';
import { validationError } from './api-error.js';

/** The method of a controller that answers a route. */
export interface RouteHandler {
  readonly controller: object;
  readonly method: string | symbol;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    handledBy?: RouteHandler;
  }
}

/** A route that reads no query string refuses one: a misspelt parameter is never passed over. */
export function refuseUnexpectedQueries(fastify: FastifyInstance): void {
  fastify.addHook('preValidation', (request, _reply, done) => {
    const { handledBy } = request.routeOptions.config;
    if (!handledBy || !request.url.includes('?') || readsQuery(handledBy)) return done();
    const names = Object.keys(request.query as object);
    if (names.length === 0) return done();
    done(validationError(names.map((path) => ({ path, message: 'is not known here' }))));
  });
}

/** The same for the fields of a body where the route reads none; an empty one says nothing. */
export function refuseUnexpectedBodies(fastify: FastifyInstance): void {
  fastify.addHook('preValidation', (request, _reply, done) => {
    const { handledBy } = request.routeOptions.config;
    if (!handledBy || request.method !== 'POST' || request.body === undefined || readsBody(handledBy))
      return done();
    const isObject = request.body !== null && typeof request.body === 'object';
    const names = isObject ? Object.keys(request.body as object) : [];
    const details = (names.length > 0 ? names : ['body']).map((path) => ({
      path,
      message: 'is not known here',
    }));
    const isEmpty = names.length === 0 && isObject && !Array.isArray(request.body);
    done(isEmpty ? undefined : validationError(details));
  });
}

const readsQuery = (route: RouteHandler) => reads(route, RouteParamtypes.QUERY);
const readsBody = (route: RouteHandler) => reads(route, RouteParamtypes.BODY);

function reads({ controller, method }: RouteHandler, type: RouteParamtypes): boolean {
  const parameters = Reflect.getMetadata(ROUTE_ARGS_METADATA, controller, method) as object | undefined;
  return Object.keys(parameters ?? {}).some((key) => key.startsWith(`${type}:`));
}
