import { formatTimestamp, microsSql } from '#platform';
import { deliveryIdOf, endpointIdOf, eventIdOf } from '../http/ids.js';

export const deliveryStatuses = [
  'pending',
  'delivering',
  'succeeded',
  'failed',
  'exhausted',
  'cancelled',
] as const;
export type DeliveryStatus = (typeof deliveryStatuses)[number];

/** What a statement must select of dispatcher.deliveries, under the alias given, for presentDelivery. */
export const deliveryColumnsSql = (alias: string) =>
  [
    ...[
      'id',
      'event_id',
      'endpoint_id',
      'event_type',
      'status',
      'attempts',
      'is_manual',
      'last_status_code',
    ].map((column) => `${alias}.${column}`),
    `${microsSql(`${alias}.next_attempt_at`)} AS next_attempt_at`,
    `${microsSql(`${alias}.created_at`)} AS created_at`,
  ].join(', ');

export interface DeliveryRow {
  readonly id: string;
  readonly event_id: string;
  readonly endpoint_id: string;
  readonly event_type: string;
  readonly status: DeliveryStatus;
  readonly attempts: number;
  readonly is_manual: boolean;
  readonly last_status_code: number | null;
  readonly next_attempt_at: string | null;
  readonly created_at: string;
}

export function presentDelivery(row: DeliveryRow) {
  return {
    id: deliveryIdOf(row.id),
    eventId: eventIdOf(row.event_id),
    endpointId: endpointIdOf(row.endpoint_id),
    eventType: row.event_type,
    status: row.status,
    attempts: row.attempts,
    nextAttemptAt: timeOf(row.next_attempt_at),
    manual: row.is_manual,
    createdAt: formatTimestamp(BigInt(row.created_at)),
    lastStatusCode: row.last_status_code,
  };
}

export function timeOf(micros: string | null): string | null {
  return micros === null ? null : formatTimestamp(BigInt(micros));
}
