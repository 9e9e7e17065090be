import { randomUUID } from 'node:crypto';
import type { BatchItem, BatchOutcome } from '#journal';
import { moveOf } from '../support/ledger-fixtures.js';
import {
  balancesOf,
  count,
  expectSound,
  fateOf,
  fatesOf,
  holdHead,
  itemOf,
  JournalProcess,
  queryRows,
  until,
  writeSessions,
  type TestLedger,
} from '../support/journal-fixtures.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { seededRandom } from '../support/seeded-random.js';
import { TcpProxy } from '../support/tcp-proxy.js';

let database: TestDatabase;
let proxy: TcpProxy;
let one: JournalProcess;
let other: JournalProcess;
/** Writes through the proxy. */
let far: JournalProcess;
let ledger: TestLedger;
let [alice, bob] = ['', ''];

beforeAll(async () => {
  database = await createTestDatabase();
  proxy = await TcpProxy.start(database.ledgerUrl);
  one = new JournalProcess(database.ledgerUrl);
  other = new JournalProcess(database.ledgerUrl);
  far = new JournalProcess(proxy.url, { connectionsMax: 1 });
}, 60_000);
beforeEach(async () => {
  ledger = await one.newLedger();
  [alice, bob] = [await ledger.open(1_000n), await ledger.open()];
});
afterEach(() => expectSound(database.superuserUrl, ledger));
afterAll(async () => {
  await Promise.all([one, other, far].map((process) => process.stop()));
  await proxy.close();
  await database.drop();
});

const pay = (amount: bigint, key?: string, body?: string): BatchItem =>
  itemOf(moveOf(randomUUID(), alice, bob, amount), key, body);
const balanceOf = async (id: string) => (await balancesOf(database.superuserUrl, ledger)).get(id)?.posted;

/** Events by the commit that they came in, in order. */
async function eventsPerCommit(): Promise<number[]> {
  const rows = await queryRows<{ n: number }>(
    database.superuserUrl,
    `SELECT count(*)::int AS n FROM journal.events WHERE ledger_id = $1 GROUP BY xmin::text ORDER BY min(position)`,
    [ledger.ledgerId],
  );
  return rows.map(({ n }) => n);
}

async function keptKeys(): Promise<Record<string, string>> {
  const rows = await queryRows<{ key: string; span: string }>(
    database.superuserUrl,
    `SELECT key, first_position || '-' || last_position || CASE WHEN answer IS NULL THEN '' ELSE ' with an answer' END
        AS span FROM journal.requests WHERE ledger_id = $1`,
    [ledger.ledgerId],
  );
  return Object.fromEntries(rows.map(({ key, span }) => [key, span]));
}

describe('a batch is one commit', () => {
  it('of a thousand items', async () => {
    const before = await eventsPerCommit();
    const items = Array.from({ length: 1_000 }, () => pay(1n));
    const outcome = await ledger.batch('independent', items);
    expect(count(await fatesOf(Promise.resolve(outcome)))).toEqual({ accepted: 1_000 });
    expect(await eventsPerCommit()).toEqual([...before, 1_000]);
    expect(await balanceOf(bob)).toBe(1_000n);
  });

  it('that its neighbours share as far as there is room, and never divide', async () => {
    await ledger.move('ROOT', alice, 1_000n);
    const before = (await eventsPerCommit()).length;
    const release = await holdHead(database.superuserUrl, ledger);
    const first = fateOf(ledger.move(alice, bob, 1n));
    await until(async () =>
      (await writeSessions(database.superuserUrl)).some(({ wait_event }) => wait_event === 'transactionid'),
    );
    const batchOf = (size: number) =>
      fatesOf(
        ledger.batch(
          'independent',
          Array.from({ length: size }, () => pay(1n)),
        ),
      );
    const rest = [
      batchOf(100),
      fateOf(ledger.move(alice, bob, 1n)),
      batchOf(300),
      batchOf(500),
      batchOf(150),
    ];
    await release();
    await Promise.all([first, ...rest]);
    expect((await eventsPerCommit()).slice(before)).toEqual([1, 901, 150]);
  });

  it('and counts its items where the queue is measured', async () => {
    const small = new JournalProcess(database.ledgerUrl, { queueCommandsMax: 10 });
    const mine = small.ledger(ledger);
    const release = await holdHead(database.superuserUrl, ledger);
    const first = fateOf(mine.move(alice, bob, 1n));
    await until(async () =>
      (await writeSessions(database.superuserUrl)).some(({ wait_event }) => wait_event === 'transactionid'),
    );
    const batchOf = (size: number) =>
      fateOf(
        mine.batch(
          'atomic',
          Array.from({ length: size }, () => pay(1n)),
        ),
      );
    const fates = [batchOf(8), batchOf(3), batchOf(2), fateOf(mine.move(alice, bob, 1n))];
    expect([await fates[1], await fates[3]]).toEqual(['overloaded', 'overloaded']);
    await release();
    expect(await Promise.all([first, fates[0], fates[2]])).toEqual(Array(3).fill('accepted'));
    // A queue in which nothing waits takes a batch that is larger than it.
    expect(await batchOf(11)).toBe('accepted');
    await small.stop();
  });
});

