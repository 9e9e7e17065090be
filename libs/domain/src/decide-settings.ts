import type { AddCurrencyCommand, ClosePeriodCommand, SetExchangeRateCommand } from './commands.js';
import type { DomainEvent } from './events.js';
import type { LedgerState } from './ledger-state.js';
import { accept, refuse, type Decision } from './refusals.js';

/** From now on, exchanges that bring no rate of their own are made at this one. */
export function decideExchangeRate(
  { from, to, rate }: SetExchangeRateCommand,
  state: LedgerState,
): Decision<DomainEvent> {
  for (const [path, code] of [
    ['from', from],
    ['to', to],
  ] as const) {
    if (state.currencyExponent(code) !== null) continue;
    return refuse('unknown_currency', `${code} is not a currency of this ledger`, path);
  }
  if (from === to) return refuse('currency_mismatch', 'a currency has no rate to itself', 'to');
  return accept([{ type: 'exchange-rate.set', from, to, rate }]);
}

/** Adds an asset of the ledger's own; its code is that of no other and of no currency of ISO 4217. */
export function decideCurrency(
  { code, exponent, name }: AddCurrencyCommand,
  state: LedgerState,
): Decision<DomainEvent> {
  if (state.currencyExponent(code) !== null) {
    return refuse('currency_exists', `the ledger has a currency ${code}`, 'code');
  }
  return accept([{ type: 'currency.added', code, exponent, name }]);
}

/** What has not begun can't be closed; a day can, while it lasts. */
const closedAheadMax = 24n * 60n * 60n * 1_000_000n;

/** Sets up to when nothing may take effect any more. It can be set back, which the journal shows. */
export function decidePeriod(
  { through, closedBefore }: ClosePeriodCommand,
  state: LedgerState,
): Decision<DomainEvent> {
  if (closedBefore > state.nextRecordedAt + closedAheadMax) {
    return refuse('validation_error', 'must not be a day that has not begun', 'date');
  }
  return accept([{ type: 'period.closed', through, closedBefore }]);
}
