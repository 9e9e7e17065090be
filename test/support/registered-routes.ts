import type { Type } from '@nestjs/common';
import { Registry } from 'prom-client';
import { Journal } from '#journal';
import { createHttpApp, createLog, createPostgresPool } from '#platform';
import { AppModule } from '../../apps/ledger/src/app.module.js';
import { readSettings } from '../../apps/ledger/src/config.js';
import { ProjectionWaiter } from '../../apps/ledger/src/projections/projection-waiter.js';
import { BOOTSTRAP_API_KEY, SECRETS_KEY } from './product.js';

/** Every route that Fastify is told of while the app is built, as `GET /v1/accounts/{id}`; the document's own aside. */
export async function registeredRoutes(databaseUrl: string): Promise<string[]> {
  const settings = readSettings({ LEDGER_DATABASE_URL: databaseUrl, BOOTSTRAP_API_KEY, SECRETS_KEY });
  const registry = new Registry();
  const log = createLog('test', 'silent');
  const onError = () => undefined;
  const readPool = createPostgresPool({
    url: databaseUrl,
    applicationName: 'test',
    connectionsMax: 1,
    onError,
  });
  const queue = { queueCommandsMax: 1, queueCommandsPerLedgerMax: 1, queueBytesMax: 1 };
  const journal = new Journal({ url: databaseUrl, connectionsMax: 1, ...queue }, registry, log.logger);
  const projectionWaiter = new ProjectionWaiter(readPool);
  const routes: string[] = [];
  const app = await createHttpApp({
    module: AppModule.with(settings, { registry, readPool, journal, projectionWaiter }) as unknown as Type,
    log,
    registry,
    bodyBytesMax: 1,
    isOpen: () => true,
    authenticate: (fastify) => {
      fastify.addHook('onRoute', ({ method, url }) => {
        // Each GET answers HEAD as well.
        const methods = [method].flat().filter((name) => name !== 'HEAD');
        for (const name of methods) routes.push(`${name} ${url.replaceAll(/:(\w+)/g, '{$1}')}`);
      });
    },
    translateError: () => null,
  });
  await app.init();
  await app.getHttpAdapter().getInstance().ready();
  await app.close();
  await journal.drain(0);
  await readPool.end();
  return [...new Set(routes)];
}
