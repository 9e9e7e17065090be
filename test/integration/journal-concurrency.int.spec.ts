import { setTimeout as sleep } from 'node:timers/promises';
import {
  balancesOf,
  count,
  expectSound,
  fateOf,
  JournalProcess,
  queryRows,
  type TestLedger,
} from '../support/journal-fixtures.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { seededRandom } from '../support/seeded-random.js';

let database: TestDatabase;
let processes: JournalProcess[];

beforeAll(async () => {
  database = await createTestDatabase();
  processes = [1, 2, 3].map(() => new JournalProcess(database.ledgerUrl));
}, 60_000);
afterAll(async () => {
  await Promise.all(processes.map((one) => one.stop()));
  await database.drop();
});

/** The journal's positions and running balances add up, looked at from outside. */
async function expectGapFree({ ledgerId }: TestLedger): Promise<void> {
  const [row] = await queryRows<{ gaps: number; backwards: number; epochs: number }>(
    database.superuserUrl,
    `SELECT count(*) FILTER (WHERE position <> n)::int AS gaps,
        count(*) FILTER (WHERE recorded_at <= before)::int AS backwards,
        count(DISTINCT epoch)::int AS epochs
      FROM (SELECT position, epoch, recorded_at, row_number() OVER w AS n, lag(recorded_at) OVER w AS before
        FROM journal.events WHERE ledger_id = $1 WINDOW w AS (ORDER BY position)) e`,
    [ledgerId],
  );
  expect(row).toEqual({ gaps: 0, backwards: 0, epochs: 1 });
}

it('300 concurrent takers of 100: exactly 100 succeed, in three processes', async () => {
  const ledger = await processes[0]!.newLedger();
  const [alice, bob] = [await ledger.open(100n), await ledger.open()];
  const fates = await Promise.all(
    Array.from({ length: 300 }, (_, n) => fateOf(processes[n % 3]!.ledger(ledger).move(alice, bob, 1n))),
  );
  expect(count(fates)).toEqual({ accepted: 100, insufficient_funds: 200 });
  const balances = await balancesOf(database.superuserUrl, ledger);
  expect(balances.get(alice)).toMatchObject({ posted: 0n, entryNumber: 101 });
  expect(balances.get(bob)).toMatchObject({ posted: 100n, entryNumber: 100 });
  await expectGapFree(ledger);
  await expectSound(database.superuserUrl, ledger);
}, 30_000);

it('random load from three processes never overdraws and never passes a maximum', async () => {
  const random = seededRandom();
  const ledger = await processes[0]!.newLedger();
  const maxBalance = 120n;
  const accounts = await Promise.all(
    Array.from({ length: 4 }, () => ledger.open(60n, { settings: { maxBalance } })),
  );
  const writer = async (one: JournalProcess, moves: number) => {
    const fates: string[] = [];
    const mine = one.ledger(ledger);
    while (fates.length < moves) {
      const burst = Array.from({ length: random.below(12) + 1 }, () =>
        fateOf(
          mine.move(random.pick(accounts), random.pick([...accounts, 'ROOT']), BigInt(random.below(40) + 1)),
        ),
      );
      fates.push(...(await Promise.all(burst)));
      if (random.below(3) === 0) await sleep(random.below(4));
    }
    return fates;
  };
  const refill = async () => {
    for (let n = 0; n < 40; n++) await fateOf(ledger.move('ROOT', random.pick(accounts), 25n));
    return [];
  };
  const fates = (await Promise.all([...processes.map((one) => writer(one, 250)), refill()])).flat();
  expect(count(fates)['accepted']).toBeGreaterThan(50);
  expect(count(fates)['insufficient_funds']).toBeGreaterThan(50);
  for (const [id, { posted }] of await balancesOf(database.superuserUrl, ledger)) {
    if (!accounts.includes(id)) continue;
    expect(posted).toBeGreaterThanOrEqual(0n);
    expect(posted).toBeLessThanOrEqual(maxBalance);
  }
  const [least] = await queryRows<{ least: string; most: string }>(
    database.superuserUrl,
    `SELECT min((leg->>'posted')::numeric)::text AS least, max((leg->>'posted')::numeric)::text AS most
      FROM journal.events v, json_array_elements(v.data->'legs') leg
      WHERE v.ledger_id = $1 AND leg->>'system' IS NULL`,
    [ledger.ledgerId],
  );
  expect(Number(least!.least)).toBeGreaterThanOrEqual(0);
  expect(Number(least!.most)).toBeLessThanOrEqual(120);
  await expectGapFree(ledger);
  await expectSound(database.superuserUrl, ledger);
}, 30_000);

it('two processes that open ROOT, or take one external id, at the same moment do it once', async () => {
  const ledger = await processes[0]!.newLedger();
  const [alice, bob] = [await ledger.open(), await ledger.open(0n, { currency: 'USD' })];
  const fates = await Promise.all(
    processes.flatMap((one) => [
      fateOf(one.ledger(ledger).move('ROOT', alice, 5n, {}, { externalId: 'order-1' })),
      fateOf(one.ledger(ledger).move('ROOT', bob, 7n)),
    ]),
  );
  expect(count(fates)).toEqual({ accepted: 4, external_id_taken: 2 });
  const systems = await queryRows<{ currency: string }>(
    database.superuserUrl,
    `SELECT currency FROM ledger.accounts WHERE ledger_id = $1 AND system = 'ROOT' ORDER BY currency`,
    [ledger.ledgerId],
  );
  expect(systems.map(({ currency }) => currency)).toEqual(['EUR', 'USD']);
  await expectSound(database.superuserUrl, ledger);
});

it('ledgers do not wait for each other', async () => {
  const ledgers = await Promise.all(Array.from({ length: 6 }, () => processes[0]!.newLedger()));
  const fates = await Promise.all(
    ledgers.map(async (ledger) => {
      const [alice, bob] = [await ledger.open(20n), await ledger.open()];
      return Promise.all(Array.from({ length: 30 }, () => fateOf(ledger.move(alice, bob, 1n))));
    }),
  );
  expect(count(fates.flat())).toEqual({ accepted: 120, insufficient_funds: 60 });
  await Promise.all(ledgers.map((ledger) => expectSound(database.superuserUrl, ledger)));
});

it("a clock that goes backwards: the journal's time goes on, 1 µs at a time", async () => {
  const ledger = await processes[0]!.newLedger();
  const alice = await ledger.open(10n);
  const ahead = await queryRows<{ micros: string }>(
    database.superuserUrl,
    `UPDATE journal.heads SET recorded_at = clock_timestamp() + interval '1 hour' WHERE ledger_id = $1
      RETURNING (extract(epoch from recorded_at) * 1000000)::bigint::text AS micros`,
    [ledger.ledgerId],
  );
  const future = BigInt(ahead[0]!.micros);
  const times = await Promise.all(
    [1n, 2n].map(async (amount) => {
      const outcome = await ledger.move(alice, 'ROOT', amount);
      return outcome.accepted ? outcome.events.map(({ recordedAt }) => recordedAt) : [];
    }),
  );
  expect(times.flat()).toEqual([future + 1n, future + 2n]);
  const late = await processes[1]!.ledger(ledger).move(alice, 'ROOT', 1n);
  expect(late).toMatchObject({ accepted: true, events: [{ recordedAt: future + 3n }] });
  await expectGapFree(ledger);
  await expectSound(database.superuserUrl, ledger);
});
