import { Module, type DynamicModule } from '@nestjs/common';
import { getDataSourceToken, TypeOrmModule } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { AccessDatabase, accessDataSource, type AccessDatabaseSettings } from './access-database.js';
import { ApiKeys } from './api-keys.js';
import { Bootstrap } from './bootstrap.js';
import { KeyUses } from './key-uses.js';
import { RateLimits, type RateLimitSettings } from './rate-limits.js';

export interface AccessSettings extends AccessDatabaseSettings, RateLimitSettings {}

/** Keys, ledgers and limits, on connections of their own. */
@Module({})
export class AccessModule {
  static with(settings: AccessSettings): DynamicModule {
    const offered = [AccessDatabase, ApiKeys, Bootstrap, RateLimits];
    return {
      module: AccessModule,
      imports: [TypeOrmModule.forRoot({ ...accessDataSource(settings), retryAttempts: 0 })],
      providers: [
        {
          provide: AccessDatabase,
          useFactory: (source: DataSource) => new AccessDatabase(source, settings),
          inject: [getDataSourceToken()],
        },
        { provide: RateLimits, useFactory: () => new RateLimits(settings) },
        ApiKeys,
        Bootstrap,
        KeyUses,
      ],
      exports: offered,
    };
  }
}
