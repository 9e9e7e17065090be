import type pg from 'pg';
import type { Principal } from '#access';
import {
  countSql,
  decodeCursor,
  exactTotalMax,
  examinedRowsMax,
  keyOfUuid,
  pageOf,
  rowsBefore,
  StatementValues,
  totalOf,
  uuidOfKey,
  walkEndSql,
  type CursorScope,
  type Page,
  type PageRequest,
  type Total,
} from '#platform';
import { accountIdOf } from '../http/ids.js';
import { showsAnyOfSql } from '../intake/matching.js';
import { deliveryColumnsSql, type DeliveryRow, type DeliveryStatus } from './delivery.js';

/** They hold together. Ids are UUIDs, times microseconds. */
export interface DeliveryFilters {
  readonly status?: DeliveryStatus | undefined;
  readonly eventType?: string | undefined;
  readonly endpointId?: string | undefined;
  readonly accountId?: string | undefined;
  readonly createdAt: { readonly gte?: bigint; readonly lt?: bigint };
}

/**
 * Deliveries, newest first, by the order of their ids. One index gives them row by row, of the endpoint where
 * one is named, and the other filters are checked on the way; a page looks at examinedRowsMax of them at most. An
 * owner's page looks at rows of their own alone, so that where it ends tells nothing of others.
 */
export async function listDeliveries(
  db: pg.Pool,
  { ledgerId, ownerId }: Principal,
  filters: DeliveryFilters,
  page: PageRequest,
): Promise<Page<DeliveryRow>> {
  const scope: CursorScope = {
    list: 'webhook-deliveries',
    owner: ledgerId,
    filters: { ...filters, ownerId },
  };
  const skip = rowsBefore(page);
  const before = page.cursor === null ? null : uuidOfKey(decodeCursor(scope, page.cursor));
  const list = { ledgerId, ownerId, filters };
  const found = await readPage(db, list, before, skip, page.limit);
  const end = found.items.length > page.limit ? null : await findEnd(db, list, before);
  const total = page.wantsTotal ? await countAll(db, list) : undefined;
  return pageOf(page, scope, { ...found, end }, ({ id }) => keyOfUuid(id), total);
}

interface List {
  readonly ledgerId: string;
  readonly ownerId: string | null;
  readonly filters: DeliveryFilters;
}

async function readPage(db: pg.Pool, list: List, before: string | null, skip: number, limit: number) {
  const values = new StatementValues(list.ledgerId);
  const driver = driverSql(list, before, values);
  const condition = conditionSql(list, values);
  const { rows } = await db.query<{ position: string } & (DeliveryRow | { id: null })>(
    `SELECT one.*, n.* FROM (
      SELECT coalesce((SELECT l.position FROM dispatcher.ledgers l WHERE l.ledger_id = $1), 0)::text AS position
    ) one LEFT JOIN LATERAL (
      SELECT ${deliveryColumnsSql('e')} FROM (
        SELECT d.* FROM (${driver}) d ORDER BY d.id DESC LIMIT ${examinedRowsMax}
      ) e
      WHERE ${condition ?? 'true'} ORDER BY e.id DESC OFFSET ${skip} LIMIT ${limit + 1}
    ) n ON true
    ORDER BY n.id DESC`,
    values.values,
  );
  const items = rows.filter((row): row is { position: string } & DeliveryRow => row.id !== null);
  return { items, position: BigInt(rows[0]?.position ?? '0') };
}

/** Where a walk stopped that didn't fill its page. Null: at the end of the list. */
async function findEnd(db: pg.Pool, list: List, before: string | null): Promise<bigint[] | null> {
  if (conditionSql(list, new StatementValues(list.ledgerId)) === null) return null;
  const values = new StatementValues(list.ledgerId);
  const walked = { driver: driverSql(list, before, values), key: 'id' };
  const { rows } = await db.query<{ key: string }>(walkEndSql(walked), values.values);
  return rows[0] ? keyOfUuid(rows[0].key) : null;
}

