import type pg from 'pg';
import { topics } from '#contracts';

/** Tells subscribers' processes that a ledger is followed from now on. */
export const followChannel = 'stream_follows';

/** From the ledger's head on; where it is followed already, it goes on from where it stands. */
export async function followLedger(db: pg.ClientBase, subscriber: string, ledgerId: string): Promise<void> {
  await db.query({
    name: 'stream-follow-ledger',
    text: `INSERT INTO stream.offsets (subscriber, topic, partition, epoch, position)
      SELECT $1, $2, $3, coalesce(h.epoch, 1), coalesce(h.position, 0)
      FROM (SELECT) AS one LEFT JOIN stream.read_v1(
        json_build_array(json_build_object('ledgerId', $3::text)), 1) h ON true
      ON CONFLICT DO NOTHING`,
    values: [subscriber, topics.events, ledgerId],
  });
  await db.query({
    name: 'stream-tell-followers',
    text: 'SELECT pg_notify($1, $2)',
    values: [followChannel, ledgerId],
  });
}
