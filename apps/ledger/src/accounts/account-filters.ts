import type { AccountStatus, Visibility } from '#domain';
import type { WalkedRows, StatementValues } from '#platform';
import { substringPattern } from '../projections/statement.js';

/** They hold together. Closed accounts are listed for the status closed alone. */
export interface AccountFilters {
  /** A part of it, in any case. */
  readonly name?: string | undefined;
  readonly visibility?: Visibility | undefined;
  readonly currency?: string | undefined;
  readonly externalId?: string | undefined;
  readonly ownerId?: string | undefined;
  readonly status?: AccountStatus | undefined;
}

type DriverName = 'externalId' | 'ownerId' | 'status' | 'currency' | 'visibility' | 'opened';

/** The index of the most selective filter gives accounts, newest first; $1 is always the ledger. */
export function walkedAccounts(
  filters: AccountFilters,
  before: bigint | null,
  values: StatementValues,
): WalkedRows {
  const name = driverOf(filters);
  const driver = driverSql(name, filters, before, values);
  const condition = accountConditionSql({ ...filters, [name]: undefined }, name === 'status', values);
  return { driver, key: 'opened_position', condition };
}

/** What is walked, without the conditions. */
export function walkedOpenings(
  filters: AccountFilters,
  before: bigint | null,
  values: StatementValues,
): Pick<WalkedRows, 'driver' | 'key'> {
  return { driver: driverSql(driverOf(filters), filters, before, values), key: 'opened_position' };
}

/** Few accounts have this owner, this externalId or this status. */
export function isSelective({ externalId, ownerId, status }: AccountFilters): boolean {
  return externalId !== undefined || ownerId !== undefined || (status !== undefined && status !== 'open');
}

function driverOf(filters: AccountFilters): DriverName {
  const { externalId, ownerId, status, currency, visibility } = filters;
  if (externalId !== undefined) return 'externalId';
  if (ownerId !== undefined) return 'ownerId';
  if (status !== undefined && status !== 'open') return 'status';
  if (currency !== undefined) return 'currency';
  return visibility === undefined ? 'opened' : 'visibility';
}

function driverSql(
  name: DriverName,
  filters: AccountFilters,
  before: bigint | null,
  values: StatementValues,
): string {
  const conditions = ['a.system IS NULL'];
  if (before !== null) conditions.push(`a.opened_position < ${values.add(before)}`);
  const column = {
    externalId: 'external_id',
    ownerId: 'owner_id',
    status: 'status',
    currency: 'currency',
    visibility: 'visibility',
  };
  if (name !== 'opened') conditions.push(`a.${column[name]} = ${values.add(filters[name])}`);
  // What the partial index is for.
  if (name === 'status') conditions.push(`a.status <> 'open'`);
  return `SELECT a.* FROM ledger.accounts a WHERE a.ledger_id = $1 AND ${conditions.join(' AND ')}`;
}

/** What a row of accounts must meet, under the alias "e". */
export function accountConditionSql(
  filters: AccountFilters,
  isStatusMet: boolean,
  values: StatementValues,
): string | null {
  const { name, visibility, currency, externalId, ownerId, status } = filters;
  const conditions: string[] = [];
  const add = (column: string, value: string | undefined) => {
    if (value !== undefined) conditions.push(`e.${column} = ${values.add(value)}`);
  };
  if (name !== undefined) conditions.push(nameSql(name, 'e', values));
  add('visibility', visibility);
  add('currency', currency);
  add('external_id', externalId);
  add('owner_id', ownerId);
  if (status !== undefined) add('status', status);
  else if (!isStatusMet) conditions.push(`e.status <> 'closed'`);
  return conditions.length === 0 ? null : conditions.join(' AND ');
}

export function nameSql(name: string, alias: string, values: StatementValues): string {
  return `${alias}.name ILIKE ${values.add(substringPattern(name))}`;
}
