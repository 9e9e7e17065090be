import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { Registry } from 'prom-client';
import { createPostgresPool, readSession } from '#platform';
import { CommitListener } from '../../apps/ledger/src/projections/commit-listener.js';
import { CommitNotifier } from '../../apps/ledger/src/projections/commit-notifier.js';
import { listsProjection } from '../../apps/ledger/src/projections/lists-projection.js';
import { projectionMetrics } from '../../apps/ledger/src/projections/projection-metrics.js';
import {
  ProjectionRunner,
  type ProjectionRunnerSettings,
} from '../../apps/ledger/src/projections/projection-runner.js';
import { takeTurn } from '../../apps/ledger/src/projections/projection-turn.js';
import { ProjectionLagging, ProjectionWaiter } from '../../apps/ledger/src/projections/projection-waiter.js';
import type { Projection } from '../../apps/ledger/src/projections/projection.js';
import { scanBacklog } from '../../apps/ledger/src/projections/scan-ledgers.js';
import { workerSession } from '../../apps/ledger/src/projections/sessions.js';
import { systemPartyId } from '../../apps/ledger/src/projections/system-parties.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { HandMadeJournal } from '../support/hand-made-journal.js';

let database: TestDatabase;
let superuser: pg.Client;
let workerPool: pg.Pool;
let readPool: pg.Pool;
const logged: { level: string; details: Record<string, unknown>; message: string }[] = [];
const log = (level: string) => (details: object, message: string) =>
  void logged.push({ level, details: details as Record<string, unknown>, message });
