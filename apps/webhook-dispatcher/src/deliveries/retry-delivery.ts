import type pg from 'pg';
import type { Principal } from '#access';
import { inTransaction } from '#platform';
import { deliveryNotEnded, endpointDeleted } from '../http/refusals.js';
import { deliveryColumnsSql, type DeliveryRow } from './delivery.js';
import { findDelivery } from './find-delivery.js';
import { tellDue } from './tell-due.js';

/**
 * Makes a delivery that has ended due again at once, whatever it ended with: out of order, and with the schedule
 * of a new one.
 */
export async function retryDelivery(pool: pg.Pool, caller: Principal, id: string): Promise<DeliveryRow> {
  return await inTransaction(pool, async (db) => {
    const { day, endpoint_id, is_deleted } = await findDelivery(db, caller, id);
    if (is_deleted !== false) throw endpointDeleted();
    const { rows } = await db.query<DeliveryRow>(
      `UPDATE dispatcher.deliveries d
      SET status = 'pending', is_manual = true, next_attempt_at = clock_timestamp(), schedule_from = d.attempts
      WHERE d.ledger_id = $1 AND d.day = $2 AND d.id = $3
        AND d.status IN ('succeeded', 'failed', 'exhausted', 'cancelled')
      RETURNING ${deliveryColumnsSql('d')}`,
      [caller.ledgerId, day, id],
    );
    if (!rows[0]) throw deliveryNotEnded();
    await tellDue(db, endpoint_id);
    return rows[0];
  });
}
