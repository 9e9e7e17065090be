import {
  decodeCursor,
  exactTotalMax,
  keyOfUuid,
  pageOf,
  rowsBefore,
  totalOf,
  uuidOfKey,
  type CursorScope,
  type Page,
  type PageRequest,
} from '#platform';
import type { Database } from './access-database.js';

export interface ListedRows {
  readonly columns: string;
  /** From FROM on, with every condition. */
  readonly from: string;
  readonly values: readonly unknown[];
}

/** A page of rows whose ids are UUIDv7, newest first. Of the journal nothing is read: the position is 0. */
export async function pageOfRows<Row extends { readonly id: string }>(
  db: Database,
  scope: CursorScope,
  { columns, from, values }: ListedRows,
  page: PageRequest,
): Promise<Page<Row>> {
  const skip = rowsBefore(page);
  const before = page.cursor === null ? null : uuidOfKey(decodeCursor(scope, page.cursor));
  const after = before === null ? '' : ` AND id < $${values.length + 1}`;
  const items = await db.query<Row>(
    `SELECT ${columns} ${from}${after} ORDER BY id DESC OFFSET ${skip} LIMIT ${page.limit + 1}`,
    [...values, ...(before === null ? [] : [before])],
  );
  const counted = page.wantsTotal
    ? await db.query<{ count: number }>(
        `SELECT count(*)::integer AS count FROM (SELECT ${from} LIMIT ${exactTotalMax + 1}) counted`,
        [...values],
      )
    : [];
  const total = counted[0] && totalOf(counted[0].count, false);
  return pageOf(page, scope, { items, end: null, position: 0n }, ({ id }) => keyOfUuid(id), total);
}
