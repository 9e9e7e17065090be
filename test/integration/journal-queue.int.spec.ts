import { randomUUID } from 'node:crypto';
import type { LedgerCommand } from '#domain';
import { draftOf, moveOf, openingOf } from '../support/ledger-fixtures.js';
import {
  balancesOf,
  count,
  expectSound,
  fateOf,
  holdHead,
  JournalProcess,
  queryRows,
  until,
  writeSessions,
  type TestLedger,
} from '../support/journal-fixtures.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

let database: TestDatabase;
let started: JournalProcess[] = [];

const start = (limits = {}) => {
  const one = new JournalProcess(database.ledgerUrl, limits);
  started.push(one);
  return one;
};

beforeAll(async () => {
  database = await createTestDatabase();
  // Stands for any rule of the database that the domain does not know.
  await queryRows(
    database.ownerUrl,
    `ALTER TABLE journal.events ADD CHECK (data->>'reference' IS DISTINCT FROM 'poison')`,
  );
}, 60_000);
afterEach(async () => {
  await Promise.all(started.map((one) => one.stop()));
  started = [];
});
afterAll(() => database.drop());

async function accountsIn(ledger: TestLedger): Promise<[string, string]> {
  return [await ledger.open(1_000n), await ledger.open()];
}

/** Waits until a lane has a batch in flight, which waits for the ledger's head. */
async function untilWaiting(sessions = 1): Promise<void> {
  await until(async () => {
    const found = await writeSessions(database.superuserUrl);
    return found.filter(({ wait_event }) => wait_event === 'transactionid').length === sessions;
  });
}

/** Events per commit, in order: those of one commit have one transaction id of Postgres. */
async function sizesOf({ ledgerId }: TestLedger): Promise<number[]> {
  const rows = await queryRows<{ n: number }>(
    database.superuserUrl,
    `SELECT count(*)::int AS n FROM journal.events WHERE ledger_id = $1
      GROUP BY xmin::text ORDER BY min(position)`,
    [ledgerId],
  );
  return rows.map(({ n }) => n);
}

describe('a full queue', () => {
  it('of commands refuses the next one at once, and takes more when there is room', async () => {
    const ledger = await start({ queueCommandsMax: 3 }).newLedger();
    const [alice, bob] = await accountsIn(ledger);
    const release = await holdHead(database.superuserUrl, ledger);
    const inFlight = fateOf(ledger.move(alice, bob, 1n));
    await untilWaiting();
    const queued = [1n, 2n, 3n].map((amount) => fateOf(ledger.move(alice, bob, amount)));
    expect(await fateOf(ledger.move(alice, bob, 4n))).toBe('overloaded');
    await release();
    expect(await Promise.all([inFlight, ...queued])).toEqual(Array(4).fill('accepted'));
    expect(await fateOf(ledger.move(alice, bob, 4n))).toBe('accepted');
    expect((await balancesOf(database.superuserUrl, ledger)).get(bob)?.posted).toBe(11n);
    await expectSound(database.superuserUrl, ledger);
  });

  it("of one ledger's share leaves the others unharmed", async () => {
    const one = start({ queueCommandsMax: 10, queueCommandsPerLedgerMax: 2 });
    const [busy, calm] = [await one.newLedger(), await one.newLedger()];
    const [[alice, bob], [carol, dave]] = [await accountsIn(busy), await accountsIn(calm)];
    const release = await holdHead(database.superuserUrl, busy);
    const inFlight = fateOf(busy.move(alice, bob, 1n));
    await untilWaiting();
    const fates = [1n, 2n, 3n, 4n].map((amount) => fateOf(busy.move(alice, bob, amount)));
    expect(await Promise.all(fates.slice(2))).toEqual(['overloaded', 'overloaded']);
    expect(await fateOf(calm.move(carol, dave, 1n))).toBe('accepted');
    await release();
    expect(await Promise.all([inFlight, ...fates.slice(0, 2)])).toEqual(Array(3).fill('accepted'));
  });

  it('of bytes refuses what does not fit, and takes what does', async () => {
    const ledger = await start({ queueBytesMax: 1_000 }).newLedger();
    const [alice, bob] = await accountsIn(ledger);
    const release = await holdHead(database.superuserUrl, ledger);
    const inFlight = fateOf(ledger.move(alice, bob, 1n));
    await untilWaiting();
    const large = fateOf(ledger.move(alice, bob, 1n, { bytes: 900 }));
    expect(await fateOf(ledger.move(alice, bob, 1n, { bytes: 101 }))).toBe('overloaded');
    const small = fateOf(ledger.move(alice, bob, 1n, { bytes: 100 }));
    await release();
    expect(await Promise.all([inFlight, large, small])).toEqual(Array(3).fill('accepted'));
    expect(await fateOf(ledger.move(alice, bob, 1n, { bytes: 1_000 }))).toBe('accepted');
  });
});

