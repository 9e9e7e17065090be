/** The lists: filters, the newest first, pages by number or by cursor. */
import { readAmount } from './amounts.js';
import type { AccountRecord, Books, Posting, TransactionRecord } from './books.js';
import { isAccountId, isCurrencyCode, textOf } from './bodies.js';
import { mayCredit, owns, sees, type Caller } from './callers.js';
import { seenAccount } from './accounts.js';
import { systemKey } from './movements.js';
import { currencyParameter, filtersText, pageDraft, type PageDraft, type Query } from './page-parameters.js';
import { refuse, refuseIf } from './refusals.js';
import { isHidden } from './seen.js';
import { seenTransaction, shownEntry, shownParty } from './shown.js';
import { readTime } from './times.js';

/** Where a page ended, as who has seen it knows: a cursor itself tells nothing. */
export interface Cursor {
  readonly path: string;
  readonly filters: string;
  /** Whose lists it goes on with: null for those of callers who see all. */
  readonly ownerId: string | null;
  readonly after: string | number;
}

export interface Page {
  readonly status: 200;
  readonly body: { readonly data: readonly unknown[]; readonly meta: unknown };
}

interface List<Row> {
  readonly rows: readonly Row[];
  readonly filters: Readonly<Record<string, (text: string) => (row: Row) => boolean>>;
  readonly show: (row: Row) => unknown;
  /** Grows from row to row, in the order in which they were written. */
  readonly sortKey: (row: Row) => string | number;
}

/** What a list is asked for, and by whom. */
export interface ListRequest {
  readonly path: string;
  readonly query: Query;
  readonly caller: Caller;
}

/** Of rates and currencies everybody sees the same. */
export const ownerOfCursor = (path: string, { ownerId }: Caller): string | null =>
  /^\/v1\/(accounts|transactions)/.test(path) ? ownerId : null;

/** `cursor` is what is known of the one that the request names: undefined for one that nobody was given. */
export function listPage(books: Books, request: ListRequest, cursor: Cursor | undefined): Page {
  const { path, query, caller } = request;
  const list = listOf(books, request);
  const { limit, number, isCounted } = checkParameters(list.filters, path, query);
  const named = query['page[cursor]'];
  if (path.endsWith('/entries')) checkPath(path, query);
  checkNames(caller, query);
  const isForeign =
    cursor?.path !== path ||
    cursor.filters !== filtersText(query) ||
    cursor.ownerId !== ownerOfCursor(path, caller);
  refuseIf(named !== undefined && isForeign, 'invalid_cursor');
  const matches = Object.entries(query)
    .filter(([name]) => name in list.filters)
    .map(([name, text]) => list.filters[name]!(text));
  if (path.endsWith('/entries')) moneyInPath(books, request);
  const all = list.rows.filter((row) => matches.every((isMatch) => isMatch(row))).reverse();
  const rest = named === undefined ? all : all.filter((row) => list.sortKey(row) < cursor!.after);
  const from = number === null ? 0 : (number - 1) * limit;
  const shown = rest.slice(from, from + limit);
  const page = {
    limit,
    number,
    hasMore: rest.length > from + limit,
    ...(isCounted ? { total: all.length } : {}),
  };
  return { status: 200, body: { data: shown.map(list.show), meta: { page, position: String(books.head) } } };
}

const isSystemName = (id: string | undefined): id is 'ROOT' | 'EXCHANGE' =>
  id === 'ROOT' || id === 'EXCHANGE';

/** A caller who is bound to an owner names no system account. */
function checkNames({ ownerId }: Caller, query: Query): void {
  const named = ['account', 'sender', 'recipient'].map((side) => query[`filter[${side}]`]);
  refuseIf(ownerId !== null && named.some(isSystemName), 'forbidden');
}

function listOf(books: Books, request: ListRequest): List<never> {
  const { path } = request;
  const lists: Record<string, () => unknown> = {
    '/v1/transactions': () => transactionList(books, request),
    '/v1/accounts': () => accountList(books, request),
    '/v1/exchange-rates': () => rateList(books),
    '/v1/currencies': () => currencyList(books),
  };
  return (lists[path]?.() ?? entryList(books, request)) as List<never>;
}

