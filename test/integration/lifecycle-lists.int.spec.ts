import { randomUUID } from 'node:crypto';
import type { LedgerCommand } from '#domain';
import { decodeEvent, readEvents } from '#journal';
import { systemPartyId } from '../../apps/ledger/src/projections/system-parties.js';
import { ProjectionVerifier } from '../../apps/ledger/src/projections/verify-projections.js';
import { DecidedJournal } from '../support/decided-journal.js';
import {
  captureOf,
  expiryOf,
  extensionOf,
  moveOf,
  rateOf,
  reversalOf,
  voidOf,
} from '../support/ledger-fixtures.js';
import { createListDatabase, type ListDatabase } from '../support/list-reading.js';
import { RandomLifecycle } from '../support/random-lifecycle.js';
import { seededRandom } from '../support/seeded-random.js';

let db: ListDatabase;

beforeAll(async () => {
  db = await createListDatabase();
});
afterAll(() => db.drop());

async function rows(table: string, ledgerId: string, order: string, columns = '*'): Promise<unknown[]> {
  const result = await db.superuser.query(
    `SELECT ${columns} FROM projections.${table} WHERE ledger_id = $1 ORDER BY ${order}`,
    [ledgerId],
  );
  return result.rows;
}

/** Tables with an order in which a ledger's rows are always the same. */
const tables = {
  transactions: 'position',
  transaction_parties: 'account_id, side, position',
  event_owners: 'owner_id, position',
  entries: 'account_id, position, leg',
  backdated_legs: 'account_id, position, leg',
  backdated_sums: 'account_id, level, bucket',
} as const;

async function everything(ledgerId: string): Promise<Record<string, unknown[]>> {
  const found: Record<string, unknown[]> = {};
  for (const [table, order] of Object.entries(tables)) found[table] = await rows(table, ledgerId, order);
  return found;
}

async function forget(ledgerId: string): Promise<void> {
  for (const table of [...Object.keys(tables), 'checkpoints']) {
    await db.superuser.query(`DELETE FROM projections.${table} WHERE ledger_id = $1`, [ledgerId]);
  }
}

async function checkpointOf(ledgerId: string) {
  const { rows } = await db.superuser.query(
    'SELECT position::integer, parked_reason FROM projections.checkpoints WHERE ledger_id = $1',
    [ledgerId],
  );
  return rows[0];
}

/** What lists show of transactions, without what stays as it was made. */
const listedRows = (ledgerId: string) =>
  rows(
    'transactions',
    ledgerId,
    'position',
    'position::integer, type, status, amount, amounts::text[], currencies, parent_id, progress',
  ) as Promise<Record<string, unknown>[]>;

