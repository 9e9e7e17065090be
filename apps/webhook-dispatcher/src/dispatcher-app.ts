import type { Type } from '@nestjs/common';
import type pg from 'pg';
import { Registry } from 'prom-client';
import { authenticateRequests } from '#access';
import { KafkaEventStream, PostgresEventStream, type EventStream } from '#event-stream';
import { conventionError, createHttpApp, isOpenPath } from '#http';
import { createPostgresPool, type Log, type RunningApp, SecretBox, untilConnected } from '#platform';
import { AppModule } from './app.module.js';
import { checkDatabase } from './boot-checks.js';
import type { DispatcherSettings } from './config.js';
import { AddressGuard } from './delivery/address-guard.js';
import { Sender } from './delivery/sender.js';
import { deliverySession, startDelivery } from './delivery/start-delivery.js';
import { EndpointTester } from './endpoints/test-endpoint.js';
import { describeDispatcher } from './http/openapi.js';
import { apiSession } from './sessions.js';

/** What is left of the time to stop in when deliveries under way have had theirs. */
const stopMs = 4_000;

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
  const deliveryPool = createPostgresPool({
    url: settings.DISPATCHER_DATABASE_URL,
    applicationName: 'dispatcher-delivery',
    connectionsMax: settings.DELIVERY_CONNECTIONS_MAX,
    session: deliverySession,
    onError: (err) => logger.warn({ err }, 'an idle connection of the delivery was lost'),
  });
  await untilConnected(pool, logger);
  await checkDatabase(pool);
  const eventStream = eventStreamOf(settings, deliveryPool, registry, logger);
  const rules = {
    allowHttp: settings.WEBHOOK_ALLOW_HTTP,
    guard: new AddressGuard(settings.WEBHOOK_ALLOWED_RANGES),
  };
  const secretBox = new SecretBox(Buffer.from(settings.SECRETS_KEY, 'base64'), 'webhook-endpoint-secret');
  const tester = new EndpointTester(pool, secretBox, new Sender({ rules }));
  const sender = new Sender({ rules });

  const app = await createHttpApp({
    module: AppModule.with(settings, {
      registry,
      logger,
      pool,
      stream: eventStream,
      rules,
      secrets: secretBox,
      tester,
    }) as unknown as Type,
    log,
    registry,
    connectionLimits: settings,
    bodyBytesMax: settings.BODY_BYTES_MAX,
    bodiesBytesMax: settings.BODIES_BYTES_MAX,
    isOpen: isOpenPath,
    authenticate: (fastify, nest) =>
      authenticateRequests(fastify, nest, { isOpen: isOpenPath, operatorApiKey: null }),
    translateError: conventionError,
  });
  describeDispatcher(app);
  const delivery = await startDelivery({
    settings: {
      databaseUrl: settings.DISPATCHER_DATABASE_URL,
      drainMsMax: Math.max(1_000, settings.SHUTDOWN_MS - stopMs),
    },
    pool: deliveryPool,
    registry,
    logger,
    eventStream,
    sender,
    secretBox,
  });
  await app.listen(settings.DISPATCHER_PORT, settings.HOST);
  logger.info({ port: settings.DISPATCHER_PORT }, 'listening');

  return {
    async stop() {
      await Promise.all([app.close(), tester.stop(), delivery.stop()]);
      await sender.stop(0);
      await Promise.all([pool.end(), deliveryPool.end()]);
    },
  };
}

/** Kafka where there is one; else the journal itself, through the one function that this role may call. */
function eventStreamOf(
  settings: DispatcherSettings,
  pool: pg.Pool,
  registry: Registry,
  logger: Log['logger'],
): EventStream {
  if (settings.KAFKA_BROKERS.length === 0) {
    return new PostgresEventStream({ url: settings.DISPATCHER_DATABASE_URL, pool, logger, registry });
  }
  // Whoever supervises this process starts it again.
  const onFatal = (err: Error) => {
    logger.fatal({ err }, 'Kafka can not be read from here any more');
    process.kill(process.pid, 'SIGTERM');
  };
  return new KafkaEventStream({ settings, pool, logger, registry, onFatal });
}
