/** Lists of what is administered: the newest first, pages by number or by cursor. */
import { checkText } from '../bodies.js';
import { refuseIf } from '../refusals.js';
import type { AccessCursor, AccessRequest, Decision } from './requests.js';

type Query = AccessRequest['query'];

interface PageDraft {
  readonly limit: number;
  readonly number: number | null;
  readonly isCounted: boolean;
}

const pageParameters = ['page[page]', 'page[limit]', 'page[cursor]', 'page[total]', 'consistency'];
const rowsByNumberMax = 10_000;

/** All that can be wrong with it whatever the list holds. */
export function pageDraft({ query }: AccessRequest, filters: readonly string[] = []): PageDraft {
  Object.entries(query).forEach(checkText);
  const isKnown = (name: string) => pageParameters.includes(name) || filters.includes(name);
  refuseIf(!Object.keys(query).every(isKnown), 'validation_error');
  checkChoice(query, 'page[total]', ['true', 'false']);
  checkChoice(query, 'consistency', ['strong', 'eventual']);
  const limit = wholeNumber(query['page[limit]'] ?? '20', 100);
  const number = wholeNumber(query['page[page]'] ?? '1', Infinity);
  const isNamed = query['page[cursor]'] !== undefined;
  refuseIf(isNamed && query['page[page]'] !== undefined, 'validation_error');
  refuseIf(number * limit > rowsByNumberMax, 'page_too_deep');
  return { limit, number: isNamed ? null : number, isCounted: query['page[total]'] === 'true' };
}

function checkChoice(query: Query, name: string, choices: readonly string[]): void {
  const value = query[name];
  refuseIf(value !== undefined && !choices.includes(value), 'validation_error');
}

function wholeNumber(text: string, most: number): number {
  refuseIf(!/^[1-9]\d*$/.test(text) || Number(text) > most, 'validation_error');
  return Number(text);
}

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

const filtersText = (query: Query): string =>
  JSON.stringify(
    Object.entries(query)
      .filter(([name]) => name.startsWith('filter['))
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
