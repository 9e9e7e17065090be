import { newAccount, postedBalance, type Account, type AccountSettings } from './accounts.js';
import { owns, type Caller } from './callers.js';
import type {
  AccountPrecondition,
  CloseAccountCommand,
  OpenAccountCommand,
  UpdateAccountCommand,
} from './commands.js';
import { decideTransaction } from './decide-transaction.js';
import type { DomainEvent } from './events.js';
import { evolve } from './evolve.js';
import type { LedgerState } from './ledger-state.js';
import { accept, refuse, type Decision } from './refusals.js';

/**
 * Opens an account; an opening balance is an ordinary mint, decided with it or not at all. What a caller opens
 * who is bound to an owner is that owner's.
 */
export function decideOpenAccount(
  command: OpenAccountCommand,
  state: LedgerState,
  caller: Caller,
): Decision<DomainEvent> {
  const settings = { ...command.settings, ownerId: caller.ownerId ?? command.settings.ownerId };
  const { externalId } = settings;
  if (externalId !== null && state.isAccountExternalIdTaken(externalId)) {
    return refuse('external_id_taken', 'another account has this externalId', 'externalId');
  }
  if (state.currencyExponent(command.currency) === null) {
    return refuse('unknown_currency', `${command.currency} is not a currency of this ledger`, 'currency');
  }
  const account = newAccount(command.accountId, null, command.currency, settings, state.nextRecordedAt);
  const opened: DomainEvent = { type: 'account.opened', account };
  if (!command.opening) return accept([opened]);

  const overlay = state.overlay();
  evolve(overlay, opened);
  const mint = decideTransaction(command.opening, overlay, caller);
  if (mint.accepted) return accept([opened, ...mint.events]);
  return refuse(mint.refusal.code, mint.refusal.message, 'openingBalance');
}

/** Changes settings. A change to what is already so makes no event. Limits may change whatever the balance. */
export function decideUpdateAccount(
  command: UpdateAccountCommand,
  state: LedgerState,
  caller: Caller,
): Decision<DomainEvent> {
  const account = state.ownAccount(command.accountId);
  if (!account || !owns(caller, account)) return refuse('account_not_found', 'the account does not exist');
  if (!meetsAny(command.preconditions, account)) {
    return refuse('precondition_failed', 'the account has changed since it was read');
  }
  if (account.status === 'closed') return refuse('account_closed', 'the account is closed');
  const { externalId } = command.changes;
  if (externalId && externalId !== account.externalId && state.isAccountExternalIdTaken(externalId)) {
    return refuse('external_id_taken', 'another account has this externalId', 'externalId');
  }
  if (!changesAnything(command.changes, account)) return { ...accept([]), unchanged: account };
  return accept([{ type: 'account.updated', account: changed(account, command.changes, state) }]);
}

/** Closes an empty account, for ever: it stays readable and keeps its externalId. */
export function decideCloseAccount(
  command: CloseAccountCommand,
  state: LedgerState,
  caller: Caller,
): Decision<DomainEvent> {
  const account = state.ownAccount(command.accountId);
  if (!account || !owns(caller, account)) return refuse('account_not_found', 'the account does not exist');
  if (!meetsAny(command.preconditions, account)) {
    return refuse('precondition_failed', 'the account has changed since it was read');
  }
  if (account.status === 'closed') return refuse('account_closed', 'the account is closed');
  if (postedBalance(account) !== 0n || account.pendingDebits !== 0n || account.pendingCredits !== 0n) {
    return refuse(
      'account_not_empty',
      'only an account with a zero balance and nothing pending can be closed',
    );
  }
  return accept([{ type: 'account.closed', account: changed(account, { status: 'closed' }, state) }]);
}

/** Several preconditions come from a list of entity tags: any one of them will do. */
function meetsAny(preconditions: readonly AccountPrecondition[], account: Account): boolean {
  if (preconditions.length === 0) return true;
  return preconditions.some(({ settingsVersion, version, unmodifiedSinceSeconds }) => {
    if (settingsVersion !== null && settingsVersion !== account.settingsVersion) return false;
    if (version !== null && version !== account.version) return false;
    return unmodifiedSinceSeconds === null || account.updatedAt / 1_000_000n <= unmodifiedSinceSeconds;
  });
}

function changesAnything(changes: Partial<AccountSettings>, account: Account): boolean {
  return (Object.keys(changes) as (keyof AccountSettings)[]).some((field) =>
    field === 'metadata'
      ? JSON.stringify(changes.metadata) !== JSON.stringify(account.metadata)
      : changes[field] !== account[field],
  );
}

function changed(account: Account, changes: Partial<AccountSettings>, state: LedgerState): Account {
  return {
    ...account,
    ...changes,
    version: account.version + 1,
    settingsVersion: account.settingsVersion + 1,
    updatedAt: state.nextRecordedAt,
  };
}
