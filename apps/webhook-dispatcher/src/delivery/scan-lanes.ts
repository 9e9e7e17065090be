import type { ClaimedDelivery } from './delivery-endpoint.js';
import { isDelivery } from './delivery-key.js';
import { heldTerms, termValues, type Queryable, type ShardTerm } from './held-terms.js';
import type { LedgerEndpoint } from './scan-shards.js';

/**
 * Lanes of endpoints that want events in the order of each account. An event stands in the lane of each account
 * that it touches and the endpoint names, and is due when it is first in all of them. Intake only adds entries,
 * in order; entries leave with the delivery's end. Whoever adds or removes has the firsts looked for after its
 * commit, so that of two at the same time at least one sees the other's.
 *
 * Lanes are of endpoints, which are worked by shard, whosever they are: their tables know no ledger.
 */
export interface LanePosition {
  readonly epoch: number;
  readonly position: string;
}

export const laneStart: LanePosition = { epoch: 0, position: '0' };

export interface Lane {
  readonly endpointId: string;
  readonly accountId: string;
}

const isFirst = `NOT EXISTS (
    SELECT FROM dispatcher.lane_entries mine
    JOIN dispatcher.lane_entries ahead ON ahead.endpoint_id = mine.endpoint_id AND ahead.account_id = mine.account_id
      AND (ahead.epoch, ahead.position) < (mine.epoch, mine.position)
    WHERE mine.endpoint_id = d.endpoint_id AND mine.event_id = d.event_id
  )`;

/** Makes due what has come for an endpoint after the position and is first in its lanes; says how far it has looked. */
export async function callArrivals(
  db: Queryable,
  term: ShardTerm,
  { ledgerId, endpointId }: LedgerEndpoint,
  after: LanePosition,
): Promise<{ readonly due: number; readonly last: LanePosition }> {
  const { rows } = await db.query<{ due: number; epoch: number | null; position: string | null }>({
    name: 'lanes-call-arrivals',
    text: `WITH ${heldTerms}, arrived AS MATERIALIZED (
        SELECT DISTINCT endpoint_id, epoch, position, day, event_id FROM dispatcher.lane_entries
        WHERE endpoint_id = $3 AND (epoch, position) > ($4::integer, $5::bigint)
      ), called AS (
        UPDATE dispatcher.deliveries d SET next_attempt_at = clock_timestamp() FROM arrived a
        WHERE ${isDelivery('d', 'a')} AND d.ledger_id IS NOT DISTINCT FROM $6
          AND d.status = 'pending' AND d.next_attempt_at IS NULL AND d.shard IN (SELECT shard FROM held)
          AND ${isFirst}
        RETURNING d.event_id
      )
      SELECT (SELECT count(*)::integer FROM called) AS due, l.epoch, l.position::text
      FROM (SELECT) AS one LEFT JOIN (
        SELECT epoch, position FROM arrived ORDER BY epoch DESC, position DESC LIMIT 1
      ) l ON true`,
    values: [[term.shard], [term.term], endpointId, after.epoch, after.position, ledgerId],
  });
  const [row] = rows;
  const last =
    row?.epoch != null && row.position !== null ? { epoch: row.epoch, position: row.position } : after;
  return { due: row?.due ?? 0, last };
}

