import type pg from 'pg';
import { topics } from '#contracts';

/** Tells subscribers' processes that a ledger is followed from now on. */
export const followChannel = 'stream_follows';

/**
 * From what was recorded since this transaction began: what was committed meanwhile may be what the caller
 * wants, so the head would be too late. The place is sought from the head backwards, in growing steps. A ledger
 * that is followed already goes on from where it stands.
 */
export async function followLedger(db: pg.ClientBase, subscriber: string, ledgerId: string): Promise<void> {
  await db.query({
    name: 'stream-follow-ledger',
    text: `INSERT INTO stream.offsets (subscriber, topic, partition, epoch, position)
      SELECT $1, $2, $3, coalesce(f.epoch, 1), coalesce(f.position, 0)
      FROM (SELECT) AS one LEFT JOIN (
        SELECT e.epoch, e.position
        FROM stream.read_v1(json_build_array(json_build_object('ledgerId', $3::text)), 1) h
        CROSS JOIN unnest(ARRAY[0, 100, 10000, 1000000]) AS back
        CROSS JOIN LATERAL stream.read_v1(json_build_array(json_build_object(
          'ledgerId', $3::text, 'epoch', h.epoch, 'position', h.position - back - 1)), 1) e
        WHERE h.position > back AND e.recorded_at::timestamptz < transaction_timestamp()
        ORDER BY back LIMIT 1
      ) f ON true
      ON CONFLICT DO NOTHING`,
    values: [subscriber, topics.events, ledgerId],
  });
  await db.query({
    name: 'stream-tell-followers',
    text: 'SELECT pg_notify($1, $2)',
    values: [followChannel, ledgerId],
  });
}
