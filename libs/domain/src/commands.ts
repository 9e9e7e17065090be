import type { AccountSettings } from './accounts.js';
import type { TransactionDraft } from './transactions.js';

/** Which state of the account the caller saw; a part that is null isn't compared. */
export interface AccountPrecondition {
  readonly settingsVersion: number | null;
  readonly version: number | null;
  /** Whole seconds since 1970: the account must not have changed after them. */
  readonly unmodifiedSinceSeconds: bigint | null;
}

export interface OpenAccountCommand {
  readonly kind: 'open-account';
  readonly accountId: string;
  readonly currency: string;
  readonly settings: AccountSettings;
  /** The mint of the opening balance; its recipient is the account itself. */
  readonly opening: TransactionDraft | null;
}

export interface UpdateAccountCommand {
  readonly kind: 'update-account';
  readonly accountId: string;
  /** Fields that are absent stay as they are. */
  readonly changes: Partial<AccountSettings>;
  /** Any one of them must hold; empty: none is asked for. */
  readonly preconditions: readonly AccountPrecondition[];
}

export interface CloseAccountCommand {
  readonly kind: 'close-account';
  readonly accountId: string;
  readonly preconditions: readonly AccountPrecondition[];
}

export interface CreateTransactionCommand {
  readonly kind: 'create-transaction';
  readonly draft: TransactionDraft;
}

export type LedgerCommand =
  OpenAccountCommand | UpdateAccountCommand | CloseAccountCommand | CreateTransactionCommand;
