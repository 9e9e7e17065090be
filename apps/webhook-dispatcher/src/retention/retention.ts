import type pg from 'pg';
import type { Logger } from '#platform';
import { dayAfter, daysAhead, daysKept } from './days.js';
import { deleteOldLanes } from './scan-old-lanes.js';

export interface RetentionParts {
  readonly pool: pg.Pool;
  readonly logger: Logger;
  readonly everyMs?: number;
  readonly now?: () => number;
}

const everyMsDefault = 600_000;
const retryMs = 10_000;
/** At most one process of the deployment tidies at a time. */
const tidyLock = 7_165_901_334;

/**
 * Makes the partitions of the days to come, and drops those whose time is over. Everybody makes them, so that no
 * process depends on another; whoever gets the lock drops. Both go through functions of the tables' owner.
 */
export class Retention {
  private readonly made = new Set<string>();
  private readonly now: () => number;
  private timer: NodeJS.Timeout | undefined;
  private working: Promise<void> = Promise.resolve();
  private isStopped = false;

  constructor(private readonly parts: RetentionParts) {
    this.now = parts.now ?? Date.now;
  }

  /** Resolves when today's partitions are there. */
  async start(): Promise<void> {
    await this.makeDays();
    this.soon(0);
  }

  async stop(): Promise<void> {
    this.isStopped = true;
    clearTimeout(this.timer);
    await this.working;
  }

  /** Whether this day's partitions are known to be there. */
  isMade(day: string): boolean {
    return this.made.has(day);
  }

  async tidy(): Promise<void> {
    await this.makeDays();
    const client = await this.parts.pool.connect();
    try {
      const { rows } = await client.query<{ is_ours: boolean }>(
        'SELECT pg_try_advisory_lock($1) AS is_ours',
        [tidyLock],
      );
      if (!rows[0]?.is_ours) return;
      try {
        await this.dropOldDays(client);
      } finally {
        await client.query('SELECT pg_advisory_unlock($1)', [tidyLock]);
      }
    } finally {
      client.release();
    }
  }

  private async makeDays(): Promise<void> {
    const days = Array.from({ length: daysAhead + 2 }, (_, index) => dayAfter(this.now(), index - 1));
    await this.parts.pool.query('SELECT dispatcher.make_days_v1($1::date[])', [days]);
    for (const day of days) this.made.add(day);
    for (const day of this.made) if (day < dayAfter(this.now(), -daysKept)) this.made.delete(day);
  }

  private async dropOldDays(client: pg.PoolClient): Promise<void> {
    const firstKept = dayAfter(this.now(), -daysKept);
    for (;;) {
      const { rows } = await client.query<{ day: string | null }>(
        'SELECT dispatcher.drop_day_before_v1($1::date)::text AS day',
        [firstKept],
      );
      const day = rows[0]?.day;
      if (!day) break;
      this.parts.logger.info({ day }, 'events, deliveries and attempts of a day were dropped by age');
    }
    while (await deleteOldLanes(client, firstKept));
  }

  private soon(waitMs: number): void {
    if (this.isStopped) return;
    this.timer = setTimeout(() => {
      this.working = this.tidy().then(
        () => this.soon(this.parts.everyMs ?? everyMsDefault),
        (err: unknown) => {
          this.parts.logger.warn(
            { err },
            'old days could not be dropped, or new ones made; it is tried again',
          );
          this.soon(retryMs);
        },
      );
    }, waitMs);
    this.timer.unref();
  }
}
