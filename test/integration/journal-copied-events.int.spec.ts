import { randomBytes, randomUUID } from 'node:crypto';
import type pg from 'pg';
import type { BatchItem } from '#journal';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import {
  count,
  expectSound,
  fateOf,
  fatesOf,
  holdHead,
  itemOf,
  JournalProcess,
  queryRows,
  until,
  withClient,
  type TestLedger,
} from '../support/journal-fixtures.js';
import { moveOf } from '../support/ledger-fixtures.js';
import { TcpProxy } from '../support/tcp-proxy.js';

/** Events are copied into the journal while they are recorded; one call then checks them and moves the head. */
let database: TestDatabase;
let proxy: TcpProxy;
/** Writes through the proxy. */
let far: JournalProcess;
let near: JournalProcess;
let ledger: TestLedger;
let [alice, bob] = ['', ''];

beforeAll(async () => {
  database = await createTestDatabase();
  proxy = await TcpProxy.start(database.ledgerUrl);
  far = new JournalProcess(proxy.url);
  near = new JournalProcess(database.ledgerUrl);
  await queryRows(
    database.ownerUrl,
    `ALTER TABLE journal.events ADD CONSTRAINT poison CHECK (data->>'reference' IS DISTINCT FROM 'poison')`,
  );
  await queryRows(
    database.ownerUrl,
    `CREATE FUNCTION journal.drift() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        UPDATE ledger.accounts SET posted_credits = posted_credits + 1 WHERE ledger_id = NEW.ledger_id;
        RETURN NULL;
      END $$`,
  );
  await queryRows(
    database.ownerUrl,
    `CREATE TRIGGER drift AFTER INSERT ON journal.events FOR EACH ROW
      WHEN (NEW.data->>'reference' = 'drift') EXECUTE FUNCTION journal.drift()`,
  );
  await queryRows(
    database.ownerUrl,
    `ALTER TABLE journal.requests ADD CONSTRAINT poison CHECK (key <> 'poison')`,
  );
}, 60_000);
beforeEach(async () => {
  ledger = await far.newLedger();
  [alice, bob] = [await ledger.open(100_000n), await ledger.open()];
  far.logged.length = 0;
});
afterEach(() => expectSound(database.superuserUrl, ledger));
afterAll(async () => {
  await Promise.all([far.stop(), near.stop()]);
  await proxy.close();
  await database.drop();
});

const pay = (details: Parameters<typeof moveOf>[4] = {}): BatchItem =>
  itemOf(moveOf(randomUUID(), alice, bob, 1n, details));
const times = <T>(n: number, make: (index: number) => T): T[] => Array.from({ length: n }, (_, i) => make(i));

/** How many sessions wait for a row that another has locked. */
async function waitingForTheHead(): Promise<number> {
  const rows = await queryRows(
    database.superuserUrl,
    `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event IN ('transactionid', 'tuple')`,
  );
  return rows.length;
}

it('events of every length come back as they were recorded', async () => {
  const lengths = [0, 1, 900, 4_000, 60_000, 70_000, 200_000];
  const items = [...lengths, ...lengths].map((length, n) =>
    pay({ reference: `é€😀 ${n}`, metadata: { note: '€'.repeat(length / 3) } }),
  );
  expect(count(await fatesOf(ledger.batch('independent', items)))).toEqual({ accepted: items.length });
  // Every hash is computed anew from what is stored, after each test.
});

it('and of many units, which one client sends after the other without a wait', async () => {
  const fates = await Promise.all([
    fatesOf(
      ledger.batch(
        'atomic',
        times(300, () => pay()),
      ),
    ),
    fateOf(ledger.move(alice, bob, 1_000_000n)),
    ...times(50, () => fateOf(ledger.move(alice, bob, 1n))),
  ]);
  expect(count(fates.flat())).toEqual({ accepted: 350, insufficient_funds: 1 });
});

describe('the database refuses one of the events', () => {
  it('whose command fails alone, whatever else was on its way', async () => {
    const fates = [
      ...times(5, () => fateOf(ledger.move(alice, bob, 1n))),
      fateOf(ledger.move(alice, bob, 1n, {}, { reference: 'poison' })),
      ...times(5, () => fateOf(ledger.move(alice, bob, 1n))),
    ];
    // As the server says it: a check was violated.
    expect(count(await Promise.all(fates))).toEqual({ accepted: 10, 23514: 1 });
    expect(far.logged).toContain('a command could not be committed');
    expect(far.logged).not.toContain('the outcome of a commit is unknown');
  });

  it('in the middle of a long batch, of which nothing is left', async () => {
    const items = times(1_000, (n) => pay({ reference: n === 500 ? 'poison' : null }));
    await expect(ledger.batch('independent', items)).rejects.toThrow('poison');
    const rows = await queryRows(
      database.superuserUrl,
      `SELECT FROM journal.events WHERE ledger_id = $1 AND type = 'transaction.posted'`,
      [ledger.ledgerId],
    );
    expect(rows).toHaveLength(1);
    expect(await fateOf(ledger.move(alice, bob, 1n))).toBe('accepted');
  });
});

