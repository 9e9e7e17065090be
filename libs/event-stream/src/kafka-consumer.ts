import { setTimeout as sleep } from 'node:timers/promises';
import type { Admin, Consumer, EachBatchPayload, KafkaMessage } from 'kafkajs';
import type pg from 'pg';
import type { Logger } from '#platform';
import type { Subscriber } from './event-stream.js';
import { createKafkaClient, type KafkaClient } from './kafka-client.js';
import type { KafkaMetrics } from './kafka-metrics.js';
import { findOrCreateOffset } from './kafka-offsets.js';
import type { KafkaSettings } from './kafka-settings.js';
import { ensureTopics } from './kafka-topics.js';
import { takeTurn } from './kafka-turn.js';

export interface KafkaConsumerParts {
  readonly settings: KafkaSettings;
  readonly topic: string;
  readonly subscriber: Subscriber;
  readonly pool: pg.Pool;
  readonly logger: Logger;
  readonly metrics: KafkaMetrics | undefined;
  /** How long the group waits for a reader in the middle of a turn before its partitions go to others. */
  readonly rebalanceMsMax: number;
}

const messagesPerTurnMax = 500;
const bytesPerPartitionMax = 1_048_576;
const fetchWaitMsMax = 500;
const requestMsMax = 15_000;
const retryMs = 100;
const retryMsMax = 30_000;
const tellKafkaEveryMs = 5_000;
const placeStoppedEveryMs = 30_000;
const silenceMsMax = 120_000;
const leaveMsMax = 10_000;

/**
 * One consumer of kafkajs, from its start to its first crash: never repaired, always replaced.
 *
 * The position that counts is stored in Postgres with the effect. kafkajs starts elsewhere (at what was last told to
 * Kafka), and jumps when Kafka doesn't have an offset; so it is made to seek on each assignment, and each batch
 * is compared with the stored offset before anything of it is handled. A partition whose stored offset Kafka does
 * not have is not read at all, which is reported, until it has or somebody has decided what to do.
 */
export class KafkaConsumer {
  /** Resolves with the reason when it can't go on. */
  readonly crashed: Promise<Error>;
  private crash!: (error: Error) => void;
  private readonly client: KafkaClient;
  private readonly consumer: Consumer;
  private readonly admin: Admin;
  private readonly failures = new Map<number, number>();
  private readonly stopped = new Set<number>();
  private readonly untold = new Map<number, bigint>();
  private readonly timers = new Set<NodeJS.Timeout>();
  private handling = 0;
  private lastSignAt = performance.now();
  private isStopping = false;

  constructor(private readonly parts: KafkaConsumerParts) {
    const { settings, subscriber, logger } = parts;
    this.crashed = new Promise((resolve) => (this.crash = resolve));
    this.client = createKafkaClient(settings, subscriber.name, logger, requestMsMax);
    const retry = { retries: 4, initialRetryTime: 100, maxRetryTime: 1_000 };
    this.consumer = this.client.kafka.consumer({
      groupId: subscriber.name,
      allowAutoTopicCreation: false,
      sessionTimeout: settings.KAFKA_SESSION_MS,
      rebalanceTimeout: parts.rebalanceMsMax,
      heartbeatInterval: Math.floor(settings.KAFKA_SESSION_MS / 4),
      maxWaitTimeInMs: Math.min(fetchWaitMsMax, Math.floor(settings.KAFKA_SESSION_MS / 4)),
      maxBytesPerPartition: bytesPerPartitionMax,
      retry: { ...retry, restartOnFailure: () => Promise.resolve(false) },
    });
    this.admin = this.client.kafka.admin({ retry });
  }

