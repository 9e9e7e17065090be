import type pg from 'pg';
import type { DomainEvent } from '#domain';
import { microsSql } from '#platform';
import type { Difference } from './difference.js';
import { decodeEvent } from './event-codec.js';
import { LedgerFold } from './ledger-fold.js';
import type { OriginalOf } from './progress-fold.js';
import { eventColumnsSql, readEventRow, type EventRow, type RecordedEvent } from './recorded-event.js';
import { verifyAccounts } from './verify-accounts.js';
import { verifyProgress } from './verify-progress.js';
import { verifyRequests } from './verify-requests.js';
import { verifySettings } from './verify-settings.js';

export interface VerifiedLedger {
  readonly ledgerId: string;
  readonly events: number;
  /** Events whose data a person's right has blanked: their hashes hold, their effects can't be recomputed. */
  readonly erased: number;
  readonly accounts: number;
  readonly difference: Difference | null;
}

/** Sees each run of events in order, and may compare something else with it. */
export type EventObserver = (
  events: readonly { readonly recorded: RecordedEvent; readonly event: DomainEvent | null }[],
) => Promise<Difference | null>;

const eventsPerRead = 2_000;
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * Recomputes a ledger from its journal and compares everything that was written beside it: positions, hashes,
 * times, the balances in each leg, accounts, sums, how far transactions have come, settings, idempotency keys,
 * external ids. To be called in a REPEATABLE READ transaction, so that all of it is of one moment.
 */
export async function verifyLedger(
  db: pg.ClientBase,
  ledgerId: string,
  observe: EventObserver = () => Promise.resolve(null),
): Promise<VerifiedLedger> {
  const fold = new LedgerFold(ledgerId);
  const result = (difference: Difference | null): VerifiedLedger => {
    return {
      ledgerId,
      events: fold.events,
      erased: fold.erased,
      accounts: fold.accounts.accounts.size,
      difference,
    };
  };
  for (;;) {
    const recorded = await readNext(db, ledgerId, fold.position);
    if (recorded.length === 0) break;
    const originalOf = await readOriginals(db, fold, recorded);
    const run = [];
    for (const one of recorded) {
      const difference = fold.add(one, originalOf);
      if (difference) return result(difference);
      run.push({ recorded: one, event: decodeEvent(one) });
    }
    const difference = await observe(run);
    if (difference) return result(difference);
  }
  return result(
    (await verifyHead(db, fold)) ??
      (await verifyAccounts(db, fold)) ??
      (await verifyProgress(db, fold)) ??
      (await verifySettings(db, fold)) ??
      (await verifyRequests(db, ledgerId)) ??
      (await verifyExternalIds(db, fold)),
  );
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

interface HeadRow {
  readonly position: string;
  readonly epoch: number;
  readonly hash: string;
  readonly recorded_at: string;
  readonly is_restored: boolean;
}

/** The head's epoch is that of the last event, or a higher one of a restore to this very position. */
async function verifyHead(db: pg.ClientBase, fold: LedgerFold): Promise<Difference | null> {
  const { rows } = await db.query<HeadRow>({
    text: `SELECT h.position::text, h.epoch, encode(h.hash, 'hex') AS hash, ${microsSql('h.recorded_at')} AS recorded_at,
        EXISTS (SELECT FROM access.audit_log a WHERE a.ledger_id = $1 AND a.action = 'ledger.restored'
          AND a.details->>'epoch' = h.epoch::text AND a.details->>'position' = h.position::text) AS is_restored
      FROM journal.heads h WHERE h.ledger_id = $1`,
    values: [fold.ledgerId],
  });
  const head = rows[0];
  const epoch = head?.is_restored && head.epoch > fold.epoch ? head.epoch : fold.epoch;
  const ofLastEvent =
    fold.events === 0
      ? null
      : (fold.difference('head epoch', null, epoch, head?.epoch) ??
        fold.difference('head recorded_at', null, fold.recordedAt, head?.recorded_at));
  return (
    fold.difference('head position', null, fold.position, head?.position) ??
    fold.difference('head hash', null, fold.hash.toString('hex'), head?.hash) ??
    ofLastEvent
  );
}

async function verifyExternalIds(db: pg.ClientBase, fold: LedgerFold): Promise<Difference | null> {
  const { rows } = await db.query<{ external_id: string; transaction_id: string }>({
    text: `SELECT external_id, transaction_id FROM ledger.transaction_external_ids
      WHERE ledger_id = $1 ORDER BY external_id`,
    values: [fold.ledgerId],
  });
  const found = new Map(rows.map((row) => [row.external_id, row.transaction_id]));
  for (const [externalId, transactionId] of found) {
    if (fold.transactionExternalIds.has(externalId) || fold.erasedTransactionIds.has(transactionId)) continue;
    return fold.difference(`external id ${externalId}`, null, 'no such id', transactionId);
  }
  for (const [externalId, transactionId] of fold.transactionExternalIds) {
    const difference = fold.difference(
      `external id ${externalId}`,
      null,
      transactionId,
      found.get(externalId),
    );
    if (difference) return difference;
  }
  return null;
}
