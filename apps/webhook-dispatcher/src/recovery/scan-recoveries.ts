import type pg from 'pg';
import type { RecoverableEndpoint, RecoveryRange } from './recover-endpoint.js';

export interface RunningRecovery extends RecoveryRange {
  readonly id: string;
  readonly ledgerId: string;
  readonly shard: number;
  readonly isOrdered: boolean;
  readonly isEnabled: boolean;
  readonly endpoint: RecoverableEndpoint;
  /** With all its digits. */
  readonly afterAt: string | null;
  readonly afterId: string | null;
}

const recoveriesMax = 100;

/** Recoveries that are running on these shards, of whatever ledgers. */
export async function readRunningRecoveries(
  pool: pg.Pool,
  shards: readonly number[],
): Promise<RunningRecovery[]> {
  const { rows } = await pool.query<RunningRecovery>({
    name: 'recovery-read-running',
    text: `SELECT r.id, r.ledger_id AS "ledgerId", e.shard, r.since, r.until, r.event_types AS "eventTypes",
        r.after_at::text AS "afterAt", r.after_id AS "afterId", e.ordering = 'account' AS "isOrdered",
        e.status = 'enabled' AND e.deleted_at IS NULL AS "isEnabled",
        json_build_object('id', e.id, 'eventTypes', e.event_types, 'accountIds', e.account_ids, 'ownerId', e.owner_id) AS endpoint
      FROM dispatcher.recoveries r JOIN dispatcher.endpoints e ON e.id = r.endpoint_id
      WHERE r.status = 'running' AND e.shard = ANY ($1::smallint[])
      ORDER BY r.created_at LIMIT ${recoveriesMax}`,
    values: [shards],
  });
  return rows;
}
