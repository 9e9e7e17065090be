import { randomUUID } from 'node:crypto';
import { examinedRowsMax, InvalidCursor, PageTooDeep, type Page } from '#platform';
import { ProjectionLagging, ProjectionWaiter } from '../../apps/ledger/src/projections/projection-waiter.js';
import {
  ListTransactions,
  ListTransactionsHandler,
  type ListedTransaction,
} from '../../apps/ledger/src/transactions/list-transactions.js';
import { sides, type TransactionFilters } from '../../apps/ledger/src/transactions/transaction-filters.js';
import { seedLedger } from '../../bench/lists/seed-ledger.js';
import { HandMadeJournal } from '../support/hand-made-journal.js';
import {
  createListDatabase,
  pageRequest,
  walkByCursor,
  walkByNumber,
  type ListDatabase,
} from '../support/list-reading.js';
import { passes } from '../support/listed-model.js';
import { seededRandom } from '../support/seeded-random.js';

let db: ListDatabase;
let handler: ListTransactionsHandler;

beforeAll(async () => {
  db = await createListDatabase();
  handler = new ListTransactionsHandler(db.readPool, new ProjectionWaiter(db.readPool));
});
afterAll(() => db.drop());

const reader = (
  ledgerId: string,
  filters: TransactionFilters,
  consistency: 'strong' | 'eventual' = 'eventual',
) => {
  return (page = pageRequest()) =>
    handler.execute(new ListTransactions(ledgerId, filters, page, consistency));
};
const positionsOf = (items: readonly ListedTransaction[]) => items.map(({ recorded }) => recorded.position);

const references = [
  'Invoice 2026-0001',
  'INVOICE 2026-0002',
  'Überweisung Café',
  'ÜBERWEISUNG CAFÉ',
  '100% off_season',
  '100 percent offAseason',
  'back\\slash',
  'ab',
  'Привет мир',
  '価格 改定',
  'O\'Brien "quoted"',
];
const searched = [
  'invoice',
  '2026-0001',
  'überweisung',
  'CAFÉ',
  'é',
  '100%',
  'off_season',
  '_',
  '%',
  '\\',
  'back\\s',
  'ab',
  'b',
  'ПРИВЕТ',
  '価格',
  'o\'brien "q',
  'nothing of the kind',
];

