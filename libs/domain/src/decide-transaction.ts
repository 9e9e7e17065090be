import { postedBalance, type Account } from './accounts.js';
import { owns, type Caller } from './callers.js';
import type { DomainEvent } from './events.js';
import { convertBetween } from './convert-between.js';
import type { LedgerState } from './ledger-state.js';
import { move, refuseByLimits, refuseByStatus, type Movement } from './movements.js';
import { findParties, isRoot, SystemAccounts, type Parties, type Path } from './parties.js';
import { accept, refuse, type Decision, type Refused } from './refusals.js';
import {
  initialProgress,
  type Condition,
  type Exchange,
  type PostingDraft,
  type Transaction,
  type TransactionDraft,
  type TransactionType,
} from './transactions.js';

interface Posting extends Parties {
  readonly draft: PostingDraft;
  readonly path: Path;
}

/**
 * Moves money between accounts, or holds it: all postings or none. Refused in the order of the checks below; within
 * a step postings go in order, the sender before the recipient.
 */
export function decideTransaction(
  draft: TransactionDraft,
  state: LedgerState,
  caller: Caller,
): Decision<DomainEvent> {
  const refusedTime = refuseByTimes(draft, state);
  if (refusedTime) return refusedTime;
  const path = pathsOf(draft);
  for (const [index, posting] of draft.postings.entries()) {
    if (posting.sender === posting.recipient) {
      return refuse('same_account', 'sender and recipient are the same account', path(index)('recipient'));
    }
  }
  const systems = new SystemAccounts(state);
  const postings: Posting[] = [];
  for (const [index, posting] of draft.postings.entries()) {
    const found = findParties(posting, state, caller, systems, path(index));
    if ('accepted' in found) return found;
    postings.push({ sender: found.sender, recipient: found.recipient, draft: posting, path: path(index) });
  }
  const conditions = findConditions(draft, postings, state, caller);
  // An array is no refusal; to ask it for a field by name takes longer than all else here.
  if (!Array.isArray(conditions)) return conditions;
  const refusedState = refuseByStatus(postings) ?? refuseByExternalId(draft, state);
  if (refusedState) return refusedState;
  const exchanged = exchange(postings, state, systems);
  if ('accepted' in exchanged) return exchanged;
  const refused = refuseByPeriod(draft, state) ?? refuseByConditions(conditions);
  if (refused) return refused;

  const { movements, exchanges } = exchanged;
  const moved = move(movements, draft.hold ? 'hold' : 'post');
  const overLimit = refuseByLimits(movements, moved);
  if (overLimit) return overLimit;

  const transaction: Transaction = {
    transactionId: draft.transactionId,
    type: exchanges.length > 0 ? 'exchange' : typeOf(postings),
    reference: draft.reference,
    externalId: draft.externalId,
    metadata: draft.metadata,
    legs: moved.legs,
    ...(exchanges.length > 0 ? { exchanges } : {}),
    ...(draft.effectiveAt === undefined ? {} : { effectiveAt: draft.effectiveAt }),
  };
  const openings = systems.openings.map((account) => ({ type: 'account.opened', account }) as const);
  if (!draft.hold) return accept<DomainEvent>([...openings, { type: 'transaction.posted', transaction }]);
  const progress = initialProgress(movements.length, draft.hold);
  return accept<DomainEvent>([...openings, { type: 'transaction.pending', transaction, progress }]);
}

/** Only the ledger's own clock says what is past, as it is when the transaction is recorded. */
function refuseByTimes({ effectiveAt, hold }: TransactionDraft, state: LedgerState): Refused | null {
  const now = state.nextRecordedAt;
  if (effectiveAt !== undefined && effectiveAt > now) {
    return refuse('validation_error', 'must not be in the future', 'effectiveAt');
  }
  if (hold && hold.expiresAt !== null && hold.expiresAt <= now) {
    return refuse('validation_error', 'must be in the future', 'expiresAt');
  }
  return null;
}

function pathsOf({ postings }: TransactionDraft): (index: number) => Path {
  const isSingle = postings.length === 1;
  return (index) => (field) => (isSingle ? field : `postings[${index}].${field}`);
}

