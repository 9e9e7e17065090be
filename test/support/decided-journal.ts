import { randomUUID } from 'node:crypto';
import {
  decide,
  evolve,
  isTransactionEvent,
  LedgerState,
  progressOf,
  unboundCaller,
  type AccountSettings,
  type Decision,
  type DomainEvent,
  type LedgerCommand,
  type StoredTransaction,
} from '#domain';
import { systemAccountId } from '#journal';
import { HandMadeJournal } from './hand-made-journal.js';
import { openingOf } from './ledger-fixtures.js';

/** An event with its place and its time (microseconds since 1970) in the journal. */
export interface DecidedEvent {
  readonly position: bigint;
  readonly recordedAt: bigint;
  readonly event: DomainEvent;
}

/** A journal whose events the domain has decided, so that each kind of them is as the product would make it. */
export class DecidedJournal extends HandMadeJournal {
  readonly events: DecidedEvent[] = [];
  readonly stored = new Map<string, StoredTransaction>();
  private readonly rates: { from: string; to: string; rate: string }[] = [];

  /** When the last event was recorded. */
  get now(): bigint {
    return this.recordedAt;
  }

  /** The first event of the command is recorded so many microseconds after the event before. */
  decide(command: LedgerCommand, afterMicros = 1n): Decision<DomainEvent> {
    const state = LedgerState.from({
      position: this.head,
      recordedAt: this.recordedAt,
      now: this.recordedAt + afterMicros,
      accounts: [...this.accounts.values()],
      accountExternalIds: [],
      transactionExternalIds: [],
      transactions: this.stored,
      exchangeRates: this.rates,
      systemAccountId: (name, currency) => systemAccountId(this.ledgerId, name, currency),
    });
    const decision = decide(command, state, unboundCaller);
    if (!decision.accepted) return decision;
    for (const event of decision.events) {
      evolve(state, event);
      this.record(event, state.recordedAt - this.recordedAt);
      this.events.push({ position: this.head, recordedAt: this.recordedAt, event });
      this.note(event, state);
    }
    return decision;
  }

  /** The events of a command that must be accepted. */
  tell(command: LedgerCommand, afterMicros?: bigint): readonly DomainEvent[] {
    const decision = this.decide(command, afterMicros);
    if (decision.accepted) return decision.events;
    throw new Error(`${command.kind} was refused with ${decision.refusal.code}: ${decision.refusal.message}`);
  }

  /** An account with as much as it takes to be in any transaction. */
  openFunded(currency: string, settings: Partial<AccountSettings> = {}, amount = 1_000_000n): string {
    const id = randomUUID();
    const balance = { transactionId: randomUUID(), amount };
    this.tell(openingOf(id, { currency, settings, ...(amount === 0n ? {} : { balance }) }));
    return id;
  }

  private note(event: DomainEvent, state: LedgerState): void {
    for (const id of state.touchedAccountIds) this.accounts.set(id, state.account(id)!);
    if (event.type === 'account.opened') this.openedPositions.set(event.account.id, this.head);
    if (event.type === 'exchange-rate.set') this.rates.push(event);
    if (!isTransactionEvent(event)) return;
    const progressed = progressOf(event).map(({ transactionId }) => transactionId);
    for (const id of [event.transaction.transactionId, ...progressed]) {
      this.stored.set(id, state.transaction(id)!);
    }
  }
}