describe('transactions of a random ledger', () => {
  const random = seededRandom();
  let journal: HandMadeJournal;
  let accounts: string[];
  let filterValues: {
    [Name in keyof TransactionFilters]-?: readonly NonNullable<TransactionFilters[Name]>[];
  };

  function makeTransaction(n: number): void {
    const party = () => (random.below(5) === 0 ? 'ROOT' : random.pick(accounts));
    const postings = Array.from({ length: random.below(4) === 0 ? 1 + random.below(4) : 1 }, () => {
      const sender = party();
      let recipient = party();
      while (recipient === sender) recipient = random.pick(accounts);
      const amount =
        random.below(20) === 0 ? 10n ** 30n + BigInt(random.below(9)) : BigInt(1 + random.below(100));
      return { sender, recipient, amount, currency: 'EUR' };
    }).map((posting) => {
      // ROOT has an account in each currency; the others' legs are all in theirs.
      const dollars = [posting.sender, posting.recipient].every(
        (id) => id === 'ROOT' || accounts.indexOf(id) < 2,
      );
      return dollars ? { ...posting, currency: 'USD' } : posting;
    });
    journal.post(
      postings,
      {
        type: random.pick(['transfer', 'transfer', 'mint', 'burn'] as const),
        reference:
          random.below(3) === 0 ? null : `${random.pick(references)}${random.below(2) ? ` ${n}` : ''}`,
        externalId: random.below(3) === 0 ? `ext-${n}` : null,
      },
      1n + BigInt(random.below(3)) * 500_000n,
    );
  }

  beforeAll(async () => {
    journal = new HandMadeJournal(db.superuser);
    accounts = [
      journal.openAccount({ ownerId: 'alice' }, 'USD'),
      journal.openAccount({ ownerId: 'bob' }, 'USD'),
      journal.openAccount({ ownerId: 'alice', visibility: 'public' }),
      journal.openAccount({ ownerId: 'alice' }),
      journal.openAccount({ ownerId: 'bob', visibility: 'public' }),
      journal.openAccount({ ownerId: 'bob', visibility: 'unlisted' }),
      journal.openAccount(),
      journal.openAccount({ visibility: 'public' }),
    ];
    for (let n = 0; n < 400; n++) makeTransaction(n);
    await journal.commit();
    await db.project(journal.ledgerId);
    const times = Array.from({ length: 12 }, () => {
      const { recordedAt } = random.pick(journal.transactions);
      return recordedAt + BigInt(random.below(3)) - 1n;
    });
    const bounds = Array.from({ length: 12 }, () => random.pick(journal.transactions).postings[0]!.amount);
    filterValues = {
      account: [...accounts, 'ROOT', randomUUID()],
      sender: [...accounts, 'ROOT'],
      recipient: [...accounts, 'ROOT'],
      reference: searched,
      type: ['transfer', 'mint', 'burn', 'reversal'],
      status: ['posted', 'pending', 'voided'],
      currency: ['EUR', 'USD', 'JPY'],
      externalId: [
        'ext-1',
        ...journal.transactions.flatMap(({ externalId }) => externalId ?? []).slice(0, 5),
      ],
      createdAt: times.flatMap((time) => [
        { gte: time },
        { gt: time },
        { lte: time },
        { lt: time },
        { gte: time, lt: time + 20_000_000n },
        { gt: time - 20_000_000n, lte: time },
      ]),
      amount: bounds.flatMap((amount) => [
        { gte: amount },
        { lte: amount },
        { gte: amount, lte: amount + 5n },
      ]),
      seenBy: ['alice', 'bob', 'nobody'],
    };
  });

  const expected = (filters: TransactionFilters) =>
    journal.transactions
      .filter((transaction) => passes(filters, transaction, (id) => journal.accounts.get(id)))
      .map(({ position }) => position)
      .reverse();

  const names = [
    'account',
    'sender',
    'recipient',
    'reference',
    'type',
    'status',
    'currency',
    'externalId',
    'createdAt',
    'amount',
    'seenBy',
  ] as const;

  it.each(names)('are filtered by %s', async (name) => {
    for (const value of filterValues[name]) {
      const filters = { [name]: value };
      const found = await walkByCursor(reader(journal.ledgerId, filters), 100);
      expect({ filters, positions: positionsOf(found) }).toEqual({ filters, positions: expected(filters) });
    }
  });

  it('are filtered by filters together', async () => {
    let found = 0;
    for (let round = 0; round < 400; round++) {
      const filters: Record<string, unknown> = {};
      for (let count = 2 + random.below(3); count > 0; count--) {
        const name = random.pick(names);
        filters[name] = random.pick<unknown>(filterValues[name]);
      }
      if (round % 2 === 0) filters['seenBy'] = random.pick(filterValues.seenBy);
      // No route lets an owner name a system account.
      if ('seenBy' in filters) for (const side of sides) if (filters[side] === 'ROOT') delete filters[side];
      const items = await walkByCursor(reader(journal.ledgerId, filters), 100);
      expect({ filters, positions: positionsOf(items) }).toEqual({ filters, positions: expected(filters) });
      found += items.length;
    }
    expect(found).toBeGreaterThan(0);
  });

  it('are the same by cursor and by number, whole, and in order', async () => {
    for (const filters of [
      {},
      { account: accounts[2] },
      { type: 'mint' },
      { reference: 'invoice' },
      { currency: 'USD' },
      { seenBy: 'alice' },
      { seenBy: 'alice', account: accounts[3] },
      { seenBy: 'alice', recipient: accounts[4] },
      { seenBy: 'alice', reference: 'invoice' },
    ]) {
      const read = reader(journal.ledgerId, filters);
      const whole = expected(filters);
      expect(positionsOf(await walkByCursor(read, 7))).toEqual(whole);
      expect(positionsOf(await walkByNumber(read, 7))).toEqual(whole);
      const page = await read(pageRequest({ limit: 1, wantsTotal: true }));
      expect(page.total).toEqual({ count: whole.length, isCapped: false });
    }
  });

  it('are the journal rows themselves', async () => {
    const { items, position } = await reader(journal.ledgerId, {})();
    const [newest] = items;
    const made = journal.transactions.at(-1)!;
    expect(newest).toMatchObject({
      recorded: {
        ledgerId: journal.ledgerId,
        position: made.position,
        transactionId: made.transactionId,
        type: 'transaction.posted',
        recordedAt: made.recordedAt,
      },
      progress: null,
      hold: null,
    });
    expect(JSON.parse(newest!.recorded.dataText!)).toMatchObject({ transactionId: made.transactionId });
    expect(position).toBe(journal.head);
  });

  it('show no row of another ledger', async () => {
    const other = new HandMadeJournal(db.superuser);
    const account = other.openAccount();
    other.post([{ sender: 'ROOT', recipient: account, amount: 1n }], { reference: 'Invoice 2026-0001' });
    await other.commit();
    await db.project(other.ledgerId);
    expect((await reader(other.ledgerId, { reference: 'invoice' })()).items).toHaveLength(1);
    expect((await reader(other.ledgerId, { account: accounts[2] })()).items).toEqual([]);
    expect((await reader(randomUUID(), {})()).items).toEqual([]);
  });

  it('come once each while new ones are written', async () => {
    const before = expected({});
    let written = 400;
    const items = await walkByCursor(reader(journal.ledgerId, {}), 30, async () => {
      for (let n = 0; n < 5; n++) makeTransaction(written++);
      await journal.commit();
      await db.project(journal.ledgerId);
    });
    expect(positionsOf(items)).toEqual(before);
  });
});

