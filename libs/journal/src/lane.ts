import type { QueuedUnit } from './queued-unit.js';
import { JournalUnavailable } from './write-request.js';

export const batchCommandsMax = 1_000;
export const batchPostingsMax = 4_000;

/**
 * One ledger's writer in this process: a queue, and at most one batch in flight. There is no timer: what
 * arrived while the last batch committed is the next one, so a lone command commits at once and a crowd
 * shares a commit. Other processes have lanes of their own; the head's row lock orders their batches.
 */
export class Lane {
  private readonly queue: QueuedUnit[] = [];
  private queuedCommands = 0;
  private isRunning = false;

  constructor(
    private readonly settle: (units: readonly QueuedUnit[], isMoreWaiting: () => boolean) => Promise<void>,
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

  private async run(): Promise<void> {
    while (this.queue.length > 0) {
      const batch = this.remove(this.countOfNext());
      try {
        await this.settle(batch, () => this.queue.length > 0);
      } catch (error) {
        for (const unit of batch) unit.fail(error instanceof Error ? error : new Error(String(error)));
      }
    }
    this.isRunning = false;
  }

  /** How many units one commit takes; a single one of more commands or postings than that goes alone. */
  private countOfNext(): number {
    let count = 0;
    let commands = 0;
    let postings = 0;
    for (const unit of this.queue) {
      commands += unit.commands;
      postings += unit.postings;
      if (count > 0 && (commands > batchCommandsMax || postings > batchPostingsMax)) break;
      count += 1;
    }
    return count;
  }

  private remove(count: number): QueuedUnit[] {
    const removed = this.queue.splice(0, count);
    for (const { commands } of removed) this.queuedCommands -= commands;
    this.onTaken(removed);
    return removed;
  }
}
