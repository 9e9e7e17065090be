import type pg from 'pg';
import type { Principal } from '#access';
import { changeEndpoint } from './change-endpoint.js';
import { endpointColumnsSql, readEndpointRow, type Endpoint, type EndpointRow } from './endpoint.js';

/**
 * Lets an endpoint be sent to again, whoever disabled it; its failures so far count no more. What it has missed
 * stays missed until it is asked to recover.
 */
export async function enableEndpoint(
  pool: pg.Pool,
  caller: Principal,
  endpointId: string,
): Promise<Endpoint> {
  return await changeEndpoint(pool, caller, endpointId, 'webhook_endpoint.enabled', async (db, before) => {
    if (before.status === 'enabled') return null;
    const { rows } = await db.query<EndpointRow>(
      `UPDATE dispatcher.endpoints SET status = 'enabled', disabled_reason = NULL, failures = 0,
        first_failure_at = NULL, last_failure_at = NULL, enabled_at = clock_timestamp(),
        updated_at = clock_timestamp()
      WHERE ledger_id = $1 AND id = $2
      RETURNING ${endpointColumnsSql}`,
      [caller.ledgerId, endpointId],
    );
    return { endpoint: readEndpointRow(rows[0]!), details: { disabledReason: before.disabledReason } };
  });
}
