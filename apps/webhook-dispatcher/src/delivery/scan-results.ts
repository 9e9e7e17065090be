import type { DeliveryResult } from './delivery-endpoint.js';
import { isDelivery } from './delivery-key.js';
import { heldTerms, termValues, type Queryable } from './held-terms.js';
import { lanesLeftSql, leaveLanesSql, type Lane } from './scan-lanes.js';

/*
 * What attempts have come to, of whatever ledgers the shards of this process have: each result changes a delivery
 * and an endpoint of its own ledger.
 */

/** How an endpoint that fails has done since its last success. */
export interface FailingEndpoint {
  readonly endpointId: string;
  readonly enabledAt: string;
  readonly lastSuccessAt: string | null;
  readonly failures: number;
  readonly firstFailureAt: string | null;
  readonly lastFailureAt: string | null;
}

export interface WrittenResults {
  /** By state; fewer than given where a term was old, or the delivery was ended by somebody else. */
  readonly outcomes: Readonly<Record<string, number>> | null;
  readonly failing: readonly FailingEndpoint[] | null;
  readonly lanesLeft: readonly Lane[] | null;
}

/** A written success is news enough for so long. */
const successNewsSeconds = 10;

const writeResultsSql = (isOrdered: boolean) => `WITH ${heldTerms}, done AS (
    UPDATE dispatcher.deliveries d SET status = r.status, attempts = r.number, last_status_code = r.status_code,
      next_attempt_at = clock_timestamp() + r.wait_ms * interval '1 ms'
    FROM unnest($3::date[], $4::uuid[], $5::uuid[], $6::integer[], $7::text[], $8::bigint[], $9::timestamptz[],
        $10::integer[], $11::integer[], $12::text[], $13::text[], $14::text[], $15::smallint[], $16::uuid[])
      AS r(day, event_id, endpoint_id, number, status, wait_ms, at, duration_ms, status_code, error_class, response_body, skipped, shard, ledger_id)
    JOIN held ON held.shard = r.shard
    WHERE ${isDelivery('d', 'r')}
      AND d.ledger_id IS NOT DISTINCT FROM r.ledger_id AND d.status = $17 AND d.attempts = r.number - 1
    RETURNING d.day, d.event_id, d.endpoint_id, d.ledger_id, d.id, d.status, d.next_attempt_at,
      r.number, r.at, r.duration_ms, r.status_code, r.error_class, r.response_body, r.skipped::uuid[] AS skipped
  ), logged AS (
    INSERT INTO dispatcher.attempts (day, delivery_id, number, endpoint_id, at, duration_ms, status_code, error_class, response_body, next_attempt_at)
    SELECT day, id, number, endpoint_id, at, duration_ms, status_code, error_class, response_body, next_attempt_at FROM done
    ON CONFLICT DO NOTHING
  ), successes AS (
    SELECT endpoint_id, ledger_id, max(at) FILTER (WHERE status = 'succeeded') AS success_at
    FROM done GROUP BY endpoint_id, ledger_id
  ), recent AS (
    SELECT s.endpoint_id, s.ledger_id, s.success_at, count(f.at)::integer AS failures, min(f.at) AS first_at, max(f.at) AS last_at
    FROM successes s LEFT JOIN done f ON f.endpoint_id = s.endpoint_id AND f.status <> 'succeeded'
      AND f.at > coalesce(s.success_at, '-infinity')
    GROUP BY s.endpoint_id, s.ledger_id, s.success_at
  ), health AS (
    UPDATE dispatcher.endpoints e SET
      last_success_at = coalesce(n.success_at, e.last_success_at),
      failures = CASE WHEN n.success_at IS NULL THEN e.failures ELSE 0 END + n.failures,
      first_failure_at = coalesce(CASE WHEN n.success_at IS NULL THEN e.first_failure_at END, n.first_at),
      last_failure_at = coalesce(n.last_at, CASE WHEN n.success_at IS NULL THEN e.last_failure_at END)
    FROM recent n
    WHERE e.ledger_id = n.ledger_id AND e.id = n.endpoint_id AND (n.failures > 0 OR e.failures > 0 OR e.last_success_at IS NULL
      OR e.last_success_at < n.success_at - interval '${successNewsSeconds} s')
    RETURNING e.id, e.enabled_at, e.last_success_at, e.failures, e.first_failure_at, e.last_failure_at
  )${isOrdered ? leaveLanesSql('done') : ''}
  SELECT (SELECT json_object_agg(status, count) FROM (SELECT status, count(*) FROM done GROUP BY status) o) AS outcomes,
    (SELECT json_agg(json_build_object('endpointId', id, 'enabledAt', enabled_at, 'lastSuccessAt', last_success_at,
        'failures', failures, 'firstFailureAt', first_failure_at, 'lastFailureAt', last_failure_at))
      FROM health WHERE failures > 0) AS failing,
    ${isOrdered ? lanesLeftSql : 'NULL::json AS "lanesLeft"'}`;

const plainResults = { name: 'delivery-write-results', text: writeResultsSql(false) };
const orderedResults = { name: 'delivery-write-ordered-results', text: writeResultsSql(true) };

/** Attempts, states, the endpoints' health and lanes, in one statement: all or nothing, and the same when repeated. */
export async function writeResults(
  db: Queryable,
  results: readonly DeliveryResult[],
  { isOrdered }: { readonly isOrdered: boolean },
): Promise<WrittenResults> {
  const { rows } = await db.query<WrittenResults>({
    ...(isOrdered ? orderedResults : plainResults),
    values: [
      ...termValues(results.map(({ delivery }) => delivery)),
      results.map(({ delivery }) => delivery.day),
      results.map(({ delivery }) => delivery.eventId),
      results.map(({ delivery }) => delivery.endpointId),
      results.map(({ delivery }) => delivery.attempts + 1),
      results.map(({ status }) => status),
      results.map(({ waitMs }) => waitMs),
      results.map(({ at }) => at),
      results.map(({ durationMs }) => durationMs),
      results.map(({ statusCode }) => statusCode),
      results.map(({ errorClass }) => errorClass),
      results.map(({ responseBody }) => responseBody),
      results.map(({ skipped }) => `{${skipped.join(',')}}`),
      results.map(({ delivery }) => delivery.shard),
      results.map(({ delivery }) => delivery.ledgerId),
      'delivering',
    ],
  });
  return rows[0] ?? { outcomes: null, failing: null, lanesLeft: null };
}
