import { Inject } from '@nestjs/common';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import type pg from 'pg';
import type { Reader } from '#contracts';
import type { Account } from '#domain';
import { READ_POOL } from '../database.js';
import { listsProjection } from '../projections/lists-projection.js';
import { ProjectionWaiter } from '../projections/projection-waiter.js';
import { readBalancesAt, type TimeBasis } from './balances-at.js';
import type { AccountSelector } from './get-account.js';
import { linesByEffectiveTime, linesByRecordedTime, type StatementLine } from './statement-lines.js';

export interface Statement {
  readonly account: Pick<Account, 'id' | 'system' | 'currency'>;
  readonly openingBalance: bigint;
  /** The opening balance and all lines; known before the first of them. */
  readonly closingBalance: bigint;
  /** How far what it is read from had come when it was asked for: no line is from after it. */
  readonly position: bigint;
  /** Oldest first, read page by page as they are asked for; to be gone through once. */
  readonly lines: AsyncIterable<StatementLine>;
}

/** Microseconds since 1970: `from` is included, `to` is not; `from` is not after `to`. */
export interface StatementPeriod {
  readonly from: bigint;
  readonly to: bigint;
}

/** What happened on an account in a period. Null: there is no such account, or its money isn't the reader's to see. */
export class GetStatement extends Query<Statement | null> {
  constructor(
    readonly ledgerId: string,
    readonly selector: AccountSelector,
    readonly period: StatementPeriod,
    readonly by: TimeBasis,
    readonly reader: Reader,
  ) {
    super();
  }
}

/** @throws ProjectionLagging where the lists don't reach the head in time */
@QueryHandler(GetStatement)
export class GetStatementHandler implements IQueryHandler<GetStatement> {
  constructor(
    @Inject(READ_POOL) private readonly pool: pg.Pool,
    private readonly waiter: ProjectionWaiter,
  ) {}

  /**
   * Nothing is held open while the lines are read: what is recorded after the checkpoint comes into no page, and
   * what was recorded before it never changes.
   */
  async execute({ ledgerId, selector, period, by, reader }: GetStatement): Promise<Statement | null> {
    await this.waiter.waitFor(listsProjection.name, ledgerId);
    const { from, to } = period;
    const times = [from - 1n, to - 1n];
    const found = await readBalancesAt(this.pool, ledgerId, selector, times, by, reader);
    if (!found) return null;
    const { id, system, currency } = found.account;
    const [opening, closing] = found.balances as [
      (typeof found.balances)[number],
      (typeof found.balances)[number],
    ];
    const source = { db: this.pool, ledgerId, accountId: id };
    // Positions go with recorded times: after the last one before the period, up to the last one in it.
    const recorded = { after: opening.position, upTo: closing.position };
    return {
      account: { id, system, currency },
      openingBalance: opening.posted,
      closingBalance: closing.posted,
      position: found.checkpoint,
      lines:
        by === 'recorded'
          ? linesByRecordedTime(source, recorded)
          : linesByEffectiveTime(source, recorded, { ...period, upTo: found.checkpoint }, opening.posted),
    };
  }
}
