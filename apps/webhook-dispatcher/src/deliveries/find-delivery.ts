import type pg from 'pg';
import type { Principal } from '#access';
import { microsSql } from '#platform';
import { deliveryNotFound } from '../http/refusals.js';
import { deliveryColumnsSql, presentDelivery, timeOf, type DeliveryRow } from './delivery.js';

/** The newest of a delivery's attempts that are shown. */
const attemptsShownMax = 100;

interface AttemptRow {
  readonly at: string;
  readonly status_code: number | null;
  readonly duration_ms: number;
  readonly error_class: string | null;
  readonly response_body: string | null;
  readonly next_attempt_at: string | null;
}

/** A delivery of this ledger, and of this owner's endpoints where the reader is bound to one. */
const findDeliverySql = `SELECT ${deliveryColumnsSql('d')}, d.day::text, e.deleted_at IS NOT NULL AS is_deleted
  FROM dispatcher.deliveries d
  LEFT JOIN dispatcher.endpoints e ON e.ledger_id = d.ledger_id AND e.id = d.endpoint_id
  WHERE d.ledger_id = $1 AND ($2::text IS NULL OR d.owner_id = $2) AND d.id = $3`;

interface FoundDelivery extends DeliveryRow {
  /** The partition that it is in. */
  readonly day: string;
  readonly is_deleted: boolean | null;
}

export async function findDelivery(
  db: pg.Pool | pg.ClientBase,
  { ledgerId, ownerId }: Principal,
  id: string,
): Promise<FoundDelivery> {
  const { rows } = await db.query<FoundDelivery>(findDeliverySql, [ledgerId, ownerId, id]);
  if (!rows[0]) throw deliveryNotFound();
  return rows[0];
}

/** A delivery with what was tried, in order. */
export async function getDelivery(pool: pg.Pool, caller: Principal, id: string) {
  const delivery = await findDelivery(pool, caller, id);
  const { rows } = await pool.query<AttemptRow>(
    `SELECT ${microsSql('a.at')} AS at, a.status_code, a.duration_ms, a.error_class, a.response_body,
      ${microsSql('a.next_attempt_at')} AS next_attempt_at
    FROM dispatcher.deliveries d JOIN dispatcher.attempts a ON a.day = d.day AND a.delivery_id = d.id
    WHERE d.ledger_id = $1 AND d.id = $2 AND d.day = $3
    ORDER BY a.number DESC LIMIT ${attemptsShownMax}`,
    [caller.ledgerId, id, delivery.day],
  );
  return { ...presentDelivery(delivery), attemptLog: rows.toReversed().map(presentAttempt) };
}

function presentAttempt(row: AttemptRow) {
  return {
    at: timeOf(row.at),
    statusCode: row.status_code,
    durationMs: row.duration_ms,
    errorClass: row.error_class,
    responseBody: row.response_body,
    nextAttemptAt: timeOf(row.next_attempt_at),
  };
}
