import pg from 'pg';
import { Webhook } from 'standardwebhooks';
import {
  countByStatus,
  FedLedger,
  HttpReceiver,
  insertEndpoint,
  startTestDispatcher,
  until,
  type TestDispatcher,
} from '../support/delivery-fixtures.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

let database: TestDatabase;
let superuser: pg.Pool;
let receiver: HttpReceiver;
let dispatcher: TestDispatcher | undefined;

beforeAll(async () => {
  database = await createTestDatabase();
  superuser = new pg.Pool({ connectionString: database.superuserUrl, options: '-c timezone=UTC' });
});

afterAll(async () => {
  await superuser.end();
  await database.drop();
});

beforeEach(async () => {
  receiver = await HttpReceiver.start();
});

afterEach(async () => {
  await dispatcher?.stop();
  dispatcher = undefined;
  await receiver.stop();
});

describe('a delivery', () => {
  it('comes with the event’s id, signed, and is done', async () => {
    const ledger = new FedLedger();
    const { id, secret } = await insertEndpoint(superuser, ledger.id, { url: receiver.url() });
    dispatcher = await startTestDispatcher(database.dispatcherUrl);
    const messages = ledger.messages(3);
    await dispatcher.stream.feed(messages);
    await until('three deliveries', () => receiver.received.length === 3);
    await until('all are done', async () => (await countByStatus(superuser, id))['succeeded'] === 3);
    const [first] = receiver.received;
    expect(receiver.ids().sort()).toEqual(messages.map(({ value }) => JSON.parse(value ?? '').id).sort());
    expect(first?.body).not.toHaveProperty('legs');
    new Webhook(secret).verify(JSON.stringify(first?.body), first?.headers as Record<string, string>);
    expect(dispatcher.logged.filter(({ level }) => level !== 'info')).toEqual([]);
  });
});
