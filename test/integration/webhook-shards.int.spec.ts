import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { shardCount } from '../../apps/webhook-dispatcher/src/delivery/shard-of.js';
import { writeResults } from '../../apps/webhook-dispatcher/src/delivery/scan-results.js';
import {
  anyDay,
  claimDue,
  giveBack,
  type ClaimWish,
} from '../../apps/webhook-dispatcher/src/delivery/scan-shards.js';
import type { ShardTerm } from '../../apps/webhook-dispatcher/src/delivery/held-terms.js';
import { Shards } from '../../apps/webhook-dispatcher/src/delivery/shards.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import {
  countByStatus,
  deliveriesOf,
  FedLedger,
  HttpReceiver,
  insertEndpoint,
  newDeliveryPool,
  startTestDispatcher,
  succeeded,
  until,
  type TestDispatcher,
} from '../support/delivery-fixtures.js';
import { TcpProxy } from '../support/tcp-proxy.js';

let database: TestDatabase;
let superuser: pg.Pool;
const running: { stop(): Promise<unknown> }[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  superuser = new pg.Pool({ connectionString: database.superuserUrl, options: '-c timezone=UTC' });
});

afterAll(async () => {
  await superuser.end();
  await database.drop();
});

afterEach(async () => {
  await Promise.all(running.splice(0).map((one) => one.stop()));
});

class Holder {
  readonly terms = new Map<number, number>();
  readonly shards: Shards;

  constructor(url: string, name: string) {
    this.shards = new Shards({
      url,
      name,
      logger: {
        debug: () => undefined,
        info: () => undefined,
        warn: () => undefined,
        error: () => undefined,
      },
      onTaken: (taken) => taken.forEach(({ shard, term }) => this.terms.set(shard, term)),
      onLost: (lost) => lost.forEach((shard) => this.terms.delete(shard)),
      onHandOver: async (shard) => void this.terms.delete(shard),
    });
    this.shards.start();
    running.push(this.shards);
  }

  get held(): number[] {
    return [...this.terms.keys()];
  }
}

describe('shards', () => {
  it('are shared evenly by those who are there, each held by one', async () => {
    const first = new Holder(database.dispatcherUrl, 'first');
    await until('the first has all', () => first.shards.count === shardCount);
    const second = new Holder(database.dispatcherUrl, 'second');
    const third = new Holder(database.dispatcherUrl, 'third');
    const all = [first, second, third];
    await until('they share', () => all.every(({ shards }) => shards.count >= 20 && shards.count <= 22));
    expect(new Set(all.flatMap(({ held }) => held)).size).toBe(shardCount);
    await second.shards.stop();
    await until('two share', () => first.shards.count === 32 && third.shards.count === 32);
  });

  it('of a dead holder are taken within 2 s, under a higher term', async () => {
    const proxy = await TcpProxy.start(database.dispatcherUrl);
    const dying = new Holder(proxy.url, 'dying');
    await until('it has all', () => dying.shards.count === shardCount);
    const before = new Map(dying.terms);
    const heir = new Holder(database.dispatcherUrl, 'heir');
    await until('they share', () => heir.shards.count === shardCount / 2);
    const diedAtMs = performance.now();
    await proxy.close();
    await until('the heir has all', () => heir.shards.count === shardCount);
    // Twice what is promised: this machine may be busy.
    expect(performance.now() - diedAtMs).toBeLessThan(4_000);
    for (const [shard, term] of heir.terms) expect(term).toBeGreaterThan(before.get(shard) ?? Infinity);
    expect(dying.shards.holds({ shard: 0, term: before.get(0) ?? 0 })).toBe(false);
  });
});

/** An endpoint with one delivery that is due, and who holds its shard. */
async function holdOneDue() {
  const ledger = new FedLedger();
  const pool = newDeliveryPool(database.dispatcherUrl);
  running.push({ stop: () => pool.end() });
  const holder = new Holder(database.dispatcherUrl, 'holder');
  await until('it has all', () => holder.shards.count === shardCount);
  const { id: endpointId } = await insertEndpoint(superuser, ledger.id);
  const { shard } = (
    await superuser.query('SELECT shard FROM dispatcher.endpoints WHERE id = $1', [endpointId])
  ).rows[0];
  await superuser.query('SELECT dispatcher.make_days_v1(ARRAY[current_date])');
  /** @param inSeconds when it is due */
  const insertDelivery = (inSeconds: number) =>
    superuser.query(
      `INSERT INTO dispatcher.deliveries (day, event_id, endpoint_id, id, ledger_id, shard, event_type, account_ids, status, next_attempt_at)
       VALUES (current_date, gen_random_uuid(), $1, gen_random_uuid(), $2, $3, 'transaction.posted', '{}', 'pending', now() + $4 * interval '1 second')`,
      [endpointId, ledger.id, shard, inSeconds],
    );
  await insertDelivery(0);
  const term: ShardTerm = { shard, term: holder.terms.get(shard) ?? 0 };
  const wish = { endpointId, ledgerId: ledger.id, count: 5, fromDay: anyDay };
  const claim = async (changes: Partial<ClaimWish> = {}) =>
    claimDue(pool, [{ ...wish, ...term, ...changes }]);
  return { pool, endpointId, term, claim, insertDelivery };
}

