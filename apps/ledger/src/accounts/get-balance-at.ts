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

/** What was settled on an account at a time. */
export interface BalanceAt {
  readonly account: Pick<Account, 'id' | 'system' | 'currency'>;
  /** Settled credits minus settled debits, in minor units; 0 before the account existed. */
  readonly posted: bigint;
  /** The last position recorded by then; 0 where there was none. */
  readonly position: bigint;
  /** The time asked for, microseconds since 1970. */
  readonly asOf: bigint;
}

/** An account's balance as of a time. Null: there is no such account, or none whose money the reader may ask for. */
export class GetBalanceAt extends Query<BalanceAt | null> {
  constructor(
    readonly ledgerId: string,
    readonly selector: AccountSelector,
    /** Microseconds since 1970, that moment included. */
    readonly at: bigint,
    readonly by: TimeBasis,
    readonly reader: Reader,
  ) {
    super();
  }
}

/** @throws ProjectionLagging where the lists don't reach the head in time */
@QueryHandler(GetBalanceAt)
export class GetBalanceAtHandler implements IQueryHandler<GetBalanceAt> {
  constructor(
    @Inject(READ_POOL) private readonly pool: pg.Pool,
    private readonly waiter: ProjectionWaiter,
  ) {}

  async execute({ ledgerId, selector, at, by, reader }: GetBalanceAt): Promise<BalanceAt | null> {
    await this.waiter.waitFor(listsProjection.name, ledgerId);
    const found = await readBalancesAt(this.pool, ledgerId, selector, [at], by, reader);
    if (!found) return null;
    const { position, posted } = found.balances[0]!;
    const { id, system, currency } = found.account;
    return { account: { id, system, currency }, posted, position, asOf: at };
  }
}
