import { RouteConfig } from '@nestjs/platform-fastify';
import { FASTIFY_ROUTE_CONFIG_METADATA } from '@nestjs/platform-fastify/constants.js';
import type { FastifyContextConfig } from 'fastify';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Media types that the route answers in, the one where nothing is said first; absent: JSON alone. */
    answersIn?: readonly string[];
    /** Its body may be as large as the app's limit for such bodies says. */
    takesLargeBody?: boolean;
  }
}

/** Adds to what a route is registered with, whatever other decorators add. */
export const RouteSettings =
  (settings: FastifyContextConfig): MethodDecorator =>
  (target, method, descriptor) => {
    const known = Reflect.getMetadata(FASTIFY_ROUTE_CONFIG_METADATA, descriptor.value as object) as
      FastifyContextConfig | undefined;
    RouteConfig({ ...known, ...settings })(target, method, descriptor);
  };
