import type pg from 'pg';
import type { Principal } from '#access';
import type { SecretBox } from '#platform';
import { newEndpointSecret } from '../delivery/secrets.js';
import { changeEndpoint } from './change-endpoint.js';
import type { CreatedEndpoint } from './create-endpoint.js';
import { endpointColumnsSql, readEndpointRow, type EndpointRow } from './endpoint.js';

/**
 * Gives an endpoint a new secret, which signs from the next attempt on. The one before it signs too until the
 * overlap is over; one that was still in its own overlap ends at once.
 */
export async function rotateSecret(
  pool: pg.Pool,
  secrets: SecretBox,
  caller: Principal,
  endpointId: string,
  overlapSeconds: number,
): Promise<CreatedEndpoint> {
  const secret = newEndpointSecret();
  const action = 'webhook_endpoint.secret_rotated';
  const endpoint = await changeEndpoint(pool, caller, endpointId, action, async (db) => {
    const { rows } = await db.query<EndpointRow>(
      `UPDATE dispatcher.endpoints SET secret = $3,
        previous_secret = CASE WHEN $4::integer > 0 THEN secret END,
        previous_secret_until = CASE WHEN $4::integer > 0 THEN clock_timestamp() + $4::integer * interval '1 second' END,
        updated_at = clock_timestamp()
      WHERE ledger_id = $1 AND id = $2
      RETURNING ${endpointColumnsSql}`,
      [caller.ledgerId, endpointId, secrets.seal(secret, endpointId), overlapSeconds],
    );
    return { endpoint: readEndpointRow(rows[0]!), details: { overlapSeconds } };
  });
  return { endpoint, secret };
}
