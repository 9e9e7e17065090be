import type { Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { LogController, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { Registry } from 'prom-client';
import type { Log } from '#platform';
import { AllowedMethods } from './allowed-methods.js';
import { ApiError } from './api-error.js';
import { boundBodies } from './bounded-bodies.js';
import { limitConnections, serverOptions, type ConnectionLimits } from './connection-limits.js';
import { ErrorFilter, errorBody } from './error-filter.js';
import { acceptJsonOnly } from './json-body.js';
import { answerAllRequests, answerMalformedHttp } from './malformed-http.js';
import { nestLogger } from './nest-logger.js';
import { takeTurnsOnEachConnection } from './pipelined-requests.js';
import {
  followRequests,
  refuseOtherMediaTypes,
  refuseUnreadable,
  requestIdOf,
} from './request-conventions.js';
import { readOutRefusedBodies } from './refused-bodies.js';
import { requestMetrics } from './request-metrics.js';
import { refuseUnexpectedBodies, refuseUnexpectedQueries } from './unexpected-input.js';

export interface HttpAppSettings {
  readonly module: Type;
  readonly log: Log;
  readonly registry: Registry;
  readonly connectionLimits: ConnectionLimits;
  readonly bodyBytesMax: number;
  /** Of routes that take larger bodies than others; absent: there are none. */
  readonly largeBodyBytesMax?: number;
  /** Of all requests together that are under way. */
  readonly bodiesBytesMax: number;
  /** Requests that may ask for something else than JSON, and that need no key. */
  readonly isOpen: (request: FastifyRequest) => boolean;
  /** Adds the hooks that find out who calls: they run after the routing and before anything else. */
  readonly authenticate: (fastify: FastifyInstance, app: NestFastifyApplication) => void;
  readonly translateError: (error: unknown) => ApiError | null;
}

const idleCheckMs = 100;
const longAnswerCharacters = 16_384;
/** Longer than what Node reads of headers, so that every id reaches its route. */
const urlLengthMax = 65_536;

/**
 * A Nest application on Fastify with the conventions that every route shares, in the order of the contract:
 * route, caller, media types, body. It is not listening yet.
 */
export async function createHttpApp(settings: HttpAppSettings): Promise<NestFastifyApplication> {
  const { log, registry } = settings;
  const metrics = requestMetrics(registry);
  const adapter = new FastifyAdapter({
    skipMiddie: true,
    loggerInstance: log.logger,
    logController: new LogController({ disableRequestLogging: true }),
    // A logger per request costs more than the one line that it writes; lines name their request themselves.
    childLoggerFactory: (logger: unknown) => logger,
    bodyLimit: settings.bodyBytesMax,
    ...serverOptions(settings.connectionLimits),
    clientErrorHandler: answerMalformedHttp,
    genReqId: requestIdOf,
    requestIdHeader: false,
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: urlLengthMax },
    frameworkErrors: (_error: Error, request: FastifyRequest, reply: FastifyReply) => {
      const error = new ApiError(404, 'not_found', 'there is no such route');
      void reply.code(error.status).header('x-request-id', request.id).send(errorBody(error, request.id));
    },
  } as ConstructorParameters<typeof FastifyAdapter>[0]);
  const fastify = adapter.getInstance<FastifyInstance>();
  limitConnections(fastify, settings.connectionLimits, registry);
  answerAllRequests(fastify);
  takeTurnsOnEachConnection(fastify);
  const allowedMethods = new AllowedMethods(fastify);
  followRequests(fastify, metrics);
  if (settings.largeBodyBytesMax !== undefined) letBodiesBeLarge(fastify, settings.largeBodyBytesMax);
  closeConnectionsAsTheyIdle(fastify);
  acceptJsonOnly(fastify);
  readOutRefusedBodies(fastify);
  sendLongAnswersAsBytes(fastify);

  const app = await NestFactory.create<NestFastifyApplication>(settings.module, adapter, {
    bodyParser: false,
    abortOnError: false,
    logger: nestLogger(log),
  });
  settings.authenticate(fastify, app);
  refuseOtherMediaTypes(fastify, settings.isOpen);
  refuseUnreadable(fastify);
  boundBodies(fastify, settings.bodiesBytesMax);
  refuseUnexpectedQueries(fastify);
  refuseUnexpectedBodies(fastify);
  app.useGlobalFilters(new ErrorFilter(allowedMethods, settings.translateError, metrics.countError));
  return app;
}

/** On the routes that say so alone: all others keep the app's limit. */
function letBodiesBeLarge(fastify: FastifyInstance, bytesMax: number): void {
  fastify.addHook('onRoute', (route) => {
    if (route.config?.takesLargeBody) route.bodyLimit = bytesMax;
  });
}

/** Node puts the headers in front of an answer that is text, which makes a copy of all of it. */
function sendLongAnswersAsBytes(fastify: FastifyInstance): void {
  fastify.addHook('onSend', (_request, _reply, payload, done) => {
    const isLong = typeof payload === 'string' && payload.length > longAnswerCharacters;
    done(null, isLong ? Buffer.from(payload) : payload);
  });
}

/** On shutdown Node closes what idles at that moment; one whose last answer is still to come would be waited for. */
function closeConnectionsAsTheyIdle(fastify: FastifyInstance): void {
  fastify.addHook('preClose', (done) => {
    const { server } = fastify;
    const timer = setInterval(() => server.closeIdleConnections(), idleCheckMs);
    server.once('close', () => clearInterval(timer));
    timer.unref();
    done();
  });
}
