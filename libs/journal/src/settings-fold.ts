import { convert, currencyExponent, type DomainEvent, type SettingEvent, type Transaction } from '#domain';
import type { Compare, Difference } from './difference.js';
import type { RecordedEvent } from './recorded-event.js';

/** A setting of the ledger, with the event that made it so. */
export interface FoldedSetting<Type extends SettingEvent['type']> {
  readonly setting: Extract<DomainEvent, { readonly type: Type }>;
  readonly position: bigint;
  readonly recordedAt: bigint;
}

/** The ledger's rates, currencies and closed period, as its events make them. */
export class SettingsFold {
  /** By their currencies, `EUR USD`. */
  readonly exchangeRates = new Map<string, FoldedSetting<'exchange-rate.set'>>();
  readonly currencies = new Map<string, FoldedSetting<'currency.added'>>();
  closedPeriod: FoldedSetting<'period.closed'> | null = null;

  add(setting: SettingEvent, { position, recordedAt }: RecordedEvent, compare: Compare): Difference | null {
    switch (setting.type) {
      case 'exchange-rate.set':
        this.exchangeRates.set(`${setting.from} ${setting.to}`, { setting, position, recordedAt });
        return null;
      case 'currency.added': {
        const isKnown = this.exponentOf(setting.code) !== null;
        this.currencies.set(setting.code, { setting, position, recordedAt });
        return compare('currency added once', false, isKnown);
      }
      case 'period.closed':
        this.closedPeriod = { setting, position, recordedAt };
        return null;
    }
  }

  /** What a transaction that is made or held says of exchanges, each of whose sides is the other at its rate. */
  checkExchanges({ legs, exchanges = [] }: Transaction, compare: Compare): Difference | null {
    for (const { posting, rate } of exchanges) {
      const [sent, received] = [legs[2 * posting], legs[2 * posting + 2]];
      if (!sent || !received) return compare('exchange', 'two postings', 'none');
      const from = this.exponentOf(sent.currency);
      const to = this.exponentOf(received.currency);
      // A currency whose event was erased.
      if (from === null || to === null) continue;
      const difference = compare(
        'exchanged amount',
        convert(sent.amount, rate, { from, to }),
        received.amount,
      );
      if (difference) return difference;
    }
    return null;
  }

  private exponentOf(code: string): number | null {
    return this.currencies.get(code)?.setting.exponent ?? currencyExponent(code);
  }
}
