export interface TurnQueueSettings {
  /** At once, over all keys. */
  readonly turnsMax: number;
  /** Keys that are known at a time; a poke beyond that is dropped. */
  readonly keysMax: number;
  /** Between the beginnings of two turns of one key that isn't behind: what comes meanwhile shares the next. */
  readonly restMs: number;
  /** After the first failure of a key; it doubles with each further one. */
  readonly retryMs: number;
  readonly retryMsMax: number;
}

export interface Turns {
  /** Resolves to whether there is more to do for this key. */
  take(key: string): Promise<boolean>;
  onFailed(key: string, err: unknown, failures: number, waitMs: number): void;
}

/** A key's work. It exists while there is something to do. */
interface Job {
  readonly key: string;
  state: 'resting' | 'queued' | 'running';
  /** Poked while running or resting: what it was poked for may not have been seen. */
  isPokedAgain: boolean;
  failures: number;
  timer: NodeJS.Timeout | undefined;
}

/**
 * Turns of many keys, a few at a time and at most one of each, first come first served, so that a busy key holds
 * up no other. A key whose turn failed pauses for longer each time.
 */
export class TurnQueue {
  private readonly jobs = new Map<string, Job>();
  private readonly queue: Job[] = [];
  private running = 0;
  private isStopping = false;
  private onIdle: (() => void) | undefined;

  constructor(
    private readonly settings: TurnQueueSettings,
    private readonly turns: Turns,
  ) {}

  /** There may be something to do. */
  poke(key: string): void {
    if (this.isStopping) return;
    const job = this.jobs.get(key);
    if (job) {
      if (job.state !== 'queued') job.isPokedAgain = true;
      return;
    }
    if (this.jobs.size >= this.settings.keysMax) return;
    const fresh: Job = { key, state: 'queued', isPokedAgain: false, failures: 0, timer: undefined };
    this.jobs.set(key, fresh);
    this.enqueue(fresh);
  }

  /** What made turns fail is over: those that pause go on at once. */
  endPauses(): void {
    for (const job of this.jobs.values()) {
      if (job.state !== 'resting' || job.failures === 0) continue;
      job.failures = 0;
      this.enqueue(job);
    }
  }

  /** Resolves when the turns that run have ended, or after the limit. */
  async stop(waitMsMax: number): Promise<void> {
    this.isStopping = true;
    this.queue.length = 0;
    for (const job of this.jobs.values()) clearTimeout(job.timer);
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.onIdle = resolve;
      timer = setTimeout(resolve, waitMsMax);
      if (this.running === 0) resolve();
    });
    clearTimeout(timer);
  }

  private enqueue(job: Job): void {
    if (this.isStopping) return;
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
    const { restMs, retryMs, retryMsMax } = this.settings;
    const startedAt = performance.now();
    job.state = 'running';
    job.isPokedAgain = false;
    try {
      const isBehind = await this.turns.take(job.key);
      job.failures = 0;
      if (isBehind) return this.enqueue(job);
      this.rest(job, startedAt + restMs - performance.now(), () => {
        if (job.isPokedAgain) this.enqueue(job);
        else this.jobs.delete(job.key);
      });
    } catch (err) {
      job.failures++;
      const waitMs = Math.min(retryMs * 2 ** (job.failures - 1), retryMsMax);
      this.turns.onFailed(job.key, err, job.failures, waitMs);
      this.rest(job, waitMs, () => this.enqueue(job));
    }
  }

  private rest(job: Job, restMs: number, then: () => void): void {
    if (this.isStopping) return;
    job.state = 'resting';
    job.timer = setTimeout(then, Math.max(0, restMs));
  }
}
