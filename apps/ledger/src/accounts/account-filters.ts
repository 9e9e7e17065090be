import type { AccountStatus, Visibility } from '#domain';
import { examinedRowsMax, type StatementValues, type WalkedRows } from '#platform';
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
  /** An owner who sees their own accounts and public ones; absent: all are seen. */
  readonly seenBy?: string | undefined;
}

type DriverName = 'externalId' | 'ownerId' | 'own' | 'seen' | 'status' | 'currency' | 'visibility' | 'opened';

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
  const { externalId, ownerId, status, currency, visibility, seenBy } = filters;
  if (externalId !== undefined) return 'externalId';
  if (seenBy !== undefined) return driverForOwner(filters);
  if (ownerId !== undefined) return 'ownerId';
  if (status !== undefined && status !== 'open') return 'status';
  if (currency !== undefined) return 'currency';
  return visibility === undefined ? 'opened' : 'visibility';
}

/**
 * Only rows that the owner may see are walked: how far a page comes, and where it ends short, then tells nothing
 * of others, whatever the filters name.
 */
function driverForOwner({ ownerId, visibility, seenBy }: AccountFilters): DriverName {
  if (ownerId === seenBy || (visibility !== undefined && visibility !== 'public')) return 'own';
  return visibility === 'public' ? 'visibility' : 'seen';
}

function driverSql(
  name: DriverName,
  filters: AccountFilters,
  before: bigint | null,
  values: StatementValues,
): string {
  const within = before === null ? '' : ` AND a.opened_position < ${values.add(before)}`;
  const accounts = `SELECT a.* FROM ledger.accounts a WHERE a.ledger_id = $1 AND a.system IS NULL${within}`;
  switch (name) {
    case 'opened':
      return accounts;
    case 'externalId':
      return `${accounts} AND a.external_id = ${values.add(filters.externalId)}`;
    case 'ownerId':
      return `${accounts} AND a.owner_id = ${values.add(filters.ownerId)}`;
    case 'own':
      return `${accounts} AND a.owner_id = ${values.add(filters.seenBy)}`;
    case 'currency':
      return `${accounts} AND a.currency = ${values.add(filters.currency)}`;
    case 'visibility':
      return `${accounts} AND a.visibility = ${values.add(filters.visibility)}`;
    case 'status':
      // The second condition is what the partial index is for.
      return `${accounts} AND a.status = ${values.add(filters.status)} AND a.status <> 'open'`;
    case 'seen': {
      // Each part is in order, so that they are merged and nothing is sorted; one in both counts once.
      const newest = `ORDER BY a.opened_position DESC LIMIT ${examinedRowsMax}`;
      const own = `${accounts} AND a.owner_id = ${values.add(filters.seenBy)} ${newest}`;
      return `SELECT b.* FROM (
        SELECT s.*, lag(s.opened_position) OVER (ORDER BY s.opened_position DESC) AS previous
        FROM ((${own}) UNION ALL (${accounts} AND a.visibility = 'public' ${newest})) s
      ) b WHERE b.previous IS DISTINCT FROM b.opened_position`;
    }
  }
}

/** What a row of accounts must meet, under the alias "e". */
export function accountConditionSql(
  filters: AccountFilters,
  isStatusMet: boolean,
  values: StatementValues,
): string | null {
  const { name, visibility, currency, externalId, ownerId, status, seenBy } = filters;
  const conditions: string[] = [];
  const add = (column: string, value: string | undefined) => {
    if (value !== undefined) conditions.push(`e.${column} = ${values.add(value)}`);
  };
  if (seenBy !== undefined)
    conditions.push(`(e.owner_id = ${values.add(seenBy)} OR e.visibility = 'public')`);
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
