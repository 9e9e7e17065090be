import { Inject } from '@nestjs/common';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import type pg from 'pg';
import { microsSql } from '#platform';
import { READ_POOL } from '../database.js';

/** Now, in microseconds since 1970, by the clock that events are recorded by: after all that was recorded so far. */
export class GetLedgerClock extends Query<bigint> {
  constructor(readonly ledgerId: string) {
    super();
  }
}

@QueryHandler(GetLedgerClock)
export class GetLedgerClockHandler implements IQueryHandler<GetLedgerClock> {
  constructor(@Inject(READ_POOL) private readonly pool: pg.Pool) {}

  async execute({ ledgerId }: GetLedgerClock): Promise<bigint> {
    const now = `greatest(clock_timestamp(), h.recorded_at + interval '1 microsecond')`;
    const { rows } = await this.pool.query<{ now: string }>({
      name: 'ledger-clock',
      text: `SELECT ${microsSql(now)} AS now FROM journal.heads h WHERE h.ledger_id = $1`,
      values: [ledgerId],
    });
    const [row] = rows;
    if (!row) throw new Error(`ledger ${ledgerId} has no journal`);
    return BigInt(row.now);
  }
}
