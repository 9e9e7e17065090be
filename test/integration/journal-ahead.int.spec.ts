import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LedgerCommand, TransactionDraft } from '#domain';
import type { BatchItem, BatchOutcome } from '#journal';
import { committingPids, makeCommitsWait, whileCommitsWait } from '../support/commit-gate.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import {
  balancesOf,
  count,
  expectSound,
  fateOf,
  fatesOf,
  holdHead,
  itemOf,
  JournalProcess,
  queryRows,
  until,
  writeSessions,
  type Asked,
  type TestLedger,
} from '../support/journal-fixtures.js';
import { moveOf, openingOf } from '../support/ledger-fixtures.js';
import { seededRandom } from '../support/seeded-random.js';
import { TcpProxy } from '../support/tcp-proxy.js';

/** While a full batch is written, the full one behind it is decided on what the first will leave. */
const full = 1_000;
const commit = 'COMMIT\0';
const begin = 'BEGIN ISOLATION';

let database: TestDatabase;
let proxy: TcpProxy;
/** Writes through the proxy. */
let far: JournalProcess;
let near: JournalProcess;
let ledger: TestLedger;
let [alice, bob, carol] = ['', '', ''];

beforeAll(async () => {
  database = await createTestDatabase();
  await makeCommitsWait(database.ownerUrl, `NEW.data->>'reference' = 'waits'`);
  await queryRows(
    database.ownerUrl,
    `ALTER TABLE journal.events ADD CONSTRAINT poison CHECK (data->>'reference' IS DISTINCT FROM 'poison')`,
  );
  proxy = await TcpProxy.start(database.ledgerUrl);
}, 60_000);
beforeEach(async () => {
  far = new JournalProcess(proxy.url);
  near = new JournalProcess(database.ledgerUrl);
  ledger = await far.newLedger();
  [alice, bob] = [await ledger.open(100_000n), await ledger.open()];
  carol = await near.ledger(ledger).open();
  await writtenAlone();
});
afterEach(async () => {
  proxy.disarm();
  proxy.release();
  await Promise.all([far.stop(), near.stop()]);
  await expectSound(database.superuserUrl, ledger);
});
afterAll(async () => {
  await proxy.close();
  await database.drop();
});

/** Often enough for the process to believe that nobody else writes to the ledger. */
async function writtenAlone(): Promise<void> {
  for (let n = 0; n < 6; n++) await ledger.move(alice, bob, 1n);
  far.logged.length = 0;
}

const times = <T>(n: number, make: (index: number) => T): T[] => Array.from({ length: n }, (_, i) => make(i));

const item = (
  sender: string,
  recipient: string,
  amount = 1n,
  changes: Partial<TransactionDraft> = {},
  key?: string,
): BatchItem => itemOf(moveOf(randomUUID(), sender, recipient, amount, changes), key);

/** A full batch: these, and behind them as many as it takes from Alice to Bob. */
const fullOf = (first: readonly BatchItem[] = []): BatchItem[] => [
  ...first,
  ...times(full - first.length, () => item(alice, bob)),
];

const send = (items: readonly BatchItem[], asked: Asked = {}): Promise<BatchOutcome> =>
  ledger.batch('independent', items, asked);

const fates = (items: readonly BatchItem[], asked: Asked = {}): Promise<string[]> =>
  fatesOf(send(items, asked));

async function decidedAhead({ registry } = far): Promise<Record<string, number>> {
  const { values } = await registry.getSingleMetric('ledger_batches_decided_ahead_total')!.get();
  return Object.fromEntries(values.map(({ labels, value }) => [String(labels['result']), value]));
}

const postedOn = async (account: string) =>
  (await balancesOf(database.superuserUrl, ledger)).get(account)?.posted;

const whileWaiting = <T>(work: (openGate: () => Promise<void>) => Promise<T>) =>
  whileCommitsWait(database.superuserUrl, work);
const isCommitting = async () => (await committingPids(database.superuserUrl)).length > 0;

it('batches that stand behind each other are decided ahead', async () => {
  const all = await Promise.all(times(5, () => fates(fullOf())));
  expect(count(all.flat())).toEqual({ accepted: 5_000 });
  const { used, ...others } = await decidedAhead();
  // All but the first, or but one more where a gap is due.
  expect(used).toBeGreaterThan(0);
  expect(others).toEqual({});
  expect(await postedOn(bob)).toBe(5_006n);
  expect(far.logged).toEqual([]);
});

