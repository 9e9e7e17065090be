import type pg from 'pg';
import { newUuid } from '#platform';
import { accountIdOf } from '../http/ids.js';
import { likePatterns, showsAnyOfSql, type Interest } from '../intake/matching.js';

type Queryable = Pick<pg.ClientBase, 'query'>;

/** What is to be sent again of an endpoint's events: those recorded in [since, until). */
export interface RecoveryRange {
  readonly since: Date;
  readonly until: Date;
  /** Patterns, as an endpoint has them; null for all that the endpoint wants. */
  readonly eventTypes: readonly string[] | null;
}

export interface RecoverableEndpoint extends Interest {
  readonly id: string;
}

export interface Recovery {
  readonly id: string;
  readonly status: 'running' | 'done' | 'cancelled';
  /** Events found when it was asked for; those that are looked at while it runs may differ by what succeeded since. */
  readonly count: number;
  readonly done: number;
}

/** What an endpoint wants of a ledger's stored events, as SQL; the first value is the ledger's id. */
export const wantedEventsSql = `e.recorded_at >= $3 AND e.recorded_at < $4
  AND e.day >= ($3::timestamptz AT TIME ZONE 'UTC')::date
  AND e.type LIKE ANY ($5::text[]) AND ($6::text[] IS NULL OR e.type LIKE ANY ($6::text[]))
  AND (cardinality($7::uuid[]) = 0 OR e.account_ids && $7::uuid[])
  AND ($8::text IS NULL OR e.owner_ids @> ARRAY[$8::text])
  AND ($8::text IS NULL OR cardinality($9::text[]) = 0 OR ${showsAnyOfSql('e.value', '$9::text[]', '$8')})
  AND NOT EXISTS (SELECT FROM dispatcher.deliveries d
    WHERE d.ledger_id = $1 AND d.day = e.day AND d.event_id = e.event_id AND d.endpoint_id = $2 AND d.status = 'succeeded')`;

/** The values of `wantedEventsSql`. */
export function wantedEventsValues(
  ledgerId: string,
  endpoint: RecoverableEndpoint,
  range: RecoveryRange,
): unknown[] {
  return [
    ledgerId,
    endpoint.id,
    range.since,
    range.until,
    likePatterns(endpoint.eventTypes),
    range.eventTypes === null ? null : likePatterns(range.eventTypes),
    endpoint.accountIds,
    endpoint.ownerId,
    endpoint.accountIds.map(accountIdOf),
  ];
}

/** How many stored events a recovery would send: those that the endpoint wants and that have not succeeded for it. */
export async function countRecoverable(
  db: Queryable,
  ledgerId: string,
  endpoint: RecoverableEndpoint,
  range: RecoveryRange,
): Promise<number> {
  const { rows } = await db.query<{ count: number }>(
    `SELECT count(*)::integer AS count FROM dispatcher.events e WHERE e.ledger_id = $1 AND ${wantedEventsSql}`,
    wantedEventsValues(ledgerId, endpoint, range),
  );
  return rows[0]?.count ?? 0;
}

/**
 * Begins a recovery, which the process that holds the endpoint's shard runs to its end, across restarts. Null:
 * there is no such endpoint, or it was deleted. One that is disabled gets no deliveries, so its recovery is
 * cancelled: enable it first.
 */
export async function startRecovery(
  db: Queryable,
  ledgerId: string,
  endpointId: string,
  range: RecoveryRange,
): Promise<Recovery | null> {
  const { rows: endpoints } = await db.query<RecoverableEndpoint>(
    `SELECT id, event_types AS "eventTypes", account_ids AS "accountIds", owner_id AS "ownerId"
     FROM dispatcher.endpoints WHERE ledger_id = $1 AND id = $2 AND deleted_at IS NULL`,
    [ledgerId, endpointId],
  );
  const [endpoint] = endpoints;
  if (!endpoint) return null;
  const count = await countRecoverable(db, ledgerId, endpoint, range);
  const id = newUuid();
  await db.query(
    `INSERT INTO dispatcher.recoveries (ledger_id, id, endpoint_id, since, until, event_types, status, count)
     VALUES ($1, $2, $3, $4, $5, $6, 'running', $7)`,
    [ledgerId, id, endpointId, range.since, range.until, range.eventTypes, count],
  );
  // Whoever is told of the endpoint looks at its recoveries as well.
  await db.query("SELECT pg_notify('dispatcher_endpoints', $1)", [endpointId]);
  return { id, status: 'running', count, done: 0 };
}
