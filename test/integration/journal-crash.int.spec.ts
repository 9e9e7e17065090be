import {
  balancesOf,
  count,
  expectSound,
  fateOf,
  JournalProcess,
  queryRows,
} from '../support/journal-fixtures.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

const timeoutMs = 60_000;

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase({ ownCluster: true });
}, timeoutMs);
afterAll(() => database.drop(), timeoutMs);

/** Posts transfers of 1 under keys of its own, one after the other, until it is told to stop. */
async function client(move: (key: string) => Promise<string>, name: string, isOver: () => boolean) {
  const fates = new Map<string, string>();
  for (let n = 0; !isOver(); n++) fates.set(`${name}-${n}`, await move(`${name}-${n}`));
  return fates;
}

it(
  'Postgres crashes twice under load: what was accepted is there once, what was not can be retried once',
  async () => {
    const processes = [1, 2].map(() => new JournalProcess(database.ledgerUrl));
    const ledger = await processes[0]!.newLedger();
    const [alice, bob] = [await ledger.open(1_000_000n), await ledger.open()];
    const move = (one: JournalProcess) => (key: string) =>
      fateOf(one.ledger(ledger).move(alice, bob, 1n, { key, deadlineMs: 8_000 }));

    let isOver = false;
    const clients = Array.from({ length: 24 }, (_, n) =>
      client(move(processes[n % 2]!), `c${n}`, () => isOver),
    );
    for (let crash = 0; crash < 2; crash++) {
      await new Promise((resolve) => setTimeout(resolve, 300));
      await database.restartPostgres('immediate');
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
    isOver = true;
    const fates = new Map((await Promise.all(clients)).flatMap((fatesOfOne) => [...fatesOfOne]));

    const posted = await queryRows<{ key: string; n: number }>(
      database.superuserUrl,
      `SELECT idempotency_key AS key, count(*)::int AS n FROM journal.events
        WHERE ledger_id = $1 AND idempotency_key IS NOT NULL GROUP BY 1`,
      [ledger.ledgerId],
    );
    const times = new Map(posted.map(({ key, n }) => [key, n]));
    const accepted = [...fates].filter(([, fate]) => fate === 'accepted');
    expect(accepted.length).toBeGreaterThan(100);
    expect(accepted.filter(([key]) => times.get(key) !== 1)).toEqual([]);
    expect(posted.filter(({ n }) => n !== 1)).toEqual([]);
    expect(processes.flatMap((one) => one.logged).length).toBeGreaterThan(0);

    const retried = await Promise.all([...fates.keys()].map(move(processes[0]!)));
    expect(retried.every((fate) => fate === 'accepted' || fate === 'replayed')).toBe(true);
    expect(count(retried)['replayed']).toBe(posted.length);
    expect((await balancesOf(database.superuserUrl, ledger)).get(bob)?.posted).toBe(BigInt(fates.size));
    await expectSound(database.superuserUrl, ledger);
    await Promise.all(processes.map((one) => one.stop()));
  },
  timeoutMs,
);
