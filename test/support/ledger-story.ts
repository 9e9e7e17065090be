import {
  decide,
  evolve,
  isTransactionEvent,
  unboundCaller,
  type Account,
  type Caller,
  type Decision,
  type DomainEvent,
  type GatheredState,
  type LedgerCommand,
  type LedgerState,
  type StoredTransaction,
  type TransactionEvent,
} from '#domain';
import { stateNow, stateOf } from './ledger-fixtures.js';

/**
 * A ledger as a test tells it: accounts to start from, commands that must be accepted, and a clock. Whenever the clock
 * is set a new batch begins, for which all that the ledger has come to is gathered anew.
 */
export class LedgerStory {
  readonly events: DomainEvent[] = [];
  private readonly accountIds = new Set<string>();
  private state: LedgerState;

  constructor(accounts: readonly Account[] = [], given: Partial<GatheredState> = {}) {
    for (const { id } of accounts) this.accountIds.add(id);
    this.state = stateOf(accounts, given);
  }

  /** Commands that must be accepted, one after the other. */
  tell(...commands: readonly LedgerCommand[]): this {
    for (const command of commands) this.take(this.accepted(command));
    return this;
  }

  take(events: readonly DomainEvent[]): void {
    for (const event of events) {
      evolve(this.state, event);
      this.events.push(event);
    }
    for (const id of this.state.touchedAccountIds) this.accountIds.add(id);
  }

  /** The database's clock as the next batch reads it; microseconds. */
  at(now: bigint): this {
    this.state = stateOf(this.accounts, {
      now,
      position: this.state.position,
      recordedAt: this.state.recordedAt,
      accountExternalIds: this.accounts.flatMap(({ externalId }) => externalId ?? []),
      transactionExternalIds: this.transactionEvents.flatMap(
        ({ transaction }) => transaction.externalId ?? [],
      ),
      transactions: this.transactions,
      exchangeRates: this.events.filter((event) => event.type === 'exchange-rate.set'),
      currencies: this.events.filter((event) => event.type === 'currency.added'),
      closedBefore: this.state.closedBefore,
    });
    return this;
  }

  /** As soon as it can be. */
  later(): this {
    return this.at(stateNow);
  }

  decide(command: LedgerCommand, caller: Caller = unboundCaller): Decision<DomainEvent> {
    return decide(command, this.state, caller);
  }

  /** What is refused: its code, and the request's field that it is about. Null: it is accepted. */
  refusalOf(command: LedgerCommand, caller?: Caller): readonly [code: string, path: string | null] | null {
    const decision = this.decide(command, caller);
    return decision.accepted ? null : [decision.refusal.code, decision.refusal.path];
  }

  /** The last event that the command makes; it is not taken. */
  lastOf(command: LedgerCommand): TransactionEvent {
    const event = this.accepted(command).at(-1);
    if (!event || !isTransactionEvent(event)) throw new Error(`${command.kind} made no transaction event`);
    return event;
  }

  get nextRecordedAt(): bigint {
    return this.state.nextRecordedAt;
  }

  get accounts(): Account[] {
    return [...this.accountIds].map((id) => this.account(id));
  }

  account(id: string): Account {
    const account = this.state.account(id);
    if (!account) throw new Error(`there is no account ${id}`);
    return account;
  }

  /** All that the ledger has told of, by their ids. */
  get transactions(): Map<string, StoredTransaction> {
    const ids = this.transactionEvents.map(({ transaction }) => transaction.transactionId);
    return new Map(ids.map((id) => [id, this.transaction(id)]));
  }

  transaction(id: string): StoredTransaction {
    const stored = this.state.transaction(id);
    if (!stored) throw new Error(`there is no transaction ${id}`);
    return stored;
  }

  private get transactionEvents(): TransactionEvent[] {
    return this.events.filter(isTransactionEvent);
  }

  private accepted(command: LedgerCommand): readonly DomainEvent[] {
    const decision = this.decide(command);
    if (decision.accepted) return decision.events;
    const { code, message, path } = decision.refusal;
    throw new Error(`${command.kind} was refused with ${code} (${path}): ${message}`);
  }
}
