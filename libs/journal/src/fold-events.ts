import type pg from 'pg';
import type { DomainEvent } from '#domain';
import type { Difference } from './difference.js';
import { decodeEvent } from './event-codec.js';
import type { LedgerFold } from './ledger-fold.js';
import type { OriginalOf } from './progress-fold.js';
import { eventColumnsSql, readEventRow, type EventRow, type RecordedEvent } from './recorded-event.js';

/** Sees each run of events in order, and may compare something else with it. */
export type EventObserver = (
  events: readonly { readonly recorded: RecordedEvent; readonly event: DomainEvent | null }[],
) => Promise<Difference | null>;

const eventsPerRead = 2_000;
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Goes on with the fold up to the last event that is seen, or the first that isn't as it must be. */
export async function foldEvents(
  db: pg.ClientBase,
  fold: LedgerFold,
  observe: EventObserver = () => Promise.resolve(null),
): Promise<Difference | null> {
  for (;;) {
    const recorded = await readNext(db, fold.ledgerId, fold.position);
    if (recorded.length === 0) return null;
    const originalOf = await readOriginals(db, fold, recorded);
    const run = [];
    for (const one of recorded) {
      const difference = fold.add(one, originalOf);
      if (difference) return difference;
      run.push({ recorded: one, event: decodeEvent(one) });
    }
    const difference = await observe(run);
    if (difference) return difference;
  }
}

async function readNext(db: pg.ClientBase, ledgerId: string, after: bigint): Promise<RecordedEvent[]> {
  const { rows } = await db.query<EventRow>({
    text: `SELECT ${eventColumnsSql('v')} FROM journal.events v
      WHERE v.ledger_id = $1 AND v.position > $2 ORDER BY v.position LIMIT $3`,
    values: [ledgerId, after, eventsPerRead],
  });
  return rows.map(readEventRow);
}

/**
 * What the reversals among these events take back, so that not every transaction has to be remembered. Only what the
 * fold has been through is given: that is known to be as it was written.
 */
async function readOriginals(
  db: pg.ClientBase,
  fold: LedgerFold,
  events: readonly RecordedEvent[],
): Promise<OriginalOf> {
  const reversed = events
    .filter(({ type }) => type === 'transaction.reversed')
    .map(({ dataText }) => (JSON.parse(dataText ?? '{}') as { reverses?: unknown } | null)?.reverses)
    .filter((id) => typeof id === 'string' && uuid.test(id));
  if (reversed.length === 0) return () => undefined;
  const { rows } = await db.query<EventRow>({
    text: `SELECT e.* FROM unnest($2::uuid[]) AS wanted(id) CROSS JOIN LATERAL (
        SELECT ${eventColumnsSql('v')} FROM journal.events v
        WHERE v.ledger_id = $1 AND v.transaction_id = wanted.id ORDER BY v.position LIMIT 1
      ) e`,
    values: [fold.ledgerId, reversed],
  });
  const byId = new Map(rows.map((row) => [row.transaction_id, readEventRow(row)]));
  return (transactionId) => {
    const recorded = byId.get(transactionId);
    return recorded && recorded.position <= fold.position ? decodeEvent(recorded) : undefined;
  };
}
