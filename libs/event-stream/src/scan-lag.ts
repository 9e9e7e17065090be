import type pg from 'pg';
import { topics } from '#contracts';

export interface Lag {
  /** Ledgers that a turn may bring further; the furthest behind first. */
  readonly ledgerIds: readonly string[];
  readonly events: number;
  /** Age of the oldest event that was not handled. */
  readonly seconds: number;
  /** Ledgers whose journal ends before what the subscriber has handled: it was put back without a new epoch. */
  readonly lostLedgerIds: readonly string[];
}

const laggingMax = 1_000;
/** As many of the ledgers furthest behind are looked at for the oldest event. */
const agedMax = 100;

/**
 * Compares where a subscriber stands with the heads of all ledgers that it follows. What belongs together is grouped,
 * not joined: sessions of a subscriber may be told to join in nested loops alone, which of many ledgers is for ever. This file alone reads across
 * ledgers; what it finds is worked on ledger by ledger.
 */
export async function scanLag(pool: pg.Pool, subscriber: string): Promise<Lag> {
  const { rows } = await pool.query<LagRow>({
    name: 'stream-scan-lag',
    text: `WITH followed AS MATERIALIZED (
        SELECT partition, epoch, position FROM stream.offsets WHERE subscriber = $1 AND topic = $2
      ), heads AS MATERIALIZED (
        SELECT r.ledger_id::text AS partition, r.epoch, r.position
        FROM (SELECT json_agg(json_build_object('ledgerId', partition)) AS positions, count(*)::integer AS count
              FROM followed) f
        CROSS JOIN LATERAL stream.read_v1(f.positions, f.count) r
      )
      SELECT partition, epoch, position::text, (head_epoch, head_position) < (epoch, position) AS is_lost,
        sum(greatest(head_position - position, 0)) OVER ()::text AS events
      FROM (
        SELECT partition, max(epoch) AS epoch, max(position) AS position,
          max(head_epoch) AS head_epoch, max(head_position) AS head_position
        FROM (
          SELECT partition, epoch, position, NULL::integer AS head_epoch, NULL::bigint AS head_position FROM followed
          UNION ALL SELECT partition, NULL, NULL, epoch, position FROM heads
        ) both_of_each GROUP BY partition
      ) compared
      WHERE (head_epoch, head_position) <> (epoch, position)
      ORDER BY is_lost, head_position - position DESC LIMIT ${laggingMax}`,
    values: [subscriber, topics.events],
  });
  const lagging = rows.filter((row) => !row.is_lost);
  return {
    ledgerIds: lagging.map(({ partition }) => partition),
    events: Number(rows[0]?.events ?? 0),
    seconds: await oldestSeconds(pool, lagging.slice(0, agedMax)),
    lostLedgerIds: rows.filter((row) => row.is_lost).map(({ partition }) => partition),
  };
}

interface LagRow {
  readonly partition: string;
  readonly epoch: number;
  readonly position: string;
  readonly is_lost: boolean;
  readonly events: string;
}

async function oldestSeconds(
  pool: pg.Pool,
  lagging: readonly Pick<LagRow, 'partition' | 'epoch' | 'position'>[],
): Promise<number> {
  if (lagging.length === 0) return 0;
  const positions = lagging.map(({ partition, epoch, position }) => ({
    ledgerId: partition,
    epoch,
    position,
  }));
  const { rows } = await pool.query<{ seconds: number | null }>({
    name: 'stream-oldest-seconds',
    text: `SELECT greatest(0, extract(epoch FROM clock_timestamp() - min(recorded_at::timestamptz)))::float8 AS seconds
      FROM stream.read_v1($1, $2)`,
    values: [JSON.stringify(positions), positions.length],
  });
  return rows[0]?.seconds ?? 0;
}