it('a batch that more would still join is not', async () => {
  const all = await Promise.all([fates(fullOf()), fates(fullOf().slice(1))]);
  expect(count(all.flat())).toEqual({ accepted: 1_999 });
  expect(await decidedAhead()).toEqual({});
});

it('nor is one of a ledger for whose connection another one waits', async () => {
  const one = new JournalProcess(database.ledgerUrl, { connectionsMax: 1 });
  const batches: (() => Promise<unknown>)[] = [];
  for (const each of [await one.newLedger(), await one.newLedger()]) {
    const [from, to] = [await each.open(100_000n), await each.open()];
    for (let n = 0; n < 6; n++) await each.move(from, to, 1n);
    batches.push(() =>
      each.batch(
        'independent',
        times(full, () => item(from, to)),
      ),
    );
  }
  await Promise.all([...batches, ...batches, ...batches].map((batch) => batch()));
  await one.stop();
  expect(await decidedAhead(one)).toEqual({});
});

it('nor is one whose ledger is followed too slowly, or that others write to', async () => {
  far.journal.decideAheadWhile((ledgerId) => ledgerId !== ledger.ledgerId);
  await Promise.all(times(3, () => send(fullOf())));
  far.journal.decideAheadWhile(() => true);
  await near.ledger(ledger).move(alice, bob, 1n);
  await Promise.all(times(3, () => send(fullOf())));
  expect(await decidedAhead()).toEqual({});
});

