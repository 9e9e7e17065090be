import { Module, type DynamicModule } from '@nestjs/common';
import type pg from 'pg';
import type { Registry } from 'prom-client';
import { AccessModule } from '#access';
import type { EventStream } from '#event-stream';
import { operationsController } from '#openapi';
import { Readiness, REGISTRY, SecretBox, type Log } from '#platform';
import { migrations } from '../../../migrations/index.js';
import type { DispatcherSettings } from './config.js';
import { API_POOL, EVENT_STREAM } from './database.js';
import { WebhookDeliveriesController } from './deliveries/deliveries.controller.js';
import type { EndpointUrlRules } from './delivery/endpoint-url.js';
import { WebhookEndpointsController } from './endpoints/endpoints.controller.js';
import { EndpointTester } from './endpoints/test-endpoint.js';
import { URL_RULES } from './endpoints/url-rules.js';
import { EventTypesController } from './event-types/event-types.controller.js';
import { Documented } from './http/documented.js';

/** What the module hands to its controllers; dispatcher-app.ts makes the parts, and ends them in order. */
export interface DispatcherParts {
  readonly registry: Registry;
  readonly logger: Log['logger'];
  readonly pool: pg.Pool;
  readonly stream: EventStream;
  readonly rules: EndpointUrlRules;
  readonly secrets: SecretBox;
  readonly tester: EndpointTester;
}

const migrationNames = migrations.map(({ name }) => name);
const OperationsController = operationsController(Documented);

/** All that has routes. */
export const controllers = [
  WebhookEndpointsController,
  WebhookDeliveriesController,
  EventTypesController,
  OperationsController,
];

@Module({})
export class AppModule {
  static with(settings: DispatcherSettings, parts: DispatcherParts): DynamicModule {
    return {
      module: AppModule,
      imports: [
        AccessModule.with({
          url: settings.DISPATCHER_DATABASE_URL,
          applicationName: 'dispatcher-access',
          secretsKey: settings.SECRETS_KEY,
          rateLimitStore: settings.RATE_LIMIT_STORE,
          registry: parts.registry,
          logger: parts.logger,
        }),
      ],
      controllers,
      providers: [
        { provide: REGISTRY, useValue: parts.registry },
        { provide: API_POOL, useValue: parts.pool },
        { provide: EVENT_STREAM, useValue: parts.stream },
        { provide: URL_RULES, useValue: parts.rules },
        { provide: SecretBox, useValue: parts.secrets },
        { provide: EndpointTester, useValue: parts.tester },
        { provide: Readiness, useValue: new Readiness(parts.pool, migrationNames) },
      ],
    };
  }
}
