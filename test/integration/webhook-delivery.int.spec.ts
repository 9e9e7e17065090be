import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { Webhook } from 'standardwebhooks';
import { verdictOf } from '../../apps/webhook-dispatcher/src/delivery/verdict.js';
import {
  countByStatus,
  deliveriesOf,
  FedLedger,
  HttpReceiver,
  insertEndpoint,
  newSender,
  startTestDispatcher,
  status,
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

type Start = Parameters<typeof startTestDispatcher>[1];

async function start(options: Start = {}): Promise<TestDispatcher> {
  dispatcher = await startTestDispatcher(database.dispatcherUrl, options);
  return dispatcher;
}

/** The product's verdicts, with waits that a test can wait for. */
const soon: typeof verdictOf = (...args) => {
  const verdict = verdictOf(...args);
  return verdict.next === 'retry' ? { next: 'retry', waitMs: 50 } : verdict;
};

const succeeded = async (id: string) => (await countByStatus(superuser, id))['succeeded'] ?? 0;

async function attemptsOf(endpointId: string) {
  const { rows } = await superuser.query(
    `SELECT number, status_code, error_class, response_body, next_attempt_at FROM dispatcher.attempts
     WHERE endpoint_id = $1 ORDER BY delivery_id, number`,
    [endpointId],
  );
  return rows;
}

async function endpointRow(id: string) {
  const { rows } = await superuser.query('SELECT * FROM dispatcher.endpoints WHERE id = $1', [id]);
  return rows[0];
}

/** It is counted a moment after it is written. */
async function untilCountedAsDisabled(registry: TestDispatcher['registry'], reason: string): Promise<void> {
  const line = `dispatcher_disabled_endpoints_total{reason="${reason}"} 1`;
  await until('it is counted', async () => (await registry.metrics()).includes(line));
}

async function disable(id: string) {
  await superuser.query(
    `WITH off AS (
      UPDATE dispatcher.endpoints SET status = 'disabled', disabled_reason = 'manual', updated_at = clock_timestamp()
      WHERE id = $1 RETURNING id
    ) SELECT pg_notify('dispatcher_endpoints', id::text) FROM off`,
    [id],
  );
}

describe('a delivery', () => {
  it('comes with the event’s id, signed, and is done', async () => {
    const ledger = new FedLedger();
    const { id, secret } = await insertEndpoint(superuser, ledger.id, { url: receiver.url() });
    const { stream, logged } = await start();
    const messages = ledger.messages(3);
    await stream.feed(messages);
    await until('all are done', async () => (await succeeded(id)) === 3);
    const [first] = receiver.received;
    expect(receiver.ids().sort()).toEqual(messages.map(({ value }) => JSON.parse(value ?? '').id).sort());
    expect(first?.body).not.toHaveProperty('legs');
    new Webhook(secret).verify(JSON.stringify(first?.body), first?.headers as Record<string, string>);
    expect(logged.filter(({ level }) => level !== 'info')).toEqual([]);
    expect(await endpointRow(id)).toMatchObject({ failures: 0, last_success_at: expect.any(Date) });
  });

  it('that fails is tried again with the same id, and each attempt is kept', async () => {
    const ledger = new FedLedger();
    const { id } = await insertEndpoint(superuser, ledger.id, { url: receiver.url() });
    const { stream } = await start({ verdict: soon });
    receiver.answer = (_, response) =>
      response.writeHead(receiver.received.length < 4 ? 503 : 200).end('as you like');
    await stream.feed(ledger.messages(1));
    await until('it is done', async () => (await succeeded(id)) === 1);
    expect(new Set(receiver.ids()).size).toBe(1);
    expect(await attemptsOf(id)).toMatchObject([
      { number: 1, status_code: 503, response_body: 'as you like', next_attempt_at: expect.any(Date) },
      { number: 2, status_code: 503 },
      { number: 3, status_code: 503 },
      { number: 4, status_code: 200, next_attempt_at: null },
    ]);
    expect(await deliveriesOf(superuser, id)).toMatchObject([{ attempts: 4, last_status_code: 200 }]);
  });

  it('is exhausted when the schedule ends', async () => {
    const ledger = new FedLedger();
    const { id } = await insertEndpoint(superuser, ledger.id, { url: receiver.url() });
    receiver.answer = status(302);
    const { stream } = await start({
      verdict: (outcome, attempts, random) =>
        attempts < 3 ? soon(outcome, attempts, random) : verdictOf(outcome, 12, random),
    });
    await stream.feed(ledger.messages(1));
    await until('it is given up', async () => (await countByStatus(superuser, id))['exhausted'] === 1);
    expect(receiver.received).toHaveLength(3);
    expect(await deliveriesOf(superuser, id)).toMatchObject([
      { attempts: 3, next_attempt_at: null, last_status_code: 302 },
    ]);
    // One that was given up is no reason to send the endpoint nothing more.
    receiver.answer = status(200);
    await stream.feed(ledger.messages(1));
    await until('the next one came', async () => (await succeeded(id)) === 1);
    expect(await endpointRow(id)).toMatchObject({ status: 'enabled', disabled_reason: null });
  });

  it('whose event is taken in again is as it was, whatever has become of it', async () => {
    const ledger = new FedLedger();
    const done = await insertEndpoint(superuser, ledger.id, { url: receiver.url('/done') });
    const failing = await insertEndpoint(superuser, ledger.id, { url: receiver.url('/failing') });
    receiver.answer = ({ path }, response) => response.writeHead(path === '/done' ? 200 : 500).end();
    const { stream } = await start();
    const messages = ledger.messages(3);
    await stream.feed(messages);
    await until('each was sent to both', async () => {
      const attempts = [...(await attemptsOf(done.id)), ...(await attemptsOf(failing.id))];
      return attempts.length === 6;
    });
    const state = async () => [
      await deliveriesOf(superuser, done.id),
      await deliveriesOf(superuser, failing.id),
    ];
    const before = await state();
    await stream.feed(messages);
    expect(await state()).toEqual(before);
    // What comes after it is sent, so anything that the repeat had made due would have been sent as well.
    await stream.feed(ledger.messages(1));
    await until('the next one came', async () => (await succeeded(done.id)) === 4);
    expect(receiver.ids('/done')).toHaveLength(4);
    expect(new Set(receiver.ids('/done')).size).toBe(4);
  });

  it('waits for the schedule’s time, and not for another process', async () => {
    const ledger = new FedLedger();
    const { id } = await insertEndpoint(superuser, ledger.id, { url: receiver.url() });
    receiver.answer = status(500);
    const { stream } = await start();
    await stream.feed(ledger.messages(1));
    await until('one attempt', async () => (await attemptsOf(id)).length === 1);
    const [delivery] = await deliveriesOf(superuser, id);
    const waitMs = delivery.next_attempt_at.getTime() - Date.now();
    expect(waitMs).toBeGreaterThan(1_000);
    expect(waitMs).toBeLessThan(6_500);
  });
});

describe('an endpoint', () => {
  it('that is gone is disabled, and what is pending is cancelled', async () => {
    const ledger = new FedLedger();
    const { id } = await insertEndpoint(superuser, ledger.id, { url: receiver.url(), maxConcurrency: 1 });
    receiver.answer = status(410);
    const { stream, registry } = await start();
    await stream.feed(ledger.messages(5));
    await until('all have ended', async () => {
      const counts = await countByStatus(superuser, id);
      return counts['failed'] === 1 && counts['cancelled'] === 4;
    });
    expect(await endpointRow(id)).toMatchObject({ status: 'disabled', disabled_reason: 'gone' });
    expect(receiver.received).toHaveLength(1);
    const { rows } = await superuser.query(
      'SELECT actor, action, details FROM access.audit_log WHERE ledger_id = $1',
      [ledger.id],
    );
    expect(rows).toMatchObject([{ actor: 'dispatcher', details: { reason: 'gone' } }]);
    await untilCountedAsDisabled(registry, 'gone');
  });

  it('that fails for days is disabled, and not before', async () => {
    const ledger = new FedLedger();
    const { id } = await insertEndpoint(superuser, ledger.id, { url: receiver.url() });
    receiver.answer = status(500);
    const { stream, registry } = await start();
    await stream.feed(ledger.messages(1));
    await until('one failure', async () => (await endpointRow(id)).failures === 1);
    expect(await endpointRow(id)).toMatchObject({ status: 'enabled' });
    await superuser.query(
      `UPDATE dispatcher.endpoints SET failures = 40, enabled_at = now() - interval '6 days',
         first_failure_at = now() - interval '2 days' WHERE id = $1`,
      [id],
    );
    await stream.feed(ledger.messages(1));
    await until('it is disabled', async () => (await endpointRow(id)).disabled_reason === 'failing');
    await until('all is cancelled', async () => (await countByStatus(superuser, id))['cancelled'] === 2);
    await untilCountedAsDisabled(registry, 'failing');
  });

  it('that is disabled by hand has its pending deliveries cancelled, also those of a deleted one', async () => {
    const ledger = new FedLedger();
    const { id } = await insertEndpoint(superuser, ledger.id, { url: receiver.url() });
    receiver.answer = status(500);
    const { stream } = await start();
    await stream.feed(ledger.messages(700));
    await disable(id);
    await until('all are cancelled', async () => (await countByStatus(superuser, id))['cancelled'] === 700);
  });

  it('that fails is left alone but for a probe; what waits burns no attempt', async () => {
    let skippedMs = 0;
    const ledger = new FedLedger();
    const { id } = await insertEndpoint(superuser, ledger.id, { url: receiver.url(), maxConcurrency: 1 });
    receiver.answer = status(500);
    const { stream } = await start({ nowMs: () => performance.now() + skippedMs });
    await stream.feed(ledger.messages(40));
    await until('the breaker opens', async () => (await attemptsOf(id)).length === 5);
    await sleep(1_000);
    expect(receiver.received).toHaveLength(5);
    const waiting = (await deliveriesOf(superuser, id)).filter(({ attempts }) => attempts === 0);
    expect(waiting).toHaveLength(35);
    expect(new Set(waiting.map((delivery) => delivery.status))).toEqual(new Set(['pending']));

    skippedMs += 5_500;
    await until('one probe', () => receiver.received.length === 6);
    await sleep(500);
    expect(receiver.received).toHaveLength(6);
    receiver.answer = status(200);
    skippedMs += 10_500;
    // Those that failed wait for their schedule; the others come at once.
    await until('it is closed', async () => (await succeeded(id)) >= 34);
  });

  it('gets no more at once and a second than it allows', async () => {
    const ledger = new FedLedger();
    const { id } = await insertEndpoint(superuser, ledger.id, {
      url: receiver.url(),
      rateLimitPerSecond: 20,
      maxConcurrency: 2,
    });
    receiver.answer = (_, response) => void setTimeout(() => response.end(), 20);
    const { stream } = await start();
    await stream.feed(ledger.messages(40));
    await until('all are done', async () => (await succeeded(id)) === 40);
    expect(receiver.openMax).toBeLessThanOrEqual(2);
    const times = receiver.received.map(({ atMs }) => atMs);
    expect((times.at(-1) ?? 0) - (times[0] ?? 0)).toBeGreaterThan(1_700);
  });

  it('is slowed by none of 20 others that hang, each of which holds no more than its own connections', async () => {
    const ledger = new FedLedger();
    const hanging = await Promise.all(
      Array.from({ length: 20 }, () => insertEndpoint(superuser, ledger.id, { url: receiver.url('/hang') })),
    );
    const { id } = await insertEndpoint(superuser, ledger.id, { url: receiver.url('/healthy') });
    receiver.answer = ({ path }, response) => void (path === '/healthy' && response.end());
    const { stream } = await start({ sender: newSender({ deadlineMs: 60_000 }) });
    for (let batch = 0; batch < 50; batch++) {
      await stream.feed(ledger.messages(10));
      await sleep(20);
    }
    const fedAtMs = performance.now();
    await until('the healthy one has all', () => receiver.ids('/healthy').length === 500);
    expect(performance.now() - fedAtMs).toBeLessThan(3_000);
    expect(receiver.ids('/hang')).toHaveLength(200);
    expect(await succeeded(hanging[0]?.id ?? '')).toBe(0);
    await until('it is written', async () => (await succeeded(id)) === 500);
  });
});

describe('at its end', () => {
  it('a dispatcher finishes what it is sending, and the rest is due for another', async () => {
    const ledger = new FedLedger();
    const { id } = await insertEndpoint(superuser, ledger.id, { url: receiver.url(), maxConcurrency: 3 });
    receiver.answer = (_, response) => void setTimeout(() => response.end(), 500);
    const { stream } = await start();
    await stream.feed(ledger.messages(20));
    await until('three are under way', () => receiver.open.size === 3);
    await dispatcher?.stop();
    dispatcher = undefined;
    const counts = await countByStatus(superuser, id);
    expect(counts['delivering']).toBeUndefined();
    expect(counts['succeeded']).toBe(receiver.received.length);
    receiver.answer = status(200);
    await start();
    await until('all are done', async () => (await succeeded(id)) === 20);
    expect(receiver.received).toHaveLength(20);
  });
});
