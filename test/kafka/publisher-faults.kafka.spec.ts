import { TopicPublisher } from '#event-stream';
import { encodeTypeId, renderTopicMessages, topics } from '#contracts';
import { until } from '../support/delivery-fixtures.js';
import { settingsOf, withOwnBroker } from '../support/kafka.js';
import { PublishingFaults } from '../support/publishing-faults.js';
import { readTopic } from '../support/topic-reader.js';

/** The quick faults of `npm run test:faults` once, and what a send does on its own. */
describe('a publisher whose surroundings fail', () => {
  let publishing: PublishingFaults;

  beforeAll(async () => {
    publishing = await PublishingFaults.start();
  }, 120_000);

  afterAll(() => publishing.stop(), 60_000);

  test('loses nothing when it is killed between acknowledgement and checkpoint', async () => {
    await publishing.killPublishers(1);
  }, 120_000);

  withOwnBroker(
    'loses nothing where acknowledgements get lost and what they acknowledge is kept',
    async () => {
      await publishing.loseAcknowledgements(1);
    },
    120_000,
  );

  withOwnBroker(
    'gives a send up after its time, and the next one is whole',
    async () => {
      const { proxy, fleet } = publishing;
      const log = () => undefined;
      const logger = { debug: log, info: log, warn: log, error: log };
      const { env, settings } = fleet.broker!;
      const proxied = settingsOf({ ...env, KAFKA_BROKERS: `127.0.0.1:${proxy.port}` });
      const publisher = new TopicPublisher({ settings: proxied, logger, sendMsMax: 2_000 });
      const messages = [1, 2, 3].flatMap((position) => renderTopicMessages(eventAt(position)));
      await publisher.send(messages.slice(0, 1));
      await expect(Promise.all([publisher.send(messages), publisher.send(messages)])).rejects.toThrow(
        'has not ended',
      );
      const isSent = () =>
        publisher.send(messages).then(
          () => true,
          () => false,
        );
      await until('it is sent', isSent, 10);
      proxy.loseNext(1_000, { isSilent: true });
      const startedAt = performance.now();
      await expect(publisher.send(messages)).rejects.toThrow();
      expect(performance.now() - startedAt).toBeLessThan(10_000);
      proxy.loseNext(0);
      await publisher.send(messages);
      publisher.stop();
      await expect(publisher.send(messages)).rejects.toThrow('stopped');
      const read = await readTopic(settings, topics.events);
      const ours = read.filter(({ key }) => key === messages[0]?.key);
      expect(ours.slice(-3).map(({ headers }) => headers['ce_position'])).toEqual(['1', '2', '3']);
    },
    60_000,
  );

  test('publishes while its clock is hours wrong', async () => {
    const { settings } = publishing.fleet.broker!;
    const log = () => undefined;
    const logger = { debug: log, info: log, warn: log, error: log };
    const publisher = new TopicPublisher({ settings, logger, sendMsMax: 20_000 });
    const rightNow = Date.now.bind(Date);
    const ledgerId = '01938f0e-0000-7000-8000-00000000feed';
    const clock = import.meta.jest.spyOn(Date, 'now');
    try {
      for (const [hours, position] of [
        [5, 1],
        [-5, 2],
      ] as const) {
        clock.mockImplementation(() => rightNow() + hours * 3_600_000);
        await publisher.send(renderTopicMessages({ ...eventAt(position), ledgerId }));
      }
    } finally {
      clock.mockRestore();
      publisher.stop();
    }
    const read = await readTopic(settings, topics.events);
    const ours = read.filter(({ headers }) => headers['ce_source']?.endsWith(encodeTypeId('ldg', ledgerId)));
    expect(ours.map(({ headers }) => headers['ce_position'])).toEqual(['1', '2']);
  }, 60_000);
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
