import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { ProjectionWaiter } from '../../apps/ledger/src/projections/projection-waiter.js';
import {
  ListTransactions,
  ListTransactionsHandler,
  type ListedTransaction,
} from '../../apps/ledger/src/transactions/list-transactions.js';
import { sides, type TransactionFilters } from '../../apps/ledger/src/transactions/transaction-filters.js';
import { DecidedJournal } from '../support/decided-journal.js';
import { moveOf, voidOf } from '../support/ledger-fixtures.js';
import { createListDatabase, pageRequest, walkByCursor, type ListDatabase } from '../support/list-reading.js';
import { modelsOf, passes, type ProgressedModel } from '../support/listed-model.js';
import { RandomLifecycle } from '../support/random-lifecycle.js';
import { seededRandom } from '../support/seeded-random.js';

/** Lists of transactions that go on after they were made: holds, captures, reversals. */
let db: ListDatabase;

beforeAll(async () => {
  db = await createListDatabase();
});
afterAll(() => db.drop());

const reader = (ledgerId: string, filters: TransactionFilters, pool: pg.Pool = db.readPool) => {
  const handler = new ListTransactionsHandler(pool, new ProjectionWaiter(db.readPool));
  return (page = pageRequest()) => handler.execute(new ListTransactions(ledgerId, filters, page, 'eventual'));
};
const positionsOf = (items: readonly ListedTransaction[]) => items.map(({ recorded }) => recorded.position);

describe('transactions of a random ledger', () => {
  const random = seededRandom();
  let journal: DecidedJournal;
  let models: ProgressedModel[];
  let values: { [Name in keyof TransactionFilters]-?: readonly NonNullable<TransactionFilters[Name]>[] };

  beforeAll(async () => {
    journal = new DecidedJournal(db.superuser);
    const lifecycle = new RandomLifecycle(journal, random);
    lifecycle.runTo(700);
    await journal.commit();
    await db.project(journal.ledgerId);
    models = modelsOf(journal);
    const parties = [...lifecycle.accounts.map(({ id }) => id), 'ROOT', 'EXCHANGE'];
    const amounts = Array.from({ length: 8 }, () => random.pick(models).postings.at(-1)!.amount);
    values = {
      account: parties,
      sender: parties,
      recipient: parties,
      type: ['transfer', 'mint', 'burn', 'exchange', 'capture', 'reversal'],
      status: ['posted', 'pending', 'partially_captured', 'voided', 'expired'],
      currency: ['EUR', 'USD', 'JPY'],
      amount: amounts.flatMap((amount) => [{ gte: amount, lte: amount }, { gte: amount }, { lte: amount }]),
      reference: ['order', 'order 1', 'order 77', 'er'],
      externalId: ['none-has-this'],
      createdAt: [{ lt: random.pick(models).recordedAt }, { gte: random.pick(models).recordedAt }],
      seenBy: ['alice', 'bob', 'nobody'],
    };
  }, 60_000);

  const expected = (filters: TransactionFilters) =>
    models
      .filter((model) => passes(filters, model, (id) => journal.accounts.get(id)))
      .map(({ position }) => position)
      .reverse();

  it('are listed with how far they have come', async () => {
    const items = await walkByCursor(reader(journal.ledgerId, {}), 100);
    const shown = items.map(({ recorded, progress, hold }) => [recorded.position, progress, hold]);
    expect(shown).toEqual(models.map(({ position, progress, hold }) => [position, progress, hold]).reverse());
    expect(models.filter(({ hold }) => hold !== null).length).toBeGreaterThan(20);
    expect(models.filter(({ progress }) => progress !== null).length).toBeGreaterThan(50);
  });

  it.each([
    'account',
    'sender',
    'recipient',
    'type',
    'status',
    'currency',
    'amount',
    'reference',
    'seenBy',
  ] as const)('are filtered by %s', async (name) => {
    let found = 0;
    for (const value of values[name]) {
      const filters = { [name]: value };
      const items = await walkByCursor(reader(journal.ledgerId, filters), 100);
      expect({ filters, positions: positionsOf(items) }).toEqual({ filters, positions: expected(filters) });
      found += items.length;
    }
    expect(found).toBeGreaterThan(0);
  });

  it('are filtered by filters together, an owner never by an account that is not shown to them', async () => {
    let found = 0;
    for (let round = 0; round < 500; round++) {
      const filters: Record<string, unknown> = {};
      for (let count = 2 + random.below(2); count > 0; count--) {
        const name = random.pick(Object.keys(values) as (keyof TransactionFilters)[]);
        filters[name] = random.pick<unknown>(values[name]);
      }
      if (round % 2 === 0) filters['seenBy'] = random.pick(values.seenBy);
      // No route lets an owner name a system account.
      if ('seenBy' in filters) {
        for (const side of sides)
          if (['ROOT', 'EXCHANGE'].includes(String(filters[side]))) delete filters[side];
      }
      const items = await walkByCursor(reader(journal.ledgerId, filters), 100);
      expect({ filters, positions: positionsOf(items) }).toEqual({ filters, positions: expected(filters) });
      found += items.length;
    }
    expect(found).toBeGreaterThan(0);
  });

  it('hide from an owner the holds of an account that is private, and show those of one that is not', () => {
    const holdsWith = (visibility: string, seenBy: string) =>
      models.filter(({ progress, postings }) => {
        const isHold = (progress?.captured.length ?? 0) > 0;
        const parties = postings.flatMap(({ sender, recipient }) => [sender, recipient]);
        const accounts = parties.flatMap((id) => journal.accounts.get(id) ?? []);
        const isSeen = accounts.some(({ ownerId }) => ownerId === seenBy);
        return (
          isHold && isSeen && accounts.some((one) => one.ownerId !== seenBy && one.visibility === visibility)
        );
      });
    // What the test before has drawn its filters for.
    expect(holdsWith('private', 'alice').length).toBeGreaterThan(5);
    expect(holdsWith('public', 'alice').length).toBeGreaterThan(5);
  });

  it('are found by amount and currency of one posting: an exchange by both of its amounts', async () => {
    const exchanges = models.filter(
      ({ type, postings: [sent, converted, ...more] }) =>
        type === 'exchange' && more.length === 0 && sent!.amount !== converted!.amount,
    );
    const { postings, position } = random.pick(exchanges);
    const [sent, converted] = postings as [
      ProgressedModel['postings'][number],
      ProgressedModel['postings'][number],
    ];
    const by = (amount: bigint, currency: string) => ({ amount: { gte: amount, lte: amount }, currency });
    for (const { amount, currency } of [sent, converted]) {
      const items = await walkByCursor(reader(journal.ledgerId, by(amount, currency)), 100);
      expect(positionsOf(items)).toContain(position);
    }
    const crossed = await walkByCursor(reader(journal.ledgerId, by(sent.amount, converted.currency)), 100);
    expect(positionsOf(crossed)).not.toContain(position);
  });
});