describe('a claim', () => {
  it('takes what is due, and leaves what is due later', async () => {
    const { claim, insertDelivery } = await holdOneDue();
    await insertDelivery(3_600);
    expect(await claim()).toHaveLength(1);
    expect(await claim()).toEqual([]);
  });
});

describe('a write under an old term', () => {
  it('changes nothing, whatever it is', async () => {
    const { pool, endpointId, term, claim } = await holdOneDue();
    expect(await claim({ term: term.term - 1 })).toEqual([]);
    expect(await claim({ ledgerId: new FedLedger().id })).toEqual([]);
    const [claimed] = await claim();
    if (!claimed) throw new Error('nothing was claimed');
    // The holder is frozen; another takes the shard and delivers.
    await superuser.query('UPDATE dispatcher.shards SET term = term + 1 WHERE shard = $1', [term.shard]);
    await giveBack(pool, [claimed]);
    const result = { ...succeeded, delivery: claimed };
    expect(await writeResults(pool, [result], { isOrdered: false })).toMatchObject({ outcomes: null });
    expect(await writeResults(pool, [result], { isOrdered: true })).toMatchObject({ outcomes: null });
    expect(await deliveriesOf(superuser, endpointId)).toMatchObject([{ status: 'delivering', attempts: 0 }]);
    const now = { ...claimed, term: term.term + 1 };
    expect(await writeResults(pool, [{ ...result, delivery: now }], { isOrdered: false })).toMatchObject({
      outcomes: { succeeded: 1 },
    });
    // Said again, after an answer that was lost, it changes nothing either.
    expect(await writeResults(pool, [{ ...result, delivery: now }], { isOrdered: false })).toMatchObject({
      outcomes: null,
    });
    expect(await deliveriesOf(superuser, endpointId)).toMatchObject([{ status: 'succeeded', attempts: 1 }]);
  });
});

describe('a result that was written', () => {
  it('changes nothing when it is said again while the next attempt is under way', async () => {
    const { pool, endpointId, claim } = await holdOneDue();
    const [first] = await claim();
    if (!first) throw new Error('nothing was claimed');
    const failed = { ...succeeded, delivery: first, status: 'pending', waitMs: 0, statusCode: 503 } as const;
    expect(await writeResults(pool, [failed], { isOrdered: false })).toMatchObject({
      outcomes: { pending: 1 },
    });
    expect(await claim()).toMatchObject([{ id: first.id, attempts: 1 }]);

    expect(await writeResults(pool, [failed], { isOrdered: false })).toMatchObject({ outcomes: null });
    expect(await deliveriesOf(superuser, endpointId)).toMatchObject([{ status: 'delivering', attempts: 1 }]);
  });
});

