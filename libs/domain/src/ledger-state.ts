import type { Account, SystemAccountName } from './accounts.js';
import { currencyExponent } from './currencies.js';
import type { Progress, StoredTransaction } from './transactions.js';

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
  /** Transactions that commands refer to, and the holds of those that are captures; by their UUIDs. */
  readonly transactions?: ReadonlyMap<string, StoredTransaction>;
  /** Rates between the currencies of the accounts. */
  readonly exchangeRates?: readonly { readonly from: string; readonly to: string; readonly rate: string }[];
  /** The ledger's own currencies among those asked for. */
  readonly currencies?: readonly { readonly code: string; readonly exponent: number }[];
  /** Microseconds since 1970: nothing may take effect before; null: no period is closed. */
  readonly closedBefore?: bigint | null;
  /** A system account's id follows from its name and currency, so that one made now needs no look-up. */
  readonly systemAccountId: (name: SystemAccountName, currency: string) => string;
}

type GatheredMore = Pick<GatheredState, 'now' | 'accounts' | 'transactionExternalIds'>;

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
  private readonly transactions = new Map<string, StoredTransaction>();
  private readonly exchangeRates = new Map<string, string>();
  private readonly currencies = new Map<string, number>();
  private closedBeforeOwn: bigint | null = null;
  readonly touchedAccountIds = new Set<string>();

  private constructor(
    private readonly base: LedgerState | null,
    readonly systemAccountId: (name: SystemAccountName, currency: string) => string,
    private now: bigint,
    private headPosition: bigint,
    private headRecordedAt: bigint,
  ) {}

  static from(gathered: GatheredState): LedgerState {
    const { systemAccountId, now, position, recordedAt } = gathered;
    const state = new LedgerState(null, systemAccountId, now, position, recordedAt);
    for (const account of gathered.accounts) state.accounts.set(account.id, account);
    for (const id of gathered.accountExternalIds) state.accountExternalIds.set(id, true);
    for (const id of gathered.transactionExternalIds) state.transactionExternalIds.add(id);
    for (const [id, stored] of gathered.transactions ?? []) state.transactions.set(id, stored);
    for (const { from, to, rate } of gathered.exchangeRates ?? []) state.setExchangeRate(from, to, rate);
    for (const { code, exponent } of gathered.currencies ?? []) state.addCurrency(code, exponent);
    state.closedBeforeOwn = gathered.closedBefore ?? null;
    return state;
  }

  /**
   * Goes on as the state of a batch behind, of transactions alone that refer to none: with what that one has gathered
   * of its own. Of an account that is here already nothing is taken: it is as the batches before have left it.
   */
  goOn({ now, accounts, transactionExternalIds }: GatheredMore): void {
    this.now = now;
    this.transactions.clear();
    this.touchedAccountIds.clear();
    for (const account of accounts) {
      if (!this.accounts.has(account.id)) this.accounts.set(account.id, account);
    }
    for (const id of transactionExternalIds) this.transactionExternalIds.add(id);
  }

  overlay(): LedgerState {
    return new LedgerState(this, this.systemAccountId, this.now, this.headPosition, this.headRecordedAt);
  }

  /**
   * Makes an overlay's changes its own. The overlay has seen nothing of what has changed here since it was made: there
   * must be nothing.
   */
  adopt(overlay: LedgerState): void {
    if (overlay.base !== this) throw new Error('an overlay of another state cannot be adopted');
    for (const account of overlay.accounts.values()) this.putAccount(account);
    for (const [id, isTaken] of overlay.accountExternalIds) this.accountExternalIds.set(id, isTaken);
    for (const id of overlay.transactionExternalIds) this.transactionExternalIds.add(id);
    for (const [id, stored] of overlay.transactions) this.transactions.set(id, stored);
    for (const [pair, rate] of overlay.exchangeRates) this.exchangeRates.set(pair, rate);
    for (const [code, exponent] of overlay.currencies) this.currencies.set(code, exponent);
    this.closedBeforeOwn = overlay.closedBeforeOwn ?? this.closedBeforeOwn;
    this.headPosition = overlay.headPosition;
    this.headRecordedAt = overlay.headRecordedAt;
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

  transaction(id: string): StoredTransaction | undefined {
    return this.transactions.get(id) ?? this.base?.transaction(id);
  }

  /** Major units of one for one of the other; undefined where the ledger has no rate. */
  exchangeRate(from: string, to: string): string | undefined {
    return this.exchangeRates.get(`${from} ${to}`) ?? this.base?.exchangeRate(from, to);
  }

  /** Decimals of the currency's minor unit, of ISO 4217 or the ledger's own; null for one that it hasn't. */
  currencyExponent(code: string): number | null {
    return this.currencies.get(code) ?? this.base?.currencyExponent(code) ?? currencyExponent(code);
  }

  /** Microseconds since 1970 before which nothing may take effect; null: no period is closed. */
  get closedBefore(): bigint | null {
    return this.closedBeforeOwn ?? this.base?.closedBefore ?? null;
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

  /** For evolve alone. */
  putTransaction(stored: StoredTransaction): void {
    this.transactions.set(stored.transaction.transactionId, stored);
  }

  /** For evolve alone. */
  putProgress(transactionId: string, progress: Progress): void {
    const stored = this.transaction(transactionId);
    if (!stored) throw new Error(`transaction ${transactionId} has progressed and is not in the state`);
    this.transactions.set(transactionId, { ...stored, progress });
  }

  /** For evolve alone. */
  setExchangeRate(from: string, to: string, rate: string): void {
    this.exchangeRates.set(`${from} ${to}`, rate);
  }

  /** For evolve alone. */
  addCurrency(code: string, exponent: number): void {
    this.currencies.set(code, exponent);
  }

  /** For evolve alone. */
  closePeriod(closedBefore: bigint): void {
    this.closedBeforeOwn = closedBefore;
  }

  /** For evolve alone: the head moves on by one event. */
  advance(): void {
    this.headRecordedAt = this.nextRecordedAt;
    this.headPosition += 1n;
  }
}