describe('of transactions that go on after they were made, the lists projection', () => {
  let journal: DecidedJournal;
  let [alice, bob] = ['', ''];
  let hold: string;
  const at = () => Number(journal.head);
  const project = async () => {
    await journal.commit();
    await db.turn(journal.ledgerId);
  };

  beforeEach(() => {
    journal = new DecidedJournal(db.superuser);
    alice = journal.openFunded('EUR', { ownerId: 'alice' });
    bob = journal.openFunded('EUR', { ownerId: 'bob', visibility: 'public' }, 0n);
    hold = randomUUID();
  });

  it('lists a hold with its amounts, its parties and how far it has come, and makes no entries of it', async () => {
    journal.tell(
      moveOf(hold, alice, bob, 100n, { hold: { expiresAt: journal.now + 60_000_000n }, reference: 'Hotel' }),
    );
    await project();
    const position = at();
    expect((await listedRows(journal.ledgerId)).at(-1)).toEqual({
      position,
      type: 'transfer',
      status: 'pending',
      amount: '100',
      amounts: null,
      currencies: null,
      parent_id: null,
      progress: {
        status: 'pending',
        expiresAt: expect.stringMatching(/^2026-01-01T00:01:00\.\d{6}Z$/),
        captured: ['0'],
        captures: 0,
        reversed: ['0'],
        reversals: [],
      },
    });
    const parties = await rows(
      'transaction_parties',
      journal.ledgerId,
      'side DESC',
      'position::integer, account_id, side, hold_owner_id, hold_visibility',
    );
    expect(parties.filter((party) => (party as { position: number }).position === position)).toEqual([
      { position, account_id: alice, side: 'sender', hold_owner_id: 'alice', hold_visibility: 'private' },
      { position, account_id: bob, side: 'recipient', hold_owner_id: 'bob', hold_visibility: 'public' },
    ]);
    expect(await ownersOf(position)).toEqual(['alice', 'bob']);
    expect(await entriesOf(position)).toEqual([]);
  });

  const ownersOf = async (position: number) =>
    (
      (await rows('event_owners', journal.ledgerId, 'owner_id', 'owner_id, position::integer')) as {
        owner_id: string;
        position: number;
      }[]
    )
      .filter((row) => row.position === position)
      .map((row) => row.owner_id);

  const entriesOf = async (position: number) =>
    (
      (await rows(
        'entries',
        journal.ledgerId,
        'leg',
        'account_id, amount, balance_after, entry_number::integer, position::integer',
      )) as Record<string, unknown>[]
    )
      .filter((row) => row['position'] === position)
      .map((row) => [row['account_id'], row['amount'], row['balance_after'], row['entry_number']]);

  it('lists each capture by itself, with its hold, and has the hold come further', async () => {
    journal.tell(moveOf(hold, alice, bob, 100n, { hold: { expiresAt: null } }));
    const made = at();
    journal.tell(captureOf(hold, randomUUID(), 30n));
    const first = at();
    await project();
    expect(await listedRows(journal.ledgerId)).toMatchObject([
      {},
      { position: made, status: 'partially_captured', amount: '100', progress: { captured: ['30'] } },
      {
        position: first,
        type: 'capture',
        status: 'posted',
        amount: '30',
        parent_id: hold,
        progress: null,
      },
    ]);
    expect(await entriesOf(first)).toEqual([
      [alice, '30', '999970', 2],
      [bob, '30', '30', 1],
    ]);

    journal.tell(captureOf(hold, randomUUID()));
    await project();
    expect(await listedRows(journal.ledgerId)).toMatchObject([
      {},
      { position: made, status: 'posted', progress: { captured: ['100'], captures: 2, status: 'posted' } },
      { position: first, status: 'posted', progress: null },
      { position: at(), type: 'capture', amount: '70', parent_id: hold },
    ]);
  });

  it.each<[string, () => LedgerCommand, string]>([
    ['is voided', () => voidOf(hold), 'voided'],
    ['has expired', () => expiryOf(hold), 'expired'],
    ['is extended', () => extensionOf(hold, journal.now + 60_000_000_000n), 'pending'],
  ])('has a hold that %s come further, and makes no row of the event itself', async (_, command, status) => {
    const expiresAt = journal.now + 60_000_000n;
    journal.tell(moveOf(hold, alice, bob, 100n, { hold: { expiresAt } }));
    await project();
    journal.tell(command(), status === 'expired' ? 120_000_000n : 1n);
    await project();
    const listed = await listedRows(journal.ledgerId);
    expect(listed).toHaveLength(2);
    expect(listed[1]).toMatchObject({ status, amount: '100', progress: { status, captured: ['0'] } });
    expect(await ownersOf(at())).toEqual(['alice', 'bob']);
    expect(await entriesOf(at())).toEqual([]);
  });

  it('lists a reversal by itself, and on what it takes back', async () => {
    const original = randomUUID();
    journal.tell(moveOf(original, alice, bob, 100n));
    const made = at();
    const reversal = randomUUID();
    journal.tell(reversalOf(original, reversal, 40n, 'damaged'));
    await project();
    expect(await listedRows(journal.ledgerId)).toMatchObject([
      {},
      { position: made, status: 'posted', progress: { reversed: ['40'], reversals: [reversal] } },
      { position: at(), type: 'reversal', amount: '40', parent_id: null, progress: null },
    ]);
    expect(await entriesOf(at())).toEqual([
      [bob, '40', '60', 2],
      [alice, '40', '999940', 3],
    ]);
  });

  it('has a reversal of a capture bring both it and its hold further', async () => {
    const capture = randomUUID();
    journal.tell(moveOf(hold, alice, bob, 100n, { hold: { expiresAt: null } }));
    journal.tell(captureOf(hold, capture));
    await project();
    journal.tell(reversalOf(capture, randomUUID(), 10n));
    await project();
    expect((await listedRows(journal.ledgerId)).map(({ type, progress }) => [type, progress])).toMatchObject([
      ['mint', null],
      ['transfer', { captured: ['100'], reversed: ['10'] }],
      ['capture', { captured: [], reversed: ['10'] }],
      ['reversal', null],
    ]);
  });

  it('lists an exchange with both its amounts, and EXCHANGE under one id for all currencies', async () => {
    const carol = journal.openFunded('USD', {}, 0n);
    journal.tell(rateOf('EUR', 'USD', '1.5'));
    journal.tell(moveOf(randomUUID(), alice, carol, 100n));
    await project();
    expect((await listedRows(journal.ledgerId)).at(-1)).toMatchObject({
      position: at(),
      type: 'exchange',
      amount: null,
      amounts: ['100', '150'],
      currencies: ['EUR', 'USD'],
    });
    const parties = (await rows(
      'transaction_parties',
      journal.ledgerId,
      'side, account_id',
      'account_id, side, position::integer',
    )) as { account_id: string; side: string; position: number }[];
    const ofExchange = parties.filter(({ position }) => position === at());
    expect(ofExchange).toHaveLength(4);
    for (const side of ['sender', 'recipient']) {
      expect(ofExchange).toContainEqual({ account_id: systemPartyId('EXCHANGE'), side, position: at() });
    }
    expect(systemPartyId('EXCHANGE')).not.toBe(systemPartyId('ROOT'));
  });

  it('goes past settings of the ledger and makes nothing of them', async () => {
    await project();
    const before = await everything(journal.ledgerId);
    journal.tell(rateOf('EUR', 'USD', '1.5'));
    journal.tell({ kind: 'add-currency', code: 'GOLD', exponent: 3, name: 'Gold' });
    journal.tell({ kind: 'close-period', through: '2025-12-31', closedBefore: 1n });
    await project();
    expect(await everything(journal.ledgerId)).toEqual(before);
    expect(await checkpointOf(journal.ledgerId)).toEqual({ position: at(), parked_reason: null });
  });

  it('makes nothing of the time of a back-dated hold, whose captures take effect when they are recorded', async () => {
    const effectiveAt = journal.now - 1_000n;
    journal.tell(moveOf(hold, alice, bob, 100n, { hold: { expiresAt: null }, effectiveAt }));
    journal.tell(captureOf(hold, randomUUID(), 60n));
    journal.tell(voidOf(hold));
    await project();
    expect(await rows('backdated_legs', journal.ledgerId, 'position')).toEqual([]);
    expect(await rows('backdated_sums', journal.ledgerId, 'level')).toEqual([]);
  });

  it('keeps back-dated legs with the sums of their accounts, and nothing of others', async () => {
    journal.tell(moveOf(randomUUID(), alice, bob, 5n));
    await project();
    expect(await rows('backdated_legs', journal.ledgerId, 'position')).toEqual([]);
    const day = 86_400_000_000n;
    const effectiveAt = journal.now - day;
    journal.tell(moveOf(randomUUID(), alice, bob, 100n, { effectiveAt }));
    const first = at();
    await project();
    journal.tell(moveOf(randomUUID(), alice, bob, 7n, { effectiveAt: effectiveAt - day }));
    journal.tell(moveOf(randomUUID(), bob, alice, 30n, { effectiveAt }));
    await project();
    const legs = (await rows(
      'backdated_legs',
      journal.ledgerId,
      'position, leg',
      'position::integer, leg, account_id, direction, amount, recorded_sum',
    )) as Record<string, unknown>[];
    expect(legs.map((leg) => Object.values(leg))).toEqual([
      [first, 1, alice, 'debit', '100', '-100'],
      [first, 2, bob, 'credit', '100', '100'],
      [first + 1, 1, alice, 'debit', '7', '-107'],
      [first + 1, 2, bob, 'credit', '7', '107'],
      [first + 2, 1, bob, 'debit', '30', '77'],
      [first + 2, 2, alice, 'credit', '30', '-77'],
    ]);
    const sums = (await rows(
      'backdated_sums',
      journal.ledgerId,
      'level, bucket',
      'account_id, level, bucket, sum',
    )) as { account_id: string; level: number; bucket: string; sum: string }[];
    const ofBob = sums.filter(({ account_id }) => account_id === bob);
    const bucket = (micros: bigint, level: number) => String(micros >> BigInt(8 * level));
    for (const level of [0, 1, 2, 3, 4]) {
      expect(ofBob.filter((row) => row.level === level).map((row) => [row.bucket, row.sum])).toEqual([
        [bucket(effectiveAt - day, level), '7'],
        [bucket(effectiveAt, level), '70'],
      ]);
    }
    expect(ofBob.filter((row) => row.level === 6)).toMatchObject([{ sum: '77' }]);
  });

  it('keeps to what is known of a transaction whose newer event was erased', async () => {
    journal.tell(moveOf(hold, alice, bob, 100n, { hold: { expiresAt: null } }));
    journal.tell(captureOf(hold, randomUUID(), 30n));
    const erased = at();
    journal.tell(captureOf(hold, randomUUID(), 20n));
    await journal.commit();
    await db.superuser.query(
      'UPDATE journal.events SET data = NULL, data_salt = NULL WHERE ledger_id = $1 AND position = $2',
      [journal.ledgerId, erased],
    );
    await db.turn(journal.ledgerId);
    const listed = await listedRows(journal.ledgerId);
    expect(listed.map(({ position }) => position)).not.toContain(erased);
    expect(listed[1]).toMatchObject({ progress: { captured: ['50'], captures: 2 } });
  });

  it('parks the ledger in front of an event that tells nonsense of another transaction', async () => {
    journal.tell(moveOf(hold, alice, bob, 100n, { hold: { expiresAt: null } }));
    const good = at();
    journal.writeRaw(
      'transaction.captured',
      1,
      JSON.stringify({
        type: 'capture',
        legs: [1, 2].map((leg) => ({
          leg,
          accountId: [alice, bob][leg - 1],
          ownerId: null,
          visibility: 'private',
          direction: ['debit', 'credit'][leg - 1],
          amount: '1',
          currency: 'EUR',
          posted: '1',
          entryNumber: 9,
        })),
        progressed: [{ transactionId: hold, progress: {} }],
      }),
    );
    await journal.commit();
    expect(await db.turn(journal.ledgerId)).toMatchObject({ result: 'parked', position: BigInt(good + 1) });
    expect(await listedRows(journal.ledgerId)).toHaveLength(2);
  });
});

