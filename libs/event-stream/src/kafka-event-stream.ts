import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import type { Registry } from 'prom-client';
import { topics, type Topic } from '#contracts';
import type { Logger } from '#platform';
import type { EventStream, Subscriber, Subscription } from './event-stream.js';
import { KafkaConsumer } from './kafka-consumer.js';
import { kafkaMetrics, type KafkaMetrics } from './kafka-metrics.js';
import type { KafkaSettings } from './kafka-settings.js';

export interface KafkaEventStreamParts {
  readonly settings: KafkaSettings;
  /** Of the subscriber's database; a subscriber uses one connection of it at a time. */
  readonly pool: pg.Pool;
  readonly logger: Logger;
  readonly registry?: Registry;
  /** Called when reading can't be made to work again from inside this process, which is then to end. */
  readonly onFatal: (error: Error) => void;
  readonly topic?: Topic;
  readonly rebalanceMsMax?: number;
}

const rebalanceMsMaxDefault = 30_000;

const rebuildMs = 200;
const rebuildMsMax = 5_000;
/** A consumer that ran this long has recovered, and the next crash is the first of its kind. */
const steadyMs = 60_000;
const refusalsMax = 10;
/** What another consumer of the same process would meet as well. */
const refusals =
  /AUTHENTICATION_FAILED|AUTHORIZATION_FAILED|UNSUPPORTED_VERSION|INCONSISTENT_GROUP_PROTOCOL|SASL|NotImplemented/i;

/** Reads a topic as a consumer group named as the subscriber; see kafka-consumer.ts for what makes it safe. */
export class KafkaEventStream implements EventStream {
  private readonly metrics: KafkaMetrics | undefined;

  constructor(private readonly parts: KafkaEventStreamParts) {
    this.metrics = parts.registry && kafkaMetrics(parts.registry);
  }

  /** Returns at once: a cluster that is away is waited for. */
  subscribe(subscriber: Subscriber): Promise<Subscription> {
    const stopping = new AbortController();
    const ended = this.consume(subscriber, stopping.signal);
    return Promise.resolve({
      stop: async () => {
        stopping.abort();
        await ended;
      },
    });
  }

  /** Every ledger's events are in the topic already. */
  follow(): Promise<void> {
    return Promise.resolve();
  }

  /** One consumer after the other, until it is stopped. */
  private async consume(subscriber: Subscriber, stopping: AbortSignal): Promise<void> {
    const { settings, pool, logger, onFatal } = this.parts;
    const { topic = topics.events, rebalanceMsMax = rebalanceMsMaxDefault } = this.parts;
    const parts = { settings, topic, subscriber, pool, logger, metrics: this.metrics, rebalanceMsMax };
    const aborted = new Promise<'stopped'>((resolve) => {
      stopping.addEventListener('abort', () => resolve('stopped'), { once: true });
    });
    let crashes = 0;
    let refused = 0;
    while (!stopping.aborted) {
      const startedAt = performance.now();
      const consumer = new KafkaConsumer(parts);
      const failed = consumer.start().then(
        () => consumer.crashed,
        (error: unknown) => (error instanceof Error ? error : new Error(String(error))),
      );
      const end = await Promise.race([failed, aborted]);
      await consumer.stop();
      if (end === 'stopped') return;
      if (performance.now() - startedAt > steadyMs) crashes = 0;
      refused = refusals.test(`${end.name} ${end.message}`) ? refused + 1 : 0;
      const waitMs = Math.min(rebuildMs * 2 ** Math.min(crashes++, 20), rebuildMsMax);
      this.metrics?.rebuilds.inc({ subscriber: subscriber.name });
      logger.error(
        { err: end, subscriber: subscriber.name, topic, waitMs },
        'a consumer ended and is made again',
      );
      if (refused >= refusalsMax) return onFatal(end);
      await sleep(waitMs, undefined, { signal: stopping }).catch(() => undefined);
    }
  }
}
