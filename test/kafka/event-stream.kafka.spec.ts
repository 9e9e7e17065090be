import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { Registry } from 'prom-client';
import { ledgerIdOf, topics, type TopicMessage } from '#contracts';
import { KafkaEventStream, TopicPublisher } from '#event-stream';
import { createPostgresPool } from '#platform';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import {
  describeEventStream,
  type EventStreamHarness,
  type SubscribingProcess,
} from '../support/event-stream-conformance.js';
import { startTestBroker, type TestBroker } from '../support/kafka.js';

const crash = 'a crash of the database';
const brokerCrash = 'a crash of the broker';
const cut = 'the loss of all connections to the database';
const log = () => undefined;
const silence = { debug: log, info: log, warn: log, error: log };

describeEventStream('Kafka', startHarness, [crash, brokerCrash, cut]);

/** A topic written by the publisher of the product, with messages that carry nothing but their place. */
async function startHarness(): Promise<EventStreamHarness> {
  const [database, broker] = await Promise.all([createTestDatabase({ ownCluster: true }), startTestBroker()]);
  const superuser = new pg.Pool({ connectionString: database.superuserUrl, max: 4 });
  superuser.on('error', log);
  const publisher = new TopicPublisher({ settings: broker.settings, logger: silence });
  const positions = new Map<string, number>();
  let sending: Promise<unknown> = Promise.resolve();
  /** One send at a time, and again after a failure, as the product's publisher does it. */
  const send = (messages: readonly TopicMessage[]): Promise<void> => {
    const sent = sending.then(async () => {
      for (;;) {
        try {
          return await publisher.send(messages);
        } catch {
          await sleep(100);
        }
      }
    });
    sending = sent;
    return sent;
  };

  return {
    database,
    startProcess: () => Promise.resolve(startProcess(database, broker, superuser)),
    newLedger() {
      const ledgerId = randomUUID();
      // Of its own: every subscriber gets all that the topic holds, and tells ledgers apart by nothing else.
      positions.set(ledgerId, positions.size * 10_000);
      return Promise.resolve(ledgerId);
    },
    async publish(ledgerId, events) {
      const before = positions.get(ledgerId) ?? 0;
      positions.set(ledgerId, before + events);
      const added = Array.from({ length: events }, (_, index) => String(before + index + 1));
      await send(added.map((position) => messageOf(ledgerId, JSON.stringify({ position }))));
      return added;
    },
    publishPoison: (ledgerId) => send([messageOf(ledgerId, 'no JSON at all')]),
    async outage(name) {
      if (name === crash) return database.restartPostgres('immediate');
      if (name === brokerCrash) {
        if (!broker.isOurs) return;
        await broker.stop('SIGKILL');
        await sleep(1_000);
        return broker.start();
      }
      await superuser.query(
        'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND usename <> current_user',
      );
    },
    async close() {
      publisher.stop();
      await superuser.end();
      await Promise.all([database.drop(), broker.close()]);
    },
  };
}

function startProcess(database: TestDatabase, broker: TestBroker, superuser: pg.Pool): SubscribingProcess {
  const applicationName = `subscriber-${randomUUID()}`;
  const pool = createPostgresPool({
    url: database.dispatcherUrl,
    applicationName,
    connectionsMax: 4,
    onError: log,
  });
  const stream = new KafkaEventStream({
    settings: broker.settings,
    pool,
    logger: silence,
    registry: new Registry(),
    rebalanceMsMax: 3_000,
    onFatal: (error) => {
      throw error;
    },
  });
  return {
    stream,
    pool,
    // The group itself gives a member up that does not come back from its turn.
    async loseWork() {
      await superuser.query(
        'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1',
        [applicationName],
      );
    },
    close: () => pool.end(),
  };
}

function messageOf(ledgerId: string, value: string): TopicMessage {
  const key = ledgerIdOf(ledgerId);
  return {
    topic: topics.events,
    key,
    value,
    headers: {
      ce_specversion: '1.0',
      ce_id: randomUUID(),
      ce_source: `/ledgers/${key}`,
      ce_type: 'transaction.posted',
      ce_time: '2026-01-01T00:00:00.000000Z',
      'content-type': 'application/json',
      ce_epoch: '1',
      ce_position: '1',
      ce_hash: '00',
    },
  };
}
