import type pg from 'pg';
import type { QueryResultRow } from 'pg';
import {
  decodeCursor,
  exactTotalMax,
  InvalidCursor,
  pageOf,
  rowsBefore,
  totalOf,
  type CursorScope,
  type Page,
  type PageRequest,
  type StatementValues,
} from '#platform';

export interface NewestRows {
  /** Columns under the alias "r". */
  readonly columns: string;
  /** The rows of one ledger, which is $1, under the alias "r", with every condition; each has a position of its own. */
  readonly from: string;
  readonly values: StatementValues;
}

/**
 * A page of what one ledger was told to be, by the positions at which it was told so, newest first. It is written
 * with the journal, so that no projection has to catch up; the head is read in the same statement.
 */
export async function readNewestRows<Row extends QueryResultRow & { readonly position: string }>(
  db: pg.Pool,
  scope: CursorScope,
  { columns, from, values }: NewestRows,
  page: PageRequest,
): Promise<Page<Row>> {
  const skip = rowsBefore(page);
  const before = page.cursor === null ? null : positionOf(decodeCursor(scope, page.cursor));
  const ofAll = [...values.values];
  const after = before === null ? '' : ` AND r.position < ${values.add(before)}`;
  const { rows } = await db.query<{ head: string } & (Row | { position: null })>(
    `SELECT h.position::text AS head, n.* FROM journal.heads h LEFT JOIN LATERAL (
      SELECT ${columns}, r.position AS key ${from}${after}
      ORDER BY r.position DESC OFFSET ${skip} LIMIT ${page.limit + 1}
    ) n ON true WHERE h.ledger_id = $1 ORDER BY n.key DESC`,
    values.values,
  );
  const items = rows.filter((row): row is { head: string } & Row => row.position !== null);
  const total = page.wantsTotal ? await countRows(db, from, ofAll) : undefined;
  const found = { items, end: null, position: BigInt(rows[0]?.head ?? '0') };
  return pageOf<Row>(page, scope, found, ({ position }) => [BigInt(position)], total);
}

async function countRows(db: pg.Pool, from: string, values: unknown[]) {
  const { rows } = await db.query<{ count: number }>(
    `SELECT count(*)::integer AS count FROM (SELECT ${from} LIMIT ${exactTotalMax + 1}) counted`,
    values,
  );
  return totalOf(rows[0]?.count ?? 0, false);
}

function positionOf([position, ...rest]: readonly bigint[]): bigint {
  if (position === undefined || rest.length > 0) throw new InvalidCursor();
  return position;
}
