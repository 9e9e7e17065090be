import type pg from 'pg';
import { microsSql } from '#platform';
import type { Difference } from './difference.js';
import { foldEvents, type EventObserver } from './fold-events.js';
import { LedgerFold } from './ledger-fold.js';
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
  return result(
    (await foldEvents(db, fold, observe)) ??
      (await verifyHead(db, fold)) ??
      (await verifyAccounts(db, fold)) ??
      (await verifyProgress(db, fold)) ??
      (await verifySettings(db, fold)) ??
      (await verifyRequests(db, ledgerId)) ??
      (await verifyExternalIds(db, fold)),
  );
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
