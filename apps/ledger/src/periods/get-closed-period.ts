import { Inject } from '@nestjs/common';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import type pg from 'pg';
import { microsSql } from '#platform';
import { READ_POOL } from '../database.js';

export interface ClosedPeriod {
  readonly through: string;
  /** Microseconds since 1970, as setAt. */
  readonly closedBefore: bigint;
  readonly position: bigint;
  readonly setAt: bigint;
}

/** Up to when the books of a ledger are closed; null where they never were. */
export class GetClosedPeriod extends Query<ClosedPeriod | null> {
  constructor(readonly ledgerId: string) {
    super();
  }
}

@QueryHandler(GetClosedPeriod)
export class GetClosedPeriodHandler implements IQueryHandler<GetClosedPeriod> {
  constructor(@Inject(READ_POOL) private readonly pool: pg.Pool) {}

  async execute({ ledgerId }: GetClosedPeriod): Promise<ClosedPeriod | null> {
    const { rows } = await this.pool.query<Record<keyof ClosedPeriod, string>>({
      name: 'closed-period',
      text: `SELECT through, ${microsSql('closed_before')} AS "closedBefore", position::text,
          ${microsSql('set_at')} AS "setAt"
        FROM ledger.closed_periods WHERE ledger_id = $1`,
      values: [ledgerId],
    });
    const [row] = rows;
    if (!row) return null;
    return {
      through: row.through,
      closedBefore: BigInt(row.closedBefore),
      position: BigInt(row.position),
      setAt: BigInt(row.setAt),
    };
  }
}
