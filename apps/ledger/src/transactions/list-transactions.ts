import { Inject } from '@nestjs/common';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import type pg from 'pg';
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
  type PageRows,
  type Total,
} from '#platform';
import { READ_POOL } from '../database.js';
import { listsProjection } from '../projections/lists-projection.js';
import { findPositionBounds, type PositionBounds } from '../projections/position-bounds.js';
import { ProjectionWaiter } from '../projections/projection-waiter.js';
import { isSystemParty } from '../projections/system-parties.js';
import {
  listedTransactionSql,
  readListedTransaction,
  type ListedTransaction,
  type ListedTransactionRow,
} from './listed-transaction.js';
import { canSearch, searchPage, searchTotal } from './reference-search.js';
import {
  sides,
  walkedPositions,
  walkedTransactions,
  type Side,
  type TransactionFilters,
  type WalkedFilters,
} from './transaction-filters.js';

export type { ListedTransaction } from './listed-transaction.js';
export type Consistency = 'strong' | 'eventual';

/** Transactions of a ledger, newest first, as the journal has them. */
export class ListTransactions extends Query<Page<ListedTransaction>> {
  constructor(
    readonly ledgerId: string,
    readonly filters: TransactionFilters,
    readonly page: PageRequest,
    readonly consistency: Consistency,
  ) {
    super();
  }
}

@QueryHandler(ListTransactions)
export class ListTransactionsHandler implements IQueryHandler<ListTransactions> {
  constructor(
    @Inject(READ_POOL) private readonly pool: pg.Pool,
    private readonly waiter: ProjectionWaiter,
  ) {}

  async execute({
    ledgerId,
    filters,
    page,
    consistency,
  }: ListTransactions): Promise<Page<ListedTransaction>> {
    const scope: CursorScope = { list: 'transactions', owner: ledgerId, filters };
    const skip = rowsBefore(page);
    const [cursor = null] = page.cursor === null ? [] : decodeCursor(scope, page.cursor);
    if (consistency === 'strong') await this.waiter.waitFor(listsProjection.name, ledgerId);

    const whole = await findPositionBounds(this.pool, ledgerId, filters.createdAt ?? {});
    const bounds = { from: whole.from, before: earlier(whole.before, cursor) };
    const walked = { ...filters, ownSide: await findOwnSide(this.pool, ledgerId, filters) };
    const rows = await readPage(this.pool, ledgerId, walked, bounds, skip, page.limit);
    const counted = { ...whole, before: earlier(whole.before, rows.position + 1n) };
    const total = page.wantsTotal ? await countAll(this.pool, ledgerId, walked, counted) : undefined;
    return pageOf(page, scope, rows, ({ recorded }) => [recorded.position], total);
  }
}

/** Of an owner's filters, one that names an account of theirs. */
async function findOwnSide(
  db: pg.Pool,
  ledgerId: string,
  { seenBy, ...filters }: TransactionFilters,
): Promise<Side | undefined> {
  const named = sides.filter((side) => filters[side] !== undefined && !isSystemParty(filters[side]));
  if (seenBy === undefined || named.length === 0) return undefined;
  const { rows } = await db.query<{ id: string }>({
    name: 'find-own-accounts',
    text: `SELECT a.id FROM ledger.accounts a
      WHERE a.ledger_id = $1 AND a.id = ANY($2::uuid[]) AND a.owner_id = $3`,
    values: [ledgerId, named.map((side) => filters[side]), seenBy],
  });
  return named.find((side) => rows.some(({ id }) => id === filters[side]));
}

function earlier(a: bigint | null, b: bigint | null): bigint | null {
  if (a === null || b === null) return a ?? b;
  return a < b ? a : b;
}

/** How far a walk goes before it is worth to ask the trigram index. */
const examinedBeforeSearchMax = 2_000;

async function readPage(
  db: pg.Pool,
  ledgerId: string,
  filters: WalkedFilters,
  bounds: PositionBounds,
  skip: number,
  limit: number,
): Promise<PageRows<ListedTransaction>> {
  if (!canSearch(filters)) return await walk(db, ledgerId, filters, bounds, skip, limit, examinedRowsMax);
  const newest = await walk(db, ledgerId, filters, bounds, skip, limit, examinedBeforeSearchMax);
  const isDone = newest.items.length > limit || newest.end === null;
  return isDone ? newest : await searchPage(db, ledgerId, filters, bounds, skip, limit);
}

async function walk(
  db: pg.Pool,
  ledgerId: string,
  filters: WalkedFilters,
  bounds: PositionBounds,
  skip: number,
  limit: number,
  examinedMax: number,
): Promise<PageRows<ListedTransaction>> {
  const values = new StatementValues(ledgerId);
  const keys = walkSql(walkedTransactions(filters, bounds, values), skip, limit, examinedMax);
  const walked = walkedPositions(filters, bounds, values);
  // In the same statement, as what is walked may change: a hold leaves a status, and enters another. It is asked for
  // only where the page isn't full.
  const end =
    walked === null
      ? 'NULL::text'
      : `CASE WHEN count(v.position) OVER () <= ${limit} THEN (${walkEndSql(walked, examinedMax)})::text END`;
  type Row = { checkpoint: string; end_key: string | null } & (ListedTransactionRow | { position: null });
  const { rows } = await db.query<Row>(
    `SELECT c.position::text AS checkpoint, ${end} AS end_key, v.*
    FROM projections.checkpoints c
    LEFT JOIN LATERAL (${keys}) k ON true
    LEFT JOIN LATERAL (${listedTransactionSql('k.key')}) v ON true
    WHERE c.ledger_id = $1 AND c.projection = '${listsProjection.name}'
    ORDER BY k.key DESC`,
    values.values,
  );
  const [first] = rows;
  return {
    items: rows
      .filter((row): row is Row & ListedTransactionRow => row.position !== null)
      .map(readListedTransaction),
    end: first?.end_key == null ? null : [BigInt(first.end_key)],
    position: BigInt(first?.checkpoint ?? '0'),
  };
}

/** Where a walk stops; null: at the end of the list. */
async function findEnd(
  db: pg.Pool,
  ledgerId: string,
  filters: WalkedFilters,
  bounds: PositionBounds,
): Promise<bigint | null> {
  const values = new StatementValues(ledgerId);
  const walked = walkedPositions(filters, bounds, values);
  if (walked === null) return null;
  const { rows } = await db.query<{ key: string }>(walkEndSql(walked, examinedRowsMax), values.values);
  return rows[0] ? BigInt(rows[0].key) : null;
}

async function countAll(
  db: pg.Pool,
  ledgerId: string,
  filters: WalkedFilters,
  bounds: PositionBounds,
): Promise<Total> {
  if (canSearch(filters)) return await searchTotal(db, ledgerId, filters, bounds);
  const values = new StatementValues(ledgerId);
  const { rows } = await db.query<{ count: number }>(
    countSql(walkedTransactions(filters, bounds, values), exactTotalMax + 1),
    values.values,
  );
  const count = rows[0]?.count ?? 0;
  const isCut = count <= exactTotalMax && (await findEnd(db, ledgerId, filters, bounds)) !== null;
  return totalOf(count, isCut);
}
