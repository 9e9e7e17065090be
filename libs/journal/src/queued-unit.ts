import type { LedgerCommand } from '#domain';
import type { BatchOutcome, ItemBatch, Outcome, WriteRequest } from './write-request.js';

/** A command, or a client's batch of them. */
export type Work =
  | { readonly kind: 'command'; readonly command: LedgerCommand }
  | { readonly kind: 'batch'; readonly batch: ItemBatch };

/** What a lane takes as one: it is never split over two commits, and is settled exactly once. */
export class QueuedUnit {
  private isSettled = false;
  readonly commands: number;
  readonly postings: number;

  constructor(
    readonly request: WriteRequest,
    readonly work: Work,
    private readonly resolve: (outcome: Outcome | BatchOutcome) => void,
    private readonly reject: (error: Error) => void,
  ) {
    if (work.kind === 'command') {
      this.commands = 1;
      this.postings = postingsOf(work.command);
    } else {
      const { items } = work.batch;
      this.commands = items.length;
      this.postings = items.reduce((sum, { command }) => sum + postingsOf(command), 0);
    }
  }

  get isExpired(): boolean {
    return performance.now() > this.request.deadlineAt;
  }

  settle(outcome: Outcome | BatchOutcome): void {
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

/**
 * What counts for a command that goes on with an earlier transaction, whose postings are known only when it is read:
 * more than nearly all have, so that a commit of many with a hundred each is still one of seconds.
 */
const postingsReferredTo = 20;

function postingsOf(command: LedgerCommand): number {
  if (command.kind === 'create-transaction') return command.draft.postings.length;
  return 'transactionId' in command ? postingsReferredTo : 1;
}

const lockTimeoutMaxMs = 4_000;

/** In milliseconds: for how long the head may be waited for. Never longer than the first of the units may wait. */
export function lockTimeoutOf(units: readonly QueuedUnit[]): number {
  const deadlineAt = Math.min(...units.map(({ request }) => request.deadlineAt));
  return Math.max(1, Math.min(lockTimeoutMaxMs, deadlineAt - performance.now()));
}
