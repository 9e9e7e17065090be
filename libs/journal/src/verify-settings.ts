import type pg from 'pg';
import type { SettingEvent } from '#domain';
import { microsSql } from '#platform';
import type { Difference } from './difference.js';
import type { LedgerFold } from './ledger-fold.js';

/** A stored setting, or one as its events make it. */
interface Setting {
  readonly value: string;
  readonly position: bigint;
  /** Microseconds since 1970. */
  readonly at: bigint;
}

/** Rates, currencies and the closed period as they are stored against what their events make of them. */
export async function verifySettings(db: pg.ClientBase, fold: LedgerFold): Promise<Difference | null> {
  const { exchangeRates, currencies, closedPeriod } = fold.settings;
  const { ledgerId } = fold;
  const ratesExpected = [...exchangeRates].map(([pair, { setting, position, recordedAt }]) =>
    expectedOf(pair, setting.rate, position, recordedAt),
  );
  const currenciesExpected = [...currencies].map(([code, { setting, position, recordedAt }]) =>
    expectedOf(code, `${setting.exponent} ${setting.name}`, position, recordedAt),
  );
  const periodExpected = closedPeriod
    ? [
        expectedOf(
          'closed',
          `${closedPeriod.setting.through} ${closedPeriod.setting.closedBefore}`,
          closedPeriod.position,
          closedPeriod.recordedAt,
        ),
      ]
    : [];
  return (
    compare(fold, 'exchange-rate.set', ratesExpected, await readRates(db, ledgerId)) ??
    compare(fold, 'currency.added', currenciesExpected, await readCurrencies(db, ledgerId)) ??
    compare(fold, 'period.closed', periodExpected, await readPeriod(db, ledgerId))
  );
}

type Named = readonly [name: string, setting: Setting];

function expectedOf(name: string, value: string, position: bigint, at: bigint): Named {
  return [name, { value, position, at }];
}

/** A row whose event is erased is taken as it is. */
function compare(
  fold: LedgerFold,
  type: SettingEvent['type'],
  expected: readonly Named[],
  found: readonly Named[],
): Difference | null {
  const left = new Map(expected);
  for (const [name, row] of found) {
    const known = left.get(name);
    left.delete(name);
    if (fold.erasedTypes.get(row.position) === type && row.position > (known?.position ?? 0n)) continue;
    const difference = fold.difference(
      `${type}: ${name}`,
      null,
      known ? textOf(known) : 'no row',
      textOf(row),
    );
    if (difference) return difference;
  }
  for (const [name, known] of left) return fold.difference(`${type}: ${name}`, null, textOf(known), 'no row');
  return null;
}

function textOf({ value, position, at }: Setting): string {
  return `${value} at ${position}, ${at}`;
}

interface SettingRow {
  readonly name: string;
  readonly value: string;
  readonly position: string;
  readonly at: string;
}

async function readRows(db: pg.ClientBase, ledgerId: string, text: string): Promise<Named[]> {
  const { rows } = await db.query<SettingRow>({ text, values: [ledgerId] });
  return rows.map(({ name, value, position, at }) => expectedOf(name, value, BigInt(position), BigInt(at)));
}

function readRates(db: pg.ClientBase, ledgerId: string): Promise<Named[]> {
  return readRows(
    db,
    ledgerId,
    `SELECT from_currency || ' ' || to_currency AS name, rate AS value, position::text, ${microsSql('set_at')} AS at
      FROM ledger.exchange_rates WHERE ledger_id = $1 ORDER BY 1`,
  );
}

function readCurrencies(db: pg.ClientBase, ledgerId: string): Promise<Named[]> {
  return readRows(
    db,
    ledgerId,
    `SELECT code AS name, exponent || ' ' || name AS value, position::text, ${microsSql('created_at')} AS at
      FROM ledger.currencies WHERE ledger_id = $1 ORDER BY 1`,
  );
}

function readPeriod(db: pg.ClientBase, ledgerId: string): Promise<Named[]> {
  return readRows(
    db,
    ledgerId,
    `SELECT 'closed' AS name, through || ' ' || ${microsSql('closed_before')} AS value, position::text,
        ${microsSql('set_at')} AS at
      FROM ledger.closed_periods WHERE ledger_id = $1`,
  );
}