/** The pool, with something done before a statement of this name is sent. */
function before(statement: string, action: () => Promise<void>): pg.Pool {
  const query = async (
    config: string | { name?: string; text: string; values: unknown[] },
    values?: unknown[],
  ) => {
    if (typeof config === 'string') return await db.readPool.query(config, values);
    if (config.name === statement) await action();
    return await db.readPool.query(config);
  };
  return { query } as unknown as pg.Pool;
}

describe('a hold that ends while it is searched for', () => {
  let journal: DecidedJournal;
  const holds = Array.from({ length: 6 }, () => randomUUID());
  const filters = { reference: 'unusual', status: 'pending' };
  const idsOf = (items: readonly ListedTransaction[]) => items.map(({ recorded }) => recorded.transactionId);

  beforeAll(async () => {
    journal = new DecidedJournal(db.superuser);
    const [alice, bob] = [journal.openFunded('EUR'), journal.openFunded('EUR')];
    const hold = { expiresAt: null };
    for (const id of holds) journal.tell(moveOf(id, alice, bob, 5n, { hold, reference: 'Unusual hotel' }));
    // So many of the same status that the references are searched, and not walked to.
    for (let n = 0; n < 2_100; n++) journal.tell(moveOf(randomUUID(), alice, bob, 5n, { hold }));
    await journal.commit();
    await db.project(journal.ledgerId);
  }, 60_000);

  it.each([
    ['the one that tells that there are more', 1, [5, 3, 2, 1, 0]],
    ['one of the page itself', 2, [5, 2, 1, 0]],
  ])(
    'is not shown by the status that it had, and nothing is left out behind it: %s',
    async (_, limit, left) => {
      const pending = idsOf(await walkByCursor(reader(journal.ledgerId, filters), limit));
      let isEnded = false;
      const pool = before('read-transactions-at', async () => {
        if (isEnded) return;
        isEnded = true;
        journal.tell(voidOf(pending[1]!));
        await journal.commit();
        await db.project(journal.ledgerId);
      });
      const found = await walkByCursor(reader(journal.ledgerId, filters, pool), limit);
      expect(isEnded).toBe(true);
      expect(idsOf(found)).toEqual(left.map((index) => holds[index]));
    },
  );
});