describe('independent items', () => {
  it('are decided one after the other, each for itself', async () => {
    const back = itemOf(moveOf(randomUUID(), bob, alice, 700n));
    const fates = await fatesOf(ledger.batch('independent', [pay(700n), pay(400n), back, pay(400n)]));
    expect(fates).toEqual(['accepted', 'insufficient_funds', 'accepted', 'accepted']);
    expect(await balanceOf(bob)).toBe(400n);
  });

  it('may all be refused, which writes nothing and uses up no key', async () => {
    const before = await eventsPerCommit();
    const asked = { key: 'k' };
    expect(await fatesOf(ledger.batch('independent', [pay(5_000n, 'i')], asked))).toEqual([
      'insufficient_funds',
    ]);
    expect(await eventsPerCommit()).toEqual(before);
    expect(await keptKeys()).toEqual({});
    expect(await fatesOf(ledger.batch('independent', [pay(5n, 'i')], { ...asked, body: 'other' }))).toEqual([
      'accepted',
    ]);
  });
});

describe('atomic items', () => {
  it('that are refused leave nothing behind, and name the first', async () => {
    const before = await eventsPerCommit();
    const items = [pay(700n, 'i'), pay(400n), pay(5_000n)];
    expect(await ledger.batch('atomic', items, { key: 'k' })).toMatchObject({
      accepted: false,
      refusal: { code: 'batch_refused' },
      index: 1,
      reason: { code: 'insufficient_funds', path: 'amount' },
    });
    expect(await eventsPerCommit()).toEqual(before);
    expect(await keptKeys()).toEqual({});
  });

  it('50 batches that cross the same accounts, in two processes: sums are zero, nobody is overdrawn, none waits for ever', async () => {
    const random = seededRandom();
    const accounts = await Promise.all(Array.from({ length: 5 }, () => ledger.open(100n)));
    const before = (await eventsPerCommit()).reduce((sum, n) => sum + n, 0);
    const batches = Array.from({ length: 50 }, () =>
      Array.from({ length: random.below(30) + 1 }, () => {
        const sender = random.pick(accounts);
        const recipient = random.pick(accounts.filter((id) => id !== sender));
        return itemOf(moveOf(randomUUID(), sender, recipient, BigInt(random.below(40) + 1)));
      }),
    );
    const outcomes = await Promise.all(
      batches.map((items, n) => (n % 2 ? other : one).ledger(ledger).batch('atomic', items)),
    );
    const accepted = batches.filter((_, n) => outcomes[n]!.accepted);
    expect(accepted.length).toBeGreaterThan(2);
    expect(accepted.length).toBeLessThan(50);
    const balances = await balancesOf(database.superuserUrl, ledger);
    const posted = accounts.map((id) => balances.get(id)!.posted);
    expect(posted.reduce((sum, each) => sum + each, 0n)).toBe(500n);
    expect(posted.filter((each) => each < 0n)).toEqual([]);
    const events = (await eventsPerCommit()).reduce((sum, n) => sum + n, 0);
    expect(events - before).toBe(accepted.flat().length);
  }, 30_000);
});

describe("a batch's keys", () => {
  const answer = async (process: JournalProcess, items: readonly BatchItem[], body?: string) =>
    process
      .ledger(ledger)
      .batch('independent', items, body === undefined ? { key: 'k' } : { key: 'k', body });

  it('the request gets its first answer again, in another process and after the accounts have changed', async () => {
    await ledger.move(alice, bob, 10n, { key: 'earlier' });
    const items = [pay(10n, 'earlier'), pay(600n, 'i'), pay(600n), pay(1n), pay(600n, 'i')];
    const first = await answer(one, items);
    expect(await fatesOf(Promise.resolve(first))).toEqual([
      'replayed',
      'accepted',
      'insufficient_funds',
      'accepted',
      'replayed',
    ]);
    await ledger.move(bob, alice, 600n);
    for (const process of [one, other]) {
      expect(await answer(process, items)).toEqual({ ...first, isReplay: true });
    }
    expect(await fateOf(answer(other, items, 'other'))).toBe('idempotency_key_reused');
    expect(await fateOf(other.ledger(ledger).move(alice, bob, 1n, { key: 'k' }))).toBe(
      'idempotency_key_reused',
    );
    expect(await balanceOf(bob)).toBe(11n);
  });

  it('an item gets its own first outcome again, in a batch or alone', async () => {
    const items = [pay(10n, 'i'), pay(20n, 'j')];
    const first = await ledger.batch('atomic', items, { key: 'k' });
    if (!first.accepted) throw new Error(first.refusal.code);
    const alone = await other.ledger(ledger).move(alice, bob, 10n, { key: 'i' });
    expect(alone).toEqual({ ...first.items[0], isReplay: true });
    const again = await other.ledger(ledger).batch('atomic', [pay(1n), ...items], { key: 'l' });
    expect(again).toMatchObject({ accepted: true, isReplay: false, items: [{ isReplay: false }, {}, {}] });
    expect(again.accepted && again.items.slice(1)).toEqual(
      first.items.map((item) => ({ ...item, isReplay: true })),
    );
    expect(await keptKeys()).toEqual({
      i: '5-5',
      j: '6-6',
      k: '5-6 with an answer',
      l: '7-7 with an answer',
    });
    expect(await balanceOf(bob)).toBe(31n);
  });

  it('20 copies at once, in two processes: one effect and 20 equal answers', async () => {
    const items = [pay(10n, 'i'), pay(20n), pay(9_000n)];
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, n) => answer(n % 2 ? one : other, items)),
    );
    const accepted = outcomes.filter((outcome) => outcome.accepted);
    expect(accepted.filter(({ isReplay }) => !isReplay)).toHaveLength(1);
    for (const outcome of accepted) expect(outcome.items).toEqual(accepted[0]!.items);
    expect(accepted).toHaveLength(20);
    expect(await balanceOf(bob)).toBe(30n);
  });

  it('of which an event was erased since, are answered without it', async () => {
    const items = [pay(10n), pay(20n)];
    const first = await answer(one, items);
    if (!first.accepted || !first.items[0]?.accepted) throw new Error('refused');
    await queryRows(
      database.ownerUrl,
      `UPDATE journal.events SET data = NULL, data_salt = NULL WHERE ledger_id = $1 AND position = $2`,
      [ledger.ledgerId, first.items[0].events[0]!.position],
    );
    const [event] = first.items[0].events;
    expect(await answer(other, items)).toEqual({
      ...first,
      isReplay: true,
      items: [{ ...first.items[0], events: [{ ...event, event: null }] }, first.items[1]],
    });
  });
});