describe('what the batch in front does counts for the one behind:', () => {
  interface Case {
    readonly given?: () => Promise<unknown>;
    /** Sent before the batch in front, and in one commit with it. */
    readonly beside?: () => LedgerCommand;
    readonly front: () => readonly BatchItem[];
    readonly behind: () => readonly BatchItem[];
    readonly asked?: Asked;
    readonly expected: readonly string[];
    readonly isAhead: boolean;
  }

  const settings = (accountId: string, changes: object): LedgerCommand => ({
    kind: 'update-account',
    accountId,
    changes,
    preconditions: [],
  });
  const table: readonly [string, Case][] = [
    [
      'money that came is there, and no more than came',
      {
        front: () => [item(alice, carol, 7n)],
        behind: () => [item(carol, bob, 7n), item(carol, bob)],
        expected: ['accepted', 'insufficient_funds'],
        isAhead: true,
      },
    ],
    [
      'money that went is not there',
      {
        given: () => ledger.move(alice, carol, 7n).then(writtenAlone),
        front: () => [item(carol, bob, 7n)],
        behind: () => [item(carol, bob), item(bob, carol, 2n), item(carol, bob, 2n)],
        expected: ['insufficient_funds', 'accepted', 'accepted'],
        isAhead: true,
      },
    ],
    [
      'an account that nobody knew yet is read',
      {
        front: () => [],
        behind: () => [item(carol, bob), item(alice, carol, 3n), item(carol, bob, 3n)],
        expected: ['insufficient_funds', 'accepted', 'accepted'],
        isAhead: true,
      },
    ],
    [
      'an account that is not there is not found',
      {
        front: () => [],
        behind: () => [item(alice, randomUUID()), item(alice, bob)],
        expected: ['account_not_found', 'accepted'],
        isAhead: true,
      },
    ],
    [
      'money that was made and destroyed',
      {
        front: () => [item('ROOT', alice, 9n), item(alice, 'ROOT', 4n)],
        behind: () => [item('ROOT', bob, 5n), item(bob, 'ROOT', 2n)],
        expected: ['accepted', 'accepted'],
        isAhead: true,
      },
    ],
    [
      'an external id is taken',
      {
        front: () => [item(alice, bob, 1n, { externalId: 'order-1' })],
        behind: () => [
          item(alice, bob, 1n, { externalId: 'order-1' }),
          item(alice, bob, 1n, { externalId: 'order-2' }),
          item(alice, bob, 1n, { externalId: 'order-2' }),
        ],
        expected: ['external_id_taken', 'accepted', 'external_id_taken'],
        isAhead: true,
      },
    ],
    [
      'an external id that was taken long before',
      {
        given: () => ledger.move(alice, bob, 1n, {}, { externalId: 'order-1' }),
        front: () => [],
        behind: () => [item(alice, bob, 1n, { externalId: 'order-1' }), item(alice, bob)],
        expected: ['external_id_taken', 'accepted'],
        isAhead: true,
      },
    ],
    [
      'keys that do not meet',
      {
        front: () => [item(alice, bob, 1n, {}, 'a')],
        behind: () => [item(alice, bob, 1n, {}, 'b'), item(alice, bob, 1n, {}, 'b')],
        expected: ['accepted', 'replayed'],
        isAhead: true,
      },
    ],
    [
      'a key is used up',
      {
        front: () => [item(alice, bob, 1n, {}, 'a')],
        behind: () => [item(alice, bob, 1n, {}, 'a'), item(alice, bob)],
        expected: ['replayed', 'accepted'],
        isAhead: false,
      },
    ],
    [
      'a key that was used up long before',
      {
        given: () => ledger.batch('independent', [item(alice, bob, 1n, {}, 'a')]),
        front: () => [],
        behind: () => [item(alice, bob, 1n, {}, 'a'), item(alice, bob)],
        expected: ['replayed', 'accepted'],
        isAhead: false,
      },
    ],
    [
      'a condition is met, and no more than that',
      {
        front: () => [],
        behind: () => [
          item(alice, bob, 1n, { conditions: [{ account: bob, minPosted: 1_007n }] }),
          item(alice, bob, 1n, { conditions: [{ account: bob, minPosted: 1_006n, maxPosted: 1_006n }] }),
        ],
        expected: ['version_conflict', 'accepted'],
        isAhead: true,
      },
    ],
    [
      'a freeze',
      {
        beside: () => settings(carol, { status: 'frozen' }),
        front: () => [],
        behind: () => [item(alice, carol), item(alice, bob)],
        expected: ['account_frozen', 'accepted'],
        isAhead: false,
      },
    ],
    [
      'an account is opened',
      {
        beside: () => openingOf(opened, {}),
        front: () => [],
        behind: () => [item(alice, opened, 2n), item(opened, bob, 3n)],
        expected: ['accepted', 'insufficient_funds'],
        isAhead: false,
      },
    ],
    [
      'an account is opened, of a currency of which nobody else has any',
      {
        given: () => ledger.open(5n, { currency: 'CHF' }).then(writtenAlone),
        beside: () => openingOf(swiss, { currency: 'CHF' }),
        front: () => [],
        behind: () => [
          item('ROOT', swiss, 5n, {
            conditions: [
              { account: 'ROOT', maxPosted: -5n },
              { account: swiss, version: 1 },
            ],
          }),
          item(swiss, 'ROOT', 2n),
          item('ROOT', swiss, 1n, { conditions: [{ account: 'ROOT', version: 0 }] }),
        ],
        expected: ['accepted', 'accepted', 'version_conflict'],
        isAhead: false,
      },
    ],
    [
      'a period is closed',
      {
        beside: () => ({
          kind: 'close-period',
          through: '2020-01-01',
          closedBefore: 1_577_923_200_000_000n,
        }),
        front: () => [],
        behind: () => [item(alice, bob, 1n, { effectiveAt: 1_000_000n }), item(alice, bob)],
        expected: ['period_closed', 'accepted'],
        isAhead: false,
      },
    ],
    [
      'and so do rates, for which more has to be read',
      {
        given: () =>
          ledger
            .open(0n, { currency: 'USD' })
            .then((id) => (dollars = id))
            .then(writtenAlone),
        front: () => [],
        behind: () => [item(alice, dollars), item(alice, bob)],
        expected: ['exchange_rate_missing', 'accepted'],
        isAhead: false,
      },
    ],
    [
      'a dry run of it leaves nothing',
      {
        front: () => [item(alice, carol, 5n)],
        behind: () => [item(carol, bob, 5n), item(carol, bob)],
        asked: { isDryRun: true },
        expected: ['accepted', 'insufficient_funds'],
        isAhead: true,
      },
    ],
  ];
  const opened = randomUUID();
  const swiss = randomUUID();
  let dollars = '';

  it.each(table)('%s', async (_, { given, beside, front, behind, asked, expected, isAhead }) => {
    await given?.();
    const [first, rest] = [front(), behind()];
    const sent = [
      ...(beside ? [fateOf(ledger.submit(beside()))] : []),
      fates(beside ? fullOf(first).slice(1) : fullOf(first)),
    ];
    const found = await fates(fullOf(rest), asked);
    expect((await Promise.all(sent)).flat()).toEqual(times(full, () => 'accepted'));
    expect(found.slice(0, rest.length)).toEqual(expected);
    expect(count(found.slice(rest.length))).toEqual({ accepted: full - rest.length });
    expect(await decidedAhead()).toEqual(isAhead ? { used: 1 } : {});
    expect(far.logged).toEqual([]);
  });

  it('an atomic batch is refused as a whole for what it takes', async () => {
    const front = fates(fullOf([item(alice, carol, 5n)]));
    const behind = await ledger.batch('atomic', fullOf([item(carol, bob, 5n), item(carol, bob)]));
    const last = fates(fullOf([item(carol, bob, 5n)]));
    expect(behind).toMatchObject({ accepted: false, index: 1, reason: { code: 'insufficient_funds' } });
    expect(count(await front)).toEqual({ accepted: full });
    expect(count(await last)).toEqual({ accepted: full });
    expect(await decidedAhead()).toEqual({ used: 1 });
  });

  it('a batch of which everything is refused leaves the one behind to its turn', async () => {
    const refused = fates(times(full, () => item(carol, bob)));
    const behind = fates(fullOf());
    expect(count(await refused)).toEqual({ insufficient_funds: full });
    expect(count(await behind)).toEqual({ accepted: full });
    expect(await decidedAhead()).toEqual({});
  });

  it('accounts are remembered as the last of them has left them', async () => {
    // Carol and Bob are read for the second batch before the first moves money on them, which the second only names.
    const [front, behind] = [
      fates(fullOf([item(alice, carol, 50n)])),
      fates(fullOf([item(carol, bob, 51n)])),
    ];
    expect(count(await front)).toEqual({ accepted: full });
    expect(count(await behind)).toEqual({ accepted: full - 1, insufficient_funds: 1 });
    expect(await decidedAhead()).toEqual({ used: 1 });
    expect(await fateOf(ledger.move(carol, bob, 50n))).toBe('accepted');
    expect(await postedOn(carol)).toBe(0n);
  });
});

