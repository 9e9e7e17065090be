import { evolve, type Caller, type LedgerCommand, type LedgerState, type Refusal } from '#domain';
import { keptAnswer } from './batch-answer.js';
import { decideCommand, type DecidedEvent } from './decide-command.js';
import { transactionIdOf } from './event-codec.js';
import type { Gathered, Head } from './gather-batch.js';
import type { QueuedUnit } from './queued-unit.js';
import { EventRecorder, type RecordedBatch } from './record-events.js';
import type { RecordedEvent } from './recorded-event.js';
import { keyOf, ownKeyOf, SeenRequests, type KeyedRequest } from './seen-requests.js';
import type {
  BatchItem,
  BatchOutcome,
  CommittedEvent,
  ItemBatch,
  Outcome,
  WriteRequest,
} from './write-request.js';

/** A unit's fate once the batch is committed: an outcome, or the bug that its decision ran into. */
export type Fate = { readonly outcome: Outcome | BatchOutcome } | { readonly bug: Error };

export interface DecidedBatch extends RecordedBatch {
  /** In the order of the units. */
  readonly fates: readonly Fate[];
}

/**
 * The pure loop of a batch: each unit is decided against the effects of those before it. A refused one leaves no
 * trace, and neither does one whose decision throws (a bug) before anything is done, which fails alone.
 * @param onRecorded gets the events one by one, while others are still to be decided; must not throw
 * @throws DoneInPart where a unit throws later than that
 * @throws StateAheadOfEvents
 */
export function decideBatch(
  ledgerId: string,
  head: Head,
  gathered: Gathered,
  units: readonly QueuedUnit[],
  onRecorded: (event: RecordedEvent) => void,
): DecidedBatch {
  const recorder = new EventRecorder(ledgerId, head, gathered.state, onRecorded);
  const decider = new UnitDecider(gathered, recorder);
  const fates = units.map((unit): Fate => {
    const recordedBefore = recorder.count;
    try {
      return { outcome: decider.decide(unit) };
    } catch (error) {
      if (error instanceof DoneInPart) throw error;
      if (recorder.count > recordedBefore) throw new DoneInPart(error);
      return { bug: error instanceof Error ? error : new Error(String(error)) };
    }
  });
  const batch = recorder.batch();
  if (gathered.state.position !== head.position + BigInt(batch.events.length)) throw new StateAheadOfEvents();
  return { fates, ...batch };
}

/** A bug in the middle of an effect, or of a unit whose first events are on their way: nothing may be committed. */
export class DoneInPart extends Error {
  constructor(bug: unknown) {
    super('a part of a command or batch was done before the rest ran into a bug', { cause: bug });
  }
}

/** A bug, of one of the commands, between an effect and its event. */
export class StateAheadOfEvents extends Error {
  constructor() {
    super('an effect of the batch has no event');
  }
}

/** An item of a client's batch that was accepted and is to be recorded. */
interface AcceptedItem {
  readonly item: BatchItem;
  readonly keyed: KeyedRequest | null;
  readonly decided: readonly DecidedEvent[];
  /** The same, where and when they come in the journal. */
  readonly events: readonly CommittedEvent[];
}

class UnitDecider {
  private readonly seen: SeenRequests;

  constructor(
    private readonly gathered: Gathered,
    private readonly recorder: EventRecorder,
  ) {
    this.seen = new SeenRequests(gathered.earlierRequests);
  }

  decide({ request, work }: QueuedUnit): Outcome | BatchOutcome {
    return work.kind === 'command'
      ? this.decideOne(request, work.command)
      : this.decideItems(request, work.batch);
  }

  private decideOne(request: WriteRequest, command: LedgerCommand): Outcome {
    const keyed = ownKeyOf(request);
    const replay = keyed && this.seen.outcomeOf(keyed);
    if (replay) return replay;
    const { state, undecidable } = this.gathered;
    const decided = decideCommand(command, state, callerOf(request), undecidable);
    if (!decided.accepted) return decided;
    if (request.isDryRun) return accepted(evolveBy(decided.events, state.overlay()), true);
    const events = evolveBy(decided.events, state);
    this.recorder.record(request, decided.events, events);
    if (keyed) this.useUp(keyed, events);
    const { unchanged } = decided;
    return { ...accepted(events, false), ...(unchanged && { unchanged }) };
  }

