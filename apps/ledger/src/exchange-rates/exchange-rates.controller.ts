import { Body, Controller, Get, Param, Put, Query, Res } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import type { FastifyReply } from 'fastify';
import { Access, Caller, type Principal } from '#access';
import { DtoPipe } from '#http';
import type { WriteRequest } from '#journal';
import { pageErrors, readPageRequest } from '#openapi';
import { committedEvents, settingAnswer } from '../http/answer-write.js';
import { Documented, writeErrors } from '../http/documented.js';
import { pathCurrency } from '../http/ids.js';
import { presentPage } from '../http/present-page.js';
import type { Resource } from '../http/present.js';
import { Write } from '../http/write-request.js';
import { ListExchangeRatesQuery, SetExchangeRateBody } from './exchange-rate-bodies.js';
import { ListExchangeRates, type ExchangeRateRow } from './list-exchange-rates.js';
import { SetExchangeRate } from './set-exchange-rate.js';

@Controller('v1/exchange-rates')
export class ExchangeRatesController {
  constructor(
    private readonly commands: CommandBus,
    private readonly queries: QueryBus,
  ) {}

  @Documented({
    summary: 'Set an exchange rate',
    description:
      'From now on, exchanges from the one currency to the other that bring no rate of their own are made at it. It ' +
      'says nothing of the way back. Rates that it replaces stay in the journal.',
    pathParameters: { from: 'currency', to: 'currency' },
    answers: { 200: 'ExchangeRateAnswer' },
    errors: ['not_found', 'unknown_currency', 'currency_mismatch', ...writeErrors],
  })
  @Put(':from/:to')
  @Access('admin')
  async set(
    @Param('from') from: string,
    @Param('to') to: string,
    @Body(DtoPipe) { rate }: SetExchangeRateBody,
    @Write() request: WriteRequest,
    @Caller() caller: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const command = new SetExchangeRate(request, pathCurrency(from), pathCurrency(to), rate);
    return settingAnswer(committedEvents(await this.commands.execute(command), reply), caller);
  }

  @Documented({
    summary: 'List exchange rates',
    description: 'The one that was set last first; rates that were replaced are not among them.',
    answers: { 200: 'ExchangeRatePage' },
    errors: pageErrors,
  })
  @Get()
  @Access('transactions:read')
  async list(@Query(DtoPipe) query: ListExchangeRatesQuery, @Caller() caller: Principal) {
    const filters = { from: query['filter[from]'], to: query['filter[to]'] };
    const list = new ListExchangeRates(caller.ledgerId, filters, readPageRequest(query));
    const page = await this.queries.execute(list);
    return presentPage(page, exchangeRateResource, caller);
  }
}

function exchangeRateResource({ from, to, rate, position, setAt }: ExchangeRateRow): Resource {
  const record = { position: BigInt(position), recordedAt: BigInt(setAt) };
  return { kind: 'exchange-rate', exchangeRate: { from, to, rate }, record };
}
