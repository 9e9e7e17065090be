import { Body, Controller, HttpCode, Post, Req, Res } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Access, Caller, type Principal } from '#access';
import { DtoPipe, RouteSettings } from '#http';
import { Documented, writeErrors } from '../http/documented.js';
import { batchHash } from '../http/request-hash.js';
import { writeRequestOf } from '../http/write-request.js';
import { answerBatch } from './answer-batch.js';
import { batchItems, itemTexts } from './batch-items.js';
import { CreateBatch } from './create-batch.js';
import { CreateBatchBody } from './transaction-bodies.js';

/** Many transactions in one request and one commit. */
@Controller('v1/transactions/batch')
export class BatchesController {
  constructor(private readonly commands: CommandBus) {}

  @Documented({
    summary: 'Make many transactions at once',
    description:
      'independent: each is decided by itself, and the answer tells of each, in order, what it would have been ' +
      'answered alone. atomic: one refusal refuses all of them (422; the details name which). Each may have an ' +
      'idempotencyKey of its own; the Idempotency-Key of the request covers the whole answer. The body may have 5 MB.',
    answers: { 200: 'BatchAnswer' },
    errors: ['batch_refused', ...writeErrors],
    idempotent: true,
  })
  @Post()
  @HttpCode(200)
  @RouteSettings({ takesLargeBody: true })
  @Access('transactions:write')
  async create(
    @Body(DtoPipe) body: CreateBatchBody,
    @Req() request: FastifyRequest,
    @Caller() caller: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const { mode, dryRun, transactions } = body;
    const texts = itemTexts(transactions, request.headers['idempotency-key'] !== undefined);
    const write = writeRequestOf(request, () => {
      const keyed = transactions.map(({ idempotencyKey = null }, index) => ({
        text: texts[index]!,
        key: idempotencyKey,
      }));
      return batchHash('/v1/transactions/batch', { mode, dryRun }, keyed);
    });
    const items = batchItems(body, texts, caller);
    const outcome = await this.commands.execute(new CreateBatch(write, mode, items));
    return answerBatch(outcome, transactions, caller, reply);
  }
}
