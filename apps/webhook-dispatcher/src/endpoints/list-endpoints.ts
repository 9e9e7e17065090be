import type pg from 'pg';
import type { Principal } from '#access';
import {
  decodeCursor,
  keyOfUuid,
  pageOf,
  rowsBefore,
  totalOf,
  uuidOfKey,
  type CursorScope,
  type Page,
  type PageRequest,
} from '#platform';
import { endpointColumnsSql, readEndpointRow, type Endpoint, type EndpointRow } from './endpoint.js';
import { isOwnEndpointSql } from './find-endpoint.js';

/** The endpoints of a ledger, newest first. There are never more of them than endpointsPerLedgerMax. */
export async function listEndpoints(
  db: pg.Pool,
  { ledgerId, ownerId }: Principal,
  page: PageRequest,
): Promise<Page<Endpoint>> {
  const scope: CursorScope = { list: 'webhook-endpoints', owner: ledgerId, filters: { ownerId } };
  const skip = rowsBefore(page);
  const before = page.cursor === null ? null : uuidOfKey(decodeCursor(scope, page.cursor));
  const { rows } = await db.query<{ position: string; total: number } & (EndpointRow | { id: null })>(
    `SELECT one.*, n.* FROM (
      SELECT coalesce((SELECT l.position FROM dispatcher.ledgers l WHERE l.ledger_id = $1), 0)::text AS position,
        (SELECT count(*)::integer FROM dispatcher.endpoints
          WHERE ledger_id = $1 AND ${isOwnEndpointSql} AND deleted_at IS NULL) AS total
    ) one LEFT JOIN LATERAL (
      SELECT ${endpointColumnsSql} FROM dispatcher.endpoints e
      WHERE ledger_id = $1 AND ${isOwnEndpointSql} AND deleted_at IS NULL AND ($3::uuid IS NULL OR id < $3)
      ORDER BY e.id DESC OFFSET $4 LIMIT $5
    ) n ON true
    ORDER BY n.id DESC`,
    [ledgerId, ownerId, before, skip, page.limit + 1],
  );
  const items = rows.filter(
    (row): row is { position: string; total: number } & EndpointRow => row.id !== null,
  );
  const found = { items: items.map(readEndpointRow), end: null, position: BigInt(rows[0]?.position ?? '0') };
  const total = page.wantsTotal ? totalOf(rows[0]?.total ?? 0, false) : undefined;
  return pageOf(page, scope, found, ({ id }) => keyOfUuid(id), total);
}
