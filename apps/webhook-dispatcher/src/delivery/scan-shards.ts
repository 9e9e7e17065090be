import type pg from 'pg';
import { encodeTypeId } from '#contracts';
import type { ClaimedDelivery, DeliveryEndpoint, DeliveryResult } from './delivery-endpoint.js';
import type { ShardTerm } from './shards.js';

/**
 * The statements that work a shard, whose endpoints are of many ledgers: this file alone writes and reads across
 * ledgers. Each that writes names the terms under which it does, and locks them for its time: where a term is
 * an old one, nothing is changed.
 */
export const heldTerms = `held AS MATERIALIZED (
  SELECT s.shard, s.term FROM dispatcher.shards s
  JOIN unnest($1::smallint[], $2::bigint[]) AS h(shard, term) ON h.shard = s.shard AND h.term = s.term
  ORDER BY s.shard FOR SHARE OF s
)`;

/** The same, for what may be lost with the server: it would only be done once more. */
const heldTermsLightly = heldTerms.replace(
  'ORDER BY',
  "WHERE set_config('synchronous_commit', 'off', true) IS NOT NULL ORDER BY",
);

export type Queryable = Pick<pg.Pool, 'query'>;

export function termValues(terms: readonly ShardTerm[]): [number[], number[]] {
  const byShard = new Map(terms.map(({ shard, term }) => [shard, term]));
  return [[...byShard.keys()], [...byShard.values()]];
}

/** Endpoints of these shards; with `changedWithinMs` those alone that changed a short while ago. */
export async function readEndpoints(
  db: Queryable,
  shards: readonly number[],
  changedWithinMs: number | null,
): Promise<DeliveryEndpoint[]> {
  const { rows } = await db.query<DeliveryEndpoint>({
    name: 'delivery-read-endpoints',
    text: `SELECT id, ledger_id AS "ledgerId", shard, owner_id AS "ownerId", url, headers,
        legacy_signature_header AS "legacySignatureHeader", secret, previous_secret AS "previousSecret",
        previous_secret_until AS "previousSecretUntil", ordering = 'account' AS "isOrdered",
        rate_limit_per_second AS "rateLimitPerSecond", max_concurrency AS "maxConcurrency",
        status = 'enabled' AND deleted_at IS NULL AS "isEnabled", deleted_at IS NOT NULL AS "isDeleted",
        updated_at::text AS "updatedAt"
      FROM dispatcher.endpoints
      WHERE shard = ANY ($1::smallint[])
        AND updated_at > coalesce(now() - $2::integer * interval '1 ms', '-infinity')
        AND (deleted_at IS NULL OR deleted_at > now() - interval '1 day')`,
    values: [shards, changedWithinMs],
  });
  return rows;
}

export interface ClaimWish extends ShardTerm {
  readonly endpointId: string;
  readonly count: number;
  /** Those of earlier days are left for another time: partitions that aren't looked at cost nothing. */
  readonly fromDay: string;
}

/** Before any that there is. */
export const anyDay = '-infinity';

/** Takes what is due, at most so much of each endpoint, so that none waits behind another's backlog. */
export async function claimDue(db: Queryable, wishes: readonly ClaimWish[]): Promise<ClaimedDelivery[]> {
  const { rows } = await db.query<ClaimedDelivery>({
    name: 'delivery-claim',
    text: `WITH ${heldTermsLightly}, due AS MATERIALIZED (
        SELECT d.*, held.term
        FROM unnest($3::uuid[], $4::smallint[], $5::integer[]) AS w(endpoint_id, shard, count)
        JOIN held ON held.shard = w.shard
        CROSS JOIN LATERAL (
          SELECT x.day, x.event_id, x.endpoint_id FROM dispatcher.deliveries x
          WHERE x.endpoint_id = w.endpoint_id AND x.status = 'pending' AND x.next_attempt_at <= now()
            AND x.day >= $6::date
          ORDER BY x.next_attempt_at LIMIT w.count FOR UPDATE SKIP LOCKED
        ) d
      )
      UPDATE dispatcher.deliveries d SET status = 'delivering' FROM due
      WHERE d.day = due.day AND d.event_id = due.event_id AND d.endpoint_id = due.endpoint_id
        AND d.day >= $6::date
      RETURNING d.id, d.day::text, d.event_id AS "eventId", d.endpoint_id AS "endpointId", d.shard,
        due.term::integer, d.attempts, d.schedule_from AS "scheduleFrom", d.is_manual AS "isManual"`,
    values: [
      ...termValues(wishes),
      wishes.map(({ endpointId }) => endpointId),
      wishes.map(({ shard }) => shard),
      wishes.map(({ count }) => count),
      wishes.reduce(
        (first, { fromDay }) => (fromDay < first ? fromDay : first),
        wishes[0]?.fromDay ?? anyDay,
      ),
    ],
  });
  return rows;
}

