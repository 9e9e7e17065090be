import { randomUUID } from 'node:crypto';
import pg from 'pg';
import type { StreamMessage } from '#event-stream';
import { verdictOf } from '../../apps/webhook-dispatcher/src/delivery/verdict.js';
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
  dispatcher = await startTestDispatcher(database.dispatcherUrl, {
    verdict: (outcome, attempts, random) => {
      const verdict = verdictOf(outcome, attempts, random);
      if (verdict.next !== 'retry') return verdict;
      return attempts < 3 ? { next: 'retry', waitMs: 100 } : { next: 'exhausted' };
    },
  });
});

afterEach(async () => {
  await dispatcher.stop();
  await receiver.stop();
});

const idOf = ({ value }: StreamMessage): string => JSON.parse(value ?? '').id;

async function lanesOf(endpointId: string): Promise<number> {
  const { rows } = await superuser.query(
    'SELECT count(*)::integer AS count FROM dispatcher.lane_entries WHERE endpoint_id = $1',
    [endpointId],
  );
  return rows[0].count;
}

describe('an endpoint that is ordered by account', () => {
  it('gets each account’s events one after another, and different accounts’ at once', async () => {
    const ledger = new FedLedger();
    const accounts: string[] = Array.from({ length: 10 }, () => randomUUID());
    const { id } = await insertEndpoint(superuser, ledger.id, { url: receiver.url(), ordering: 'account' });
    receiver.answer = (_, response) => void setTimeout(() => response.end(), 5 + Math.random() * 20);
    const messages = Array.from({ length: 300 }, (_, index) =>
      ledger.message([
        { accountId: accounts[index % 10] ?? '' },
        { accountId: accounts[(index * 7 + 3) % 10] ?? '' },
      ]),
    );
    for (let from = 0; from < 300; from += 30) await dispatcher.stream.feed(messages.slice(from, from + 30));
    await until('all are done', async () => (await countByStatus(superuser, id))['succeeded'] === 300, 60);
    const order = new Map(receiver.ids().map((eventId, index) => [eventId, index]));
    for (const account of accounts) {
      const ofAccount = messages.filter(({ value }) =>
        (value ?? '').includes(accountText(account, messages)),
      );
      const seen = ofAccount.map((message) => order.get(idOf(message)) ?? -1);
      expect(seen).toEqual([...seen].sort((a, b) => a - b));
      expect(ofAccount.length).toBeGreaterThan(20);
    }
    expect(receiver.openMax).toBeGreaterThan(1);
    expect(await lanesOf(id)).toBe(0);

    function accountText(account: string, among: readonly StreamMessage[]): string {
      const index = accounts.indexOf(account);
      return JSON.parse(among[index]?.value ?? '').legs[0].accountId;
    }
  }, 90_000);

  it('that refuses one account’s events gets the others’, and is told what was skipped', async () => {
    const ledger = new FedLedger();
    const [alice, bob] = [randomUUID(), randomUUID()];
    const { id } = await insertEndpoint(superuser, ledger.id, {
      url: receiver.url(),
      ordering: 'account',
      maxConcurrency: 4,
    });
    const bad = ledger.message([{ accountId: alice }]);
    const behind = ledger.message([{ accountId: alice }]);
    const others = Array.from({ length: 10 }, () => ledger.message([{ accountId: bob }]));
    const last = ledger.message([{ accountId: alice }]);
    let isRefused = true;
    const lastOfOthers = idOf(others.at(-1) as StreamMessage);
    receiver.answer = (received, response) => {
      const answer = (status: number) => void response.writeHead(status).end();
      if (received.id !== idOf(bad) || !isRefused) return answer(200);
      if (receiver.ids().filter((one) => one === idOf(bad)).length < 3) return answer(500);
      // The last time it is refused when the others have come, so that a slow machine sees the same order.
      const refuse = () => answer(500);
      void until('the others have come', () => receiver.ids().includes(lastOfOthers)).then(refuse, refuse);
    };
    await dispatcher.stream.feed([bad, behind, ...others, last]);
    await until('all but one are done', async () => {
      const counts = await countByStatus(superuser, id);
      return counts['succeeded'] === 12 && counts['exhausted'] === 1;
    });
    const ids = receiver.ids();
    // The bad one came three times before the one behind it, and held up none of the other account's.
    expect(ids.lastIndexOf(idOf(bad))).toBeLessThan(ids.indexOf(idOf(behind)));
    expect(ids.indexOf(lastOfOthers)).toBeLessThan(ids.indexOf(idOf(behind)));
    const bodyOf = (message: StreamMessage) =>
      receiver.received.find((one) => one.id === idOf(message))?.body;
    expect(bodyOf(behind)?.skipped).toEqual([idOf(bad)]);
    expect(bodyOf(last)).not.toHaveProperty('skipped');
    expect(bodyOf(others[0] as StreamMessage)).not.toHaveProperty('skipped');
    expect(await lanesOf(id)).toBe(0);

    // By hand it comes out of order, and says so.
    isRefused = false;
    await superuser.query(
      `UPDATE dispatcher.deliveries SET status = 'pending', is_manual = true, next_attempt_at = clock_timestamp(),
         schedule_from = attempts WHERE endpoint_id = $1 AND status = 'exhausted'`,
      [id],
    );
    await superuser.query("SELECT pg_notify('dispatcher_due', $1)", [id]);
    await until('it is done', async () => (await countByStatus(superuser, id))['succeeded'] === 13);
    expect(receiver.received.at(-1)).toMatchObject({
      id: idOf(bad),
      headers: { 'x-webhook-out-of-order': 'true' },
    });
  });

  it('that is no longer ordered gets what waited in its lanes', async () => {
    const ledger = new FedLedger();
    const alice = randomUUID();
    const { id } = await insertEndpoint(superuser, ledger.id, { url: receiver.url(), ordering: 'account' });
    let isHanging = true;
    receiver.answer = (_, response) => void (!isHanging && response.end());
    await dispatcher.stream.feed(Array.from({ length: 5 }, () => ledger.message([{ accountId: alice }])));
    await until('the first has come', () => receiver.received.length === 1);
    await superuser.query(
      "UPDATE dispatcher.endpoints SET ordering = 'none', updated_at = clock_timestamp() WHERE id = $1",
      [id],
    );
    isHanging = false;
    await until('the others have come', async () => (await countByStatus(superuser, id))['succeeded'] === 4);
    for (const response of receiver.open) response.end();
    await until('all are done', async () => (await countByStatus(superuser, id))['succeeded'] === 5);
    expect(await lanesOf(id)).toBe(0);
  });

  it('goes on after a restart where its lanes were', async () => {
    const ledger = new FedLedger();
    const alice = randomUUID();
    const { id } = await insertEndpoint(superuser, ledger.id, { url: receiver.url(), ordering: 'account' });
    receiver.answer = (_, response) => void setTimeout(() => response.end(), 50);
    const messages = Array.from({ length: 30 }, () => ledger.message([{ accountId: alice }]));
    await dispatcher.stream.feed(messages);
    await until('some have come', () => receiver.received.length > 3);
    await dispatcher.stop();
    dispatcher = await startTestDispatcher(database.dispatcherUrl);
    await until('all are done', async () => (await countByStatus(superuser, id))['succeeded'] === 30);
    expect(receiver.ids()).toEqual(messages.map(idOf));
  });
});