describe('a deadline', () => {
  it('that passes in the queue: dropped then, and never executed', async () => {
    const ledger = await start().newLedger();
    const [alice, bob] = await accountsIn(ledger);
    const release = await holdHead(database.superuserUrl, ledger);
    const inFlight = fateOf(ledger.move(alice, bob, 1n));
    await untilWaiting();
    const startedAt = performance.now();
    const hasty = fateOf(ledger.move(alice, bob, 2n, { deadlineMs: 100, key: 'k' }));
    const patient = fateOf(ledger.move(alice, bob, 4n));
    expect(await hasty).toBe('overloaded');
    expect(performance.now() - startedAt).toBeLessThan(2_000);
    await release();
    expect(await Promise.all([inFlight, patient])).toEqual(['accepted', 'accepted']);
    expect((await balancesOf(database.superuserUrl, ledger)).get(bob)?.posted).toBe(5n);
    expect(await fateOf(ledger.move(alice, bob, 2n, { key: 'k' }))).toBe('accepted');
  });

  it('that has passed before the command came: never executed', async () => {
    const ledger = await start().newLedger();
    const [alice, bob] = await accountsIn(ledger);
    expect(await fateOf(ledger.move(alice, bob, 2n, { deadlineMs: -1 }))).toBe('overloaded');
    expect((await balancesOf(database.superuserUrl, ledger)).get(bob)?.posted).toBe(0n);
  });

  it('that passes while the lock is waited for: not executed, and told so', async () => {
    const ledger = await start().newLedger();
    const [alice, bob] = await accountsIn(ledger);
    const release = await holdHead(database.superuserUrl, ledger);
    expect(await fateOf(ledger.move(alice, bob, 2n, { deadlineMs: 200 }))).toBe('unavailable');
    await release();
    expect(await fateOf(ledger.move(alice, bob, 4n))).toBe('accepted');
    expect((await balancesOf(database.superuserUrl, ledger)).get(bob)?.posted).toBe(4n);
  });
});

describe('a drain', () => {
  it('settles what waits, refuses what comes, and closes the connections', async () => {
    const one = new JournalProcess(database.ledgerUrl);
    const ledger = await one.newLedger();
    const [alice, bob] = await accountsIn(ledger);
    const release = await holdHead(database.superuserUrl, ledger);
    const inFlight = fateOf(ledger.move(alice, bob, 1n));
    await untilWaiting();
    const queued = fateOf(ledger.move(alice, bob, 2n));
    const drained = one.stop();
    expect(await fateOf(ledger.move(alice, bob, 4n))).toBe('unavailable');
    await release();
    await drained;
    expect([await inFlight, await queued]).toEqual(['accepted', 'accepted']);
    expect((await balancesOf(database.superuserUrl, ledger)).get(bob)?.posted).toBe(3n);
    await until(async () => (await writeSessions(database.superuserUrl)).length === 0);
  });

  it('ends at its limit, whatever the database does, and what still waits is told', async () => {
    const one = new JournalProcess(database.ledgerUrl);
    const ledger = await one.newLedger();
    const [alice, bob] = await accountsIn(ledger);
    const release = await holdHead(database.superuserUrl, ledger);
    const inFlight = fateOf(ledger.move(alice, bob, 1n, { deadlineMs: 1_500 }));
    await untilWaiting();
    const queued = fateOf(ledger.move(alice, bob, 2n));
    const startedAt = performance.now();
    await one.journal.drain(200);
    expect(performance.now() - startedAt).toBeLessThan(1_000);
    expect(await queued).toBe('unavailable');
    await release();
    expect(await inFlight).toBe('accepted');
  });
});

