/** A request that only reads, and its answer on the books as they are. */
import { seenAccount } from './accounts.js';
import { sum } from './amounts.js';
import type { Books, EntryRecord } from './books.js';
import { checkText, isTransactionId } from './bodies.js';
import { checkRoute } from './callers.js';
import { transactionNamed } from './holds.js';
import { accountInPath, listPage, moneyInPath, type Cursor, type ListRequest } from './lists.js';
import type { Query } from './page-parameters.js';
import { checkAccept, csv } from './media-types.js';
import { entityTag, lastModified } from './preconditions.js';
import { refuse, refuseIf } from './refusals.js';
import { availableOf, seenTransaction, shownEntry } from './shown.js';
import { statementCsv } from './statement-csv.js';
import { readTime } from './times.js';

export interface ReadRequest extends ListRequest {
  readonly cursor: Cursor | undefined;
  readonly accept: string | null;
  /** When it was read, by the ledger's clock. */
  readonly asOf: string;
}

export interface Read {
  readonly status: number;
  readonly body: unknown;
  readonly entityTag?: string;
  readonly lastModified?: string;
}

export function read(books: Books, request: ReadRequest): Read {
  const { path, query, cursor, caller } = request;
  const [resource = '', id = '', part = ''] = path.replace('/v1/', '').split('/');
  checkRoute(caller, 'GET', path);
  checkAccept(request.accept, part === 'statement' ? [csv] : []);
  checkQuery(request);
  switch (`${resource}/${id === '' ? '' : 'id'}/${part}`) {
    case 'accounts//':
    case 'transactions//':
    case 'exchange-rates//':
    case 'currencies//':
    case 'accounts/id/entries':
      return listPage(books, request, cursor);
    case 'accounts/id/': {
      const account = accountInPath(books, request);
      return {
        ...answered(seenAccount(account, caller)),
        entityTag: entityTag(account),
        lastModified: lastModified(account),
      };
    }
    case 'accounts/id/balance':
      return answered(balance(books, request));
    case 'accounts/id/statement':
      return statement(books, request);
    case 'transactions/id/': {
      refuseIf(!isTransactionId(id), 'transaction_not_found');
      return answered(seenTransaction(books, transactionNamed(books, id, caller), caller));
    }
    case 'trial-balance//':
      return trialBalance(books, query);
    case 'periods/id/':
      return answered(shownPeriod(books));
    default:
      return refuse('not_found');
  }
}

/** What is asked for one thing; a list knows its own filters. */
function checkQuery({ path, query }: ReadRequest): void {
  Object.entries(query).forEach(checkText);
  const [resource = '', id = '', part = ''] = path.replace('/v1/', '').split('/');
  const isOfList = (id === '' && resource !== 'trial-balance') || part === 'entries';
  if (isOfList) return;
  const known = [
    ...(resource === 'accounts' ? ['currency'] : []),
    ...(part === 'balance' || resource === 'trial-balance' ? ['at', 'by'] : []),
    ...(part === 'statement' ? ['from', 'to', 'by'] : []),
  ];
  refuseIf(
    Object.keys(query).some((name) => !known.includes(name)),
    'validation_error',
  );
}

const answered = (data: unknown): Read => ({ status: 200, body: { data } });

function shownPeriod(books: Books) {
  const period = books.periods.at(-1);
  return period === undefined ? null : { ...period, position: String(period.position) };
}

const signed = ({ direction, amount }: EntryRecord): bigint => (direction === 'credit' ? amount : -amount);
const total = (entries: readonly EntryRecord[]): bigint => sum(entries.map(signed));

type Time = 'createdAt' | 'effectiveAt';

function timeBy(query: Query): Time {
  const { by = 'recorded' } = query;
  refuseIf(by !== 'recorded' && by !== 'effective', 'validation_error');
  return by === 'effective' ? 'effectiveAt' : 'createdAt';
}

function timeOf(query: Query, name: string): string | null {
  const text = query[name];
  return text === undefined ? null : (readTime(text) ?? refuse('validation_error'));
}

/** How far the journal had come by then. */
function positionAt(books: Books, at: string): string {
  return String(books.recordedAt.filter((recordedAt) => recordedAt <= at).length);
}

function balance(books: Books, request: ReadRequest) {
  const { query, asOf } = request;
  const [time, at] = [timeBy(query), timeOf(query, 'at')];
  const account = moneyInPath(books, request);
  const { id: accountId, currency, version } = account;
  if (at !== null) {
    const entries = books.entries.get(account.key) ?? [];
    const posted = String(total(entries.filter((entry) => entry[time] <= at)));
    return { accountId, currency, posted, position: positionAt(books, at), asOf: at };
  }
  return {
    accountId,
    currency,
    posted: String(account.posted),
    available: String(availableOf(account)),
    pendingIn: String(account.pendingIn),
    pendingOut: String(account.pendingOut),
    version,
    position: String(books.head),
    asOf,
  };
}

function statement(books: Books, request: ReadRequest): Read {
  const { query, asOf, caller } = request;
  const time = timeBy(query);
  const from = timeOf(query, 'from') ?? refuse('validation_error');
  const to = timeOf(query, 'to') ?? asOf;
  refuseIf(from >= to, 'validation_error');
  const account = moneyInPath(books, request);
  const entries = books.entries.get(account.key) ?? [];
  // Stable: what took effect at the same time is told in the order in which it was recorded.
  const sorted = [...entries].sort((a, b) => (a[time] === b[time] ? 0 : a[time] < b[time] ? -1 : 1));
  const opening = total(sorted.filter((entry) => entry[time] < from));
  let running = opening;
  const lines = sorted
    .filter((entry) => entry[time] >= from && entry[time] < to)
    .map((entry) => {
      running += signed(entry);
      return { ...shownEntry(entry, caller), balanceAfter: String(running), effectiveAt: entry.effectiveAt };
    });
  if (request.accept === csv) return { status: 200, body: statementCsv(lines) };
  return answered({
    accountId: account.id,
    from,
    to,
    openingBalance: String(opening),
    lines,
    closingBalance: String(running),
  });
}

function trialBalance(books: Books, query: Query): Read {
  const [time, at] = [timeBy(query), timeOf(query, 'at')];
  const totals = new Map<string, { debits: bigint; credits: bigint; accounts: number }>();
  for (const { key, currency, createdAt } of books.accounts.values()) {
    const of = totals.get(currency) ?? { debits: 0n, credits: 0n, accounts: 0 };
    const counted = (books.entries.get(key) ?? []).filter((entry) => at === null || entry[time] <= at);
    for (const { direction, amount } of counted) of[direction === 'debit' ? 'debits' : 'credits'] += amount;
    // What took effect before its account was opened brings the account with it.
    if (at !== null && createdAt > at && counted.length === 0) continue;
    of.accounts += 1;
    totals.set(currency, of);
  }
  const data = [...totals]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([currency, { debits, credits, accounts }]) => ({
      currency,
      debits: String(debits),
      credits: String(credits),
      difference: String(debits - credits),
      accounts,
    }));
  const position = at === null ? String(books.head) : positionAt(books, at);
  return { status: 200, body: { data, meta: { position } } };
}
