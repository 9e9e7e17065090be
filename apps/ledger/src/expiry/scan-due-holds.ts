import type pg from 'pg';
import { microsSql } from '#platform';

export interface DueHold {
  readonly ledgerId: string;
  /** A UUID. */
  readonly transactionId: string;
}

/** Transactions that are under way, and ledgers that have enough of them. */
export interface LeftOut {
  readonly transactionIds: readonly string[];
  readonly ledgerIds: readonly string[];
}

export interface DueHolds {
  /** The oldest of each ledger before the second oldest of any. */
  readonly holds: readonly DueHold[];
  /** How many are due, those that are left out too, up to overdueMax. */
  readonly overdue: number;
  /** How long the oldest of them has been; 0 where there is none. */
  readonly oldestSeconds: number;
}

/** How many a scan reads. While no more are due than this, it sees all of them. */
export const overdueMax = 10_000;

/**
 * Open holds whose time has come, by the database's clock, whosever they are; what is found is worked on ledger by
 * ledger. The partial index has open holds with an end alone, in this order; the time is one that stands still while
 * the statement runs, or no index could be asked for it. Where overdueMax are due, there may be ledgers of which
 * this sees nothing: `walkDueHolds` finds theirs.
 */
export async function scanDueHolds(
  db: Pick<pg.Pool, 'query'>,
  limit: number,
  leftOut: LeftOut,
): Promise<DueHolds> {
  const { rows } = await db.query<DueRow>({
    name: 'scan-due-holds',
    text: `WITH due AS MATERIALIZED (
        SELECT p.ledger_id, p.transaction_id, p.expires_at FROM ledger.transaction_progress p
        WHERE p.status IN ('pending', 'partially_captured') AND p.expires_at <= statement_timestamp()
        ORDER BY p.expires_at LIMIT ${overdueMax}
      )
      SELECT c.overdue, c.oldest, h.ledger_id, h.transaction_id
      FROM (SELECT count(*)::integer AS overdue, ${microsSql('statement_timestamp() - min(expires_at)')} AS oldest FROM due) c
      LEFT JOIN LATERAL (
        SELECT d.ledger_id, d.transaction_id, d.expires_at,
          row_number() OVER (PARTITION BY d.ledger_id ORDER BY d.expires_at) AS turn
        FROM due d
        WHERE d.transaction_id <> ALL($2::uuid[]) AND d.ledger_id <> ALL($3::uuid[])
        ORDER BY turn, d.expires_at LIMIT $1
      ) h ON c.overdue > 0
      ORDER BY h.turn, h.expires_at`,
    values: [limit, leftOut.transactionIds, leftOut.ledgerIds],
  });
  const [first] = rows;
  return {
    holds: rows.flatMap(holdsOf),
    overdue: first?.overdue ?? 0,
    oldestSeconds: Number(first?.oldest ?? 0) / 1_000_000,
  };
}

/** Before the first ledger. */
export const walkStart = '00000000-0000-0000-0000-000000000000';

const walkedLedgersMax = 500;
const walkedPerLedgerMax = 50;

export interface WalkedHolds {
  /** The oldest of each ledger before the second oldest of any. */
  readonly holds: readonly DueHold[];
  /** Where the next walk begins. */
  readonly next: string;
}

/**
 * The same by each ledger's own clock, which never goes back, although the database's may have been set so. Of
 * `walkedLedgersMax` ledgers that have open holds with an end, from one on, and in turn; of each it reads no more
 * than those left out and a few, however many are due.
 */
export async function walkDueHolds(
  db: Pick<pg.Pool, 'query'>,
  after: string,
  limit: number,
  leftOut: LeftOut,
): Promise<WalkedHolds> {
  const nextLedger = (than: string) => `SELECT p.ledger_id FROM ledger.transaction_progress p
      WHERE p.status IN ('pending', 'partially_captured') AND p.expires_at IS NOT NULL AND p.ledger_id > ${than}
      ORDER BY p.ledger_id, p.expires_at LIMIT 1`;
  const { rows } = await db.query<WalkRow>({
    name: 'walk-due-holds',
    text: `WITH RECURSIVE walked AS (
        SELECT f.ledger_id, 1 AS number FROM (${nextLedger('$4')}) f
        UNION ALL
        SELECT n.ledger_id, w.number + 1 FROM walked w CROSS JOIN LATERAL (${nextLedger('w.ledger_id')}) n
        WHERE w.number < ${walkedLedgersMax}
      ), found AS (
        SELECT w.ledger_id, d.transaction_id, d.expires_at,
          row_number() OVER (PARTITION BY w.ledger_id ORDER BY d.expires_at) AS turn
        FROM walked w JOIN journal.heads h ON h.ledger_id = w.ledger_id
        CROSS JOIN LATERAL (
          SELECT p.transaction_id, p.expires_at FROM ledger.transaction_progress p
          WHERE p.ledger_id = w.ledger_id AND p.status IN ('pending', 'partially_captured')
            AND p.expires_at <= greatest(statement_timestamp(), h.recorded_at)
            AND p.transaction_id <> ALL($2::uuid[])
          ORDER BY p.ledger_id, p.expires_at LIMIT ${walkedPerLedgerMax}
        ) d
        WHERE w.ledger_id <> ALL($3::uuid[])
      )
      SELECT l.ledger_id AS last, l.number, h.ledger_id, h.transaction_id
      FROM (SELECT ledger_id, number FROM walked ORDER BY number DESC LIMIT 1) l
      LEFT JOIN LATERAL (
        SELECT f.ledger_id, f.transaction_id, f.turn, f.expires_at FROM found f ORDER BY f.turn, f.expires_at LIMIT $1
      ) h ON true
      ORDER BY h.turn, h.expires_at`,
    values: [limit, leftOut.transactionIds, leftOut.ledgerIds, after],
  });
  const [first] = rows;
  const isCutOff = first !== undefined && first.number === walkedLedgersMax;
  return { holds: rows.flatMap(holdsOf), next: isCutOff ? first.last : walkStart };
}

interface HoldRow {
  readonly ledger_id: string | null;
  readonly transaction_id: string | null;
}

interface DueRow extends HoldRow {
  readonly overdue: number;
  readonly oldest: string | null;
}

interface WalkRow extends HoldRow {
  readonly last: string;
  readonly number: number;
}

function holdsOf({ ledger_id: ledgerId, transaction_id: transactionId }: HoldRow): DueHold[] {
  return ledgerId === null || transactionId === null ? [] : [{ ledgerId, transactionId }];
}
