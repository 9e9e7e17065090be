import { LRUCache } from 'lru-cache';
import type pg from 'pg';
import type { Registry } from 'prom-client';
import { ReconnectingClient, type Logger } from '#platform';
import { commitChannel, decodeLedgerIds } from './commit-notifications.js';
import type { EventStream, Subscriber, Subscription } from './event-stream.js';
import { followChannel, followLedger } from './follow-ledger.js';
import { takeStreamTurn } from './postgres-turn.js';
import { scanLag } from './scan-lag.js';
import { streamMetrics, type StreamMetrics } from './stream-metrics.js';
import { TurnQueue } from './turn-queue.js';

export interface PostgresStreamSettings {
  /** At once, over all ledgers; each uses a connection of the pool. */
  readonly turnsMax: number;
  readonly messagesPerTurnMax: number;
  /** A process that stands still in its turn loses the ledger to others after this time. */
  readonly turnIdleMsMax: number;
  /** Between the beginnings of two turns of one ledger that isn't behind. */
  readonly restMs: number;
  readonly scanEveryMs: number;
  readonly retryMs: number;
  readonly retryMsMax: number;
  readonly stopMsMax: number;
}

export const postgresStreamDefaults: PostgresStreamSettings = {
  turnsMax: 4,
  messagesPerTurnMax: 500,
  turnIdleMsMax: 10_000,
  restMs: 10,
  scanEveryMs: 1_000,
  retryMs: 50,
  retryMsMax: 5_000,
  stopMsMax: 5_000,
};

export interface PostgresStreamParts {
  /** Where commits are heard of, on a connection of its own. */
  readonly url: string;
  /** The subscriber's sessions, of the database that the journal is in. */
  readonly pool: pg.Pool;
  readonly logger: Logger;
  readonly registry: Registry;
  readonly settings?: Partial<PostgresStreamSettings>;
}

const keysMax = 10_000;
/** Commits of ledgers that nobody here follows are frequent; for this long they aren't looked at again. */
const unfollowedMs = 10_000;
const alertEveryMs = 60_000;
/** Ledgers named in one line of the log. */
const namedMax = 20;

/**
 * `ledger.events.v1` as it is read from the journal itself, without a copy. A subscriber follows the ledgers that
 * have a row in stream.offsets. A notification of a commit or of a new row says that a ledger may have
 * something; whatever notification is lost, the scan finds it a second later. Any number of processes may
 * subscribe under one name: the lock on a ledger's row decides who takes its turn, and nothing that is kept in
 * memory matters to what is read.
 */
export class PostgresEventStream implements EventStream {
  private readonly settings: PostgresStreamSettings;
  private readonly metrics: StreamMetrics;

  constructor(private readonly parts: PostgresStreamParts) {
    this.settings = { ...postgresStreamDefaults, ...parts.settings };
    this.metrics = streamMetrics(parts.registry);
  }

  async subscribe(subscriber: Subscriber): Promise<Subscription> {
    const subscription = new PostgresSubscription(subscriber, this.parts, this.settings, this.metrics);
    await subscription.start();
    return subscription;
  }

  follow(db: pg.ClientBase, subscriberName: string, ledgerId: string): Promise<void> {
    return followLedger(db, subscriberName, ledgerId);
  }
}

class PostgresSubscription implements Subscription {
  private readonly turns: TurnQueue;
  private readonly listener: ReconnectingClient;
  private readonly unfollowed = new LRUCache<string, true>({ max: keysMax, ttl: unfollowedMs });
  private isStopping = false;
  private isScanFailing = false;
  private alertedAt = -Infinity;
  private scanTimer: NodeJS.Timeout | undefined;
  private scanning: Promise<void> = Promise.resolve();

