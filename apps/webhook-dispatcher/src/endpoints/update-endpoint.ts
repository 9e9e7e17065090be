import type pg from 'pg';
import type { Principal } from '#access';
import { changeEndpoint } from './change-endpoint.js';
import { auditedSettings } from './endpoint-settings.js';
import {
  endpointColumnsSql,
  readEndpointRow,
  settingColumnsSql,
  settingValues,
  type Endpoint,
  type EndpointRow,
  type EndpointSettings,
} from './endpoint.js';

/** Changes an endpoint's settings; what is absent stays. */
export async function updateEndpoint(
  pool: pg.Pool,
  caller: Principal,
  endpointId: string,
  changes: Partial<EndpointSettings>,
): Promise<Endpoint> {
  return await changeEndpoint(pool, caller, endpointId, 'webhook_endpoint.updated', async (db, before) => {
    if (Object.keys(changes).length === 0) return null;
    const settings: EndpointSettings = { ...before, ...changes };
    const { rows } = await db.query<EndpointRow>(
      `UPDATE dispatcher.endpoints SET (${settingColumnsSql}) = ($3, $4, $5, $6, $7, $8, $9, $10, $11),
        updated_at = clock_timestamp()
      WHERE ledger_id = $1 AND id = $2
      RETURNING ${endpointColumnsSql}`,
      [caller.ledgerId, endpointId, ...settingValues(settings)],
    );
    return { endpoint: readEndpointRow(rows[0]!), details: auditedSettings(changes) };
  });
}
