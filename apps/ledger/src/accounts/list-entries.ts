import { Inject } from '@nestjs/common';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import type pg from 'pg';
import {
  decodeCursor,
  exactTotalMax,
  pageOf,
  rowsBefore,
  totalOf,
  StatementValues,
  type CursorScope,
  type Page,
  type PageRequest,
  type PageRows,
  type Total,
} from '#platform';
import { READ_POOL } from '../database.js';
import { listsProjection } from '../projections/lists-projection.js';
import { findPositionBounds, type PositionBounds, type TimeBounds } from '../projections/position-bounds.js';
import { ProjectionWaiter } from '../projections/projection-waiter.js';
import { entryColumnsSql, readEntryRow, type EntryRow, type EntrySqlRow } from './entry-row.js';

/** The entries of one account, newest first; none where it isn't there or isn't the reader's to see. */
export class ListEntries extends Query<Page<EntryRow>> {
  constructor(
    readonly ledgerId: string,
    readonly accountId: string,
    readonly createdAt: TimeBounds,
    readonly page: PageRequest,
    readonly consistency: 'strong' | 'eventual',
    /** An owner whose own accounts alone have entries to be seen; null: all have. */
    readonly ownerId: string | null,
  ) {
    super();
  }
}

@QueryHandler(ListEntries)
export class ListEntriesHandler implements IQueryHandler<ListEntries> {
  constructor(
    @Inject(READ_POOL) private readonly pool: pg.Pool,
    private readonly waiter: ProjectionWaiter,
  ) {}

  async execute(list: ListEntries): Promise<Page<EntryRow>> {
    const { ledgerId, accountId, createdAt, page, consistency, ownerId } = list;
    // A cursor is good for its own reader only, or it would tell another that there is such an account.
    const filters = { accountId, createdAt, ownerId: ownerId ?? undefined };
    const scope: CursorScope = { list: 'entries', owner: ledgerId, filters };
    const skip = rowsBefore(page);
    const after = page.cursor === null ? [] : decodeCursor(scope, page.cursor);
    if (consistency === 'strong') await this.waiter.waitFor(listsProjection.name, ledgerId);

    const bounds = await findPositionBounds(this.pool, ledgerId, createdAt);
    const rows = await readEntries(this.pool, list, bounds, after, skip);
    const total = page.wantsTotal ? await countEntries(this.pool, list, bounds, rows.position) : undefined;
    return pageOf(page, scope, rows, ({ position, leg }) => [position, BigInt(leg)], total);
  }
}

/** What is read is what is shown: the primary key alone finds an account's entries in their order. */
async function readEntries(
  db: pg.Pool,
  list: ListEntries,
  bounds: PositionBounds,
  [position, leg]: readonly bigint[],
  skip: number,
): Promise<PageRows<EntryRow>> {
  const values = new StatementValues(list.ledgerId);
  const conditions = conditionsSql(list, bounds, values);
  if (position !== undefined && leg !== undefined) {
    conditions.push(`(e.position, e.leg) < (${values.add(position)}::bigint, ${values.add(leg)}::integer)`);
  }
  const { rows } = await db.query<{ checkpoint: string } & (EntrySqlRow | { position: null })>(
    `SELECT c.position::text AS checkpoint, n.*
    FROM projections.checkpoints c
    LEFT JOIN LATERAL (
      SELECT ${entryColumnsSql('e')}, row_number() OVER (ORDER BY e.position DESC, e.leg DESC) AS number
      FROM projections.entries e WHERE e.ledger_id = $1 AND ${conditions.join(' AND ')}
      ORDER BY e.position DESC, e.leg DESC OFFSET ${skip} LIMIT ${list.page.limit + 1}
    ) n ON true
    WHERE c.ledger_id = $1 AND c.projection = '${listsProjection.name}'
    ORDER BY n.number`,
    values.values,
  );
  const entries = rows.filter((row): row is { checkpoint: string } & EntrySqlRow => row.position !== null);
  return {
    items: entries.map(readEntryRow),
    end: null,
    position: BigInt(rows[0]?.checkpoint ?? '0'),
  };
}

async function countEntries(
  db: pg.Pool,
  list: ListEntries,
  bounds: PositionBounds,
  upTo: bigint,
): Promise<Total> {
  const values = new StatementValues(list.ledgerId);
  const conditions = conditionsSql(list, bounds, values);
  const { rows } = await db.query<{ count: number }>(
    `SELECT count(*)::integer AS count FROM (
      SELECT FROM projections.entries e
      WHERE e.ledger_id = $1 AND ${conditions.join(' AND ')} AND e.position <= ${values.add(upTo)} LIMIT ${exactTotalMax + 1}
    ) counted`,
    values.values,
  );
  return totalOf(rows[0]?.count ?? 0, false);
}

function conditionsSql(
  { accountId, ownerId }: ListEntries,
  { from, before }: PositionBounds,
  values: StatementValues,
): string[] {
  const id = values.add(accountId);
  return [
    `e.account_id = ${id}`,
    `e.position >= ${values.add(from)}`,
    ...(before === null ? [] : [`e.position < ${values.add(before)}`]),
    ...(ownerId === null ? [] : [isOwnSql(id, values.add(ownerId))]),
  ];
}

/** Of no row: found out once, before the first is read. */
function isOwnSql(id: string, ownerId: string): string {
  return `(SELECT true FROM ledger.accounts a WHERE a.ledger_id = $1 AND a.id = ${id}
    AND a.owner_id = ${ownerId} AND a.system IS NULL)`;
}
