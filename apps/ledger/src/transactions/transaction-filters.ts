import { examinedRowsMax, StatementValues, type WalkedRows } from '#platform';
import type { PositionBounds, TimeBounds } from '../projections/position-bounds.js';
import { substringPattern } from '../projections/statement.js';
import { isSystemParty, partyIdOf } from '../projections/system-parties.js';

/** They hold together. Accounts are UUIDs or names of system accounts, amounts in minor units. */
export interface TransactionFilters {
  /** On either side. */
  readonly account?: string | undefined;
  readonly sender?: string | undefined;
  readonly recipient?: string | undefined;
  /** A part of it, in any case. */
  readonly reference?: string | undefined;
  readonly type?: string | undefined;
  readonly status?: string | undefined;
  readonly currency?: string | undefined;
  readonly externalId?: string | undefined;
  readonly createdAt?: TimeBounds | undefined;
  readonly amount?: { readonly gte?: bigint | undefined; readonly lte?: bigint | undefined } | undefined;
  /** An owner who sees the transactions that touch their accounts; absent: all are seen. */
  readonly seenBy?: string | undefined;
}

/** Filters whose accounts have been looked up, which matters to an owner's lists alone. */
export interface WalkedFilters extends TransactionFilters {
  /** A side whose account is the owner's own: every row of it is theirs to see. */
  readonly ownSide?: Side | undefined;
}

export const sides = ['sender', 'recipient', 'account'] as const;
export type Side = (typeof sides)[number];
type DriverName = 'externalId' | Side | 'owner' | 'status' | 'type' | 'position';

/**
 * How a list is read: the index of the most selective filter gives positions, newest first, and the other
 * filters are checked row by row. $1 is always the ledger.
 */
export function walkedTransactions(
  filters: WalkedFilters,
  bounds: PositionBounds,
  values: StatementValues,
): WalkedRows {
  const name = driverOf(filters);
  const driver = driverSql(name, filters, boundsSql(bounds, values), values);
  const condition = restSql(name, filters, values);
  if (condition === null) return { driver, key: 'position', condition };
  if (name === 'position') return { driver, key: 'position', condition };
  return { driver: withColumnsSql(driver), key: 'position', condition };
}

/** What is walked, without the conditions; null where each row of it passes. */
export function walkedPositions(
  filters: WalkedFilters,
  bounds: PositionBounds,
  values: StatementValues,
): Pick<WalkedRows, 'driver' | 'key'> | null {
  const name = driverOf(filters);
  if (restSql(name, filters, new StatementValues('')) === null) return null;
  return { driver: driverSql(name, filters, boundsSql(bounds, values), values), key: 'position' };
}

/**
 * Accounts of users before system ones, which nearly every transaction of a kind may have as a party. For an
 * owner only rows of theirs are walked: how far a page comes, and where it ends short, then tells nothing of
 * others, whatever the filters name.
 */
function driverOf(filters: WalkedFilters): DriverName {
  if (filters.externalId !== undefined) return 'externalId';
  if (filters.seenBy !== undefined) return filters.ownSide ?? 'owner';
  const named = sides.filter((side) => filters[side] !== undefined);
  const own = named.find((side) => !isSystemParty(filters[side] ?? ''));
  if (own) return own;
  if (filters.status !== undefined && filters.status !== 'posted') return 'status';
  return named[0] ?? (filters.type === undefined ? 'position' : 'type');
}

/** Whether the list is read through its owner or the account of a party: few rows then, whatever the reference. */
export function isSelective({ externalId, seenBy, ...filters }: TransactionFilters): boolean {
  const parties = sides.map((side) => filters[side]).filter((party) => party !== undefined);
  return externalId !== undefined || seenBy !== undefined || parties.some((party) => !isSystemParty(party));
}

/** What follows a statement's own condition on its ledger. */
function boundsSql({ from, before }: PositionBounds, values: StatementValues): (alias: string) => string {
  const conditions: ((alias: string) => string)[] = [];
  if (from > 0n) {
    const value = values.add(from);
    conditions.push((alias) => `${alias}.position >= ${value}`);
  }
  if (before !== null) {
    const value = values.add(before);
    conditions.push((alias) => `${alias}.position < ${value}`);
  }
  return (alias) => conditions.map((condition) => ` AND ${condition(alias)}`).join('');
}

