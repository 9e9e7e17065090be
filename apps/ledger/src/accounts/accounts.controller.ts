import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query, Req, Res } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Access, Caller, requireScope, type Principal } from '#access';
import type { Reader } from '#contracts';
import { parseAmount, parseSignedAmount, type Account, type AccountSettings } from '#domain';
import { DtoPipe } from '#http';
import { systemAccountId, type WriteRequest } from '#journal';
import { pageErrors, readPageRequest, readTime, readTimes } from '#openapi';
import { accountAfter, committedEvents } from '../http/answer-write.js';
import { Documented, writeErrors } from '../http/documented.js';
import { accountNotFound, pathAccountId } from '../http/ids.js';
import { refuseToOwners } from '../http/owner-bound.js';
import { present } from '../http/present.js';
import { presentPage } from '../http/present-page.js';
import { Write } from '../http/write-request.js';
import { OpenAccountBody, UpdateAccountBody } from './account-bodies.js';
import { AccountQuery, BalanceQuery, ListAccountsQuery, ListEntriesQuery } from './account-queries.js';
import { selectorOf } from './account-selector.js';
import { CloseAccount } from './close-account.js';
import { GetAccount, type AccountAt } from './get-account.js';
import { GetBalanceAt } from './get-balance-at.js';
import { ListAccounts } from './list-accounts.js';
import { ListEntries } from './list-entries.js';
import { OpenAccount } from './open-account.js';
import { entityTag, ifMatch, ifUnmodifiedSince } from './preconditions.js';
import { UpdateAccount } from './update-account.js';

@Controller('v1/accounts')
export class AccountsController {
  constructor(
    private readonly commands: CommandBus,
    private readonly queries: QueryBus,
  ) {}

  @Documented({
    summary: 'Open an account',
    description:
      'An openingBalance is an ordinary mint from ROOT in the same commit. What a key opens that is bound to an ' +
      "owner is that owner's: it can't say ownerId, openingBalance, minBalance or maxBalance (403).",
    answers: { 201: 'OpenedAccountAnswer' },
    answerHeaders: ['ETag', 'Last-Modified'],
    errors: ['external_id_taken', 'unknown_currency', 'balance_limit_exceeded', ...writeErrors],
    idempotent: true,
  })
  @Post()
  @Access('accounts:write')
  async open(
    @Body(DtoPipe) body: OpenAccountBody,
    @Write() request: WriteRequest,
    @Caller() caller: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const { ownerId, openingBalance: minted, minBalance, maxBalance } = body;
    refuseToOwners(caller, { ownerId, openingBalance: minted, minBalance, maxBalance });
    if (body.openingBalance !== undefined) requireScope(caller, 'mint');
    if (lowersMinimum(body.minBalance)) requireScope(caller, 'admin');
    const openingBalance = body.openingBalance === undefined ? null : parseAmount(body.openingBalance);
    const command = new OpenAccount(request, body.currency, settingsOf(body), openingBalance);
    const account = accountAfter(committedEvents(await this.commands.execute(command), reply));
    return answerAccount(account, caller, reply);
  }

  @Documented({
    summary: 'List accounts',
    description:
      'Newest first; system accounts are in no list. Filters combine with AND. A key that is bound to an owner ' +
      'gets the accounts of that owner and public ones.',
    answers: { 200: 'AccountPage' },
    errors: pageErrors,
  })
  @Get()
  @Access('accounts:read')
  async list(@Query(DtoPipe) query: ListAccountsQuery, @Caller() caller: Principal) {
    const filters = {
      name: query['filter[name]'],
      visibility: query['filter[visibility]'],
      currency: query['filter[currency]'],
      externalId: query['filter[externalId]'],
      ownerId: query['filter[ownerId]'],
      status: query['filter[status]'],
      seenBy: caller.ownerId ?? undefined,
    };
    const page = await this.queries.execute(
      new ListAccounts(caller.ledgerId, filters, readPageRequest(query)),
    );
    return presentPage(page, (account) => ({ kind: 'account', account }), caller);
  }

