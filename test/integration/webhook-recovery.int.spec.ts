import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { decodeTypeId } from '#contracts';
import {
  countRecoverable,
  startRecovery,
} from '../../apps/webhook-dispatcher/src/recovery/recover-endpoint.js';
import { verdictOf } from '../../apps/webhook-dispatcher/src/delivery/verdict.js';
import {
  countByStatus,
  FedLedger,
  HttpReceiver,
  insertEndpoint,
  startTestDispatcher,
  status,
  until,
  type TestDispatcher,
} from '../support/delivery-fixtures.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

let database: TestDatabase;
let superuser: pg.Pool;
let receiver: HttpReceiver;
let dispatcher: TestDispatcher;

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
  dispatcher = await start();
});

afterEach(async () => {
  await dispatcher.stop();
  await receiver.stop();
});

const start = () =>
  startTestDispatcher(database.dispatcherUrl, {
    verdict: (outcome, attempts, random) => {
      const verdict = verdictOf(outcome, attempts, random);
      return verdict.next === 'retry' ? { next: 'exhausted' } : verdict;
    },
  });

const sinceThen = () => ({
  since: new Date(Date.now() - 3_600_000),
  until: new Date(Date.now() + 60_000),
  eventTypes: null,
});

const all = { eventTypes: ['*'], accountIds: [], ownerId: null };

async function switchTo(id: string, isEnabled: boolean): Promise<void> {
  await superuser.query(
    `WITH switched AS (
      UPDATE dispatcher.endpoints SET status = $2, disabled_reason = $3, updated_at = clock_timestamp(),
        enabled_at = clock_timestamp() WHERE id = $1 RETURNING id
    ) SELECT pg_notify('dispatcher_endpoints', id::text) FROM switched`,
    [id, isEnabled ? 'enabled' : 'disabled', isEnabled ? null : 'manual'],
  );
}

async function recoveryRow(id: string) {
  const { rows } = await superuser.query('SELECT * FROM dispatcher.recoveries WHERE id = $1', [id]);
  return rows[0];
}

async function recover(ledger: FedLedger, endpointId: string, range = sinceThen()) {
  const recovery = await startRecovery(dispatcher.pool, ledger.id, endpointId, range);
  if (!recovery) throw new Error('there is no such endpoint');
  return recovery;
}

/** The delivery of one of the ledger's events can't be made by anybody else before this is let go. */
async function holdEvent(ledger: FedLedger, endpointId: string, number: number) {
  const client = await superuser.connect();
  await client.query('BEGIN');
  await client.query(
    `INSERT INTO dispatcher.deliveries (day, event_id, endpoint_id, id, ledger_id, shard, event_type, account_ids, status)
     SELECT day, event_id, $2, gen_random_uuid(), ledger_id, 0, type, account_ids, 'pending' FROM dispatcher.events
     WHERE ledger_id = $1 ORDER BY recorded_at, event_id LIMIT 1 OFFSET $3`,
    [ledger.id, endpointId, number],
  );
  return async () => {
    await client.query('ROLLBACK');
    client.release();
  };
}

