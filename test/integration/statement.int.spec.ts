import { randomUUID } from 'node:crypto';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { effectOf, isTransactionEvent } from '#domain';
import { systemAccountId } from '#journal';
import type { TimeBasis } from '../../apps/ledger/src/accounts/balances-at.js';
import type { AccountSelector } from '../../apps/ledger/src/accounts/get-account.js';
import { GetBalanceAt, GetBalanceAtHandler } from '../../apps/ledger/src/accounts/get-balance-at.js';
import {
  GetStatement,
  GetStatementHandler,
  type Statement,
  type StatementPeriod,
} from '../../apps/ledger/src/accounts/get-statement.js';
import type { StatementLine } from '../../apps/ledger/src/accounts/statement-lines.js';
import { ProjectionWaiter } from '../../apps/ledger/src/projections/projection-waiter.js';
import { seedStatementLedger, statementAccountId, statementYear } from '../../bench/lists/seed-statement.js';
import { DecidedJournal } from '../support/decided-journal.js';
import { moveOf } from '../support/ledger-fixtures.js';
import { createListDatabase, type ListDatabase } from '../support/list-reading.js';
import { RandomLifecycle } from '../support/random-lifecycle.js';
import { seededRandom } from '../support/seeded-random.js';

const operator = { ownerId: null };
const bases: readonly TimeBasis[] = ['recorded', 'effective'];

let db: ListDatabase;
let handler: GetStatementHandler;
let balances: GetBalanceAtHandler;

beforeAll(async () => {
  db = await createListDatabase();
  const waiter = new ProjectionWaiter(db.readPool);
  handler = new GetStatementHandler(db.readPool, waiter);
  balances = new GetBalanceAtHandler(db.readPool, waiter);
});
afterAll(() => db.drop());

async function statementOf(
  ledgerId: string,
  selector: AccountSelector,
  period: StatementPeriod,
  by: TimeBasis,
): Promise<Statement & { readonly all: StatementLine[] }> {
  const statement = await handler.execute(new GetStatement(ledgerId, selector, period, by, operator));
  const all: StatementLine[] = [];
  for await (const line of statement!.lines) all.push(line);
  return { ...statement!, all };
}

/** What is in use after a collection. */
function heapBytes(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}

/** What any statement must be, whatever it is of. */
function expectToAddUp({ openingBalance, closingBalance, all }: Awaited<ReturnType<typeof statementOf>>) {
  let balance = openingBalance;
  for (const line of all) {
    balance += line.direction === 'credit' ? line.amount : -line.amount;
    expect(line.balanceAfter).toBe(balance);
  }
  expect(closingBalance).toBe(balance);
}

function expectInOrder(lines: readonly StatementLine[], by: TimeBasis): void {
  const times = lines.map((line) => (by === 'recorded' ? line.recordedAt : line.effectiveAt));
  expect(times.findIndex((time, index) => index > 0 && times[index - 1]! > time)).toBe(-1);
}

it('what takes effect at the same time is in the order of the journal', async () => {
  const journal = new DecidedJournal(db.superuser);
  const alice = journal.openFunded('EUR', {}, 1_000n);
  const bob = journal.openFunded('EUR', {}, 0n);
  const from = journal.now;
  journal.tell(moveOf(randomUUID(), alice, bob, 1n));
  const paidAt = journal.now;
  journal.tell(moveOf(randomUUID(), alice, bob, 2n, { effectiveAt: paidAt }));
  await journal.commit();
  await db.project(journal.ledgerId);
  const period = { from: from + 1n, to: journal.now + 1n };
  const { all } = await statementOf(journal.ledgerId, { id: bob }, period, 'effective');
  expect(all.map(({ amount, effectiveAt }) => [amount, effectiveAt])).toEqual([
    [1n, paidAt],
    [2n, paidAt],
  ]);
});

