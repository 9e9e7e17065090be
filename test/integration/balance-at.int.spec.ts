import { randomUUID } from 'node:crypto';
import { effectOf, isTransactionEvent } from '#domain';
import { systemAccountId } from '#journal';
import { readBalancesAt, type TimeBasis } from '../../apps/ledger/src/accounts/balances-at.js';
import type { AccountSelector } from '../../apps/ledger/src/accounts/get-account.js';
import { GetBalanceAt, GetBalanceAtHandler } from '../../apps/ledger/src/accounts/get-balance-at.js';
import { GetTrialBalance, GetTrialBalanceHandler } from '../../apps/ledger/src/journal/get-trial-balance.js';
import { ProjectionLagging, ProjectionWaiter } from '../../apps/ledger/src/projections/projection-waiter.js';
import { DecidedJournal } from '../support/decided-journal.js';
import { moveOf } from '../support/ledger-fixtures.js';
import { createListDatabase, type ListDatabase } from '../support/list-reading.js';
import { RandomLifecycle } from '../support/random-lifecycle.js';
import { seededRandom } from '../support/seeded-random.js';

const operator = { ownerId: null };
const bases: readonly TimeBasis[] = ['recorded', 'effective'];

let db: ListDatabase;
let handler: GetBalanceAtHandler;
let trialBalance: GetTrialBalanceHandler;

beforeAll(async () => {
  db = await createListDatabase();
  const waiter = new ProjectionWaiter(db.readPool);
  handler = new GetBalanceAtHandler(db.readPool, waiter);
  trialBalance = new GetTrialBalanceHandler(db.readPool, waiter);
});
afterAll(() => db.drop());

/** A posted leg, as plainly as it can be told. */
interface PostedLeg {
  readonly accountId: string;
  readonly currency: string;
  readonly signed: bigint;
  readonly position: bigint;
  readonly recordedAt: bigint;
  readonly effectiveAt: bigint;
}

function postedLegs(journal: DecidedJournal): PostedLeg[] {
  return journal.events.flatMap(({ position, recordedAt, event }) => {
    if (!isTransactionEvent(event) || !['post', 'capture'].includes(effectOf(event.type))) return [];
    const { legs, effectiveAt = recordedAt } = event.transaction;
    return legs.map(({ accountId, currency, direction, amount }) => {
      const signed = direction === 'credit' ? amount : -amount;
      return { accountId, currency, signed, position, recordedAt, effectiveAt };
    });
  });
}

const sumOf = (legs: readonly PostedLeg[]) => legs.reduce((sum, { signed }) => sum + signed, 0n);

const timeOf = (leg: PostedLeg, by: TimeBasis) => (by === 'recorded' ? leg.recordedAt : leg.effectiveAt);

/** The fold itself: all legs whose time has come. */
function expectedAt(legs: readonly PostedLeg[], accountId: string, at: bigint, by: TimeBasis): bigint {
  return sumOf(legs.filter((leg) => leg.accountId === accountId && timeOf(leg, by) <= at));
}

