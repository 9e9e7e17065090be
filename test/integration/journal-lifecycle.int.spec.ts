import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageBytesMax, renderTopicMessages } from '#contracts';
import { isTransactionEvent, type LedgerCommand } from '#domain';
import { decodeEvent, readTransaction, systemAccountId, systemActor, type RecordedEvent } from '#journal';
import {
  captureOf,
  draftOf,
  expiryOf,
  extensionOf,
  holdOf,
  moveOf,
  openingOf,
  rateOf,
  reversalOf,
  voidOf,
} from '../support/ledger-fixtures.js';
import {
  count,
  expectSound,
  fateOf,
  JournalProcess,
  queryRows,
  withClient,
  type Asked,
  type TestLedger,
} from '../support/journal-fixtures.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

let database: TestDatabase;
let one: JournalProcess;
let other: JournalProcess;
/** The same ledger, as two processes write it. */
let ledger: TestLedger;
let elsewhere: TestLedger;
let [alice, bob] = ['', ''];

beforeAll(async () => {
  database = await createTestDatabase();
  one = new JournalProcess(database.ledgerUrl);
  other = new JournalProcess(database.ledgerUrl);
}, 60_000);
beforeEach(async () => {
  ledger = await one.newLedger();
  elsewhere = other.ledger(ledger);
  [alice, bob] = [await ledger.open(1_000n), await ledger.open()];
});
afterEach(() => expectSound(database.superuserUrl, ledger));
afterAll(async () => {
  await Promise.all([one.stop(), other.stop()]);
  await database.drop();
});

const now = () => BigInt(Date.now()) * 1_000n;
const seconds = 1_000_000n;

async function accepted(command: LedgerCommand, of: TestLedger = ledger, asked?: Asked): Promise<void> {
  const outcome = await of.submit(command, asked);
  if (!outcome.accepted) throw new Error(`${command.kind}: ${outcome.refusal.code}`);
}

/** A new hold of Alice's for Bob. */
async function held(amount: bigint, expiresAt: bigint | null = null): Promise<string> {
  const transactionId = randomUUID();
  await accepted(holdOf(transactionId, alice, bob, amount, expiresAt));
  return transactionId;
}

/** [posted, pending debits, pending credits, entry number] */
async function sumsOf(accountId: string): Promise<number[]> {
  const [row] = await queryRows<{ sums: number[] }>(
    database.superuserUrl,
    `SELECT ARRAY[posted_credits - posted_debits, pending_debits, pending_credits, entry_number]::int[] AS sums
      FROM ledger.accounts WHERE ledger_id = $1 AND id = $2`,
    [ledger.ledgerId, accountId],
  );
  return row?.sums ?? [];
}

const read = (transactionId: string) =>
  withClient(database.ledgerUrl, async (client) => {
    const transaction = await readTransaction(client, ledger.ledgerId, transactionId);
    return transaction && { ...transaction, type: transaction.first.type };
  });

/** The owner's right to blank events. */
const erase = (transactionId: string, type: string) =>
  queryRows(
    database.ownerUrl,
    `UPDATE journal.events SET data = NULL, data_salt = NULL
      WHERE ledger_id = $1 AND transaction_id = $2 AND type = $3`,
    [ledger.ledgerId, transactionId, type],
  );