describe('a dry run', () => {
  it('of a batch writes nothing, and tells what the batch would then do', async () => {
    await ledger.move(alice, bob, 1n, { key: 'used' });
    const items = [pay(700n, 'i'), pay(400n), pay(1n, 'used'), pay(299n)];
    const [before, keysBefore] = [await eventsPerCommit(), await keptKeys()];
    const dry = await ledger.batch('independent', items, { key: 'k', isDryRun: true });
    expect(await eventsPerCommit()).toEqual(before);
    expect(await keptKeys()).toEqual(keysBefore);
    const done = await ledger.batch('independent', items, { key: 'k' });
    const told = ({ items }: Extract<BatchOutcome, { items: unknown }>) =>
      items.map((item) =>
        item.accepted
          ? item.events.map(({ position, transactionId, event }) => [position, transactionId, event])
          : item.refusal,
      );
    if (!dry.accepted || !done.accepted) throw new Error('refused');
    expect([dry.isDryRun, done.isDryRun]).toEqual([true, false]);
    expect(told(dry)).toEqual(told(done));
  });

  it('of a command is not seen by those that share its commit', async () => {
    const release = await holdHead(database.superuserUrl, ledger);
    const fates = [
      fateOf(ledger.move(alice, bob, 1n)),
      fateOf(ledger.move(alice, bob, 900n, { isDryRun: true })),
      fateOf(ledger.move(alice, bob, 900n, { key: 'k' })),
      fateOf(ledger.move(alice, bob, 900n, { key: 'k', isDryRun: true })),
      fateOf(ledger.move(alice, bob, 90n)),
    ];
    await release();
    expect(await Promise.all(fates)).toEqual([
      'accepted',
      'accepted',
      'accepted',
      'insufficient_funds',
      'accepted',
    ]);
    expect(await balanceOf(bob)).toBe(991n);
  });
});

describe('a batch whose connection is lost', () => {
  it.each(['cut-before', 'cut-after'] as const)(
    'at its commit (%s) is written once, and answered',
    async (fault) => {
      const items = [pay(10n, 'i'), pay(9_000n), pay(20n)];
      const cut = proxy.once('COMMIT\0', fault);
      const outcome = far.ledger(ledger).batch('independent', items, { key: 'k' });
      await cut;
      expect(await fatesOf(outcome)).toEqual(['accepted', 'insufficient_funds', 'accepted']);
      expect(await balanceOf(bob)).toBe(30n);
      expect(await ledger.batch('independent', items, { key: 'k' })).toEqual({
        ...(await outcome),
        isReplay: true,
      });
      expect(await balanceOf(bob)).toBe(30n);
    },
  );
});

describe('a batch that the database refuses', () => {
  it('fails as one, and alone', async () => {
    // Refused at the edge, long before it gets here.
    const impossible = itemOf(moveOf(randomUUID(), alice, bob, 1n, { externalId: 'a\0b' }));
    const fates = await Promise.all([
      fateOf(ledger.move(alice, bob, 1n)),
      fatesOf(ledger.batch('independent', [pay(10n), impossible, pay(10n)])),
      fatesOf(ledger.batch('independent', [pay(2n), pay(3n)])),
      fateOf(ledger.move(alice, bob, 4n)),
    ]);
    expect(fates).toEqual(['accepted', ['22021'], ['accepted', 'accepted'], 'accepted']);
    expect(await balanceOf(bob)).toBe(10n);
  });
});
