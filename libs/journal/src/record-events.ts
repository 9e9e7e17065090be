import {
  effectOf,
  isAccountEvent,
  isTransactionEvent,
  pendingBy,
  postedBy,
  progressOf,
  type Account,
  type AccountEvent,
  type DomainEvent,
  type LedgerState,
  type Leg,
  type LegEffect,
  type Progress,
  type Progressed,
  type TransactionEvent,
} from '#domain';
import { drawRandomBytes, newUuid } from '#platform';
import type { KeptItem } from './batch-answer.js';
import type { DecidedEvent } from './decide-command.js';
import { chainHash, dataHash } from './event-chain.js';
import { effectiveAtOf, versionOf } from './event-codec.js';
import type { Head } from './gather-batch.js';
import type { RecordedEvent } from './recorded-event.js';
import type { CommittedEvent, WriteRequest } from './write-request.js';

/** An idempotency key that is used up, and by which request. */
export interface KeptRequest {
  readonly owner: string;
  readonly key: string;
  readonly requestHash: Buffer;
  readonly firstPosition: bigint;
  readonly lastPosition: bigint;
  /** Of a client's batch, whose answer its events alone don't tell. */
  readonly answer: readonly KeptItem[] | null;
}

type Recorded<Setting> = {
  readonly setting: Setting;
  readonly position: bigint;
  readonly recordedAt: bigint;
};
type Setting<Type extends DomainEvent['type']> = Recorded<Extract<DomainEvent, { readonly type: Type }>>;

/** What is to be written. */
export interface RecordedBatch {
  readonly events: readonly RecordedEvent[];
  readonly requests: readonly KeptRequest[];
  /** Accounts opened, with the position that opened them, and accounts with new settings (null). */
  readonly settings: readonly { readonly account: Account; readonly openedPosition: bigint | null }[];
  readonly transactionExternalIds: readonly { readonly externalId: string; readonly transactionId: string }[];
  /** Accounts that money moved on, as they are after the batch. */
  readonly touched: readonly Account[];
  /** What moved on each of them, in the same order. */
  readonly moved: readonly Moved[];
  /** Whether pending money did. */
  readonly touchesPending: boolean;
  readonly progressed: readonly Progressed[];
  readonly exchangeRates: readonly Setting<'exchange-rate.set'>[];
  readonly currencies: readonly Setting<'currency.added'>[];
  readonly closedPeriod: Setting<'period.closed'> | null;
}

/** By how much the events of a batch change an account, credits being above zero; minor units. */
export interface Moved {
  readonly posted: bigint;
  /** What is held of it less what is held for it. */
  readonly pending: bigint;
}

type Origin = Pick<WriteRequest, 'actor' | 'idempotencyKey' | 'requestHash'>;

const saltBytes = 32;

/** Turns decided events into journal rows, chained to the head, and notes which other rows they change. */
export class EventRecorder {
  private readonly events: RecordedEvent[] = [];
  private readonly requests: KeptRequest[] = [];
  private readonly openedPositions = new Map<string, bigint | null>();
  private readonly moved = new Map<string, { posted: bigint; pending: bigint }>();
  private readonly transactionExternalIds: { externalId: string; transactionId: string }[] = [];
  private readonly progress = new Map<string, Progress>();
  private readonly exchangeRates = new Map<string, Setting<'exchange-rate.set'>>();
  private readonly currencies: Setting<'currency.added'>[] = [];
  private closedPeriod: Setting<'period.closed'> | null = null;
  private touchesPending = false;
  private previousHash: Buffer;

  constructor(
    private readonly ledgerId: string,
    private readonly head: Head,
    /** As it is after all that was decided so far. */
    private readonly state: LedgerState,
    /** Gets each event as soon as its hash is known. */
    private readonly onRecorded: (event: RecordedEvent) => void,
  ) {
    this.previousHash = head.hash;
  }

  /** How many events there are so far. */
  get count(): number {
    return this.events.length;
  }

  /** @param committed the same events, where and when the state has put them */
  record(origin: Origin, decided: readonly DecidedEvent[], committed: readonly CommittedEvent[]): void {
    for (const [index, { event, dataText }] of decided.entries()) {
      this.note(event, this.chain(origin, event, dataText, committed[index]!));
    }
  }

