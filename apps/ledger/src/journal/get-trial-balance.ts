import { Inject } from '@nestjs/common';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import type pg from 'pg';
import type { TimeBasis } from '../accounts/balances-at.js';
import { READ_POOL } from '../database.js';
import { listsProjection } from '../projections/lists-projection.js';
import { findPositionBounds } from '../projections/position-bounds.js';
import { ProjectionWaiter } from '../projections/projection-waiter.js';

export interface TrialBalanceLine {
  readonly currency: string;
  readonly debits: bigint;
  readonly credits: bigint;
  readonly accounts: number;
}

export interface TrialBalance {
  readonly lines: readonly TrialBalanceLine[];
  readonly position: bigint;
}

/** Per currency, all that was ever debited and credited: the two are equal, or the ledger is broken. */
export class GetTrialBalance extends Query<TrialBalance> {
  constructor(
    readonly ledgerId: string,
    /** Microseconds since 1970, that moment included; null: now, when the two times come to the same. */
    readonly at: bigint | null,
    readonly by: TimeBasis,
  ) {
    super();
  }
}

@QueryHandler(GetTrialBalance)
export class GetTrialBalanceHandler implements IQueryHandler<GetTrialBalance> {
  constructor(
    @Inject(READ_POOL) private readonly pool: pg.Pool,
    private readonly waiter: ProjectionWaiter,
  ) {}

  async execute({ ledgerId, at, by }: GetTrialBalance): Promise<TrialBalance> {
    if (at !== null) await this.waiter.waitFor(listsProjection.name, ledgerId);
    const rows =
      at === null ? await sumAccounts(this.pool, ledgerId) : await sumEntries(this.pool, ledgerId, at, by);
    const lines = rows.flatMap(({ currency, debits, credits, accounts }) =>
      currency === null ? [] : [{ currency, debits: BigInt(debits), credits: BigInt(credits), accounts }],
    );
    return { lines, position: BigInt(rows[0]?.position ?? '0') };
  }
}

interface SumRow {
  readonly position: string;
  readonly currency: string | null;
  readonly debits: string;
  readonly credits: string;
  readonly accounts: number;
}

async function sumAccounts(pool: pg.Pool, ledgerId: string): Promise<readonly SumRow[]> {
  const { rows } = await pool.query<SumRow>({
    name: 'trial-balance',
    text: `SELECT h.position::text, s.* FROM journal.heads h LEFT JOIN LATERAL (
        SELECT currency, sum(posted_debits)::text AS debits, sum(posted_credits)::text AS credits,
          count(*)::int AS accounts
        FROM ledger.accounts WHERE ledger_id = $1 GROUP BY currency
      ) s ON true WHERE h.ledger_id = $1 ORDER BY s.currency`,
    values: [ledgerId],
  });
  return rows;
}

/**
 * The same sums of the entries up to the last event that was recorded by then; by effective time, also of those that
 * were recorded later and took effect by then, on accounts that may have been opened later as well. Whichever it is,
 * an event counts with all of its legs or with none, so that debits and credits stay equal.
 */
async function sumEntries(
  pool: pg.Pool,
  ledgerId: string,
  at: bigint,
  by: TimeBasis,
): Promise<readonly SumRow[]> {
  const { before } = await findPositionBounds(pool, ledgerId, { lte: at });
  const { rows } = await pool.query<SumRow>({
    name: `trial-balance-at-${by}`,
    text: `SELECT c.position::text, s.* FROM (
        SELECT least(coalesce(max(p.position), 0), $2::bigint - 1) AS position FROM projections.checkpoints p
        WHERE p.ledger_id = $1 AND p.projection = '${listsProjection.name}'
      ) c LEFT JOIN LATERAL (
        SELECT a.currency, coalesce(sum(e.debits), 0)::text AS debits, coalesce(sum(e.credits), 0)::text AS credits,
          count(*)::int AS accounts
        FROM ledger.accounts a CROSS JOIN LATERAL (
          SELECT sum(n.amount) FILTER (WHERE n.direction = 'debit') AS debits,
            sum(n.amount) FILTER (WHERE n.direction = 'credit') AS credits
          FROM (${countedSql[by]}) n
        ) e
        WHERE a.ledger_id = $1 AND (a.opened_position <= c.position OR e.debits > 0 OR e.credits > 0)
        GROUP BY a.currency
      ) s ON true ORDER BY s.currency`,
    values: by === 'recorded' ? [ledgerId, before] : [ledgerId, before, at],
  });
  return rows;
}

const recordedSql = `SELECT direction, amount FROM projections.entries
  WHERE ledger_id = $1 AND account_id = a.id AND position <= c.position`;

const countedSql: Readonly<Record<TimeBasis, string>> = {
  recorded: recordedSql,
  effective: `${recordedSql}
    UNION ALL SELECT direction, amount FROM projections.backdated_legs
    WHERE ledger_id = $1 AND account_id = a.id AND position > c.position
      AND effective_at <= timestamptz 'epoch' + $3::bigint * interval '1 microsecond'`,
};
