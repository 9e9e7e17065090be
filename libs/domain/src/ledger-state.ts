import type { Account, SystemAccountName } from './accounts.js';

export interface GatheredState {
  /** Position and time (microseconds) of the ledger's last event. */
  readonly position: bigint;
  readonly recordedAt: bigint;
  /** The database's clock, read after the ledger's head was locked; microseconds. */
  readonly now: bigint;
  readonly accounts: readonly Account[];
  /** Those external ids among the ones asked for that are taken. */
  readonly accountExternalIds: readonly string[];
  readonly transactionExternalIds: readonly string[];
  /** A system account's id follows from its name and currency, so that one made now needs no look-up. */
  readonly systemAccountId: (name: SystemAccountName, currency: string) => string;
}

/**
 * What a batch has gathered of one ledger, with the effects of the commands decided so far. An overlay
 * sees its base and keeps its own changes apart: it is dropped by being forgotten. Nothing here knows
 * accounts that the batch did not gather, so a reader must have named them before.
 */
export class LedgerState {
  private readonly accounts = new Map<string, Account>();
  /** False: taken in the base, and freed since. */
  private readonly accountExternalIds = new Map<string, boolean>();
  private readonly transactionExternalIds = new Set<string>();
  readonly touchedAccountIds = new Set<string>();

  private constructor(
    private readonly base: LedgerState | null,
    readonly systemAccountId: (name: SystemAccountName, currency: string) => string,
    private readonly now: bigint,
    private headPosition: bigint,
    private headRecordedAt: bigint,
  ) {}

  static from(gathered: GatheredState): LedgerState {
    const { systemAccountId, now, position, recordedAt } = gathered;
    const state = new LedgerState(null, systemAccountId, now, position, recordedAt);
    for (const account of gathered.accounts) state.accounts.set(account.id, account);
    for (const id of gathered.accountExternalIds) state.accountExternalIds.set(id, true);
    for (const id of gathered.transactionExternalIds) state.transactionExternalIds.add(id);
    return state;
  }

  overlay(): LedgerState {
    return new LedgerState(this, this.systemAccountId, this.now, this.headPosition, this.headRecordedAt);
  }

  get position(): bigint {
    return this.headPosition;
  }

  get recordedAt(): bigint {
    return this.headRecordedAt;
  }

  /** The time at which the next event will be recorded: each is at least 1 µs after the one before. */
  get nextRecordedAt(): bigint {
    const earliest = this.headRecordedAt + 1n;
    return this.now > earliest ? this.now : earliest;
  }

  account(id: string): Account | undefined {
    return this.accounts.get(id) ?? this.base?.account(id);
  }

  /** An account that a caller may name by its id: system accounts go by their names alone. */
  ownAccount(id: string): Account | undefined {
    const account = this.account(id);
    return account?.system === null ? account : undefined;
  }

  isAccountExternalIdTaken(externalId: string): boolean {
    return (
      this.accountExternalIds.get(externalId) ?? this.base?.isAccountExternalIdTaken(externalId) ?? false
    );
  }

  isTransactionExternalIdTaken(externalId: string): boolean {
    return (
      this.transactionExternalIds.has(externalId) ||
      (this.base?.isTransactionExternalIdTaken(externalId) ?? false)
    );
  }

  /** For evolve alone. */
  putAccount(account: Account): void {
    this.accounts.set(account.id, account);
    this.touchedAccountIds.add(account.id);
    if (account.externalId !== null) this.accountExternalIds.set(account.externalId, true);
  }

  /** For evolve alone. A freed id can be taken again, even later in the same batch. */
  freeAccountExternalId(externalId: string): void {
    this.accountExternalIds.set(externalId, false);
  }

  /** For evolve alone. */
  takeTransactionExternalId(externalId: string): void {
    this.transactionExternalIds.add(externalId);
  }

  /** For evolve alone: the head moves on by one event. */
  advance(): void {
    this.headRecordedAt = this.nextRecordedAt;
    this.headPosition += 1n;
  }
}
