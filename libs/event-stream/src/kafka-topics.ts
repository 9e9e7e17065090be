import type { Admin } from 'kafkajs';
import { topics, type Topic } from '#contracts';
import type { Logger } from '#platform';
import type { KafkaClient } from './kafka-client.js';
import type { KafkaSettings } from './kafka-settings.js';

const waitForLeadersMs = 10_000;

/**
 * Makes the topics that are missing. One that exists is never changed: with another number of partitions its
 * keys would move between them and lose their order, so that a difference is only reported, each time.
 */
export async function ensureTopics(
  client: KafkaClient,
  settings: KafkaSettings,
  logger: Logger,
): Promise<void> {
  const admin = client.kafka.admin({ retry: { retries: 2, initialRetryTime: 100, maxRetryTime: 1_000 } });
  await admin.connect();
  try {
    const wanted: [Topic, number][] = [
      [topics.events, settings.KAFKA_EVENTS_PARTITIONS],
      [topics.entries, settings.KAFKA_ENTRIES_PARTITIONS],
    ];
    await createMissing(admin, wanted, settings.KAFKA_REPLICATION_FACTOR, logger);
    const { topics: found } = await admin.fetchTopicMetadata({ topics: wanted.map(([topic]) => topic) });
    for (const [topic, expected] of wanted) {
      const partitions = found.find(({ name }) => name === topic)?.partitions.length;
      if (partitions === expected) continue;
      logger.error(
        { topic, partitions, expected },
        'a topic exists with another number of partitions than is set: it is used as it is',
      );
    }
  } finally {
    await admin.disconnect().catch(() => undefined);
  }
}

async function createMissing(
  admin: Admin,
  wanted: readonly [Topic, number][],
  replicationFactor: number,
  logger: Logger,
): Promise<void> {
  const existing = new Set(await admin.listTopics());
  const missing = wanted.filter(([topic]) => !existing.has(topic));
  if (missing.length === 0) return;
  const isCreated = await admin.createTopics({
    waitForLeaders: true,
    timeout: waitForLeadersMs,
    topics: missing.map(([topic, numPartitions]) => ({
      topic,
      numPartitions,
      replicationFactor,
      configEntries: [
        { name: 'cleanup.policy', value: 'delete' },
        // The broker's clock, not the publisher's: one that is an hour ahead would have all it sends refused, and one
        // that is days behind would have it deleted at once.
        { name: 'message.timestamp.type', value: 'LogAppendTime' },
        // "All in-sync replicas" of one that is left would be no second copy.
        { name: 'min.insync.replicas', value: replicationFactor >= 3 ? '2' : '1' },
      ],
    })),
  });
  // False: another process was faster.
  if (isCreated) logger.info({ topics: Object.fromEntries(missing) }, 'topics were made');
}
