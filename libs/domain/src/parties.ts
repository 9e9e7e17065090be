import { newAccount, type Account, type SystemAccountName } from './accounts.js';
import { mayCredit, owns, type Caller } from './callers.js';
import type { LedgerState } from './ledger-state.js';
import { refuse, type Refused } from './refusals.js';
import type { AccountReference, PostingDraft } from './transactions.js';

/** Says where in the request a posting's field is. */
export type Path = (field: 'sender' | 'recipient' | 'amount' | 'exchangeRate') => string | null;

export interface Parties {
  readonly sender: Account;
  readonly recipient: Account;
}

/** ROOT is the only system account that a request may name: what goes through EXCHANGE, the ledger says. */
export function isRoot(reference: AccountReference): boolean {
  return reference === ('ROOT' satisfies SystemAccountName);
}

/** System accounts as a command finds them: one that nobody has needed before is opened by it. */
export class SystemAccounts {
  private opened: Map<string, Account> | null = null;

  constructor(private readonly state: LedgerState) {}

  /** Accounts to be opened before all else, in order. */
  get openings(): readonly Account[] {
    return this.opened ? [...this.opened.values()] : [];
  }

  find(name: SystemAccountName, currency: string): Account {
    const id = this.state.systemAccountId(name, currency);
    const known = this.state.account(id) ?? this.opened?.get(id);
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
    const recordedAt = this.state.nextRecordedAt + BigInt(this.opened?.size ?? 0);
    const account = newAccount(id, name, currency, settings, recordedAt);
    this.opened ??= new Map();
    this.opened.set(id, account);
    return account;
  }
}

/** The two accounts of a posting, as far as the caller may name them. */
export function findParties(
  draft: PostingDraft,
  state: LedgerState,
  caller: Caller,
  systems: SystemAccounts,
  path: Path,
): Parties | Refused {
  // Null: ROOT, which only a caller bound to no owner may name.
  const named = (reference: AccountReference, isAllowed: (caller: Caller, account: Account) => boolean) => {
    if (isRoot(reference)) return caller.ownerId === null ? null : undefined;
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
  return {
    sender: sender ?? systems.find('ROOT', currency),
    recipient: recipient ?? systems.find('ROOT', currency),
  };
}