  /**
   * Independent items are recorded one by one, as neighbours in a lane are, so that the first are written while the
   * last are decided. Atomic ones are decided on an overlay before any of them is recorded, so that a batch which is
   * refused as a whole leaves no trace; what was decided there is then adopted. A dry run stays on its overlay; its
   * items' keys are looked at, because what happens depends on them, and not used up.
   */
  private decideItems(request: WriteRequest, { mode, items }: ItemBatch): BatchOutcome {
    const keyed = ownKeyOf(request);
    const replay = keyed && this.seen.batchOutcomeOf(keyed);
    if (replay) return replay;
    const isRecordedAtOnce = mode === 'independent' && !request.isDryRun;
    const state = isRecordedAtOnce ? this.gathered.state : this.gathered.state.overlay();
    const seen = this.seen.overlay();
    // The batch's own key stands for all of it, were it not a dry run: none of its items can have it as well.
    const ofAll = keyOf(request.owner, request);
    if (ofAll) seen.addBatch(ofAll, []);
    const written: CommittedEvent[] = [];
    const record = (accepted: AcceptedItem) => written.push(...this.recordItem(request, accepted));
    const toRecord: AcceptedItem[] = [];
    const accept = isRecordedAtOnce ? record : (accepted: AcceptedItem) => toRecord.push(accepted);
    const keyedItems = items.map((item) => keyOf(request.owner, item));
    // What was recorded under a key may be of a later release: who can't read it says so before anything is done.
    const earlier = keyedItems.map((keyedItem) => keyedItem && seen.outcomeOf(keyedItem));
    const outcomes: Outcome[] = [];
    for (const [index, item] of items.entries()) {
      const keyedItem = keyedItems[index]!;
      const outcome =
        refusedBefore(item) ??
        earlier[index] ??
        (keyedItem && seen.outcomeOf(keyedItem)) ??
        this.decideItem(request, item, keyedItem, state, accept);
      if (!outcome.accepted && mode === 'atomic') return batchRefused(index, outcome.refusal);
      if (keyedItem && outcome.accepted && !outcome.isReplay) seen.addCommand(keyedItem, outcome.events);
      outcomes.push(outcome);
    }
    if (!request.isDryRun) {
      // Made before any of an atomic batch is recorded, because from its first event on nothing may go wrong.
      const kept = keyed ? keptAnswer(outcomes) : [];
      if (!isRecordedAtOnce) this.gathered.state.adopt(state);
      toRecord.forEach(record);
      // A batch that writes nothing uses up no key.
      if (keyed && written.length > 0) {
        this.recorder.keep(keyed, written, kept);
        this.seen.addBatch(keyed, outcomes);
      }
    }
    return { accepted: true, isReplay: false, isDryRun: request.isDryRun, items: outcomes };
  }

  private decideItem(
    request: WriteRequest,
    item: BatchItem,
    keyed: KeyedRequest | null,
    state: LedgerState,
    accept: (item: AcceptedItem) => void,
  ): Outcome {
    const decided = decideCommand(item.command, state, callerOf(request), this.gathered.undecidable);
    if (!decided.accepted) return decided;
    const events = evolveBy(decided.events, state);
    accept({ item, keyed, decided: decided.events, events });
    return accepted(events, request.isDryRun);
  }

  /** An item's events carry its own key, else that of the batch. */
  private recordItem(request: WriteRequest, accepted: AcceptedItem): readonly CommittedEvent[] {
    const { item, keyed, decided, events } = accepted;
    const { idempotencyKey, requestHash } = keyed ? item : request;
    this.recorder.record({ actor: request.actor, idempotencyKey, requestHash }, decided, events);
    if (keyed) this.useUp(keyed, events);
    return events;
  }

  /** A command that changes nothing uses up no key. */
  private useUp(keyed: KeyedRequest, events: readonly CommittedEvent[]): void {
    if (events.length === 0) return;
    this.recorder.keep(keyed, events, null);
    this.seen.addCommand(keyed, events);
  }
}

function callerOf({ owner, mayMint, mayBurn }: WriteRequest): Caller {
  return { ownerId: owner === '' ? null : owner, mayMint, mayBurn };
}

/**
 * The state goes on by the events; where and when each of them is, or would be, recorded follows from it.
 * @throws DoneInPart
 */
function evolveBy(decided: readonly DecidedEvent[], state: LedgerState): CommittedEvent[] {
  return decided.map(({ event }) => {
    try {
      evolve(state, event);
    } catch (error) {
      throw new DoneInPart(error);
    }
    const { position, recordedAt } = state;
    return { position, recordedAt, transactionId: transactionIdOf(event), event };
  });
}

function accepted(events: readonly CommittedEvent[], isDryRun: boolean): Outcome {
  return { accepted: true, isReplay: false, isDryRun, events };
}

function refusedBefore({ refusal }: BatchItem): Outcome | null {
  return refusal ? { accepted: false, refusal } : null;
}

function batchRefused(index: number, reason: Refusal): BatchOutcome {
  const message = `the transaction with index ${index} was refused, and with it the whole batch`;
  return { accepted: false, refusal: { code: 'batch_refused', message, path: null }, index, reason };
}
