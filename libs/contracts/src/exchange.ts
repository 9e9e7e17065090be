import type { Posting, TransactionState } from './postings.js';

const rounding = 'half-even';

/** What the ledger adds to a request: at which rates it changed currencies, and to how much. */
export function renderMeta({ exchanges = [] }: TransactionState, postings: readonly Posting[]) {
  if (exchanges.length === 0) return {};
  const told = exchanges.map(({ posting, rate }) => ({
    posting,
    exchangeRate: rate,
    convertedAmount: postings[posting + 1]!.amount,
  }));
  const [only, ...others] = told;
  if (!only || others.length > 0) return { exchanges: told, rounding };
  return { exchangeRate: only.exchangeRate, convertedAmount: only.convertedAmount, rounding };
}
