import type { Type } from '@nestjs/common';
import { Registry } from 'prom-client';
import { ApiKeys, authenticateRequests } from '#access';
import { PostgresEventStream } from '#event-stream';
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
import { AddressGuard } from './delivery/address-guard.js';
import { SecretBox } from './delivery/secrets.js';
import { Sender } from './delivery/sender.js';
import { EndpointTester } from './endpoints/test-endpoint.js';
import { describeDispatcher } from './http/openapi.js';

/** Of those that requests run in: none reads a table as a whole, which other ledgers are in as well. */
const apiSession: Readonly<Record<string, string>> = {
  plan_cache_mode: 'force_custom_plan',
  jit: 'off',
  enable_seqscan: 'off',
  random_page_cost: '1.1',
  max_parallel_workers_per_gather: '0',
  statement_timeout: '10s',
  lock_timeout: '4s',
  idle_in_transaction_session_timeout: '5s',
};

/** Of those that events are taken in with. */
const intakeSession: Readonly<Record<string, string>> = {
  jit: 'off',
  random_page_cost: '1.1',
  statement_timeout: '30s',
  lock_timeout: '5s',
  idle_in_transaction_session_timeout: '10s',
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
  const intakePool = createPostgresPool({
    url: settings.DISPATCHER_DATABASE_URL,
    applicationName: 'dispatcher-intake',
    connectionsMax: settings.INTAKE_CONNECTIONS_MAX,
    session: intakeSession,
    onError: (err) => logger.warn({ err }, 'an idle connection of the intake was lost'),
  });
  await checkDatabase(pool);
  const stream = new PostgresEventStream({
    url: settings.DISPATCHER_DATABASE_URL,
    pool: intakePool,
    logger,
    registry,
  });
  const rules = {
    allowHttp: settings.WEBHOOK_ALLOW_HTTP,
    guard: new AddressGuard(settings.WEBHOOK_ALLOWED_RANGES),
  };
  const secrets = new SecretBox(Buffer.from(settings.SECRETS_KEY, 'base64'));
  const tester = new EndpointTester(pool, secrets, new Sender({ rules }));

  const app = await createHttpApp({
    module: AppModule.with(settings, {
      registry,
      pool,
      stream,
      rules,
      secrets,
      tester,
    }) as unknown as Type,
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
      await Promise.all([app.close(), tester.stop()]);
      await Promise.all([pool.end(), intakePool.end()]);
    },
  };
}
