import pg from 'pg';
import { Webhook } from 'standardwebhooks';
import { migrations } from '../../migrations/index.js';
import { Client, type JournalEvent, type One } from '../support/client.js';
import { projectDirectory } from '../support/config.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { startDispatcher, startProduct, type Product } from '../support/product.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { until } from '../support/until.js';
import { expectVerified } from '../support/verify.js';
import type { EndpointWithSecret } from '../support/webhook-fixtures.js';
import { restoreRows } from '../upgrade/database-dump.js';
import { migrateBy } from '../upgrade/earlier-release.js';
import { readFixture, type RecordedAnswer } from '../upgrade/recorded-story.js';
import { releases } from '../upgrade/releases.js';

// Each of these asks a hundred times, which takes a second on a machine of one's own.
import.meta.jest.setTimeout(120_000);

/** What an earlier release has left, as test/upgrade keeps it: migrated, read, gone on with by this one. */
describe.each(releases)('a database of the release "$name" of $date', (release) => {
  const { rows, answers } = readFixture(release);
  const answerOf = (isIt: (answer: RecordedAnswer) => boolean) => answers.find(isIt)?.text ?? '{}';
  const made = (key: string) =>
    (JSON.parse(answerOf((answer) => answer.key === key)) as One<{ id: string }>).data.id;
  const knows = (type: string) => type in release.events;
  const [alice, bob] = [made('open-alice'), made('open-bob')];
  let database: TestDatabase;
  let db: pg.Client;
  let ledger: Product;
  let dispatcher: Product;
  let receiver: Receiver;
  let client: Client;

  beforeAll(async () => {
    database = await createTestDatabase({ isEmpty: true });
    db = new pg.Client({ connectionString: database.superuserUrl });
    await db.connect();
    await restoreRows(db, rows);
    await migrateBy(projectDirectory, database);
    receiver = await startReceiver();
    [ledger, dispatcher] = await Promise.all([
      startProduct({ databaseUrl: database.ledgerUrl }),
      startDispatcher({ databaseUrl: database.dispatcherUrl }),
    ]);
    client = new Client(ledger.url, ledger.apiKey);
  }, 120_000);

  afterAll(async () => {
    client.close();
    await Promise.all([ledger.stop(), dispatcher.stop()]);
    await receiver.close();
    await db.end();
    await database.drop();
  });

  const ask = ({ method, path, app, apiKey, key, body }: RecordedAnswer) => {
    const { url } = app === 'ledger' ? ledger : dispatcher;
    const caller = new Client(url, apiKey ?? ledger.apiKey);
    const sent = { ...(key === undefined ? {} : { key }), ...(body === undefined ? {} : { body }) };
    return caller.send(method, path, sent).finally(() => caller.close());
  };

  it('has every migration of this release, in whatever order they came', async () => {
    const applied = await db.query<{ name: string }>('SELECT name FROM public.migrations');
    expect(applied.rows.map(({ name }) => name).sort()).toEqual(migrations.map(({ name }) => name).sort());
    expect(rows.filter(({ table }) => table === 'public.migrations').map(({ row }) => row['name'])).toContain(
      release.lastMigration,
    );
  });

  it('is what its journal says', () => expectVerified(database.ownerUrl));

  const reads = answers.filter(({ method }) => method === 'GET');

  const expectReadAsThen = async () => {
    expect(reads.length).toBeGreaterThan(20);
    for (const read of reads) {
      const { status, text } = await ask(read);
      const asThen = status === 200 ? asAnsweredBy(release.addedToAnswersSince, text) : text;
      expect([read.path, status, asThen]).toEqual([read.path, read.status, asAnsweredBy([], read.text)]);
    }
  };

  it('is read as it was then, to the byte but for fields that were added since', expectReadAsThen);

  it('has the same lists when they are made anew', async () => {
    const { rows: tables } = await db.query<{ name: string }>(
      `SELECT format('projections.%I', tablename) AS name FROM pg_tables WHERE schemaname = 'projections'`,
    );
    await db.query(`TRUNCATE ${tables.map(({ name }) => name).join(', ')}`);
    await expectReadAsThen();
    await expectVerified(database.ownerUrl);
  });

  const replayed = answers.filter(({ key, status }) => key !== undefined && status < 300);

  it('answers each idempotency key again as it was answered then', async () => {
    const head = (await client.journal()).length;
    expect(replayed.length).toBeGreaterThan(8);
    for (const first of replayed) {
      const again = await ask(first);
      const asThen = asAnsweredBy(release.addedToAnswersSince, again.text);
      expect([first.key, again.headers['idempotency-replayed']]).toEqual([first.key, 'true']);
      expect([first.key, again.status, asThen]).toEqual([first.key, first.status, first.text]);
    }
    const somebodyElse = { name: 'Somebody else', currency: 'EUR' };
    const other = await client.post('/v1/accounts', somebodyElse, { key: 'open-alice' });
    expect(other).toMatchObject({ status: 422, body: { error: { code: 'idempotency_key_reused' } } });
    expect(await client.journal()).toHaveLength(head);
  });

  it('goes on: holds on its accounts, reversals of its transactions, webhooks to its endpoint', async () => {
    const subscribed = answerOf(({ path, method }) => method === 'POST' && path === '/v1/webhook-endpoints');
    const endpoint = subscribed === '{}' ? null : (JSON.parse(subscribed) as One<EndpointWithSecret>).data;
    if (endpoint !== null) {
      const webhooks = client.at(dispatcher.url);
      const moved = await webhooks.patch(`/v1/webhook-endpoints/${endpoint.id}`, { url: receiver.url });
      expect(moved.status).toBe(200);
      webhooks.close();
    }
    const before = (await client.journal()).length;

    const hold = await client.hold(alice, bob, 40);
    const capture = await client.post(`/v1/transactions/${hold.id}/capture`, { amount: '15', final: true });
    expect(capture.status).toBe(201);
    const reverse = (key: string, body: object) =>
      client.post(`/v1/transactions/${made(key)}/reverse`, body).then(({ status }) => status);
    expect(await reverse('transfer-1', { amount: '500' })).toBe(201);
    expect(await reverse('transfer-1', {})).toBe(201);
    expect(await reverse('transfer-1', {})).toBe(409);
    expect(await client.transaction(made('transfer-1'))).toMatchObject({ reversedAmount: '2500' });
    expect(await reverse('burn-1', { amount: '1' })).toBe(201);
    if (knows('transaction.pending')) {
      const open = await client.post(`/v1/transactions/${made('hold-4')}/capture`, {});
      expect(open.status).toBe(201);
    }
    const taken = await client.post('/v1/transactions', {
      ...{ sender: alice, recipient: bob, amount: 1, externalId: 'order-1' },
    });
    expect(taken).toMatchObject({ status: 409, body: { error: { code: 'external_id_taken' } } });
    const rate = await client.put('/v1/exchange-rates/EUR/JPY', { rate: '150' });
    expect(rate.status).toBe(200);
    expect((await client.transfer(alice, made('open-yen'), 200)).type).toBe('exchange');

    const news = (await client.journal()).slice(before);
    expect(news.filter(({ type }) => type.startsWith('transaction.')).length).toBeGreaterThan(5);
    await expectVerified(database.ownerUrl);
    if (endpoint !== null) await expectReceived(endpoint.secret, news);
  });

  async function expectReceived(secret: string, news: readonly JournalEvent[]): Promise<void> {
    const wanted = news.filter(({ type }) => type.startsWith('transaction.')).map(({ id }) => id);
    await until('every webhook has arrived', () => receiver.received.length >= wanted.length);
    const verifier = new Webhook(secret);
    const received = receiver.received.map(({ headers, body }) => {
      const event = verifier.verify(body, headers as Record<string, string>) as { id: string };
      return event.id;
    });
    expect(received.sort()).toEqual(wanted.sort());
  }
});

const isTransaction = (value: object) => 'postings' in value && 'meta' in value;
/** Each answer has its own. */
const timesOfAsking = ['asOf'];

/** An answer as it was before transactions had these fields. */
function asAnsweredBy(addedSince: readonly string[], text: string): string {
  return text === '' ? text : JSON.stringify(without(addedSince, JSON.parse(text)));
}

function without(fields: readonly string[], value: unknown): unknown {
  if (Array.isArray(value)) return value.map((each) => without(fields, each));
  if (value === null || typeof value !== 'object') return value;
  const left = Object.entries(value).filter(
    ([name]) => !timesOfAsking.includes(name) && !(fields.includes(name) && isTransaction(value)),
  );
  return Object.fromEntries(left.map(([name, part]) => [name, without(fields, part)]));
}
