import type { Registry } from 'prom-client';
import { renderTopicMessages } from '#contracts';
import { TopicPublisher } from '#event-stream';
import { createPostgresPool, type Logger } from '#platform';
import type { LedgerSettings } from '../config.js';
import { CommitListener } from '../projections/commit-listener.js';
import { JournalPublisher } from './journal-publisher.js';
import { Leadership } from './leadership.js';
import { publishingMetrics } from './publishing-metrics.js';

export interface RunningPublishing {
  /** A ledger has new events. */
  poke(ledgerId: string): void;
  stop(): Promise<void>;
}

const connectionsMax = 2;

/**
 * Of the sessions that read and save. Their commits need not be on disk: what a crash of Postgres takes back of
 * the checkpoints is published again.
 */
const publisherSession: Readonly<Record<string, string>> = {
  synchronous_commit: 'off',
  jit: 'off',
  enable_seqscan: 'off',
  plan_cache_mode: 'force_custom_plan',
  idle_in_transaction_session_timeout: '10s',
  lock_timeout: '5s',
  statement_timeout: '30s',
};

/**
 * With Kafka, and where this process is a worker: one of all such processes publishes, the others wait for its end.
 * A broker that is away is waited for; nobody else notices.
 */
export async function startPublishing(
  settings: LedgerSettings,
  registry: Registry,
  logger: Logger,
): Promise<RunningPublishing> {
  if (settings.KAFKA_BROKERS.length === 0 || settings.LEDGER_ROLE === 'api') {
    return { poke: () => undefined, stop: () => Promise.resolve() };
  }
  const url = settings.LEDGER_DATABASE_URL;
  const pool = createPostgresPool({
    url,
    applicationName: 'ledger-publisher',
    connectionsMax,
    session: publisherSession,
    onError: (err) => logger.warn({ err }, 'an idle publisher connection was lost'),
  });
  const topicPublisher = new TopicPublisher({ settings, logger });
  const leadership = new Leadership({ url, logger, onChange: () => publisher.leadershipChanged() });
  const publisher = new JournalPublisher({
    pool,
    render: renderTopicMessages,
    send: (messages) => topicPublisher.send(messages),
    leadership,
    metrics: publishingMetrics(registry),
    logger,
  });
  const poke = (ledgerId: string) => publisher.poke(ledgerId);
  const listener = new CommitListener(url, logger, poke);
  await listener.start();
  leadership.start();
  publisher.start();
  return {
    poke,
    async stop() {
      await listener.stop();
      // A send that is under way may end; when Kafka is silent, it is not waited for until its own deadline.
      const giveUp = setTimeout(() => topicPublisher.stop(), stopMsMax);
      await publisher.stop();
      clearTimeout(giveUp);
      topicPublisher.stop();
      await leadership.stop();
      await pool.end();
    },
  };
}

const stopMsMax = 5_000;
