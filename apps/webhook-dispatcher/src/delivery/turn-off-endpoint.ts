import { encodeTypeId } from '#contracts';
import { isDelivery } from './delivery-key.js';
import { heldTerms, type Queryable, type ShardTerm } from './held-terms.js';
import { lanesLeftSql, leaveLanesSql, type Lane } from './scan-lanes.js';

export interface CancelledStep {
  readonly cancelled: number;
  readonly lanesLeft: readonly Lane[] | null;
}

const cancelledPerStepMax = 500;

/** Cancels what is pending for an endpoint that is disabled or deleted, a step at a time. */
export async function cancelPending(
  db: Queryable,
  term: ShardTerm,
  ledgerId: string,
  endpointId: string,
): Promise<CancelledStep> {
  const { rows } = await db.query<CancelledStep>({
    name: 'delivery-cancel',
    text: `WITH ${heldTerms}, off AS (
        SELECT id FROM dispatcher.endpoints
        WHERE ledger_id = $3 AND id = $4 AND (status = 'disabled' OR deleted_at IS NOT NULL)
          AND EXISTS (SELECT FROM held)
      ), chosen AS MATERIALIZED (
        SELECT d.day, d.event_id, d.endpoint_id FROM dispatcher.deliveries d
        WHERE d.ledger_id = $3 AND d.endpoint_id = $4 AND d.status = 'pending' AND EXISTS (SELECT FROM off)
        LIMIT ${cancelledPerStepMax} FOR UPDATE SKIP LOCKED
      ), cancelled AS (
        UPDATE dispatcher.deliveries d SET status = 'cancelled', next_attempt_at = NULL FROM chosen
        WHERE ${isDelivery('d', 'chosen')} AND d.ledger_id IS NOT DISTINCT FROM $3
        RETURNING d.endpoint_id, d.event_id, d.status, '{}'::uuid[] AS skipped
      )${leaveLanesSql('cancelled')}
      SELECT (SELECT count(*)::integer FROM cancelled) AS cancelled, ${lanesLeftSql}`,
    values: [[term.shard], [term.term], ledgerId, endpointId],
  });
  return rows[0] ?? { cancelled: 0, lanesLeft: null };
}

/** Disables an endpoint that is gone or has failed for days, with an entry in the audit log. */
export async function disableEndpoint(
  db: Queryable,
  term: ShardTerm,
  ledgerId: string,
  endpointId: string,
  reason: 'gone' | 'failing',
): Promise<boolean> {
  const { rowCount } = await db.query({
    name: 'delivery-disable-endpoint',
    text: `WITH ${heldTerms}, disabled AS (
        UPDATE dispatcher.endpoints
        SET status = 'disabled', disabled_reason = $5, updated_at = clock_timestamp()
        WHERE ledger_id = $3 AND id = $4 AND status = 'enabled' AND deleted_at IS NULL
          AND EXISTS (SELECT FROM held)
        RETURNING ledger_id, id, failures, last_success_at
      ), audited AS (
        INSERT INTO access.audit_log (ledger_id, actor, action, subject, details)
        SELECT ledger_id, 'dispatcher', 'webhook_endpoint.disabled', $6,
          json_build_object('reason', $5::text, 'failures', failures, 'lastSuccessAt', last_success_at)
        FROM disabled
      )
      SELECT pg_notify('dispatcher_endpoints', id::text) FROM disabled`,
    values: [[term.shard], [term.term], ledgerId, endpointId, reason, encodeTypeId('whe', endpointId)],
  });
  return rowCount === 1;
}