describe('consistency', () => {
  it('strong waits for the projection, eventual does not', async () => {
    const journal = new HandMadeJournal(db.superuser);
    journal.post([{ sender: 'ROOT', recipient: journal.openAccount(), amount: 1n }]);
    await journal.commit();
    expect((await reader(journal.ledgerId, {}, 'eventual')()).items).toEqual([]);
    const waiting = reader(journal.ledgerId, {}, 'strong')();
    await db.project(journal.ledgerId);
    expect((await waiting).items).toHaveLength(1);

    const hurried = new ListTransactionsHandler(
      db.readPool,
      new ProjectionWaiter(db.readPool, undefined, { waitMsMax: 50 }),
    );
    journal.openAccount();
    await journal.commit();
    const query = new ListTransactions(journal.ledgerId, {}, pageRequest(), 'strong');
    await expect(hurried.execute(query)).rejects.toThrow(ProjectionLagging);
  });
});

describe('cursors and page numbers', () => {
  let journal: HandMadeJournal;
  let account: string;
  let cursor: string;

  beforeAll(async () => {
    journal = new HandMadeJournal(db.superuser);
    account = journal.openAccount();
    for (let n = 0; n < 5; n++) journal.post([{ sender: 'ROOT', recipient: account, amount: 1n }]);
    await journal.commit();
    await db.project(journal.ledgerId);
    cursor = (await reader(journal.ledgerId, { account, amount: { gte: 1n } })(pageRequest({ limit: 2 })))
      .nextCursor!;
  });

  it('takes a cursor with the same filters in another order', async () => {
    const page = await reader(journal.ledgerId, {
      amount: { gte: 1n, lte: undefined },
      account,
      type: undefined,
    })(pageRequest({ limit: 2, cursor }));
    expect(page).toMatchObject({ number: null, hasMore: true });
    expect(page.items).toHaveLength(2);
  });

  it.each<[string, TransactionFilters]>([
    ['none', {}],
    ['one less', { account: 'x' }],
    ['another value', { account: 'ROOT', amount: { gte: 1n } }],
    ['one more', { amount: { gte: 1n }, type: 'mint' }],
  ])('refuses a cursor with other filters: %s', async (_, filters) => {
    const given = { ...filters, ...(filters.account === 'x' ? { account } : {}) };
    await expect(reader(journal.ledgerId, given)(pageRequest({ cursor }))).rejects.toThrow(InvalidCursor);
  });

  it('refuses a cursor of another ledger, and a malformed one', async () => {
    const filters = { account, amount: { gte: 1n } };
    await expect(reader(randomUUID(), filters)(pageRequest({ cursor }))).rejects.toThrow(InvalidCursor);
    const huge = Buffer.from(
      `${Buffer.from(cursor, 'base64url').toString().slice(0, 12)}9999999999999999999`,
    );
    for (const text of [
      '',
      'x',
      '!!!!',
      `${cursor}A`,
      cursor.slice(1),
      `${cursor}=`,
      huge.toString('base64url'),
    ]) {
      await expect(reader(journal.ledgerId, filters)(pageRequest({ cursor: text }))).rejects.toThrow(
        InvalidCursor,
      );
    }
  });

  it('reaches the first 10,000 rows by number', async () => {
    const read = reader(journal.ledgerId, {});
    expect(await read(pageRequest({ limit: 100, number: 100 }))).toMatchObject({ items: [], hasMore: false });
    await expect(read(pageRequest({ limit: 100, number: 101 }))).rejects.toThrow(PageTooDeep);
    await expect(read(pageRequest({ limit: 1, number: 10_001 }))).rejects.toThrow(PageTooDeep);
  });
});