describe('a hold', () => {
  it('goes its way through two processes, and each sees where it stands', async () => {
    const hold = await held(100n, now() + 3_600n * seconds);
    expect([await sumsOf(alice), await sumsOf(bob)]).toEqual([
      [1_000, 100, 0, 1],
      [0, 0, 100, 0],
    ]);
    const [first, second, back] = [randomUUID(), randomUUID(), randomUUID()];
    await accepted(captureOf(hold, first, 30n), elsewhere);
    await accepted(extensionOf(hold, now() + 7_200n * seconds));
    await accepted(captureOf(hold, second, 20n, true), elsewhere);
    await accepted(reversalOf(first, back, 10n));
    expect([await sumsOf(alice), await sumsOf(bob)]).toEqual([
      [960, 0, 0, 4],
      [40, 0, 0, 3],
    ]);
    expect(await read(hold)).toMatchObject({
      type: 'transaction.pending',
      progress: { status: 'posted', captured: [50n], captures: 2, reversed: [10n], reversals: [back] },
      hold: null,
    });
    expect(await read(first)).toMatchObject({
      type: 'transaction.captured',
      progress: { status: 'posted', captured: [], reversed: [10n], reversals: [back] },
      hold: { captured: [50n], reversed: [10n] },
    });
    expect(await read(second)).toMatchObject({ progress: null, hold: { captured: [50n] } });
    expect(await read(back)).toMatchObject({ type: 'transaction.reversed', progress: null, hold: null });
    expect(await read(randomUUID())).toBeNull();
    expect(await fateOf(ledger.submit(captureOf(hold, randomUUID())))).toBe('transaction_not_pending');
    expect(await fateOf(elsewhere.submit(reversalOf(hold, randomUUID(), 41n)))).toBe(
      'amount_exceeds_remaining',
    );
  });

  it('made, captured, given back and voided in one commit is as it would be in four', async () => {
    const hold = randomUUID();
    const capture = randomUUID();
    const fates = await Promise.all(
      [
        holdOf(hold, alice, bob, 100n),
        captureOf(hold, capture, 30n),
        reversalOf(capture, randomUUID()),
        voidOf(hold),
        voidOf(hold),
      ].map((command) => fateOf(ledger.submit(command))),
    );
    expect(fates).toEqual([...Array<string>(4).fill('accepted'), 'transaction_not_pending']);
    expect([await sumsOf(alice), await sumsOf(bob)]).toEqual([
      [1_000, 0, 0, 3],
      [0, 0, 0, 2],
    ]);
  });

  it('that is captured, voided and expires at the same moment ends once', async () => {
    const ends: string[] = [];
    for (let round = 0; round < 25; round += 1) {
      const expiresAt = now() + 100_000n;
      const hold = await held(10n, expiresAt);
      const expire = async () => {
        let fate = await fateOf(elsewhere.submit(expiryOf(hold), { owner: '' }));
        // As its worker does: again, until its time has come or something else has ended it.
        while (fate === 'transaction_not_pending' && (await read(hold))?.progress?.status === 'pending') {
          fate = await fateOf(elsewhere.submit(expiryOf(hold)));
        }
        return fate;
      };
      // From 6 ms before to 6 ms after its time.
      await sleep(Math.max(0, Number(expiresAt - now()) / 1_000 + (round % 5) * 3 - 6));
      const fates = await Promise.all([
        fateOf(ledger.submit(captureOf(hold, randomUUID()))),
        fateOf(elsewhere.submit(voidOf(hold))),
        expire(),
      ]);
      expect(count(fates)).toEqual({ accepted: 1, transaction_not_pending: 2 });
      const status = (await read(hold))?.progress?.status;
      ends.push(`${status}`);
      expect(status).toBe(['posted', 'voided', 'expired'][fates.indexOf('accepted')]);
    }
    expect(await sumsOf(alice)).toMatchObject({ 1: 0 });
    expect(await sumsOf(bob)).toMatchObject({ 0: 10 * ends.filter((end) => end === 'posted').length, 2: 0 });
    // Whichever it was, the expiry had its chance.
    expect(ends).toContain('expired');
  }, 60_000);

  it('expires by the ledger itself', async () => {
    const hold = await held(10n, now() + 20_000n);
    await sleep(30);
    const request = { ...ledger.request(), actor: systemActor };
    const outcome = await one.journal.submit(request, expiryOf(hold));
    expect(outcome).toMatchObject({ accepted: true, events: [{ event: { type: 'transaction.expired' } }] });
    const rows = await queryRows(
      database.superuserUrl,
      `SELECT actor FROM journal.events WHERE ledger_id = $1 AND type = 'transaction.expired'`,
      [ledger.ledgerId],
    );
    expect(rows).toEqual([{ actor: 'ledger' }]);
  });

  it('of many postings, system accounts among them, is gathered whole', async () => {
    const hold = randomUUID();
    const postings = [
      { sender: alice, recipient: bob, amount: 10n },
      { sender: alice, recipient: 'ROOT', amount: 5n },
      { sender: 'ROOT', recipient: bob, amount: 3n },
    ];
    await accepted({
      kind: 'create-transaction',
      draft: draftOf(hold, postings, { hold: { expiresAt: null } }),
    });
    await accepted(captureOf(hold, randomUUID()), elsewhere);
    await accepted(reversalOf(hold, randomUUID(), 9n), elsewhere);
    expect((await read(hold))?.progress).toMatchObject({ captured: [10n, 5n, 3n], reversed: [5n, 3n, 1n] });
  });
});