function checkParameters(filters: object, path: string, query: Query): PageDraft {
  // A filter's value is checked where it is read.
  for (const [name, read] of Object.entries(filters as List<never>['filters'])) {
    if (query[name] !== undefined) read(query[name]);
  }
  const currency = query[currencyParameter];
  refuseIf(currency !== undefined && !isCurrencyCode(currency), 'validation_error');
  const ofEntries = path.endsWith('/entries') ? [currencyParameter] : [];
  return pageDraft(query, [...Object.keys(filters), ...ofEntries]);
}

const contains = (text: string | null, part: string): boolean =>
  text !== null && text.toLowerCase().includes(part.toLowerCase());

const matching =
  <Row>(isMatch: (row: Row, text: string) => boolean) =>
  (text: string) => {
    textOf(text);
    return (row: Row) => isMatch(row, text);
  };

const ofCurrency =
  <Row>(of: (row: Row) => string) =>
  (text: string) => {
    refuseIf(!isCurrencyCode(text), 'validation_error');
    return (row: Row) => of(row) === text;
  };

const oneOf =
  <Row>(known: readonly string[], of: (row: Row) => string) =>
  (text: string) => {
    refuseIf(!known.includes(text), 'validation_error');
    return (row: Row) => of(row) === text;
  };

const time =
  <Row extends { readonly createdAt: string }>(isMatch: (created: string, bound: string) => boolean) =>
  (text: string) => {
    const bound = readTime(text) ?? refuse('validation_error');
    return (row: Row) => isMatch(row.createdAt, bound);
  };

/** By the id of a private account that they are not told, nobody finds anything. */
function party(caller: Caller, isMatch: (posting: Posting, isNamed: (key: string) => boolean) => boolean) {
  return (text: string) => {
    refuseIf(!isSystemName(text) && !isAccountId(text), 'validation_error');
    const isNamed = (key: string) => shownParty(key) === text;
    return ({ parties, postings }: TransactionRecord) =>
      postings.some((posting) => isMatch(posting, isNamed)) &&
      !parties.some((each) => each.id === text && isHidden(caller, each));
  };
}

const transactionTypes = ['transfer', 'mint', 'burn', 'exchange', 'capture', 'reversal'];
const transactionStatuses = ['posted', 'pending', 'partially_captured', 'voided', 'expired'];

function transactionList(books: Books, { query, caller }: ListRequest): List<TransactionRecord> {
  return {
    rows: [...books.transactions.values()].filter(({ parties }) => sees(caller, parties)),
    show: (row) => seenTransaction(books, row, caller),
    sortKey: ({ createdAt }) => createdAt,
    filters: {
      'filter[account]': party(
        caller,
        ({ sender, recipient }, isNamed) => isNamed(sender) || isNamed(recipient),
      ),
      'filter[sender]': party(caller, ({ sender }, isNamed) => isNamed(sender)),
      'filter[recipient]': party(caller, ({ recipient }, isNamed) => isNamed(recipient)),
      'filter[reference]': matching((row, text) => contains(row.reference, text)),
      'filter[type]': oneOf(transactionTypes, ({ type }) => type),
      'filter[status]': oneOf(transactionStatuses, ({ hold }) => hold?.status ?? 'posted'),
      'filter[externalId]': matching((row, text) => row.externalId === text),
      'filter[createdAt][gte]': time((created, bound) => created >= bound),
      'filter[createdAt][gt]': time((created, bound) => created > bound),
      'filter[createdAt][lte]': time((created, bound) => created <= bound),
      'filter[createdAt][lt]': time((created, bound) => created < bound),
      // Amount and currency are matched together, by one posting.
      'filter[currency]': () => onePosting(query),
      'filter[amount][gte]': () => onePosting(query),
      'filter[amount][lte]': () => onePosting(query),
    },
  };
}

function onePosting(query: Query): (row: TransactionRecord) => boolean {
  const bound = (name: string): bigint | null => {
    const text = query[name];
    return text === undefined ? null : text === '0' ? 0n : (readAmount(text) ?? refuse('validation_error'));
  };
  const [least, most] = [bound('filter[amount][gte]'), bound('filter[amount][lte]')];
  const currency = query['filter[currency]'];
  refuseIf(currency !== undefined && !isCurrencyCode(currency), 'validation_error');
  return ({ postings }) =>
    postings.some(
      (posting) =>
        (currency === undefined || posting.currency === currency) &&
        (least === null || posting.amount >= least) &&
        (most === null || posting.amount <= most),
    );
}

