import type { Account, AccountStatus, Metadata, SystemAccountName, Visibility } from '#domain';
import { microsSql } from '#platform';

/** What a query must select of ledger.accounts, under the alias given, for readAccountRow. */
export function accountColumnsSql(alias: string): string {
  const plain = ['id', 'system', 'name', 'currency', 'visibility', 'external_id', 'owner_id', 'status'];
  // Amounts and counts as text: none of them may pass through a floating-point number.
  const exact = [
    'min_balance',
    'max_balance',
    'posted_debits',
    'posted_credits',
    'pending_debits',
    'pending_credits',
    'version',
    'settings_version',
    'entry_number',
  ];
  return [
    ...plain.map((column) => `${alias}.${column}`),
    ...exact.map((column) => `${alias}.${column}::text`),
    `${alias}.metadata::text`,
    `${microsSql(`${alias}.created_at`)} AS created_at`,
    `${microsSql(`${alias}.updated_at`)} AS updated_at`,
  ].join(', ');
}

export interface AccountRow {
  readonly id: string;
  readonly system: SystemAccountName | null;
  readonly name: string;
  readonly currency: string;
  readonly visibility: Visibility;
  readonly external_id: string | null;
  readonly owner_id: string | null;
  readonly status: AccountStatus;
  readonly min_balance: string | null;
  readonly max_balance: string | null;
  readonly posted_debits: string;
  readonly posted_credits: string;
  readonly pending_debits: string;
  readonly pending_credits: string;
  readonly version: string;
  readonly settings_version: string;
  readonly entry_number: string;
  readonly metadata: string;
  readonly created_at: string;
  readonly updated_at: string;
}

export function readAccountRow(row: AccountRow): Account {
  return {
    id: row.id,
    system: row.system,
    name: row.name,
    currency: row.currency,
    visibility: row.visibility,
    externalId: row.external_id,
    ownerId: row.owner_id,
    status: row.status,
    minBalance: row.min_balance === null ? null : BigInt(row.min_balance),
    maxBalance: row.max_balance === null ? null : BigInt(row.max_balance),
    postedDebits: BigInt(row.posted_debits),
    postedCredits: BigInt(row.posted_credits),
    pendingDebits: BigInt(row.pending_debits),
    pendingCredits: BigInt(row.pending_credits),
    version: Number(row.version),
    settingsVersion: Number(row.settings_version),
    entryNumber: Number(row.entry_number),
    metadata: JSON.parse(row.metadata) as Metadata,
    createdAt: BigInt(row.created_at),
    updatedAt: BigInt(row.updated_at),
  };
}