describe('a recovery', () => {
  it('sends what was recorded while the endpoint was disabled, and what was given up, once each', async () => {
    const ledger = new FedLedger();
    const { id } = await insertEndpoint(superuser, ledger.id, { url: receiver.url() });
    const good = ledger.messages(3);
    await dispatcher.stream.feed(good);
    await until('three came', async () => (await countByStatus(superuser, id))['succeeded'] === 3);
    receiver.answer = status(500);
    const givenUp = ledger.messages(2);
    await dispatcher.stream.feed(givenUp);
    await until('two were given up', async () => (await countByStatus(superuser, id))['exhausted'] === 2);
    await switchTo(id, false);
    const unseen = ledger.messages(1_200);
    for (let from = 0; from < 1_200; from += 400)
      await dispatcher.stream.feed(unseen.slice(from, from + 400));
    expect(await countByStatus(superuser, id)).toEqual({ succeeded: 3, exhausted: 2 });

    receiver.answer = status(200);
    receiver.received.length = 0;
    await switchTo(id, true);
    const db = dispatcher.pool;
    expect(await countRecoverable(db, ledger.id, { ...all, id }, sinceThen())).toBe(1_202);
    const recovery = await recover(ledger, id);
    expect(recovery).toMatchObject({ status: 'running', count: 1_202, done: 0 });
    await until('all came', async () => (await countByStatus(superuser, id))['succeeded'] === 1_205);
    expect(await recoveryRow(recovery.id)).toMatchObject({ status: 'done', done: 1_202 });
    expect(receiver.ids()).toHaveLength(1_202);
    expect(new Set(receiver.ids()).size).toBe(1_202);
    expect(await countRecoverable(db, ledger.id, { ...all, id }, sinceThen())).toBe(0);
    // Attempts are kept, the schedule begins anew.
    const { rows } = await superuser.query(
      `SELECT attempts, schedule_from FROM dispatcher.deliveries WHERE endpoint_id = $1 AND attempts > 1`,
      [id],
    );
    expect(rows).toEqual([
      { attempts: 2, schedule_from: 1 },
      { attempts: 2, schedule_from: 1 },
    ]);
  });

  it('covers what the endpoint wants, in the time and of the types asked for', async () => {
    const ledger = new FedLedger();
    const alice = randomUUID();
    const { id } = await insertEndpoint(superuser, ledger.id, {
      url: receiver.url(),
      accountIds: [alice],
      ownerId: 'alice',
      eventTypes: ['transaction.*'],
    });
    await switchTo(id, false);
    const side = { accountId: alice, ownerId: 'alice' };
    const at = (minutes: number) => new Date(Date.now() - minutes * 60_000);
    const messages = [
      ledger.message([side], { occurredAt: at(50) }),
      ledger.message([side], { occurredAt: at(40) }),
      ledger.message([{ accountId: randomUUID(), ownerId: 'alice' }], { occurredAt: at(40) }),
      ledger.message([{ accountId: alice, ownerId: 'bob' }], { occurredAt: at(40) }),
      ledger.message([side], { type: 'account.updated', occurredAt: at(40) }),
      ledger.message([side], { type: 'transaction.voided', occurredAt: at(40) }),
      ledger.message([side], { occurredAt: at(20) }),
    ];
    await dispatcher.stream.feed(messages);
    await switchTo(id, true);
    const range = { since: at(45), until: at(30), eventTypes: ['transaction.posted'] as string[] | null };
    const recovery = await startRecovery(dispatcher.pool, ledger.id, id, range);
    expect(recovery?.count).toBe(1);
    await until('one came', async () => (await countByStatus(superuser, id))['succeeded'] === 1);
    expect(receiver.ids()).toEqual([JSON.parse(messages[1]?.value ?? '').id]);
    expect(decodeTypeId('evt', receiver.ids()[0] ?? '')).not.toBeNull();
  });

  it("leaves out what touches an account that the endpoint's owner is not shown", async () => {
    const ledger = new FedLedger();
    const own = { accountId: randomUUID(), ownerId: 'alice' };
    const others = (['private', 'unlisted', 'public'] as const).map((visibility) => ({
      accountId: randomUUID(),
      ownerId: 'bob',
      visibility,
    }));
    const accountIds = others.map(({ accountId }) => accountId);
    const wishes = { url: receiver.url(), accountIds, ownerId: 'alice' };
    const { id } = await insertEndpoint(superuser, ledger.id, wishes);
    await switchTo(id, false);
    const messages = others.map((side) => ledger.message([own, side]));
    await dispatcher.stream.feed(messages);
    await switchTo(id, true);
    expect((await recover(ledger, id)).count).toBe(2);
    await until('both came', async () => (await countByStatus(superuser, id))['succeeded'] === 2);
    expect(new Set(receiver.ids())).toEqual(
      new Set(messages.slice(1).map(({ value }) => (JSON.parse(value ?? '') as { id: string }).id)),
    );
    const { rows } = await superuser.query(
      'SELECT owner_id FROM dispatcher.deliveries WHERE endpoint_id = $1',
      [id],
    );
    expect(rows).toEqual([{ owner_id: 'alice' }, { owner_id: 'alice' }]);
  });

  it('leaves out what touches no account, where an owner or an account is asked for', async () => {
    const ledger = new FedLedger();
    const wishes = [{}, { ownerId: 'alice' }, { accountIds: [randomUUID()] }];
    const endpoints = await Promise.all(
      wishes.map((each) => insertEndpoint(superuser, ledger.id, { url: receiver.url(), ...each })),
    );
    for (const { id } of endpoints) await switchTo(id, false);
    await dispatcher.stream.feed([ledger.message([], { type: 'period.closed' })]);
    const counts = endpoints.map(({ id }, index) =>
      countRecoverable(dispatcher.pool, ledger.id, { ...all, ...wishes[index], id }, sinceThen()),
    );
    expect(await Promise.all(counts)).toEqual([1, 0, 0]);
  });

  it('goes on in another process where it stood', async () => {
    const ledger = new FedLedger();
    const { id } = await insertEndpoint(superuser, ledger.id, { url: receiver.url() });
    await switchTo(id, false);
    for (let batch = 0; batch < 6; batch++) await dispatcher.stream.feed(ledger.messages(500));
    await switchTo(id, true);
    await dispatcher.stop();
    const db = new pg.Client({ connectionString: database.dispatcherUrl });
    await db.connect();
    const recovery = await startRecovery(db, ledger.id, id, sinceThen());
    await db.end();
    const release = await holdEvent(ledger, id, 1_700);
    dispatcher = await start();
    await until('it has begun', async () => (await recoveryRow(recovery?.id ?? '')).done === 1_500);
    await dispatcher.stop();
    await release();
    dispatcher = await start();
    await until('all came', async () => (await countByStatus(superuser, id))['succeeded'] === 3_000, 60);
    expect(await recoveryRow(recovery?.id ?? '')).toMatchObject({ status: 'done', done: 3_000 });
    expect(new Set(receiver.ids()).size).toBe(3_000);
  }, 90_000);

  it('of an ordered endpoint keeps each account’s order', async () => {
    const ledger = new FedLedger();
    const alice = randomUUID();
    const { id } = await insertEndpoint(superuser, ledger.id, { url: receiver.url(), ordering: 'account' });
    await switchTo(id, false);
    const messages = Array.from({ length: 20 }, () => ledger.message([{ accountId: alice }]));
    await dispatcher.stream.feed(messages);
    await switchTo(id, true);
    await recover(ledger, id);
    await until('all came', async () => (await countByStatus(superuser, id))['succeeded'] === 20);
    expect(receiver.ids()).toEqual(messages.map(({ value }) => JSON.parse(value ?? '').id));
  });

  it('of an endpoint that is disabled is cancelled, and of none there is none', async () => {
    const ledger = new FedLedger();
    const { id } = await insertEndpoint(superuser, ledger.id, { url: receiver.url() });
    await switchTo(id, false);
    const recovery = await recover(ledger, id);
    await until('it is cancelled', async () => (await recoveryRow(recovery.id)).status === 'cancelled');
    const db = dispatcher.pool;
    expect(await startRecovery(db, ledger.id, randomUUID(), sinceThen())).toBeNull();
    expect(await startRecovery(db, new FedLedger().id, id, sinceThen())).toBeNull();
  });
});
