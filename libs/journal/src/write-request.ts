import type { DomainEvent, LedgerCommand, Refusal } from '#domain';

/** Who asks, and for how long they wait. */
export interface WriteRequest {
  readonly ledgerId: string;
  /** The id of the key that was used: the journal keeps it with each event. */
  readonly actor: string;
  /**
   * The owner that the caller is bound to, whose accounts alone it may debit and change; empty for one bound to
   * none. Idempotency keys are apart per owner.
   */
  readonly owner: string;
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

/** What became of a command that was decided. Accepted is on disk. */
export type Outcome =
  | { readonly accepted: true; readonly isReplay: boolean; readonly events: readonly CommittedEvent[] }
  | { readonly accepted: false; readonly refusal: Refusal };

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

/** One command in a lane. It is settled exactly once. */
export class QueuedCommand {
  private isSettled = false;
  readonly postings: number;

  constructor(
    readonly request: WriteRequest,
    readonly command: LedgerCommand,
    private readonly resolve: (outcome: Outcome) => void,
    private readonly reject: (error: Error) => void,
  ) {
    this.postings = command.kind === 'create-transaction' ? command.draft.postings.length : 1;
  }

  get isExpired(): boolean {
    return performance.now() > this.request.deadlineAt;
  }

  settle(outcome: Outcome): void {
    if (this.isSettled) return;
    this.isSettled = true;
    this.resolve(outcome);
  }

  fail(error: Error): void {
    if (this.isSettled) return;
    this.isSettled = true;
    this.reject(error);
  }
}
