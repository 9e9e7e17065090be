import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';

const sampleEveryMs = 10;

/** While it watches: for how long statements of the apps waited behind the session that migrates, and for what. */
export class LockWaits {
  longestMs = 0;
  statement = '';
  samples = 0;
  private isStopped = false;
  private readonly done: Promise<void>;

  private constructor(private readonly db: pg.Client) {
    this.done = this.watch();
    this.done.catch(() => undefined);
  }

  static async watch(superuserUrl: string): Promise<LockWaits> {
    const db = new pg.Client({ connectionString: superuserUrl });
    await db.connect();
    return new LockWaits(db);
  }

  async stop(): Promise<void> {
    this.isStopped = true;
    await this.done;
    await this.db.end();
  }

  private async watch(): Promise<void> {
    while (!this.isStopped) {
      const { rows } = await this.db.query<{ ms: number; query: string }>(
        `SELECT extract(epoch FROM clock_timestamp() - l.waitstart)::float8 * 1000 AS ms, w.query
        FROM pg_locks l JOIN pg_stat_activity w ON w.pid = l.pid
        WHERE NOT l.granted AND l.waitstart IS NOT NULL AND w.application_name <> 'ledger-migrate'
          AND EXISTS (SELECT FROM pg_stat_activity m
            WHERE m.application_name = 'ledger-migrate' AND m.pid = ANY (pg_blocking_pids(l.pid)))
        ORDER BY ms DESC LIMIT 1`,
      );
      this.samples++;
      const [longest] = rows;
      if (longest && longest.ms > this.longestMs) {
        this.longestMs = longest.ms;
        this.statement = longest.query.replace(/\s+/g, ' ').slice(0, 100);
      }
      await sleep(sampleEveryMs);
    }
  }
}
