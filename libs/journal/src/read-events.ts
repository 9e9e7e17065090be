import type pg from 'pg';
import { eventColumnsSql, readEventRow, type EventRow, type RecordedEvent } from './recorded-event.js';

export interface EventPage {
  readonly events: readonly RecordedEvent[];
  readonly headPosition: bigint;
}

type Queryable = Pick<pg.Pool, 'query'>;

/** The journal in order, after a position; the head is read in the same statement. */
export async function readEvents(
  db: Queryable,
  ledgerId: string,
  after: bigint,
  limit: number,
): Promise<EventPage> {
  const { rows } = await db.query<{ head: string } & { [K in keyof EventRow]: EventRow[K] | null }>({
    name: 'read-events',
    text: `SELECT h.position::text AS head, e.* FROM journal.heads h LEFT JOIN LATERAL (
        SELECT ${eventColumnsSql('v')} FROM journal.events v
        WHERE v.ledger_id = $1 AND v.position > $2 ORDER BY v.position LIMIT $3
      ) e ON true WHERE h.ledger_id = $1`,
    values: [ledgerId, after, limit],
  });
  const events = rows.filter((row) => row.position !== null).map((row) => readEventRow(row as EventRow));
  return { events, headPosition: BigInt(rows[0]?.head ?? '0') };
}
