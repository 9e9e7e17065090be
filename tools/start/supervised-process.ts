import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { CannotStart } from './cannot-start.js';

export interface ProcessPlan {
  readonly name: string;
  readonly start: () => Promise<ChildProcess>;
  /** Tried one after the other until the process is gone. */
  readonly stopSteps: readonly { readonly signal: NodeJS.Signals; readonly limitMs: number }[];
}

export interface ReadyLimits {
  /** Undefined when ready, else what is missing. */
  readonly check: () => Promise<string | undefined>;
  readonly limitMs: number;
  /** A process that has ended this often before it was ready will not come up. */
  readonly exitsMax: number;
  readonly signal: AbortSignal;
}

const BACKOFF_MIN_MS = 200;
const BACKOFF_MAX_MS = 5_000;
/** A process that ran this long and then died is started again at once. */
const STEADY_MS = 30_000;
const READY_POLL_MS = 50;

/**
 * Keeps one child process running until stop() is called: one that dies is started again after 0.2 s, then
 * after twice as long each time, up to 5 s. At most one child exists at any moment.
 */
export class SupervisedProcess {
  private child: ChildProcess | undefined;
  private readonly stopping = new AbortController();
  private running: Promise<void> = Promise.resolve();
  private exits = 0;
  private lastEnd = '';

  constructor(private readonly plan: ProcessPlan) {}

  get pid(): number | undefined {
    return this.child?.pid;
  }

  start(): void {
    this.running = this.keepRunning();
  }

  /** Waits until the process says that it is ready; what keeps it from being ready ends up in the sentence. */
  async untilReady({ check, limitMs, exitsMax, signal }: ReadyLimits): Promise<void> {
    const deadline = Date.now() + limitMs;
    let missing: string | undefined = 'it has not answered';
    while (this.exits < exitsMax && Date.now() < deadline) {
      missing = await check();
      if (missing === undefined) return;
      await sleep(READY_POLL_MS, undefined, { signal });
    }
    const end = this.lastEnd === '' ? '' : ` It ended ${this.exits} times, the last time ${this.lastEnd}.`;
    const within = this.exits < exitsMax ? ` within ${limitMs / 1000} s` : '';
    throw new CannotStart(`${this.plan.name} did not become ready${within}: ${missing}.${end}`);
  }

  /** Resolves when the process is gone. When `hurry` fires, the second step comes at once. */
  async stop(hurry: AbortSignal): Promise<void> {
    this.stopping.abort();
    const gone = this.running.then(() => true);
    for (const [index, { signal, limitMs }] of this.plan.stopSteps.entries()) {
      this.child?.kill(signal);
      if (await Promise.race([gone, patience(limitMs, index === 0 ? hurry : undefined)])) return;
    }
  }

  private async keepRunning(): Promise<void> {
    let backoffMs = BACKOFF_MIN_MS;
    while (!this.stopping.signal.aborted) {
      const startedAt = Date.now();
      this.lastEnd = await this.runOnce();
      this.exits++;
      if (this.stopping.signal.aborted) return;
      if (Date.now() - startedAt > STEADY_MS) backoffMs = BACKOFF_MIN_MS;
      console.error(
        `${this.plan.name} ended unexpectedly, ${this.lastEnd}; starting it again in ${backoffMs} ms.`,
      );
      await sleep(backoffMs, undefined, { signal: this.stopping.signal }).catch(() => undefined);
      backoffMs = Math.min(backoffMs * 2, BACKOFF_MAX_MS);
    }
  }

  private async runOnce(): Promise<string> {
    try {
      this.child = await this.plan.start();
      // Stopped while it was being started: stop() had nobody to send its signal to.
      const first = this.plan.stopSteps[0];
      if (this.stopping.signal.aborted && first !== undefined) this.child.kill(first.signal);
      const [code, signal] = (await once(this.child, 'exit')) as [number | null, NodeJS.Signals | null];
      return signal === null ? `with exit code ${code}` : `by ${signal}`;
    } catch (error) {
      return `because ${String(error)}`;
    } finally {
      this.child = undefined;
    }
  }
}

/** False when the limit has passed or somebody is in a hurry; it holds no process open. */
async function patience(limitMs: number, hurry: AbortSignal | undefined): Promise<false> {
  const options = hurry === undefined ? { ref: false } : { ref: false, signal: hurry };
  await sleep(limitMs, undefined, options).catch(() => undefined);
  return false;
}
