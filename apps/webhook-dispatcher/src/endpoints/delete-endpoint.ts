import type pg from 'pg';
import type { Principal } from '#access';
import { changeEndpoint } from './change-endpoint.js';
import { endpointColumnsSql, readEndpointRow, type EndpointRow } from './endpoint.js';

/**
 * Takes an endpoint away for good. Its row stays for as long as its deliveries do, disabled, so that whoever
 * delivers to it cancels what is due.
 */
export async function deleteEndpoint(pool: pg.Pool, caller: Principal, endpointId: string): Promise<void> {
  await changeEndpoint(pool, caller, endpointId, 'webhook_endpoint.deleted', async (db, before) => {
    const { rows } = await db.query<EndpointRow>(
      `UPDATE dispatcher.endpoints SET status = 'disabled', disabled_reason = coalesce(disabled_reason, 'manual'),
        previous_secret = NULL, previous_secret_until = NULL, deleted_at = clock_timestamp(),
        updated_at = clock_timestamp()
      WHERE ledger_id = $1 AND id = $2
      RETURNING ${endpointColumnsSql}`,
      [caller.ledgerId, endpointId],
    );
    return { endpoint: readEndpointRow(rows[0]!), details: { url: before.url } };
  });
}
