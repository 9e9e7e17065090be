import {
  LedgerState,
  newAccount,
  type Account,
  type AccountSettings,
  type CaptureHoldCommand,
  type CreateTransactionCommand,
  type ExpireHoldCommand,
  type ExtendHoldCommand,
  type GatheredState,
  type OpenAccountCommand,
  type PostingDraft,
  type ReverseTransactionCommand,
  type SetExchangeRateCommand,
  type SystemAccountName,
  type TransactionDraft,
  type VoidHoldCommand,
} from '#domain';

/** A UUID that shows which of many it is. */
export function idOf(kind: number, number: number): string {
  return `${kind.toString(16).padStart(8, '0')}-0000-7000-8000-${number.toString(16).padStart(12, '0')}`;
}

export function settingsOf(changes: Partial<AccountSettings> = {}): AccountSettings {
  return {
    name: 'Alice',
    visibility: 'private',
    externalId: null,
    ownerId: null,
    status: 'open',
    minBalance: 0n,
    maxBalance: null,
    metadata: {},
    ...changes,
  };
}

export function draftOf(
  transactionId: string,
  postings: readonly PostingDraft[],
  changes: Partial<TransactionDraft> = {},
): TransactionDraft {
  return { transactionId, postings, reference: null, externalId: null, metadata: {}, ...changes };
}

/** A transaction of one posting. */
export function moveOf(
  transactionId: string,
  sender: string,
  recipient: string,
  amount: bigint,
  changes: Partial<TransactionDraft> = {},
): CreateTransactionCommand {
  return {
    kind: 'create-transaction',
    draft: draftOf(transactionId, [{ sender, recipient, amount }], changes),
  };
}

export interface Opening {
  readonly currency?: string;
  readonly settings?: Partial<AccountSettings>;
  /** The transaction that brings it, and how much. */
  readonly balance?: { readonly transactionId: string; readonly amount: bigint };
}

export function openingOf(
  accountId: string,
  { currency = 'EUR', settings, balance }: Opening = {},
): OpenAccountCommand {
  return {
    kind: 'open-account',
    accountId,
    currency,
    settings: settingsOf(settings),
    opening:
      balance === undefined
        ? null
        : draftOf(balance.transactionId, [{ sender: 'ROOT', recipient: accountId, amount: balance.amount }]),
  };
}

/** An account in the middle of its life, with all its money credited at once. */
export function accountWith(id: string, posted: bigint, changes: Partial<Account> = {}): Account {
  const { currency = 'EUR', system = null } = changes;
  return {
    ...newAccount(id, system, currency, settingsOf(), 1_000_000n),
    postedCredits: posted > 0n ? posted : 0n,
    postedDebits: posted < 0n ? -posted : 0n,
    ...changes,
  };
}

export function systemIdOf(name: SystemAccountName, currency: string): string {
  return idOf(
    0xffff,
    [...`${name}${currency}`].reduce((sum, letter) => sum * 31 + letter.charCodeAt(0), 7),
  );
}

export function rootWith(posted: bigint, currency = 'EUR'): Account {
  return accountWith(systemIdOf('ROOT', currency), posted, {
    ...settingsOf({ name: 'ROOT', minBalance: null }),
    system: 'ROOT',
    currency,
  });
}

export const stateNow = 2_000_000n;

export function stateOf(accounts: readonly Account[], changes: Partial<GatheredState> = {}): LedgerState {
  return LedgerState.from({
    position: 10n,
    recordedAt: 1_500_000n,
    now: stateNow,
    accounts,
    accountExternalIds: [],
    transactionExternalIds: [],
    systemAccountId: systemIdOf,
    ...changes,
  });
}

/** A hold of one posting; without an end it never expires. */
export function holdOf(
  transactionId: string,
  sender: string,
  recipient: string,
  amount: bigint,
  expiresAt: bigint | null = null,
): CreateTransactionCommand {
  return moveOf(transactionId, sender, recipient, amount, { hold: { expiresAt } });
}

/** A capture of all that is left, or of a part, after which the rest stays held unless it is said to be final. */
export function captureOf(
  transactionId: string,
  captureId: string,
  amount: bigint | null = null,
  isFinal = amount === null,
): CaptureHoldCommand {
  return { kind: 'capture-hold', transactionId, captureId, amount, isFinal };
}

export function reversalOf(
  transactionId: string,
  reversalId: string,
  amount: bigint | null = null,
  reason: string | null = null,
): ReverseTransactionCommand {
  return { kind: 'reverse-transaction', transactionId, reversalId, amount, reason };
}

export function voidOf(transactionId: string): VoidHoldCommand {
  return { kind: 'void-hold', transactionId };
}

export function expiryOf(transactionId: string): ExpireHoldCommand {
  return { kind: 'expire-hold', transactionId };
}

export function extensionOf(transactionId: string, expiresAt: bigint): ExtendHoldCommand {
  return { kind: 'extend-hold', transactionId, expiresAt };
}

export function rateOf(from: string, to: string, rate: string): SetExchangeRateCommand {
  return { kind: 'set-exchange-rate', from, to, rate };
}
