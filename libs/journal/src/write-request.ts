import type { Account, CreateTransactionCommand, DomainEvent, Refusal } from '#domain';

/** Who asks, and for how long they wait. */
export interface WriteRequest {
  readonly ledgerId: string;
  /** The id of the key that was used, or systemActor: the journal keeps it with each event. */
  readonly actor: string;
  /**
   * The owner that the caller is bound to, whose accounts alone it may debit and change; empty for one bound to
   * none. Idempotency keys are apart per owner.
   */
  readonly owner: string;
  /** What only the stored transaction can tell is asked for: reversing a burn makes money, reversing a mint destroys it. */
  readonly mayMint: boolean;
  readonly mayBurn: boolean;
  /**
   * Only what would happen is asked for: nothing is written and no idempotency key used up. Its own key is not looked
   * at; those of a batch's items are, because what happens depends on them.
   */
  readonly isDryRun: boolean;
  readonly idempotencyKey: string | null;
  /** Present with a key: what makes two requests the same. */
  readonly requestHash: Buffer | null;
  /** On the scale of performance.now(): past it nothing is begun any more. */
  readonly deadlineAt: number;
  readonly bytes: number;
}

/** An event of an outcome; `event` is null where its data has been erased since. */
export interface CommittedEvent {
  readonly position: bigint;
  readonly recordedAt: bigint;
  readonly transactionId: string | null;
  readonly event: DomainEvent | null;
}

/** What became of a command that was decided. Accepted is on disk, but for a dry run's, and replays of its items. */
export type Outcome =
  | {
      readonly accepted: true;
      readonly isReplay: boolean;
      /** Of a dry run the events have the positions that they would have had. */
      readonly isDryRun: boolean;
      readonly events: readonly CommittedEvent[];
      /** The account that was to be changed, where it was so already: as it was then. */
      readonly unchanged?: Account;
    }
  | { readonly accepted: false; readonly refusal: Refusal };

/** Independent: each item is decided for itself. Atomic: all of them are accepted, or none. */
export type BatchMode = 'independent' | 'atomic';

/** One of a batch's transactions. Its own key, where it has one, is used up or replayed for it alone. */
export interface BatchItem {
  readonly idempotencyKey: string | null;
  /** Present with a key. */
  readonly requestHash: Buffer | null;
  readonly command: CreateTransactionCommand;
  /** It was refused before it came here, by what only its sender's key can tell, and keeps its place all the same. */
  readonly refusal?: Refusal;
}

/** A client's batch, whose items stay together in one commit. The request's own key covers the whole answer. */
export interface ItemBatch {
  readonly mode: BatchMode;
  readonly items: readonly BatchItem[];
}

export type BatchOutcome =
  | {
      readonly accepted: true;
      /** Of the whole answer; an item may be a replay of its own. */
      readonly isReplay: boolean;
      readonly isDryRun: boolean;
      /** In the order of the items. */
      readonly items: readonly Outcome[];
    }
  | {
      readonly accepted: false;
      readonly refusal: Refusal;
      /** The first refused item of an atomic batch, and why; null where the batch itself was refused. */
      readonly index: number | null;
      readonly reason: Refusal | null;
    };

/** Who acts where nobody asked: holds expire by the ledger itself. */
export const systemActor = 'ledger';

export type UnavailableCode = 'overloaded' | 'outcome_unknown' | 'unavailable';

/** A command that was not decided, or whose fate could not be found out in time. */
export class JournalUnavailable extends Error {
  constructor(
    readonly code: UnavailableCode,
    message: string,
  ) {
    super(message);
  }
}
