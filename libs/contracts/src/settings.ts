import type { Recorded } from './recorded.js';

export interface ExchangeRateState {
  readonly from: string;
  readonly to: string;
  /** Major units of `to` for one of `from`, as a decimal. */
  readonly rate: string;
}

export interface CurrencyState {
  readonly code: string;
  /** Decimals of its minor unit. */
  readonly exponent: number;
  readonly name: string;
}

export interface PeriodState {
  /** As it was asked for: a day or a moment. */
  readonly through: string;
  /** ISO 8601 in UTC with six decimals: nothing may take effect before. */
  readonly closedBefore: string;
}

export function renderExchangeRate({ from, to, rate }: ExchangeRateState, recorded: Recorded) {
  return { from, to, rate, position: recorded.position.toString(), setAt: recorded.recordedAt };
}

export function renderCurrency({ code, exponent, name }: CurrencyState, recorded: Recorded) {
  return { code, exponent, name, createdAt: recorded.recordedAt };
}

export function renderPeriod({ through, closedBefore }: PeriodState, recorded: Recorded) {
  return {
    date: through,
    closedBefore,
    position: recorded.position.toString(),
    setAt: recorded.recordedAt,
  };
}
