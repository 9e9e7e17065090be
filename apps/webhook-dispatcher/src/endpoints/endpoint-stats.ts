import type pg from 'pg';
import { formatTimestamp, microsSql } from '#platform';

const windowHours = 24;
/** Of attempts and of deliveries that are looked at, however many there are. */
const rowsMax = 50_000;

interface StatsRow {
  readonly from: string;
  readonly to: string;
  readonly attempts: number;
  readonly succeeded: number;
  readonly p50: number | null;
  readonly p99: number | null;
  readonly undelivered: number;
  readonly oldest_seconds: number | null;
}

/** How an endpoint has done in the last 24 hours, or in its newest 50,000 attempts where those are more. */
export async function readEndpointStats(db: pg.Pool, ledgerId: string, endpointId: string) {
  const { rows } = await db.query<StatsRow>(
    `WITH bounds AS (
      SELECT now.at AS to_at, now.at - interval '${windowHours} hours' AS from_at FROM clock_timestamp() AS now(at)
    ), tried AS (
      SELECT a.at, a.duration_ms, a.status_code BETWEEN 200 AND 299 AS is_success
      FROM dispatcher.attempts a
      WHERE a.endpoint_id = $2 AND a.at >= (SELECT from_at FROM bounds)
        AND EXISTS (SELECT FROM dispatcher.endpoints e WHERE e.ledger_id = $1 AND e.id = $2)
      ORDER BY a.at DESC LIMIT ${rowsMax}
    ), waiting AS (
      (SELECT d.created_at FROM dispatcher.deliveries d
        WHERE d.ledger_id = $1 AND d.endpoint_id = $2 AND d.status = 'pending'
        ORDER BY d.next_attempt_at LIMIT ${rowsMax})
      UNION ALL
      (SELECT d.created_at FROM dispatcher.deliveries d
        JOIN dispatcher.endpoints e ON e.ledger_id = d.ledger_id AND e.id = d.endpoint_id AND e.shard = d.shard
        WHERE d.ledger_id = $1 AND d.endpoint_id = $2 AND d.status = 'delivering' LIMIT ${rowsMax})
    )
    SELECT ${microsSql('b.to_at')} AS to,
      ${microsSql(`CASE WHEN t.attempts = ${rowsMax} THEN t.first_at ELSE b.from_at END`)} AS from,
      t.attempts, t.succeeded, t.p50, t.p99, w.undelivered,
      CASE WHEN w.undelivered > 0 THEN greatest(0, floor(extract(epoch from b.to_at - w.oldest_at))) END::integer
        AS oldest_seconds
    FROM bounds b,
      (SELECT count(*)::integer AS attempts, count(*) FILTER (WHERE is_success)::integer AS succeeded,
        min(at) AS first_at, percentile_disc(0.5) WITHIN GROUP (ORDER BY duration_ms) AS p50,
        percentile_disc(0.99) WITHIN GROUP (ORDER BY duration_ms) AS p99 FROM tried) t,
      (SELECT count(*)::integer AS undelivered, min(created_at) AS oldest_at FROM waiting) w`,
    [ledgerId, endpointId],
  );
  return presentStats(rows[0]!);
}

function presentStats(row: StatsRow) {
  return {
    from: formatTimestamp(BigInt(row.from)),
    to: formatTimestamp(BigInt(row.to)),
    attempts: row.attempts,
    succeeded: row.succeeded,
    successRate: row.attempts === 0 ? null : row.succeeded / row.attempts,
    latencyMs: { p50: row.p50, p99: row.p99 },
    undelivered: row.undelivered,
    oldestUndeliveredSeconds: row.oldest_seconds,
  };
}
