import { Body, Controller, Get, Param, Post, Query, Res } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import type { FastifyReply } from 'fastify';
import { Access, Caller, requireScope, type Principal } from '#access';
import { DtoPipe } from '#http';
import { decodeEvent, type WriteRequest } from '#journal';
import { pageErrors, readPageRequest } from '#openapi';
import { committedEvents, transactionAnswer } from '../http/answer-write.js';
import { Documented, writeErrors } from '../http/documented.js';
import { accountReference, pathTransactionId, transactionNotFound } from '../http/ids.js';
import { present, type Resource } from '../http/present.js';
import { presentPage } from '../http/present-page.js';
import { Write } from '../http/write-request.js';
import { Burn } from './burn.js';
import { CreateTransaction } from './create-transaction.js';
import { GetTransaction } from './get-transaction.js';
import { ListTransactions, type ListedTransaction } from './list-transactions.js';
import { requireMayAsk } from './may-ask.js';
import { Mint } from './mint.js';
import { BurnBody, CreateTransactionBody, MintBody } from './transaction-bodies.js';
import { amountOf, asSent, detailsOf, transactionDraft } from './transaction-draft.js';
import { filtersOf, ListTransactionsQuery } from './transaction-queries.js';

/** In which any movement of money may end. */
const movementErrors = [
  'same_account',
  'account_not_found',
  'account_closed',
  'account_frozen',
  'external_id_taken',
  'period_closed',
  'version_conflict',
  ...writeErrors,
] as const;

@Controller('v1')
export class TransactionsController {
  constructor(
    private readonly commands: CommandBus,
    private readonly queries: QueryBus,
  ) {}

  @Documented({
    summary: 'Move money',
    description:
      'From one account to another, or by several postings, all of them or none. ROOT as the sender makes it a ' +
      'mint, as the recipient a burn. Between currencies the amount is changed at the ledger’s rate, through the ' +
      'EXCHANGE accounts of both. With `pending` the money is held: it leaves `available` at once, and is captured ' +
      "or released later. A key that is bound to an owner debits that owner's accounts, credits them and others " +
      "that are public or unlisted, and can't say exchangeRate nor name ROOT (403).",
    answers: { 201: 'WrittenTransactionAnswer' },
    errors: [
      ...movementErrors,
      'currency_mismatch',
      'exchange_rate_missing',
      'amount_too_small',
      'insufficient_funds',
      'balance_limit_exceeded',
    ],
    idempotent: true,
    hasDryRun: true,
  })
  @Post('transactions')
  @Access('transactions:write')
  async create(
    @Body(DtoPipe) body: CreateTransactionBody,
    @Write() request: WriteRequest,
    @Caller() caller: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const draft = transactionDraft(body);
    requireMayAsk(caller, body);
    const outcome = await this.commands.execute(new CreateTransaction(request, draft));
    return transactionAnswer(committedEvents(asSent(outcome, body), reply), caller);
  }

  @Documented({
    summary: 'Bring money into the ledger',
    description: "A transaction whose sender is ROOT, which a key that is bound to an owner can't make.",
    answers: { 201: 'WrittenTransactionAnswer' },
    errors: [...movementErrors, 'balance_limit_exceeded'],
    idempotent: true,
    hasDryRun: true,
  })
  @Post('mints')
  @Access('mint')
  async mint(
    @Body(DtoPipe) body: MintBody,
    @Write() request: WriteRequest,
    @Caller() caller: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const recipient = accountReference(body.recipient, 'recipient');
    if (recipient === 'ROOT') requireScope(caller, 'burn');
    const command = new Mint(request, recipient, amountOf(body.amount), detailsOf(body));
    return transactionAnswer(committedEvents(await this.commands.execute(command), reply), caller);
  }

  @Documented({
    summary: 'Take money out of the ledger',
    description: "A transaction whose recipient is ROOT, which a key that is bound to an owner can't make.",
    answers: { 201: 'WrittenTransactionAnswer' },
    errors: [...movementErrors, 'insufficient_funds'],
    idempotent: true,
    hasDryRun: true,
  })
  @Post('burns')
  @Access('burn')
  async burn(
    @Body(DtoPipe) body: BurnBody,
    @Write() request: WriteRequest,
    @Caller() caller: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const sender = accountReference(body.sender, 'sender');
    if (sender === 'ROOT') requireScope(caller, 'mint');
    const command = new Burn(request, sender, amountOf(body.amount), detailsOf(body));
    return transactionAnswer(committedEvents(await this.commands.execute(command), reply), caller);
  }

  @Documented({
    summary: 'List transactions',
    description:
      'Newest first. Filters combine with AND. A key that is bound to an owner gets those that touch an account of ' +
      "that owner; by the id of another's private account, which they show as null, it finds none.",
    answers: { 200: 'TransactionPage' },
    errors: ['projection_lagging', ...pageErrors],
  })
  @Get('transactions')
  @Access('transactions:read')
  async list(@Query(DtoPipe) query: ListTransactionsQuery, @Caller() caller: Principal) {
    const page = readPageRequest(query);
    const filters = filtersOf(query, caller);
    const { consistency = 'strong' } = query;
    const list = new ListTransactions(caller.ledgerId, filters, page, consistency);
    return presentPage(await this.queries.execute(list), transactionResource, caller);
  }

  @Documented({
    summary: 'Get a transaction',
    description:
      'Straight from the journal. It can be neither changed nor deleted; what happens to it afterwards shows in it. ' +
      'To a key that is bound to an owner, only those exist that touch an account of that owner.',
    id: 'transaction',
    answers: { 200: 'TransactionAnswer' },
    errors: ['transaction_not_found'],
  })
  @Get('transactions/:id')
  @Access('transactions:read')
  async get(@Param('id') id: string, @Caller() caller: Principal) {
    const query = new GetTransaction(caller.ledgerId, pathTransactionId(id), caller.ownerId);
    const found = await this.queries.execute(query);
    if (!found) throw transactionNotFound();
    return { data: present(transactionResource(found), caller) };
  }
}

/** What a transaction is shown from: the event that made it, and how far it has come. Null data: it was erased. */
function transactionResource({ recorded, progress, hold }: ListedTransaction): Resource {
  const event = decodeEvent(recorded);
  if (!event || !('transaction' in event)) return { kind: 'erased', recorded, progress };
  const { position, recordedAt } = recorded;
  const record = { transaction: event.transaction, position, recordedAt };
  return { kind: 'transaction', record, progress, hold, withBalances: false };
}