interface FoundCondition {
  readonly condition: Condition;
  /** Undefined for a ROOT that nobody has needed yet. */
  readonly account: Account | undefined;
  readonly path: string;
}

/** ROOT is that of the first posting's currency. What a caller can't see the money of isn't there to be asked about. */
function findConditions(
  { conditions = [] }: TransactionDraft,
  postings: readonly Posting[],
  state: LedgerState,
  caller: Caller,
): FoundCondition[] | Refused {
  const found: FoundCondition[] = [];
  for (const [index, condition] of conditions.entries()) {
    const path = `conditions[${index}]`;
    const { account: reference } = condition;
    const isSystem = isRoot(reference);
    const account = isSystem
      ? state.account(state.systemAccountId('ROOT', postings[0]!.sender.currency))
      : state.ownAccount(reference);
    const isThere = isSystem ? caller.ownerId === null : account !== undefined && owns(caller, account);
    if (!isThere) return refuse('account_not_found', 'the account does not exist', `${path}.accountId`);
    found.push({ condition, account, path });
  }
  return found;
}

function refuseByConditions(conditions: readonly FoundCondition[]): Refused | null {
  for (const { condition, account, path } of conditions) {
    const { version, minPosted, maxPosted } = condition;
    const posted = account ? postedBalance(account) : 0n;
    const failed =
      version !== undefined && version !== (account?.version ?? 0)
        ? 'version'
        : minPosted !== undefined && posted < minPosted
          ? 'minPosted'
          : maxPosted !== undefined && posted > maxPosted
            ? 'maxPosted'
            : null;
    if (failed)
      return refuse('version_conflict', 'the account is not as the condition says', `${path}.${failed}`);
  }
  return null;
}

function refuseByExternalId({ externalId }: TransactionDraft, state: LedgerState): Refused | null {
  if (externalId === null || !state.isTransactionExternalIdTaken(externalId)) return null;
  return refuse('external_id_taken', 'another transaction has this externalId', 'externalId');
}

/**
 * Postings as movements within one currency each: one that changes it goes through the EXCHANGE accounts of both, so
 * that every currency still sums to zero.
 */
function exchange(
  postings: readonly Posting[],
  state: LedgerState,
  systems: SystemAccounts,
): { readonly movements: readonly Movement[]; readonly exchanges: readonly Exchange[] } | Refused {
  const movements: Movement[] = [];
  const exchanges: Exchange[] = [];
  for (const { sender, recipient, path, draft } of postings) {
    const { amount, exchangeRate } = draft;
    const [from, to] = [sender.currency, recipient.currency];
    if (from === to) {
      if (exchangeRate !== undefined) {
        return refuse('currency_mismatch', `both sides are in ${from}`, path('exchangeRate'));
      }
      movements.push({ sender, recipient, path, amount });
      continue;
    }
    const rate = exchangeRate ?? state.exchangeRate(from, to);
    if (rate === undefined) {
      return refuse(
        'exchange_rate_missing',
        `there is no exchange rate from ${from} to ${to}`,
        path('recipient'),
      );
    }
    const converted = convertBetween(amount, rate, from, to, state);
    if (converted === 0n) {
      return refuse('amount_too_small', `it comes to nothing in ${to}`, path('amount'));
    }
    exchanges.push({ posting: movements.length, rate });
    movements.push(
      { sender, recipient: systems.find('EXCHANGE', from), path, amount },
      { sender: systems.find('EXCHANGE', to), recipient, path, amount: converted },
    );
  }
  return { movements, exchanges };
}

/** Only what is back-dated can fall into a closed period: what isn't takes effect now. */
function refuseByPeriod({ effectiveAt }: TransactionDraft, state: LedgerState): Refused | null {
  const { closedBefore } = state;
  if (effectiveAt === undefined || closedBefore === null || effectiveAt >= closedBefore) return null;
  return refuse('period_closed', 'the period is closed', 'effectiveAt');
}

function typeOf(postings: readonly Posting[]): TransactionType {
  if (postings.every(({ sender }) => sender.system === 'ROOT')) return 'mint';
  if (postings.every(({ recipient }) => recipient.system === 'ROOT')) return 'burn';
  return 'transfer';
}