describe('refunds', () => {
  it('30 of 10 on 100, in two processes: exactly 10', async () => {
    const paid = randomUUID();
    await accepted(moveOf(paid, alice, bob, 100n));
    await ledger.move(alice, bob, 500n);
    const fates = await Promise.all(
      Array.from({ length: 30 }, (_, n) =>
        fateOf((n % 2 ? ledger : elsewhere).submit(reversalOf(paid, randomUUID(), 10n))),
      ),
    );
    expect(count(fates)).toEqual({ accepted: 10, already_reversed: 20 });
    expect(await sumsOf(bob)).toMatchObject({ 0: 500 });
    expect((await read(paid))?.progress).toMatchObject({ reversed: [100n], captures: 0 });
  });

  it('of a hold and of its captures, at once: together no more than was captured', async () => {
    const hold = await held(100n);
    const capture = randomUUID();
    await accepted(captureOf(hold, capture, 50n));
    await accepted(captureOf(hold, randomUUID(), 50n));
    const fates = await Promise.all(
      Array.from({ length: 30 }, (_, n) =>
        fateOf((n % 2 ? ledger : elsewhere).submit(reversalOf(n % 3 ? hold : capture, randomUUID(), 10n))),
      ),
    );
    expect(fates.filter((fate) => fate === 'accepted')).toHaveLength(10);
    expect(await sumsOf(bob)).toMatchObject({ 0: 0 });
  });

  it('overdraw nobody', async () => {
    const paid = randomUUID();
    await accepted(moveOf(paid, alice, bob, 100n));
    await ledger.move(bob, 'ROOT', 60n);
    expect(await fateOf(ledger.submit(reversalOf(paid, randomUUID())))).toBe('insufficient_funds');
    expect(await fateOf(ledger.submit(reversalOf(paid, randomUUID(), 40n)))).toBe('accepted');
  });
});

