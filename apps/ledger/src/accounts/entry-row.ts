import type { Direction, SystemAccountName, Visibility } from '#domain';
import { microsSql } from '#platform';

/** A line of an account's statement: one leg, with the balance after it. */
export interface EntryRow {
  readonly eventId: string;
  readonly leg: number;
  readonly position: bigint;
  readonly transactionId: string;
  readonly direction: Direction;
  readonly amount: bigint;
  readonly balanceAfter: bigint;
  readonly entryNumber: number;
  readonly counterparty: {
    readonly accountId: string;
    readonly system: SystemAccountName | null;
    readonly visibility: Visibility;
    readonly ownerId: string | null;
  };
  readonly reference: string | null;
  readonly recordedAt: bigint;
}

/** What a query must select of projections.entries, under the alias given, for readEntryRow. */
export function entryColumnsSql(alias: string): string {
  const plain = [
    'event_id',
    'leg',
    'position::text',
    'transaction_id',
    'direction',
    'amount::text',
    'balance_after::text',
    'entry_number::text',
    'counterparty_id',
    'counterparty_system',
    'counterparty_visibility',
    'counterparty_owner_id',
    'reference',
  ];
  const columns = plain.map((column) => `${alias}.${column}`).join(', ');
  return `${columns}, ${microsSql(`${alias}.recorded_at`)} AS recorded_at`;
}

export interface EntrySqlRow {
  readonly event_id: string;
  readonly leg: number;
  readonly position: string;
  readonly transaction_id: string;
  readonly direction: Direction;
  readonly amount: string;
  readonly balance_after: string;
  readonly entry_number: string;
  readonly counterparty_id: string;
  readonly counterparty_system: SystemAccountName | null;
  readonly counterparty_visibility: Visibility;
  readonly counterparty_owner_id: string | null;
  readonly reference: string | null;
  readonly recorded_at: string;
}

export function readEntryRow(row: EntrySqlRow): EntryRow {
  return {
    eventId: row.event_id,
    leg: row.leg,
    position: BigInt(row.position),
    transactionId: row.transaction_id,
    direction: row.direction,
    amount: BigInt(row.amount),
    balanceAfter: BigInt(row.balance_after),
    entryNumber: Number(row.entry_number),
    counterparty: {
      accountId: row.counterparty_id,
      system: row.counterparty_system,
      visibility: row.counterparty_visibility,
      ownerId: row.counterparty_owner_id,
    },
    reference: row.reference,
    recordedAt: BigInt(row.recorded_at),
  };
}
