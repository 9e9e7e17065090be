import { Inject } from '@nestjs/common';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import type pg from 'pg';
import { microsSql, StatementValues, type Page, type PageRequest } from '#platform';
import { READ_POOL } from '../database.js';
import { readNewestRows } from '../http/newest-rows.js';

export interface ExchangeRateFilters {
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}

export interface ExchangeRateRow {
  readonly from: string;
  readonly to: string;
  readonly rate: string;
  readonly position: string;
  /** Microseconds since 1970. */
  readonly setAt: string;
}

/** The rates of a ledger, the one that was set last first. Earlier ones are in the journal. */
export class ListExchangeRates extends Query<Page<ExchangeRateRow>> {
  constructor(
    readonly ledgerId: string,
    readonly filters: ExchangeRateFilters,
    readonly page: PageRequest,
  ) {
    super();
  }
}

@QueryHandler(ListExchangeRates)
export class ListExchangeRatesHandler implements IQueryHandler<ListExchangeRates> {
  constructor(@Inject(READ_POOL) private readonly pool: pg.Pool) {}

  execute({ ledgerId, filters, page }: ListExchangeRates): Promise<Page<ExchangeRateRow>> {
    const values = new StatementValues(ledgerId);
    const conditions = [
      ...(filters.from === undefined ? [] : [` AND r.from_currency = ${values.add(filters.from)}`]),
      ...(filters.to === undefined ? [] : [` AND r.to_currency = ${values.add(filters.to)}`]),
    ];
    const columns = `r.from_currency AS "from", r.to_currency AS "to", r.rate, r.position::text,
      ${microsSql('r.set_at')} AS "setAt"`;
    const from = `FROM ledger.exchange_rates r WHERE r.ledger_id = $1${conditions.join('')}`;
    const scope = { list: 'exchange-rates', owner: ledgerId, filters };
    return readNewestRows<ExchangeRateRow>(this.pool, scope, { columns, from, values }, page);
  }
}
