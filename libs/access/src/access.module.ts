import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { ApiKeys } from './api-keys.js';
import { Bootstrap } from './bootstrap.js';
import { ApiKey, ApiKeySecret, Ledger } from './entities.js';

const connectionsMax = 4;

/** Keys and ledgers, on connections of their own. */
@Module({})
export class AccessModule {
  static forDatabase(url: string, applicationName: string) {
    return {
      module: AccessModule,
      imports: [
        TypeOrmModule.forRoot({
          type: 'postgres',
          url,
          entities: [Ledger, ApiKey, ApiKeySecret],
          applicationName,
          poolSize: connectionsMax,
          retryAttempts: 0,
          synchronize: false,
          migrationsRun: false,
        }),
      ],
      providers: [ApiKeys, Bootstrap],
      exports: [ApiKeys, Bootstrap],
    };
  }
}
