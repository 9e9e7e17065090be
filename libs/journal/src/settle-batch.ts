import { setTimeout as sleep } from 'node:timers/promises';
import { getHeapStatistics } from 'node:v8';
import type pg from 'pg';
import type { AheadBatch } from './ahead-batch.js';
import { attemptBatch, findCommitted, isLockedOut, isStateMismatch, type Attempt } from './commit-batch.js';
import type { DecidedBatch, Fate } from './decide-batch.js';
import { endFrozen } from './end-frozen.js';
import type { JournalMetrics } from './journal-metrics.js';
import { KnownAccounts } from './known-accounts.js';
import type { Lane } from './lane.js';
import { lockTimeoutOf, type QueuedUnit } from './queued-unit.js';
import { JournalUnavailable, type UnavailableCode } from './write-request.js';

export interface BatchLog {
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** About 20 MB, and in a small process a sixteenth of its heap. */
const knownAccountsMax = Math.min(50_000, Math.floor(getHeapStatistics().heap_size_limit / 16 / 400));
/** A client's batch of so many commands is long work to answer. */
const longUnitCommands = 100;
const lateAnswerMsMax = 10;
const pauseFirstMs = 20;
const pauseMaxMs = 500;

/** What a batch in flight sees of its lane. */
type LaneBehind = Pick<Lane, 'isMoreWaiting' | 'peekFull'>;

interface SettledUnit {
  readonly unit: QueuedUnit;
  readonly fate: Fate | undefined;
}

/**
 * Takes a batch to its end: when this resolves, every unit has its outcome or the reason why there is none, and is
 * settled with it then or a moment later. Nothing is settled before the commit is known to be on disk, because a
 * refusal may follow from a neighbour's effect. Attempts are repeated until the last deadline among the units.
 */
export class BatchSettler {
  private readonly memory: KnownAccounts;
  /** By ledger: gives the answers that wait for its next batch to be on its way. */
  private readonly late = new Map<string, () => void>();

  constructor(
    private readonly pool: pg.Pool,
    private readonly metrics: JournalMetrics,
    private readonly log: BatchLog,
    private readonly onCommitted: (ledgerId: string) => void,
    private readonly isKeptUpWith: (ledgerId: string) => boolean,
  ) {
    this.memory = new KnownAccounts(knownAccountsMax, metrics.gatheredAccounts);
  }

  /**
   * @param aheadOfTurn what was decided ahead of the lane's next batch
   * @returns the same for the batch behind these units
   */
  async settle(
    ledgerId: string,
    units: readonly QueuedUnit[],
    lane: LaneBehind,
    aheadOfTurn: AheadBatch | null,
  ): Promise<AheadBatch | null> {
    let expiry: UnavailableCode = 'overloaded';
    let pauseMs = pauseFirstMs;
    let ahead = aheadOfTurn;
    let hasFailed = false;
    for (;;) {
      const open = dropExpired(units, expiry);
      if (ahead && !ahead.isOf(open)) {
        await ahead.giveUp();
        this.metrics.decidedAhead.inc({ result: 'given_up' });
        ahead = null;
        continue;
      }
      if (open.length === 0) return null;
      // What an attempt has failed for may lie with the batch behind.
      const attempt = await this.attempt(ledgerId, open, hasFailed ? null : lane, ahead);
      ahead = null;
      if (attempt.kind === 'committed') {
        this.finish(ledgerId, open, attempt.batch, lane.isMoreWaiting);
        return attempt.ahead;
      }
      if (attempt.kind === 'overtaken') continue;
      const hasFailedBefore = hasFailed;
      hasFailed = true;
      if (attempt.kind === 'unknown') {
        this.log.warn({ ledgerId, err: attempt.error }, 'the outcome of a commit is unknown');
        const isCommitted = await this.resolveUnknown(ledgerId, open, attempt.batch);
        if (isCommitted) {
          this.finish(ledgerId, open, attempt.batch, lane.isMoreWaiting);
          return null;
        }
      } else if (attempt.isDataError || (hasFailedBefore && isStateMismatch(attempt.error))) {
        // What was remembered is forgotten since the first time.
        await this.isolate(ledgerId, open, attempt.error, lane);
        return null;
      } else {
        this.log.warn({ ledgerId, err: attempt.error }, 'a batch was not committed and will be tried again');
        await this.endFrozenAfter(ledgerId, attempt.error);
      }
      expiry = 'unavailable';
      await sleep(pauseMs);
      pauseMs = Math.min(pauseMs * 2, pauseMaxMs);
    }
  }

  /** Whoever keeps the head from us for long may stand still. */
  private async endFrozenAfter(ledgerId: string, error: unknown): Promise<void> {
    if (!isLockedOut(error)) return;
    try {
      const ended = await endFrozen(this.pool, ledgerId);
      if (ended === 0) return;
      this.log.warn(
        { ledgerId, ended },
        'sessions that stood still in the middle of their events were ended',
      );
    } catch (err) {
      this.log.warn({ ledgerId, err }, 'frozen sessions could not be looked for');
    }
  }