describe('an exchange', () => {
  it('is made at the rate that was set last, through accounts that it opens once', async () => {
    const carol = await ledger.open(0n, { currency: 'JPY' });
    expect(await fateOf(ledger.move(alice, carol, 100n))).toBe('exchange_rate_missing');
    await accepted(rateOf('EUR', 'JPY', '160'));
    await accepted(rateOf('EUR', 'JPY', '161.5'), elsewhere);
    const fates = await Promise.all(
      [ledger, elsewhere, ledger, elsewhere].map((writer) => fateOf(writer.move(alice, carol, 100n))),
    );
    expect(fates).toEqual(Array(4).fill('accepted'));
    expect(await sumsOf(carol)).toMatchObject({ 0: 648 });
    const exchange = (currency: string) => systemAccountId(ledger.ledgerId, 'EXCHANGE', currency);
    expect([await sumsOf(exchange('EUR')), await sumsOf(exchange('JPY'))]).toMatchObject([
      { 0: 400 },
      { 0: -648 },
    ]);
  });

  it("of the ledger's own assets needs their exponents, in whichever process", async () => {
    const add = { kind: 'add-currency', code: 'POINTS', exponent: 3, name: 'Points' } as const;
    const opening = openingOf(randomUUID(), { currency: 'POINTS' });
    expect(await fateOf(ledger.submit(opening))).toBe('unknown_currency');
    expect(count(await Promise.all([fateOf(ledger.submit(add)), fateOf(elsewhere.submit(add))]))).toEqual({
      accepted: 1,
      currency_exists: 1,
    });
    await accepted(opening, elsewhere);
    await accepted(rateOf('EUR', 'POINTS', '10'), elsewhere);
    const hold = randomUUID();
    await accepted(holdOf(hold, alice, opening.accountId, 100n));
    await accepted(captureOf(hold, randomUUID(), 33n), elsewhere);
    await accepted(reversalOf(hold, randomUUID(), 10n));
    expect(await sumsOf(opening.accountId)).toEqual([2_300, 0, 6_700, 2]);
  });

  it('in the commit that opens its account has all that it needs as well', async () => {
    await accepted(rateOf('EUR', 'JPY', '160'));
    const opening = openingOf(randomUUID(), { currency: 'JPY' });
    const fates = [
      fateOf(ledger.submit(opening)),
      fateOf(ledger.move(alice, opening.accountId, 100n)),
      fateOf(ledger.submit({ kind: 'add-currency', code: 'POINTS', exponent: 0, name: 'Points' })),
      fateOf(ledger.submit(openingOf(randomUUID(), { currency: 'POINTS' }))),
    ];
    expect(await Promise.all(fates)).toEqual(Array(4).fill('accepted'));
  });
});

describe('settings of the ledger', () => {
  it('a period that is closed in one process is closed in all', async () => {
    const yesterday = now() - 86_400n * seconds;
    const back = (effectiveAt: bigint) => fateOf(ledger.move(alice, bob, 1n, {}, { effectiveAt }));
    expect(await back(yesterday)).toBe('accepted');
    const closing = { kind: 'close-period', through: 'yesterday', closedBefore: yesterday } as const;
    await accepted(closing, elsewhere);
    expect([await back(yesterday - 1n), await back(yesterday), await back(now() + 60n * seconds)]).toEqual([
      'period_closed',
      'accepted',
      'validation_error',
    ]);
    await accepted({ ...closing, closedBefore: yesterday - seconds }, elsewhere);
    expect(await back(yesterday - 1n)).toBe('accepted');
    const rows = await queryRows<{ late: string }>(
      database.superuserUrl,
      `SELECT (extract(epoch from effective_at) * 1000000)::bigint::text AS late FROM journal.events
        WHERE ledger_id = $1 AND effective_at <> recorded_at ORDER BY position`,
      [ledger.ledgerId],
    );
    expect(rows.map(({ late }) => BigInt(late))).toEqual([yesterday, yesterday, yesterday - 1n]);
  });

  it('conditions of 20 at once on one version hold for one', async () => {
    const conditions = [{ account: bob, version: 1, maxPosted: 0n }];
    const fates = await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        fateOf((n % 2 ? ledger : elsewhere).move(alice, bob, 1n, {}, { conditions })),
      ),
    );
    expect(count(fates)).toEqual({ accepted: 1, version_conflict: 19 });
    const ofOthers = [
      { account: await ledger.open(7n), minPosted: 7n },
      { account: 'ROOT', maxPosted: -1_007n },
    ];
    expect(await fateOf(ledger.move(alice, bob, 1n, {}, { conditions: ofOthers }))).toBe('accepted');
  });
});