describe('statements of a random ledger', () => {
  const random = seededRandom();
  let journal: DecidedJournal;
  let selectors: AccountSelector[];
  let times: bigint[];

  beforeAll(async () => {
    journal = new DecidedJournal(db.superuser);
    const lifecycle = new RandomLifecycle(journal, random);
    lifecycle.runTo(1_000);
    await journal.commit();
    await db.project(journal.ledgerId);
    selectors = [
      ...lifecycle.accounts.map(({ id }) => ({ id })),
      { system: 'ROOT', currency: 'EUR' },
      { system: 'EXCHANGE', currency: 'USD' },
    ];
    times = journal.events.flatMap(({ recordedAt, event }) => {
      const effectiveAt = isTransactionEvent(event) ? event.transaction.effectiveAt : undefined;
      return effectiveAt === undefined ? [recordedAt] : [recordedAt, effectiveAt, effectiveAt + 1n];
    });
  }, 60_000);

  /** The account's legs of a period in order, from the events alone: [position, leg, amount, effectiveAt]. */
  function expectedLines(selector: AccountSelector, { from, to }: StatementPeriod, by: TimeBasis) {
    const accountId =
      'id' in selector ? selector.id : systemAccountId(journal.ledgerId, selector.system, selector.currency);
    const legs = journal.events.flatMap(({ position, recordedAt, event }) => {
      if (!isTransactionEvent(event) || !['post', 'capture'].includes(effectOf(event.type))) return [];
      const { effectiveAt = recordedAt } = event.transaction;
      return event.transaction.legs
        .filter((leg) => leg.accountId === accountId)
        .map((leg) => ({ position, leg: leg.leg, amount: leg.amount, effectiveAt, recordedAt }));
    });
    const timeOf = (leg: (typeof legs)[number]) => (by === 'recorded' ? leg.recordedAt : leg.effectiveAt);
    return legs
      .filter((leg) => timeOf(leg) >= from && timeOf(leg) < to)
      .sort((a, b) => Number(timeOf(a) - timeOf(b)) || Number(a.position - b.position) || a.leg - b.leg);
  }

  it.each(bases)('have the lines of their period, in order, and add up, by %s time', async (by) => {
    let lines = 0;
    for (let round = 0; round < 60; round++) {
      const selector = random.pick(selectors);
      const [from, to] = [random.pick(times), random.pick(times)].sort((a, b) => (a < b ? -1 : 1));
      const statement = await statementOf(journal.ledgerId, selector, { from: from!, to: to! }, by);
      expectToAddUp(statement);
      const expected = expectedLines(selector, { from: from!, to: to! }, by);
      expect(
        statement.all.map(({ position, leg, amount, effectiveAt, recordedAt }) => {
          return { position, leg, amount, effectiveAt, recordedAt };
        }),
      ).toEqual(expected);
      lines += expected.length;
    }
    expect(lines).toBeGreaterThan(1_000);
  });

  it.each(bases)('open and close with the balances of those times, by %s time', async (by) => {
    for (let round = 0; round < 20; round++) {
      const [from, to] = [random.pick(times), random.pick(times)].sort((a, b) => (a < b ? -1 : 1));
      const selector = random.pick(selectors);
      const statement = await statementOf(journal.ledgerId, selector, { from: from!, to: to! }, by);
      for (const [at, balance] of [
        [from! - 1n, statement.openingBalance],
        [to! - 1n, statement.closingBalance],
      ] as const) {
        const query = new GetBalanceAt(journal.ledgerId, selector, at, by, operator);
        expect((await balances.execute(query))!.posted).toBe(balance);
      }
    }
  });

  it.each(bases)('follow on each other without a gap or an overlap, by %s time', async (by) => {
    const [selector] = selectors;
    const edges = [0n, random.pick(times), random.pick(times), random.pick(times), journal.now + 1n].sort(
      (a, b) => (a < b ? -1 : 1),
    );
    const parts = [];
    for (const [index, to] of edges.entries()) {
      if (index === 0) continue;
      parts.push(await statementOf(journal.ledgerId, selector!, { from: edges[index - 1]!, to }, by));
    }
    const whole = await statementOf(journal.ledgerId, selector!, { from: 0n, to: journal.now + 1n }, by);
    expect(parts.flatMap(({ all }) => all)).toEqual(whole.all);
    expect(whole.openingBalance).toBe(0n);
    for (const [index, part] of parts.entries()) {
      if (index > 0) expect(part.openingBalance).toBe(parts[index - 1]!.closingBalance);
    }
  });

  it('by recorded time have the balances that were stored, by effective time their own', async () => {
    const [selector] = selectors;
    const period = { from: 0n, to: journal.now + 1n };
    const recorded = await statementOf(journal.ledgerId, selector!, period, 'recorded');
    const effective = await statementOf(journal.ledgerId, selector!, period, 'effective');
    const byEntry = (lines: readonly StatementLine[]) =>
      new Map(lines.map((line) => [line.entryNumber, line.balanceAfter]));
    expect(effective.all).toHaveLength(recorded.all.length);
    expect(byEntry(effective.all)).not.toEqual(byEntry(recorded.all));
    expect(effective.closingBalance).toBe(recorded.closingBalance);
  });

  it('are for those alone who see the money', async () => {
    const [, bobs] = selectors;
    const read = (selector: AccountSelector, ownerId: string | null) =>
      handler.execute(
        new GetStatement(journal.ledgerId, selector, { from: 0n, to: journal.now }, 'effective', { ownerId }),
      );
    expect(await read(bobs!, 'bob')).not.toBeNull();
    expect(await read(bobs!, 'alice')).toBeNull();
    expect(await read({ system: 'ROOT', currency: 'EUR' }, 'bob')).toBeNull();
    expect(await read({ id: randomUUID() }, null)).toBeNull();
  });
});