  /** Rejects when there is no way to start; then, as after a crash, only `stop` is left to be called. */
  async start(): Promise<void> {
    const { settings, topic, logger } = this.parts;
    const { events } = this.consumer;
    for (const sign of [events.FETCH, events.HEARTBEAT, events.START_BATCH_PROCESS, events.GROUP_JOIN]) {
      this.consumer.on(sign, () => void (this.lastSignAt = performance.now()));
    }
    this.consumer.on(events.CRASH, ({ payload }) => this.crash(payload.error));
    this.consumer.on(events.GROUP_JOIN, ({ payload }) =>
      this.onAssigned(payload.memberAssignment[topic] ?? []),
    );
    await ensureTopics(this.client, settings, logger);
    await this.admin.connect();
    await this.consumer.connect();
    await this.consumer.subscribe({ topics: [topic], fromBeginning: true });
    await this.consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: 1,
      eachBatch: (payload) => this.eachBatch(payload),
    });
    this.every(tellKafkaEveryMs, () => this.tellKafka());
    this.every(placeStoppedEveryMs, () => this.place([...this.stopped]));
    this.every(1_000, () => this.watch());
  }

  /** Lets the turn that is running end, within a limit. */
  async stop(): Promise<void> {
    this.isStopping = true;
    for (const timer of this.timers) clearInterval(timer);
    const leave = async () => {
      await this.tellKafka();
      await this.consumer.disconnect();
      await this.admin.disconnect();
    };
    const limit = new AbortController();
    await Promise.race([
      leave().catch(() => undefined),
      sleep(leaveMsMax, undefined, { signal: limit.signal, ref: false }).catch(() => undefined),
    ]);
    limit.abort();
    this.client.retire();
    this.parts.metrics?.stoppedPartitions.set({ subscriber: this.parts.subscriber.name }, 0);
  }

  private onAssigned(partitions: readonly number[]): void {
    this.failures.clear();
    this.untold.clear();
    for (const partition of this.stopped) if (!partitions.includes(partition)) this.stopped.delete(partition);
    this.place(partitions).catch((err: unknown) => {
      this.parts.logger.warn({ err }, 'the stored offsets could not be read: each batch is placed by itself');
    });
  }

  /** Brings partitions to their stored offsets, and stops those that Kafka does not have there. */
  private async place(partitions: readonly number[]): Promise<void> {
    if (partitions.length === 0 || this.isStopping) return;
    const { topic, pool, subscriber, logger, metrics } = this.parts;
    const ranges = await this.admin.fetchTopicOffsets(topic);
    for (const partition of partitions) {
      const range = ranges.find((candidate) => candidate.partition === partition);
      if (!range) continue;
      const key = { subscriber: subscriber.name, topic, partition };
      const wanted = await findOrCreateOffset(pool, key, BigInt(range.low));
      if (this.isStopping) return;
      const topicPartition = [{ topic, partitions: [partition] }];
      if (wanted < BigInt(range.low) || wanted > BigInt(range.high)) {
        const { low, high } = range;
        this.stopped.add(partition);
        this.consumer.pause(topicPartition);
        logger.error(
          { ...key, wanted, low, high },
          'Kafka does not have the offset that is wanted: the partition is not read until stream.offsets names one that it has',
        );
      } else {
        if (this.stopped.delete(partition)) this.consumer.resume(topicPartition);
        this.consumer.seek({ topic, partition, offset: String(wanted) });
      }
    }
    metrics?.stoppedPartitions.set({ subscriber: subscriber.name }, this.stopped.size);
  }

  private async eachBatch(payload: EachBatchPayload): Promise<void> {
    const { partition } = payload.batch;
    if (this.isStopping || this.stopped.has(partition)) return;
    const heartbeatMs = Math.floor(this.parts.settings.KAFKA_SESSION_MS / 3);
    // A heartbeat that fails while a turn runs is made up for by the one after it, which rejoins the group.
    const beat = setInterval(() => void payload.heartbeat().catch(() => undefined), heartbeatMs);
    this.handling++;
    try {
      await this.takeTurns(payload);
      this.failures.delete(partition);
    } catch (err) {
      const failures = (this.failures.get(partition) ?? 0) + 1;
      this.failures.set(partition, failures);
      const waitMs = Math.min(retryMs * 2 ** Math.min(failures - 1, 20), retryMsMax);
      const { logger, metrics, subscriber, topic } = this.parts;
      metrics?.failures.inc({ subscriber: subscriber.name });
      logger.warn(
        { err, subscriber: subscriber.name, topic, partition, failures, waitMs },
        'messages could not be dealt with and will be given again',
      );
      const resume = payload.pause();
      this.after(waitMs, () => {
        if (!this.stopped.has(partition)) resume();
      });
    } finally {
      this.handling--;
      this.lastSignAt = performance.now();
      clearInterval(beat);
    }
  }

  private async takeTurns(payload: EachBatchPayload): Promise<void> {
    const { pool, subscriber, topic, metrics } = this.parts;
    const { partition } = payload.batch;
    const key = { subscriber: subscriber.name, topic, partition };
    let from = fetchedOffsetOf(payload.batch);
    let rest: readonly KafkaMessage[] = payload.batch.messages;
    while (rest.length > 0) {
      if (this.isStopping || !payload.isRunning() || payload.isStale()) return;
      const messages = rest.slice(0, messagesPerTurnMax);
      const outcome = await takeTurn(pool, subscriber, key, { from, messages });
      if (outcome.result === 'misplaced') return await this.place([partition]);
      metrics?.messages.inc({ subscriber: subscriber.name }, outcome.messages);
      payload.resolveOffset(String(outcome.next - 1n));
      this.untold.set(partition, outcome.next);
      from = outcome.next;
      rest = rest.filter(({ offset }) => BigInt(offset) >= outcome.next);
    }
  }

  /** For those who look at lag with Kafka's own tools; nothing here reads it back. */
  private async tellKafka(): Promise<void> {
    const { topic } = this.parts;
    const offsets = [...this.untold].map(([partition, next]) => ({ topic, partition, offset: String(next) }));
    this.untold.clear();
    if (offsets.length > 0) await this.consumer.commitOffsets(offsets);
  }

  /** kafkajs has been seen to stop without a word. */
  private watch(): Promise<void> {
    if (this.handling === 0 && performance.now() - this.lastSignAt > silenceMsMax) {
      this.crash(new Error(`the consumer has given no sign of life for ${silenceMsMax} ms`));
    }
    return Promise.resolve();
  }

  private every(ms: number, work: () => Promise<void>): void {
    const timer = setInterval(() => {
      work().catch((err: unknown) =>
        this.parts.logger.debug({ err }, 'a periodic task of a consumer failed'),
      );
    }, ms);
    this.timers.add(timer);
    if (this.isStopping) clearInterval(timer);
  }

  private after(ms: number, work: () => void): void {
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      if (!this.isStopping) work();
    }, ms);
    this.timers.add(timer);
    if (this.isStopping) clearTimeout(timer);
  }
}

/** Where the fetch began, which kafkajs knows and does not declare. */
function fetchedOffsetOf(batch: EachBatchPayload['batch']): bigint {
  const { fetchedOffset } = batch as unknown as { readonly fetchedOffset?: string };
  return BigInt(fetchedOffset ?? batch.firstOffset() ?? batch.messages[0]?.offset ?? '0');
}
