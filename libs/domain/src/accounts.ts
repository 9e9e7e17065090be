/**
 * System accounts; each currency has its own of each name. ROOT stands for the world outside the ledger. EXCHANGE
 * stands between two currencies: its balance is the ledger's open position, apart from what was issued.
 */
export const systemAccountNames = ['ROOT', 'EXCHANGE'] as const;
export type SystemAccountName = (typeof systemAccountNames)[number];

export const visibilities = ['private', 'public', 'unlisted'] as const;
export type Visibility = (typeof visibilities)[number];

export const accountStatuses = ['open', 'frozen', 'closed'] as const;
export type AccountStatus = (typeof accountStatuses)[number];

export type Metadata = Readonly<Record<string, unknown>>;

/** What an account is and may do, apart from the money on it. */
export interface AccountSettings {
  readonly name: string;
  readonly visibility: Visibility;
  readonly externalId: string | null;
  readonly ownerId: string | null;
  readonly status: AccountStatus;
  /** Null: no limit. Minor units. */
  readonly minBalance: bigint | null;
  readonly maxBalance: bigint | null;
  readonly metadata: Metadata;
}

export interface Account extends AccountSettings {
  /** A UUID. */
  readonly id: string;
  readonly system: SystemAccountName | null;
  readonly currency: string;
  readonly postedDebits: bigint;
  readonly postedCredits: bigint;
  readonly pendingDebits: bigint;
  readonly pendingCredits: bigint;
  /** Grows by one with every change of any kind, per leg. */
  readonly version: number;
  /** Grows by one with every change that isn't money. */
  readonly settingsVersion: number;
  /** Counts posted legs, without a gap. */
  readonly entryNumber: number;
  /** Microseconds since 1970, UTC. */
  readonly createdAt: bigint;
  readonly updatedAt: bigint;
}

type Sums = Pick<
  Account,
  'postedDebits' | 'postedCredits' | 'pendingDebits' | 'pendingCredits' | 'minBalance'
>;

/** Settled credits minus settled debits. */
export function postedBalance(account: Sums): bigint {
  return account.postedCredits - account.postedDebits;
}

/** What may still leave the account. Without a limit it may be negative and restricts nothing. */
export function availableBalance(account: Sums): bigint {
  return postedBalance(account) - account.pendingDebits - (account.minBalance ?? 0n);
}

/** An account as it is before anything has happened on it. */
export function newAccount(
  id: string,
  system: SystemAccountName | null,
  currency: string,
  settings: AccountSettings,
  recordedAt: bigint,
): Account {
  return {
    ...settings,
    id,
    system,
    currency,
    postedDebits: 0n,
    postedCredits: 0n,
    pendingDebits: 0n,
    pendingCredits: 0n,
    version: 1,
    settingsVersion: 1,
    entryNumber: 0,
    createdAt: recordedAt,
    updatedAt: recordedAt,
  };
}
