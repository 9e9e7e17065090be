import { randomUUID } from 'node:crypto';
import { moveOf, openingOf } from '../support/ledger-fixtures.js';
import {
  balancesOf,
  count,
  expectSound,
  fateOf,
  JournalProcess,
  queryRows,
  timesPosted,
  type TestLedger,
} from '../support/journal-fixtures.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

let database: TestDatabase;
let one: JournalProcess;
let other: JournalProcess;
let ledger: TestLedger;
let [alice, bob] = ['', ''];

beforeAll(async () => {
  database = await createTestDatabase();
  one = new JournalProcess(database.ledgerUrl);
  other = new JournalProcess(database.ledgerUrl);
}, 60_000);
beforeEach(async () => {
  ledger = await one.newLedger();
  [alice, bob] = [await ledger.open(1_000n), await ledger.open()];
});
afterEach(() => expectSound(database.superuserUrl, ledger));
afterAll(async () => {
  await Promise.all([one.stop(), other.stop()]);
  await database.drop();
});

const reference = (text: string) => ({ reference: text });

describe('the same key twice in one batch', () => {
  it('first accepted: the second is its replay, with the same events', async () => {
    const [first, second] = await Promise.all([
      ledger.move(alice, bob, 10n, { key: 'k' }),
      ledger.move(alice, bob, 10n, { key: 'k' }),
    ]);
    expect(first).toMatchObject({ accepted: true, isReplay: false });
    expect(second).toEqual({ ...first, isReplay: true });
    expect((await balancesOf(database.superuserUrl, ledger)).get(bob)?.posted).toBe(10n);
  });

  it('first refused: the key is not used up, and the second is decided itself', async () => {
    const fates = await Promise.all([
      fateOf(ledger.move(alice, bob, 5_000n, { key: 'k' })),
      fateOf(ledger.move('ROOT', alice, 9_000n)),
      fateOf(ledger.move(alice, bob, 5_000n, { key: 'k' })),
      fateOf(ledger.move(alice, bob, 5_000n, { key: 'k' })),
    ]);
    expect(fates).toEqual(['insufficient_funds', 'accepted', 'accepted', 'replayed']);
  });

  it('another request: refused, without an effect', async () => {
    const fates = await Promise.all([
      fateOf(ledger.move(alice, bob, 10n, { key: 'k', body: 'ten' })),
      fateOf(ledger.move(alice, bob, 20n, { key: 'k', body: 'twenty' })),
    ]);
    expect(fates).toEqual(['accepted', 'idempotency_key_reused']);
  });

  it('another owner: another key', async () => {
    const [ofA, ofB, shop] = [randomUUID(), randomUUID(), randomUUID()];
    const balance = () => ({ transactionId: randomUUID(), amount: 100n });
    await ledger.submit(openingOf(ofA, { settings: { ownerId: 'a' }, balance: balance() }));
    await ledger.submit(openingOf(ofB, { settings: { ownerId: 'b' }, balance: balance() }));
    await ledger.submit(openingOf(shop, { settings: { visibility: 'public' } }));
    const fates = await Promise.all([
      fateOf(ledger.move(alice, shop, 10n, { key: 'k', owner: '' })),
      fateOf(ledger.move(ofA, shop, 10n, { key: 'k', owner: 'a' })),
      fateOf(ledger.move(ofB, shop, 10n, { key: 'k', owner: 'b' })),
      fateOf(ledger.move(ofA, shop, 10n, { key: 'k', owner: 'a' })),
    ]);
    expect(fates).toEqual(['accepted', 'accepted', 'accepted', 'replayed']);
  });

  it('an opening with a balance keeps all its events under the key', async () => {
    const opening = {
      kind: 'open-account' as const,
      accountId: randomUUID(),
      currency: 'SEK',
      settings: {
        name: 'Carol',
        visibility: 'public' as const,
        externalId: null,
        ownerId: null,
        status: 'open' as const,
        minBalance: null,
        maxBalance: null,
        metadata: { nested: { list: [1, 'é', null] } },
      },
      opening: moveOf(randomUUID(), 'ROOT', '', 5n).draft,
    };
    const command = {
      ...opening,
      opening: {
        ...opening.opening,
        postings: [{ sender: 'ROOT', recipient: opening.accountId, amount: 5n }],
      },
    };
    const first = await ledger.submit(command, { key: 'k' });
    if (!first.accepted) throw new Error('refused');
    expect(first.events.map(({ event }) => event?.type)).toEqual([
      'account.opened',
      'account.opened',
      'transaction.posted',
    ]);
    expect(await ledger.submit(command, { key: 'k' })).toEqual({ ...first, isReplay: true });
  });
});