const logger = { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') };

beforeAll(async () => {
  database = await createTestDatabase();
  superuser = new pg.Client({ connectionString: database.superuserUrl, options: '-c timezone=UTC' });
  await superuser.connect();
  const pool = (applicationName: string, session: Readonly<Record<string, string>>) =>
    createPostgresPool({
      url: database.ledgerUrl,
      applicationName,
      connectionsMax: 4,
      session,
      onError: () => undefined,
    });
  workerPool = pool('test-worker', workerSession);
  readPool = pool('test-read', readSession);
});

afterAll(async () => {
  await Promise.all([workerPool.end(), readPool.end()]);
  await superuser.end();
  await database.drop();
});

beforeEach(() => {
  logged.length = 0;
});

const turn = (ledgerId: string, eventsMax = 2_000, projection = listsProjection) =>
  takeTurn(workerPool, ledgerId, projection, eventsMax);

async function rows(table: string, ledgerId: string, order: string, columns = '*'): Promise<unknown[]> {
  const result = await superuser.query(
    `SELECT ${columns} FROM projections.${table} WHERE ledger_id = $1 ORDER BY ${order}`,
    [ledgerId],
  );
  return result.rows;
}

async function checkpointOf(ledgerId: string) {
  const { rows } = await superuser.query(
    'SELECT position::integer, parked_reason FROM projections.checkpoints WHERE ledger_id = $1',
    [ledgerId],
  );
  return rows[0];
}

const everything = async (ledgerId: string) => ({
  transactions: await rows('transactions', ledgerId, 'position'),
  parties: await rows('transaction_parties', ledgerId, 'account_id, side, position'),
  owners: await rows('event_owners', ledgerId, 'owner_id, position'),
  entries: await rows('entries', ledgerId, 'account_id, position, leg'),
});

/** Two owners' accounts and a few movements between them and ROOT, in two currencies. */
async function smallLedger() {
  const journal = new HandMadeJournal(superuser);
  const alice = journal.openAccount({ ownerId: 'alice' });
  const bob = journal.openAccount({ ownerId: 'bob', visibility: 'public' });
  const shop = journal.openAccount();
  const mint = journal.post([{ sender: 'ROOT', recipient: alice, amount: 1_000n }], {
    type: 'mint',
    reference: 'Ünïted ÉCLAIR',
    externalId: 'mint-1',
  });
  const several = journal.post(
    [
      { sender: alice, recipient: bob, amount: 300n },
      { sender: alice, recipient: shop, amount: 50n },
      { sender: 'ROOT', recipient: bob, amount: 5n, currency: 'USD' },
    ],
    { reference: 'split' },
  );
  await journal.commit();
  return { journal, alice, bob, shop, mint, several };
}

describe('the lists projection', () => {
  it('lists transactions with the amounts of one posting or of several', async () => {
    const { journal, mint, several } = await smallLedger();
    expect(await turn(journal.ledgerId)).toEqual({
      result: 'projected',
      events: Number(journal.head),
      isBehind: false,
    });
    expect(
      await rows(
        'transactions',
        journal.ledgerId,
        'position',
        'position::integer, id, type, status, amount, currency, amounts::text[], currencies, reference, external_id',
      ),
    ).toEqual([
      {
        position: Number(mint.position),
        id: mint.transactionId,
        type: 'mint',
        status: 'posted',
        amount: '1000',
        currency: 'EUR',
        amounts: null,
        currencies: null,
        reference: 'ünïted éclair',
        external_id: 'mint-1',
      },
      {
        position: Number(several.position),
        id: several.transactionId,
        type: 'transfer',
        status: 'posted',
        amount: null,
        currency: null,
        amounts: ['300', '50', '5'],
        currencies: ['EUR', 'EUR', 'USD'],
        reference: 'split',
        external_id: null,
      },
    ]);
  });

  it('lists each party once per side, and ROOT under one id for all currencies', async () => {
    const { journal, alice, bob, shop, mint, several } = await smallLedger();
    await turn(journal.ledgerId);
    const parties = await rows(
      'transaction_parties',
      journal.ledgerId,
      'position, side, account_id',
      'account_id, side, position::integer',
    );
    const root = systemPartyId('ROOT');
    const [first, second] = [Number(mint.position), Number(several.position)];
    const sorted = (ids: string[]) => [...ids].sort();
    expect(parties).toEqual([
      { account_id: alice, side: 'recipient', position: first },
      { account_id: root, side: 'sender', position: first },
      ...sorted([bob, shop]).map((id) => ({ account_id: id, side: 'recipient', position: second })),
      ...sorted([root, alice]).map((id) => ({ account_id: id, side: 'sender', position: second })),
    ]);
  });

  it('names the owners of each event, account events included and system accounts left out', async () => {
    const { journal, mint, several } = await smallLedger();
    await turn(journal.ledgerId);
    const [first, second] = [Number(mint.position), Number(several.position)];
    expect(
      await rows('event_owners', journal.ledgerId, 'owner_id, position', 'owner_id, position::integer'),
    ).toEqual([
      { owner_id: 'alice', position: 1 },
      { owner_id: 'alice', position: first },
      { owner_id: 'alice', position: second },
      { owner_id: 'bob', position: 2 },
      { owner_id: 'bob', position: second },
    ]);
  });

  it('makes an entry of each leg, with the other side and the balance after it', async () => {
    const { journal, alice, bob, several } = await smallLedger();
    await turn(journal.ledgerId);
    const entries = await rows(
      'entries',
      journal.ledgerId,
      'position, leg',
      `account_id, leg, direction, amount, balance_after, entry_number::integer, counterparty_id,
        counterparty_system, counterparty_visibility, counterparty_owner_id, reference, position::integer, transaction_id`,
    );
    expect(entries).toHaveLength(8);
    expect(entries[2]).toEqual({
      account_id: alice,
      leg: 1,
      direction: 'debit',
      amount: '300',
      balance_after: '700',
      entry_number: 2,
      counterparty_id: bob,
      counterparty_system: null,
      counterparty_visibility: 'public',
      counterparty_owner_id: 'bob',
      reference: 'split',
      position: Number(several.position),
      transaction_id: several.transactionId,
    });
    expect(entries[7]).toMatchObject({ account_id: bob, leg: 6, counterparty_system: 'ROOT', amount: '5' });
  });

  it('gives the same in turns of one event as in one turn', async () => {
    const { journal } = await smallLedger();
    await turn(journal.ledgerId);
    const whole = await everything(journal.ledgerId);
    for (const table of ['transactions', 'transaction_parties', 'event_owners', 'entries', 'checkpoints']) {
      await superuser.query(`DELETE FROM projections.${table} WHERE ledger_id = $1`, [journal.ledgerId]);
    }
    for (let turns = 0n; turns < journal.head; turns++) await turn(journal.ledgerId, 1);
    expect(await everything(journal.ledgerId)).toEqual(whole);
  });

  it('makes no rows of an event whose data was erased, and goes past it', async () => {
    const { journal, mint } = await smallLedger();
    await superuser.query(
      'UPDATE journal.events SET data = NULL, data_salt = NULL WHERE ledger_id = $1 AND position = $2',
      [journal.ledgerId, mint.position],
    );
    expect(await turn(journal.ledgerId)).toMatchObject({ result: 'projected', isBehind: false });
    expect(await rows('transactions', journal.ledgerId, 'position')).toHaveLength(1);
  });
});

describe('a turn', () => {
  it('goes on from the checkpoint and says whether there is more', async () => {
    const { journal } = await smallLedger();
    expect(await turn(journal.ledgerId, 3)).toEqual({ result: 'projected', events: 3, isBehind: true });
    expect(await checkpointOf(journal.ledgerId)).toEqual({ position: 3, parked_reason: null });
    expect(await turn(journal.ledgerId)).toMatchObject({ events: Number(journal.head) - 3, isBehind: false });
    expect(await turn(journal.ledgerId)).toEqual({ result: 'projected', events: 0, isBehind: false });
  });

  it('leaves a ledger alone that another process has', async () => {
    const { journal } = await smallLedger();
    await turn(journal.ledgerId, 1);
    await superuser.query('BEGIN');
    await superuser.query('SELECT FROM projections.checkpoints WHERE ledger_id = $1 FOR UPDATE', [
      journal.ledgerId,
    ]);
    expect(await turn(journal.ledgerId)).toEqual({ result: 'busy', events: 0, isBehind: false });
    await superuser.query('ROLLBACK');
    expect(await turn(journal.ledgerId)).toMatchObject({ result: 'projected' });
  });

  it('projects nothing of a ledger without a head', async () => {
    expect(await turn(randomUUID())).toMatchObject({ result: 'busy', events: 0 });
  });

  it('saves rows and checkpoint together or neither', async () => {
    const { journal } = await smallLedger();
    const failing: Projection = {
      ...listsProjection,
      async project(db, ledgerId, range) {
        await listsProjection.project(db, ledgerId, range);
        throw new Error('the process dies here');
      },
    };
    await expect(turn(journal.ledgerId, 2_000, failing)).rejects.toThrow('dies here');
    expect(await checkpointOf(journal.ledgerId)).toBeUndefined();
    expect(await rows('transactions', journal.ledgerId, 'position')).toEqual([]);
    await turn(journal.ledgerId);
    expect(await rows('transactions', journal.ledgerId, 'position')).toHaveLength(2);
  });

  it.each([
    ['a type', 'transaction.invented', 1],
    ['a version', 'transaction.posted', 3],
  ])('parks the ledger in front of an event of %s that it does not know', async (_, type, version) => {
    const { journal } = await smallLedger();
    const known = Number(journal.head);
    journal.writeRaw(type, version, '{}');
    journal.openAccount();
    await journal.commit();
    expect(await turn(journal.ledgerId)).toMatchObject({
      result: 'parked',
      events: known,
      position: BigInt(known + 1),
    });
    const checkpoint = await checkpointOf(journal.ledgerId);
    expect(checkpoint).toEqual({
      position: known,
      parked_reason: `event type ${type} version ${version} is not known to this release`,
    });
    expect(await rows('transactions', journal.ledgerId, 'position')).toHaveLength(2);
    expect(await turn(journal.ledgerId)).toEqual({ result: 'parked_before', events: 0, isBehind: false });
  });

  it('goes past an event that only an earlier release does not know, whoever has parked the ledger', async () => {
    const { journal } = await smallLedger();
    const accountEvents = listsProjection.understands.filter(({ type }) => type.startsWith('account.'));
    const earlier: Projection = { ...listsProjection, understands: accountEvents };
    expect(await turn(journal.ledgerId, 2_000, earlier)).toMatchObject({ result: 'parked' });
    const parkedAt = Number((await checkpointOf(journal.ledgerId)).position);
    expect(await turn(journal.ledgerId, 2_000, earlier)).toMatchObject({ result: 'parked_before' });
    expect((await scanBacklog(workerPool, 'lists')).lagging).toContain(journal.ledgerId);

    expect(await turn(journal.ledgerId, 1)).toMatchObject({ result: 'projected', events: 1, isBehind: true });
    expect(await checkpointOf(journal.ledgerId)).toEqual({ position: parkedAt + 1, parked_reason: null });
    expect(await turn(journal.ledgerId, 2_000, earlier)).toMatchObject({ result: 'parked' });
    expect(await turn(journal.ledgerId)).toMatchObject({ result: 'projected', isBehind: false });
    const head = Number(journal.head);
    expect(await checkpointOf(journal.ledgerId)).toEqual({ position: head, parked_reason: null });
  });

  it.each([
    [
      'an amount that is no number',
      '{"legs":[{"leg":1,"accountId":"00000000-0000-7000-8000-000000000001","amount":"x"}]}',
    ],
    ['a transaction without legs', '{"type":"transfer"}'],
    ['an account that is no UUID', '{"type":"transfer","legs":[{"leg":1,"accountId":"bob","amount":"1"}]}'],
  ])('finds %s among many events and parks the ledger in front of it', async (_, data) => {
    const journal = new HandMadeJournal(superuser);
    const account = journal.openAccount();
    for (let n = 0; n < 70; n++) journal.post([{ sender: 'ROOT', recipient: account, amount: 1n }]);
    const poison = journal.writeRaw('transaction.posted', 1, data);
    for (let n = 0; n < 50; n++) journal.post([{ sender: 'ROOT', recipient: account, amount: 1n }]);
    await journal.commit();
    expect(await turn(journal.ledgerId)).toMatchObject({
      result: 'parked',
      position: poison,
      events: Number(poison) - 1,
    });
    expect((await checkpointOf(journal.ledgerId)).position).toBe(Number(poison) - 1);
    expect(await rows('transactions', journal.ledgerId, 'position')).toHaveLength(70);
  });
});

describe('the runner', () => {
  const runners: ProjectionRunner[] = [];
  const listeners: { stop(): Promise<void> }[] = [];
  const registry = new Registry();
  const metrics = projectionMetrics(registry);

  function startRunner(
    projection: Projection = listsProjection,
    settings: Partial<ProjectionRunnerSettings> = {},
  ): ProjectionRunner {
    const runner = new ProjectionRunner({
      pool: workerPool,
      projections: [projection],
      metrics,
      logger,
      settings,
    });
    runner.start();
    runners.push(runner);
    return runner;
  }

  afterEach(async () => {
    await Promise.all(listeners.splice(0).map((listener) => listener.stop()));
    await Promise.all(runners.splice(0).map((runner) => runner.stop(5_000)));
  });

  async function until(
    condition: () => Promise<boolean> | boolean,
    what: string,
    limitMs = 10_000,
  ): Promise<void> {
    for (const end = Date.now() + limitMs; !(await condition()); await sleep(10)) {
      if (Date.now() > end) throw new Error(`not within ${limitMs} ms: ${what}`);
    }
  }

  const isCaughtUp = (journal: HandMadeJournal) => async () =>
    (await checkpointOf(journal.ledgerId))?.position === Number(journal.head);

  it('loses and doubles nothing with two of them on the same ledgers while more is written', async () => {
    const journals = Array.from({ length: 4 }, () => new HandMadeJournal(superuser));
    const accounts = journals.map((journal) => journal.openAccount({ ownerId: 'o' }));
    const two = [
      startRunner(listsProjection, { eventsPerTurnMax: 7, restMs: 1 }),
      startRunner(listsProjection, { eventsPerTurnMax: 11, restMs: 1 }),
    ];
    for (let round = 0; round < 15; round++) {
      for (const [index, journal] of journals.entries()) {
        for (let n = 0; n < 9; n++)
          journal.post([{ sender: 'ROOT', recipient: accounts[index]!, amount: 1n }]);
        await journal.commit();
        for (const runner of two) runner.poke(journal.ledgerId);
      }
    }
    for (const [index, journal] of journals.entries()) {
      await until(isCaughtUp(journal), 'every ledger is caught up');
      const entries = (await rows(
        'entries',
        journal.ledgerId,
        'entry_number',
        'account_id, entry_number::integer, balance_after',
      )) as { account_id: string; entry_number: number; balance_after: string }[];
      const own = entries.filter((entry) => entry.account_id === accounts[index]);
      expect(own.map((entry) => [entry.entry_number, entry.balance_after])).toEqual(
        Array.from({ length: 135 }, (_, n) => [n + 1, String(n + 1)]),
      );
    }
    expect(logged.filter(({ level }) => level === 'error')).toEqual([]);
  });

  it('finds ledgers that nobody poked for', async () => {
    const { journal } = await smallLedger();
    startRunner(listsProjection, { scanEveryMs: 50 });
    await until(isCaughtUp(journal), 'the scan has found the ledger');
  });

  it('parks one ledger with an error and a metric, and goes on with the others', async () => {
    const parked = (await smallLedger()).journal;
    parked.writeRaw('transaction.invented', 1, '{}');
    await parked.commit();
    const runner = startRunner(listsProjection, { scanEveryMs: 50 });
    runner.poke(parked.ledgerId);
    await until(() => logged.some(({ level }) => level === 'error'), 'an error is logged');
    expect(logged.find(({ level }) => level === 'error')?.details).toMatchObject({
      ledgerId: parked.ledgerId,
      position: parked.head,
      reason: expect.stringContaining('transaction.invented'),
    });
    const { journal } = await smallLedger();
    runner.poke(journal.ledgerId);
    await until(isCaughtUp(journal), 'the other ledger is projected');
    await until(async () => {
      const text = await registry.metrics();
      return /ledger_projection_parked_ledgers\{projection="lists"\} [1-9]/.test(text);
    }, 'the metric shows a parked ledger');
    expect(await registry.metrics()).toMatch(/ledger_projection_lag_events_max\{projection="lists"\} [1-9]/);
  });

  it('tries again after an error that passes, and does not park', async () => {
    const { journal } = await smallLedger();
    let failures = 2;
    const flaky: Projection = {
      ...listsProjection,
      async project(db, ledgerId, range) {
        if (ledgerId === journal.ledgerId && failures-- > 0)
          throw Object.assign(new Error('no disk'), { code: '53100' });
        await listsProjection.project(db, ledgerId, range);
      },
    };
    startRunner(flaky, { retryMs: 5 }).poke(journal.ledgerId);
    await until(isCaughtUp(journal), 'the ledger is caught up');
    expect(await checkpointOf(journal.ledgerId)).toMatchObject({ parked_reason: null });
    expect(logged.filter(({ details }) => details['ledgerId'] === journal.ledgerId)).toHaveLength(2);
  });

  it('goes on after its connections were killed', async () => {
    const { journal, alice, bob } = await smallLedger();
    const runner = startRunner(listsProjection, { retryMs: 20 });
    for (let round = 0; round < 5; round++) {
      for (let n = 0; n < 50; n++) journal.post([{ sender: alice, recipient: bob, amount: 1n }]);
      await journal.commit();
      runner.poke(journal.ledgerId, { isUrgent: true });
      await superuser.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
          WHERE datname = current_database() AND application_name = 'test-worker'`,
      );
    }
    await until(isCaughtUp(journal), 'the ledger is caught up');
    expect(await rows('transactions', journal.ledgerId, 'position')).toHaveLength(252);
  });

  it('lets no busy ledger hold up another', async () => {
    const { journal: busy, alice, bob } = await smallLedger();
    for (let n = 0; n < 3_000; n++) busy.post([{ sender: alice, recipient: bob, amount: 1n }]);
    await busy.commit();
    const runner = startRunner(listsProjection, { eventsPerTurnMax: 10, turnsMax: 1, scanEveryMs: 60_000 });
    runner.poke(busy.ledgerId);
    const { journal } = await smallLedger();
    runner.poke(journal.ledgerId);
    await until(isCaughtUp(journal), 'the small ledger is caught up');
    expect((await checkpointOf(busy.ledgerId)).position).toBeLessThan(Number(busy.head));
  });

  it('says of which ledgers it can only just keep up with', async () => {
    const { journal: busy, alice, bob } = await smallLedger();
    const post = async (transactions: number) => {
      for (let n = 0; n < transactions; n++) busy.post([{ sender: alice, recipient: bob, amount: 1n }]);
      await busy.commit();
      runner.poke(busy.ledgerId);
    };
    const runner = startRunner(listsProjection, { eventsPerTurnMax: 10, restMs: 200, scanEveryMs: 60_000 });
    await post(95);
    await until(() => runner.isHardPressed(busy.ledgerId), 'a turn was full');
    await until(isCaughtUp(busy), 'the ledger is caught up');
    await post(1);
    await until(isCaughtUp(busy), 'the ledger is caught up again');
    await until(() => !runner.isHardPressed(busy.ledgerId), 'a turn had little to do');
    expect(runner.isHardPressed(randomUUID())).toBe(false);
  });

  it('can only just keep up with a ledger while its turns fail', async () => {
    const { journal, alice, bob } = await smallLedger();
    journal.post([{ sender: alice, recipient: bob, amount: 1n }]);
    await journal.commit();
    let isBroken = true;
    const flaky: Projection = {
      ...listsProjection,
      project: (...args) =>
        isBroken ? Promise.reject(new Error('broken for now')) : listsProjection.project(...args),
    };
    const runner = startRunner(flaky, { retryMs: 20, scanEveryMs: 60_000 });
    runner.poke(journal.ledgerId);
    await until(() => runner.isHardPressed(journal.ledgerId), 'a turn has failed');
    isBroken = false;
    await until(isCaughtUp(journal), 'the ledger is caught up');
    await until(() => !runner.isHardPressed(journal.ledgerId), 'a turn has succeeded');
  });

  it('ends the turns that run when it is stopped, and begins no other', async () => {
    const { journal } = await smallLedger();
    let isInTurn = false;
    const slow: Projection = {
      ...listsProjection,
      async project(db, ledgerId, range) {
        isInTurn = true;
        await sleep(100);
        await listsProjection.project(db, ledgerId, range);
      },
    };
    const runner = startRunner(slow, { scanEveryMs: 60_000 });
    runner.poke(journal.ledgerId);
    await until(() => isInTurn, 'a turn runs');
    await runner.stop(5_000);
    expect(await isCaughtUp(journal)()).toBe(true);
    const head = Number(journal.head);
    journal.openAccount();
    await journal.commit();
    runner.poke(journal.ledgerId);
    await sleep(150);
    expect((await checkpointOf(journal.ledgerId)).position).toBe(head);
  });

  it('hears of commits of another process, also after its connection was killed', async () => {
    const runner = startRunner(listsProjection, { scanEveryMs: 60_000 });
    const listener = new CommitListener(database.ledgerUrl, logger, (ledgerId) => runner.poke(ledgerId));
    const notifier = new CommitNotifier(database.ledgerUrl, logger);
    listeners.push(listener, notifier);
    await Promise.all([listener.start(), notifier.start()]);
    const { journal, alice, bob } = await smallLedger();
    for (let n = 0; n < 10; n++) notifier.notify(journal.ledgerId);
    await until(isCaughtUp(journal), 'the ledger is caught up');

    await superuser.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND application_name LIKE 'ledger-commit-%'`,
    );
    journal.post([{ sender: alice, recipient: bob, amount: 1n }]);
    await journal.commit();
    await until(async () => {
      notifier.notify(journal.ledgerId);
      await sleep(20);
      return await isCaughtUp(journal)();
    }, 'the ledger is caught up on new connections');
  });
});

describe('the waiter', () => {
  it('lets through at once where the projection has reached the head', async () => {
    const { journal } = await smallLedger();
    await turn(journal.ledgerId);
    await new ProjectionWaiter(readPool).waitFor('lists', journal.ledgerId, { waitMsMax: 2_000 });
    await new ProjectionWaiter(readPool).waitFor('lists', randomUUID(), { waitMsMax: 2_000 });
  });

  it('waits for the head as of its own request, and lets nobody through early', async () => {
    const { journal, alice, bob } = await smallLedger();
    let behind = 0;
    const waiter = new ProjectionWaiter(readPool, () => void behind++);
    const done: string[] = [];
    const first = waiter.waitFor('lists', journal.ledgerId).then(() => done.push('first'));
    await sleep(60);
    const firstHead = journal.head;
    journal.post([{ sender: alice, recipient: bob, amount: 1n }]);
    await journal.commit();
    const second = waiter.waitFor('lists', journal.ledgerId).then(() => done.push('second'));
    await sleep(60);
    expect(done).toEqual([]);
    expect(behind).toBeGreaterThan(0);

    await turn(journal.ledgerId, Number(firstHead));
    await first;
    await sleep(60);
    expect(done).toEqual(['first']);
    await turn(journal.ledgerId);
    await second;
    expect(done).toEqual(['first', 'second']);
  });

  it('is not starved by later writes', async () => {
    const { journal, alice, bob } = await smallLedger();
    const waiter = new ProjectionWaiter(readPool);
    let isThrough = false;
    const waited = waiter.waitFor('lists', journal.ledgerId).then(() => (isThrough = true));
    await sleep(30);
    await turn(journal.ledgerId);
    for (let round = 0; round < 50 && !isThrough; round++) {
      journal.post([{ sender: alice, recipient: bob, amount: 1n }]);
      await journal.commit();
    }
    expect(isThrough).toBe(true);
    await waited;
  });

  it('polls once for however many callers, and holds no connection meanwhile', async () => {
    const { journal } = await smallLedger();
    let polls = 0;
    const counting = {
      query: (...args: unknown[]) => (polls++, (readPool.query as (...args: unknown[]) => unknown)(...args)),
    };
    const waiter = new ProjectionWaiter(counting as unknown as pg.Pool);
    const waiting = Promise.all(Array.from({ length: 200 }, () => waiter.waitFor('lists', journal.ledgerId)));
    await sleep(300);
    expect(polls).toBeLessThan(40);
    await turn(journal.ledgerId);
    await waiting;
  });

  it('gives up after its limit, and at once where the ledger is parked', async () => {
    const { journal } = await smallLedger();
    const waiter = new ProjectionWaiter(readPool, undefined, { waitMsMax: 100 });
    await expect(waiter.waitFor('lists', journal.ledgerId)).rejects.toThrow(ProjectionLagging);
    journal.writeRaw('transaction.posted', 1, '{"legs":[]}');
    await journal.commit();
    expect(await turn(journal.ledgerId)).toMatchObject({ result: 'parked' });
    const startedAt = Date.now();
    await expect(waiter.waitFor('lists', journal.ledgerId, { waitMsMax: 10_000 })).rejects.toThrow(
      ProjectionLagging,
    );
    expect(Date.now() - startedAt).toBeLessThan(2_000);
  });

  it('waits in front of an event that only an earlier release does not know', async () => {
    const { journal } = await smallLedger();
    await turn(journal.ledgerId, 2_000, { ...listsProjection, understands: [] });
    const waiting = new ProjectionWaiter(readPool).waitFor('lists', journal.ledgerId);
    await sleep(100);
    await turn(journal.ledgerId);
    await waiting;
  });

  it('passes on the error where progress can not be read, and recovers', async () => {
    const { journal } = await smallLedger();
    await turn(journal.ledgerId);
    let isBroken = true;
    const broken = {
      query: (...args: unknown[]) =>
        isBroken
          ? Promise.reject(new Error('no database'))
          : (readPool.query as (...args: unknown[]) => unknown)(...args),
    };
    const waiter = new ProjectionWaiter(broken as unknown as pg.Pool);
    await expect(waiter.waitFor('lists', journal.ledgerId)).rejects.toThrow('no database');
    isBroken = false;
    await waiter.waitFor('lists', journal.ledgerId);
  });
});
