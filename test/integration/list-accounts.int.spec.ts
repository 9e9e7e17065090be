import { randomUUID } from 'node:crypto';
import type { Account } from '#domain';
import { InvalidCursor } from '#platform';
import type { AccountFilters } from '../../apps/ledger/src/accounts/account-filters.js';
import { ListAccounts, ListAccountsHandler } from '../../apps/ledger/src/accounts/list-accounts.js';
import { ListEntries, ListEntriesHandler } from '../../apps/ledger/src/accounts/list-entries.js';
import type { TimeBounds } from '../../apps/ledger/src/projections/position-bounds.js';
import { ProjectionWaiter } from '../../apps/ledger/src/projections/projection-waiter.js';
import { systemAccountId } from '#journal';
import { HandMadeJournal } from '../support/hand-made-journal.js';
import {
  createListDatabase,
  pageRequest,
  walkByCursor,
  walkByNumber,
  type ListDatabase,
} from '../support/list-reading.js';
import { seededRandom } from '../support/seeded-random.js';

let db: ListDatabase;

beforeAll(async () => {
  db = await createListDatabase();
});
afterAll(() => db.drop());

const accountsOf = (ledgerId: string, filters: AccountFilters) => {
  const handler = new ListAccountsHandler(db.readPool);
  return (page = pageRequest()) => handler.execute(new ListAccounts(ledgerId, filters, page));
};
const idsOf = (accounts: readonly Account[]) => accounts.map(({ id }) => id);

const customer = [
  'Customer One',
  'CUSTOMER two',
  'Émile Müller',
  'ÉMILE',
  '50% off_peak',
  'ab',
  'back\\slash',
];

function passes(filters: AccountFilters, account: Account): boolean {
  const { name, visibility, currency, externalId, ownerId, status, seenBy } = filters;
  return [
    seenBy === undefined || account.ownerId === seenBy || account.visibility === 'public',
    account.system === null,
    name === undefined || account.name.toLowerCase().includes(name.toLowerCase()),
    visibility === undefined || account.visibility === visibility,
    currency === undefined || account.currency === currency,
    externalId === undefined || account.externalId === externalId,
    ownerId === undefined || account.ownerId === ownerId,
    status === undefined ? account.status !== 'closed' : account.status === status,
  ].every(Boolean);
}

describe('accounts of a random ledger', () => {
  const random = seededRandom();
  let journal: HandMadeJournal;
  const filterValues: { [Name in keyof AccountFilters]-?: readonly NonNullable<AccountFilters[Name]>[] } = {
    name: ['customer', 'CUSTOMER T', 'émile', 'MÜLLER', 'é', '50%', '_', '%', '\\', 'ab', 'a', 'nobody'],
    visibility: ['private', 'public', 'unlisted'],
    currency: ['EUR', 'USD', 'JPY'],
    externalId: ['ext-3', 'ext-10', 'ext-none'],
    ownerId: ['owner-0', 'owner-1', 'owner-9'],
    status: ['open', 'frozen', 'closed'],
    seenBy: ['owner-0', 'owner-1', 'owner-9'],
  };
  const names = Object.keys(filterValues) as (keyof AccountFilters)[];

  function openOne(n: number): void {
    journal.openAccount(
      {
        name: `${random.pick(customer)}${random.below(2) === 0 ? ` ${n}` : ''}`,
        visibility: random.pick(['private', 'private', 'public', 'unlisted'] as const),
        externalId: random.below(2) === 0 ? `ext-${n}` : null,
        ownerId: random.below(2) === 0 ? `owner-${random.below(4)}` : null,
        status: random.pick(['open', 'open', 'open', 'frozen', 'closed'] as const),
      },
      random.pick(['EUR', 'EUR', 'USD']),
    );
  }

  beforeAll(async () => {
    journal = new HandMadeJournal(db.superuser);
    for (let n = 0; n < 250; n++) openOne(n);
    const [first = ''] = journal.accounts.keys();
    journal.post([{ sender: 'ROOT', recipient: first, amount: 10n ** 30n }]);
    await journal.commit();
  });

  const expected = (filters: AccountFilters) =>
    [...journal.accounts.values()]
      .filter((account) => passes(filters, account))
      .sort((a, b) => Number(journal.openedPositions.get(b.id)! - journal.openedPositions.get(a.id)!))
      .map(({ id }) => id);

  it.each(names)('are filtered by %s', async (name) => {
    for (const value of filterValues[name]) {
      const filters = { [name]: value };
      const found = await walkByCursor(accountsOf(journal.ledgerId, filters), 100);
      expect({ filters, ids: idsOf(found) }).toEqual({ filters, ids: expected(filters) });
    }
  });

  it('are filtered by filters together', async () => {
    let found = 0;
    for (let round = 0; round < 150; round++) {
      const filters: Record<string, unknown> = {};
      for (let count = 2 + random.below(2); count > 0; count--) {
        const name = random.pick(names);
        filters[name] = random.pick<unknown>(filterValues[name]);
      }
      const items = await walkByCursor(accountsOf(journal.ledgerId, filters), 100);
      expect({ filters, ids: idsOf(items) }).toEqual({ filters, ids: expected(filters) });
      found += items.length;
    }
    expect(found).toBeGreaterThan(0);
  });

  it('are the same by cursor and by number, without closed and system ones', async () => {
    for (const filters of [
      {},
      { name: 'customer' },
      { currency: 'USD' },
      { seenBy: 'owner-1' },
      { seenBy: 'owner-1', name: 'customer' },
    ] as const) {
      const read = accountsOf(journal.ledgerId, filters);
      const whole = expected(filters);
      expect(idsOf(await walkByCursor(read, 9))).toEqual(whole);
      expect(idsOf(await walkByNumber(read, 9))).toEqual(whole);
      const { total } = await read(pageRequest({ limit: 1, wantsTotal: true }));
      expect(total).toEqual({ count: whole.length, isCapped: false });
    }
  });

  it('show every field exactly, as of the head', async () => {
    const found = await walkByCursor(accountsOf(journal.ledgerId, {}), 100);
    const { position } = await accountsOf(journal.ledgerId, {})();
    expect(position).toBe(journal.head);
    for (const account of found) {
      const { updatedAt: _, ...rest } = account;
      const { updatedAt: __, ...made } = journal.accounts.get(account.id)!;
      expect(rest).toEqual(made);
    }
  });

  it('come once each while new ones are opened', async () => {
    const before = expected({});
    const items = await walkByCursor(accountsOf(journal.ledgerId, {}), 20, async () => {
      openOne(1_000 + journal.accounts.size);
      await journal.commit();
    });
    expect(idsOf(items)).toEqual(before);
  });

  it('refuse a cursor of other filters or of another list', async () => {
    const { nextCursor } = await accountsOf(journal.ledgerId, { currency: 'EUR' })(pageRequest({ limit: 1 }));
    const cursor = nextCursor!;
    for (const filters of [{}, { currency: 'USD' }]) {
      await expect(accountsOf(journal.ledgerId, filters)(pageRequest({ cursor }))).rejects.toThrow(
        InvalidCursor,
      );
    }
    await expect(accountsOf(randomUUID(), { currency: 'EUR' })(pageRequest({ cursor }))).rejects.toThrow(
      InvalidCursor,
    );
  });
});