function driverSql(
  name: DriverName,
  filters: TransactionFilters,
  within: (alias: string) => string,
  values: StatementValues,
): string {
  const positions = `SELECT t.position FROM projections.transactions t WHERE t.ledger_id = $1${within('t')}`;
  const party = (side: string, accountId: string) =>
    `SELECT p.position FROM projections.transaction_parties p
      WHERE p.ledger_id = $1${within('p')} AND p.account_id = ${accountId}::uuid AND p.side = '${side}'`;
  switch (name) {
    case 'owner':
      return `SELECT o.position FROM projections.event_owners o
        WHERE o.ledger_id = $1${within('o')} AND o.owner_id = ${values.add(filters.seenBy)}`;
    case 'externalId':
      return `${positions} AND t.external_id = ${values.add(filters.externalId)}`;
    case 'type':
      return `${positions} AND t.type = ${values.add(filters.type)}`;
    case 'status':
      // The second condition is what the partial index is for.
      return `${positions} AND t.status = ${values.add(filters.status)} AND t.status <> 'posted'`;
    case 'position':
      return `SELECT t.* FROM projections.transactions t WHERE t.ledger_id = $1${within('t')}`;
    case 'account': {
      // Each side is in order, so that they are merged and nothing is sorted; one on both sides counts once.
      const accountId = values.add(partyIdOf(filters.account ?? ''));
      const newest = `ORDER BY p.position DESC LIMIT ${examinedRowsMax}`;
      return `SELECT b.position FROM (
        SELECT s.position, lag(s.position) OVER (ORDER BY s.position DESC) AS previous FROM (
          (${party('sender', accountId)} ${newest}) UNION ALL (${party('recipient', accountId)} ${newest})
        ) s
      ) b WHERE b.previous IS DISTINCT FROM b.position`;
    }
    case 'sender':
    case 'recipient':
      return party(name, values.add(partyIdOf(filters[name] ?? '')));
  }
}

/**
 * Fetched row by row, as far as the page goes; a join could choose to read the whole table first. An owner's
 * events of accounts have no columns here, and count as rows that were looked at.
 */
function withColumnsSql(driver: string): string {
  return `SELECT d.position, c.* FROM (${driver}) d LEFT JOIN LATERAL (
    SELECT t.type, t.status, t.amount, t.currency, t.amounts, t.currencies, t.reference, t.external_id
    FROM projections.transactions t WHERE t.ledger_id = $1 AND t.position = d.position OFFSET 0) c ON true`;
}

/** What is left to check of the driver's rows; null where each passes. */
function restSql(name: DriverName, filters: WalkedFilters, values: StatementValues): string | null {
  const conditions = [conditionSql({ ...filters, [name]: undefined }, 'e', values)];
  if (name === 'owner') conditions.unshift('e.type IS NOT NULL');
  if (name === 'externalId' && filters.seenBy !== undefined) {
    conditions.push(`coalesce((SELECT true FROM projections.event_owners o
      WHERE o.ledger_id = $1 AND o.owner_id = ${values.add(filters.seenBy)} AND o.position = e.position LIMIT 1), false)`);
  }
  const given = conditions.filter((condition) => condition !== null);
  return given.length === 0 ? null : given.join(' AND ');
}