describe('a bug in the middle of a long batch, whose first events are on their way', () => {
  it('leaves nothing of it, and all of what came together with it', async () => {
    const broken = { ...pay(), command: { kind: 'unknown' } } as unknown as BatchItem;
    const items = times(300, (n) => (n === 200 ? broken : pay()));
    // All at once, so that it is one commit.
    const fates = times(6, (n) => fateOf(ledger.move(alice, bob, 1n, { key: `before-${n}` })));
    const batch = ledger.batch('independent', items, { key: 'batch' }).catch((error: Error) => error.message);
    fates.push(...times(5, (n) => fateOf(ledger.move(alice, bob, 1n, { key: `after-${n}` }))));

    expect(await batch).toBe('a part of a command or batch was done before the rest ran into a bug');
    expect(count(await Promise.all(fates))).toEqual({ accepted: 11 });
    expect(far.logged).toContain('a command could not be committed');
    expect(await fateOf(ledger.move(alice, bob, 1n, { key: 'batch' }))).toBe('accepted');
    const rows = await queryRows(
      database.superuserUrl,
      `SELECT FROM journal.events WHERE ledger_id = $1 AND type = 'transaction.posted'`,
      [ledger.ledgerId],
    );
    expect(rows).toHaveLength(1 + 11 + 1);
  });
});

it('a command whose accounts are never as they were decided on fails alone', async () => {
  const fates = [
    ...times(5, () => fateOf(ledger.move(alice, bob, 1n))),
    fateOf(ledger.move(alice, bob, 1n, {}, { reference: 'drift' })),
    ...times(5, () => fateOf(ledger.move(alice, bob, 1n))),
  ];
  expect(count(await Promise.all(fates))).toEqual({ accepted: 10, 40001: 1 });
  expect(far.logged).toContain('a command could not be committed');
});

describe('the database refuses what follows from the events', () => {
  it('of one command, which fails alone, also where all that the server says is read at once', async () => {
    const fates = ['a', 'b', 'poison', 'c', 'd'].map((key) => fateOf(ledger.move(alice, bob, 1n, { key })));
    const busy = setInterval(() => {
      for (const until = performance.now() + 40; performance.now() < until;);
    }, 1);
    const settled = await Promise.all(fates);
    clearInterval(busy);
    expect(count(settled)).toEqual({ accepted: 4, 23514: 1 });
    expect(far.logged).not.toContain('a batch was not committed and will be tried again');
  });
});

it('an event that can’t be sent fails its command alone, and leaves the ledger free at once', async () => {
  const startedAt = performance.now();
  const fates = [
    ...times(3, () => fateOf(ledger.move(alice, bob, 1n))),
    ledger.submit(moveOf('no uuid', alice, bob, 1n)).then(
      () => 'accepted',
      (error: Error) => error.message,
    ),
    ...times(3, () => fateOf(ledger.move(alice, bob, 1n))),
  ];
  expect(count(await Promise.all(fates))).toEqual({ accepted: 6, 'no uuid is not a UUID': 1 });
  expect(performance.now() - startedAt).toBeLessThan(5_000);
});

describe('a process that stands still in the middle of its events', () => {
  it('or whose connection does, and that nobody else waits for, ends its own old session', async () => {
    const cut = proxy.once('held in the middle', 'hold');
    const items = times(1_000, (n) => pay({ reference: n === 600 ? 'held in the middle' : null }));
    const fates = fatesOf(ledger.batch('independent', items, { deadlineMs: 25_000 }));
    await cut;
    expect(count(await fates)).toEqual({ accepted: 1_000 });
    expect(far.logged).toContain('sessions that stood still in the middle of their events were ended');
    proxy.release();
  }, 60_000);

  it('loses the ledger to the others after two waits for it, and decides again when it goes on', async () => {
    const frozen = proxy.once('held in the middle', 'hold');
    const items = times(1_000, (n) => pay({ reference: n === 600 ? 'held in the middle' : null }));
    const late = fatesOf(ledger.batch('independent', items, { deadlineMs: 30_000 }));
    await frozen;
    const startedAt = performance.now();
    expect(await fateOf(near.ledger(ledger).move(alice, bob, 7n, { deadlineMs: 20_000 }))).toBe('accepted');
    expect(performance.now() - startedAt).toBeLessThan(12_000);
    proxy.release();
    expect(count(await late)).toEqual({ accepted: 1_000 });
  }, 60_000);
});

