import type pg from 'pg';
import type { Account } from '#domain';
import { microsSql } from '#platform';
import { accountSql, readAccountRow, type AccountRow } from './account-rows.js';
import { exchangesOf, type RowNames } from './name-rows.js';

/** What only some batches need: for changes of currency, the ledger's own currencies, back-dating. */
export interface GatheredRules {
  /** EXCHANGE of the currencies that are changed. */
  readonly accounts: readonly Account[];
  readonly exchangeRates: readonly { readonly from: string; readonly to: string; readonly rate: string }[];
  readonly currencies: readonly { readonly code: string; readonly exponent: number }[];
  /** Microseconds since 1970. */
  readonly closedBefore: bigint | null;
}

const noRules: GatheredRules = { accounts: [], exchangeRates: [], currencies: [], closedBefore: null };

const rulesSql = `
  SELECT (
      SELECT json_agg(${accountSql('false')}) FROM ledger.accounts a
      WHERE a.ledger_id = $1 AND a.system = 'EXCHANGE' AND a.currency = ANY($2::text[] || $3::text[])
    ) AS accounts, (
      SELECT json_agg(json_build_array(pair.from_code, pair.to_code, r.rate))
      FROM unnest($2::text[], $3::text[]) AS pair(from_code, to_code) CROSS JOIN LATERAL (
        SELECT rate FROM ledger.exchange_rates
        WHERE ledger_id = $1 AND from_currency = pair.from_code AND to_currency = pair.to_code OFFSET 0
      ) r
    ) AS rates, (
      SELECT json_agg(json_build_array(c.code, c.exponent)) FROM ledger.currencies c
      WHERE c.ledger_id = $1 AND c.code = ANY($2::text[] || $3::text[] || $4::text[])
    ) AS currencies, (
      SELECT ${microsSql('closed_before')} FROM ledger.closed_periods WHERE ledger_id = $1
    ) AS closed_before`;

interface RulesRow {
  readonly accounts: AccountRow[] | null;
  readonly rates: [from: string, to: string, rate: string][] | null;
  readonly currencies: [code: string, exponent: number][] | null;
  readonly closed_before: string | null;
}

/** Asks for nothing where the batch needs none of it, as most do. */
export async function gatherRules(
  client: pg.ClientBase,
  ledgerId: string,
  names: RowNames,
  accounts: readonly Account[],
): Promise<GatheredRules> {
  const pairs = changesOfCurrency(names, accounts);
  if (!hasRules(names, pairs)) return noRules;
  const { rows } = await client.query<RulesRow>({
    name: 'gather-rules',
    text: rulesSql,
    values: [ledgerId, pairs.map(({ from }) => from), pairs.map(({ to }) => to), [...names.ownCurrencies]],
  });
  const row = rows[0]!;
  return {
    accounts: (row.accounts ?? []).map(readAccountRow),
    exchangeRates: (row.rates ?? []).map(([from, to, rate]) => ({ from, to, rate })),
    currencies: (row.currencies ?? []).map(([code, exponent]) => ({ code, exponent })),
    closedBefore: row.closed_before === null ? null : BigInt(row.closed_before),
  };
}

/** Whether the batch needs any of it. */
export function needsRules(names: RowNames, accounts: readonly Account[]): boolean {
  return hasRules(names, changesOfCurrency(names, accounts));
}

function hasRules(names: RowNames, changes: readonly unknown[]): boolean {
  return changes.length > 0 || names.ownCurrencies.size > 0 || names.hasEffectiveTime;
}

function changesOfCurrency(names: RowNames, accounts: readonly Account[]) {
  const currencies = new Set([...names.opened.values(), ...accounts.map(({ currency }) => currency)]);
  if (currencies.size < 2) return [];
  const byId = new Map(accounts.map(({ id, currency }) => [id, currency]));
  return exchangesOf(names, (accountId) => byId.get(accountId));
}