describe('a system account', () => {
  it('has no id by which it could be named, also where the same batch has it at hand', async () => {
    const minted = randomUUID();
    await accepted(moveOf(minted, 'ROOT', alice, 5n));
    const root = systemAccountId(ledger.ledgerId, 'ROOT', 'EUR');
    const fates = await Promise.all([
      fateOf(ledger.submit(reversalOf(minted, randomUUID()))),
      fateOf(ledger.move(root, bob, 1n)),
      fateOf(ledger.move(alice, root, 1n)),
      fateOf(ledger.submit({ kind: 'close-account', accountId: root, preconditions: [] })),
      fateOf(ledger.move(alice, bob, 1n, {}, { conditions: [{ account: root, minPosted: 0n }] })),
    ]);
    expect(fates).toEqual(['accepted', ...Array<string>(4).fill('account_not_found')]);
  });

  it('is taken from, or given to, by who may mint and burn', async () => {
    const [minted, burnt] = [randomUUID(), randomUUID()];
    await accepted(moveOf(minted, 'ROOT', alice, 5n));
    await accepted(moveOf(burnt, alice, 'ROOT', 5n));
    const reverse = (id: string, may: { mayMint: boolean; mayBurn: boolean }) =>
      fateOf(one.journal.submit({ ...ledger.request(), ...may }, reversalOf(id, randomUUID())));
    expect(await reverse(minted, { mayMint: true, mayBurn: false })).toBe('forbidden');
    expect(await reverse(burnt, { mayMint: false, mayBurn: true })).toBe('forbidden');
    expect(await reverse(minted, { mayMint: false, mayBurn: true })).toBe('accepted');
    expect(await reverse(burnt, { mayMint: true, mayBurn: false })).toBe('accepted');
  });
});

describe('what cannot be read any more', () => {
  it('of an erased hold or transfer is refused, and harms nobody else', async () => {
    const [hold, paid, capture] = [await held(50n), randomUUID(), randomUUID()];
    await accepted(moveOf(paid, alice, bob, 20n));
    await accepted(captureOf(hold, capture, 10n));
    await erase(hold, 'transaction.pending');
    await erase(paid, 'transaction.posted');
    const fates = await Promise.all(
      [
        moveOf(randomUUID(), alice, bob, 1n),
        voidOf(hold),
        captureOf(hold, randomUUID()),
        reversalOf(paid, randomUUID()),
        reversalOf(capture, randomUUID()),
        moveOf(randomUUID(), alice, bob, 1n),
      ].map((command) => fateOf(ledger.submit(command))),
    );
    expect(fates).toEqual([
      'accepted',
      'transaction_not_pending',
      'transaction_not_pending',
      'not_reversible',
      'not_reversible',
      'accepted',
    ]);
    expect(await fateOf(ledger.submit(voidOf(hold), { owner: 'alice' }))).toBe('transaction_not_found');
    expect((await read(hold))?.first.dataText).toBeNull();
  });

  it('of an erased capture leaves its hold as it is', async () => {
    const [hold, capture] = [await held(50n), randomUUID()];
    await accepted(captureOf(hold, capture, 10n));
    await erase(capture, 'transaction.captured');
    expect(await fateOf(ledger.submit(reversalOf(capture, randomUUID())))).toBe('not_reversible');
    await accepted(captureOf(hold, randomUUID(), 15n));
    await accepted(reversalOf(hold, randomUUID(), 25n));
    await accepted(voidOf(hold));
    expect((await read(hold))?.progress).toMatchObject({
      status: 'voided',
      captured: [25n],
      reversed: [25n],
    });
  });

  it('because a later release wrote it fails whoever asks for it, alone', async () => {
    const hold = await held(50n);
    const version = (number: number) =>
      queryRows(
        database.superuserUrl,
        `WITH replica AS MATERIALIZED (SELECT set_config('session_replication_role', 'replica', false))
          UPDATE journal.events SET version = $3 FROM replica WHERE ledger_id = $1 AND transaction_id = $2`,
        [ledger.ledgerId, hold, number],
      );
    await version(9);
    const fates = await Promise.all([
      fateOf(ledger.move(alice, bob, 1n)),
      fateOf(ledger.submit(voidOf(hold))),
      fateOf(ledger.move(alice, bob, 1n)),
    ]);
    expect(fates).toEqual(['accepted', expect.stringMatching(/version 9 is not known/), 'accepted']);
    await version(1);
    await accepted(voidOf(hold));
  });
});