describe('a ledger with many accounts', () => {
  const ledgerId = randomUUID();
  const count = 30_000;

  beforeAll(async () => {
    await db.superuser.query(
      `INSERT INTO ledger.accounts (ledger_id, id, name, currency, visibility, status, posted_debits, posted_credits,
         pending_debits, pending_credits, version, settings_version, entry_number, metadata, opened_position,
         created_at, updated_at)
       SELECT $1, gen_random_uuid(), CASE WHEN n <= 50 THEN 'Oldest ' WHEN n <= 25000 THEN 'Older ' ELSE 'Newer ' END || n,
         'EUR', 'private', CASE WHEN n = 1 THEN 'closed' ELSE 'open' END, 0, 0, 0, 0, 1, 1, 0, '{}', n, now(), now()
       FROM generate_series(1, $2::integer) n`,
      [ledgerId, count],
    );
    await db.superuser.query(
      `INSERT INTO journal.heads (ledger_id, epoch, position, hash, recorded_at) VALUES ($1, 1, $2, '\\x03', now())`,
      [ledgerId, count],
    );
    await db.superuser.query('VACUUM (ANALYZE) ledger.accounts');
  });

  it.each([
    ['that the newest have', 'newer', 5_000],
    ['that the oldest have', 'oldest', 49],
    ['that one has', 'OLDER 4321', 1],
    ['that nobody has', 'nobody', 0],
    ['that too many of the older have', 'older', 24_950],
  ])('finds a name %s', async (_, name, number) => {
    const read = accountsOf(ledgerId, { name });
    const page = await read(pageRequest({ wantsTotal: true }));
    const isCapped = number > 10_000;
    expect(page.total).toEqual({ count: Math.min(number, 10_000), isCapped });
    const found = await walkByCursor(read, 100);
    expect(new Set(idsOf(found)).size).toBe(number);
    expect(found).toHaveLength(number);
  });
});

