import type { Progress } from '#domain';
import {
  decodeProgress,
  eventColumnsSql,
  readEventRow,
  type EncodedProgress,
  type EventRow,
  type RecordedEvent,
} from '#journal';
import { firstPositionSql } from '../projections/progress-of-transactions.js';

/** A transaction of a list: the event that made it, and what has become of it since. */
export interface ListedTransaction {
  readonly recorded: RecordedEvent;
  /** How far it has come; null where nothing has happened to it, which is never so of a hold. */
  readonly progress: Progress | null;
  /** Of a capture: how far its hold has come. */
  readonly hold: Progress | null;
}

/**
 * A query of what is listed at a position, for readListedTransaction; $1 is the ledger. OFFSET 0 keeps it a look-up
 * by the position, wherever it is joined.
 */
export function listedTransactionSql(position: string): string {
  return `SELECT ${eventColumnsSql('j')}, t.status, t.progress, t.hold
    FROM journal.events j LEFT JOIN LATERAL (
      SELECT n.status, n.progress, CASE WHEN n.parent_id IS NOT NULL THEN (
        SELECT h.progress FROM projections.transactions h
        WHERE h.ledger_id = $1 AND h.position = ${firstPositionSql('n.parent_id')}
      ) END AS hold
      FROM projections.transactions n WHERE n.ledger_id = $1 AND n.position = ${position} OFFSET 0
    ) t ON true
    WHERE j.ledger_id = $1 AND j.position = ${position} OFFSET 0`;
}

export interface ListedTransactionRow extends EventRow {
  readonly progress: EncodedProgress | null;
  readonly hold: EncodedProgress | null;
}

export function readListedTransaction(row: ListedTransactionRow): ListedTransaction {
  return {
    recorded: readEventRow(row),
    progress: row.progress && decodeProgress(row.progress),
    hold: row.hold && decodeProgress(row.hold),
  };
}