  @Documented({
    summary: 'Get an account',
    description:
      "A closed account stays readable. To a key that is bound to an owner, others' accounts have no balance where " +
      "they are public or unlisted, and don't exist where they are private; nor does ROOT.",
    id: 'accountOrRoot',
    answers: { 200: 'AccountAnswer' },
    answerHeaders: ['ETag', 'Last-Modified'],
    errors: ['account_not_found'],
  })
  @Get(':id')
  @Access('accounts:read')
  async get(
    @Param('id') id: string,
    @Query(DtoPipe) query: AccountQuery,
    @Caller() caller: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const { account } = await this.find(caller, 'account', id, query.currency);
    return answerAccount(account, caller, reply);
  }

  @Documented({
    summary: 'Get the balance of an account',
    description:
      'As it is now; with `at` what had settled by that time, by recorded or effective time. To a key that is bound ' +
      "to an owner, only that owner's accounts have one.",
    id: 'accountOrRoot',
    answers: { 200: 'BalanceAnswer' },
    errors: ['account_not_found', 'projection_lagging'],
  })
  @Get(':id/balance')
  @Access('accounts:read')
  async balance(@Param('id') id: string, @Query(DtoPipe) query: BalanceQuery, @Caller() caller: Principal) {
    const { at, by = 'recorded', currency } = query;
    if (at !== undefined) {
      const selector = selectorOf(id, currency);
      const asked = new GetBalanceAt(caller.ledgerId, selector, readTime(at, 'at'), by, caller);
      const balance = await this.queries.execute(asked);
      if (!balance) throw accountNotFound();
      return { data: present({ kind: 'balance-at', balance }, caller) };
    }
    const found = await this.find(caller, 'money', id, query.currency);
    return { data: present({ kind: 'balance', ...found }, caller) };
  }

  @Documented({
    summary: 'List the entries of an account',
    description:
      'The lines of its statement, one per side of a posting, newest first. To a key that is bound to an owner, ' +
      "only that owner's accounts have any, and a counterparty that is another's private account is null.",
    id: 'accountOrRoot',
    answers: { 200: 'EntryPage' },
    errors: ['account_not_found', 'projection_lagging', ...pageErrors],
  })
  @Get(':id/entries')
  @Access('accounts:read')
  async entries(
    @Param('id') id: string,
    @Query(DtoPipe) query: ListEntriesQuery,
    @Caller() caller: Principal,
  ) {
    const { ledgerId, ownerId } = caller;
    const [times, request] = [readTimes(query), readPageRequest(query)];
    const selector = selectorOf(id, query.currency);
    const accountId =
      'id' in selector ? selector.id : systemAccountId(ledgerId, selector.system, selector.currency);
    const { consistency = 'strong' } = query;
    // A wrong cursor is told before an unknown account, so the list comes first; an unknown account has no entries.
    const list = new ListEntries(ledgerId, accountId, times, request, consistency, ownerId);
    const page = await this.queries.execute(list);
    await this.find(caller, 'money', id, query.currency);
    return presentPage(page, (entry) => ({ kind: 'entry', entry }), caller);
  }

  @Documented({
    summary: 'Change an account',
    description:
      'An absent field stays as it is. Limits may change whatever the balance. A key that is bound to an owner ' +
      "changes that owner's accounts alone, and can't say minBalance, maxBalance or status (403).",
    id: 'account',
    requestHeaders: ['If-Match'],
    answers: { 200: 'AccountAnswer' },
    answerHeaders: ['ETag', 'Last-Modified'],
    errors: [
      'account_not_found',
      'precondition_failed',
      'account_closed',
      'external_id_taken',
      ...writeErrors,
    ],
  })
  @Patch(':id')
  @Access('accounts:write')
  async update(
    @Param('id') id: string,
    @Body(DtoPipe) body: UpdateAccountBody,
    @Write() request: WriteRequest,
    @Caller() caller: Principal,
    @Req() { headers }: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const { minBalance, maxBalance, status } = body;
    refuseToOwners(caller, { minBalance, maxBalance, status });
    if (lowersMinimum(body.minBalance) || body.status !== undefined) requireScope(caller, 'admin');
    const accountId = pathAccountId(id);
    const command = new UpdateAccount(request, accountId, changesOf(body), ifMatch(headers, 'settings'));
    const outcome = await this.commands.execute(command);
    const events = committedEvents(outcome, reply);
    // Read now it could be what another request has made of it since.
    const unchanged = outcome.accepted ? outcome.unchanged : undefined;
    return answerAccount(unchanged ?? accountAfter(events), caller, reply);
  }

