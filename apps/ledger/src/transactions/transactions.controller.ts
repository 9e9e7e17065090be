import { Body, Controller, Get, Param, Post, Query, Res } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import type { FastifyReply } from 'fastify';

import { Access, Caller, requireScope, type Principal } from '#access';
import { parseAmount, type TransactionDraft } from '#domain';
import { decodeEvent, type RecordedEvent, type WriteRequest } from '#journal';
import { pageErrors, readPageRequest, readTimes } from '#openapi';
import { DtoPipe, validationError, newUuid } from '#platform';
import { committedEvents, transactionAnswer } from '../http/answer-write.js';
import { Documented, writeErrors } from '../http/documented.js';
import { accountReference, pathTransactionId, transactionNotFound } from '../http/ids.js';
import { refuseSystemAccountsToOwners } from '../http/owner-bound.js';
import { present, type Resource } from '../http/present.js';
import { presentPage } from '../http/present-page.js';
import { Write } from '../http/write-request.js';
import { Burn } from './burn.js';
import { CreateTransaction } from './create-transaction.js';
import { GetTransaction } from './get-transaction.js';
import { ListTransactions } from './list-transactions.js';
import { Mint } from './mint.js';
import type { TransactionFilters } from './transaction-filters.js';
import { BurnBody, CreateTransactionBody, MintBody, type MovementBody } from './transaction-bodies.js';
import { ListTransactionsQuery } from './transaction-queries.js';

/** In which any movement of money may end. */
const movementErrors = [
  'same_account',
  'account_not_found',
  'account_closed',
  'account_frozen',
  'external_id_taken',
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
      'From one account to another. ROOT as the sender makes it a mint, as the recipient a burn. A key that is ' +
      "bound to an owner debits that owner's accounts, credits them and others that are public or unlisted, and " +
      "can't name ROOT (403).",
    answers: { 201: 'WrittenTransactionAnswer' },
    errors: [...movementErrors, 'exchange_rate_missing', 'insufficient_funds', 'balance_limit_exceeded'],
    idempotent: true,
  })
  @Post('transactions')
  @Access('transactions:write')
  async create(
    @Body(DtoPipe) body: CreateTransactionBody,
    @Write() request: WriteRequest,
    @Caller() caller: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const sender = accountReference(body.sender, 'sender');
    const recipient = accountReference(body.recipient, 'recipient');
    refuseSystemAccountsToOwners(caller, { sender, recipient });
    if (sender === 'ROOT') requireScope(caller, 'mint');
    if (recipient === 'ROOT') requireScope(caller, 'burn');
    const postings = [{ sender, recipient, amount: amountOf(body) }];
    const command = new CreateTransaction(request, { ...draftOf(body), postings });
    return transactionAnswer(committedEvents(await this.commands.execute(command), reply), caller);
  }

  @Documented({
    summary: 'Bring money into the ledger',
    description: "A transaction whose sender is ROOT, which a key that is bound to an owner can't make.",
    answers: { 201: 'WrittenTransactionAnswer' },
    errors: [...movementErrors, 'balance_limit_exceeded'],
    idempotent: true,
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
    const command = new Mint(request, recipient, amountOf(body), draftOf(body));
    return transactionAnswer(committedEvents(await this.commands.execute(command), reply), caller);
  }

  @Documented({
    summary: 'Take money out of the ledger',
    description: "A transaction whose recipient is ROOT, which a key that is bound to an owner can't make.",
    answers: { 201: 'WrittenTransactionAnswer' },
    errors: [...movementErrors, 'insufficient_funds'],
    idempotent: true,
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
    const command = new Burn(request, sender, amountOf(body), draftOf(body));
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
    const filters = filtersOf(query, caller);
    const { consistency = 'strong' } = query;
    const list = new ListTransactions(caller.ledgerId, filters, readPageRequest(query), consistency);
    return presentPage(await this.queries.execute(list), transactionResource, caller);
  }

  @Documented({
    summary: 'Get a transaction',
    description:
      'Straight from the journal. It can be neither changed nor deleted. To a key that is bound to an owner, only ' +
      'those exist that touch an account of that owner.',
    id: 'transaction',
    answers: { 200: 'TransactionAnswer' },
    errors: ['transaction_not_found'],
  })
  @Get('transactions/:id')
  @Access('transactions:read')
  async get(@Param('id') id: string, @Caller() caller: Principal) {
    const query = new GetTransaction(caller.ledgerId, pathTransactionId(id), caller.ownerId);
    const [posted] = await this.queries.execute(query);
    if (!posted) throw transactionNotFound();
    return { data: present(transactionResource(posted), caller) };
  }
}

function amountOf(body: MovementBody): bigint {
  const amount = parseAmount(body.amount);
  if (amount === null) throw validationError([{ path: 'amount', message: 'is not an amount' }]);
  return amount;
}

function draftOf(body: MovementBody): Omit<TransactionDraft, 'postings'> {
  return {
    transactionId: newUuid(),
    reference: body.reference ?? null,
    externalId: body.externalId ?? null,
    metadata: body.metadata ?? {},
  };
}

function filtersOf(query: ListTransactionsQuery, caller: Principal): TransactionFilters {
  const account = (side: 'account' | 'sender' | 'recipient') => {
    const text = query[`filter[${side}]`];
    return text === undefined ? undefined : accountReference(text, `filter[${side}]`);
  };
  const amount = (bound: 'gte' | 'lte') => {
    const text = query[`filter[amount][${bound}]`];
    return text === undefined ? undefined : BigInt(text);
  };
  const parties = { account: account('account'), sender: account('sender'), recipient: account('recipient') };
  const { account: either, sender, recipient } = parties;
  refuseSystemAccountsToOwners(caller, {
    'filter[account]': either,
    'filter[sender]': sender,
    'filter[recipient]': recipient,
  });
  return {
    ...parties,
    reference: query['filter[reference]'],
    type: query['filter[type]'],
    status: query['filter[status]'],
    currency: query['filter[currency]'],
    externalId: query['filter[externalId]'],
    createdAt: readTimes(query),
    amount: { gte: amount('gte'), lte: amount('lte') },
    seenBy: caller.ownerId ?? undefined,
  };
}

/** What a transaction is shown from: its first event. Null data: it was erased. */
function transactionResource(recorded: RecordedEvent): Resource {
  const event = decodeEvent(recorded);
  const { position, recordedAt } = recorded;
  if (event?.type === 'transaction.posted') {
    return {
      kind: 'transaction',
      record: { transaction: event.transaction, position, recordedAt },
      withBalances: false,
    };
  }
  return { kind: 'erased', recorded };
}
