import { Body, Controller, Param, Post, Res } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import type { FastifyReply } from 'fastify';
import { Access, Caller, type Principal } from '#access';
import { DtoPipe } from '#http';
import type { WriteRequest } from '#journal';
import { committedEvents, transactionAnswer } from '../http/answer-write.js';
import { Documented, writeErrors } from '../http/documented.js';
import { pathTransactionId } from '../http/ids.js';
import { Write } from '../http/write-request.js';
import { ReverseTransactionBody } from './lifecycle-bodies.js';
import { ReverseTransaction } from './reverse-transaction.js';
import { amountOf } from './transaction-draft.js';

/** Money that is given back. */
@Controller('v1/transactions/:id')
export class ReversalsController {
  constructor(private readonly commands: CommandBus) {}

  @Documented({
    summary: 'Reverse or refund a transaction',
    description:
      'Gives back all or a part of it by a transaction of its own, whose postings are turned round; all reversals ' +
      'together give back no more than it has moved. A hold and its captures share what can be given back. ' +
      'Reversing a burn needs the scope `mint`, reversing a mint `burn`. It belongs to the owner who gives the ' +
      'money back, or a key that is bound to none; nobody is overdrawn by it.',
    id: 'transaction',
    answers: { 201: 'WrittenTransactionAnswer' },
    errors: [
      'transaction_not_found',
      'account_closed',
      'account_frozen',
      'not_reversible',
      'already_reversed',
      'amount_too_small',
      'amount_exceeds_remaining',
      'insufficient_funds',
      'balance_limit_exceeded',
      ...writeErrors,
    ],
    idempotent: true,
    hasDryRun: true,
  })
  @Post('reverse')
  @Access('transactions:write')
  async create(
    @Param('id') id: string,
    @Body(DtoPipe) { amount, reason }: ReverseTransactionBody,
    @Write() request: WriteRequest,
    @Caller() caller: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const part = amount === undefined ? null : amountOf(amount);
    const command = new ReverseTransaction(request, pathTransactionId(id), part, reason ?? null);
    return transactionAnswer(committedEvents(await this.commands.execute(command), reply), caller);
  }
}