describe('the same key later', () => {
  it('in another batch, and in another process, gets the first answer back', async () => {
    const first = await ledger.move(alice, bob, 10n, { key: 'k' });
    const replay = { ...first, isReplay: true };
    expect(await ledger.move(alice, bob, 10n, { key: 'k' })).toEqual(replay);
    expect(await other.ledger(ledger).move(alice, bob, 10n, { key: 'k' })).toEqual(replay);
    expect(await fateOf(other.ledger(ledger).move(alice, bob, 10n, { key: 'k', body: 'x' }))).toBe(
      'idempotency_key_reused',
    );
  });

  it('is replayed even where the request would be refused by now', async () => {
    await ledger.move(alice, bob, 1_000n, { key: 'k' });
    await ledger.submit({
      kind: 'update-account',
      accountId: alice,
      changes: { status: 'frozen' },
      preconditions: [],
    });
    expect(await fateOf(ledger.move(alice, bob, 1_000n, { key: 'k' }))).toBe('replayed');
    expect(await fateOf(ledger.move(alice, bob, 1_000n, { key: 'k2' }))).toBe('account_frozen');
  });

  it('in another ledger is another key', async () => {
    const elsewhere = await one.newLedger();
    const account = await elsewhere.open();
    await ledger.move('ROOT', bob, 10n, { key: 'k' });
    expect(await fateOf(elsewhere.move('ROOT', account, 10n, { key: 'k' }))).toBe('accepted');
  });
});

it('50 concurrent requests with one key, in two processes, have one effect and 50 equal answers', async () => {
  const elsewhere = other.ledger(ledger);
  const outcomes = await Promise.all(
    Array.from({ length: 50 }, (_, n) =>
      (n % 2 ? ledger : elsewhere).move(alice, bob, 10n, { key: 'k' }, reference('once')),
    ),
  );
  const accepted = outcomes.filter((outcome) => outcome.accepted);
  expect(accepted).toHaveLength(50);
  expect(accepted.filter(({ isReplay }) => !isReplay)).toHaveLength(1);
  for (const { events } of accepted) expect(events).toEqual(accepted[0]!.events);
  expect(await timesPosted(database.superuserUrl, ledger, 'once')).toBe(1);
  expect((await balancesOf(database.superuserUrl, ledger)).get(bob)?.posted).toBe(10n);
});

it('50 concurrent requests with one key and two bodies: one effect, and the others are told', async () => {
  const fates = await Promise.all(
    Array.from({ length: 50 }, (_, n) => {
      const body = n % 2 ? 'odd' : 'even';
      return fateOf((n % 4 < 2 ? ledger : other.ledger(ledger)).move(alice, bob, 10n, { key: 'k', body }));
    }),
  );
  expect(count(fates)).toEqual({ accepted: 1, replayed: 24, idempotency_key_reused: 25 });
});

it('an answer that this release cannot read fails the one who asks for it, and nobody else', async () => {
  await ledger.move(alice, bob, 10n, { key: 'k' });
  const asSuperuser = (version: number) =>
    queryRows(
      database.superuserUrl,
      `WITH replica AS MATERIALIZED (SELECT set_config('session_replication_role', 'replica', false))
        UPDATE journal.events SET version = $2 FROM replica WHERE ledger_id = $1 AND idempotency_key = 'k'`,
      [ledger.ledgerId, version],
    );
  await asSuperuser(9);
  const fates = await Promise.all([
    fateOf(ledger.move(alice, bob, 1n)),
    fateOf(ledger.move(alice, bob, 10n, { key: 'k' })),
    fateOf(ledger.move(alice, bob, 1n)),
  ]);
  expect(fates).toEqual(['accepted', expect.stringMatching(/version 9 is not known/), 'accepted']);
  await asSuperuser(1);
});
