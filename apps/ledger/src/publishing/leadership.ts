import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { Logger } from '#platform';

export interface LeadershipParts {
  readonly url: string;
  readonly logger: Logger;
  /** Called when this process begins or ceases to lead. */
  readonly onChange: () => void;
}

/** Session lock of the one process that publishes; the number only has to differ from other locks of ours. */
const PUBLISHER_LOCK = 7_165_901_335;
const tryEveryMs = 1_000;
const heartbeatEveryMs = 2_000;
const connectMsMax = 5_000;
const queryMsMax = 5_000;
/** Postgres ends a session that has been silent for 10 s, and its lock with it: after this time it may be so. */
const certainMsMax = 8_000;
const retryMsMax = 5_000;

/**
 * Which of all processes publishes: the one whose session has the lock. That only saves work. A process that was
 * frozen can believe that it leads after another has begun to, so that each leader has a term of its own, which
 * every checkpoint it saves has to name.
 */
export class Leadership {
  private held: bigint | null = null;
  private lastAnswerAt = 0;
  private readonly stopping = new AbortController();
  private running: Promise<void> = Promise.resolve();
  private giveUp: (() => void) | undefined;

  constructor(private readonly parts: LeadershipParts) {}

  start(): void {
    this.running = this.run();
  }

  /** Null while another process leads, and when the last heartbeat is too old to be sure. */
  get term(): bigint | null {
    return performance.now() - this.lastAnswerAt < certainMsMax ? this.held : null;
  }

  /** What was saved in this term was refused: it has ended, whatever the session says. */
  resign(): void {
    this.giveUp?.();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  /** One session after the other. */
  private async run(): Promise<void> {
    for (let failures = 0; !this.stopping.signal.aborted; failures++) {
      const startedAt = performance.now();
      const reason = await this.session().catch((error: unknown) => error);
      const wasTerm = this.held;
      this.held = null;
      if (wasTerm !== null) this.parts.onChange();
      if (this.stopping.signal.aborted) return;
      if (performance.now() - startedAt > 60_000) failures = 0;
      const waitMs = Math.min(200 * 2 ** failures, retryMsMax);
      this.parts.logger.warn(
        { err: reason, term: wasTerm, waitMs },
        'the session that decides who publishes has ended and is made again',
      );
      await this.pause(waitMs);
    }
  }

  private async session(): Promise<unknown> {
    const client = new pg.Client({
      connectionString: this.parts.url,
      application_name: 'ledger-publisher-leader',
      keepAlive: true,
      connectionTimeoutMillis: connectMsMax,
      query_timeout: queryMsMax,
      options: '-c idle_session_timeout=10s -c lock_timeout=4s -c statement_timeout=4s',
    });
    let ended: unknown;
    const over = new Promise<void>((resolve) => {
      const end = (reason: unknown) => {
        ended ??= reason;
        resolve();
      };
      client.on('error', end);
      client.on('end', () => end(new Error('the connection has ended')));
      this.giveUp = () => end(new Error('a later term has begun'));
    });
    try {
      await client.connect();
      while (ended === undefined && !this.stopping.signal.aborted) {
        const sentAt = performance.now();
        if (this.held === null) await this.tryToLead(client, sentAt);
        else await client.query('SELECT 1');
        if (ended === undefined) this.lastAnswerAt = sentAt;
        await Promise.race([over, this.pause(this.held === null ? tryEveryMs : heartbeatEveryMs)]);
      }
      return ended;
    } finally {
      this.giveUp = undefined;
      await Promise.race([client.end().catch(() => undefined), sleep(1_000, undefined, { ref: false })]);
    }
  }

  private async tryToLead(client: pg.Client, sentAt: number): Promise<void> {
    const { rows } = await client.query<{ is_ours: boolean }>('SELECT pg_try_advisory_lock($1) AS is_ours', [
      PUBLISHER_LOCK,
    ]);
    if (!rows[0]?.is_ours) return;
    const begun = await client.query<{ term: string }>(
      'UPDATE publishing.leadership SET term = term + 1 RETURNING term::text',
    );
    this.held = BigInt(begun.rows[0]?.term ?? '0');
    this.lastAnswerAt = sentAt;
    this.parts.logger.info({ term: this.held }, 'this process publishes the journal');
    this.parts.onChange();
  }

  private pause(ms: number): Promise<void> {
    return sleep(ms, undefined, { signal: this.stopping.signal }).catch(() => undefined);
  }
}
