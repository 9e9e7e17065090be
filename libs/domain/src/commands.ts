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

/** Takes all or a part of what is held. */
export interface CaptureHoldCommand {
  readonly kind: 'capture-hold';
  /** The hold's. */
  readonly transactionId: string;
  /** The id that the capture will have. */
  readonly captureId: string;
  /** Minor units of the sender's currency; null: all that is left. */
  readonly amount: bigint | null;
  /** What is left after it is released. */
  readonly isFinal: boolean;
}

export interface VoidHoldCommand {
  readonly kind: 'void-hold';
  readonly transactionId: string;
}

/** The ledger's own: releases a hold whose time has come. */
export interface ExpireHoldCommand {
  readonly kind: 'expire-hold';
  readonly transactionId: string;
}

export interface ExtendHoldCommand {
  readonly kind: 'extend-hold';
  readonly transactionId: string;
  /** Microseconds since 1970. */
  readonly expiresAt: bigint;
}

export interface ReverseTransactionCommand {
  readonly kind: 'reverse-transaction';
  readonly transactionId: string;
  /** The id that the reversal will have. */
  readonly reversalId: string;
  /** Minor units, of the sender's currency where it was an exchange; null: all that is left. */
  readonly amount: bigint | null;
  readonly reason: string | null;
}

export interface SetExchangeRateCommand {
  readonly kind: 'set-exchange-rate';
  readonly from: string;
  readonly to: string;
  readonly rate: string;
}

export interface AddCurrencyCommand {
  readonly kind: 'add-currency';
  readonly code: string;
  readonly exponent: number;
  readonly name: string;
}

export interface ClosePeriodCommand {
  readonly kind: 'close-period';
  readonly through: string;
  readonly closedBefore: bigint;
}

export type LedgerCommand =
  | OpenAccountCommand
  | UpdateAccountCommand
  | CloseAccountCommand
  | CreateTransactionCommand
  | CaptureHoldCommand
  | VoidHoldCommand
  | ExpireHoldCommand
  | ExtendHoldCommand
  | ReverseTransactionCommand
  | SetExchangeRateCommand
  | AddCurrencyCommand
  | ClosePeriodCommand;
