import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import type { TopicMessage } from '#contracts';
import type { Logger } from '#platform';
import type { Leadership } from './leadership.js';
import type { PublishingMetrics } from './publishing-metrics.js';
import { renderBatch, type RenderedBatch, type RenderRecord } from './render-batch.js';
import { createCheckpoints, readUnpublished, retryParked, saveCheckpoints, scanLag } from './scan-ledgers.js';

export interface JournalPublisherParts {
  readonly pool: pg.Pool;
  readonly render: RenderRecord;
  /** Resolves when every message is kept by every in-sync replica. */
  readonly send: (messages: readonly TopicMessage[]) => Promise<void>;
  readonly leadership: Pick<Leadership, 'term' | 'resign'>;
  readonly metrics: PublishingMetrics;
  readonly logger: Logger;
}

const eventsPerSendMax = 500;
const bytesPerTopicMax = 900_000;
/**
 * From the beginning of one send to that of the next while there is little to send: under load each then has what
 * some commits have made, and the broker, whoever reads from it and the checkpoints have a fraction of the work. An
 * event that comes alone waits for nothing.
 */
const sendEveryMs = 10;
const scanEveryMs = 1_000;
const retryParkedEveryMs = 30_000;
const retryMs = 100;
const retryMsMax = 5_000;

/**
 * Brings the journal to the topics: reads past the checkpoints of the ledgers that lag, sends one batch, and
 * saves the checkpoints when it is acknowledged; then the next. Nothing of it is in memory only: whoever leads next
 * begins at the checkpoints.
 *
 * Every event is published at least once, in order per ledger and account. It is published again when the process
 * dies between acknowledgement and checkpoint (at most this one batch), when an acknowledgement is lost, and when
 * a process that was frozen in the middle of a send wakes up, at any later time: Kafka knows nothing of terms.
 */
export class JournalPublisher {
  /** Ledgers that may lag, in the order of their turns. */
  private readonly waiting = new Set<string>();
  private wake: (() => void) | undefined;
  private readonly stopping = new AbortController();
  private running: Promise<unknown> = Promise.resolve();
  private parkedRetriedAt = performance.now();

  constructor(private readonly parts: JournalPublisherParts) {}

  start(): void {
    this.running = Promise.all([this.publish(), this.scan()]);
  }

  /** The ledger has new events. */
  poke(ledgerId: string): void {
    if (this.parts.leadership.term === null) return;
    this.waiting.add(ledgerId);
    this.wake?.();
  }

  /** Whether this process leads has changed: what it knew of others' work is old. */
  leadershipChanged(): void {
    const { term } = this.parts.leadership;
    this.parts.metrics.isLeader.set(term === null ? 0 : 1);
    if (term !== null) this.parts.metrics.term.set(Number(term));
    // Who led before may have been of a release that knew less.
    if (term !== null) this.parkedRetriedAt = -Infinity;
    this.waiting.clear();
    this.wake?.();
  }

  /** Ends when what is being sent is saved or has failed, which has a limit of its own. */
  async stop(): Promise<void> {
    this.stopping.abort();
    this.wake?.();
    await this.running;
  }

  private async publish(): Promise<void> {
    for (let failures = 0; !this.stopping.signal.aborted;) {
      const { term } = this.parts.leadership;
      if (term === null || this.waiting.size === 0) {
        await this.somethingToDo();
        continue;
      }
      const startedAt = performance.now();
      try {
        const hasMore = await this.publishBatch(term);
        failures = 0;
        const restMs = sendEveryMs - (performance.now() - startedAt);
        if (!hasMore && restMs > 0) await this.pause(restMs);
      } catch (err) {
        const waitMs = Math.min(retryMs * 2 ** Math.min(failures++, 20), retryMsMax);
        this.parts.logger.warn({ err, failures, waitMs }, 'publishing failed and will be tried again');
        await this.pause(waitMs);
      }
    }
  }

  /** Whether there is more than what one batch takes. */
  private async publishBatch(term: bigint): Promise<boolean> {
    const { pool, render, metrics, leadership } = this.parts;
    const ledgerIds = [...this.waiting].slice(0, eventsPerSendMax);
    for (const ledgerId of ledgerIds) this.waiting.delete(ledgerId);
    try {
      const perLedgerMax = Math.ceil(eventsPerSendMax / ledgerIds.length);
      const unpublished = await readUnpublished(pool, ledgerIds, perLedgerMax);
      const unknown = unpublished.filter(({ after }) => after === null).map(({ ledgerId }) => ledgerId);
      if (unknown.length > 0) await createCheckpoints(pool, unknown);
      const batch = renderBatch(unpublished, render, { eventsMax: eventsPerSendMax, bytesPerTopicMax });
      if (leadership.term !== term) return false;
      for (const messages of batch.sends) await this.send(messages);
      if (batch.moves.length > 0) await this.save(term, batch);
      metrics.events.inc(batch.events);
      const full = unpublished.filter(({ records }) => records.length === perLedgerMax);
      const again = [...unknown, ...batch.unfinished, ...full.map(({ ledgerId }) => ledgerId)];
      for (const ledgerId of again) this.waiting.add(ledgerId);
      return again.length > 0 || ledgerIds.length === eventsPerSendMax;
    } catch (error) {
      for (const ledgerId of ledgerIds) this.waiting.add(ledgerId);
      throw error;
    }
  }

  private async send(messages: readonly TopicMessage[]): Promise<void> {
    const end = this.parts.metrics.sendSeconds.startTimer();
    try {
      await this.parts.send(messages);
      end({ result: 'acknowledged' });
    } catch (error) {
      end({ result: 'failed' });
      throw error;
    }
  }

  private async save(term: bigint, { moves }: RenderedBatch): Promise<void> {
    const { pool, leadership, metrics, logger } = this.parts;
    const saved = await saveCheckpoints(pool, term, moves);
    for (const { ledgerId, parkedReason: reason } of moves) {
      if (reason === null || !saved.has(ledgerId)) continue;
      logger.error({ ledgerId, reason }, 'publishing can not go past an event: the ledger is parked');
    }
    const refused = moves.length - saved.size;
    if (refused === 0) return;
    metrics.refusedCheckpoints.inc(refused);
    logger.error(
      { term, refused },
      'checkpoints were refused: another process publishes now, and what this one sent last is there twice',
    );
    leadership.resign();
  }

  /** Finds what no poke has told, tells how far behind publishing is, and lets parked ledgers try again. */
  private async scan(): Promise<void> {
    const { pool, metrics, leadership, logger } = this.parts;
    while (!this.stopping.signal.aborted) {
      try {
        const lag = await scanLag(pool);
        metrics.lagEvents.set(lag.events);
        metrics.lagSeconds.set(lag.seconds);
        metrics.parked.set(lag.parkedLedgers);
        for (const ledgerId of lag.lagging) this.poke(ledgerId);
        const isRetryDue = performance.now() - this.parkedRetriedAt > retryParkedEveryMs;
        if (isRetryDue) {
          this.parkedRetriedAt = performance.now();
          if (lag.parkedLedgers > 0 && leadership.term !== null) await retryParked(pool);
        }
      } catch (err) {
        logger.warn({ err }, 'the scan for unpublished events failed');
      }
      await this.pause(scanEveryMs);
    }
  }

  private async somethingToDo(): Promise<void> {
    if (this.stopping.signal.aborted) return;
    await new Promise<void>((resolve) => (this.wake = resolve));
    this.wake = undefined;
  }

  private pause(ms: number): Promise<void> {
    return sleep(ms, undefined, { signal: this.stopping.signal }).catch(() => undefined);
  }
}