/** Of rows that are found by their keys: with these, the partitions of other days aren't even opened. */
function daysOf(rows: readonly { readonly day: string }[]): [string, string] {
  const days = rows.map(({ day }) => day).sort();
  return [days[0] ?? anyDay, days.at(-1) ?? anyDay];
}

/** Puts back what was claimed and not sent, as if it had not been. */
export async function giveBack(db: Queryable, deliveries: readonly ClaimedDelivery[]): Promise<void> {
  await db.query({
    name: 'delivery-give-back',
    text: `WITH ${heldTermsLightly}
      UPDATE dispatcher.deliveries d SET status = 'pending'
      FROM unnest($3::date[], $4::uuid[], $5::uuid[], $6::smallint[]) AS c(day, event_id, endpoint_id, shard)
      JOIN held ON held.shard = c.shard
      WHERE d.day = c.day AND d.event_id = c.event_id AND d.endpoint_id = c.endpoint_id
        AND d.day BETWEEN $7 AND $8 AND d.status = $9`,
    values: [
      ...termValues(deliveries),
      deliveries.map(({ day }) => day),
      deliveries.map(({ eventId }) => eventId),
      deliveries.map(({ endpointId }) => endpointId),
      deliveries.map(({ shard }) => shard),
      ...daysOf(deliveries),
      'delivering',
    ],
  });
}

/** The texts of events, by id. */
export async function readEventValues(
  db: Queryable,
  events: readonly Pick<ClaimedDelivery, 'day' | 'eventId'>[],
): Promise<Map<string, string>> {
  const { rows } = await db.query<{ event_id: string; value: string }>({
    name: 'delivery-read-events',
    text: `SELECT e.event_id, e.value::text AS value
      FROM unnest($1::date[], $2::uuid[]) AS w(day, event_id)
      JOIN dispatcher.events e ON e.day = w.day AND e.event_id = w.event_id AND e.day BETWEEN $3 AND $4`,
    values: [events.map(({ day }) => day), events.map(({ eventId }) => eventId), ...daysOf(events)],
  });
  return new Map(rows.map(({ event_id, value }) => [event_id, value]));
}

export interface NextDue {
  readonly endpointId: string;
  /** Below zero where it is due. Null: nothing is pending but what waits in lanes. */
  readonly waitMs: number | null;
}

/** When each endpoint's next delivery is due. */
export async function probeNextDue(db: Queryable, endpointIds: readonly string[]): Promise<NextDue[]> {
  const { rows } = await db.query<NextDue>({
    name: 'delivery-probe',
    text: `SELECT w.id AS "endpointId",
        (extract(epoch FROM d.next_attempt_at - now()) * 1000)::float8 AS "waitMs"
      FROM unnest($1::uuid[]) AS w(id)
      LEFT JOIN LATERAL (
        SELECT next_attempt_at FROM dispatcher.deliveries x
        WHERE x.endpoint_id = w.id AND x.status = 'pending' AND x.next_attempt_at > '-infinity'
        ORDER BY x.next_attempt_at LIMIT 1
      ) d ON true`,
    values: [endpointIds],
  });
  return rows;
}

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

export interface Lane {
  readonly endpointId: string;
  readonly accountId: string;
}

/** A written success is news enough for so long. */
const successNewsSeconds = 10;

