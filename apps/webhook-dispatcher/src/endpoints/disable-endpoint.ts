import type pg from 'pg';
import type { Principal } from '#access';
import { changeEndpoint } from './change-endpoint.js';
import { endpointColumnsSql, readEndpointRow, type Endpoint, type EndpointRow } from './endpoint.js';

/** Ends what is sent to an endpoint. Whoever delivers to it cancels its due deliveries, however many they are. */
export async function disableEndpoint(
  pool: pg.Pool,
  caller: Principal,
  endpointId: string,
): Promise<Endpoint> {
  return await changeEndpoint(pool, caller, endpointId, 'webhook_endpoint.disabled', async (db, before) => {
    if (before.status === 'disabled') return null;
    const { rows } = await db.query<EndpointRow>(
      `UPDATE dispatcher.endpoints SET status = 'disabled', disabled_reason = 'manual',
        updated_at = clock_timestamp()
      WHERE ledger_id = $1 AND id = $2
      RETURNING ${endpointColumnsSql}`,
      [caller.ledgerId, endpointId],
    );
    return { endpoint: readEndpointRow(rows[0]!), details: { disabledReason: 'manual' } };
  });
}
