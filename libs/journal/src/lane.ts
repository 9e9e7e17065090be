import type { QueuedCommand } from './write-request.js';
import { JournalUnavailable } from './write-request.js';

export const batchCommandsMax = 1_000;
export const batchPostingsMax = 4_000;

/**
 * One ledger's writer in this process: a queue, and at most one batch in flight. There is no timer: what
 * arrived while the last batch committed is the next one, so a lone command commits at once and a crowd
 * shares a commit. Other processes have lanes of their own; the head's row lock orders their batches.
 */
export class Lane {
  private readonly queue: QueuedCommand[] = [];
  private isRunning = false;

  constructor(
    private readonly settle: (commands: readonly QueuedCommand[]) => Promise<void>,
    private readonly onTaken: (commands: readonly QueuedCommand[]) => void,
  ) {}

  get depth(): number {
    return this.queue.length;
  }

  get isIdle(): boolean {
    return !this.isRunning && this.queue.length === 0;
  }

  add(command: QueuedCommand): void {
    this.queue.push(command);
    if (this.isRunning) return;
    this.isRunning = true;
    setImmediate(() => void this.run());
  }

  /** Requests wait equally long, so those at the front expire first. */
  dropExpired(): void {
    let count = 0;
    while (this.queue[count]?.isExpired) count += 1;
    if (count === 0) return;
    const dropped = this.queue.splice(0, count);
    this.onTaken(dropped);
    for (const command of dropped) {
      command.fail(
        new JournalUnavailable('overloaded', 'the request waited too long in the queue and was not executed'),
      );
    }
  }

  /** Gives up all that waits; the batch in flight goes on. */
  abandon(error: Error): void {
    const dropped = this.queue.splice(0);
    this.onTaken(dropped);
    for (const command of dropped) command.fail(error);
  }

  private async run(): Promise<void> {
    while (this.queue.length > 0) {
      const batch = this.take();
      this.onTaken(batch);
      try {
        await this.settle(batch);
      } catch (error) {
        for (const command of batch) command.fail(error instanceof Error ? error : new Error(String(error)));
      }
    }
    this.isRunning = false;
  }

  /** As many as one commit takes; a single command with more postings than that goes alone. */
  private take(): QueuedCommand[] {
    let count = 0;
    let postings = 0;
    while (count < this.queue.length && count < batchCommandsMax) {
      postings += this.queue[count]!.postings;
      if (count > 0 && postings > batchPostingsMax) break;
      count += 1;
    }
    return this.queue.splice(0, count);
  }
}
