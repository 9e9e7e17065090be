import { Body, Controller, Get, Post, Query, Res } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import type { FastifyReply } from 'fastify';
import { Access, Caller, type Principal } from '#access';
import { DtoPipe } from '#http';
import type { WriteRequest } from '#journal';
import { ListQuery, pageErrors, readPageRequest } from '#openapi';
import { committedEvents, settingAnswer } from '../http/answer-write.js';
import { Documented, writeErrors } from '../http/documented.js';
import { presentPage } from '../http/present-page.js';
import type { Resource } from '../http/present.js';
import { Write } from '../http/write-request.js';
import { AddCurrency } from './add-currency.js';
import { AddCurrencyBody } from './currency-bodies.js';
import { ListCurrencies, type CurrencyRow } from './list-currencies.js';

@Controller('v1/currencies')
export class CurrenciesController {
  constructor(
    private readonly commands: CommandBus,
    private readonly queries: QueryBus,
  ) {}

  @Documented({
    summary: 'Add a currency',
    description: 'An asset of the ledger’s own. Those of ISO 4217 every ledger has.',
    answers: { 201: 'AddedCurrencyAnswer' },
    errors: ['currency_exists', ...writeErrors],
    idempotent: true,
  })
  @Post()
  @Access('admin')
  async add(
    @Body(DtoPipe) { code, exponent, name }: AddCurrencyBody,
    @Write() request: WriteRequest,
    @Caller() caller: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const command = new AddCurrency(request, code, exponent, name);
    return settingAnswer(committedEvents(await this.commands.execute(command), reply), caller);
  }

  @Documented({
    summary: 'List currencies',
    description: 'Those that were added to the ledger, newest first; those of ISO 4217 are not among them.',
    answers: { 200: 'CurrencyPage' },
    errors: pageErrors,
  })
  @Get()
  @Access('admin')
  async list(@Query(DtoPipe) query: ListQuery, @Caller() caller: Principal) {
    const page = await this.queries.execute(new ListCurrencies(caller.ledgerId, readPageRequest(query)));
    return presentPage(page, currencyResource, caller);
  }
}

function currencyResource({ code, exponent, name, position, createdAt }: CurrencyRow): Resource {
  const record = { position: BigInt(position), recordedAt: BigInt(createdAt) };
  return { kind: 'currency', currency: { code, exponent, name }, record };
}
