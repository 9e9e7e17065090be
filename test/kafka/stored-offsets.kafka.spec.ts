import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { Registry } from 'prom-client';
import { topics, type TopicMessage } from '#contracts';
import { KafkaEventStream, TopicPublisher, type Subscription } from '#event-stream';
import { createPostgresPool } from '#platform';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { queryRows, until } from '../support/journal-fixtures.js';
import { startTestBroker, type TestBroker } from '../support/kafka.js';
import { withAdmin } from '../support/topic-reader.js';

/** What kafkajs would do by itself, and a subscriber must not. */
describe('the stored offset decides what a subscriber of Kafka gets', () => {
  let broker: TestBroker;
  let database: TestDatabase;
  let pool: pg.Pool;
  let name: string;
  let keys: string[];
  let logged: { message: string; details: Record<string, unknown> }[];
  let registry: Registry;
  let isFailing: boolean;
  const subscriptions: Subscription[] = [];

  beforeAll(async () => {
    [broker, database] = await Promise.all([startTestBroker(), createTestDatabase()]);
    pool = createPostgresPool({
      url: database.dispatcherUrl,
      applicationName: 'subscriber',
      connectionsMax: 4,
      onError: () => undefined,
    });
  }, 120_000);

  afterAll(async () => {
    await pool.end();
    await Promise.all([broker.close(), database.drop()]);
  }, 60_000);

  beforeEach(() => {
    name = `subscriber-${randomUUID()}`;
    [keys, logged, registry, isFailing] = [[], [], new Registry(), false];
  });

  afterEach(async () => {
    for (const subscription of subscriptions.splice(0)) await subscription.stop();
  }, 60_000);

  const log = (details: object, message: string) =>
    void logged.push({ message, details: details as Record<string, unknown> });
  const logger = { debug: () => undefined, info: () => undefined, warn: log, error: log };

  const subscribe = async () => {
    const onFatal = (error: Error) => log({ err: error }, 'fatal');
    const stream = new KafkaEventStream({ settings: broker.settings, pool, logger, registry, onFatal });
    const handle = (_db: pg.ClientBase, messages: readonly { key: string }[]) => {
      if (isFailing) return Promise.reject(new Error('the handler fails'));
      keys.push(...messages.map(({ key }) => key));
      return Promise.resolve(messages.length);
    };
    subscriptions.push(await stream.subscribe({ name, handle }));
  };
  const publish = async (key: string, count: number) => {
    const publisher = new TopicPublisher({ settings: broker.settings, logger });
    const messages = Array.from({ length: count }, () => ({
      topic: topics.events,
      key,
      value: '{}',
      headers,
    }));
    await until(
      () =>
        publisher.send(messages).then(
          () => true,
          () => false,
        ),
      20_000,
    );
    publisher.stop();
  };
  const got = (key: string) => keys.filter((candidate) => candidate === key).length;
  const storedOffsets = () =>
    queryRows<{ partition: string; position: string }>(
      database.superuserUrl,
      `SELECT partition, position::text FROM stream.offsets WHERE subscriber = $1 ORDER BY partition`,
      [name],
    );

  /** As retention does it. */
  const deleteAll = () =>
    withAdmin(broker.settings, async (admin) => {
      const ends = await admin.fetchTopicOffsets(topics.events);
      const partitions = ends.map(({ partition, high }) => ({ partition, offset: high }));
      await admin.deleteTopicRecords({ topic: topics.events, partitions });
    });
  const alerts = () => logged.filter(({ message }) => message.startsWith('Kafka does not have the offset'));

  test('and not what Kafka was told', async () => {
    const key = randomUUID();
    await publish(key, 5);
    const ends = await withAdmin(broker.settings, (admin) => admin.fetchTopicOffsets(topics.events));
    await withAdmin(broker.settings, (admin) =>
      admin.setOffsets({
        groupId: name,
        topic: topics.events,
        partitions: ends.map(({ partition, high }) => ({ partition, offset: high })),
      }),
    );
    await subscribe();
    await until(() => got(key) === 5, 30_000);
    await publish(key, 1);
    await until(() => got(key) === 6, 30_000);
    const told = async () => {
      const [found] = await withAdmin(broker.settings, (admin) =>
        admin.fetchOffsets({ groupId: name, topics: [topics.events] }),
      );
      return found?.partitions.map(({ partition, offset }) => [String(partition), offset]).sort();
    };
    // For those who look at lag, Kafka is told a little later.
    const stored = (await storedOffsets()).map(({ partition, position }) => [partition, position]);
    await until(async () => JSON.stringify(await told()) === JSON.stringify(stored), 30_000);
  }, 60_000);

  test.each([
    ['lower than what Kafka still has', -1],
    ['higher than anything that Kafka ever had', 1_000_000],
  ])(
    'and one that is %s stops its partition with an alert',
    async (_, stored) => {
      if (!broker.isOurs) return;
      const key = randomUUID();
      await publish(key, 5);
      const ends = await withAdmin(broker.settings, (admin) => admin.fetchTopicOffsets(topics.events));
      if (stored < 0) await deleteAll();
      for (const { partition, high } of ends) {
        const position = stored < 0 ? Math.max(0, Number(high) - 1) : stored;
        await queryRows(
          database.superuserUrl,
          'INSERT INTO stream.offsets (subscriber, topic, partition, position) VALUES ($1, $2, $3, $4)',
          [name, topics.events, String(partition), position],
        );
      }
      const before = await storedOffsets();
      await subscribe();
      const alerts = () =>
        logged.filter(({ message }) => message.startsWith('Kafka does not have the offset'));
      await until(() => alerts().length > 0, 30_000);
      await publish(key, 5);
      const stopped = async () =>
        (await registry.getSingleMetricAsString('event_stream_stopped_partitions')) ?? '';
      await until(async () => /\} [1-9]\d*$/m.test(await stopped()), 30_000);
      expect(got(key)).toBe(0);
      expect(await storedOffsets()).toEqual(before);
    },
    60_000,
  );

  test('and one that Kafka loses while it is waited for is not passed over', async () => {
    if (!broker.isOurs) return;
    const key = randomUUID();
    isFailing = true;
    await subscribe();
    await publish(key, 5);
    const failures = () =>
      logged.filter(({ message }) => message.startsWith('messages could not be dealt with'));
    await until(() => failures().some(({ details }) => details['failures'] === 2), 30_000);
    await deleteAll();
    isFailing = false;
    await publish(key, 5);
    await until(() => alerts().length > 0, 60_000);
    expect(got(key)).toBe(0);
  }, 120_000);

  test('and a topic with other partitions than are set is left as it is, and reported', async () => {
    if (!broker.isOurs) return;
    const settings = { ...broker.settings, KAFKA_EVENTS_PARTITIONS: 7 };
    const publisher = new TopicPublisher({ settings, logger });
    const message: TopicMessage = { topic: topics.events, key: randomUUID(), value: '{}', headers };
    await publisher.send([message]);
    publisher.stop();
    const alert = logged.find(({ message: text }) => text.startsWith('a topic exists with another number'));
    expect(alert?.details).toEqual({ topic: topics.events, partitions: 4, expected: 7 });
  }, 60_000);
});

const headers: TopicMessage['headers'] = {
  ce_specversion: '1.0',
  ce_id: 'evt_1',
  ce_source: '/ledgers/ldg_1',
  ce_type: 'transaction.posted',
  ce_time: '2026-01-01T00:00:00.000000Z',
  'content-type': 'application/json',
  ce_epoch: '1',
  ce_position: '1',
  ce_hash: '00',
};
