import { Inject } from '@nestjs/common';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import type pg from 'pg';
import { readTransactionEvents, type RecordedEvent } from '#journal';
import { READ_POOL } from '../database.js';

/** A transaction's events, oldest first, straight from the journal: no projection has to catch up. */
export class GetTransaction extends Query<readonly RecordedEvent[]> {
  constructor(
    readonly ledgerId: string,
    readonly transactionId: string,
  ) {
    super();
  }
}

@QueryHandler(GetTransaction)
export class GetTransactionHandler implements IQueryHandler<GetTransaction> {
  constructor(@Inject(READ_POOL) private readonly pool: pg.Pool) {}

  execute({ ledgerId, transactionId }: GetTransaction): Promise<readonly RecordedEvent[]> {
    return readTransactionEvents(this.pool, ledgerId, transactionId);
  }
}