function accountList(books: Books, { query, caller }: ListRequest): List<AccountRecord> {
  const isSeen = (row: AccountRecord) => owns(caller, row) || row.visibility === 'public';
  const isShown = (row: AccountRecord) =>
    !row.isSystem && isSeen(row) && (row.status !== 'closed' || query['filter[status]'] === 'closed');
  return {
    rows: [...books.accounts.values()].filter(isShown),
    show: (row) => seenAccount(row, caller),
    sortKey: ({ createdAt }) => createdAt,
    filters: {
      'filter[name]': matching((row, text) => contains(row.name, text)),
      'filter[visibility]': oneOf(['private', 'public', 'unlisted'], ({ visibility }) => visibility),
      'filter[currency]': ofCurrency(({ currency }) => currency),
      'filter[externalId]': matching((row, text) => row.externalId === text),
      'filter[ownerId]': matching((row, text) => row.ownerId === text),
      'filter[status]': oneOf(['open', 'frozen', 'closed'], ({ status }) => status),
    },
  };
}

function rateList(books: Books): List<ReturnType<typeof shownRate>> {
  return {
    rows: [...books.rates.values()].map(shownRate).sort((a, b) => (a.setAt < b.setAt ? -1 : 1)),
    show: (row) => row,
    sortKey: ({ setAt }) => setAt,
    filters: {
      'filter[from]': ofCurrency(({ from }) => from),
      'filter[to]': ofCurrency(({ to }) => to),
    },
  };
}

const shownRate = (rate: { from: string; to: string; rate: string; position: number; setAt: string }) => ({
  ...rate,
  position: String(rate.position),
});

function currencyList(books: Books) {
  const rows = [...books.currencies.values()];
  type Row = (typeof rows)[0];
  return { rows, show: (row: Row) => row, sortKey: ({ createdAt }: Row) => createdAt, filters: {} };
}

function entryList(books: Books, { path, query, caller }: ListRequest) {
  const account = findAccount(books, path, query);
  const rows = (account === undefined ? undefined : books.entries.get(account.key)) ?? [];
  type Row = (typeof rows)[0];
  return {
    rows,
    show: (row: Row) => shownEntry(row, caller),
    sortKey: ({ entryNumber }: Row) => entryNumber,
    filters: {
      'filter[createdAt][gte]': time<Row>((created, bound) => created >= bound),
      'filter[createdAt][lt]': time<Row>((created, bound) => created < bound),
    },
  };
}

const idInPath = (path: string): string => path.split('/')[3]!;

function findAccount(books: Books, path: string, query: Query): AccountRecord | undefined {
  const id = idInPath(path);
  return books.accounts.get(isSystemName(id) ? systemKey(id, query[currencyParameter] ?? '') : id);
}

/** What can't be an id names nothing, which is told before what is wrong with a cursor. */
function checkPath(path: string, query: Query): void {
  checkCurrency(path, query);
  const id = idInPath(path);
  refuseIf(!isSystemName(id) && !isAccountId(id), 'account_not_found');
}

/** A currency goes with system accounts, and with them alone. */
function checkCurrency(path: string, query: Query): void {
  const currency = query[currencyParameter];
  refuseIf(currency !== undefined && !isCurrencyCode(currency), 'validation_error');
  refuseIf(isSystemName(idInPath(path)) !== (currency !== undefined), 'validation_error');
}

/** The account that a path names: ROOT and EXCHANGE with the currency of the query, to callers bound to no owner. */
export function accountInPath(books: Books, { path, query, caller }: ListRequest): AccountRecord {
  checkCurrency(path, query);
  const account = findAccount(books, path, query);
  const isSeen = account !== undefined && mayCredit(caller, account);
  return isSeen ? account : refuse('account_not_found');
}

/** The same where it is asked for the money on it, which is for its owner. */
export function moneyInPath(books: Books, request: ListRequest): AccountRecord {
  const account = accountInPath(books, request);
  return owns(request.caller, account) ? account : refuse('account_not_found');
}

/** Of a row as it was shown. */
export function shownSortKey(path: string, row: Readonly<Record<string, unknown>>): string | number {
  if (path.endsWith('/entries')) return row['entryNumber'] as number;
  return (row['setAt'] ?? row['createdAt']) as string;
}