const writeResultsSql = (isOrdered: boolean) => `WITH ${heldTerms}, done AS (
    UPDATE dispatcher.deliveries d SET status = r.status, attempts = r.number, last_status_code = r.status_code,
      next_attempt_at = clock_timestamp() + r.wait_ms * interval '1 ms'
    FROM unnest($3::date[], $4::uuid[], $5::uuid[], $6::integer[], $7::text[], $8::bigint[], $9::timestamptz[],
        $10::integer[], $11::integer[], $12::text[], $13::text[], $14::text[], $15::smallint[])
      AS r(day, event_id, endpoint_id, number, status, wait_ms, at, duration_ms, status_code, error_class, response_body, skipped, shard)
    JOIN held ON held.shard = r.shard
    WHERE d.day = r.day AND d.event_id = r.event_id AND d.endpoint_id = r.endpoint_id
      AND d.day BETWEEN $16 AND $17 AND d.status = $18 AND d.attempts = r.number - 1
    RETURNING d.day, d.event_id, d.endpoint_id, d.id, d.status, d.next_attempt_at,
      r.number, r.at, r.duration_ms, r.status_code, r.error_class, r.response_body, r.skipped::uuid[] AS skipped
  ), logged AS (
    INSERT INTO dispatcher.attempts (day, delivery_id, number, endpoint_id, at, duration_ms, status_code, error_class, response_body, next_attempt_at)
    SELECT day, id, number, endpoint_id, at, duration_ms, status_code, error_class, response_body, next_attempt_at FROM done
    ON CONFLICT DO NOTHING
  ), successes AS (
    SELECT endpoint_id, max(at) FILTER (WHERE status = 'succeeded') AS success_at FROM done GROUP BY endpoint_id
  ), recent AS (
    SELECT s.endpoint_id, s.success_at, count(f.at)::integer AS failures, min(f.at) AS first_at, max(f.at) AS last_at
    FROM successes s LEFT JOIN done f ON f.endpoint_id = s.endpoint_id AND f.status <> 'succeeded'
      AND f.at > coalesce(s.success_at, '-infinity')
    GROUP BY s.endpoint_id, s.success_at
  ), health AS (
    UPDATE dispatcher.endpoints e SET
      last_success_at = coalesce(n.success_at, e.last_success_at),
      failures = CASE WHEN n.success_at IS NULL THEN e.failures ELSE 0 END + n.failures,
      first_failure_at = coalesce(CASE WHEN n.success_at IS NULL THEN e.first_failure_at END, n.first_at),
      last_failure_at = coalesce(n.last_at, CASE WHEN n.success_at IS NULL THEN e.last_failure_at END)
    FROM recent n
    WHERE e.id = n.endpoint_id AND (n.failures > 0 OR e.failures > 0 OR e.last_success_at IS NULL
      OR e.last_success_at < n.success_at - interval '${successNewsSeconds} s')
    RETURNING e.id, e.enabled_at, e.last_success_at, e.failures, e.first_failure_at, e.last_failure_at
  )${isOrdered ? leaveLanesSql('done') : ''}
  SELECT (SELECT json_object_agg(status, count) FROM (SELECT status, count(*) FROM done GROUP BY status) o) AS outcomes,
    (SELECT json_agg(json_build_object('endpointId', id, 'enabledAt', enabled_at, 'lastSuccessAt', last_success_at,
        'failures', failures, 'firstFailureAt', first_failure_at, 'lastFailureAt', last_failure_at))
      FROM health WHERE failures > 0) AS failing,
    ${isOrdered ? lanesLeftSql : 'NULL::json AS "lanesLeft"'}`;

/** What has ended leaves its lanes; without success it is named there later, with it those that it named are told. */
function leaveLanesSql(ended: string): string {
  return `, gone AS (
    DELETE FROM dispatcher.lane_entries l USING ${ended} o
    WHERE l.endpoint_id = o.endpoint_id AND l.event_id = o.event_id AND o.status <> 'pending'
    RETURNING l.endpoint_id, l.account_id, l.event_id, o.status, o.skipped
  ), skips AS (
    INSERT INTO dispatcher.lane_skips (endpoint_id, account_id, event_id)
    SELECT endpoint_id, account_id, event_id FROM gone WHERE status <> 'succeeded'
    ON CONFLICT DO NOTHING
  ), told AS (
    DELETE FROM dispatcher.lane_skips s USING (
      SELECT endpoint_id, account_id, unnest(skipped) AS event_id FROM gone WHERE status = 'succeeded'
      UNION SELECT endpoint_id, NULL, event_id FROM ${ended} WHERE status = 'succeeded'
    ) t
    WHERE s.endpoint_id = t.endpoint_id AND s.event_id = t.event_id
      AND (t.account_id IS NULL OR s.account_id = t.account_id)
  )`;
}

const lanesLeftSql = `(SELECT json_agg(json_build_object('endpointId', endpoint_id, 'accountId', account_id)) FROM gone) AS "lanesLeft"`;

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
      ...daysOf(results.map(({ delivery }) => delivery)),
      'delivering',
    ],
  });
  return rows[0] ?? { outcomes: null, failing: null, lanesLeft: null };
}

export interface CancelledStep {
  readonly cancelled: number;
  readonly lanesLeft: readonly Lane[] | null;
}

const cancelledPerStepMax = 500;