async function countAll(db: pg.Pool, list: List): Promise<Total> {
  const values = new StatementValues(list.ledgerId);
  const driver = driverSql(list, null, values);
  const walked = { driver, key: 'id', condition: conditionSql(list, values) };
  const { rows } = await db.query<{ count: number }>(countSql(walked, exactTotalMax + 1), values.values);
  const count = rows[0]?.count ?? 0;
  return totalOf(count, count <= exactTotalMax && (await findEnd(db, list, null)) !== null);
}

/** What chooses and bounds the index. */
function driverSql({ ownerId, filters }: List, before: string | null, values: StatementValues): string {
  const { endpointId, createdAt } = filters;
  const bounds: string[] = [];
  if (endpointId !== undefined) {
    const id = values.add(endpointId);
    bounds.push(`d.endpoint_id = ${id}`);
    if (ownerId !== null) bounds.push(isOwnSql(id, values.add(ownerId)));
  } else if (ownerId !== null) {
    bounds.push(`d.owner_id = ${values.add(ownerId)}`);
  }
  if (before !== null) bounds.push(`d.id < ${values.add(before)}`);
  if (createdAt.gte !== undefined) {
    bounds.push(`d.id >= ${values.add(firstIdOf(createdAt.gte - idSlackMicros))}`);
  }
  if (createdAt.lt !== undefined)
    bounds.push(`d.id < ${values.add(firstIdOf(createdAt.lt + idSlackMicros))}`);
  return `SELECT d.* FROM dispatcher.deliveries d WHERE d.ledger_id = $1
    ${bounds.map((bound) => ` AND ${bound}`).join('')}`;
}

/** Found out once, before the first row is read. */
function isOwnSql(endpointId: string, ownerId: string): string {
  return `(SELECT true FROM dispatcher.endpoints o
    WHERE o.ledger_id = $1 AND o.id = ${endpointId} AND o.owner_id = ${ownerId})`;
}

/** What each row must meet; null where each does. */
function conditionSql({ ownerId, filters }: List, values: StatementValues): string | null {
  const { status, eventType, accountId, createdAt } = filters;
  const conditions: string[] = [];
  if (status !== undefined) conditions.push(`e.status = ${values.add(status)}`);
  if (eventType !== undefined) conditions.push(`e.event_type = ${values.add(eventType)}`);
  if (accountId !== undefined) conditions.push(`${values.add(accountId)}::uuid = ANY(e.account_ids)`);
  if (createdAt.gte !== undefined) conditions.push(`e.created_at >= ${timeSql(createdAt.gte, values)}`);
  if (createdAt.lt !== undefined) conditions.push(`e.created_at < ${timeSql(createdAt.lt, values)}`);
  if (ownerId !== null && accountId !== undefined) {
    const shown = showsAnyOfSql(
      'v.value',
      `ARRAY[${values.add(accountIdOf(accountId))}]`,
      values.add(ownerId),
    );
    conditions.push(`EXISTS (SELECT FROM dispatcher.events v
      WHERE v.ledger_id = $1 AND v.day = e.day AND v.event_id = e.event_id AND ${shown})`);
  }
  return conditions.length === 0 ? null : conditions.join(' AND ');
}

/** Ids are made by dispatchers, times by Postgres: their clocks differ by less than this. */
const idSlackMicros = 3_600_000_000n;

/** The lowest UUIDv7 of a time: ids bound by it are found in the index. */
function firstIdOf(micros: bigint): string {
  const millis = micros / 1_000n;
  const hex = (millis < 0n ? 0n : millis).toString(16).padStart(12, '0').slice(-12);
  return `${hex.slice(0, 8)}-${hex.slice(8)}-0000-0000-000000000000`;
}

function timeSql(micros: bigint, values: StatementValues): string {
  return `(timestamptz 'epoch' + ${values.add(micros)}::bigint * interval '1 microsecond')`;
}
