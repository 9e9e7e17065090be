import type { Account } from '#domain';
import { microsSql } from '#platform';

/**
 * An account (alias a) as an array, which is half the text of an object. What only a change of settings needs is
 * left out where no command of the batch makes one.
 * @param withSettings an SQL condition
 */
export function accountSql(withSettings: string): string {
  return `json_build_array(a.id, a.system, a.currency, a.visibility, a.owner_id, a.status,
  a.min_balance::text, a.max_balance::text, a.posted_debits::text, a.posted_credits::text, a.pending_debits::text,
  a.pending_credits::text, a.version, a.settings_version, a.entry_number,
  CASE WHEN ${withSettings} THEN json_build_array(a.name, a.external_id, a.metadata, ${microsSql('a.created_at')},
    ${microsSql('a.updated_at')}) END)`;
}

export type AccountRow = readonly [
  id: string,
  system: Account['system'],
  currency: string,
  visibility: Account['visibility'],
  ownerId: string | null,
  status: Account['status'],
  minBalance: string | null,
  maxBalance: string | null,
  postedDebits: string,
  postedCredits: string,
  pendingDebits: string,
  pendingCredits: string,
  version: number,
  settingsVersion: number,
  entryNumber: number,
  settings: SettingsRow | null,
];

type SettingsRow = readonly [
  name: string,
  externalId: string | null,
  metadata: Account['metadata'],
  createdAt: string,
  updatedAt: string,
];

/** Stands for settings that the batch has no use for. */
const noSettings: SettingsRow = ['', null, {}, '0', '0'];

export function readAccountRow(row: AccountRow): Account {
  const [name, externalId, metadata, createdAt, updatedAt] = row[15] ?? noSettings;
  return {
    id: row[0],
    system: row[1],
    name,
    currency: row[2],
    visibility: row[3],
    externalId,
    ownerId: row[4],
    status: row[5],
    minBalance: row[6] === null ? null : BigInt(row[6]),
    maxBalance: row[7] === null ? null : BigInt(row[7]),
    postedDebits: BigInt(row[8]),
    postedCredits: BigInt(row[9]),
    pendingDebits: BigInt(row[10]),
    pendingCredits: BigInt(row[11]),
    version: row[12],
    settingsVersion: row[13],
    entryNumber: row[14],
    metadata,
    createdAt: BigInt(createdAt),
    updatedAt: BigInt(updatedAt),
  };
}
