import 'reflect-metadata';
import { RequestMethod, type Type } from '@nestjs/common';
import type { RouteAccess } from '#access';
import { controllers as ledgerControllers } from '../../apps/ledger/src/app.module.js';
import { controllers as dispatcherControllers } from '../../apps/webhook-dispatcher/src/app.module.js';

export interface DeclaredRoute {
  /** As `GET /v1/accounts/{id}`. */
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly access: RouteAccess;
  /** Whether a key that is bound to an owner may call it, where the route says so. */
  readonly isForBoundKeys: boolean | undefined;
  /** What it answers when all is well. */
  readonly status: number;
}

/** Where Nest keeps what its decorators say. */
const metadata = {
  path: 'path',
  method: 'method',
  status: '__httpCode__',
  config: '__fastify_route_config__',
};

/** From the decorators alone, nothing started; a test holds them against what Fastify is told of. */
export const ledgerRoutes = routesOf(ledgerControllers);
export const dispatcherRoutes = routesOf(dispatcherControllers);

function routesOf(controllers: readonly Type[]): DeclaredRoute[] {
  return controllers.flatMap((controller) => {
    const prototype = controller.prototype as Record<string, object>;
    return Object.getOwnPropertyNames(prototype)
      .map((name) => prototype[name]!)
      .filter((handler) => Reflect.hasMetadata(metadata.config, handler))
      .map((handler) => routeOf(controller, handler));
  });
}

function routeOf(controller: Type, handler: object): DeclaredRoute {
  const told = <T>(name: string, target: object = handler) => Reflect.getMetadata(name, target) as T;
  const method = RequestMethod[told<RequestMethod>(metadata.method)];
  const parts = [told<string>(metadata.path, controller), told<string>(metadata.path)];
  const path = `/${parts
    .flatMap((part) => part.split('/'))
    .filter(Boolean)
    .join('/')}`.replaceAll(/:(\w+)/g, '{$1}');
  const { access, isForBoundKeys } = told<Pick<DeclaredRoute, 'access' | 'isForBoundKeys'>>(metadata.config);
  const status = told<number | undefined>(metadata.status) ?? (method === 'POST' ? 201 : 200);
  return { name: `${method} ${path}`, method, path, access, isForBoundKeys, status };
}
