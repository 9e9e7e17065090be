import type { CopiedTable } from './table-copies.js';

/** A row that isn't the same in both; null where one of them lacks it. */
export interface RowDifference {
  readonly table: string;
  readonly read: string | null;
  readonly rebuilt: string | null;
}

export interface ComparedRows {
  readonly table: string;
  readonly ledgerId: string;
  /** Rows of the table that is read, and of the one that was built. */
  readonly read: number;
  readonly rebuilt: number;
  readonly differing: number;
}

interface Pair {
  /** Queries of rows of the table that is read, and of the same rows of the other. */
  readonly read: string;
  readonly rebuilt: string;
}

/**
 * Every column counts. Images are compared first, which costs little; rows whose images differ, such as by the scale of
 * a number, are the same if their texts are.
 */
const differs = `(l.ledger_id IS NULL OR r.ledger_id IS NULL OR (l *<> r AND l::text <> r::text))`;

const pairs = ({ key }: CopiedTable, { read, rebuilt }: Pair): string =>
  `(${read}) l FULL JOIN (${rebuilt}) r USING (${key.join(', ')})`;

export function countsSql(table: CopiedTable, pair: Pair): string {
  return `SELECT ledger_id, count(l.ledger_id)::float8 AS read, count(r.ledger_id)::float8 AS rebuilt,
    count(*) FILTER (WHERE ${differs})::float8 AS differing
    FROM ${pairs(table, pair)} GROUP BY ledger_id ORDER BY ledger_id`;
}

export function differencesSql(table: CopiedTable, pair: Pair, max: number): string {
  return `SELECT CASE WHEN l.ledger_id IS NOT NULL THEN row_to_json(l)::text END AS read,
    CASE WHEN r.ledger_id IS NOT NULL THEN row_to_json(r)::text END AS rebuilt
    FROM ${pairs(table, pair)} WHERE ${differs} ORDER BY ${table.key.join(', ')} LIMIT ${max}`;
}

export interface CountsRow {
  readonly ledger_id: string;
  readonly read: number;
  readonly rebuilt: number;
  readonly differing: number;
}

export interface DifferenceRow {
  readonly read: string | null;
  readonly rebuilt: string | null;
}
