import {
  availableBalance,
  newAccount,
  postedBalance,
  systemAccountNames,
  type Account,
  type SystemAccountName,
} from './accounts.js';
import { amountMax } from './amounts.js';
import { mayCredit, owns, type Caller } from './callers.js';
import type { DomainEvent } from './events.js';
import { applyLeg } from './evolve.js';
import type { LedgerState } from './ledger-state.js';
import { accept, refuse, type Decision } from './refusals.js';
import type {
  AccountReference,
  Direction,
  Leg,
  PostingDraft,
  TransactionDraft,
  TransactionType,
} from './transactions.js';

interface Posting {
  readonly path: (side: 'sender' | 'recipient' | 'amount') => string;
  readonly sender: Account;
  readonly recipient: Account;
  readonly amount: bigint;
}

type Refused = ReturnType<typeof refuse>;

/**
 * Moves money between accounts: all postings or none. Refused in the order of the checks below; within a
 * step postings go in order, the sender before the recipient.
 */
export function decideTransaction(
  draft: TransactionDraft,
  state: LedgerState,
  caller: Caller,
): Decision<DomainEvent> {
  const path = pathsOf(draft);
  for (const [index, posting] of draft.postings.entries()) {
    if (posting.sender === posting.recipient) {
      return refuse('same_account', 'sender and recipient are the same account', path(index, 'recipient'));
    }
  }
  const openings = new Map<string, Account>();
  const postings: Posting[] = [];
  for (const [index, posting] of draft.postings.entries()) {
    const found = findAccounts(posting, state, caller, openings, (side) => path(index, side));
    if ('accepted' in found) return found;
    postings.push(found);
  }
  const refused =
    refuseByStatus(postings, 'closed') ??
    refuseByStatus(postings, 'frozen') ??
    refuseByExternalId(draft, state) ??
    refuseByCurrency(postings);
  if (refused) return refused;

  const { legs, before, after } = post(postings, state.nextRecordedAt + BigInt(openings.size));
  const overLimit = refuseByFunds(postings, before, after) ?? refuseByMaximum(postings, before, after);
  if (overLimit) return overLimit;

  const { transactionId, reference, externalId, metadata } = draft;
  const type = typeOf(postings);
  return accept<DomainEvent>([
    ...[...openings.values()].map((account) => ({ type: 'account.opened', account }) as const),
    {
      type: 'transaction.posted',
      transaction: { transactionId, type, reference, externalId, metadata, legs },
    },
  ]);
}

function pathsOf(draft: TransactionDraft) {
  const isSingle = draft.postings.length === 1;
  return (index: number, field: string) => (isSingle ? field : `postings[${index}].${field}`);
}

function isSystemAccountName(reference: AccountReference): reference is SystemAccountName {
  return (systemAccountNames as readonly string[]).includes(reference);
}

function findAccounts(
  draft: PostingDraft,
  state: LedgerState,
  caller: Caller,
  openings: Map<string, Account>,
  path: Posting['path'],
): Posting | Refused {
  // Null: a system account, which only a caller bound to no owner may name.
  const named = (reference: AccountReference, isAllowed: (caller: Caller, account: Account) => boolean) => {
    if (isSystemAccountName(reference)) return caller.ownerId === null ? null : undefined;
    const account = state.ownAccount(reference);
    return account && isAllowed(caller, account) ? account : undefined;
  };
  const sender = named(draft.sender, owns);
  if (sender === undefined) return refuse('account_not_found', 'the sender does not exist', path('sender'));
  const recipient = named(draft.recipient, mayCredit);
  if (recipient === undefined)
    return refuse('account_not_found', 'the recipient does not exist', path('recipient'));
  const currency = (sender ?? recipient)?.currency;
  if (currency === undefined) return refuse('same_account', 'one side must be an account', path('recipient'));
  const system = (name: AccountReference) =>
    systemAccount(name as SystemAccountName, currency, state, openings);
  return {
    path,
    sender: sender ?? system(draft.sender),
    recipient: recipient ?? system(draft.recipient),
    amount: draft.amount,
  };
}

