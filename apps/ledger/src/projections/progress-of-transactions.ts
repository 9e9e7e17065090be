import type pg from 'pg';
import type { EventRange } from './projection.js';

/**
 * Where the event is that made a transaction; $1 is the ledger. OFFSET 0 makes it a look-up by the transaction's id,
 * whatever the planner believes of an order that would stop it early.
 */
export function firstPositionSql(transactionId: string): string {
  return `(SELECT min(o.position) FROM (SELECT v.position FROM journal.events v
    WHERE v.ledger_id = $1 AND v.transaction_id = ${transactionId} OFFSET 0) o)`;
}

/**
 * Events tell how far earlier transactions have come by them: of each, the newest of the range counts. It is a
 * statement of its own, after the rows of the range are there, because one statement can't insert a row and change
 * it. Rows are looked up by an array of their positions, as a join could read the whole ledger. A transaction that
 * was erased before it was listed has no row.
 */
const projectProgressSql = (schema: string): string => `
  WITH progressed AS (
    SELECT e.position, (p.value ->> 'transactionId')::uuid AS transaction_id, p.value -> 'progress' AS progress
    FROM journal.events e CROSS JOIN LATERAL json_array_elements(e.data -> 'progressed') p
    WHERE e.ledger_id = $1 AND e.position > $2 AND e.position <= $3
      AND e.type IN ('transaction.captured', 'transaction.reversed')
    UNION ALL
    SELECT e.position, e.transaction_id, e.data -> 'progress'
    FROM journal.events e
    WHERE e.ledger_id = $1 AND e.position > $2 AND e.position <= $3 AND e.data IS NOT NULL
      AND e.type IN ('transaction.pending', 'transaction.voided', 'transaction.expired', 'transaction.extended')
  ), newest AS MATERIALIZED (
    SELECT DISTINCT ON (transaction_id) transaction_id, progress
    FROM progressed ORDER BY transaction_id, position DESC
  ), placed AS MATERIALIZED (
    SELECT ${firstPositionSql('n.transaction_id')} AS position, n.progress FROM newest n
  )
  UPDATE ${schema}.transactions t SET status = p.progress ->> 'status', progress = p.progress
  FROM placed p
  WHERE t.ledger_id = $1 AND t.position = ANY (ARRAY(SELECT position FROM placed)) AND p.position = t.position`;

export async function projectProgress(
  db: pg.ClientBase,
  schema: string,
  ledgerId: string,
  { after, upTo }: EventRange,
): Promise<void> {
  const name = `project-progress ${schema}`;
  await db.query({ name, text: projectProgressSql(schema), values: [ledgerId, after, upTo] });
}
