import { CompressionTypes, Partitioners, type Producer, type TopicMessages } from 'kafkajs';
import type { TopicMessage } from '#contracts';
import type { Logger } from '#platform';
import { createKafkaClient, type KafkaClient } from './kafka-client.js';
import type { KafkaSettings } from './kafka-settings.js';
import { ensureTopics } from './kafka-topics.js';

export interface TopicPublisherParts {
  readonly settings: KafkaSettings;
  readonly logger: Logger;
  /** From the call of send to its end, connecting included. */
  readonly sendMsMax?: number;
}

const sendMsMaxDefault = 30_000;
const allInSyncReplicas = -1;

interface Connected {
  readonly client: KafkaClient;
  readonly producer: Producer;
}

/**
 * Writes messages to their topics, in order per key: when `send` resolves, all of them are on every in-sync
 * replica. When it rejects, nobody knows which are; the producer is thrown away with its connections, and the
 * caller sends again all that it has not seen acknowledged, which may repeat some.
 *
 * Exactly one send at a time: with two, kafkajs counts a lost answer back from a sequence number that the other
 * has moved on, and the broker takes new messages for repeats.
 */
export class TopicPublisher {
  private connected: Connected | undefined;
  private current: KafkaClient | undefined;
  private isSending = false;
  private isStopped = false;
  private giveUp: ((reason: Error) => void) | undefined;

  constructor(private readonly parts: TopicPublisherParts) {}

  async send(messages: readonly TopicMessage[]): Promise<void> {
    if (this.isSending) throw new Error('a send of this publisher has not ended');
    if (this.isStopped) throw new Error('this publisher has been stopped');
    if (messages.length === 0) return;
    this.isSending = true;
    const limit = this.startLimit();
    try {
      await Promise.race([this.connectAndSend(messages), limit.passed]);
    } catch (error) {
      this.throwAway();
      throw error;
    } finally {
      limit.clear();
      this.isSending = false;
    }
  }

  /** What is being sent is given up. */
  stop(): void {
    this.isStopped = true;
    this.giveUp?.(new Error('this publisher has been stopped'));
    this.throwAway();
  }

  private async connectAndSend(messages: readonly TopicMessage[]): Promise<void> {
    this.connected ??= await this.connect();
    await this.connected.producer.sendBatch({
      acks: allInSyncReplicas,
      compression: CompressionTypes.None,
      topicMessages: groupByTopic(messages),
    });
  }

  private async connect(): Promise<Connected> {
    const { settings, logger, sendMsMax = sendMsMaxDefault } = this.parts;
    const client = createKafkaClient(settings, 'ledger-publisher', logger, Math.floor(sendMsMax / 2));
    this.current = client;
    await ensureTopics(client, settings, logger);
    const producer = client.kafka.producer({
      idempotent: true,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
      createPartitioner: Partitioners.DefaultPartitioner,
      // The fewest that kafkajs allows: whoever calls sends again, with a producer whose counting is right.
      retry: { retries: 1, initialRetryTime: 100, maxRetryTime: 1_000 },
    });
    await producer.connect();
    if (this.current !== client) throw new Error('it has been given up meanwhile');
    return { client, producer };
  }

  private throwAway(): void {
    this.current?.retire();
    this.current = undefined;
    this.connected = undefined;
  }

  private startLimit(): { passed: Promise<never>; clear: () => void } {
    const { sendMsMax = sendMsMaxDefault } = this.parts;
    let timer: NodeJS.Timeout | undefined;
    const passed = new Promise<never>((_, reject) => {
      this.giveUp = reject;
      timer = setTimeout(() => reject(new Error(`Kafka has not answered in ${sendMsMax} ms`)), sendMsMax);
    });
    return { passed, clear: () => clearTimeout(timer) };
  }
}

function groupByTopic(messages: readonly TopicMessage[]): TopicMessages[] {
  const byTopic = new Map<string, TopicMessages>();
  for (const { topic, key, headers, value } of messages) {
    let group = byTopic.get(topic);
    if (!group) byTopic.set(topic, (group = { topic, messages: [] }));
    group.messages.push({ key, value, headers: { ...headers } });
  }
  return [...byTopic.values()];
}
