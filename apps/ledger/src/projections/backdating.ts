import type pg from 'pg';
import { projectionsSchema, type EventRange } from './projection.js';
import { postingEventTypesSql } from './posting-events.js';

/**
 * Balances by effective time. Nearly every leg takes effect when it is recorded; one that took effect before is
 * back-dated, and of those alone anything is written here. For an account and a time T, both inclusive:
 *
 *     effective(T) = recorded(T) + the back-dated legs that took effect up to T and were recorded after it
 *
 * recorded(T) is the balance after the last entry up to the last position recorded by T. As nothing is recorded
 * before it takes effect, every leg that was recorded by T has also taken effect by T, and what is added is
 *
 *     Σ of the back-dated legs that took effect up to T − Σ of the back-dated legs recorded up to T
 *
 * The second sum is kept on each leg (`backdated_legs.recorded_sum`), in the order of the journal, and the last one
 * up to the position has it. The first can't be kept so, because a leg may take effect before others that are there
 * already. It comes from a radix tree of sums by microseconds since 1970 (`backdated_sums`), 256 to a node: the row
 * (level, bucket) has the sum of all legs whose time >> 8 * level is the bucket, for levels 0 to 6. Up to T those
 * count at each level that come before T's own bucket and share its parent (at level 0 T's own as well, at the
 * highest all before it): together they are exactly the times up to T. A leg changes seven rows; a sum reads at
 * most seven ranges of one index, of at most 256 rows each but for the highest, whose buckets are nine years wide.
 * Times before 1970 are negative, which shifting and comparing take as they are.
 */
const levelHighest = 6;

/** The sum of an account's back-dated legs that took effect up to a time in microseconds; $1 is the ledger. */
export function effectiveSumSql(accountId: string, micros: string): string {
  return `(SELECT coalesce(sum(r.sum), 0) FROM generate_series(0, ${levelHighest}) AS v(level) CROSS JOIN LATERAL (
    SELECT sum(s.sum) AS sum FROM projections.backdated_sums s
    WHERE s.ledger_id = $1 AND s.account_id = ${accountId} AND s.level = v.level
      AND s.bucket >= CASE v.level WHEN ${levelHighest} THEN ${lowestBigint} ELSE ${micros} >> (8 * v.level + 8) << 8 END
      AND s.bucket < (${micros} >> (8 * v.level)) + CASE v.level WHEN 0 THEN 1 ELSE 0 END
  ) r)`;
}

const lowestBigint = `'-9223372036854775808'::bigint`;

/** The sum of an account's back-dated legs that were recorded up to a position; $1 is the ledger. */
export function recordedSumSql(accountId: string, position: string, schema = projectionsSchema): string {
  return `coalesce((SELECT b.recorded_sum FROM ${schema}.backdated_legs b
    WHERE b.ledger_id = $1 AND b.account_id = ${accountId} AND b.position <= ${position}
    ORDER BY b.position DESC, b.leg DESC LIMIT 1), 0)`;
}

/** Rows of backdated_legs with the buckets that they count in; for one ledger, $1. */
const projectBackdatedSql = (schema: string): string => `
  WITH legs AS MATERIALIZED (
    SELECT e.position, l.leg, l."accountId" AS account_id, l.direction, l.amount, e.effective_at,
      CASE l.direction WHEN 'credit' THEN l.amount ELSE -l.amount END AS signed
    FROM journal.events e
    CROSS JOIN LATERAL json_to_recordset(e.data -> 'legs')
      AS l(leg integer, "accountId" uuid, direction text, amount numeric)
    WHERE e.ledger_id = $1 AND e.position > $2 AND e.position <= $3 AND e.effective_at < e.recorded_at
      AND e.type IN (${postingEventTypesSql}) AND e.data IS NOT NULL
  ), before AS MATERIALIZED (
    SELECT a.account_id, ${recordedSumSql('a.account_id', '$2', schema)} AS sum
    FROM (SELECT DISTINCT account_id FROM legs) a
  ), listed_legs AS (
    INSERT INTO ${schema}.backdated_legs (ledger_id, account_id, position, leg, direction, amount,
      effective_at, recorded_sum)
    SELECT $1, g.account_id, g.position, g.leg, g.direction, g.amount, g.effective_at,
      b.sum + sum(g.signed) OVER (PARTITION BY g.account_id ORDER BY g.position, g.leg)
    FROM legs g JOIN before b ON b.account_id = g.account_id
  )
  INSERT INTO ${schema}.backdated_sums AS s (ledger_id, account_id, level, bucket, sum)
  SELECT $1, g.account_id, v.level, g.micros >> (8 * v.level), sum(g.signed)
  FROM (SELECT account_id, signed, (extract(epoch from effective_at) * 1000000)::bigint AS micros FROM legs) g
  CROSS JOIN generate_series(0, ${levelHighest}) AS v(level)
  GROUP BY 2, 3, 4 ORDER BY 2, 3, 4
  ON CONFLICT (ledger_id, account_id, level, bucket) DO UPDATE SET sum = s.sum + excluded.sum`;

export async function projectBackdated(
  db: pg.ClientBase,
  schema: string,
  ledgerId: string,
  { after, upTo }: EventRange,
): Promise<void> {
  const name = `project-backdated ${schema}`;
  await db.query({ name, text: projectBackdatedSql(schema), values: [ledgerId, after, upTo] });
}

/** A sum that isn't that of the legs below it, which are right; null where all are. For verifying alone. */
export async function findWrongSum(
  db: pg.ClientBase,
  ledgerId: string,
): Promise<{ readonly bucket: string; readonly expected: string; readonly found: string } | null> {
  const { rows } = await db.query<{ bucket: string; expected: string; found: string }>({
    text: `SELECT format('%s %s %s', account_id, level, bucket) AS bucket,
        coalesce(e.sum::text, 'no such row') AS expected, coalesce(f.sum::text, 'no such row') AS found
      FROM (
        SELECT b.account_id, v.level, (extract(epoch from b.effective_at) * 1000000)::bigint >> (8 * v.level) AS bucket,
          sum(CASE b.direction WHEN 'credit' THEN b.amount ELSE -b.amount END) AS sum
        FROM projections.backdated_legs b CROSS JOIN generate_series(0, ${levelHighest}) AS v(level)
        WHERE b.ledger_id = $1 GROUP BY 1, 2, 3
      ) e FULL JOIN (
        SELECT s.account_id, s.level, s.bucket, s.sum FROM projections.backdated_sums s WHERE s.ledger_id = $1
      ) f USING (account_id, level, bucket)
      WHERE e.sum IS DISTINCT FROM f.sum ORDER BY account_id, level, bucket LIMIT 1`,
    values: [ledgerId],
  });
  return rows[0] ?? null;
}
