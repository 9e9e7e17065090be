import { Controller, Get, Param, Query, Req, StreamableFile } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import type { FastifyRequest } from 'fastify';
import { Access, Caller, type Principal } from '#access';
import type { Reader } from '#contracts';
import { DtoPipe, mediaTypeOf, RouteSettings, validationError } from '#http';
import { readTime } from '#openapi';
import { Documented } from '../http/documented.js';
import { accountNotFound } from '../http/ids.js';
import { presentStatementLine } from '../http/present.js';
import { StatementQuery } from './account-queries.js';
import { selectorOf } from './account-selector.js';
import { GetLedgerClock } from './get-ledger-clock.js';
import { GetStatement } from './get-statement.js';
import { statementCsv } from './statement-csv.js';
import { statementJson } from './statement-json.js';
import type { StatementLine } from './statement-lines.js';

const csv = 'text/csv';

@Controller('v1/accounts/:id/statement')
export class StatementsController {
  constructor(private readonly queries: QueryBus) {}

  @Documented({
    summary: 'Get the statement of an account',
    description:
      'All that was posted in a period, oldest first, however much it is: the answer is written as it is read. By ' +
      'effective time, what was back-dated stands where it took effect. `Accept: text/csv` gives the lines as a ' +
      "file with a header row. To a key that is bound to an owner, only that owner's accounts have one.",
    id: 'accountOrRoot',
    answers: { 200: 'StatementAnswer' },
    errors: ['account_not_found', 'projection_lagging'],
  })
  @Get()
  @RouteSettings({ answersIn: ['application/json', csv] })
  @Access('accounts:read')
  async get(
    @Param('id') id: string,
    @Query(DtoPipe) query: StatementQuery,
    @Caller() caller: Principal,
    @Req() request: FastifyRequest,
  ): Promise<StreamableFile> {
    const { ledgerId } = caller;
    const from = readTime(query.from, 'from');
    const to =
      query.to === undefined
        ? await this.queries.execute(new GetLedgerClock(ledgerId))
        : readTime(query.to, 'to');
    if (from >= to) throw validationError([{ path: 'from', message: 'must be before the end' }]);
    const { by = 'recorded', currency } = query;
    const selector = selectorOf(id, currency);
    const period = { from, to };
    const statement = await this.queries.execute(new GetStatement(ledgerId, selector, period, by, caller));
    if (!statement) throw accountNotFound();

    const lines = presented(statement.lines, caller);
    if (mediaTypeOf(request) === csv) {
      const disposition = `attachment; filename="statement-${id}.csv"`;
      return new StreamableFile(statementCsv(lines), {
        type: `${csv}; charset=utf-8; header=present`,
        disposition,
      });
    }
    return new StreamableFile(statementJson(statement, period, lines), {
      type: 'application/json; charset=utf-8',
    });
  }
}

async function* presented(lines: AsyncIterable<StatementLine>, reader: Reader) {
  for await (const line of lines) yield presentStatementLine(line, reader);
}
