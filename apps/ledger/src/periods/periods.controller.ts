import { Body, Controller, Get, Put, Res } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import type { FastifyReply } from 'fastify';
import { Access, Caller, type Principal } from '#access';
import { DtoPipe, validationError } from '#http';
import type { WriteRequest } from '#journal';
import { committedEvents, settingAnswer } from '../http/answer-write.js';
import { Documented, writeErrors } from '../http/documented.js';
import { present } from '../http/present.js';
import { Write } from '../http/write-request.js';
import { ClosePeriod } from './close-period.js';
import { GetClosedPeriod } from './get-closed-period.js';
import { closedBeforeOf, ClosePeriodBody, throughOf } from './period-bodies.js';

@Controller('v1/periods/closed-through')
export class PeriodsController {
  constructor(
    private readonly commands: CommandBus,
    private readonly queries: QueryBus,
  ) {}

  @Documented({
    summary: 'Close the books',
    description:
      'An `effectiveAt` in a closed period is refused from now on (422 `period_closed`). It can be set back, which ' +
      'the journal shows.',
    answers: { 200: 'ClosedPeriodAnswer' },
    errors: writeErrors,
  })
  @Put()
  @Access('admin')
  async close(
    @Body(DtoPipe) { date }: ClosePeriodBody,
    @Write() request: WriteRequest,
    @Caller() caller: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const closedBefore = closedBeforeOf(date);
    if (closedBefore === null) throw validationError([{ path: 'date', message: 'is neither day nor time' }]);
    const command = new ClosePeriod(request, throughOf(date, closedBefore), closedBefore);
    return settingAnswer(committedEvents(await this.commands.execute(command), reply), caller);
  }

  @Documented({
    summary: 'Tell up to when the books are closed',
    description: 'data is null where they never were.',
    answers: { 200: 'ClosedPeriodAnswer' },
  })
  @Get()
  @Access('admin')
  async get(@Caller() caller: Principal) {
    const found = await this.queries.execute(new GetClosedPeriod(caller.ledgerId));
    if (!found) return { data: null };
    const { through, closedBefore, position, setAt: recordedAt } = found;
    const record = { position, recordedAt };
    return { data: present({ kind: 'period', period: { through, closedBefore }, record }, caller) };
  }
}
