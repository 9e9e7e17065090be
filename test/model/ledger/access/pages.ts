/** Lists of what is administered: the newest first, pages by number or by cursor. */
import { filtersText, type PageDraft } from '../page-parameters.js';
import { refuseIf } from '../refusals.js';
import type { AccessCursor, AccessRequest, Decision } from './requests.js';

interface Listed<Row> {
  /** All that there have been, the oldest first. */
  readonly rows: readonly Row[];
  readonly isShown: (row: Row, number: number) => boolean;
  readonly show: (row: Row, number: number) => unknown;
}

/** A cursor is good for the same list with the same filters. */
export function checkCursor(request: AccessRequest, list: string): void {
  const { query, cursor } = request;
  const isForeign = cursor?.list !== list || cursor.filters !== filtersText(query);
  refuseIf(query['page[cursor]'] !== undefined && isForeign, 'invalid_cursor');
}

export function page<Row>(
  { query, cursor }: AccessRequest,
  { limit, number, isCounted }: PageDraft,
  list: string,
  { rows, isShown, show }: Listed<Row>,
): Decision {
  const shown = rows.map((row, n) => ({ row, n })).filter(({ row, n }) => isShown(row, n));
  const rest = number === null ? shown.filter(({ n }) => n < cursor!.before) : shown;
  const from = number === null ? 0 : (number - 1) * limit;
  const found = rest.toReversed().slice(from, from + limit);
  const hasMore = rest.length > from + limit;
  const next: AccessCursor | undefined = hasMore
    ? { list, filters: filtersText(query), before: found.at(-1)!.n }
    : undefined;
  const told = { limit, number, hasMore, ...(isCounted ? { total: shown.length } : {}) };
  const data = found.map(({ row, n }) => show(row, n));
  return { status: 200, body: { data, page: told }, ...(next === undefined ? {} : { next }) };
}