/** A currency's system account is opened by the first transaction that needs it. */
function systemAccount(
  name: SystemAccountName,
  currency: string,
  state: LedgerState,
  openings: Map<string, Account>,
): Account {
  const id = state.systemAccountId(name, currency);
  const known = state.account(id) ?? openings.get(id);
  if (known) return known;
  const settings = {
    name,
    visibility: 'private',
    externalId: null,
    ownerId: null,
    status: 'open',
    minBalance: null,
    maxBalance: null,
    metadata: {},
  } as const;
  const account = newAccount(id, name, currency, settings, state.nextRecordedAt + BigInt(openings.size));
  openings.set(id, account);
  return account;
}

function refuseByStatus(postings: readonly Posting[], status: 'closed' | 'frozen'): Refused | null {
  for (const posting of postings) {
    for (const side of ['sender', 'recipient'] as const) {
      if (posting[side].status === status) {
        return refuse(`account_${status}`, `the ${side} is ${status}`, posting.path(side));
      }
    }
  }
  return null;
}

function refuseByExternalId({ externalId }: TransactionDraft, state: LedgerState): Refused | null {
  if (externalId === null || !state.isTransactionExternalIdTaken(externalId)) return null;
  return refuse('external_id_taken', 'another transaction has this externalId', 'externalId');
}

function refuseByCurrency(postings: readonly Posting[]): Refused | null {
  for (const { sender, recipient, path } of postings) {
    if (sender.currency !== recipient.currency) {
      const pair = `${sender.currency} to ${recipient.currency}`;
      return refuse('exchange_rate_missing', `there is no exchange rate from ${pair}`, path('recipient'));
    }
  }
  return null;
}

/**
 * Limits are checked once, against the accounts as they are after the whole transaction. Only a sender's
 * available balance can have fallen, and only what a recipient holds can have risen.
 */
function refuseByFunds(
  postings: readonly Posting[],
  before: ReadonlyMap<string, Account>,
  after: ReadonlyMap<string, Account>,
): Refused | null {
  for (const { sender, path } of postings) {
    const [was, is] = [before.get(sender.id)!, after.get(sender.id)!];
    const available = availableBalance(is);
    if (is.minBalance === null || available >= 0n || available >= availableBalance(was)) continue;
    return refuse('insufficient_funds', 'the available balance does not cover the amount', path('amount'));
  }
  return null;
}

function refuseByMaximum(
  postings: readonly Posting[],
  before: ReadonlyMap<string, Account>,
  after: ReadonlyMap<string, Account>,
): Refused | null {
  for (const { sender, recipient, path } of postings) {
    if (
      postedBalance(after.get(sender.id)!) < -amountMax ||
      postedBalance(after.get(recipient.id)!) > amountMax
    ) {
      return refuse('balance_limit_exceeded', 'the balance would have too many digits', path('amount'));
    }
    const [was, is] = [before.get(recipient.id)!, after.get(recipient.id)!];
    const incoming = postedBalance(is) + is.pendingCredits;
    if (is.maxBalance === null || incoming <= is.maxBalance) continue;
    if (incoming <= postedBalance(was) + was.pendingCredits) continue;
    return refuse(
      'balance_limit_exceeded',
      'the balance would pass the maximum of the account',
      path('amount'),
    );
  }
  return null;
}

function post(postings: readonly Posting[], recordedAt: bigint) {
  const before = new Map<string, Account>();
  const after = new Map<string, Account>();
  const legs: Leg[] = [];
  const addLeg = (account: Account, direction: Direction, amount: bigint) => {
    if (!before.has(account.id)) before.set(account.id, account);
    const changed = applyLeg(after.get(account.id) ?? account, { direction, amount }, recordedAt);
    after.set(account.id, changed);
    legs.push({
      leg: legs.length + 1,
      accountId: changed.id,
      system: changed.system,
      ownerId: changed.ownerId,
      visibility: changed.visibility,
      direction,
      amount,
      currency: changed.currency,
      posted: postedBalance(changed),
      pendingIn: changed.pendingCredits,
      pendingOut: changed.pendingDebits,
      available: availableBalance(changed),
      version: changed.version,
      entryNumber: changed.entryNumber,
    });
  };
  for (const { sender, recipient, amount } of postings) {
    addLeg(sender, 'debit', amount);
    addLeg(recipient, 'credit', amount);
  }
  return { legs, before, after };
}

function typeOf(postings: readonly Posting[]): TransactionType {
  if (postings.every(({ sender }) => sender.system === 'ROOT')) return 'mint';
  if (postings.every(({ recipient }) => recipient.system === 'ROOT')) return 'burn';
  return 'transfer';
}
