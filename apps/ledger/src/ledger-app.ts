import type { Type } from '@nestjs/common';
import { Counter, Registry } from 'prom-client';
import { authenticateRequests, Bootstrap, TokenKeys } from '#access';
import { createHttpApp, isOpenPath } from '#http';
import { Journal } from '#journal';
import { createPostgresPool, type Log, readSession, type RunningApp, untilConnected } from '#platform';
import { refuseSystemAccountChanges } from './accounts/refuse-system-accounts.js';
import { AppModule } from './app.module.js';
import { checkDatabase } from './boot-checks.js';
import type { LedgerSettings } from './config.js';
import { startExpiry } from './expiry/start-expiry.js';
import { DispatcherLink } from './forwarding/dispatcher-link.js';
import { forwardWebhookRoutes } from './forwarding/forward-webhook-routes.js';
import { translateError } from './http/refusals.js';
import { setRequestTime } from './http/write-request.js';
import { describeLedger } from './http/openapi.js';
import { startProjections } from './projections/start-projections.js';
import { startPublishing } from './publishing/start-publishing.js';

/**
 * It ends in order: no new requests and expiries, what is queued is settled, projections and publishing finish their
 * turns, connections close.
 */
export async function startLedger(settings: LedgerSettings, log: Log): Promise<RunningApp> {
  const { logger } = log;
  const registry = new Registry();
  const isApi = settings.LEDGER_ROLE !== 'worker';
  const readPool = createPostgresPool({
    url: settings.LEDGER_DATABASE_URL,
    applicationName: 'ledger-read',
    connectionsMax: settings.READ_CONNECTIONS_MAX,
    session: readSession,
    onError: (err) => logger.warn({ err }, 'an idle read connection was lost'),
  });
  await untilConnected(readPool, logger);
  await checkDatabase(readPool);
  const journal = new Journal(
    {
      url: settings.LEDGER_DATABASE_URL,
      connectionsMax: settings.WRITE_CONNECTIONS_MAX,
      queueCommandsMax: settings.QUEUE_COMMANDS_MAX,
      queueCommandsPerLedgerMax: settings.QUEUE_COMMANDS_PER_LEDGER_MAX,
      queueBytesMax: settings.QUEUE_BYTES_MAX,
    },
    registry,
    logger,
  );
  const projections = await startProjections(settings, readPool, registry, logger);
  journal.onCommitted((ledgerId) => projections.poke(ledgerId));
  journal.decideAheadWhile((ledgerId) => projections.keepUpWith(ledgerId));
  const publishing = await startPublishing(settings, registry, logger);
  journal.onCommitted((ledgerId) => publishing.poke(ledgerId));
  const expiry = startExpiry(settings, journal, registry, logger);
  setRequestTime(settings.REQUEST_TIME_MS);
  const dispatcher = isApi ? linkToDispatcher(settings, registry) : null;

  const app = await createHttpApp({
    module: AppModule.with(settings, {
      registry,
      logger,
      readPool,
      journal,
      projectionWaiter: projections.waiter,
    }) as unknown as Type,
    log,
    registry,
    connectionLimits: settings,
    bodyBytesMax: settings.BODY_BYTES_MAX,
    largeBodyBytesMax: settings.BATCH_BODY_BYTES_MAX,
    bodiesBytesMax: settings.BODIES_BYTES_MAX,
    isOpen: isOpenPath,
    authenticate: (fastify, nest) => {
      if (dispatcher) forwardWebhookRoutes(fastify, dispatcher);
      authenticateRequests(fastify, nest, {
        isOpen: isOpenPath,
        operatorApiKey: settings.OPERATOR_API_KEY ?? null,
      });
      refuseSystemAccountChanges(fastify);
    },
    translateError,
  });
  if (isApi) {
    await journal.createLedger(await app.get(Bootstrap).openFirstLedger(settings.BOOTSTRAP_API_KEY));
    // The key set is not to be empty while there is no token.
    await app.get(TokenKeys).signingKey();
    describeLedger(app);
  }
  await app.listen(settings.PORT, settings.HOST);
  logger.info({ port: settings.PORT, role: settings.LEDGER_ROLE }, 'listening');

  return {
    async stop() {
      const expired = expiry.stop();
      const drained = journal.drain(settings.SHUTDOWN_MS);
      await Promise.all([app.close(), drained, expired, dispatcher?.stop(settings.SHUTDOWN_MS)]);
      await Promise.all([projections.stop(), publishing.stop()]);
      await readPool.end();
    },
  };
}

function linkToDispatcher(settings: LedgerSettings, registry: Registry): DispatcherLink {
  const limits = {
    answerMs: settings.DISPATCHER_TIME_MS,
    requestsMax: settings.DISPATCHER_CONNECTIONS_MAX,
    bodyBytesMax: settings.BODY_BYTES_MAX,
  };
  const failures = new Counter({
    name: 'forwarding_failures_total',
    help: 'Requests for the webhook dispatcher that it did not answer',
    registers: [registry],
  });
  return new DispatcherLink(settings.DISPATCHER_URL, limits, failures);
}
