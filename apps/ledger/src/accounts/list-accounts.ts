import { Inject } from '@nestjs/common';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import type pg from 'pg';
import type { Account } from '#domain';
import {
  countSql,
  decodeCursor,
  examinedRowsMax,
  exactTotalMax,
  pageOf,
  rowsBefore,
  totalOf,
  walkEndSql,
  walkSql,
  StatementValues,
  type CursorScope,
  type Page,
  type PageRequest,
  type Total,
} from '#platform';
import { READ_POOL } from '../database.js';
import { walkedAccounts, walkedOpenings, type AccountFilters } from './account-filters.js';
import { canFindByName, countNamed, findByName } from './find-by-name.js';
import { readListedAccounts, type ListedAccounts } from './listed-accounts.js';

/** Accounts of a ledger, the last opened first, without system accounts. They are always current. */
export class ListAccounts extends Query<Page<Account>> {
  constructor(
    readonly ledgerId: string,
    readonly filters: AccountFilters,
    readonly page: PageRequest,
  ) {
    super();
  }
}

@QueryHandler(ListAccounts)
export class ListAccountsHandler implements IQueryHandler<ListAccounts> {
  constructor(@Inject(READ_POOL) private readonly pool: pg.Pool) {}

  async execute({ ledgerId, filters, page }: ListAccounts): Promise<Page<Account>> {
    const scope: CursorScope = { list: 'accounts', owner: ledgerId, filters };
    const skip = rowsBefore(page);
    const [before = null] = page.cursor === null ? [] : decodeCursor(scope, page.cursor);
    const rows = await readPage(this.pool, ledgerId, filters, before, skip, page.limit);
    const total = page.wantsTotal
      ? await countAll(this.pool, ledgerId, filters, rows.position + 1n)
      : undefined;
    const { items, ...rest } = pageOf(page, scope, rows, ({ openedPosition }) => [openedPosition], total);
    return { ...rest, items: items.map(({ account }) => account) };
  }
}

/** How far a walk goes before it is worth to ask the trigram index, which can't stop early. */
const examinedBeforeSearchMax = 2_000;

async function readPage(
  db: pg.Pool,
  ledgerId: string,
  filters: AccountFilters,
  before: bigint | null,
  skip: number,
  limit: number,
): Promise<ListedAccounts> {
  const isNamed = canFindByName(filters);
  const examinedMax = isNamed ? examinedBeforeSearchMax : examinedRowsMax;
  const newest = await walk(db, ledgerId, filters, before, skip, limit, examinedMax);
  if (!isNamed || newest.items.length > limit || newest.end === null) return newest;
  return (
    (await findByName(db, ledgerId, filters, before, skip, limit)) ??
    (await walk(db, ledgerId, filters, before, skip, limit, examinedRowsMax))
  );
}

async function walk(
  db: pg.Pool,
  ledgerId: string,
  filters: AccountFilters,
  before: bigint | null,
  skip: number,
  limit: number,
  examinedMax: number,
): Promise<ListedAccounts> {
  const values = new StatementValues(ledgerId);
  const keys = walkSql(walkedAccounts(filters, before, values), skip, limit, examinedMax);
  const listed = await readListedAccounts(db, keys, values);
  if (listed.items.length > limit) return { ...listed, end: null };
  const seen = before === null || before > listed.position ? listed.position + 1n : before;
  const end = await findEnd(db, ledgerId, filters, seen, examinedMax);
  return { ...listed, end: end === null ? null : [end] };
}

/** Where a walk stopped that didn't fill its page. Null: at the end of the list. */
async function findEnd(
  db: pg.Pool,
  ledgerId: string,
  filters: AccountFilters,
  before: bigint,
  examinedMax: number,
): Promise<bigint | null> {
  const values = new StatementValues(ledgerId);
  const { rows } = await db.query<{ key: string }>(
    walkEndSql(walkedOpenings(filters, before, values), examinedMax),
    values.values,
  );
  return rows[0] ? BigInt(rows[0].key) : null;
}

async function countAll(
  db: pg.Pool,
  ledgerId: string,
  filters: AccountFilters,
  before: bigint,
): Promise<Total> {
  if (canFindByName(filters)) {
    const total = await countNamed(db, ledgerId, filters, before);
    if (total) return total;
  }
  const values = new StatementValues(ledgerId);
  const { rows } = await db.query<{ count: number }>(
    countSql(walkedAccounts(filters, before, values), exactTotalMax + 1),
    values.values,
  );
  const count = rows[0]?.count ?? 0;
  const isCut =
    count <= exactTotalMax && (await findEnd(db, ledgerId, filters, before, examinedRowsMax)) !== null;
  return totalOf(count, isCut);
}
