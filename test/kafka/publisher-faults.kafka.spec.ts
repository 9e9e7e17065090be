import { setTimeout as sleep } from 'node:timers/promises';
import { TopicPublisher } from '#event-stream';
import { renderTopicMessages, topics } from '#contracts';
import { Client } from '../support/client.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { queryRows, until } from '../support/journal-fixtures.js';
import { KafkaProxy } from '../support/kafka-proxy.js';
import { settingsOf, startTestBroker, type TestBroker } from '../support/kafka.js';
import { openAccounts, PostingLoad } from '../support/posting-load.js';
import { startProduct, type Product } from '../support/product.js';
import { expectJournalInTopics, untilPublished } from '../support/published.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { readTopic } from '../support/topic-reader.js';

describe('a publisher whose surroundings fail', () => {
  let proxy: KafkaProxy;
  let broker: TestBroker;
  let proxiedEnv: Record<string, string>;
  let database: TestDatabase;
  const products: Product[] = [];

  beforeAll(async () => {
    proxy = await KafkaProxy.start();
    broker = await startTestBroker({ proxyPort: proxy.port });
    if (broker.proxiedPort !== undefined) proxy.passTo(broker.proxiedPort);
    proxiedEnv = { ...broker.env, KAFKA_BROKERS: `127.0.0.1:${proxy.port}` };
    database = await createTestDatabase();
  }, 120_000);

  afterAll(async () => {
    await Promise.all(products.map((product) => product.kill()));
    await proxy.close();
    await Promise.all([broker.close(), database.drop()]);
  }, 60_000);

  const start = async (env: Record<string, string>, databaseUrl = database.ledgerUrl) => {
    const product = await startProduct({ databaseUrl, env });
    products.push(product);
    return { product, client: new Client(product.url, product.apiKey) };
  };
  const leaderTerm = async () => {
    const [row] = await queryRows<{ term: string }>(
      database.superuserUrl,
      'SELECT term::text FROM publishing.leadership',
    );
    return Number(row?.term);
  };

  test('loses nothing where acknowledgements get lost and what they acknowledge is kept', async () => {
    if (!broker.isOurs) return;
    const { product, client } = await start(proxiedEnv);
    const accountIds = await openAccounts(client);
    const load = new PostingLoad(client, accountIds);
    for (let round = 1; round <= 3; round++) {
      const before = proxy.lost;
      // Two in a row: what kafkajs tries again by itself is lost as well, and its producer with it.
      proxy.loseNext(2);
      await until(() => proxy.lost === before + 2, 30_000);
      await sleep(100);
    }
    await load.stop();
    expect(load.failed).toBe(0);
    await untilPublished(database.superuserUrl);
    const { repeats } = await expectJournalInTopics(broker.settings, await client.journal());
    expect(repeats).toBeGreaterThan(0);
    await product.stop();
    client.close();
  }, 120_000);

  test('gives a send up after its time, and the next one is whole', async () => {
    if (!broker.isOurs) return;
    const log = () => undefined;
    const logger = { debug: log, info: log, warn: log, error: log };
    const settings = settingsOf(proxiedEnv);
    const publisher = new TopicPublisher({ settings, logger, sendMsMax: 2_000 });
    const messages = [1, 2, 3].flatMap((position) => renderTopicMessages(eventAt(position)));
    await publisher.send(messages.slice(0, 1));
    await expect(Promise.all([publisher.send(messages), publisher.send(messages)])).rejects.toThrow(
      'has not ended',
    );
    await until(
      () =>
        publisher.send(messages).then(
          () => true,
          () => false,
        ),
      10_000,
    );
    proxy.loseNext(1_000, { isSilent: true });
    const startedAt = performance.now();
    await expect(publisher.send(messages)).rejects.toThrow();
    expect(performance.now() - startedAt).toBeLessThan(10_000);
    proxy.loseNext(0);
    await publisher.send(messages);
    publisher.stop();
    await expect(publisher.send(messages)).rejects.toThrow('stopped');
    const read = (await readTopic(broker.settings, topics.events)).filter(
      ({ key }) => key === messages[0]?.key,
    );
    expect(read.slice(-3).map(({ headers }) => headers['ce_position'])).toEqual(['1', '2', '3']);
  }, 60_000);

  test('that was frozen past the loss of its lead changes nothing when it wakes', async () => {
    const postgres = await TcpProxy.start(database.ledgerUrl);
    const before = await leaderTerm();
    const frozen = await start(broker.env, postgres.url);
    await until(async () => (await leaderTerm()) === before + 1, 30_000);
    const accountIds = await openAccounts(frozen.client);
    await untilPublished(database.superuserUrl);
    const heir = await start(broker.env);

    // The checkpoint of what has just been acknowledged is on its way; then the process stands still.
    const held = postgres.once('save-publishing-checkpoints', 'hold');
    const load = new PostingLoad(heir.client, accountIds, 2);
    await held;
    await frozen.product.kill('SIGSTOP');
    await until(async () => (await leaderTerm()) === before + 2, 60_000);
    await sleep(500);
    await load.stop();
    await untilPublished(database.superuserUrl);
    const saved = await queryRows(database.superuserUrl, 'SELECT * FROM publishing.checkpoints');
    postgres.release();
    await frozen.product.kill('SIGCONT');
    await until(() => frozen.product.logs().includes('checkpoints were refused'), 30_000);
    expect(await queryRows(database.superuserUrl, 'SELECT * FROM publishing.checkpoints')).toEqual(saved);

    await openAccounts(frozen.client, 2);
    await untilPublished(database.superuserUrl);
    const { repeats } = await expectJournalInTopics(broker.settings, await heir.client.journal());
    expect(repeats).toBeGreaterThan(0);
    expect(await leaderTerm()).toBe(before + 2);
    frozen.client.close();
    heir.client.close();
    await postgres.close();
  }, 120_000);
});

function eventAt(position: number) {
  const account = '01938f0e-0000-7000-8000-000000000001';
  const time = '2026-01-01T00:00:00.000000Z';
  return {
    ledgerId: '01938f0e-0000-7000-8000-00000000beef',
    epoch: 1,
    position: String(position),
    id: `01938f0e-0000-7000-8000-0000000001${String(position).padStart(2, '0')}`,
    type: 'account.opened',
    version: 1,
    transactionId: null,
    dataText: null,
    recordedAt: time,
    hash: account.replaceAll('-', ''),
  };
}