/** Makes due what is first now in lanes that something has left. Returns the endpoints that have work. */
export async function callHeads(
  db: Queryable,
  terms: readonly ShardTerm[],
  lanes: readonly Lane[],
): Promise<string[]> {
  const { rows } = await db.query<{ endpoint_id: string }>({
    name: 'lanes-call-heads',
    text: `WITH ${heldTerms}, heads AS MATERIALIZED (
        SELECT DISTINCT h.endpoint_id, h.day, h.event_id
        FROM unnest($3::uuid[], $4::uuid[]) AS l(endpoint_id, account_id)
        CROSS JOIN LATERAL (
          SELECT x.endpoint_id, x.day, x.event_id FROM dispatcher.lane_entries x
          WHERE x.endpoint_id = l.endpoint_id AND x.account_id = l.account_id
          ORDER BY x.epoch, x.position LIMIT 1
        ) h
      )
      UPDATE dispatcher.deliveries d SET next_attempt_at = clock_timestamp() FROM heads h
      WHERE ${isDelivery('d', 'h')}
        AND d.status = 'pending' AND d.next_attempt_at IS NULL AND d.shard IN (SELECT shard FROM held)
        AND ${isFirst}
      RETURNING d.endpoint_id`,
    values: [
      ...termValues(terms),
      lanes.map(({ endpointId }) => endpointId),
      lanes.map(({ accountId }) => accountId),
    ],
  });
  return [...new Set(rows.map((row) => row.endpoint_id))];
}

/** Makes due what waits in lanes of endpoints that are no longer ordered. Returns those that have work. */
export async function dissolveLanes(
  db: Queryable,
  endpoints: readonly (ShardTerm & LedgerEndpoint)[],
): Promise<string[]> {
  const { rows } = await db.query<{ endpoint_id: string }>({
    name: 'lanes-dissolve',
    text: `WITH ${heldTerms}, dissolved AS (
        DELETE FROM dispatcher.lane_entries l
        USING unnest($3::uuid[], $4::uuid[], $5::smallint[]) AS w(endpoint_id, ledger_id, shard)
        JOIN held ON held.shard = w.shard
        WHERE l.endpoint_id = w.endpoint_id
        RETURNING l.endpoint_id, w.ledger_id, l.day, l.event_id
      )
      UPDATE dispatcher.deliveries d SET next_attempt_at = clock_timestamp()
      FROM (SELECT DISTINCT endpoint_id, ledger_id, day, event_id FROM dissolved) l
      WHERE ${isDelivery('d', 'l')} AND d.ledger_id IS NOT DISTINCT FROM l.ledger_id
        AND d.status = 'pending' AND d.next_attempt_at IS NULL
      RETURNING d.endpoint_id`,
    values: [
      ...termValues(endpoints),
      endpoints.map(({ endpointId }) => endpointId),
      endpoints.map(({ ledgerId }) => ledgerId),
      endpoints.map(({ shard }) => shard),
    ],
  });
  return [...new Set(rows.map((row) => row.endpoint_id))];
}

/** What has ended leaves its lanes; without success it is named there later, with it those that it named are told. */
export function leaveLanesSql(ended: string): string {
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

export const lanesLeftSql = `(SELECT json_agg(json_build_object('endpointId', endpoint_id, 'accountId', account_id)) FROM gone) AS "lanesLeft"`;

/** A body names no more; the next one of the lane names the rest. */
const skippedPerBodyMax = 500;

/** Events that each delivery's body has to name as skipped, by delivery id. */
export async function readSkipped(
  db: Queryable,
  deliveries: readonly ClaimedDelivery[],
): Promise<Map<string, string[]>> {
  const { rows } = await db.query<{ id: string; event_ids: string[] }>({
    name: 'lanes-read-skipped',
    text: `SELECT c.id, array_agg(s.event_id ORDER BY s.event_id) AS event_ids
      FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) AS c(id, endpoint_id, event_id)
      CROSS JOIN LATERAL (
        SELECT DISTINCT s.event_id FROM dispatcher.lane_entries l
        JOIN dispatcher.lane_skips s ON s.endpoint_id = l.endpoint_id AND s.account_id = l.account_id
        WHERE l.endpoint_id = c.endpoint_id AND l.event_id = c.event_id
        ORDER BY s.event_id LIMIT ${skippedPerBodyMax}
      ) s
      GROUP BY c.id`,
    values: [
      deliveries.map(({ id }) => id),
      deliveries.map(({ endpointId }) => endpointId),
      deliveries.map(({ eventId }) => eventId),
    ],
  });
  return new Map(rows.map(({ id, event_ids }) => [id, event_ids]));
}
