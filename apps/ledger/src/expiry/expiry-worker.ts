import type pg from 'pg';
import { systemActor, type Journal } from '#journal';
import type { Logger } from '#platform';
import type { ExpiryMetrics } from './expiry-metrics.js';
import {
  overdueMax,
  scanDueHolds,
  walkDueHolds,
  walkStart,
  type DueHold,
  type LeftOut,
} from './scan-due-holds.js';

export interface ExpiryWorkerSettings {
  readonly scanEveryMs: number;
  /** At least as often ledgers are looked at one by one; each time, while more are due than a scan sees. */
  readonly walkEveryMs: number;
  /** Found by one scan, and by one walk. */
  readonly holdsPerScanMax: number;
  /** Submitted and not decided yet, of one ledger: one that stands still leaves the others their turn. */
  readonly holdsUnderWayPerLedgerMax: number;
  /** After which a hold that could not be released is looked at again. */
  readonly retryMs: number;
  /** How long an expiry may take, from when it is submitted. */
  readonly decideMs: number;
}

const expiryWorkerDefaults: ExpiryWorkerSettings = {
  scanEveryMs: 250,
  walkEveryMs: 5_000,
  holdsPerScanMax: 1_000,
  holdsUnderWayPerLedgerMax: 1_000,
  retryMs: 1_000,
  decideMs: 10_000,
};

export interface ExpiryWorkerParts {
  readonly pool: Pick<pg.Pool, 'query'>;
  readonly journal: Pick<Journal, 'submit'>;
  readonly metrics: ExpiryMetrics;
  readonly logger: Logger;
  readonly settings?: Partial<ExpiryWorkerSettings>;
}

/** What a queued expiry takes of the queue's bytes, where there is no body. */
const expiryBytes = 256;

/**
 * Releases holds whose time has come. Their deadlines are in Postgres, and what is due is looked for again and again,
 * so that neither a crash nor hours of downtime lose one. Any number of processes may do so at once: each expiry is
 * decided in the ledger's lane by what is stored under its lock, so that one of them finds the hold open and the
 * others are refused. Exactly once is the lane's doing, not this worker's.
 */
export class ExpiryWorker {
  private readonly settings: ExpiryWorkerSettings;
  /** By their transactions: the ledgers of holds that are under way, or have failed a moment ago. */
  private readonly leftOut = new Map<string, string>();
  private readonly retries = new Set<NodeJS.Timeout>();
  /** Since the log was told of them. */
  private readonly failures: unknown[] = [];
  private walkFrom = walkStart;
  private walkedAtMs = performance.now();
  private timer: NodeJS.Timeout | undefined;
  private scanning: Promise<void> = Promise.resolve();
  private isStopped = false;

  constructor(private readonly parts: ExpiryWorkerParts) {
    this.settings = { ...expiryWorkerDefaults, ...parts.settings };
  }

  start(): void {
    this.scanSoon(0);
  }

  /** Submits nothing more. What was submitted is the journal's to settle. */
  async stop(): Promise<void> {
    this.isStopped = true;
    clearTimeout(this.timer);
    for (const retry of this.retries) clearTimeout(retry);
    await this.scanning;
  }

  private scanSoon(waitMs: number): void {
    if (this.isStopped) return;
    this.timer = setTimeout(() => {
      this.scanning = this.scan().then((isFull) => this.scanSoon(isFull ? 0 : this.settings.scanEveryMs));
    }, waitMs);
  }

  /** Whether there may be more that can be worked on at once. */
  private async scan(): Promise<boolean> {
    const { pool, metrics, logger } = this.parts;
    this.tellFailures();
    try {
      const { holdsPerScanMax } = this.settings;
      const { holds, overdue, oldestSeconds } = await scanDueHolds(pool, holdsPerScanMax, this.notNow());
      metrics.overdue.set(overdue);
      metrics.oldestSeconds.set(oldestSeconds);
      const found = this.submit(holds);
      const walked = this.isWalkDue(overdue) ? await this.walk() : 0;
      return Math.max(found, walked) === holdsPerScanMax;
    } catch (err) {
      logger.warn({ err }, 'the scan for holds whose time has come failed');
      return false;
    }
  }

  private isWalkDue(overdue: number): boolean {
    return overdue >= overdueMax || performance.now() - this.walkedAtMs > this.settings.walkEveryMs;
  }

  private async walk(): Promise<number> {
    this.walkedAtMs = performance.now();
    const { holdsPerScanMax } = this.settings;
    const leftOut = this.notNow();
    const { holds, next } = await walkDueHolds(this.parts.pool, this.walkFrom, holdsPerScanMax, leftOut);
    this.walkFrom = next;
    return this.submit(holds);
  }

  private submit(holds: readonly DueHold[]): number {
    if (this.isStopped) return 0;
    for (const hold of holds) void this.expire(hold);
    return holds.length;
  }

  private notNow(): LeftOut {
    return { transactionIds: [...this.leftOut.keys()], ledgerIds: this.busyLedgers() };
  }

  private busyLedgers(): string[] {
    const counts = new Map<string, number>();
    for (const ledgerId of this.leftOut.values()) counts.set(ledgerId, (counts.get(ledgerId) ?? 0) + 1);
    const { holdsUnderWayPerLedgerMax } = this.settings;
    return [...counts]
      .filter(([, count]) => count >= holdsUnderWayPerLedgerMax)
      .map(([ledgerId]) => ledgerId);
  }

  private async expire({ ledgerId, transactionId }: DueHold): Promise<void> {
    const { journal, metrics } = this.parts;
    this.leftOut.set(transactionId, ledgerId);
    try {
      const outcome = await journal.submit(this.request(ledgerId), { kind: 'expire-hold', transactionId });
      if (outcome.accepted) {
        metrics.expired.inc();
        this.leftOut.delete(transactionId);
        return;
      }
    } catch (error) {
      metrics.failures.inc();
      this.failures.push(error);
    }
    this.retryLater(transactionId);
  }

  /**
   * A refusal is fine: somebody else has ended the hold, or given it more time. A full queue and an outage pass. What
   * is wrong with a single hold must not keep others from their turn.
   */
  private retryLater(transactionId: string): void {
    if (this.isStopped) return;
    const retry = setTimeout(() => {
      this.retries.delete(retry);
      this.leftOut.delete(transactionId);
    }, this.settings.retryMs);
    this.retries.add(retry);
  }

  /** An outage fails all that is due, again and again: one line tells of many. */
  private tellFailures(): void {
    const failures = this.failures.splice(0);
    if (failures.length === 0) return;
    const fields = { err: failures.at(-1), failures: failures.length };
    this.parts.logger.warn(fields, 'holds could not be released and will be tried again');
  }

  private request(ledgerId: string) {
    return {
      ledgerId,
      actor: systemActor,
      owner: '',
      mayMint: false,
      mayBurn: false,
      isDryRun: false,
      idempotencyKey: null,
      requestHash: null,
      deadlineAt: performance.now() + this.settings.decideMs,
      bytes: expiryBytes,
    };
  }
}
