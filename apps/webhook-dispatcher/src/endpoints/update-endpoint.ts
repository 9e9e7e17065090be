import type pg from 'pg';
import type { Principal } from '#access';
import { changeEndpoint } from './change-endpoint.js';
import { auditedSettings } from './endpoint-settings.js';
import {
  endpointColumnsSql,
  readEndpointRow,
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
      `UPDATE dispatcher.endpoints SET url = $3, event_types = $4, account_ids = $5, description = $6, ordering = $7,
        rate_limit_per_second = $8, max_concurrency = $9, headers = $10, legacy_signature_header = $11,
        updated_at = clock_timestamp()
      WHERE ledger_id = $1 AND id = $2
      RETURNING ${endpointColumnsSql}`,
      [
        caller.ledgerId,
        endpointId,
        settings.url,
        settings.eventTypes,
        settings.accountIds,
        settings.description,
        settings.ordering,
        settings.rateLimitPerSecond,
        settings.maxConcurrency,
        JSON.stringify(settings.headers),
        settings.legacySignatureHeader,
      ],
    );
    return { endpoint: readEndpointRow(rows[0]!), details: auditedSettings(changes) };
  });
}
