import type pg from 'pg';
import type { Logger } from '#platform';
import type { ProjectionMetrics } from './projection-metrics.js';
import { takeTurn, type TurnOutcome } from './projection-turn.js';
import type { Projection } from './projection.js';
import { retryParked, scanBacklog } from './scan-ledgers.js';

export interface ProjectionRunnerSettings {
  /** At once, over all projections and ledgers; each uses a connection of the pool. */
  readonly turnsMax: number;
  readonly eventsPerTurnMax: number;
  /** Between two turns of one ledger while nobody waits: several batches then share the cost of a turn. */
  readonly restMs: number;
  readonly scanEveryMs: number;
  /** Between two tries of what is parked. */
  readonly retryParkedEveryMs: number;
  readonly retryMs: number;
  readonly retryMsMax: number;
}

export const projectionRunnerDefaults: ProjectionRunnerSettings = {
  turnsMax: 2,
  eventsPerTurnMax: 6_000,
  restMs: 50,
  scanEveryMs: 1_000,
  retryParkedEveryMs: 30_000,
  retryMs: 100,
  retryMsMax: 5_000,
};

export interface ProjectionRunnerParts {
  readonly pool: pg.Pool;
  readonly projections: readonly Projection[];
  readonly metrics: ProjectionMetrics;
  readonly logger: Logger;
  readonly settings?: Partial<ProjectionRunnerSettings>;
}

/** A ledger's work for one projection. It exists while there is something to do. */
interface Job {
  readonly projection: Projection;
  readonly ledgerId: string;
  state: 'resting' | 'queued' | 'running';
  /** Poked while running: what was committed since may not have been seen. */
  isPokedAgain: boolean;
  isUrgent: boolean;
  failures: number;
  /** Of its last turn. */
  events: number;
  timer: NodeJS.Timeout | undefined;
}

/**
 * Brings every ledger's projections up to its head. A poke says that a ledger may be behind, and costs nothing
 * when it isn't. At most one turn per projection and ledger runs here at a time, and turns of different ledgers
 * take their place in one queue, so that a busy ledger holds up no other. Other processes may do the same work
 * at the same time: the checkpoint's row lock decides. Whatever poke is lost, the scan finds it a second later.
 */
export class ProjectionRunner {
  private readonly settings: ProjectionRunnerSettings;
  private readonly jobs = new Map<string, Job>();
  private readonly queue: Job[] = [];
  private running = 0;
  private isStopping = false;
  private scanTimer: NodeJS.Timeout | undefined;
  private scanning: Promise<void> = Promise.resolve();
  private parkedRetriedAt = performance.now();
  private onIdle: (() => void) | undefined;

  constructor(private readonly parts: ProjectionRunnerParts) {
    this.settings = { ...projectionRunnerDefaults, ...parts.settings };
  }

  start(): void {
    this.scanSoon(0);
  }

  /** Ends when the turns that are running have, or after the limit; nothing is lost either way. */
  async stop(waitMsMax: number): Promise<void> {
    this.isStopping = true;
    clearTimeout(this.scanTimer);
    this.queue.length = 0;
    for (const job of this.jobs.values()) clearTimeout(job.timer);
    const idle = new Promise<void>((resolve) => {
      this.onIdle = resolve;
      if (this.running === 0) resolve();
    });
    const ended = Promise.all([idle, this.scanning]);
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise((resolve) => (timer = setTimeout(resolve, waitMsMax)));
    await Promise.race([ended, limit]);
    clearTimeout(timer);
  }

  /** The ledger may be behind. Urgent: somebody waits for it. */
  poke(ledgerId: string, { isUrgent = false } = {}): void {
    if (this.isStopping) return;
    for (const projection of this.parts.projections) this.pokeJob(projection, ledgerId, isUrgent);
  }

  /** Whether a projection of the ledger can only just keep up: its last turn was more than half full, or failed. */
  isHardPressed(ledgerId: string): boolean {
    return this.parts.projections.some(({ name }) => {
      const job = this.jobs.get(`${name} ${ledgerId}`);
      return job !== undefined && (job.failures > 0 || job.events > this.settings.eventsPerTurnMax / 2);
    });
  }