  @Documented({
    summary: 'Close an account',
    description:
      'For ever, and only with a zero balance and nothing pending. Its externalId stays taken. A key that is bound ' +
      "to an owner closes that owner's accounts alone.",
    id: 'account',
    requestHeaders: ['If-Match', 'If-Unmodified-Since'],
    answers: { 204: 'nothing' },
    errors: [
      'account_not_found',
      'precondition_failed',
      'account_closed',
      'account_not_empty',
      ...writeErrors,
    ],
  })
  @Delete(':id')
  @HttpCode(204)
  @Access('accounts:write')
  async close(
    @Param('id') id: string,
    @Write() request: WriteRequest,
    @Req() { headers }: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<void> {
    const preconditions = [...ifMatch(headers, 'both'), ...ifUnmodifiedSince(headers)];
    const command = new CloseAccount(request, pathAccountId(id), preconditions);
    committedEvents(await this.commands.execute(command), reply);
  }

  private async find(
    caller: Principal,
    sought: 'account' | 'money',
    id: string,
    currency: string | undefined,
  ): Promise<AccountAt> {
    const selector = selectorOf(id, currency);
    const found = await this.queries.execute(new GetAccount(caller.ledgerId, selector, sought, caller));
    if (!found) throw accountNotFound();
    return found;
  }
}

/** An account with its validators for conditional requests (RFC 9110, 8.8). */
function answerAccount(account: Account | null, reader: Reader, reply: FastifyReply) {
  if (!account) return { data: null };
  void reply.header('etag', entityTag(account));
  void reply.header('last-modified', new Date(Number(account.updatedAt / 1000n)).toUTCString());
  return { data: present({ kind: 'account', account }, reader) };
}

type SentLimit = string | number | null | undefined;

function limitOf(sent: SentLimit, absent: bigint | null): bigint | null {
  if (sent === undefined) return absent;
  return sent === null ? null : parseSignedAmount(sent);
}

/** An account that may be overdrawn is credit that somebody has to answer for. */
function lowersMinimum(minBalance: SentLimit): boolean {
  const limit = limitOf(minBalance, 0n);
  return limit === null || limit < 0n;
}

function settingsOf(body: OpenAccountBody): AccountSettings {
  return {
    name: body.name,
    visibility: body.visibility ?? 'private',
    externalId: body.externalId ?? null,
    ownerId: body.ownerId ?? null,
    status: 'open',
    minBalance: limitOf(body.minBalance, 0n),
    maxBalance: limitOf(body.maxBalance, null),
    metadata: body.metadata ?? {},
  };
}

function changesOf(body: UpdateAccountBody): Partial<AccountSettings> {
  const { name, visibility, externalId, metadata, minBalance, maxBalance, status } = body;
  return {
    ...(minBalance === undefined ? {} : { minBalance: limitOf(minBalance, null) }),
    ...(maxBalance === undefined ? {} : { maxBalance: limitOf(maxBalance, null) }),
    ...(name === undefined ? {} : { name }),
    ...(visibility === undefined ? {} : { visibility }),
    ...(externalId === undefined ? {} : { externalId }),
    ...(metadata === undefined ? {} : { metadata: metadata ?? {} }),
    ...(status === undefined ? {} : { status }),
  };
}
