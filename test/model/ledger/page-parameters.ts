/** Which page of a list is asked for: what every list understands beside filters of its own. */
import { refuseIf } from './refusals.js';

export type Query = Readonly<Record<string, string>>;

export interface PageDraft {
  readonly limit: number;
  /** Null where a cursor is named. */
  readonly number: number | null;
  readonly isCounted: boolean;
}

const names = ['page[page]', 'page[limit]', 'page[cursor]', 'page[total]', 'consistency'];
const rowsByNumberMax = 10_000;
export const currencyParameter = 'currency';

/** All that can be wrong with it whatever the list holds; `others` are parameters that the list has as well. */
export function pageDraft(query: Query, others: readonly string[] = []): PageDraft {
  refuseIf(
    !Object.keys(query).every((name) => names.includes(name) || others.includes(name)),
    'validation_error',
  );
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

/** The filters of a request as one text, which a cursor belongs to. */
export const filtersText = (query: Query): string =>
  JSON.stringify(
    Object.entries(query)
      .filter(([name]) => name.startsWith('filter[') || name === currencyParameter)
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