describe('a batch decided ahead that can’t be committed fails, and those around it do not,', () => {
  const around = async (broken: BatchItem): Promise<string[]> => {
    const items = fullOf();
    items[500] = broken;
    const all = [send(fullOf()), send(items), send(fullOf())];
    return Promise.all(
      all.map((sent) => sent.then(({ accepted }) => (accepted ? 'accepted' : 'refused')).catch(String)),
    );
  };

  it('where the database refuses one of its events', async () => {
    const found = await around(item(alice, bob, 1n, { reference: 'poison' }));
    expect(found).toEqual(['accepted', expect.stringContaining('poison'), 'accepted']);
    expect((await decidedAhead())['given_up']).toBe(1);
  });

  it('where a bug comes in the middle of it', async () => {
    const found = await around(item(alice, bob, 1n, { metadata: { cannot: 1n } }));
    expect(found).toEqual(['accepted', expect.stringContaining('ran into a bug'), 'accepted']);
    expect(far.logged).toEqual(['a command could not be committed']);
    expect(await fateOf(ledger.move(alice, bob, 1n))).toBe('accepted');
  });
});

describe('where the batch in front is not committed', () => {
  it('because the database refuses one of it: that one fails alone, the others and the next batch are written once', async () => {
    const refused = fateOf(ledger.move(alice, bob, 1n, {}, { reference: 'poison' }));
    const front = fates(fullOf().slice(1));
    const behind = fates(fullOf());
    expect(await refused).toBe('23514');
    expect(count([...(await front), ...(await behind)])).toEqual({ accepted: 2 * full - 1 });
    expect(await postedOn(bob)).toBe(6n + 2_000n - 1n);
    expect(far.logged).toEqual(['a command could not be committed']);
  });

  it.each([
    ['its COMMIT never arrives', 'cut-before'],
    ['its COMMIT gets no answer', 'cut-after'],
  ] as const)('or nobody knows, as %s: both are written once', async (_, fault) => {
    const cut = proxy.once(commit, fault);
    const [front, behind] = [fates(fullOf()), fates(fullOf())];
    await cut;
    expect(count([...(await front), ...(await behind)])).toEqual({ accepted: 2 * full });
    expect(await postedOn(bob)).toBe(6n + 2_000n);
    expect(far.logged).toContain('the outcome of a commit is unknown');
  });

  it('or is, and the connection is lost in the middle of the one behind: both are written once', async () => {
    const cut = proxy.once('cut here', 'cut-before');
    const behind = fullOf(
      times(600, (n) => item(alice, bob, 1n, { reference: n === 599 ? 'cut here' : null })),
    );
    const all = [fates(fullOf()), fates(behind)];
    await cut;
    expect(count((await Promise.all(all)).flat())).toEqual({ accepted: 2 * full });
    expect(await postedOn(bob)).toBe(6n + 2_000n);
  });
});

