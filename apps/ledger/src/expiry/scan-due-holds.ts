import type pg from 'pg';
import { microsSql } from '#platform';

export interface DueHold {
  readonly ledgerId: string;
  /** A UUID. */
  readonly transactionId: string;
}

export interface DueHolds {
  /** Oldest first. */
  readonly holds: readonly DueHold[];
  /** How many are due, those that are left out too, up to overdueMax. */
  readonly overdue: number;
  /** How long the oldest of them has been; 0 where there is none. */
  readonly oldestSeconds: number;
}

/** Of holds that are only counted. */
export const overdueMax = 10_000;

/**
 * Open holds whose time has come, by the database's clock, whosever they are; what is found is worked on ledger by
 * ledger. The partial index has open holds with an end alone, in this order; the time is one that stands still while
 * the statement runs, or no index could be asked for it.
 * @param leftOut transactions that are under way, and ledgers that have enough of them
 */
export async function scanDueHolds(
  db: Pick<pg.Pool, 'query'>,
  limit: number,
  leftOut: { readonly transactionIds: readonly string[]; readonly ledgerIds: readonly string[] },
): Promise<DueHolds> {
  const { rows } = await db.query<Row>({
    name: 'scan-due-holds',
    text: `WITH due AS MATERIALIZED (
        SELECT p.ledger_id, p.transaction_id, p.expires_at FROM ledger.transaction_progress p
        WHERE p.status IN ('pending', 'partially_captured') AND p.expires_at <= statement_timestamp()
        ORDER BY p.expires_at LIMIT ${overdueMax}
      )
      SELECT c.overdue, c.oldest, h.ledger_id, h.transaction_id
      FROM (SELECT count(*)::integer AS overdue, ${microsSql('statement_timestamp() - min(expires_at)')} AS oldest FROM due) c
      LEFT JOIN LATERAL (
        SELECT p.ledger_id, p.transaction_id, p.expires_at FROM ledger.transaction_progress p
        WHERE p.status IN ('pending', 'partially_captured') AND p.expires_at <= statement_timestamp()
          AND p.transaction_id <> ALL($2::uuid[]) AND p.ledger_id <> ALL($3::uuid[])
        ORDER BY p.expires_at LIMIT $1
      ) h ON c.overdue > 0
      ORDER BY h.expires_at`,
    values: [limit, leftOut.transactionIds, leftOut.ledgerIds],
  });
  const [first] = rows;
  return {
    holds: rows.flatMap(({ ledger_id: ledgerId, transaction_id: transactionId }) =>
      ledgerId === null || transactionId === null ? [] : [{ ledgerId, transactionId }],
    ),
    overdue: first?.overdue ?? 0,
    oldestSeconds: Number(first?.oldest ?? 0) / 1_000_000,
  };
}

interface Row {
  readonly overdue: number;
  readonly oldest: string | null;
  readonly ledger_id: string | null;
  readonly transaction_id: string | null;
}
