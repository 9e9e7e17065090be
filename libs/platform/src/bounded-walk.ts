import { examinedRowsMax } from './pages.js';

/**
 * A list read in its own order, row by row from one index: a page ends when it is full or when
 * examinedRowsMax rows have been looked at, whatever the filters are and however few rows pass them.
 */
export interface WalkedRows {
  /** A query of rows without order or limit; one index gives them in the order of the key, read backwards. */
  readonly driver: string;
  /** Its key column: a number of which each row has its own. */
  readonly key: string;
  /** SQL on the driver's columns, under the alias "e"; null where every row passes. */
  readonly condition: string | null;
}

/** The keys of a page and of one row more, newest first. It streams: a page that fills early reads no further. */
export function walkSql(
  rows: WalkedRows,
  skip: number,
  limit: number,
  examinedMax = examinedRowsMax,
): string {
  return `SELECT e.${rows.key} AS key FROM (${examinedSql(rows, examinedMax)}) e
    WHERE ${rows.condition ?? 'true'} ORDER BY e.${rows.key} DESC OFFSET ${skip} LIMIT ${limit + 1}`;
}

/** The key of the last row that a walk may look at; no row where it comes to the end of the list before. */
export function walkEndSql(
  { driver, key }: Pick<WalkedRows, 'driver' | 'key'>,
  examinedMax = examinedRowsMax,
): string {
  return `SELECT d.${key} AS key FROM (${driver}) d ORDER BY d.${key} DESC OFFSET ${examinedMax - 1} LIMIT 1`;
}

/** How many rows pass, up to `max`, of those that may be looked at. */
export function countSql(rows: WalkedRows, max: number): string {
  return `SELECT count(*)::integer AS count FROM (
    SELECT FROM (${examinedSql(rows, examinedRowsMax)}) e WHERE ${rows.condition ?? 'true'} LIMIT ${max}) c`;
}

function examinedSql({ driver, key }: WalkedRows, examinedMax: number): string {
  return `SELECT d.* FROM (${driver}) d ORDER BY d.${key} DESC LIMIT ${examinedMax}`;
}