describe('entries', () => {
  let journal: HandMadeJournal;
  let alice: string;
  let bob: string;
  const handler = () => new ListEntriesHandler(db.readPool, new ProjectionWaiter(db.readPool));
  const entriesOf =
    (accountId: string, createdAt: TimeBounds = {}, ownerId: string | null = null) =>
    (page = pageRequest()) =>
      handler().execute(new ListEntries(journal.ledgerId, accountId, createdAt, page, 'strong', ownerId));

  beforeAll(async () => {
    journal = new HandMadeJournal(db.superuser);
    alice = journal.openAccount({ ownerId: 'alice' });
    bob = journal.openAccount({ ownerId: 'bob', visibility: 'unlisted' });
    for (let n = 1; n <= 30; n++) {
      const postings = [
        { sender: 'ROOT', recipient: alice, amount: 100n },
        { sender: alice, recipient: bob, amount: BigInt(n) },
        { sender: alice, recipient: bob, amount: 1n },
      ];
      journal.post(postings, { reference: `Round ${n}` }, 1_000_000n);
    }
    await journal.commit();
    await db.project(journal.ledgerId);
  });

  it('are the legs of an account, newest first, with running balances', async () => {
    const found = await walkByCursor(entriesOf(alice), 100);
    expect(found).toHaveLength(90);
    expect(found.map(({ entryNumber }) => entryNumber)).toEqual(Array.from({ length: 90 }, (_, n) => 90 - n));
    for (const [newer, older] of found.slice(1).map((older, n) => [found[n]!, older] as const)) {
      const moved = newer.direction === 'credit' ? newer.amount : -newer.amount;
      expect(newer.balanceAfter - older.balanceAfter).toBe(moved);
    }
    const last = journal.transactions.at(-1)!;
    expect(found[0]).toMatchObject({
      leg: 5,
      position: last.position,
      transactionId: last.transactionId,
      direction: 'debit',
      amount: 1n,
      reference: 'Round 30',
      recordedAt: last.recordedAt,
      counterparty: { accountId: bob, system: null, visibility: 'unlisted', ownerId: 'bob' },
    });
    expect(found[2]!.counterparty).toMatchObject({ system: 'ROOT' });
  });

  it('are paged between the legs of one event', async () => {
    const whole = await walkByCursor(entriesOf(alice), 100);
    for (const limit of [1, 2, 4, 7]) {
      expect(await walkByCursor(entriesOf(alice), limit)).toEqual(whole);
      expect(await walkByNumber(entriesOf(alice), limit)).toEqual(whole);
    }
    const page = await entriesOf(alice)(pageRequest({ limit: 1, wantsTotal: true }));
    expect(page).toMatchObject({ total: { count: 90, isCapped: false }, position: journal.head });
  });

  it('are those of one currency where the account is ROOT', async () => {
    const root = systemAccountId(journal.ledgerId, 'ROOT', 'EUR');
    const found = await walkByCursor(entriesOf(root), 100);
    expect(found).toHaveLength(30);
    expect(found[0]).toMatchObject({ balanceAfter: -3_000n, direction: 'debit' });
    expect((await entriesOf(randomUUID())()).items).toEqual([]);
  });

  it('are filtered by the time at which they were recorded', async () => {
    const [tenth, twentieth] = [journal.transactions[9]!, journal.transactions[19]!];
    const rounds = async (createdAt: TimeBounds) =>
      (await walkByCursor(entriesOf(bob, createdAt), 100)).map(({ reference }) =>
        Number(reference!.slice(6)),
      );
    const from = (first: number, last: number) =>
      Array.from({ length: first - last + 1 }, (_, n) => [first - n, first - n]).flat();
    expect(await rounds({ gte: tenth.recordedAt, lt: twentieth.recordedAt })).toEqual(from(19, 10));
    expect(await rounds({ gt: tenth.recordedAt, lte: twentieth.recordedAt })).toEqual(from(20, 11));
    expect(await rounds({ gte: twentieth.recordedAt + 1n })).toEqual(from(30, 21));
    expect(await rounds({ lt: journal.transactions[0]!.recordedAt })).toEqual([]);
    expect(await rounds({ gte: journal.transactions[29]!.recordedAt + 1n })).toEqual([]);
    expect(await rounds({ lt: 253_402_300_799_999_999n, gte: -62_135_596_800_000_000n })).toEqual(
      from(30, 1),
    );
  });

  it("are there for the account's owner alone, to whoever is bound to one", async () => {
    expect(await walkByCursor(entriesOf(alice, {}, 'alice'), 100)).toHaveLength(90);
    for (const accountId of [bob, systemAccountId(journal.ledgerId, 'ROOT', 'EUR')]) {
      const page = await entriesOf(accountId, {}, 'alice')(pageRequest({ wantsTotal: true }));
      expect(page).toMatchObject({ items: [], hasMore: false, total: { count: 0, isCapped: false } });
    }
    const { nextCursor: cursor } = await entriesOf(bob, {}, 'bob')(pageRequest({ limit: 1 }));
    await expect(entriesOf(bob, {}, 'alice')(pageRequest({ cursor }))).rejects.toThrow(InvalidCursor);
  });

  it('refuse a cursor of another account', async () => {
    const { nextCursor: cursor } = await entriesOf(alice)(pageRequest({ limit: 1 }));
    await expect(entriesOf(bob)(pageRequest({ cursor }))).rejects.toThrow(InvalidCursor);
  });
});
