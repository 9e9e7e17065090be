import type pg from 'pg';
import { writeAudit, type Principal } from '#access';
import { inTransaction } from '#platform';
import { endpointIdOf } from '../http/ids.js';
import type { Endpoint } from './endpoint.js';
import { lockEndpoint } from './find-endpoint.js';
import { tellEndpointChanged } from './tell-endpoint-changed.js';

export interface Change {
  /** As it is shown afterwards. */
  readonly endpoint: Endpoint;
  /** What the audit log keeps of it. */
  readonly details: object;
}

/**
 * Changes one endpoint: it is locked, changed, written to the audit log and told to whoever delivers to it, all
 * in one transaction. Where the work has nothing to change it returns null, and nothing is written.
 */
export async function changeEndpoint(
  pool: pg.Pool,
  caller: Principal,
  endpointId: string,
  action: string,
  work: (db: pg.ClientBase, before: Endpoint) => Promise<Change | null>,
): Promise<Endpoint> {
  return await inTransaction(pool, async (db) => {
    const before = await lockEndpoint(db, caller, endpointId);
    const change = await work(db, before);
    if (change === null) return before;
    const { ledgerId, actor } = caller;
    const subject = endpointIdOf(endpointId);
    await writeAudit(db, { ledgerId, actor, action, subject, details: change.details });
    await tellEndpointChanged(db, endpointId);
    return change.endpoint;
  });
}