  /** @param events what was recorded for the request; at least one */
  keep(
    { owner, key, requestHash }: Pick<KeptRequest, 'owner' | 'key' | 'requestHash'>,
    events: readonly CommittedEvent[],
    answer: KeptRequest['answer'],
  ): void {
    const [first, last] = [events[0]!, events[events.length - 1]!];
    const firstPosition = first.position;
    const lastPosition = last.position;
    this.requests.push({ owner, key, requestHash, firstPosition, lastPosition, answer });
  }

  batch(): RecordedBatch {
    return {
      events: this.events,
      requests: this.requests,
      settings: [...this.openedPositions].map(([id, openedPosition]) => ({
        account: this.state.account(id)!,
        openedPosition,
      })),
      transactionExternalIds: this.transactionExternalIds,
      touched: [...this.moved.keys()].map((id) => this.state.account(id)!),
      moved: [...this.moved.values()],
      touchesPending: this.touchesPending,
      progressed: [...this.progress].map(([transactionId, progress]) => ({ transactionId, progress })),
      exchangeRates: [...this.exchangeRates.values()],
      currencies: this.currencies,
      closedPeriod: this.closedPeriod,
    };
  }

  private chain(
    origin: Origin,
    event: DomainEvent,
    dataText: string,
    { position, recordedAt, transactionId }: CommittedEvent,
  ): RecordedEvent {
    const dataSalt = drawRandomBytes(saltBytes);
    // One literal, and no copy of another object: this is made for each event.
    const recorded = {
      ledgerId: this.ledgerId,
      epoch: this.head.epoch,
      position,
      id: newUuid(),
      type: event.type,
      version: versionOf(event),
      transactionId,
      dataText,
      dataSalt,
      dataHash: dataHash(dataSalt, dataText),
      actor: origin.actor,
      idempotencyKey: origin.idempotencyKey,
      requestHash: origin.requestHash,
      recordedAt,
      effectiveAt: effectiveAtOf(event, recordedAt),
      hash: this.previousHash,
    };
    recorded.hash = chainHash(this.previousHash, recorded);
    this.previousHash = recorded.hash;
    this.events.push(recorded);
    this.onRecorded(recorded);
    return recorded;
  }

  private note(event: DomainEvent, { position, recordedAt }: RecordedEvent): void {
    if (isTransactionEvent(event)) return this.noteTransaction(event);
    if (isAccountEvent(event)) return this.noteAccount(event, position);
    switch (event.type) {
      case 'exchange-rate.set':
        this.exchangeRates.set(`${event.from} ${event.to}`, { setting: event, position, recordedAt });
        break;
      case 'currency.added':
        this.currencies.push({ setting: event, position, recordedAt });
        break;
      case 'period.closed':
        this.closedPeriod = { setting: event, position, recordedAt };
        break;
    }
  }

  private noteAccount({ type, account }: AccountEvent, position: bigint): void {
    if (type === 'account.opened') this.openedPositions.set(account.id, position);
    else if (!this.openedPositions.has(account.id)) this.openedPositions.set(account.id, null);
  }

  private noteTransaction(event: TransactionEvent): void {
    const { type } = event;
    const { externalId, transactionId, legs } = event.transaction;
    // A hold that goes on is still told with the external id that it took when it was made.
    const isNew = type === 'transaction.posted' || type === 'transaction.pending';
    if (externalId !== null && isNew) this.transactionExternalIds.push({ externalId, transactionId });
    const effect = effectOf(type);
    if (type !== 'transaction.posted') {
      for (const { transactionId: id, progress } of progressOf(event)) this.progress.set(id, progress);
      if (effect === 'none') return;
      if (effect !== 'post') this.touchesPending = true;
    }
    for (const leg of legs) this.noteLeg(leg, effect);
  }

  private noteLeg(leg: Leg, effect: LegEffect): void {
    let moved = this.moved.get(leg.accountId);
    if (!moved) this.moved.set(leg.accountId, (moved = { posted: 0n, pending: 0n }));
    const isDebit = leg.direction === 'debit';
    const posted = postedBy(leg, effect);
    moved.posted += isDebit ? -posted : posted;
    if (effect === 'post') return;
    const pending = pendingBy(leg, effect);
    moved.pending += isDebit ? pending : -pending;
  }
}
