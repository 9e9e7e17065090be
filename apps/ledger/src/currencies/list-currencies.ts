import { Inject } from '@nestjs/common';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import type pg from 'pg';
import { microsSql, StatementValues, type Page, type PageRequest } from '#platform';
import { READ_POOL } from '../database.js';
import { readNewestRows } from '../http/newest-rows.js';

export interface CurrencyRow {
  readonly code: string;
  readonly exponent: number;
  readonly name: string;
  readonly position: string;
  /** Microseconds since 1970. */
  readonly createdAt: string;
}

/** The currencies of a ledger's own, newest first. */
export class ListCurrencies extends Query<Page<CurrencyRow>> {
  constructor(
    readonly ledgerId: string,
    readonly page: PageRequest,
  ) {
    super();
  }
}

@QueryHandler(ListCurrencies)
export class ListCurrenciesHandler implements IQueryHandler<ListCurrencies> {
  constructor(@Inject(READ_POOL) private readonly pool: pg.Pool) {}

  execute({ ledgerId, page }: ListCurrencies): Promise<Page<CurrencyRow>> {
    const columns = `r.code, r.exponent, r.name, r.position::text, ${microsSql('r.created_at')} AS "createdAt"`;
    const from = 'FROM ledger.currencies r WHERE r.ledger_id = $1';
    const values = new StatementValues(ledgerId);
    const scope = { list: 'currencies', owner: ledgerId, filters: {} };
    return readNewestRows<CurrencyRow>(this.pool, scope, { columns, from, values }, page);
  }
}