  private pokeJob(projection: Projection, ledgerId: string, isUrgent: boolean): void {
    const key = `${projection.name} ${ledgerId}`;
    const job = this.jobs.get(key);
    if (!job) {
      const fresh: Job = {
        projection,
        ledgerId,
        state: 'resting',
        isPokedAgain: false,
        isUrgent,
        failures: 0,
        events: 0,
        timer: undefined,
      };
      this.jobs.set(key, fresh);
      this.enqueue(fresh);
      return;
    }
    if (job.state !== 'queued') job.isPokedAgain = true;
    job.isUrgent ||= isUrgent;
    // A job that rests after a failure keeps its rest, whoever waits.
    if (isUrgent && job.state === 'resting' && job.failures === 0) this.enqueue(job);
  }

  private enqueue(job: Job): void {
    clearTimeout(job.timer);
    job.state = 'queued';
    this.queue.push(job);
    this.startTurns();
  }

  private startTurns(): void {
    while (this.running < this.settings.turnsMax && !this.isStopping) {
      const job = this.queue.shift();
      if (!job) return;
      this.running++;
      void this.run(job).finally(() => {
        this.running--;
        if (this.running === 0) this.onIdle?.();
        this.startTurns();
      });
    }
  }

  private async run(job: Job): Promise<void> {
    const { projection, ledgerId } = job;
    job.state = 'running';
    job.isPokedAgain = false;
    job.isUrgent = false;
    const end = this.parts.metrics.turnSeconds.startTimer({ projection: projection.name });
    try {
      const outcome = await takeTurn(this.parts.pool, ledgerId, projection, this.settings.eventsPerTurnMax);
      end({ result: outcome.result });
      this.parts.metrics.events.inc({ projection: projection.name }, outcome.events);
      job.failures = 0;
      job.events = outcome.events;
      this.goOn(job, outcome);
    } catch (err) {
      end({ result: 'failed' });
      job.failures++;
      const { retryMs, retryMsMax } = this.settings;
      const waitMs = Math.min(retryMs * 2 ** (job.failures - 1), retryMsMax);
      this.parts.logger.warn(
        { err, projection: projection.name, ledgerId, failures: job.failures, waitMs },
        'a turn of a projection failed and will be tried again',
      );
      this.rest(job, waitMs, () => this.enqueue(job));
    }
  }

  private goOn(job: Job, outcome: TurnOutcome): void {
    const { result } = outcome;
    if (result === 'parked') {
      const { position, reason, events } = outcome;
      this.parts.logger.error(
        { projection: job.projection.name, ledgerId: job.ledgerId, position, reason, events },
        'a projection can not go past an event: the ledger is parked',
      );
    }
    if (result === 'parked' || result === 'parked_before') return this.rest(job, this.settings.scanEveryMs);
    if (this.isStopping) return;
    // A full turn has another one behind it; where someone else has the ledger it is looked at again later.
    if (outcome.isBehind || job.isUrgent) return this.enqueue(job);
    this.rest(job, this.settings.restMs, result === 'busy' ? () => this.enqueue(job) : undefined);
  }

  /** After its rest a job goes on if it was poked meanwhile or has a reason of its own, else it is forgotten. */
  private rest(job: Job, restMs: number, then?: () => void): void {
    if (this.isStopping) return;
    job.state = 'resting';
    job.timer = setTimeout(() => {
      if (then) return then();
      if (job.isPokedAgain) return this.enqueue(job);
      this.jobs.delete(`${job.projection.name} ${job.ledgerId}`);
    }, restMs);
  }

  private scanSoon(waitMs: number): void {
    if (this.isStopping) return;
    this.scanTimer = setTimeout(() => {
      this.scanning = this.scan().finally(() => this.scanSoon(this.settings.scanEveryMs));
    }, waitMs);
  }

  private async scan(): Promise<void> {
    const { pool, metrics, logger } = this.parts;
    const isRetryDue = performance.now() - this.parkedRetriedAt > this.settings.retryParkedEveryMs;
    if (isRetryDue) this.parkedRetriedAt = performance.now();
    for (const projection of this.parts.projections) {
      try {
        const backlog = await scanBacklog(pool, projection.name);
        const labels = { projection: projection.name };
        metrics.lagMax.set(labels, backlog.eventsBehindMax);
        metrics.lagTotal.set(labels, backlog.eventsBehind);
        metrics.parked.set(labels, backlog.parkedLedgers);
        for (const ledgerId of backlog.lagging) {
          if (!this.isStopping) this.pokeJob(projection, ledgerId, false);
        }
        if (isRetryDue && backlog.parkedLedgers > 0) await retryParked(pool, projection.name);
      } catch (err) {
        logger.warn({ err, projection: projection.name }, 'the scan for ledgers behind failed');
      }
    }
  }
}
