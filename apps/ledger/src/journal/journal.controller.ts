import { Controller, Get, Query } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import { Access, Caller, type Principal } from '#access';
import { DtoPipe } from '#http';
import { ChoiceParameter, parameter, TimeParameter } from '#openapi';
import { parseTimestamp } from '#platform';
import type { TimeBasis } from '../accounts/balances-at.js';
import { Documented } from '../http/documented.js';
import { TimeBasisParameter } from '../http/parameters.js';
import { present } from '../http/present.js';
import { GetTrialBalance } from './get-trial-balance.js';
import { ListEvents } from './list-events.js';

const eventsLimitDefault = 100;
const eventsLimitMax = 1_000;

export class ListEventsQuery {
  @parameter(
    'The position after which to go on; 0, the beginning, where absent',
    { pattern: '^(0|[1-9][0-9]{0,17})$', example: '0' },
    'must be a position',
    (text) => /^(0|[1-9][0-9]{0,17})$/.test(text),
  )
  after?: string;

  @parameter(
    `Events of a page, 1 to ${eventsLimitMax}; ${eventsLimitDefault} where absent`,
    { type: 'integer', minimum: 1, maximum: eventsLimitMax, default: eventsLimitDefault, example: '100' },
    `must be a whole number from 1 to ${eventsLimitMax}`,
    (text) => /^[1-9][0-9]{0,3}$/.test(text) && Number(text) <= eventsLimitMax,
  )
  limit?: string;

  @ChoiceParameter(
    ['strong', 'eventual'],
    'The journal is read itself and never behind: both are the same, but to a key that is bound to an owner',
  )
  consistency?: 'strong' | 'eventual';
}

export class TrialBalanceQuery {
  @TimeParameter('As it was at this time, which counts; now where absent')
  at?: string;

  @TimeBasisParameter()
  by?: TimeBasis;
}

@Controller('v1')
export class JournalController {
  constructor(private readonly queries: QueryBus) {}

  @Documented({
    summary: 'Read the journal',
    description:
      'Every event of the ledger in order. Go on with after=meta.nextAfter. A key that is bound to an owner gets ' +
      'the events that touch an account of theirs; its pages may be short or empty, and nextAfter goes on.',
    answers: { 200: 'EventPage' },
    errors: ['projection_lagging'],
  })
  @Get('events')
  @Access('transactions:read')
  async events(@Query(DtoPipe) query: ListEventsQuery, @Caller() caller: Principal) {
    const after = BigInt(query.after ?? '0');
    const limit = Number(query.limit ?? eventsLimitDefault);
    const { ledgerId, ownerId } = caller;
    const { consistency = 'strong' } = query;
    const page = await this.queries.execute(new ListEvents(ledgerId, after, limit, ownerId, consistency));
    return {
      data: page.events.map((recorded) => present({ kind: 'event', recorded }, caller)),
      meta: {
        headPosition: page.headPosition.toString(),
        nextAfter: page.nextAfter.toString(),
      },
    };
  }

  @Documented({
    summary: 'Get the trial balance',
    description: 'Per currency, all that was ever debited and credited on posted legs.',
    answers: { 200: 'TrialBalanceAnswer' },
    errors: ['projection_lagging'],
  })
  @Get('trial-balance')
  @Access('admin')
  async trialBalance(@Query(DtoPipe) query: TrialBalanceQuery, @Caller() caller: Principal) {
    const at = query.at === undefined ? null : parseTimestamp(query.at);
    const { by = 'recorded' } = query;
    const { lines, position } = await this.queries.execute(new GetTrialBalance(caller.ledgerId, at, by));
    return {
      data: lines.map(({ currency, debits, credits, accounts }) => ({
        currency,
        debits: debits.toString(),
        credits: credits.toString(),
        difference: (credits - debits).toString(),
        accounts,
      })),
      meta: { position: position.toString() },
    };
  }
}
