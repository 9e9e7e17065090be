import type pg from 'pg';
import { closedPeriodRow, currencyRow, exchangeRateRow, progressRow, settingsRow } from './append-rows.js';
import type { Difference } from './difference.js';
import { foldEvents } from './fold-events.js';
import { LedgerFold } from './ledger-fold.js';

/** A row by its columns; numbers as text. */
export type StateRow = Readonly<Record<string, unknown>>;

/** A table of what is written in the transaction of the events that it follows from. */
export interface StateTable {
  readonly name: string;
  /** The columns that tell a ledger's rows apart. */
  readonly key: readonly string[];
  rowsOf(fold: LedgerFold): StateRow[];
}

/** All tables of the schema "ledger", with every column. */
export const stateTables = {
  accounts: {
    name: 'accounts',
    key: ['id'],
    rowsOf: ({ accounts: { accounts, openedPositions } }) =>
      [...accounts.values()].map((account) => ({
        ...settingsRow(account, openedPositions.get(account.id) ?? null),
        posted_debits: account.postedDebits.toString(),
        posted_credits: account.postedCredits.toString(),
        pending_debits: account.pendingDebits.toString(),
        pending_credits: account.pendingCredits.toString(),
        entry_number: account.entryNumber,
      })),
  },
  transaction_progress: {
    name: 'transaction_progress',
    key: ['transaction_id'],
    rowsOf: ({ progress }) =>
      [...progress.tracked].map(([transactionId, tracked]) =>
        progressRow({ transactionId, progress: tracked.progress }),
      ),
  },
  exchange_rates: {
    name: 'exchange_rates',
    key: ['from_currency', 'to_currency'],
    rowsOf: ({ settings }) => [...settings.exchangeRates.values()].map(exchangeRateRow),
  },
  currencies: {
    name: 'currencies',
    key: ['code'],
    rowsOf: ({ settings }) => [...settings.currencies.values()].map(currencyRow),
  },
  closed_periods: {
    name: 'closed_periods',
    key: [],
    rowsOf: ({ settings: { closedPeriod } }) => (closedPeriod ? [closedPeriodRow(closedPeriod)] : []),
  },
  transaction_external_ids: {
    name: 'transaction_external_ids',
    key: ['external_id'],
    rowsOf: ({ transactionExternalIds }) =>
      [...transactionExternalIds].map(([externalId, transactionId]) => ({
        external_id: externalId,
        transaction_id: transactionId,
      })),
  },
} satisfies Readonly<Record<string, StateTable>>;

/** What guards a ledger's rules, as its events make it. */
export class RecomputedState {
  private readonly fold: LedgerFold;

  constructor(readonly ledgerId: string) {
    this.fold = new LedgerFold(ledgerId);
  }

  /** Up to the last event that is seen; a difference is of the journal itself, which then tells no state. */
  advance(db: pg.ClientBase): Promise<Difference | null> {
    return foldEvents(db, this.fold);
  }

  get events(): number {
    return this.fold.events;
  }

  /** What erased events did isn't known, and so how things are now isn't either. */
  get erased(): number {
    return this.fold.erased;
  }

  rowsOf(table: StateTable): StateRow[] {
    return table.rowsOf(this.fold).map((row) => ({ ledger_id: this.ledgerId, ...row }));
  }
}
