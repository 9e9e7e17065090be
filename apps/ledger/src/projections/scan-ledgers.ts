import type pg from 'pg';
import { isForUnknownEventSql } from './checkpoints.js';

export interface Backlog {
  /** Ledgers that a turn would bring further, or might: whether an unknown event is known here the turn finds out. */
  readonly lagging: readonly string[];
  readonly eventsBehind: number;
  readonly eventsBehindMax: number;
  readonly parkedLedgers: number;
}

const laggingMax = 1_000;

/**
 * Compares all heads with all checkpoints. This file alone reads across ledgers; what it finds is worked on
 * ledger by ledger.
 */
export async function scanBacklog(pool: pg.Pool, projection: string): Promise<Backlog> {
  const { rows } = await pool.query<BacklogRow>({
    name: 'scan-backlog',
    text: `SELECT h.ledger_id, c.parked_reason IS NOT NULL AND NOT ${isForUnknownEventSql('c')} AS is_parked,
        sum(h.position - coalesce(c.position, 0)) OVER ()::text AS events_behind,
        max(h.position - coalesce(c.position, 0)) OVER ()::text AS events_behind_max,
        count(c.parked_reason) OVER ()::text AS parked_ledgers
      FROM journal.heads h
      LEFT JOIN projections.checkpoints c ON c.ledger_id = h.ledger_id AND c.projection = $1
      WHERE h.position > coalesce(c.position, 0)
      ORDER BY is_parked LIMIT ${laggingMax}`,
    values: [projection],
  });
  const [first] = rows;
  return {
    lagging: rows.filter((row) => !row.is_parked).map((row) => row.ledger_id),
    eventsBehind: Number(first?.events_behind ?? 0),
    eventsBehindMax: Number(first?.events_behind_max ?? 0),
    parkedLedgers: Number(first?.parked_ledgers ?? 0),
  };
}

/**
 * Lets ledgers that were parked try again: a later release may know the event, or have mended what failed. One
 * that fails again is parked again, with another line in the log.
 */
export async function retryParked(db: Pick<pg.Pool, 'query'>, projection: string): Promise<void> {
  await db.query({
    name: 'retry-parked',
    text: `UPDATE projections.checkpoints SET parked_reason = NULL
      WHERE projection = $1 AND parked_reason IS NOT NULL`,
    values: [projection],
  });
}

interface BacklogRow {
  readonly ledger_id: string;
  readonly is_parked: boolean;
  readonly events_behind: string;
  readonly events_behind_max: string;
  readonly parked_ledgers: string;
}