it('where another process comes in between, the batch is decided anew on what that one has left', async () => {
  const letGo = await holdHead(database.superuserUrl, ledger);
  const front = fates(fullOf([item(alice, carol, 5n)]));
  const behind = fates(fullOf([item(carol, bob, 5n)]));
  await until(async () =>
    (await writeSessions(database.superuserUrl)).some(({ wait_event }) => wait_event === 'transactionid'),
  );
  const held = proxy.once(begin, 'hold-from');
  await letGo();
  await held;
  // Nothing of the batch behind has arrived: the head is free once the one in front is written.
  expect(await fateOf(near.ledger(ledger).move(carol, alice, 2n))).toBe('accepted');
  proxy.release();
  expect(count(await front)).toEqual({ accepted: full });
  const [first, ...others] = await behind;
  expect([first, count(others)]).toEqual(['insufficient_funds', { accepted: full - 1 }]);
  expect(await decidedAhead()).toEqual({ given_up: 1 });
  expect(far.logged).toEqual([]);
  expect(await postedOn(carol)).toBe(3n);
});

it('what expires while the batch in front is written is not executed, and its neighbours are', async () => {
  const late = await whileWaiting(async (openGate) => {
    const front = fates(fullOf([item(alice, bob, 1n, { reference: 'waits' })]));
    const hasty = fateOf(ledger.move(alice, carol, 1n, { deadlineMs: 400 }));
    const behind = fates(fullOf().slice(1));
    const more = fates(fullOf());
    await until(isCommitting);
    expect(await hasty).toBe('overloaded');
    await openGate();
    return [...(await front), ...(await behind), ...(await more)];
  });
  expect(count(late)).toEqual({ accepted: 3 * full - 1 });
  expect(await postedOn(carol)).toBe(0n);
  expect((await decidedAhead())['given_up']).toBe(1);
});

it('nor is what was decided long ago, as its time is of then', async () => {
  const opened = await whileWaiting(async (openGate) => {
    const front = send(fullOf([item(alice, bob, 1n, { reference: 'waits' })]));
    const behind = send(fullOf());
    await until(isCommitting);
    await sleep(1_100);
    const [clock] = await queryRows<{ now: Date }>(database.superuserUrl, 'SELECT now()');
    await openGate();
    await Promise.all([front, behind]);
    return clock!.now;
  });
  expect(await decidedAhead()).toEqual({ given_up: 1 });
  const rows = await queryRows<{ n: number }>(
    database.superuserUrl,
    'SELECT count(*)::int AS n FROM journal.events WHERE ledger_id = $1 AND recorded_at > $2',
    [ledger.ledgerId, opened],
  );
  expect(rows).toEqual([{ n: full }]);
});

it('what is on disk is found although the batch behind keeps the head, on a connection that is silent', async () => {
  await whileWaiting(async (openGate) => {
    const silent = proxy.once('silent from here', 'hold');
    const front = fates(fullOf([item(alice, bob, 1n, { reference: 'waits' })]), { deadlineMs: 25_000 });
    const held = times(600, (n) =>
      item(alice, bob, 1n, { reference: n === 599 ? 'silent from here' : null }),
    );
    const behind = fates(fullOf(held), { deadlineMs: 25_000 });
    await silent;
    await until(isCommitting);
    await openGate();
    expect(count(await front)).toEqual({ accepted: full });
    const sessions = await writeSessions(database.superuserUrl);
    expect(sessions.filter(({ query }) => query.startsWith('COPY journal.events'))).toHaveLength(1);
    expect(far.logged).toEqual(['the outcome of a commit is unknown']);
    expect(count(await behind)).toEqual({ accepted: full });
  });
  expect(await postedOn(bob)).toBe(2_006n);
}, 60_000);

