import { Injectable, Logger, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { AccessDatabase } from './access-database.js';

const timestampToleranceSeconds = 300;
/** As long as a signature can be in time, from the first moment to the last. */
const uniqueForSeconds = 2 * timestampToleranceSeconds;
/** Twice that, for a database whose clock is set back. */
const keptForSeconds = 2 * uniqueForSeconds;
const pruneEveryMs = 60_000;
const prunedAtOnceMax = 5_000;
const prunedInARowMax = 100;

export type NonceUse = 'first' | 'repeated' | 'out of time';

/**
 * The ids of requests that signing keys have used. One statement judges the time and writes the id, by the clock
 * of the database alone: no process whose clock is wrong or jumps lets a request in again, and all of them know
 * of a use once it is answered here. It is committed before the request goes on.
 */
@Injectable()
export class Nonces implements OnModuleInit, OnModuleDestroy {
  private readonly logger = new Logger(Nonces.name);
  private timer: NodeJS.Timeout | undefined;
  private pruning: Promise<void> = Promise.resolve();

  constructor(private readonly database: AccessDatabase) {}

  async use(keyId: string, requestId: string, unixSeconds: number): Promise<NonceUse> {
    const [answer] = await this.database.query<{ isInTime: boolean; isFirst: boolean }>(
      `WITH sent AS (SELECT abs(extract(epoch FROM now()) - $3::numeric) <= $4::numeric AS is_in_time),
      used AS (
        INSERT INTO access.nonces AS n (key_id, request_id) SELECT $1, $2 FROM sent WHERE is_in_time
        ON CONFLICT (key_id, request_id) DO UPDATE SET used_at = now()
          WHERE n.used_at < now() - make_interval(secs => $5)
        RETURNING n.used_at
      )
      SELECT is_in_time AS "isInTime", EXISTS (SELECT FROM used) AS "isFirst" FROM sent`,
      [keyId, requestId, unixSeconds, timestampToleranceSeconds, uniqueForSeconds],
    );
    if (!answer?.isInTime) return 'out of time';
    return answer.isFirst ? 'first' : 'repeated';
  }

  onModuleInit(): void {
    this.timer = setInterval(() => {
      this.pruning = this.prune().catch((error: Error) =>
        this.logger.warn(`old request ids are still there: ${error.message}`),
      );
    }, pruneEveryMs);
    this.timer.unref();
  }

  async onModuleDestroy(): Promise<void> {
    clearInterval(this.timer);
    await this.pruning;
  }

  /** In small steps, several processes beside each other. */
  async prune(): Promise<void> {
    for (let steps = 0; steps < prunedInARowMax; steps++) {
      const gone = await this.database.query(
        `DELETE FROM access.nonces WHERE ctid = ANY (ARRAY(
          SELECT ctid FROM access.nonces WHERE used_at < now() - make_interval(secs => $1)
          ORDER BY used_at LIMIT $2 FOR UPDATE SKIP LOCKED))
        RETURNING 1`,
        [keptForSeconds, prunedAtOnceMax],
      );
      if (gone.length < prunedAtOnceMax) return;
    }
  }
}