/** What a row of transactions must meet, but for the times; null where there is nothing to check. */
export function conditionSql(
  filters: TransactionFilters,
  alias: string,
  values: StatementValues,
): string | null {
  const conditions: string[] = [];
  const { type, status, externalId, reference } = filters;
  if (type !== undefined) conditions.push(`${alias}.type = ${values.add(type)}`);
  if (status !== undefined) conditions.push(`${alias}.status = ${values.add(status)}`);
  if (externalId !== undefined) conditions.push(`${alias}.external_id = ${values.add(externalId)}`);
  if (reference !== undefined) conditions.push(referenceSql(reference, alias, values));
  conditions.push(...amountSql(filters, alias, values));
  for (const side of sides) {
    const reference = filters[side];
    if (reference === undefined) continue;
    const accountId = values.add(partyIdOf(reference));
    const seenBy = filters.seenBy === undefined ? null : values.add(filters.seenBy);
    const met = (one: 'sender' | 'recipient') =>
      seenBy === null ? partySql(one, accountId, alias) : shownPartySql(one, accountId, seenBy, alias);
    conditions.push(side === 'account' ? `(${met('sender')} OR ${met('recipient')})` : met(side));
  }
  return conditions.length === 0 ? null : conditions.join(' AND ');
}

/** The stored reference is in lower case; Postgres folds the one asked for, in the same way. */
export function referenceSql(reference: string, alias: string, values: StatementValues): string {
  return `${alias}.reference LIKE lower(${values.add(substringPattern(reference))}::text)`;
}

/** A subquery with a LIMIT stays what it is: one look into the index for each row that comes to it. */
function partySql(side: 'sender' | 'recipient', accountId: string, alias: string): string {
  return `coalesce((SELECT true FROM projections.transaction_parties q
    WHERE q.ledger_id = $1 AND q.account_id = ${accountId}::uuid AND q.side = '${side}'
      AND q.position = ${alias}.position LIMIT 1), false)`;
}

/**
 * The same for an owner, to whom a transaction shows another's private account as null: by its id it is not found.
 * As the account was at the time, which the entry on the other side of its posting knows; a hold has no entries, and
 * its parties say it themselves.
 */
function shownPartySql(
  side: 'sender' | 'recipient',
  accountId: string,
  ownerId: string,
  alias: string,
): string {
  const [direction, step] = side === 'sender' ? ['debit', 1] : ['credit', -1];
  const isShown = (owner: string, visibility: string) =>
    `${owner} = ${ownerId} OR ${visibility} <> 'private'`;
  const isEntryShown = `(SELECT (SELECT ${isShown('o.counterparty_owner_id', 'o.counterparty_visibility')}
      FROM projections.entries o
      WHERE o.ledger_id = $1 AND o.account_id = n.counterparty_id AND o.position = ${alias}.position
        AND o.leg = n.leg + ${step})
    FROM projections.entries n
    WHERE n.ledger_id = $1 AND n.account_id = ${accountId}::uuid AND n.position = ${alias}.position
      AND n.direction = '${direction}' LIMIT 1)`;
  return `coalesce((SELECT CASE WHEN q.hold_visibility IS NULL THEN ${isEntryShown}
      ELSE ${isShown('q.hold_owner_id', 'q.hold_visibility')} END
    FROM projections.transaction_parties q
    WHERE q.ledger_id = $1 AND q.account_id = ${accountId}::uuid AND q.side = '${side}'
      AND q.position = ${alias}.position LIMIT 1), false)`;
}

/** Currency and amount are met by one posting: the only one, or any of several. */
function amountSql(
  { currency, amount }: TransactionFilters,
  alias: string,
  values: StatementValues,
): string[] {
  const conditions: ((alias: string) => string)[] = [];
  const add = (column: string, operator: string, value: unknown, type: string) => {
    const parameter = values.add(value);
    conditions.push((of) => `${of}.${column} ${operator} ${parameter}::${type}`);
  };
  if (currency !== undefined) add('currency', '=', currency, 'text');
  if (amount?.gte !== undefined) add('amount', '>=', amount.gte, 'numeric');
  if (amount?.lte !== undefined) add('amount', '<=', amount.lte, 'numeric');
  if (conditions.length === 0) return [];
  const met = (of: string) => conditions.map((condition) => condition(of)).join(' AND ');
  return [
    `CASE WHEN ${alias}.amounts IS NULL THEN ${met(alias)}
      ELSE EXISTS (SELECT FROM unnest(${alias}.amounts, ${alias}.currencies) AS g(amount, currency)
        WHERE ${met('g')}) END`,
  ];
}