it('nobody is answered before what he was decided on is committed', async () => {
  await whileWaiting(async (openGate) => {
    const front = send(fullOf([item(alice, bob, 1n, { reference: 'waits' })]));
    let answered = 0;
    const behind = times(2, () => send(times(full, () => item(carol, bob))).finally(() => (answered += 1)));
    await until(isCommitting);
    await sleep(300);
    expect(answered).toBe(0);
    await openGate();
    await Promise.all([front, ...behind]);
  });
});

it('a process that stops finishes what it has decided', async () => {
  const all = times(4, () => fates(fullOf()));
  await until(async () => (await decidedAhead())['used']! >= 1);
  await far.stop();
  far = new JournalProcess(proxy.url);
  expect(count((await Promise.all(all)).flat())).toEqual({ accepted: 4 * full });
});

it('there is a gap for others after a while, however many batches stand behind each other', async () => {
  await Promise.all(times(20, () => send(fullOf())));
  const { used, given_up: givenUp } = await decidedAhead();
  expect(used).toBeLessThan(19);
  expect(givenUp).toBeUndefined();
}, 30_000);

it('another process gets its turn while many batches stand behind each other', async () => {
  const order: string[] = [];
  const many = times(16, (n) => send(fullOf()).then(() => order.push(`batch ${n}`)));
  await until(async () => (await decidedAhead())['used']! >= 1);
  await near.ledger(ledger).move(alice, bob, 1n);
  order.push('other');
  await Promise.all(many);
  expect(order.indexOf('other')).toBeLessThan(14);
}, 30_000);

it('random batches, many of them decided ahead: every outcome and balance is as if each item came alone', async () => {
  const { below, pick } = seededRandom();
  const accounts = await Promise.all(times(12, () => ledger.open(BigInt(below(200)))));
  await writtenAlone();
  const balances = await balancesOf(database.superuserUrl, ledger);
  const story = new Model(new Map([...balances].map(([id, { posted }]) => [id, posted])));
  for (let round = 0; round < 4; round++) {
    const batches = times(6, () =>
      times(full, () => {
        const [sender, recipient] = [pick(accounts), pick(accounts)];
        const externalId = below(10) ? null : `order-${below(2_000)}`;
        return { sender, recipient, amount: BigInt(below(60) + 1), externalId };
      }),
    );
    const expected = batches.map((batch) => batch.map((move) => story.move(move)));
    const found = await Promise.all(
      batches.map((batch) =>
        fates(
          batch.map(({ sender, recipient, amount, externalId }) =>
            item(sender, recipient, amount, { externalId }),
          ),
        ),
      ),
    );
    expect(found).toEqual(expected);
  }
  const after = await balancesOf(database.superuserUrl, ledger);
  expect(new Map(accounts.map((id) => [id, after.get(id)?.posted]))).toEqual(
    new Map(accounts.map((id) => [id, story.posted.get(id)])),
  );
  expect((await decidedAhead())['used']).toBeGreaterThan(7);
}, 60_000);

/** Balances that may not go below zero, and external ids, said as plainly as can be. */
class Model {
  private readonly externalIds = new Set<string>();

  constructor(readonly posted: Map<string, bigint>) {}

  move({ sender, recipient, amount, externalId }: Move): string {
    if (sender === recipient) return 'same_account';
    if (externalId !== null && this.externalIds.has(externalId)) return 'external_id_taken';
    const left = this.posted.get(sender)! - amount;
    if (left < 0n) return 'insufficient_funds';
    this.posted.set(sender, left);
    this.posted.set(recipient, this.posted.get(recipient)! + amount);
    if (externalId !== null) this.externalIds.add(externalId);
    return 'accepted';
  }
}

interface Move {
  readonly sender: string;
  readonly recipient: string;
  readonly amount: bigint;
  readonly externalId: string | null;
}