describe('answers of a long batch', () => {
  const long = (reference: string) =>
    fatesOf(
      ledger.batch(
        'independent',
        times(800, () => pay({ reference })),
      ),
    );

  it('are given while the next one is written', async () => {
    const held = proxy.once('second of two', 'hold');
    const [first, second] = [long('first of two'), long('second of two')];
    await held;
    expect(count(await first)).toEqual({ accepted: 800 });
    proxy.release();
    expect(count(await second)).toEqual({ accepted: 800 });
  });

  it('and do not wait for a next one that does not get as far', async () => {
    const letFirstGo = await holdHead(database.superuserUrl, ledger);
    const [first, second] = [long('first of two'), long('second of two')];
    await until(async () => (await waitingForTheHead()) === 1);
    const between = holdHead(database.superuserUrl, ledger);
    await until(async () => (await waitingForTheHead()) === 2);
    await letFirstGo();
    const letSecondGo = await between;
    expect(count(await first)).toEqual({ accepted: 800 });
    await letSecondGo();
    expect(count(await second)).toEqual({ accepted: 800 });
  });
});

describe('the call that moves the head', () => {
  const columns = `ledger_id, epoch, position, id, type, version, transaction_id, data, data_salt, data_hash, actor,
    recorded_at, effective_at, hash`;

  interface Claimed {
    /** Behind the head, of each event. */
    readonly steps?: readonly number[];
    readonly count?: number;
    readonly epoch?: number;
    readonly isOtherHash?: boolean;
    readonly isOtherTime?: boolean;
    readonly isOldHead?: boolean;
  }

  /** Writes events of no effect behind the head, calls it, and takes all of it back. */
  function attempt({ steps = [1, 2], ...claimed }: Claimed): Promise<string> {
    return withClient(database.ledgerUrl, async (client) => {
      await client.query('BEGIN');
      try {
        return await call(client, steps, claimed);
      } catch (error) {
        return (error as Error).message.replace(ledger.ledgerId, '…');
      } finally {
        await client.query('ROLLBACK');
      }
    });
  }

  async function call(client: pg.ClientBase, steps: readonly number[], claimed: Claimed): Promise<string> {
    const { rows } = await client.query<{ position: string; hash: Buffer; epoch: number }>(
      'SELECT position, hash, epoch FROM journal.heads WHERE ledger_id = $1 FOR UPDATE',
      [ledger.ledgerId],
    );
    const { position, hash, epoch } = rows[0]!;
    const last = randomBytes(32);
    for (const [index, step] of steps.entries()) {
      await client.query(
        `INSERT INTO journal.events (${columns})
          VALUES ($1, $2, $3, $4, 'transaction.posted', 1, $4, '{}', $5, $5, 'key_test', now(), now(), $6)`,
        [
          ledger.ledgerId,
          claimed.epoch ?? epoch,
          Number(position) + step,
          randomUUID(),
          hash,
          index === steps.length - 1 ? last : hash,
        ],
      );
    }
    await client.query(
      `SELECT journal.append_v4($1, $2, $3, $4, $5, now() + $6::interval, '{}', '{}', '{}', '{}', '{}', NULL, NULL,
        '{}', '{}', '{}', '{}', '{}', '{}', NULL, NULL, '{}', NULL, NULL, NULL, NULL, '{}', '{}', NULL)`,
      [
        ledger.ledgerId,
        position,
        claimed.isOldHead ? last : hash,
        claimed.count ?? steps.length,
        claimed.isOtherHash ? hash : last,
        claimed.isOtherTime ? '1 microsecond' : '0',
      ],
    );
    return 'moved';
  }

  it.each<[given: string, claimed: Claimed, expected: RegExp]>([
    ['the events that it says', {}, /^moved$/],
    [
      'a head that has moved on',
      { isOldHead: true },
      /^the head of ledger … is not at position \d+ any more$/,
    ],
    ['fewer events than it says', { count: 3 }, /^the events of a batch of ledger … are not those after/],
    ['more events than it says', { count: 1 }, /^the events of a batch of ledger … are not those after/],
    ['a position left out', { steps: [1, 3] }, /^the events of a batch of ledger … are not those after/],
    [
      'a position counted and not there',
      { steps: [1, 3], count: 3 },
      /^the events of a batch of ledger … are not those after/,
    ],
    [
      'the last position left out',
      { steps: [2, 3] },
      /^the events of a batch of ledger … are not those after/,
    ],
    ['events of another epoch', { epoch: 9 }, /^the events of a batch of ledger … are not those after/],
    ['no events', { steps: [] }, /^the events of a batch of ledger … are not those after/],
    [
      'another hash than its last event’s',
      { isOtherHash: true },
      /^the new head of ledger … is not its last event$/,
    ],
    [
      'another time than its last event’s',
      { isOtherTime: true },
      /^the new head of ledger … is not its last event$/,
    ],
  ])('given %s', async (_, claimed, expected) => {
    expect(await attempt(claimed)).toMatch(expected);
  });
});
