import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { eventTypes, topics } from '#contracts';
import { startService, type Client, type One, type Service } from '../support/client.js';
import { queryRows, until } from '../support/journal-fixtures.js';
import { startTestBroker, type TestBroker } from '../support/kafka.js';
import { openAccounts } from '../support/posting-load.js';
import { expectJournalInTopics, untilPublished } from '../support/published.js';
import { withAdmin } from '../support/topic-reader.js';

/** Holds that end in each way, one that is given back, and what there is to set, until the journal has it all. */
async function liveTransactions(client: Client, alice: string, bob: string): Promise<void> {
  const made = async (path: string, body: object, method = 'POST') => {
    const { status, text, body: answer } = await client.send<One<{ id: string }>>(method, path, { body });
    if (status >= 300) throw new Error(`${method} ${path} answered ${status}: ${text}`);
    return answer.data?.id;
  };
  const hold = (fields: object = {}) =>
    made('/v1/transactions', { sender: alice, recipient: bob, amount: 100, pending: true, ...fields });
  const inSeconds = (seconds: number) => new Date(Date.now() + seconds * 1_000).toISOString();

  await hold({ expiresAt: inSeconds(1) });
  const taken = await hold({ expiresAt: inSeconds(600) });
  await made(`/v1/transactions/${taken}/hold`, { expiresAt: inSeconds(900) }, 'PATCH');
  await made(`/v1/transactions/${taken}/capture`, { amount: 60 });
  await made(`/v1/transactions/${taken}/void`, {});
  await made(`/v1/transactions/${taken}/reverse`, { amount: 25, reason: 'Breakfast was not served' });

  await made('/v1/exchange-rates/EUR/USD', { rate: '1.0837' }, 'PUT');
  await made('/v1/currencies', { code: 'MILES', exponent: 0, name: 'Bonus miles' });
  await made('/v1/periods/closed-through', { date: '2020-12-31' }, 'PUT');
  const dollars = (await client.open({ currency: 'USD' })).id;
  const changed = await made('/v1/transactions', { sender: alice, recipient: dollars, amount: 200 });
  await made(`/v1/transactions/${changed}/reverse`, {});
  const types = async () => (await client.journal()).map(({ type }) => type);
  await until(async () => (await types()).includes('transaction.expired'), 10_000);
}

describe('what the ledger publishes', () => {
  let broker: TestBroker;
  let service: Service;

  beforeAll(async () => {
    broker = await startTestBroker();
    service = await startService({ env: broker.env });
  }, 120_000);

  afterAll(async () => {
    await service.stop();
    await broker.close();
  }, 60_000);

  const metric = async (name: string) => {
    const { text } = await service.client.get('/metrics');
    return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]);
  };

  test('is the journal, in order per key, as CloudEvents whose values are as the schemas say', async () => {
    const { client, database } = service;
    const [alice = '', bob = ''] = await openAccounts(client, 2);
    await client.transfer(alice, bob, 250, { reference: 'Lunch' });
    await client.post('/v1/transactions', {
      postings: [
        { sender: alice, recipient: bob, amount: 1 },
        { sender: bob, recipient: alice, amount: 2 },
      ],
    });
    await client.patch(`/v1/accounts/${alice}`, { name: 'Alice' });
    await liveTransactions(client, alice, bob);
    const { id: closed } = await client.open();
    await client.delete(`/v1/accounts/${closed}`);
    await untilPublished(database.superuserUrl);
    const journal = await client.journal();
    expect(new Set(journal.map(({ type }) => type))).toEqual(new Set(eventTypes.map(({ type }) => type)));
    const { events, entries, repeats } = await expectJournalInTopics(broker.settings, journal);
    expect(repeats).toBe(0);

    const ajv = addFormats.default(new Ajv2020({ strict: false, allErrors: true }));
    for (const { key, headers, value } of events) {
      const { legs, ...body } = JSON.parse(value) as Record<string, unknown> & { legs: unknown[] };
      // Settings of the ledger are about no account.
      const isAboutAccounts = /^(account|transaction)\./.test(headers['ce_type'] ?? '');
      expect(headers).toEqual({
        ce_specversion: '1.0',
        ce_id: body['id'],
        ce_source: `/ledgers/${key}`,
        ce_type: body['type'],
        ...(isAboutAccounts ? { ce_subject: expect.stringMatching(/^(acc|txn)_/) } : {}),
        ce_time: body['occurredAt'],
        'content-type': 'application/json',
        ce_epoch: '1',
        ce_position: body['position'],
        ce_hash: expect.stringMatching(/^[0-9a-f]{64}$/),
      });
      expect(legs.length > 0).toBe(isAboutAccounts);
      const schema = eventTypes.find(({ type }) => type === headers['ce_type'])?.schema ?? {};
      expect([ajv.validate(schema, body), ajv.errors]).toEqual([true, null]);
    }
    for (const { key, headers, value } of entries) {
      const entry = JSON.parse(value) as Record<string, unknown>;
      expect(entry).toMatchObject({ version: 1, id: headers['ce_id'], accountId: key });
    }
    await until(async () => (await metric('ledger_publishing_lag_events')) === 0, 10_000);
    expect(await metric('ledger_publishing_is_leader')).toBe(1);
  }, 60_000);

  test('has partitions as set, and topics that nobody made by accident', async () => {
    const { topics: found } = await withAdmin(broker.settings, (admin) => admin.fetchTopicMetadata());
    const ours = found.filter(({ name }) => name.startsWith('ledger.'));
    expect(ours.map(({ name }) => name).sort()).toEqual([topics.entries, topics.events]);
    if (broker.isOurs) expect(ours.map(({ partitions }) => partitions.length)).toEqual([4, 4]);
  });

  test('stops in front of an event that this release does not know, in that ledger alone', async () => {
    const { client, database } = service;
    const ledgerId = '01938f0e-0000-7000-8000-00000000dead';
    await queryRows(
      database.superuserUrl,
      `WITH event AS (
         INSERT INTO journal.events (ledger_id, epoch, position, id, type, version, data, data_salt, data_hash, actor,
           recorded_at, effective_at, hash)
         VALUES ($1, 1, 1, gen_random_uuid(), 'transaction.invented', 7, '{}', '\\x01', '\\x02', 'key_test', now(),
           now(), '\\x03')
       )
       INSERT INTO journal.heads (ledger_id, epoch, position, hash, recorded_at) VALUES ($1, 1, 1, '\\x03', now())`,
      [ledgerId],
    );
    await until(async () => (await metric('ledger_publishing_parked_ledgers')) === 1, 20_000);
    const [row] = await queryRows<{ position: string; parked_reason: string }>(
      database.superuserUrl,
      'SELECT position::text, parked_reason FROM publishing.checkpoints WHERE ledger_id = $1',
      [ledgerId],
    );
    expect(row).toMatchObject({
      position: '0',
      parked_reason: expect.stringMatching(/transaction\.invented/),
    });
    const before = await metric('ledger_publishing_events_total');
    await openAccounts(client, 1);
    await until(async () => (await metric('ledger_publishing_events_total')) > before, 20_000);
  }, 60_000);
});
