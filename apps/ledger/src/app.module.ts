import { Module, type DynamicModule } from '@nestjs/common';
import { CqrsModule } from '@nestjs/cqrs';
import type pg from 'pg';
import type { Registry } from 'prom-client';
import { AccessModule } from '#access';
import { Journal } from '#journal';
import { operationsController } from '#openapi';
import { Readiness, REGISTRY, type Log } from '#platform';
import { migrations } from '../../../migrations/index.js';
import { AccountsController } from './accounts/accounts.controller.js';
import { CloseAccountHandler } from './accounts/close-account.js';
import { GetAccountHandler } from './accounts/get-account.js';
import { GetBalanceAtHandler } from './accounts/get-balance-at.js';
import { GetLedgerClockHandler } from './accounts/get-ledger-clock.js';
import { GetStatementHandler } from './accounts/get-statement.js';
import { ListAccountsHandler } from './accounts/list-accounts.js';
import { ListEntriesHandler } from './accounts/list-entries.js';
import { OpenAccountHandler } from './accounts/open-account.js';
import { StatementsController } from './accounts/statements.controller.js';
import { UpdateAccountHandler } from './accounts/update-account.js';
import { ApiKeysController } from './api-keys/api-keys.controller.js';
import { AuditLogController } from './audit-log/audit-log.controller.js';
import { ClientTokensController } from './client-tokens/client-tokens.controller.js';
import type { LedgerSettings } from './config.js';
import { AddCurrencyHandler } from './currencies/add-currency.js';
import { CurrenciesController } from './currencies/currencies.controller.js';
import { ListCurrenciesHandler } from './currencies/list-currencies.js';
import { READ_POOL } from './database.js';
import { ExchangeRatesController } from './exchange-rates/exchange-rates.controller.js';
import { ListExchangeRatesHandler } from './exchange-rates/list-exchange-rates.js';
import { SetExchangeRateHandler } from './exchange-rates/set-exchange-rate.js';
import { Documented } from './http/documented.js';
import { GetTrialBalanceHandler } from './journal/get-trial-balance.js';
import { JournalController } from './journal/journal.controller.js';
import { ListEventsHandler } from './journal/list-events.js';
import { OrganizationsController } from './organizations/organizations.controller.js';
import { ClosePeriodHandler } from './periods/close-period.js';
import { GetClosedPeriodHandler } from './periods/get-closed-period.js';
import { PeriodsController } from './periods/periods.controller.js';
import { ProjectionWaiter } from './projections/projection-waiter.js';
import { BatchesController } from './transactions/batches.controller.js';
import { BurnHandler } from './transactions/burn.js';
import { CaptureHoldHandler } from './transactions/capture-hold.js';
import { CreateBatchHandler } from './transactions/create-batch.js';
import { CreateTransactionHandler } from './transactions/create-transaction.js';
import { ExtendHoldHandler } from './transactions/extend-hold.js';
import { GetTransactionHandler } from './transactions/get-transaction.js';
import { HoldsController } from './transactions/holds.controller.js';
import { ListTransactionsHandler } from './transactions/list-transactions.js';
import { MintHandler } from './transactions/mint.js';
import { ReversalsController } from './transactions/reversals.controller.js';
import { ReverseTransactionHandler } from './transactions/reverse-transaction.js';
import { TransactionsController } from './transactions/transactions.controller.js';
import { VoidHoldHandler } from './transactions/void-hold.js';

const migrationNames = migrations.map(({ name }) => name);
const OperationsController = operationsController(Documented);

/** All that has routes. */
export const controllers = [
  AccountsController,
  StatementsController,
  TransactionsController,
  BatchesController,
  HoldsController,
  ReversalsController,
  ExchangeRatesController,
  CurrenciesController,
  PeriodsController,
  JournalController,
  ApiKeysController,
  ClientTokensController,
  OrganizationsController,
  AuditLogController,
  OperationsController,
];

const handlers = [
  OpenAccountHandler,
  UpdateAccountHandler,
  CloseAccountHandler,
  CreateTransactionHandler,
  MintHandler,
  BurnHandler,
  CreateBatchHandler,
  CaptureHoldHandler,
  VoidHoldHandler,
  ExtendHoldHandler,
  ReverseTransactionHandler,
  SetExchangeRateHandler,
  AddCurrencyHandler,
  ClosePeriodHandler,
  GetAccountHandler,
  GetBalanceAtHandler,
  GetLedgerClockHandler,
  GetStatementHandler,
  ListAccountsHandler,
  ListEntriesHandler,
  GetTransactionHandler,
  ListTransactionsHandler,
  ListEventsHandler,
  GetTrialBalanceHandler,
  ListExchangeRatesHandler,
  ListCurrenciesHandler,
  GetClosedPeriodHandler,
];

/** What the module hands to its controllers and handlers; main.ts makes the parts, and ends them in order. */
export interface LedgerParts {
  readonly registry: Registry;
  readonly logger: Log['logger'];
  readonly readPool: pg.Pool;
  readonly journal: Journal;
  readonly projectionWaiter: ProjectionWaiter;
}

@Module({})
export class AppModule {
  static with(settings: LedgerSettings, parts: LedgerParts): DynamicModule {
    const isApi = settings.LEDGER_ROLE !== 'worker';
    return {
      module: AppModule,
      imports: [
        CqrsModule.forRoot(),
        AccessModule.with({
          url: settings.LEDGER_DATABASE_URL,
          applicationName: 'ledger-access',
          secretsKey: settings.SECRETS_KEY,
          rateLimitStore: settings.RATE_LIMIT_STORE,
          registry: parts.registry,
          logger: parts.logger,
        }),
      ],
      controllers: isApi ? controllers : [OperationsController],
      providers: [
        { provide: REGISTRY, useValue: parts.registry },
        { provide: READ_POOL, useValue: parts.readPool },
        { provide: Journal, useValue: parts.journal },
        { provide: ProjectionWaiter, useValue: parts.projectionWaiter },
        { provide: Readiness, useValue: new Readiness(parts.readPool, migrationNames) },
        ...(isApi ? handlers : []),
      ],
    };
  }
}
