import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '#platform';
import type { DeliveryResult } from './delivery-endpoint.js';
import type { Queryable, ShardTerm } from './held-terms.js';
import type { Lane } from './scan-lanes.js';
import { writeResults, type FailingEndpoint } from './scan-results.js';

export interface ResultWriterParts {
  readonly pool: Queryable;
  readonly logger: Logger;
  readonly onFailing: (endpoints: readonly FailingEndpoint[]) => void;
  /** Terms: those of the results that left lanes. */
  readonly onLanesLeft: (lanes: readonly Lane[], terms: readonly ShardTerm[]) => void;
  /** How many now have which state; the others changed nothing. */
  readonly onWritten: (
    results: readonly DeliveryResult[],
    outcomes: Readonly<Record<string, number>>,
  ) => void;
}

const queuedMax = 5_000;
const batchSizeMax = 500;
/** Results that come within this time are written together; nobody waits for one, but where lanes are. */
const lingerMs = 10;
const retryMs = 50;
const retryMsMax = 2_000;

/**
 * Writes results in batches, one at a time. While the database is away they are kept and tried again until it is
 * known that they are written or that their term is old; the queue's limit stops the sending meanwhile.
 */
export class ResultWriter {
  private queue: DeliveryResult[] = [];
  private writing: Promise<void> | undefined;
  private isAbandoned = false;

  constructor(private readonly parts: ResultWriterParts) {}

  /** Full: no attempt should begin whose result would have no place. */
  get isFull(): boolean {
    return this.queue.length >= queuedMax;
  }

  add(result: DeliveryResult): void {
    this.queue.push(result);
    this.writing ??= this.writeAll(result.isOrdered ? 0 : lingerMs);
  }

  /** Resolves when all that was added is written. */
  async flush(): Promise<void> {
    while (this.writing) await this.writing;
  }

  /** What is not written by now is not tried again: its deliveries are due again for the next holder. */
  abandon(): void {
    this.isAbandoned = true;
    this.queue.length = 0;
  }

  private async writeAll(waitMs: number): Promise<void> {
    await (waitMs > 0 ? sleep(waitMs) : Promise.resolve());
    while (this.queue.length > 0) {
      const batch = this.queue.splice(0, batchSizeMax);
      const ordered = batch.filter(({ isOrdered }) => isOrdered);
      const others = batch.filter(({ isOrdered }) => !isOrdered);
      if (others.length > 0) await this.writeUntilKnown(others, false);
      if (ordered.length > 0) await this.writeUntilKnown(ordered, true);
    }
    this.writing = undefined;
  }

  private async writeUntilKnown(results: readonly DeliveryResult[], isOrdered: boolean): Promise<void> {
    for (let failures = 0; !this.isAbandoned; failures++) {
      try {
        const { outcomes, failing, lanesLeft } = await writeResults(this.parts.pool, results, { isOrdered });
        this.parts.onWritten(results, outcomes ?? {});
        if (failing !== null) this.parts.onFailing(failing);
        if (lanesLeft !== null) {
          this.parts.onLanesLeft(
            lanesLeft,
            results.map(({ delivery }) => delivery),
          );
        }
        return;
      } catch (err) {
        const waitMs = Math.min(retryMs * 2 ** failures, retryMsMax);
        this.parts.logger.warn(
          { err, results: results.length, waitMs },
          'results of deliveries could not be written and are tried again',
        );
        await sleep(waitMs);
      }
    }
  }
}
