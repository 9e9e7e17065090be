import type { Type } from '@nestjs/common';
import { Registry } from 'prom-client';
import { ApiKeys, authenticateRequests } from '#access';
import {
  conventionError,
  createHttpApp,
  createPostgresPool,
  isOpenPath,
  type Log,
  type RunningApp,
} from '#platform';
import { AppModule } from './app.module.js';
import { checkDatabase } from './boot-checks.js';
import type { DispatcherSettings } from './config.js';
import { describeDispatcher } from './http/openapi.js';

/** Of those that requests run in. */
const apiSession: Readonly<Record<string, string>> = {
  plan_cache_mode: 'force_custom_plan',
  jit: 'off',
  random_page_cost: '1.1',
  max_parallel_workers_per_gather: '0',
  statement_timeout: '10s',
  lock_timeout: '4s',
  idle_in_transaction_session_timeout: '5s',
};

/** It ends in order: no new requests, deliveries under way get their results, connections close. */
export async function startDispatcher(settings: DispatcherSettings, log: Log): Promise<RunningApp> {
  const { logger } = log;
  const registry = new Registry();
  const pool = createPostgresPool({
    url: settings.DISPATCHER_DATABASE_URL,
    applicationName: 'dispatcher-api',
    connectionsMax: settings.API_CONNECTIONS_MAX,
    session: apiSession,
    onError: (err) => logger.warn({ err }, 'an idle connection of the API was lost'),
  });
  await checkDatabase(pool);

  const app = await createHttpApp({
    module: AppModule.with(settings, { registry, pool }) as unknown as Type,
    log,
    registry,
    bodyBytesMax: settings.BODY_BYTES_MAX,
    isOpen: isOpenPath,
    authenticate: (fastify, nest) => authenticateRequests(fastify, nest.get(ApiKeys), isOpenPath),
    translateError: conventionError,
  });
  describeDispatcher(app);
  await app.listen(settings.DISPATCHER_PORT, settings.HOST);
  logger.info({ port: settings.DISPATCHER_PORT }, 'listening');

  return {
    async stop() {
      await app.close();
      await pool.end();
    },
  };
}
