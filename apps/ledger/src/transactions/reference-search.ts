import type pg from 'pg';
import {
  examinedRowsMax,
  exactTotalMax,
  totalOf,
  StatementValues,
  type PageRows,
  type Total,
} from '#platform';
import { listsProjection } from '../projections/lists-projection.js';
import type { PositionBounds } from '../projections/position-bounds.js';
import { hasTrigram } from '../projections/statement.js';
import {
  listedTransactionSql,
  readListedTransaction,
  type ListedTransaction,
  type ListedTransactionRow,
} from './listed-transaction.js';
import { conditionSql, isSelective, referenceSql, type TransactionFilters } from './transaction-filters.js';

/**
 * Transactions by a part of their reference. The trigram index can't give positions in order, and gives all
 * that it finds before the first is read, so it is asked for one block of positions after the other, newest
 * first: what a page costs depends neither on how often the text occurs nor on how large the ledger is. A page
 * that isn't full after the candidates, the blocks or the time below ends short.
 */
type SearchFilters = TransactionFilters & { readonly reference: string };

/** The same number stands in the definition of the index. */
const blockBits = 15n;
const blocksPerStatement = 8n;
const blocksMax = 128n;
/** Of the index, before the other filters; the last block may bring as many as it has rows. */
const candidatesMax = examinedRowsMax - (1 << Number(blockBits));
/** After it no further statement is sent. A total is asked for rarely, and is better exact. */
const searchMsMax = { page: 20, total: 250 };

/** A list of one account's or one owner's transactions is walked instead: it has few rows, whatever their reference. */
export function canSearch(filters: TransactionFilters): filters is SearchFilters {
  return filters.reference !== undefined && hasTrigram(filters.reference) && !isSelective(filters);
}

export async function searchPage(
  db: pg.Pool,
  ledgerId: string,
  filters: SearchFilters,
  bounds: PositionBounds,
  skip: number,
  limit: number,
): Promise<PageRows<ListedTransaction>> {
  const checkpoint = await readCheckpoint(db, ledgerId);
  const { positions, end } = await search(
    db,
    ledgerId,
    filters,
    within(bounds, checkpoint),
    skip + limit + 1,
    searchMsMax.page,
  );
  const found = positions.slice(skip);
  const items = await readTransactionsAt(db, ledgerId, found, filters.status);
  // A page that was full and has lost a row shows all that are left, and goes on after the last that was found.
  const isFull = found.length > limit;
  const last = isFull && items.length <= limit ? BigInt(found.at(-1)!) : end;
  return { items, end: last === null ? null : [last], position: checkpoint };
}

export async function searchTotal(
  db: pg.Pool,
  ledgerId: string,
  filters: SearchFilters,
  bounds: PositionBounds,
): Promise<Total> {
  const counted = within(bounds, await readCheckpoint(db, ledgerId));
  const { positions, end } = await search(
    db,
    ledgerId,
    filters,
    counted,
    exactTotalMax + 1,
    searchMsMax.total,
  );
  return totalOf(positions.length, end !== null);
}

interface Bounds {
  readonly from: bigint;
  readonly before: bigint;
}

/** Rows never change their position, so what is found up to the checkpoint is as it was when that was read. */
function within({ from, before }: PositionBounds, checkpoint: bigint): Bounds {
  return { from, before: before === null || before > checkpoint ? checkpoint + 1n : before };
}