describe('the largest events', () => {
  /** As many bytes of metadata as the event may just have. */
  async function largest(make: (letters: number) => LedgerCommand): Promise<RecordedEvent> {
    let [fits, tooMany] = [0, 300_000];
    while (tooMany - fits > 1) {
      const letters = (fits + tooMany) >> 1;
      const fate = await fateOf(ledger.submit(make(letters), { isDryRun: true }));
      if (fate === 'accepted') fits = letters;
      else tooMany = letters;
      expect(['accepted', 'payload_too_large']).toContain(fate);
    }
    const command = make(fits);
    await accepted(command);
    if (command.kind !== 'create-transaction') throw new Error('no transaction');
    return (await read(command.draft.transactionId))!.first;
  }

  const messageBytes = (recorded: RecordedEvent) => {
    const record = {
      ...recorded,
      position: String(recorded.position),
      recordedAt: '2026-01-31T09:15:27.482913Z',
      hash: recorded.hash.toString('hex'),
    };
    return Math.max(...renderTopicMessages(record).map(({ value }) => Buffer.byteLength(value)));
  };

  it.each(['posted', 'held', 'exchanged', 'exchanged and held'])(
    'have messages below 256 KiB: %s',
    async (how) => {
      const [isHeld, isExchanged] = [how.endsWith('held'), how.startsWith('exchanged')];
      const settings = { ownerId: '€'.repeat(isHeld && isExchanged ? 5 : 40) };
      const payer = await ledger.open(10n ** 35n, { settings });
      const payee = await ledger.open(0n, { settings, currency: isExchanged ? 'JPY' : 'EUR' });
      const postings = Array.from({ length: 100 }, () => ({
        sender: payer,
        recipient: payee,
        amount: isHeld ? 1n : 10n ** 20n,
        ...(isExchanged ? { exchangeRate: '123.456789012345678' } : {}),
      }));
      // What is held may end when there is much more on the accounts than now.
      if (isHeld) await ledger.move(payer, 'ROOT', 10n ** 35n - 1_000n);
      const hold = isHeld ? { hold: { expiresAt: null } } : {};
      const recorded = await largest((letters) => {
        const metadata = { a: 'é'.repeat(letters) };
        return { kind: 'create-transaction', draft: draftOf(randomUUID(), postings, { metadata, ...hold }) };
      });
      const bytes = messageBytes(recorded);
      expect(bytes).toBeLessThan(messageBytesMax);
      expect(bytes).toBeGreaterThan(150_000);
      if (!isHeld) return;
      for (const account of [payer, payee]) await ledger.move('ROOT', account, 10n ** 35n);
      await accepted(voidOf(recorded.transactionId!));
      const rows = await queryRows<{ data_text: string }>(
        database.superuserUrl,
        `SELECT data::text AS data_text FROM journal.events WHERE ledger_id = $1 AND type = 'transaction.voided'`,
        [ledger.ledgerId],
      );
      const dataText = rows[0]!.data_text;
      expect(messageBytes({ ...recorded, type: 'transaction.voided', dataText })).toBeLessThan(
        messageBytesMax,
      );
      const event = decodeEvent({ type: 'transaction.voided', version: 1, dataText });
      expect(event && isTransactionEvent(event) && event.transaction.held).toHaveLength(
        postings.length * (isExchanged ? 2 : 1),
      );
    },
    60_000,
  );
});

