import {
  decide,
  evolve,
  type Account,
  type Caller,
  type DomainEvent,
  type LedgerState,
  type Refusal,
} from '#domain';
import { chainHash, dataHash } from './event-chain.js';
import { encodeEventData, versionOf, type RecordedEvent } from './event-codec.js';
import { requestIdentity, type EarlierRequest, type Gathered, type Head } from './gather-batch.js';
import type { CommittedEvent, Outcome, QueuedCommand, WriteRequest } from './write-request.js';
import { newUuid, drawRandomBytes } from '#platform';

/** A command's fate once the batch is committed: an outcome, or the bug that its decision ran into. */
export type Fate = { readonly outcome: Outcome } | { readonly bug: Error };

export interface KeptRequest {
  readonly owner: string;
  readonly key: string;
  readonly requestHash: Buffer;
  readonly firstPosition: bigint;
  readonly lastPosition: bigint;
}

export interface DecidedBatch {
  /** In the order of the commands. */
  readonly fates: readonly Fate[];
  readonly events: readonly RecordedEvent[];
  readonly requests: readonly KeptRequest[];
  /** Accounts opened, with the position that opened them, and accounts with new settings (null). */
  readonly settings: readonly { readonly account: Account; readonly openedPosition: bigint | null }[];
  readonly transactionExternalIds: readonly { readonly externalId: string; readonly transactionId: string }[];
  /** Accounts that money moved on, as they are after the batch. */
  readonly touched: readonly Account[];
}

const saltBytes = 32;
const idempotencyKeyReused: Refusal = {
  code: 'idempotency_key_reused',
  message: 'this Idempotency-Key was used for another request',
  path: null,
};

/**
 * The pure loop of a batch: each command is decided against the effects of those before it. A refused one
 * leaves no trace, and one whose decision throws (a bug) fails alone.
 */
export function decideBatch(
  ledgerId: string,
  head: Head,
  gathered: Gathered,
  commands: readonly QueuedCommand[],
): DecidedBatch {
  const { state, earlierRequests } = gathered;
  const recorder = new Recorder(ledgerId, head, state);
  const seenRequests = new Map<string, EarlierRequest>(earlierRequests);
  const fates = commands.map(({ request, command }): Fate => {
    try {
      const replay = replayOf(request, seenRequests);
      if (replay) return { outcome: replay };
      const decision = decide(command, state, callerOf(request));
      if (!decision.accepted) return { outcome: { accepted: false, refusal: decision.refusal } };
      const events = recorder.record(request, decision.events);
      if (request.idempotencyKey !== null && request.requestHash && events.length > 0) {
        const identity = requestIdentity(request.owner, request.idempotencyKey);
        const requestHash = request.requestHash.toString('hex');
        seenRequests.set(identity, { requestHash, readEvents: () => events });
      }
      return { outcome: { accepted: true, isReplay: false, events } };
    } catch (error) {
      return { bug: error instanceof Error ? error : new Error(String(error)) };
    }
  });
  return recorder.batch(fates);
}

function callerOf({ owner }: WriteRequest): Caller {
  return { ownerId: owner === '' ? null : owner };
}

function replayOf(request: WriteRequest, seen: ReadonlyMap<string, EarlierRequest>): Outcome | null {
  if (request.idempotencyKey === null || !request.requestHash) return null;
  const earlier = seen.get(requestIdentity(request.owner, request.idempotencyKey));
  if (!earlier) return null;
  if (earlier.requestHash !== request.requestHash.toString('hex')) {
    return { accepted: false, refusal: idempotencyKeyReused };
  }
  return { accepted: true, isReplay: true, events: earlier.readEvents() };
}

/** Turns decided events into journal rows, chained to the head, and notes which other rows they change. */
class Recorder {
  private readonly events: RecordedEvent[] = [];
  private readonly requests: KeptRequest[] = [];
  private readonly openedPositions = new Map<string, bigint | null>();
  private readonly movedAccountIds = new Set<string>();
  private readonly transactionExternalIds: { externalId: string; transactionId: string }[] = [];
  private previousHash: Buffer;

  constructor(
    private readonly ledgerId: string,
    private readonly head: Head,
    private readonly state: LedgerState,
  ) {
    this.previousHash = head.hash;
  }

  record(request: WriteRequest, decided: readonly DomainEvent[]): CommittedEvent[] {
    const dataTexts = decided.map(encodeEventData);
    const committed = decided.map((event, index) => {
      evolve(this.state, event);
      const recorded = this.chain(request, event, dataTexts[index]!);
      this.note(event, recorded.position);
      const { position, recordedAt, transactionId } = recorded;
      return { position, recordedAt, transactionId, event };
    });
    if (request.idempotencyKey !== null && request.requestHash && committed.length > 0) {
      this.requests.push({
        owner: request.owner,
        key: request.idempotencyKey,
        requestHash: request.requestHash,
        firstPosition: committed[0]!.position,
        lastPosition: committed.at(-1)!.position,
      });
    }
    return committed;
  }

  batch(fates: readonly Fate[]): DecidedBatch {
    return {
      fates,
      events: this.events,
      requests: this.requests,
      settings: [...this.openedPositions].map(([id, openedPosition]) => ({
        account: this.state.account(id)!,
        openedPosition,
      })),
      transactionExternalIds: this.transactionExternalIds,
      touched: [...this.movedAccountIds].map((id) => this.state.account(id)!),
    };
  }

  private chain(request: WriteRequest, event: DomainEvent, dataText: string): RecordedEvent {
    const dataSalt = drawRandomBytes(saltBytes);
    // One literal, and no copy of another object: this is made for each event.
    const recorded = {
      ledgerId: this.ledgerId,
      epoch: this.head.epoch,
      position: this.state.position,
      id: newUuid(),
      type: event.type,
      version: versionOf(event.type),
      transactionId: event.type === 'transaction.posted' ? event.transaction.transactionId : null,
      dataText,
      dataSalt,
      dataHash: dataHash(dataSalt, dataText),
      actor: request.actor,
      idempotencyKey: request.idempotencyKey,
      requestHash: request.requestHash,
      recordedAt: this.state.recordedAt,
      effectiveAt: this.state.recordedAt,
      hash: this.previousHash,
    };
    recorded.hash = chainHash(this.previousHash, recorded);
    this.previousHash = recorded.hash;
    this.events.push(recorded);
    return recorded;
  }

  private note(event: DomainEvent, position: bigint): void {
    switch (event.type) {
      case 'account.opened':
        this.openedPositions.set(event.account.id, position);
        break;
      case 'account.updated':
      case 'account.closed':
        if (!this.openedPositions.has(event.account.id)) this.openedPositions.set(event.account.id, null);
        break;
      case 'transaction.posted': {
        const { externalId, transactionId, legs } = event.transaction;
        if (externalId !== null) this.transactionExternalIds.push({ externalId, transactionId });
        for (const { accountId } of legs) this.movedAccountIds.add(accountId);
        break;
      }
    }
  }
}