/** Positions, newest first; `end`: there may be more before it. */
async function search(
  db: pg.Pool,
  ledgerId: string,
  filters: SearchFilters,
  bounds: Bounds,
  limit: number,
  msMax: number,
): Promise<{ positions: readonly string[]; end: bigint | null }> {
  const positions: string[] = [];
  const startedAt = performance.now();
  const oldest = bounds.from >> blockBits;
  const first = (bounds.before - 1n) >> blockBits;
  let candidates = 0;
  let next = first;
  while (next >= oldest && positions.length < limit) {
    const isSpent =
      candidates > candidatesMax ||
      first - next >= blocksMax ||
      (next < first && performance.now() - startedAt > msMax);
    if (isSpent) return { positions, end: (next + 1n) << blockBits };
    const until = next - blocksPerStatement + 1n;
    const blocks = { newest: next, oldest: until > oldest ? until : oldest };
    const budget = { matches: limit - positions.length, candidates: candidatesMax - candidates };
    for (const block of await searchBlocks(db, ledgerId, filters, blocks, bounds, budget)) {
      positions.push(...block.matches);
      candidates += block.candidates;
      next = BigInt(block.block) - 1n;
    }
  }
  return { positions: positions.slice(0, limit), end: null };
}

interface SearchedBlock {
  readonly block: string;
  readonly matches: readonly string[];
  readonly candidates: number;
}

/**
 * One search of the index per block, from the newest on, until there are enough matches or too many candidates.
 * OFFSET 0 keeps the other conditions out of the search, so that the index is what answers it.
 */
async function searchBlocks(
  db: pg.Pool,
  ledgerId: string,
  filters: SearchFilters,
  blocks: { readonly newest: bigint; readonly oldest: bigint },
  { from, before }: Bounds,
  budget: { readonly matches: number; readonly candidates: number },
): Promise<readonly SearchedBlock[]> {
  const values = new StatementValues(ledgerId);
  const found = referenceSql(filters.reference, 't', values);
  const rest = conditionSql({ ...filters, reference: undefined }, 'f', values) ?? 'true';
  const { rows } = await db.query<SearchedBlock>(
    `WITH RECURSIVE searched (block, matches, candidates, matches_left, candidates_left) AS (
      SELECT ${values.add(blocks.newest)}::bigint + 1, '{}'::bigint[], 0, ${budget.matches}, ${budget.candidates}
      UNION ALL
      SELECT s.block - 1, b.matches, b.candidates, s.matches_left - cardinality(b.matches),
        s.candidates_left - b.candidates
      FROM searched s
      CROSS JOIN LATERAL (
        SELECT count(*)::integer AS candidates, coalesce((array_agg(f.position ORDER BY f.position DESC) FILTER (
          WHERE f.position >= ${values.add(from)} AND f.position < ${values.add(before)} AND ${rest}
        ))[1:${budget.matches}], '{}') AS matches
        FROM (
          SELECT t.* FROM projections.transactions t
          WHERE t.ledger_id = $1 AND t.position >> ${blockBits} = s.block - 1 AND ${found}
          OFFSET 0
        ) f
      ) b
      WHERE s.block > ${values.add(blocks.oldest)} AND s.matches_left > 0 AND s.candidates_left >= 0
    )
    SELECT block::text, matches::text[], candidates FROM searched OFFSET 1`,
    values.values,
  );
  return rows;
}

async function readCheckpoint(db: pg.Pool, ledgerId: string): Promise<bigint> {
  const { rows } = await db.query<{ position: string }>({
    name: 'read-lists-checkpoint',
    text: `SELECT position::text FROM projections.checkpoints WHERE ledger_id = $1 AND projection = $2`,
    values: [ledgerId, listsProjection.name],
  });
  return BigInt(rows[0]?.position ?? '0');
}

/**
 * What is found may have come further since, so that it hasn't the status asked for any more: it is left out. All
 * else that a search looks at stays as it was.
 */
async function readTransactionsAt(
  db: pg.Pool,
  ledgerId: string,
  positions: readonly string[],
  status: string | undefined,
): Promise<ListedTransaction[]> {
  const { rows } = await db.query<ListedTransactionRow>({
    name: 'read-transactions-at',
    text: `SELECT v.* FROM unnest($2::bigint[]) WITH ORDINALITY AS k(position, n)
      CROSS JOIN LATERAL (${listedTransactionSql('k.position')}) v
      WHERE v.status = coalesce($3::text, v.status) ORDER BY k.n`,
    values: [ledgerId, positions, status],
  });
  return rows.map(readListedTransaction);
}
