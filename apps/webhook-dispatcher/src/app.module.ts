import { Module, type DynamicModule } from '@nestjs/common';
import type pg from 'pg';
import type { Registry } from 'prom-client';
import { AccessModule } from '#access';
import { operationsController } from '#openapi';
import { Readiness, REGISTRY } from '#platform';
import { migrations } from '../../../migrations/index.js';
import { API_POOL } from './database.js';
import type { DispatcherSettings } from './config.js';
import { Documented } from './http/documented.js';

/** What the module hands to its controllers; dispatcher-app.ts makes the parts, and ends them in order. */
export interface DispatcherParts {
  readonly registry: Registry;
  readonly pool: pg.Pool;
}

const migrationNames = migrations.map(({ name }) => name);
const OperationsController = operationsController(Documented);

@Module({})
export class AppModule {
  static with(settings: DispatcherSettings, parts: DispatcherParts): DynamicModule {
    return {
      module: AppModule,
      imports: [AccessModule.forDatabase(settings.DISPATCHER_DATABASE_URL, 'dispatcher-access')],
      controllers: [OperationsController],
      providers: [
        { provide: REGISTRY, useValue: parts.registry },
        { provide: API_POOL, useValue: parts.pool },
        { provide: Readiness, useValue: new Readiness(parts.pool, migrationNames) },
      ],
    };
  }
}
