import { Body, Controller, HttpCode, Param, Patch, Post, Res } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import type { FastifyReply } from 'fastify';
import { Access, Caller, type Principal } from '#access';
import { DtoPipe } from '#http';
import type { WriteRequest } from '#journal';
import { committedEvents, transactionAnswer } from '../http/answer-write.js';
import { Documented, writeErrors } from '../http/documented.js';
import { pathTransactionId } from '../http/ids.js';
import { Write } from '../http/write-request.js';
import { CaptureHold } from './capture-hold.js';
import { ExtendHold } from './extend-hold.js';
import { CaptureHoldBody, ExtendHoldBody, VoidHoldBody } from './lifecycle-bodies.js';
import { amountOf, timeOf } from './transaction-draft.js';
import { VoidHold } from './void-hold.js';

/** What becomes of money that is held. */
@Controller('v1/transactions/:id')
export class HoldsController {
  constructor(private readonly commands: CommandBus) {}

  @Documented({
    summary: 'Capture a hold',
    description:
      'Moves all or a part of what is held; any number of times, up to what was held. The capture is a transaction ' +
      'of its own. It belongs to the owner of the recipient, or a key that is bound to none. Frozen and closed ' +
      'accounts refuse it.',
    id: 'transaction',
    answers: { 201: 'WrittenTransactionAnswer' },
    errors: [
      'transaction_not_found',
      'account_closed',
      'account_frozen',
      'transaction_not_pending',
      'amount_too_small',
      'amount_exceeds_remaining',
      ...writeErrors,
    ],
    idempotent: true,
    hasDryRun: true,
  })
  @Post('capture')
  @Access('transactions:write')
  async capture(
    @Param('id') id: string,
    @Body(DtoPipe) body: CaptureHoldBody,
    @Write() request: WriteRequest,
    @Caller() caller: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const amount = body.amount === undefined ? null : amountOf(body.amount);
    const { final: isFinal = amount === null } = body;
    const command = new CaptureHold(request, pathTransactionId(id), amount, isFinal);
    return transactionAnswer(committedEvents(await this.commands.execute(command), reply), caller);
  }

  @Documented({
    summary: 'Void a hold',
    description:
      'Releases all that is left of it, whatever its accounts are by now. It belongs to the owner of the recipient, ' +
      'or a key that is bound to none.',
    id: 'transaction',
    answers: { 200: 'WrittenTransactionAnswer' },
    errors: ['transaction_not_found', 'transaction_not_pending', ...writeErrors],
    idempotent: true,
  })
  @Post('void')
  @HttpCode(200)
  @Access('transactions:write')
  async void(
    @Param('id') id: string,
    @Body(DtoPipe) _body: VoidHoldBody,
    @Write() request: WriteRequest,
    @Caller() caller: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const command = new VoidHold(request, pathTransactionId(id));
    return transactionAnswer(committedEvents(await this.commands.execute(command), reply), caller);
  }

  @Documented({
    summary: 'Extend a hold',
    description:
      'It is released by itself at another time, which is not before the present one. Nothing moves.',
    id: 'transaction',
    answers: { 200: 'WrittenTransactionAnswer' },
    errors: ['transaction_not_found', 'transaction_not_pending', ...writeErrors],
  })
  @Patch('hold')
  @Access('transactions:write', { isForBoundKeys: false })
  async extend(
    @Param('id') id: string,
    @Body(DtoPipe) body: ExtendHoldBody,
    @Write() request: WriteRequest,
    @Caller() caller: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const expiresAt = timeOf(body.expiresAt, 'expiresAt');
    const command = new ExtendHold(request, pathTransactionId(id), expiresAt);
    return transactionAnswer(committedEvents(await this.commands.execute(command), reply), caller);
  }
}