  constructor(
    private readonly subscriber: Subscriber,
    private readonly parts: PostgresStreamParts,
    private readonly settings: PostgresStreamSettings,
    private readonly metrics: StreamMetrics,
  ) {
    const { logger, url } = parts;
    this.turns = new TurnQueue(
      { ...settings, keysMax },
      {
        take: (ledgerId) => this.take(ledgerId),
        onFailed: (ledgerId, err, failures, waitMs) =>
          logger.warn(
            { err, subscriber: subscriber.name, ledgerId, failures, waitMs },
            'a turn of a subscriber failed and will be tried again',
          ),
      },
    );
    this.listener = new ReconnectingClient({
      url,
      applicationName: `stream-listener-${subscriber.name}`,
      logger,
      prepare: async (client) => {
        client.on('notification', ({ channel, payload = '' }) =>
          channel === followChannel ? this.onFollowed(payload) : this.onCommitted(payload),
        );
        await client.query(`LISTEN ${commitChannel}; LISTEN ${followChannel}`);
      },
    });
  }

  async start(): Promise<void> {
    await this.listener.start();
    this.scanSoon(0);
  }

  async stop(): Promise<void> {
    this.isStopping = true;
    clearTimeout(this.scanTimer);
    await this.listener.stop();
    await Promise.all([this.turns.stop(this.settings.stopMsMax), this.scanning]);
  }

  private onCommitted(payload: string): void {
    for (const ledgerId of decodeLedgerIds(payload)) {
      if (!this.unfollowed.has(ledgerId)) this.turns.poke(ledgerId);
    }
  }

  private onFollowed(payload: string): void {
    for (const ledgerId of decodeLedgerIds(payload)) {
      this.unfollowed.delete(ledgerId);
      this.turns.poke(ledgerId);
    }
  }

  private async take(ledgerId: string): Promise<boolean> {
    const { name } = this.subscriber;
    const end = this.metrics.turnSeconds.startTimer({ subscriber: name });
    let result = 'failed';
    try {
      const turn = await takeStreamTurn(this.parts.pool, this.subscriber, ledgerId, {
        messagesPerTurnMax: this.settings.messagesPerTurnMax,
        idleMsMax: this.settings.turnIdleMsMax,
      });
      result = turn.result;
      if (turn.result === 'unfollowed') this.unfollowed.set(ledgerId, true);
      else this.unfollowed.delete(ledgerId);
      this.metrics.messages.inc({ subscriber: name }, turn.messages);
      return turn.isBehind;
    } finally {
      end({ result });
    }
  }

  private scanSoon(waitMs: number): void {
    if (this.isStopping) return;
    this.scanTimer = setTimeout(() => {
      this.scanning = this.scan().finally(() => this.scanSoon(this.settings.scanEveryMs));
    }, waitMs);
  }

  private async scan(): Promise<void> {
    const { name } = this.subscriber;
    try {
      const lag = await scanLag(this.parts.pool, name);
      this.metrics.lagEvents.set({ subscriber: name }, lag.events);
      this.metrics.lagSeconds.set({ subscriber: name }, lag.seconds);
      // The database is back: turns that failed for want of it need not wait for their pauses to end.
      if (this.isScanFailing) this.turns.endPauses();
      this.isScanFailing = false;
      if (lag.lostLedgerIds.length > 0) this.alert(lag.lostLedgerIds);
      for (const ledgerId of lag.ledgerIds) {
        this.unfollowed.delete(ledgerId);
        this.turns.poke(ledgerId);
      }
    } catch (err) {
      this.isScanFailing = true;
      this.parts.logger.warn({ err, subscriber: name }, 'the scan for ledgers behind failed');
    }
  }

  private alert(ledgerIds: readonly string[]): void {
    if (performance.now() - this.alertedAt < alertEveryMs) return;
    this.alertedAt = performance.now();
    this.parts.logger.error(
      { subscriber: this.subscriber.name, ledgerIds: ledgerIds.slice(0, namedMax), count: ledgerIds.length },
      'journals end before what a subscriber has handled: were they restored without a new epoch?',
    );
  }
}
