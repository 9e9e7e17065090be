import type pg from 'pg';
import { writeAudit, type Principal } from '#access';
import type { EventStream } from '#event-stream';
import { inTransaction, newUuid, type SecretBox } from '#platform';
import { newEndpointSecret } from '../delivery/secrets.js';
import { shardOf } from '../delivery/shard-of.js';
import { endpointIdOf } from '../http/ids.js';
import { subscriberName } from '../intake/intake.js';
import { tooManyEndpoints } from '../http/refusals.js';
import { endpointsPerLedgerMax } from './endpoint-limits.js';
import {
  endpointColumnsSql,
  readEndpointRow,
  settingColumnsSql,
  settingValues,
  type Endpoint,
  type EndpointRow,
  type EndpointSettings,
} from './endpoint.js';
import { auditedSettings } from './endpoint-settings.js';
import { tellEndpointChanged } from './tell-endpoint-changed.js';

/**
 * Held in common by each transaction that takes events in, and alone by the one that makes an endpoint: whoever
 * takes an event in that is recorded after the endpoint's time of creation sees the endpoint.
 */
const intakeLock = 7_165_901_332n;

export interface CreatedEndpoint {
  readonly endpoint: Endpoint;
  /** Told this once. */
  readonly secret: string;
}

/** Makes an endpoint that gets what is recorded from now on. */
export async function createEndpoint(
  pool: pg.Pool,
  stream: EventStream,
  secrets: SecretBox,
  caller: Principal,
  settings: EndpointSettings,
): Promise<CreatedEndpoint> {
  const id = newUuid();
  const secret = newEndpointSecret();
  const sealed = secrets.seal(secret, id);
  return await inTransaction(pool, async (db) => {
    await db.query('SELECT pg_advisory_xact_lock($1)', [intakeLock]);
    await refuseTooMany(db, caller.ledgerId);
    const endpoint = await insertEndpoint(db, caller, id, settings, sealed);
    await stream.follow(db, subscriberName, caller.ledgerId);
    const { ledgerId, actor } = caller;
    await writeAudit(db, {
      ledgerId,
      actor,
      action: 'webhook_endpoint.created',
      subject: endpointIdOf(id),
      details: auditedSettings(settings),
    });
    await tellEndpointChanged(db, id);
    return { endpoint, secret };
  });
}

async function refuseTooMany(db: pg.ClientBase, ledgerId: string): Promise<void> {
  const { rows } = await db.query<{ count: number }>(
    `SELECT count(*)::integer AS count FROM dispatcher.endpoints WHERE ledger_id = $1 AND deleted_at IS NULL`,
    [ledgerId],
  );
  if ((rows[0]?.count ?? 0) >= endpointsPerLedgerMax) throw tooManyEndpoints();
}

async function insertEndpoint(
  db: pg.ClientBase,
  caller: Principal,
  id: string,
  settings: EndpointSettings,
  sealed: Buffer,
): Promise<Endpoint> {
  const { rows } = await db.query<EndpointRow>(
    `INSERT INTO dispatcher.endpoints (ledger_id, owner_id, id, shard, secret, ${settingColumnsSql}, status,
      created_at, updated_at, enabled_at)
    SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, 'enabled', now.at, now.at, now.at
    FROM clock_timestamp() AS now(at)
    RETURNING ${endpointColumnsSql}`,
    [caller.ledgerId, caller.ownerId, id, shardOf(id), sealed, ...settingValues(settings)],
  );
  return readEndpointRow(rows[0]!);
}
