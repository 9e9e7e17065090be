import type pg from 'pg';
import { copySqlOf } from './event-copy.js';

/** Longer than any batch takes to record. */
const frozenSeconds = 5;

/**
 * Ends the sessions that hold the ledger's head and have waited long for the rest of their events, because the process
 * that sends them stands still: limits of time don't end a COPY that waits for its client. Whoever has waited for the
 * head in vain calls it. What such a session has written is taken back, and its process decides again when it goes on.
 * @returns how many they were
 */
export async function endFrozen(pool: pg.Pool, ledgerId: string): Promise<number> {
  const { rowCount } = await pool.query({
    name: 'end-frozen',
    text: `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE datname = current_database() AND usename = current_user AND query = $1
        AND state = 'active' AND wait_event = 'ClientRead'
        AND query_start < clock_timestamp() - make_interval(secs => $2)`,
    values: [copySqlOf(ledgerId), frozenSeconds],
  });
  return rowCount ?? 0;
}
