import { convert } from './exchange-rates.js';
import type { LedgerState } from './ledger-state.js';

/** An amount in another currency of the ledger, both in minor units. */
export function convertBetween(
  amount: bigint,
  rate: string,
  from: string,
  to: string,
  state: LedgerState,
): bigint {
  return convert(amount, rate, { from: exponentOf(from, state), to: exponentOf(to, state) });
}

function exponentOf(currency: string, state: LedgerState): number {
  const exponent = state.currencyExponent(currency);
  if (exponent === null) throw new Error(`the currency ${currency} of an account is not in the state`);
  return exponent;
}