describe('a random ledger', () => {
  let journal: DecidedJournal;

  beforeAll(async () => {
    journal = new DecidedJournal(db.superuser);
    new RandomLifecycle(journal, seededRandom()).runTo(500);
    await journal.commit();
    await db.turn(journal.ledgerId);
  });

  it('is projected to the same rows in turns of any length', async () => {
    const whole = await everything(journal.ledgerId);
    expect(whole['backdated_legs']!.length).toBeGreaterThan(100);
    for (const events of [1, 7, 100]) {
      await forget(journal.ledgerId);
      while ((await db.turn(journal.ledgerId, events)).isBehind);
      expect(await everything(journal.ledgerId)).toEqual(whole);
    }
  });

  /** What verifying finds first after these statements of a superuser; they are taken back. */
  async function differenceAfter(...statements: string[]) {
    await db.superuser.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
    try {
      for (const statement of statements) {
        const { rowCount } = await db.superuser.query(
          statement.replaceAll(':ledger', `'${journal.ledgerId}'`),
        );
        expect(rowCount).toBeGreaterThan(0);
      }
      const verifier = await ProjectionVerifier.open(db.superuser, journal.ledgerId);
      for (let after = 0n; ;) {
        const { events } = await readEvents(db.superuser, journal.ledgerId, after, 70);
        if (events.length === 0) return await verifier.finish();
        const run = events.map((recorded) => ({ recorded, event: decodeEvent(recorded) }));
        const difference = await verifier.observe(run);
        if (difference) return difference;
        after = events.at(-1)!.position;
      }
    } finally {
      await db.superuser.query('ROLLBACK');
    }
  }

  it('is verified to be what its events say', async () => {
    expect(await differenceAfter()).toBeNull();
  });

  const change = (table: string, set: string, where = 'true') =>
    `UPDATE projections.${table} SET ${set} WHERE ctid = (SELECT ctid FROM projections.${table}
      WHERE ledger_id = :ledger AND ${where} LIMIT 1)`;
  const remove = (table: string) =>
    `DELETE FROM projections.${table} WHERE ctid = (SELECT ctid FROM projections.${table}
      WHERE ledger_id = :ledger LIMIT 1)`;

  it.each<[string, string, string | RegExp]>([
    [
      'another status',
      change('transactions', `status = 'voided'`, `status = 'posted'`),
      /^transaction .* in the lists$/,
    ],
    [
      'another status and progress none',
      change('transactions', `status = 'pending'`, 'progress IS NULL'),
      /^transaction .* in the lists$/,
    ],
    [
      'no progress',
      change('transactions', 'progress = NULL', 'progress IS NOT NULL'),
      /^transaction .* in the lists$/,
    ],
    [
      'another progress',
      change(
        'transactions',
        `progress = replace(progress::text, '"captures":', '"captures":1')::json`,
        'progress IS NOT NULL',
      ),
      /^transaction .* in the lists$/,
    ],
    ['another hold of a capture', change('transactions', 'parent_id = id', 'parent_id IS NOT NULL'), 'lists'],
    ['no hold of a capture', change('transactions', 'parent_id = NULL', 'parent_id IS NOT NULL'), 'lists'],
    ['a hold of what is none', change('transactions', 'parent_id = id', 'parent_id IS NULL'), 'lists'],
    [
      'another owner of a party of a hold',
      change('transaction_parties', `hold_owner_id = 'eve'`, 'hold_visibility IS NOT NULL'),
      'lists',
    ],
    [
      'another visibility of a party',
      change('transaction_parties', `hold_visibility = 'unlisted'`, 'hold_visibility IS NULL'),
      'lists',
    ],
    ['another back-dated amount', change('backdated_legs', 'amount = amount + 1'), 'lists'],
    ['another sum as recorded', change('backdated_legs', 'recorded_sum = recorded_sum + 1'), 'lists'],
    [
      'another effective time',
      change('backdated_legs', `effective_at = effective_at - interval '1 microsecond'`),
      'lists',
    ],
    ['a back-dated leg less', remove('backdated_legs'), 'lists'],
    [
      'a back-dated leg more',
      `INSERT INTO projections.backdated_legs SELECT ledger_id, account_id, position, leg + 100, direction, amount,
        effective_at, recorded_sum FROM projections.backdated_legs WHERE ledger_id = :ledger LIMIT 1`,
      'lists',
    ],
    ['another sum by effective time', change('backdated_sums', 'sum = sum + 1'), /^back-dated sum /],
    ['a sum less', remove('backdated_sums'), /^back-dated sum /],
    [
      'a sum more',
      `INSERT INTO projections.backdated_sums SELECT ledger_id, account_id, level, bucket + 1000000000, sum
        FROM projections.backdated_sums WHERE ledger_id = :ledger LIMIT 1`,
      /^back-dated sum /,
    ],
  ])('is verified to have %s', async (_, statement, subject) => {
    const difference = await differenceAfter(statement);
    expect(difference?.subject).toEqual(
      typeof subject === 'string' ? subject : expect.stringMatching(subject),
    );
    expect(difference?.expected).not.toBe(difference?.found);
  });
});