  private async attempt(
    ledgerId: string,
    open: readonly QueuedUnit[],
    lane: LaneBehind | null,
    ahead: AheadBatch | null,
  ): Promise<Attempt> {
    const { pool, memory } = this;
    const startedAt = performance.now();
    const onSent = () => this.late.get(ledgerId)?.();
    const peekFull = (skipped: number) =>
      lane && this.mayDecideAhead(ledgerId) ? lane.peekFull(skipped) : null;
    const parts = { pool, memory, ledgerId, onSent, peekFull };
    const attempt = await attemptBatch(parts, open, ahead);
    this.metrics.batchSeconds.observe({ result: attempt.kind }, (performance.now() - startedAt) / 1000);
    const isUsed = attempt.kind === 'committed' || attempt.kind === 'unknown';
    if (ahead) this.metrics.decidedAhead.inc({ result: isUsed ? 'used' : 'given_up' });
    return attempt;
  }

  /** Neither other ledgers may wait for its connection, nor may what follows the journal fall behind. */
  private mayDecideAhead(ledgerId: string): boolean {
    return this.pool.waitingCount === 0 && this.isKeptUpWith(ledgerId);
  }

  /**
   * The lane may go on before the callers are told: what they do with a whole batch of answers would otherwise keep the
   * database waiting for the next one. The answers of long units, which take as long to make as a decision, wait for
   * the next batch to be on its way, so that they are made while the database writes it.
   */
  private finish(
    ledgerId: string,
    open: readonly QueuedUnit[],
    batch: DecidedBatch,
    isMoreWaiting: boolean,
  ): void {
    this.metrics.batchCommands.observe(open.reduce((sum, { commands }) => sum + commands, 0));
    if (batch.events.length > 0) this.onCommitted(ledgerId);
    const late: SettledUnit[] = [];
    const atOnce: SettledUnit[] = [];
    for (const [index, unit] of open.entries()) {
      const isLate = isMoreWaiting && unit.commands >= longUnitCommands;
      (isLate ? late : atOnce).push({ unit, fate: batch.fates[index] });
    }
    this.tellSoon(ledgerId, atOnce);
    this.tellLate(ledgerId, late);
  }

  private tellSoon(ledgerId: string, units: readonly SettledUnit[]): void {
    if (units.length > 0) setImmediate(() => this.tell(ledgerId, units));
  }

  private tellLate(ledgerId: string, units: readonly SettledUnit[]): void {
    if (units.length === 0) return;
    const tell = (): void => {
      clearTimeout(timer);
      if (this.late.get(ledgerId) === tell) this.late.delete(ledgerId);
      this.tellSoon(ledgerId, units);
    };
    const timer = setTimeout(tell, lateAnswerMsMax);
    this.late.set(ledgerId, tell);
  }

  private tell(ledgerId: string, units: readonly SettledUnit[]): void {
    for (const { unit, fate } of units) {
      if (fate && 'outcome' in fate) unit.settle(fate.outcome);
      else {
        const bug = fate?.bug ?? new Error('a unit of the batch has no fate');
        this.log.error({ ledgerId, err: bug, kind: kindOf(unit) }, 'a command could not be decided');
        unit.fail(bug);
      }
    }
  }

  /** True or false once it is known; units whose deadline passes before that are told so. */
  private async resolveUnknown(
    ledgerId: string,
    units: readonly QueuedUnit[],
    batch: DecidedBatch,
  ): Promise<boolean> {
    for (;;) {
      const open = dropExpired(units, 'outcome_unknown');
      if (open.length === 0) return false;
      try {
        return await findCommitted(this.pool, ledgerId, batch, lockTimeoutOf(open));
      } catch (error) {
        this.log.warn({ ledgerId, err: error }, 'the outcome of a commit is still unknown');
        await this.endFrozenAfter(ledgerId, error);
        await sleep(pauseFirstMs);
      }
    }
  }

  /** The data of one of them, which may be a batch, can't be committed: halves are tried apart until it stands alone. */
  private async isolate(
    ledgerId: string,
    open: readonly QueuedUnit[],
    error: Error,
    lane: LaneBehind,
  ): Promise<void> {
    if (open.length === 1) {
      this.log.error({ ledgerId, err: error, kind: kindOf(open[0]!) }, 'a command could not be committed');
      open[0]!.fail(error);
      return;
    }
    const middle = open.length >> 1;
    const peekFull = () => null;
    await this.settle(ledgerId, open.slice(0, middle), { isMoreWaiting: true, peekFull }, null);
    const { isMoreWaiting } = lane;
    await this.settle(ledgerId, open.slice(middle), { isMoreWaiting, peekFull }, null);
  }
}

function kindOf({ work }: QueuedUnit): string {
  return work.kind === 'command' ? work.command.kind : work.kind;
}

function dropExpired(units: readonly QueuedUnit[], code: UnavailableCode): QueuedUnit[] {
  return units.filter((unit) => {
    if (!unit.isExpired) return true;
    unit.fail(new JournalUnavailable(code, expiryMessages[code]));
    return false;
  });
}

const expiryMessages: Readonly<Record<UnavailableCode, string>> = {
  overloaded: 'the request waited too long in the queue and was not executed',
  unavailable: 'the database did not answer in time; the request was not executed',
  outcome_unknown: 'the outcome could not be found out in time; retry with the same Idempotency-Key',
};