describe('on 2,000 random events', () => {
  const random = seededRandom();
  let journal: DecidedJournal;
  let legs: PostedLeg[];
  let selectors: (AccountSelector & { readonly accountId: string })[];

  beforeAll(async () => {
    journal = new DecidedJournal(db.superuser);
    const lifecycle = new RandomLifecycle(journal, random);
    // Projected in parts, so that sums grow out of many turns, in an order that isn't that of effective times.
    while (journal.events.length < 2_000) {
      lifecycle.runTo(journal.events.length + 1 + random.below(200));
      await journal.commit();
      await db.project(journal.ledgerId);
    }
    legs = postedLegs(journal);
    const system = (name: 'ROOT' | 'EXCHANGE', currency: string) => ({
      system: name,
      currency,
      accountId: systemAccountId(journal.ledgerId, name, currency),
    });
    selectors = [
      ...lifecycle.accounts.map(({ id }) => ({ id, accountId: id })),
      ...['EUR', 'USD'].flatMap((currency) => [system('ROOT', currency), system('EXCHANGE', currency)]),
    ];
  }, 120_000);

  it('has events of every kind that moves money or does not', () => {
    const types = new Set(journal.events.map(({ event }) => event.type));
    expect([...types].sort()).toEqual([
      'account.opened',
      'exchange-rate.set',
      'transaction.captured',
      'transaction.expired',
      'transaction.extended',
      'transaction.pending',
      'transaction.posted',
      'transaction.reversed',
      'transaction.voided',
    ]);
    expect(legs.filter(({ effectiveAt, recordedAt }) => effectiveAt < recordedAt).length).toBeGreaterThan(
      400,
    );
  });

  it.each(bases)(
    'the balance as of every past position is the fold of the journal, by %s time',
    async (by) => {
      const times = journal.events.map(({ recordedAt }) => recordedAt);
      for (const { accountId, ...selector } of selectors) {
        const found = await readBalancesAt(db.readPool, journal.ledgerId, selector, times, by, operator);
        expect(found!.balances).toEqual(
          journal.events.map(({ position, recordedAt }) => ({
            position,
            posted: expectedAt(legs, accountId, recordedAt, by),
          })),
        );
      }
    },
  );

  it.each(bases)('and so it is as of any time, by %s time', async (by) => {
    const drawn = Array.from({ length: 60 }, () => random.pick(legs));
    const times = [
      ...drawn.flatMap(({ recordedAt, effectiveAt }) => [
        recordedAt - 1n,
        recordedAt + 1n,
        effectiveAt - 1n,
        effectiveAt,
        effectiveAt + 1n,
      ]),
      0n,
      -62_135_596_800_000_000n,
      253_402_300_799_999_999n,
    ];
    for (const at of times) {
      const { accountId, ...selector } = random.pick(selectors);
      const query = new GetBalanceAt(journal.ledgerId, selector, at, by, operator);
      const last = journal.events.findLast(({ recordedAt }) => recordedAt <= at);
      expect(await handler.execute(query)).toEqual({
        account: expect.objectContaining({ id: accountId }),
        posted: expectedAt(legs, accountId, at, by),
        position: last?.position ?? 0n,
        asOf: at,
      });
    }
  });

  it.each(bases)('the trial balance is the fold as well, and in balance, by %s time', async (by) => {
    const times = Array.from({ length: 40 }, () => timeOf(random.pick(legs), by) - BigInt(random.below(2)));
    for (const at of times) {
      const counted = legs.filter((leg) => timeOf(leg, by) <= at);
      const { lines, position } = await trialBalance.execute(new GetTrialBalance(journal.ledgerId, at, by));
      const last = journal.events.findLast(({ recordedAt }) => recordedAt <= at);
      expect(position).toBe(last?.position ?? 0n);
      for (const currency of new Set(counted.map((leg) => leg.currency))) {
        const credits = sumOf(counted.filter((leg) => leg.currency === currency && leg.signed > 0n));
        const line = lines.find((one) => one.currency === currency);
        expect({ at, ...line }).toMatchObject({ at, credits, debits: credits });
      }
      for (const { credits, debits } of lines) expect(credits - debits).toBe(0n);
    }
  });

  it('the trial balance of now counts no money that is only held', async () => {
    const { lines } = await trialBalance.execute(new GetTrialBalance(journal.ledgerId, null, 'effective'));
    const later = journal.now + 1n;
    const { lines: recorded } = await trialBalance.execute(
      new GetTrialBalance(journal.ledgerId, later, 'recorded'),
    );
    expect(lines).toEqual(recorded);
    expect(lines.map(({ accounts }) => accounts)).toEqual([5, 4]);
  });
});

it('the trial balance is exact where sums have more digits than a number has', async () => {
  const journal = new DecidedJournal(db.superuser);
  const [some, more] = [3n * 10n ** 35n + 7n, 6n * 10n ** 35n + 1n];
  journal.openFunded('EUR', {}, some);
  journal.openFunded('EUR', {}, more);
  await journal.commit();
  await db.project(journal.ledgerId);
  for (const at of [null, journal.now]) {
    for (const by of bases) {
      const { lines } = await trialBalance.execute(new GetTrialBalance(journal.ledgerId, at, by));
      expect(lines).toMatchObject([{ currency: 'EUR', debits: some + more, credits: some + more }]);
    }
  }
});

