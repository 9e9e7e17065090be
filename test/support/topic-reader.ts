import { randomUUID } from 'node:crypto';
import { Kafka, logLevel, type Admin } from 'kafkajs';
import type { KafkaSettings } from '#event-stream';

export interface ReadMessage {
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
  readonly key: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly value: string;
}

const readMsMax = 60_000;

/**
 * All that a topic holds now, in order per partition: read with kafkajs itself, so that what the product writes
 * isn't judged by what the product reads.
 */
export async function readTopic(settings: KafkaSettings, topic: string): Promise<ReadMessage[]> {
  const kafka = new Kafka({ brokers: [...settings.KAFKA_BROKERS], logLevel: logLevel.NOTHING });
  const ends = await withAdmin(settings, (admin) => admin.fetchTopicOffsets(topic));
  const missing = new Set(ends.filter(({ low, high }) => low !== high).map(({ partition }) => partition));
  const messages: ReadMessage[] = [];
  if (missing.size === 0) return messages;

  const consumer = kafka.consumer({ groupId: `reader-${randomUUID()}`, maxWaitTimeInMs: 100 });
  let timer: NodeJS.Timeout | undefined;
  try {
    await consumer.connect();
    await consumer.subscribe({ topics: [topic], fromBeginning: true });
    await new Promise<void>((resolve, reject) => {
      timer = setTimeout(() => reject(new Error(`${topic} was not read in ${readMsMax} ms`)), readMsMax);
      void consumer.run({
        autoCommit: false,
        eachBatch: ({ batch: { partition, messages: batch } }) => {
          for (const { offset, key, headers, value } of batch) {
            const texts = Object.entries(headers ?? {}).map(([name, text]) => [name, String(text)]);
            messages.push({
              topic,
              partition,
              offset,
              key: key?.toString() ?? '',
              headers: Object.fromEntries(texts) as Record<string, string>,
              value: value?.toString() ?? '',
            });
          }
          const end = ends.find((candidate) => candidate.partition === partition);
          if (BigInt(batch.at(-1)?.offset ?? -1) + 1n >= BigInt(end?.high ?? 0)) missing.delete(partition);
          if (missing.size === 0) resolve();
          return Promise.resolve();
        },
      });
    });
    return messages;
  } finally {
    clearTimeout(timer);
    await consumer.disconnect();
  }
}

/** What an operator does with Kafka's own tools. */
export async function withAdmin<T>(settings: KafkaSettings, work: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = new Kafka({ brokers: [...settings.KAFKA_BROKERS], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  try {
    return await work(admin);
  } finally {
    await admin.disconnect();
  }
}