describe('a poison command fails alone', () => {
  it('where its decision throws', async () => {
    const one = start();
    const ledger = await one.newLedger();
    const [alice, bob] = await accountsIn(ledger);
    const unknownKind = { kind: 'no-such-kind' } as unknown as LedgerCommand;
    const unwritable = moveOf(randomUUID(), alice, bob, 1n, { metadata: { amount: 1n } });
    const fates = await Promise.all([
      fateOf(ledger.move(alice, bob, 1n, { key: 'before' })),
      fateOf(ledger.submit(unknownKind, { key: 'unknown' })),
      fateOf(ledger.submit(unwritable, { key: 'unwritable' })),
      fateOf(ledger.move(alice, bob, 2n, { key: 'after' })),
    ]);
    expect(fates).toEqual(['accepted', expect.any(String), expect.stringMatching(/BigInt/), 'accepted']);
    expect(fates[1]).not.toBe('accepted');
    expect(one.logged.filter((message) => message === 'a command could not be decided')).toHaveLength(2);
    expect((await balancesOf(database.superuserUrl, ledger)).get(bob)?.posted).toBe(3n);
    await expectSound(database.superuserUrl, ledger);
  });

  it.each([1, 2, 7, 20])('where the database refuses its data, among %i others', async (others) => {
    const one = start();
    const ledger = await one.newLedger();
    const [alice, bob] = await accountsIn(ledger);
    const before = Array.from({ length: others }, (_, n) => ledger.move(alice, bob, 1n, { key: `b${n}` }));
    const poison = ledger.move(alice, bob, 100n, { key: 'p' }, { reference: 'poison' });
    const after = ledger.move(alice, bob, 1n, { key: 'after' });
    const fates = await Promise.all([...before, poison, after].map(fateOf));
    expect(count(fates)).toEqual({ accepted: others + 1, '23514': 1 });
    expect(fates[others]).toBe('23514');
    expect(one.logged).toContain('a command could not be committed');
    expect((await balancesOf(database.superuserUrl, ledger)).get(bob)?.posted).toBe(BigInt(others + 1));
    expect(await fateOf(ledger.move(alice, bob, 100n, { key: 'p' }))).toBe('accepted');
    await expectSound(database.superuserUrl, ledger);
  });

  it('where its id is none', async () => {
    const ledger = await start().newLedger();
    const [alice, bob] = await accountsIn(ledger);
    const fates = await Promise.all([
      fateOf(ledger.move(alice, bob, 1n)),
      fateOf(ledger.move('nobody', bob, 1n)),
      fateOf(ledger.submit(moveOf('no-uuid', alice, bob, 1n))),
    ]);
    expect(fates).toEqual(['accepted', 'nobody is not a UUID', 'no-uuid is not a UUID']);
  });
});

describe('commands of one batch that meet', () => {
  it('an external id that one gives up, the next may take', async () => {
    const ledger = await start().newLedger();
    const alice = await ledger.open(0n, { settings: { externalId: 'shop-1' } });
    const fates = await Promise.all([
      fateOf(
        ledger.submit({
          kind: 'update-account',
          accountId: alice,
          changes: { externalId: 'shop-2' },
          preconditions: [],
        }),
      ),
      fateOf(ledger.submit(openingOf(randomUUID(), { settings: { externalId: 'shop-1' } }))),
      fateOf(ledger.submit(openingOf(randomUUID(), { settings: { externalId: 'shop-2' } }))),
      fateOf(
        ledger.submit({
          kind: 'update-account',
          accountId: alice,
          changes: { externalId: null },
          preconditions: [],
        }),
      ),
      fateOf(ledger.submit(openingOf(randomUUID(), { settings: { externalId: 'shop-2' } }))),
    ]);
    expect(fates).toEqual(['accepted', 'accepted', 'external_id_taken', 'accepted', 'accepted']);
    await expectSound(database.superuserUrl, ledger);
  });

  it('an account is opened, named, paid, emptied and closed', async () => {
    const one = start();
    const ledger = await one.newLedger();
    await ledger.open(5n);
    const before = (await sizesOf(ledger)).length;
    const account = randomUUID();
    const fates = await Promise.all([
      fateOf(ledger.submit(openingOf(account))),
      fateOf(
        ledger.submit({
          kind: 'update-account',
          accountId: account,
          changes: { name: 'New', metadata: { a: 1 } },
          preconditions: [],
        }),
      ),
      fateOf(ledger.move('ROOT', account, 5n)),
      fateOf(ledger.submit({ kind: 'close-account', accountId: account, preconditions: [] })),
      fateOf(ledger.move(account, 'ROOT', 5n)),
      fateOf(ledger.submit({ kind: 'close-account', accountId: account, preconditions: [] })),
      fateOf(ledger.move('ROOT', account, 5n)),
    ]);
    expect(fates).toEqual([
      'accepted',
      'accepted',
      'accepted',
      'account_not_empty',
      'accepted',
      'accepted',
      'account_closed',
    ]);
    expect((await sizesOf(ledger)).slice(before)).toEqual([5]);
    await expectSound(database.superuserUrl, ledger);
  });

  it('an external id of a transaction is taken by the first', async () => {
    const ledger = await start().newLedger();
    const [alice, bob] = await accountsIn(ledger);
    const fates = await Promise.all([
      fateOf(ledger.move(alice, bob, 5_000n, {}, { externalId: 'order-1' })),
      fateOf(ledger.move(alice, bob, 1n, {}, { externalId: 'order-1' })),
      fateOf(ledger.move(alice, bob, 1n, {}, { externalId: 'order-1' })),
    ]);
    expect(fates).toEqual(['insufficient_funds', 'accepted', 'external_id_taken']);
    expect(await fateOf(ledger.move(alice, bob, 1n, {}, { externalId: 'order-1' }))).toBe(
      'external_id_taken',
    );
    await expectSound(database.superuserUrl, ledger);
  });
});

