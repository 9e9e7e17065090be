import type pg from 'pg';
import type { Principal } from '#access';
import { endpointNotFound } from '../http/refusals.js';
import { endpointColumnsSql, readEndpointRow, type Endpoint, type EndpointRow } from './endpoint.js';

type Reader = Pick<Principal, 'ledgerId' | 'ownerId'>;

/** A key that is bound to an owner knows that owner's endpoints only: $2 is the owner, or null. */
export const isOwnEndpointSql = '($2::text IS NULL OR owner_id = $2)';

const findSql = `SELECT ${endpointColumnsSql} FROM dispatcher.endpoints
  WHERE ledger_id = $1 AND ${isOwnEndpointSql} AND id = $3 AND deleted_at IS NULL`;

export async function findEndpoint(
  db: pg.Pool | pg.ClientBase,
  reader: Reader,
  endpointId: string,
): Promise<Endpoint> {
  return first(await db.query<EndpointRow>(findSql, [reader.ledgerId, reader.ownerId, endpointId]));
}

/** As above; until the transaction ends nobody else changes it. */
export async function lockEndpoint(db: pg.ClientBase, reader: Reader, endpointId: string): Promise<Endpoint> {
  const values = [reader.ledgerId, reader.ownerId, endpointId];
  return first(await db.query<EndpointRow>(`${findSql} FOR UPDATE`, values));
}

function first({ rows }: pg.QueryResult<EndpointRow>): Endpoint {
  if (!rows[0]) throw endpointNotFound();
  return readEndpointRow(rows[0]);
}