describe('two dispatchers', () => {
  let receiver: HttpReceiver;

  beforeEach(async () => {
    receiver = await HttpReceiver.start();
    running.push(receiver);
  });

  async function start(url = database.dispatcherUrl): Promise<TestDispatcher> {
    const dispatcher = await startTestDispatcher(url);
    running.push(dispatcher);
    return dispatcher;
  }

  it('deliver everything once, whoever took it in and whoever comes and goes', async () => {
    const ledger = new FedLedger();
    const endpoints = await Promise.all(
      Array.from({ length: 8 }, (_, index) =>
        insertEndpoint(superuser, ledger.id, { url: receiver.url(`/${index}`), shard: index * 8 }),
      ),
    );
    const first = await start();
    const feeding = (async () => {
      for (let batch = 0; batch < 40; batch++) {
        await first.stream.feed(ledger.messages(25));
        await sleep(100);
      }
    })();
    await sleep(300);
    const second = await start();
    await sleep(1_500);
    const third = await start();
    await sleep(1_000);
    await second.stop();
    running.splice(running.indexOf(second), 1);
    await feeding;
    void third;
    for (const [index, { id }] of endpoints.entries()) {
      await until(
        'all is delivered',
        async () => (await countByStatus(superuser, id))['succeeded'] === 1_000,
      );
      const ids = receiver.ids(`/${index}`);
      // Handing over waits for what is under way: nothing was sent twice, and no row is there twice.
      expect(ids).toHaveLength(1_000);
      expect(new Set(ids).size).toBe(1_000);
      expect(await deliveriesOf(superuser, id)).toHaveLength(1_000);
    }
  }, 90_000);

  it('redeliver what a killed one was delivering, with the same ids', async () => {
    const ledger = new FedLedger();
    const { id } = await insertEndpoint(superuser, ledger.id, { url: receiver.url(), shard: 3 });
    const proxy = await TcpProxy.start(database.dispatcherUrl);
    const dying = await startTestDispatcher(proxy.url, { settings: { drainMsMax: 100 } });
    running.push({ stop: () => dying.stop().catch(() => undefined) });
    receiver.answer = () => undefined;
    await dying.stream.feed(ledger.messages(30));
    await until('ten are under way', () => receiver.open.size === 10);
    const underWay = new Set(receiver.ids());
    receiver.answer = (_, response) => response.end();
    await proxy.close();
    const heir = await start();
    await until('all are delivered', async () => (await countByStatus(superuser, id))['succeeded'] === 30);
    const again = receiver.ids().slice(10);
    expect(again).toEqual(expect.arrayContaining([...underWay]));
    expect(new Set(receiver.ids()).size).toBe(30);
    // The late answers of the dead one's attempts decide nothing.
    for (const response of receiver.open) response.writeHead(500).end();
    await sleep(300);
    expect(await countByStatus(superuser, id)).toEqual({ succeeded: 30 });
    void heir;
  }, 90_000);

  it('take over the retries of a killed one: what it was retrying at once, what waits at its time', async () => {
    const ledger = new FedLedger();
    const endpoint = (name: string) =>
      insertEndpoint(superuser, ledger.id, { url: receiver.url(`/${name}`), eventTypes: [`a.${name}`] });
    const [retrying, waiting] = [await endpoint('retrying'), await endpoint('waiting')];
    const proxy = await TcpProxy.start(database.dispatcherUrl);
    const dying = await startTestDispatcher(proxy.url, {
      settings: { drainMsMax: 100 },
      verdict: ({ statusCode }) => ({ next: 'retry', waitMs: statusCode === 503 ? 50 : 6_000 }),
    });
    running.push({ stop: () => dying.stop().catch(() => undefined) });
    receiver.answer = ({ path }, response) => {
      if (path === '/waiting') response.writeHead(500).end();
      else if (receiver.ids(path).length === 1) response.writeHead(503).end();
    };
    await dying.stream.feed(['retrying', 'waiting'].map((name) => ledger.message([], { type: `a.${name}` })));
    const deliveryOf = async ({ id }: { readonly id: string }) => (await deliveriesOf(superuser, id))[0];
    await until('a retry is under way', () => receiver.ids('/retrying').length === 2);
    await until('another waits', async () => (await deliveryOf(waiting)).attempts === 1);
    const { next_attempt_at: dueAt } = await deliveryOf(waiting);
    receiver.answer = (_, response) => response.end();
    await proxy.close();
    await start();
    await until('all is delivered', async () =>
      [await deliveryOf(retrying), await deliveryOf(waiting)].every((one) => one.status === 'succeeded'),
    );
    expect(await deliveryOf(retrying)).toMatchObject({ attempts: 2 });
    expect(await deliveryOf(waiting)).toMatchObject({ attempts: 2 });
    expect(new Set(receiver.ids('/retrying')).size).toBe(1);
    const [first, second, ...more] = receiver.received.filter(({ path }) => path === '/waiting');
    expect([second?.id, more]).toEqual([first?.id, []]);
    expect(performance.timeOrigin + (second?.atMs ?? 0)).toBeGreaterThan(dueAt.getTime() - 100);
  }, 90_000);
});

describe('a crash of Postgres', () => {
  it('is over for deliveries when it is over for Postgres', async () => {
    const crashing = await createTestDatabase({ ownCluster: true });
    const receiver = await HttpReceiver.start();
    let dispatcher: TestDispatcher | undefined;
    const connect = async () => {
      const client = new pg.Client({ connectionString: crashing.superuserUrl });
      await client.connect();
      return client;
    };
    try {
      let db = await connect();
      const ledger = new FedLedger();
      const { id } = await insertEndpoint(db, ledger.id, { url: receiver.url() });
      await db.end();
      dispatcher = await startTestDispatcher(crashing.dispatcherUrl);
      receiver.answer = (_, response) => void setTimeout(() => response.end(), 20);
      await dispatcher.stream.feed(ledger.messages(500));
      await until('some have come', () => receiver.received.length > 50);
      await crashing.restartPostgres('immediate');
      db = await connect();
      await until('all are done', async () => (await countByStatus(db, id))['succeeded'] === 500, 60);
      expect(new Set(receiver.ids()).size).toBe(500);
      await db.end();
    } finally {
      await dispatcher?.stop();
      await receiver.stop();
      await crashing.drop();
    }
  }, 120_000);
});
