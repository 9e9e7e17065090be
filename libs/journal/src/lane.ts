import type { AheadBatch } from './ahead-batch.js';
import type { QueuedUnit } from './queued-unit.js';
import { JournalUnavailable } from './write-request.js';

export const batchCommandsMax = 1_000;
export const batchPostingsMax = 4_000;
/** Of the requests' bodies. Decided ahead, a batch is in memory beside the one in front of it. */
export const aheadBytesMax = 1_048_576;

/**
 * One ledger's writer in this process: a queue, and at most one batch in flight. There is no timer: what
 * arrived while the last batch committed is the next one, so a lone command commits at once and a crowd
 * shares a commit. The next one may be decided ahead while it waits. Other processes have lanes of their own; the
 * head's row lock orders their batches.
 */
export class Lane {
  private readonly queue: QueuedUnit[] = [];
  private queuedCommands = 0;
  private isRunning = false;

  constructor(
    private readonly settle: (
      units: readonly QueuedUnit[],
      lane: Lane,
      ahead: AheadBatch | null,
    ) => Promise<AheadBatch | null>,
    private readonly onTaken: (units: readonly QueuedUnit[]) => void,
  ) {}

  /** In commands. */
  get depth(): number {
    return this.queuedCommands;
  }

  get isIdle(): boolean {
    return !this.isRunning && this.queue.length === 0;
  }

  add(unit: QueuedUnit): void {
    this.queue.push(unit);
    this.queuedCommands += unit.commands;
    if (this.isRunning) return;
    this.isRunning = true;
    setImmediate(() => void this.run());
  }

  /** Requests wait equally long, so those at the front expire first. */
  dropExpired(): void {
    let count = 0;
    while (this.queue[count]?.isExpired) count += 1;
    if (count === 0) return;
    for (const unit of this.remove(count)) {
      unit.fail(
        new JournalUnavailable('overloaded', 'the request waited too long in the queue and was not executed'),
      );
    }
  }

  /** Gives up all that waits; the batch in flight goes on. */
  abandon(error: Error): void {
    for (const unit of this.remove(this.queue.length)) unit.fail(error);
  }

  /** Behind the batch in flight. */
  get isMoreWaiting(): boolean {
    return this.queue.length > 0;
  }

  /**
   * The batch that would be next if so many units of the queue were gone, where it is full, so that what comes later
   * changes nothing of it, and small enough to be decided ahead.
   */
  peekFull(skipped: number): readonly QueuedUnit[] | null {
    const { count, commands, postings } = this.next(skipped);
    const end = skipped + count;
    const isFull = end < this.queue.length || commands >= batchCommandsMax || postings >= batchPostingsMax;
    if (!isFull || commands > batchCommandsMax || postings > batchPostingsMax) return null;
    const units = this.queue.slice(skipped, end);
    const bytes = units.reduce((sum, { request }) => sum + request.bytes, 0);
    return bytes > aheadBytesMax ? null : units;
  }

  private async run(): Promise<void> {
    let ahead: AheadBatch | null = null;
    while (this.queue.length > 0 || ahead !== null) {
      const batch = this.remove(this.next(0).count);
      try {
        ahead = await this.settle(batch, this, ahead);
      } catch (error) {
        ahead = null;
        for (const unit of batch) unit.fail(error instanceof Error ? error : new Error(String(error)));
      }
    }
    this.isRunning = false;
  }

  /** What one commit takes, from that unit on; a single one of more commands or postings than that goes alone. */
  private next(from: number): {
    readonly count: number;
    readonly commands: number;
    readonly postings: number;
  } {
    let [count, commands, postings] = [0, 0, 0];
    for (let index = from; index < this.queue.length; index++) {
      const unit = this.queue[index]!;
      const isTooMuch =
        commands + unit.commands > batchCommandsMax || postings + unit.postings > batchPostingsMax;
      if (count > 0 && isTooMuch) break;
      count += 1;
      commands += unit.commands;
      postings += unit.postings;
    }
    return { count, commands, postings };
  }

  private remove(count: number): QueuedUnit[] {
    const removed = this.queue.splice(0, count);
    for (const { commands } of removed) this.queuedCommands -= commands;
    this.onTaken(removed);
    return removed;
  }
}
