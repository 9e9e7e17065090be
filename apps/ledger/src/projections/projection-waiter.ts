import type pg from 'pg';
import { isForUnknownEvent, readProgress, type Progress } from './checkpoints.js';

export interface ProjectionWaiterSettings {
  readonly waitMsMax: number;
  readonly pollMs: number;
  readonly pollMsMax: number;
}

export const projectionWaiterDefaults: ProjectionWaiterSettings = {
  waitMsMax: 5_000,
  pollMs: 2,
  pollMsMax: 25,
};

export class ProjectionLagging extends Error {
  constructor(readonly projection: string) {
    super('the list is behind the newest writes; try again, or ask with consistency=eventual');
  }
}

interface Waiting {
  /** The head as of the request; null until it has been read. */
  target: bigint | null;
  resolve(): void;
  reject(error: unknown): void;
}

interface Loop {
  readonly waiting: Set<Waiting>;
  /** Ends the pause between two polls. */
  wake: () => void;
}

/**
 * Makes lists read what was written before they were asked for: a caller waits until the projection has reached
 * the head that the ledger had when it asked. However many wait for a ledger, one loop polls for all of them,
 * and no connection is held between two polls. A head is read after its caller has asked, never before, so
 * nobody is let through too early; each has the target of its own time, so nobody waits for later writes.
 */
export class ProjectionWaiter {
  private readonly settings: ProjectionWaiterSettings;
  private readonly loops = new Map<string, Loop>();

  constructor(
    private readonly pool: pg.Pool,
    /** Called when a ledger that somebody waits for is behind. */
    private readonly onBehind: (ledgerId: string) => void = () => undefined,
    settings: Partial<ProjectionWaiterSettings> = {},
  ) {
    this.settings = { ...projectionWaiterDefaults, ...settings };
  }

  async waitFor(
    projection: string,
    ledgerId: string,
    { waitMsMax = this.settings.waitMsMax } = {},
  ): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    let waiting: Waiting | undefined;
    const loop = this.loopOf(projection, ledgerId);
    try {
      await new Promise<void>((resolve, reject) => {
        waiting = { target: null, resolve, reject };
        loop.waiting.add(waiting);
        timer = setTimeout(() => reject(new ProjectionLagging(projection)), waitMsMax);
        loop.wake();
      });
    } finally {
      clearTimeout(timer);
      if (waiting) loop.waiting.delete(waiting);
    }
  }

  private loopOf(projection: string, ledgerId: string): Loop {
    const key = `${projection} ${ledgerId}`;
    const running = this.loops.get(key);
    if (running) return running;
    const loop: Loop = { waiting: new Set(), wake: () => undefined };
    this.loops.set(key, loop);
    // Started when the caller is in it.
    queueMicrotask(() => {
      void this.poll(projection, ledgerId, loop, key);
    });
    return loop;
  }

  private async poll(projection: string, ledgerId: string, loop: Loop, key: string): Promise<void> {
    let pauseMs = this.settings.pollMs;
    while (loop.waiting.size > 0) {
      const asked = [...loop.waiting];
      try {
        const progress = await readProgress(this.pool, ledgerId, projection);
        settle(loop, asked, progress, projection);
      } catch (error) {
        for (const waiting of asked) waiting.reject(error);
        for (const waiting of asked) loop.waiting.delete(waiting);
      }
      const isNews = [...loop.waiting].some(({ target }) => target === null);
      if (loop.waiting.size === 0 || isNews) continue;
      this.onBehind(ledgerId);
      await pause(loop, pauseMs);
      pauseMs = Math.min(pauseMs * 1.5, this.settings.pollMsMax);
    }
    // In the same step as the check that nobody waits: nobody can join a loop that has ended.
    this.loops.delete(key);
  }
}

function settle(loop: Loop, asked: readonly Waiting[], progress: Progress, projection: string): void {
  for (const waiting of asked) {
    waiting.target ??= progress.head;
    const isReached = waiting.target <= progress.reached;
    // In front of an event that one release doesn't know, another may go on.
    const isStuck = progress.parkedReason !== null && !isForUnknownEvent(progress.parkedReason);
    if (!isReached && !isStuck) continue;
    loop.waiting.delete(waiting);
    if (isReached) waiting.resolve();
    else waiting.reject(new ProjectionLagging(projection));
  }
}

function pause(loop: Loop, pauseMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, pauseMs);
    loop.wake = () => {
      clearTimeout(timer);
      resolve();
    };
  });
}
