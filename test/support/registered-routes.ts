import type { Type } from '@nestjs/common';
import { Registry } from 'prom-client';
import type { RouteAccess } from '#access';
import type { EventStream } from '#event-stream';
import { connectionLimitSpecs, createHttpApp } from '#http';
import { Journal } from '#journal';
import { createLog, createPostgresPool, readEnvironment, SecretBox } from '#platform';
import { AppModule as LedgerModule } from '../../apps/ledger/src/app.module.js';
import { readSettings as readLedgerSettings } from '../../apps/ledger/src/config.js';
import { ProjectionWaiter } from '../../apps/ledger/src/projections/projection-waiter.js';
import { AppModule as DispatcherModule } from '../../apps/webhook-dispatcher/src/app.module.js';
import { readSettings as readDispatcherSettings } from '../../apps/webhook-dispatcher/src/config.js';
import { AddressGuard } from '../../apps/webhook-dispatcher/src/delivery/address-guard.js';
import { Sender } from '../../apps/webhook-dispatcher/src/delivery/sender.js';
import { EndpointTester } from '../../apps/webhook-dispatcher/src/endpoints/test-endpoint.js';
import { BOOTSTRAP_API_KEY, SECRETS_KEY } from './product.js';

const onError = () => undefined;
const poolOf = (url: string) =>
  createPostgresPool({ url, applicationName: 'test', connectionsMax: 1, onError });

export interface RegisteredRoute {
  /** As `GET /v1/accounts/{id}`. */
  readonly name: string;
  /** Undefined where it declares none. */
  readonly access: RouteAccess | undefined;
}

/** Every route that Fastify is told of while the ledger app is built; the document's own aside. */
export async function registeredRoutes(databaseUrl: string): Promise<RegisteredRoute[]> {
  const settings = readLedgerSettings({ LEDGER_DATABASE_URL: databaseUrl, BOOTSTRAP_API_KEY, SECRETS_KEY });
  const registry = new Registry();
  const readPool = poolOf(databaseUrl);
  const queue = { queueCommandsMax: 1, queueCommandsPerLedgerMax: 1, queueBytesMax: 1 };
  const { logger } = createLog('test', 'silent');
  const journal = new Journal({ url: databaseUrl, connectionsMax: 1, ...queue }, registry, logger);
  const projectionWaiter = new ProjectionWaiter(readPool);
  const parts = { registry, logger, readPool, journal, projectionWaiter };
  const routes = await routesOf(LedgerModule.with(settings, parts) as unknown as Type, registry);
  await journal.drain(0);
  await readPool.end();
  return routes;
}

/** The same of the dispatcher. */
export async function registeredDispatcherRoutes(databaseUrl: string): Promise<RegisteredRoute[]> {
  const settings = readDispatcherSettings({ DISPATCHER_DATABASE_URL: databaseUrl, SECRETS_KEY });
  const registry = new Registry();
  const pool = poolOf(databaseUrl);
  const rules = { allowHttp: false, guard: new AddressGuard() };
  const secrets = new SecretBox(Buffer.alloc(32), 'webhook-endpoint-secret');
  const tester = new EndpointTester(pool, secrets, new Sender({ rules }));
  const stream = {} as EventStream;
  const { logger } = createLog('test', 'silent');
  const parts = { registry, logger, pool, stream, rules, secrets, tester };
  const routes = await routesOf(DispatcherModule.with(settings, parts) as unknown as Type, registry);
  await tester.stop();
  await pool.end();
  return routes;
}

export async function routesOf(module: Type, registry: Registry): Promise<RegisteredRoute[]> {
  const routes = new Map<string, RegisteredRoute>();
  const app = await createHttpApp({
    module,
    log: createLog('test', 'silent'),
    registry,
    connectionLimits: readEnvironment({}, connectionLimitSpecs),
    bodyBytesMax: 1,
    bodiesBytesMax: 16 * 1_048_576,
    isOpen: () => true,
    authenticate: (fastify) => {
      fastify.addHook('onRoute', ({ method, url, config }) => {
        // Each GET answers HEAD as well.
        const methods = [method].flat().filter((name) => name !== 'HEAD');
        for (const each of methods) {
          const name = `${each} ${url.replaceAll(/:(\w+)/g, '{$1}')}`;
          routes.set(name, { name, access: config?.access });
        }
      });
    },
    translateError: () => null,
  });
  await app.init();
  await app.getHttpAdapter().getInstance().ready();
  await app.close();
  return [...routes.values()];
}