describe('a ledger with more rows than a page may look at', () => {
  const ledgerId = randomUUID();
  const size = { transactions: 120_000, accounts: 200 };

  beforeAll(async () => {
    await db.superuser.query('SET synchronous_commit = off');
    await seedLedger(db.superuser, ledgerId, size);
    await db.project(ledgerId);
    await db.superuser.query('VACUUM (ANALYZE) projections.transactions, projections.transaction_parties');
  }, 60_000);

  it('ends a page short where few rows pass, and goes on with the cursor until all are found', async () => {
    const read = reader(ledgerId, { amount: { gte: 1_000_000n } });
    const first = await read(pageRequest({ limit: 20 }));
    expect(first).toMatchObject({ number: null, hasMore: true });
    expect(first.items.length).toBeLessThan(20);
    const found = await walkByCursor(read, 20);
    expect(found).toHaveLength(size.transactions / 5_000);
    expect(new Set(positionsOf(found)).size).toBe(found.length);

    const none = await read(pageRequest({ limit: 20, number: 3 }));
    expect(none).toMatchObject({ items: [], number: null, hasMore: true });
  });

  it('ends where the rows end', async () => {
    const pages: Page<unknown>[] = [];
    const read = reader(ledgerId, { currency: 'JPY' });
    const found = await walkByCursor(async (request) => {
      const page = await read(request);
      pages.push(page);
      return page;
    }, 20);
    expect(found).toEqual([]);
    expect(pages).toHaveLength(Math.ceil(size.transactions / examinedRowsMax));
  });

  it.each([
    ['many', 'invoice', 84_001],
    ['the oldest', 'migrated', 1_199],
    ['one', 'zebra crossing', 1],
    ['none', 'walrus', 0],
    ['many, by two characters', 'nv', 120_000],
  ])('finds %s by reference', async (_, reference, count) => {
    const read = reader(ledgerId, { reference });
    const sample = await walkByCursor(async (request) => {
      const page = await read(request);
      // The first thousand tell enough of many.
      return page.items.length > 0 && Number(page.items[0]!.recorded.position) < 110_000 && count > 10_000
        ? { ...page, hasMore: false, nextCursor: null }
        : page;
    }, 100);
    const positions = positionsOf(sample);
    expect(positions).toEqual([...positions].sort((a, b) => Number(b - a)));
    if (count <= 10_000) expect(positions).toHaveLength(count);
    else expect(positions.length).toBeGreaterThan(1_000);
  });

  it('counts to 10,000, or as far as it may look', async () => {
    const total = async (filters: TransactionFilters) =>
      (await reader(ledgerId, filters)(pageRequest({ limit: 1, wantsTotal: true }))).total;
    expect(await total({})).toEqual({ count: 10_000, isCapped: true });
    expect(await total({ type: 'burn' })).toEqual({ count: 2_400, isCapped: false });
    expect(await total({ amount: { gte: 1_000_000n } })).toEqual({ count: 10, isCapped: true });
    expect(await total({ reference: 'migrated' })).toEqual({ count: 1_199, isCapped: false });
    expect(await total({ reference: 'invoice' })).toEqual({ count: 10_000, isCapped: true });
    expect(await total({ externalId: 'order-10' })).toEqual({ count: 1, isCapped: false });
  });

  it('combines a search with other filters', async () => {
    const read = reader(ledgerId, { reference: 'lastschrift', type: 'burn', currency: 'EUR' });
    const found = await walkByCursor(read, 100);
    const { rows } = await db.superuser.query(
      `SELECT position FROM projections.transactions WHERE ledger_id = $1 AND reference LIKE '%lastschrift%'
         AND type = 'burn' AND currency = 'EUR' ORDER BY position DESC`,
      [ledgerId],
    );
    expect(rows.length).toBeGreaterThan(100);
    expect(positionsOf(found).map(String)).toEqual(rows.map(({ position }) => position));
  });

  it('reaches deep pages by number', async () => {
    const page = await reader(ledgerId, { reference: 'inv' })(pageRequest({ limit: 100, number: 100 }));
    expect(page.items).toHaveLength(100);
    expect(page.items[0]!.recorded.position).toBe(BigInt(size.accounts + 1 + size.transactions) - 9_900n);
  });
});