describe('a statement that is read while more is written', () => {
  // More than one page of what was recorded on time, and of what was back-dated.
  const [onTime, backdated] = [1_300, 1_200];

  it.each(bases)('is as it was when it was asked for, by %s time', async (by) => {
    const journal = new DecidedJournal(db.superuser);
    const alice = journal.openFunded('EUR');
    const bob = journal.openFunded('EUR', {}, 0n);
    const startedAt = journal.now;
    const move = (effectiveAt?: bigint) =>
      journal.tell(
        moveOf(randomUUID(), alice, bob, 7n, effectiveAt === undefined ? {} : { effectiveAt }),
        1_000n,
      );
    for (let n = 0; n < onTime; n++) move();
    for (let n = 0; n < backdated; n++) move(startedAt + 1n + BigInt(n) * 100n);
    await journal.commit();
    await db.project(journal.ledgerId);
    const year = { from: startedAt, to: startedAt + 365n * 86_400_000_000n };
    const before = await statementOf(journal.ledgerId, { id: bob }, year, by);
    expect(before.all).toHaveLength(onTime + backdated);

    const query = new GetStatement(journal.ledgerId, { id: bob }, year, by, operator);
    const statement = await handler.execute(query);
    const lines: StatementLine[] = [];
    let written = 0;
    for await (const line of statement!.lines) {
      lines.push(line);
      if (lines.length % 500 !== 1) continue;
      // One at the end, and one that takes effect within the second page of what was back-dated.
      move();
      move(startedAt + 110_050n);
      written += 2;
      await journal.commit();
      await db.project(journal.ledgerId);
    }
    expect(written).toBeGreaterThan(8);
    expect(lines).toEqual(before.all);
    expectInOrder(lines, by);
    expect(statement!.closingBalance).toBe(before.closingBalance);
    const after = await statementOf(journal.ledgerId, { id: bob }, year, by);
    expect(after.all).toHaveLength(onTime + backdated + written);
    expectToAddUp(after);
  });
});

describe('a long statement', () => {
  const ledgerId = randomUUID();
  const size = { lines: 20_000, backdatedEvery: 10 };

  beforeAll(async () => {
    await db.superuser.query('SET synchronous_commit = off');
    await seedStatementLedger(db.superuser, ledgerId, size);
    await db.project(ledgerId);
    await db.superuser.query('VACUUM (ANALYZE)');
  }, 60_000);

  it.each(bases)('is read in order and adds up, page by page, by %s time', async (by) => {
    const statement = await statementOf(ledgerId, { id: statementAccountId }, statementYear, by);
    expect(statement.all).toHaveLength(size.lines);
    expect(new Set(statement.all.map(({ position }) => position)).size).toBe(size.lines);
    expectToAddUp(statement);
    expectInOrder(statement.all, by);
  });

  it.each(bases)('takes the memory of a few of its pages, by %s time', async (by) => {
    const query = new GetStatement(ledgerId, { id: statementAccountId }, statementYear, by, operator);
    const before = heapBytes();
    const whole = await statementOf(ledgerId, { id: statementAccountId }, statementYear, by);
    const bytesOfAll = heapBytes() - before;
    expect(whole.all).toHaveLength(size.lines);
    whole.all.splice(0);

    const start = heapBytes();
    let [count, most] = [0, 0];
    for await (const line of (await handler.execute(query))!.lines) {
      count += line.leg > 0 ? 1 : 0;
      if (count % 2_500 === 0) most = Math.max(most, heapBytes() - start);
    }
    expect(count).toBe(size.lines);
    // Two pages of the twenty at a time, and what the run of the test itself leaves behind.
    expect(most).toBeLessThan(bytesOfAll / 4);
  });
});
