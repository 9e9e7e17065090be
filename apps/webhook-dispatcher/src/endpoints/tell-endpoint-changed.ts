import type pg from 'pg';

export const endpointChannel = 'dispatcher_endpoints';

/** Heard when the transaction commits, by whoever delivers to the endpoint. Hearing it is only faster. */
export async function tellEndpointChanged(db: pg.ClientBase, endpointId: string): Promise<void> {
  await db.query('SELECT pg_notify($1, $2)', [endpointChannel, endpointId]);
}
