import type pg from 'pg';

/** Heard when the transaction commits, by whoever delivers to the endpoint. Hearing it is only faster. */
export async function tellDue(db: pg.ClientBase, endpointId: string): Promise<void> {
  await db.query(`SELECT pg_notify('dispatcher_due', $1)`, [endpointId]);
}