describe('what it is by each time', () => {
  let journal: DecidedJournal;
  let [alice, bob] = ['', ''];
  let moved: bigint;
  const dayMicros = 86_400_000_000n;
  let backdatedTo: bigint;

  beforeAll(async () => {
    journal = new DecidedJournal(db.superuser);
    alice = journal.openFunded('EUR', { ownerId: 'alice' }, 1_000n);
    bob = journal.openFunded('EUR', { ownerId: 'bob', visibility: 'public' }, 0n);
    backdatedTo = journal.now + dayMicros;
    journal.tell(moveOf(randomUUID(), alice, bob, 300n, { effectiveAt: backdatedTo }), 3n * dayMicros);
    moved = journal.now;
    await journal.commit();
    await db.project(journal.ledgerId);
  });

  const at = async (
    selector: AccountSelector,
    time: bigint,
    by: TimeBasis,
    ownerId: string | null = null,
  ) => {
    const found = await handler.execute(new GetBalanceAt(journal.ledgerId, selector, time, by, { ownerId }));
    return found && [found.posted, found.position];
  };

  it.each<[string, (times: { backdatedTo: bigint; moved: bigint }) => bigint, TimeBasis, bigint, bigint]>([
    ['before it took effect', (times) => times.backdatedTo - 1n, 'effective', 0n, 4n],
    ['when it took effect', (times) => times.backdatedTo, 'effective', 300n, 4n],
    ['when it took effect, by what was recorded', (times) => times.backdatedTo, 'recorded', 0n, 4n],
    ['before it was recorded', (times) => times.moved - 1n, 'recorded', 0n, 4n],
    ['before it was recorded, by effective time', (times) => times.moved - 1n, 'effective', 300n, 4n],
    ['when it was recorded', (times) => times.moved, 'recorded', 300n, 5n],
    ['when it was recorded, by effective time', (times) => times.moved, 'effective', 300n, 5n],
  ])('%s', async (_, timeOf, by, posted, position) => {
    expect(await at({ id: bob }, timeOf({ backdatedTo, moved }), by)).toEqual([posted, position]);
  });

  it('is 0 before the account was there', async () => {
    expect(await at({ id: bob }, 0n, 'recorded')).toEqual([0n, 0n]);
    expect(await at({ id: bob }, 0n, 'effective')).toEqual([0n, 0n]);
  });

  it('is null for whoever may not ask for the money, and where there is no such account', async () => {
    for (const by of bases) {
      expect(await at({ id: bob }, moved, by, 'bob')).toEqual([300n, 5n]);
      expect(await at({ id: bob }, moved, by, 'alice')).toBeNull();
      expect(await at({ id: randomUUID() }, moved, by)).toBeNull();
      expect(await at({ system: 'ROOT', currency: 'EUR' }, moved, by)).toEqual([-1_000n, 5n]);
      expect(await at({ system: 'ROOT', currency: 'EUR' }, moved, by, 'bob')).toBeNull();
      expect(await at({ system: 'ROOT', currency: 'JPY' }, moved, by)).toBeNull();
      expect(await at({ id: systemAccountId(journal.ledgerId, 'ROOT', 'EUR') }, moved, by)).toBeNull();
    }
  });

  it('counts nothing that the lists have not come to, whatever has been recorded', async () => {
    journal.tell(moveOf(randomUUID(), alice, bob, 1n));
    journal.tell(moveOf(randomUUID(), alice, bob, 2n, { effectiveAt: backdatedTo }));
    await journal.commit();
    for (const by of bases) {
      const found = await readBalancesAt(
        db.readPool,
        journal.ledgerId,
        { id: bob },
        [journal.now],
        by,
        operator,
      );
      expect(found).toMatchObject({ checkpoint: 5n, balances: [{ position: 5n, posted: 300n }] });
    }
    await db.project(journal.ledgerId);
    expect(await at({ id: bob }, journal.now, 'effective')).toEqual([303n, 7n]);
    expect(await at({ id: bob }, backdatedTo, 'effective')).toEqual([302n, 4n]);
  });

  it('waits for what was written before it was asked for', async () => {
    const hurried = new GetBalanceAtHandler(
      db.readPool,
      new ProjectionWaiter(db.readPool, undefined, { waitMsMax: 50 }),
    );
    journal.openFunded('EUR');
    await journal.commit();
    const query = new GetBalanceAt(journal.ledgerId, { id: bob }, journal.now, 'recorded', operator);
    await expect(hurried.execute(query)).rejects.toThrow(ProjectionLagging);
    const waiting = handler.execute(query);
    await db.project(journal.ledgerId);
    expect(await waiting).toMatchObject({ posted: 303n, position: journal.head });
  });
});
