import { Module, type DynamicModule } from '@nestjs/common';
import { getDataSourceToken, TypeOrmModule } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { AccessDatabase, accessDataSource, type AccessDatabaseSettings } from './access-database.js';
import { ApiKeys } from './api-keys.js';
import { Bootstrap } from './bootstrap.js';
import { ClientTokens } from './client-tokens.js';
import { KeyUses } from './key-uses.js';
import { Nonces } from './nonces.js';
import { RateLimits, type RateLimitSettings } from './rate-limits.js';
import { SignedRequests } from './signed-requests.js';
import { TokenKeys } from './token-keys.js';

export interface AccessSettings extends AccessDatabaseSettings, RateLimitSettings {}

/** Keys, ledgers and limits, on connections of their own. */
@Module({})
export class AccessModule {
  static with(settings: AccessSettings): DynamicModule {
    const offered = [AccessDatabase, ApiKeys, Bootstrap, ClientTokens, RateLimits, SignedRequests, TokenKeys];
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
        ClientTokens,
        KeyUses,
        Nonces,
        SignedRequests,
        TokenKeys,
      ],
      exports: offered,
    };
  }
}
