import type { ClaimedDelivery, DeliveryEndpoint } from './delivery-endpoint.js';
import { isDelivery } from './delivery-key.js';
import { heldTermsLightly, termValues, type Queryable, type ShardTerm } from './held-terms.js';

/*
 * The statements that work shards, whose endpoints are of many ledgers: what is due, what was claimed. They work
 * on many deliveries at once, and each of those is looked for in its own ledger.
 */

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

/** An endpoint, and the ledger in which alone its deliveries are looked for. */
export interface LedgerEndpoint {
  readonly endpointId: string;
  readonly ledgerId: string;
}

export interface ClaimWish extends ShardTerm, LedgerEndpoint {
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
        FROM unnest($3::uuid[], $4::uuid[], $5::smallint[], $6::integer[]) AS w(endpoint_id, ledger_id, shard, count)
        JOIN held ON held.shard = w.shard
        CROSS JOIN LATERAL (
          SELECT x.day, x.event_id, x.endpoint_id FROM dispatcher.deliveries x
          WHERE x.endpoint_id = w.endpoint_id AND x.ledger_id = w.ledger_id AND x.status = 'pending'
            AND x.next_attempt_at <= now() AND x.day >= $7::date
          ORDER BY x.next_attempt_at LIMIT w.count FOR UPDATE SKIP LOCKED
        ) d
      )
      UPDATE dispatcher.deliveries d SET status = 'delivering' FROM due
      WHERE ${isDelivery('d', 'due')}
      RETURNING d.id, d.day::text, d.event_id AS "eventId", d.endpoint_id AS "endpointId",
        d.ledger_id AS "ledgerId", d.shard, due.term::integer, d.attempts, d.schedule_from AS "scheduleFrom", d.is_manual AS "isManual"`,
    values: [
      ...termValues(wishes),
      wishes.map(({ endpointId }) => endpointId),
      wishes.map(({ ledgerId }) => ledgerId),
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
      FROM unnest($3::date[], $4::uuid[], $5::uuid[], $6::uuid[], $7::smallint[])
        AS c(day, event_id, endpoint_id, ledger_id, shard)
      JOIN held ON held.shard = c.shard
      WHERE ${isDelivery('d', 'c')}
        AND d.ledger_id IS NOT DISTINCT FROM c.ledger_id AND d.status = $8`,
    values: [
      ...termValues(deliveries),
      deliveries.map(({ day }) => day),
      deliveries.map(({ eventId }) => eventId),
      deliveries.map(({ endpointId }) => endpointId),
      deliveries.map(({ ledgerId }) => ledgerId),
      deliveries.map(({ shard }) => shard),
      'delivering',
    ],
  });
}

/** Makes due at once what the last holder of these shards was delivering. */
export async function requeue(db: Queryable, shards: readonly number[]): Promise<void> {
  await db.query({
    name: 'shards-requeue',
    text: `UPDATE dispatcher.deliveries SET status = 'pending', next_attempt_at = clock_timestamp()
      WHERE shard = ANY ($1) AND status = 'delivering'`,
    values: [shards],
  });
}

/** The texts of events, by id. */
export async function readEventValues(
  db: Queryable,
  events: readonly Pick<ClaimedDelivery, 'day' | 'eventId' | 'ledgerId'>[],
): Promise<Map<string, string>> {
  const { rows } = await db.query<{ event_id: string; value: string }>({
    name: 'delivery-read-events',
    // Looked up one by one and by the key alone: see `isDelivery`.
    text: `SELECT e.event_id, e.value
      FROM unnest($1::date[], $2::uuid[], $3::uuid[]) AS w(day, event_id, ledger_id)
      CROSS JOIN LATERAL (
        SELECT x.event_id, x.value::text AS value FROM dispatcher.events x
        WHERE (x.day, x.event_id) BETWEEN (w.day, w.event_id) AND (w.day, w.event_id)
          AND x.ledger_id IS NOT DISTINCT FROM w.ledger_id AND x.day BETWEEN $4 AND $5 OFFSET 0
      ) e`,
    values: [
      events.map(({ day }) => day),
      events.map(({ eventId }) => eventId),
      events.map(({ ledgerId }) => ledgerId),
      ...daysOf(events),
    ],
  });
  return new Map(rows.map(({ event_id, value }) => [event_id, value]));
}

export interface NextDue {
  readonly endpointId: string;
  /** Below zero where it is due. Null: nothing is pending but what waits in lanes. */
  readonly waitMs: number | null;
}

/** When each endpoint's next delivery is due. */
export async function probeNextDue(db: Queryable, endpoints: readonly LedgerEndpoint[]): Promise<NextDue[]> {
  const { rows } = await db.query<NextDue>({
    name: 'delivery-probe',
    text: `SELECT w.id AS "endpointId",
        (extract(epoch FROM d.next_attempt_at - now()) * 1000)::float8 AS "waitMs"
      FROM unnest($1::uuid[], $2::uuid[]) AS w(id, ledger_id)
      LEFT JOIN LATERAL (
        SELECT next_attempt_at FROM dispatcher.deliveries x
        WHERE x.endpoint_id = w.id AND x.ledger_id = w.ledger_id AND x.status = 'pending'
          AND x.next_attempt_at > '-infinity'
        ORDER BY x.next_attempt_at LIMIT 1
      ) d ON true`,
    values: [endpoints.map(({ endpointId }) => endpointId), endpoints.map(({ ledgerId }) => ledgerId)],
  });
  return rows;
}

const backlogPerEndpointMax = 10_000;

/** How much is due of these endpoints, counting no more than 10,000 of each. */
export async function countDue(db: Queryable, endpoints: readonly LedgerEndpoint[]): Promise<number> {
  const { rows } = await db.query<{ due: number }>({
    name: 'delivery-count-due',
    text: `SELECT coalesce(sum(d.due), 0)::integer AS due FROM unnest($1::uuid[], $2::uuid[]) AS w(id, ledger_id)
      CROSS JOIN LATERAL (
        SELECT count(*) AS due FROM (
          SELECT FROM dispatcher.deliveries x
          WHERE x.endpoint_id = w.id AND x.ledger_id = w.ledger_id AND x.status = 'pending'
            AND x.next_attempt_at <= now()
          ORDER BY x.next_attempt_at LIMIT ${backlogPerEndpointMax}
        ) counted
      ) d`,
    values: [endpoints.map(({ endpointId }) => endpointId), endpoints.map(({ ledgerId }) => ledgerId)],
  });
  return rows[0]?.due ?? 0;
}