/** Cancels what is pending for an endpoint that is disabled or deleted, a step at a time. */
export async function cancelPending(
  db: Queryable,
  term: ShardTerm,
  ledgerId: string,
  endpointId: string,
): Promise<CancelledStep> {
  const { rows } = await db.query<CancelledStep>({
    name: 'delivery-cancel',
    text: `WITH ${heldTerms}, off AS (
        SELECT id FROM dispatcher.endpoints
        WHERE ledger_id = $3 AND id = $4 AND (status = 'disabled' OR deleted_at IS NOT NULL)
          AND EXISTS (SELECT FROM held)
      ), chosen AS MATERIALIZED (
        SELECT d.day, d.event_id, d.endpoint_id FROM dispatcher.deliveries d
        WHERE d.endpoint_id = $4 AND d.status = 'pending' AND EXISTS (SELECT FROM off)
        LIMIT ${cancelledPerStepMax} FOR UPDATE SKIP LOCKED
      ), cancelled AS (
        UPDATE dispatcher.deliveries d SET status = 'cancelled', next_attempt_at = NULL FROM chosen
        WHERE d.day = chosen.day AND d.event_id = chosen.event_id AND d.endpoint_id = chosen.endpoint_id
        RETURNING d.endpoint_id, d.event_id, d.status, '{}'::uuid[] AS skipped
      )${leaveLanesSql('cancelled')}
      SELECT (SELECT count(*)::integer FROM cancelled) AS cancelled, ${lanesLeftSql}`,
    values: [[term.shard], [term.term], ledgerId, endpointId],
  });
  return rows[0] ?? { cancelled: 0, lanesLeft: null };
}

/** Disables an endpoint that is gone or has failed for days, with an entry in the audit log. */
export async function disableEndpoint(
  db: Queryable,
  term: ShardTerm,
  ledgerId: string,
  endpointId: string,
  reason: 'gone' | 'failing',
): Promise<boolean> {
  const { rowCount } = await db.query({
    name: 'delivery-disable-endpoint',
    text: `WITH ${heldTerms}, disabled AS (
        UPDATE dispatcher.endpoints
        SET status = 'disabled', disabled_reason = $5, updated_at = clock_timestamp()
        WHERE ledger_id = $3 AND id = $4 AND status = 'enabled' AND deleted_at IS NULL
          AND EXISTS (SELECT FROM held)
        RETURNING ledger_id, id, failures, last_success_at
      ), audited AS (
        INSERT INTO dispatcher.audit_entries (ledger_id, actor, action, subject, details)
        SELECT ledger_id, 'dispatcher', 'webhook_endpoint.disabled', $6,
          json_build_object('reason', $5::text, 'failures', failures, 'lastSuccessAt', last_success_at)
        FROM disabled
      )
      SELECT pg_notify('dispatcher_endpoints', id::text) FROM disabled`,
    values: [[term.shard], [term.term], ledgerId, endpointId, reason, encodeTypeId('whe', endpointId)],
  });
  return rowCount === 1;
}

export interface Backlog {
  readonly parkedLedgers: number;
  readonly deadLetters: number;
}

const countedMax = 100_000;

/** What needs a person. */
export async function countParked(db: Queryable): Promise<Backlog> {
  const { rows } = await db.query<Backlog>({
    name: 'delivery-count-parked',
    text: `SELECT
        (SELECT count(*)::integer FROM dispatcher.ledgers WHERE parked_reason IS NOT NULL) AS "parkedLedgers",
        (SELECT count(*)::integer FROM (SELECT FROM dispatcher.dead_letters LIMIT ${countedMax}) l) AS "deadLetters"`,
  });
  return rows[0] ?? { parkedLedgers: 0, deadLetters: 0 };
}

const backlogPerEndpointMax = 10_000;

/** How much is due of these endpoints, counting no more than 10,000 of each. */
export async function countDue(db: Queryable, endpointIds: readonly string[]): Promise<number> {
  const { rows } = await db.query<{ due: number }>({
    name: 'delivery-count-due',
    text: `SELECT coalesce(sum(d.due), 0)::integer AS due FROM unnest($1::uuid[]) AS w(id)
      CROSS JOIN LATERAL (
        SELECT count(*) AS due FROM (
          SELECT FROM dispatcher.deliveries x
          WHERE x.endpoint_id = w.id AND x.status = 'pending' AND x.next_attempt_at <= now()
          LIMIT ${backlogPerEndpointMax}
        ) counted
      ) d`,
    values: [endpointIds],
  });
  return rows[0]?.due ?? 0;
}