describe('the database', () => {
  interface Claimed {
    readonly isUnknown?: boolean;
    readonly currencies?: readonly string[];
    /** Of Bob, who has none. */
    readonly credits?: number;
    readonly pendingDebits?: number;
    readonly moved?: readonly number[];
    readonly pendingMoved?: readonly number[] | null;
  }

  /** Moves the head by one event of no effect, claims that this comes to that, and takes all of it back. */
  function attempt(hold: string, claimed: Claimed): Promise<string> {
    return withClient(database.ledgerUrl, async (client) => {
      await client.query('BEGIN');
      const head = await client.query<{ position: string; hash: Buffer }>(
        'SELECT position, hash FROM journal.heads WHERE ledger_id = $1 FOR UPDATE',
        [ledger.ledgerId],
      );
      const { position, hash } = head.rows[0]!;
      try {
        await client.query(
          `INSERT INTO journal.events (ledger_id, epoch, position, id, type, version, transaction_id, data, data_salt,
              data_hash, actor, recorded_at, effective_at, hash)
            VALUES ($1, 1, $2::bigint + 1, $3, 'transaction.voided', 1, $4, '{}', $5, $5, 'key', now(), now(), $5)`,
          [ledger.ledgerId, position, randomUUID(), hold, hash],
        );
        await client.query(
          `SELECT journal.append_v4($1, $2, $3, 1, $3, now(), '{}', '{}', '{}', '{}', '{}', NULL, NULL, $4, $5, $6, $7,
            $8, ARRAY[now(), now()], $9, $10, NULL, NULL, NULL, NULL, NULL, $11, $12, $13)`,
          [
            ledger.ledgerId,
            position,
            hash,
            [claimed.isUnknown ? randomUUID() : alice, bob],
            [0, 0],
            [1_000, claimed.credits ?? 0],
            [3, 3],
            [1, 0],
            [claimed.pendingDebits ?? 0, 0],
            [0, 10],
            claimed.currencies ?? ['EUR', 'EUR'],
            claimed.moved ?? [0, 0],
            claimed.pendingMoved === undefined ? [-10, 0] : claimed.pendingMoved,
          ],
        );
        return 'appended';
      } catch (error) {
        return (error as Error).message;
      } finally {
        await client.query('ROLLBACK');
      }
    });
  }

  it.each<[given: string, claimed: Claimed, expected: RegExp]>([
    [
      'of which more is held of one than for the other',
      {},
      /^what a batch of ledger .* holds does not sum to zero$/,
    ],
    ['that changes nothing', { pendingDebits: 10, pendingMoved: [0, 0] }, /^appended$/],
    [
      'that makes money of nothing',
      { pendingDebits: 10, pendingMoved: [0, 0], credits: 1, moved: [0, 1] },
      /^a batch of ledger .* does not sum to zero$/,
    ],
    [
      'that makes money of nothing, and says nothing of it',
      { pendingDebits: 10, pendingMoved: [0, 0], credits: 1 },
      /are not as they were$/,
    ],
    ['that holds what it does not say', { pendingDebits: 11, pendingMoved: [0, 0] }, /are not as they were$/],
    [
      'that holds other than before, and says that nothing moved',
      { pendingDebits: 0, pendingMoved: null },
      /are not as they were$/,
    ],
    [
      'that takes the money of one currency for that of another',
      { pendingDebits: 10, pendingMoved: [0, 0], currencies: ['EUR', 'USD'] },
      /are not as they were$/,
    ],
    [
      'that names an account which does not exist',
      { pendingDebits: 10, pendingMoved: [0, 0], isUnknown: true },
      /^null value in column .* violates not-null constraint$/,
    ],
  ])('finds a batch %s', async (_, claimed, expected) => {
    const hold = await held(10n);
    expect(await attempt(hold, claimed)).toMatch(expected);
  });

  it('still has the functions that processes of earlier releases call', async () => {
    const rows = await queryRows(
      database.ledgerUrl,
      `SELECT proname, has_function_privilege(oid, 'EXECUTE') AS allowed FROM pg_proc
        WHERE pronamespace = 'journal'::regnamespace AND proname LIKE 'append%' ORDER BY 1`,
    );
    expect(rows).toEqual([
      { proname: 'append_v1', allowed: true },
      { proname: 'append_v2', allowed: true },
      { proname: 'append_v3', allowed: true },
      { proname: 'append_v4', allowed: true },
    ]);
  });
});
