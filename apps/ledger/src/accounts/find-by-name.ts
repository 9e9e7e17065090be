import type pg from 'pg';
import { exactTotalMax, totalOf, StatementValues, type Total } from '#platform';
import { hasTrigram } from '../projections/statement.js';
import { accountConditionSql, isSelective, nameSql, type AccountFilters } from './account-filters.js';
import { readListedAccounts, type ListedAccounts } from './listed-accounts.js';

/**
 * Accounts by a part of their name, where the newest don't have it: all that the trigram index finds, sorted.
 * A name that too many have isn't looked for in this way.
 */
type NameFilters = AccountFilters & { readonly name: string };

const hitsMax = 20_000;

/** Not for an owner: it would be looked for in others' accounts, and take time by how many have it. */
export function canFindByName(filters: AccountFilters): filters is NameFilters {
  const { name, seenBy } = filters;
  return name !== undefined && seenBy === undefined && hasTrigram(name) && !isSelective(filters);
}

/** Null where too many accounts have the name. */
export async function findByName(
  db: pg.Pool,
  ledgerId: string,
  filters: NameFilters,
  before: bigint | null,
  skip: number,
  limit: number,
): Promise<ListedAccounts | null> {
  const values = new StatementValues(ledgerId);
  const keys = `${hitsSql(filters, values)}
    SELECT e.opened_position AS key
    FROM hits e WHERE (SELECT count(*) FROM hits) <= ${hitsMax} AND ${matchSql(filters, before, values)}
    ORDER BY e.opened_position DESC OFFSET ${skip} LIMIT ${limit + 1}`;
  const listed = { ...(await readListedAccounts(db, keys, values)), end: null };
  if (listed.items.length > 0) return listed;
  return (await countHits(db, ledgerId, filters)) > hitsMax ? null : listed;
}

/** Null where too many accounts have the name. */
export async function countNamed(
  db: pg.Pool,
  ledgerId: string,
  filters: NameFilters,
  before: bigint,
): Promise<Total | null> {
  const values = new StatementValues(ledgerId);
  const { rows } = await db.query<{ hits: number; count: number }>(
    `${hitsSql(filters, values)}
    SELECT count(*)::integer AS hits,
      count(*) FILTER (WHERE ${matchSql(filters, before, values)})::integer AS count
    FROM hits e`,
    values.values,
  );
  const { hits = 0, count = 0 } = rows[0] ?? {};
  return hits > hitsMax ? null : totalOf(Math.min(count, exactTotalMax + 1), false);
}

async function countHits(db: pg.Pool, ledgerId: string, filters: NameFilters): Promise<number> {
  const values = new StatementValues(ledgerId);
  const { rows } = await db.query<{ hits: number }>(
    `${hitsSql(filters, values)} SELECT count(*)::integer AS hits FROM hits`,
    values.values,
  );
  return rows[0]?.hits ?? 0;
}

/** Planned for all that it finds, so that no index is read in the hope of an early end, and read lazily. */
function hitsSql(filters: NameFilters, values: StatementValues): string {
  return `WITH found AS MATERIALIZED (
      SELECT a.opened_position, a.status, a.visibility, a.currency FROM ledger.accounts a
      WHERE a.ledger_id = $1 AND a.system IS NULL AND ${nameSql(filters.name, 'a', values)}
    ), hits AS MATERIALIZED (SELECT * FROM found LIMIT ${hitsMax + 1})`;
}

function matchSql(filters: NameFilters, before: bigint | null, values: StatementValues): string {
  const conditions = [
    accountConditionSql({ ...filters, name: undefined }, false, values),
    before === null ? null : `e.opened_position < ${values.add(before)}`,
  ];
  return conditions.filter((condition) => condition !== null).join(' AND ') || 'true';
}