describe('a batch', () => {
  it('is whatever came while the last one committed, at most 1,000 commands', async () => {
    const ledger = await start().newLedger();
    const [alice, bob] = [await ledger.open(10_000n), await ledger.open()];
    const before = (await sizesOf(ledger)).length;
    const fates = await Promise.all(Array.from({ length: 2_300 }, () => fateOf(ledger.move(alice, bob, 1n))));
    expect(count(fates)).toEqual({ accepted: 2_300 });
    expect((await sizesOf(ledger)).slice(before)).toEqual([1_000, 1_000, 300]);
    await expectSound(database.superuserUrl, ledger);
  }, 30_000);

  it('has at most 4,000 postings', async () => {
    const ledger = await start().newLedger();
    const [alice, bob] = [await ledger.open(10_000n), await ledger.open()];
    const before = (await sizesOf(ledger)).length;
    const hundred = Array.from({ length: 100 }, () => ({ sender: alice, recipient: bob, amount: 1n }));
    const fates = await Promise.all(
      Array.from({ length: 50 }, () =>
        fateOf(ledger.submit({ kind: 'create-transaction', draft: draftOf(randomUUID(), hundred) })),
      ),
    );
    expect(count(fates)).toEqual({ accepted: 50 });
    expect((await sizesOf(ledger)).slice(before)).toEqual([40, 10]);
    expect((await balancesOf(database.superuserUrl, ledger)).get(bob)).toMatchObject({
      posted: 5_000n,
      entryNumber: 5_000,
    });
    await expectSound(database.superuserUrl, ledger);
  }, 30_000);
});

it('tells those who listen of each commit, and of nothing else', async () => {
  const one = start();
  const ledger = await one.newLedger();
  const [alice, bob] = await accountsIn(ledger);
  const heard: string[] = [];
  one.journal.onCommitted((ledgerId) => heard.push(ledgerId));
  await fateOf(ledger.move(alice, bob, 5_000n));
  await fateOf(ledger.move(alice, bob, 1n, { key: 'k' }));
  await fateOf(ledger.move(alice, bob, 1n, { key: 'k' }));
  expect(heard).toEqual([ledger.ledgerId]);
});

it('answers what is committed although who listens fails, and tells the others', async () => {
  const one = start();
  const ledger = await one.newLedger();
  const [alice, bob] = await accountsIn(ledger);
  const heard: string[] = [];
  one.journal.onCommitted(() => {
    throw new Error('a bug');
  });
  one.journal.onCommitted((ledgerId) => heard.push(ledgerId));
  expect(await fateOf(ledger.move(alice, bob, 1n))).toBe('accepted');
  expect(heard).toEqual([ledger.ledgerId]);
  expect(one.logged).toContain('who is told of commits failed');
});
