import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { Registry } from 'prom-client';
import { ledgerIdOf, type StreamEvent } from '#contracts';
import {
  commitChannel,
  PostgresEventStream,
  type PostgresStreamSettings,
  type StreamMessage,
  type Subscriber,
  type Subscription,
} from '#event-stream';
import { createPostgresPool } from '#platform';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { HandMadeJournal } from '../support/hand-made-journal.js';
import { JournalProcess, until } from '../support/journal-fixtures.js';
import { TcpProxy } from '../support/tcp-proxy.js';

/** What the Postgres stream promises beyond the conformance suite. */
const waitMsMax = 30_000;
const noScan = { scanEveryMs: 600_000 };

let database: TestDatabase;
let superuser: pg.Client;
let pool: pg.Pool;
let publisher: JournalProcess;
let name: string;
let subscriptions: Subscription[];
const logged: { details: Record<string, unknown>; message: string }[] = [];
const log = (details: object, message: string) =>
  void logged.push({ details: details as Record<string, unknown>, message });

beforeAll(async () => {
  database = await createTestDatabase();
  superuser = new pg.Client({ connectionString: database.superuserUrl, options: '-c timezone=UTC' });
  await superuser.connect();
  publisher = new JournalProcess(database.ledgerUrl);
  pool = createPostgresPool({
    url: database.dispatcherUrl,
    applicationName: 'test-subscriber',
    connectionsMax: 8,
    onError: () => undefined,
  });
}, 60_000);
afterAll(async () => {
  await publisher.stop();
  await pool.end();
  await superuser.end();
  await database.drop();
});
beforeEach(() => {
  name = `subscriber-${randomUUID()}`;
  subscriptions = [];
  logged.length = 0;
});
afterEach(() => Promise.all(subscriptions.map((subscription) => subscription.stop())), 60_000);

function streamOf(settings: Partial<PostgresStreamSettings> = {}, registry = new Registry()) {
  return new PostgresEventStream({
    url: database.dispatcherUrl,
    pool,
    logger: { debug: log, info: log, warn: log, error: log },
    registry,
    settings,
  });
}

async function subscribe(
  handle: Subscriber['handle'],
  settings: Partial<PostgresStreamSettings> = {},
  registry = new Registry(),
): Promise<Subscription> {
  const subscription = await streamOf(settings, registry).subscribe({ name, handle });
  subscriptions.push(subscription);
  return subscription;
}

/** A subscriber that keeps what it is handed, by ledger. */
function keeping(before: (key: string) => Promise<void> | void = () => undefined) {
  const kept: StreamMessage[] = [];
  const handle: Subscriber['handle'] = async (_, messages) => {
    await before(messages[0]?.key ?? '');
    kept.push(...messages);
    return messages.length;
  };
  const of = ({ ledgerId }: HandMadeJournal) => kept.filter(({ key }) => key === ledgerIdOf(ledgerId));
  return { kept, handle, of };
}

async function follow(ledgerId: string, end: 'COMMIT' | 'ROLLBACK' = 'COMMIT'): Promise<void> {
  const db = await pool.connect();
  try {
    await db.query('BEGIN');
    await streamOf().follow(db, name, ledgerId);
    await db.query(end);
  } finally {
    db.release();
  }
}

async function offsetOf({ ledgerId }: { readonly ledgerId: string }): Promise<string | undefined> {
  const { rows } = await superuser.query<{ place: string }>(
    `SELECT epoch || ':' || position AS place FROM stream.offsets WHERE subscriber = $1 AND partition = $2`,
    [name, ledgerId],
  );
  return rows[0]?.place;
}

async function headOf(ledgerId: string): Promise<number> {
  const { rows } = await superuser.query<{ position: string }>(
    'SELECT position::text FROM journal.heads WHERE ledger_id = $1',
    [ledgerId],
  );
  return Number(rows[0]?.position);
}

async function add(journal: HandMadeJournal, events: number): Promise<void> {
  for (let n = 0; n < events; n++) journal.openAccount();
  await journal.commit();
}

async function followedLedger(events = 1): Promise<HandMadeJournal> {
  const journal = new HandMadeJournal(superuser);
  await add(journal, events);
  await follow(journal.ledgerId);
  return journal;
}

const tell = ({ ledgerId }: HandMadeJournal) =>
  superuser.query('SELECT pg_notify($1, $2)', [commitChannel, ledgerId]);

describe('following a ledger', () => {
  it('begins at its head, and once', async () => {
    const journal = await followedLedger(5);
    expect(await offsetOf(journal)).toBe('1:5');
    await add(journal, 2);
    await follow(journal.ledgerId);
    expect(await offsetOf(journal)).toBe('1:5');
  });

  it('begins with the transaction that is the reason, or not at all', async () => {
    const journal = new HandMadeJournal(superuser);
    await add(journal, 1);
    await follow(journal.ledgerId, 'ROLLBACK');
    expect(await offsetOf(journal)).toBeUndefined();
  });

  it.each([1, 150])(
    'begins before the %i events of other sessions since its transaction began',
    async (events) => {
      const ledger = await publisher.newLedger();
      const account = await ledger.open(1n);
      const before = await headOf(ledger.ledgerId);
      const db = await pool.connect();
      try {
        await db.query('BEGIN');
        for (let n = 0; n < events; n++) await ledger.move('ROOT', account, 1n);
        await streamOf().follow(db, name, ledger.ledgerId);
        await db.query('COMMIT');
      } finally {
        db.release();
      }
      const place = (await offsetOf(ledger))?.split(':').map(Number);
      expect(place?.[0]).toBe(1);
      expect(place?.[1]).toBeLessThanOrEqual(before);
    },
  );

  it('begins at the start where there is no journal yet', async () => {
    const journal = new HandMadeJournal(superuser);
    await follow(journal.ledgerId);
    expect(await offsetOf(journal)).toBe('1:0');
    const { handle, of } = keeping();
    await subscribe(handle);
    await add(journal, 3);
    await until(() => of(journal).length === 3, waitMsMax);
  });

  it('is what makes its events come: others are left alone, and come once they are followed', async () => {
    const journal = new HandMadeJournal(superuser);
    await add(journal, 1);
    const { handle, of } = keeping();
    await subscribe(handle, noScan);
    for (let n = 0; n < 5; n++) await Promise.all([tell(journal), sleep(20)]);
    await follow(journal.ledgerId);
    await add(journal, 2);
    await tell(journal);
    await until(() => of(journal).length === 2, waitMsMax);
  });
});

describe('a message', () => {
  it('is the event as it is published', async () => {
    const journal = await followedLedger();
    const { handle, of } = keeping();
    await subscribe(handle);
    journal.post([{ sender: 'ROOT', recipient: journal.openAccount(), amount: 7n }]);
    await journal.commit();
    await until(() => of(journal).length === 3, waitMsMax);
    const message = of(journal).at(-1)!;
    const event = JSON.parse(message.value ?? '') as StreamEvent;
    expect(event).toMatchObject({ version: 1, type: 'transaction.posted', epoch: 1, position: '4' });
    expect(event.legs.map(({ amount }) => amount)).toEqual(['7', '7']);
    expect(message).toMatchObject({
      key: event.ledgerId,
      unreadable: null,
      origin: `journal ${event.ledgerId}@1:4`,
      headers: {
        ce_specversion: '1.0',
        ce_id: event.id,
        ce_type: event.type,
        ce_source: `/ledgers/${event.ledgerId}`,
        ce_time: event.occurredAt,
        ce_position: '4',
      },
    });
    expect(message.headers['ce_subject']).toMatch(/^txn_/);
  });

  it.each([
    ['an unknown type', 'transaction.invented', 1, '{}'],
    ['an unknown version', 'transaction.posted', 9, '{}'],
    ['data that is none of its type', 'transaction.posted', 1, '"nonsense"'],
  ])(
    'of %s is handed over without a value, with its reason and its place',
    async (_, type, version, data) => {
      const journal = await followedLedger();
      const { handle, of } = keeping();
      await subscribe(handle);
      journal.writeRaw(type, version, data);
      await add(journal, 1);
      await until(() => of(journal).length === 2, waitMsMax);
      expect(of(journal)[0]).toMatchObject({
        value: null,
        unreadable: expect.stringMatching(/./),
        headers: { ce_type: type, ce_position: '2', ce_epoch: '1' },
      });
      expect(of(journal)[1]?.value).not.toBeNull();
    },
  );
});

describe('a commit', () => {
  it('is heard of at once, without a scan, also after the connection was killed', async () => {
    const journal = await followedLedger();
    const { handle, of } = keeping();
    await subscribe(handle, noScan);
    await add(journal, 1);
    await tell(journal);
    await until(() => of(journal).length === 1, waitMsMax);

    await superuser.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND application_name LIKE 'stream-listener-%'`,
    );
    await add(journal, 1);
    await until(async () => {
      await Promise.all([tell(journal), sleep(20)]);
      return of(journal).length === 2;
    }, waitMsMax);
  });

  it('that nobody tells of is found by the scan', async () => {
    const journal = await followedLedger();
    const { handle, of } = keeping();
    await subscribe(handle);
    await add(journal, 1_200);
    await until(async () => (await offsetOf(journal)) === '1:1201', waitMsMax);
    expect(of(journal)).toHaveLength(1_200);
  });
});

describe('a turn', () => {
  it('that fails stops no other ledger, and pauses for longer each time', async () => {
    const [broken, sound] = [await followedLedger(), await followedLedger()];
    let isBroken = true;
    const { handle, of } = keeping((key) => {
      if (isBroken && key === ledgerIdOf(broken.ledgerId)) throw new Error('this ledger is broken');
    });
    await subscribe(handle, { turnsMax: 1, retryMsMax: 400 });
    await add(broken, 1);
    for (let round = 1; round <= 10; round++) {
      await add(sound, 1);
      await tell(sound);
      await until(() => of(sound).length === round, waitMsMax);
    }
    const pauses = () => logged.map(({ details }) => details['waitMs']);
    await until(() => logged.length >= 5, waitMsMax);
    expect(pauses().slice(0, 5)).toEqual([50, 100, 200, 400, 400]);
    expect(of(broken)).toEqual([]);
    expect(await offsetOf(broken)).toBe('1:1');
    isBroken = false;
    await until(() => of(broken).length === 1, waitMsMax);
  });

  it('whose process stands still loses the ledger to another, and then changes nothing', async () => {
    const journal = await followedLedger();
    let thaw: () => void = () => undefined;
    const thawed = new Promise<void>((resolve) => (thaw = resolve));
    let isFrozen = false;
    await subscribe(
      async (db, { length }) => {
        if (isFrozen) return length;
        isFrozen = true;
        await thawed;
        await db.query('SELECT 1');
        return length;
      },
      { turnIdleMsMax: 500, ...noScan },
    );
    await add(journal, 3);
    await tell(journal);
    await until(() => isFrozen, waitMsMax);
    const { handle, of } = keeping();
    await subscribe(handle);
    await until(async () => (await offsetOf(journal)) === '1:4', waitMsMax);
    expect(of(journal)).toHaveLength(3);
    thaw();
    await until(() => logged.length > 0, waitMsMax);
    expect(await offsetOf(journal)).toBe('1:4');
  });

  it.each(['cut-before', 'cut-after'] as const)(
    'whose connection is lost at its commit (%s) has its effect once',
    async (fault) => {
      await superuser.query('CREATE TABLE IF NOT EXISTS public.effects (key text, origin text)');
      await superuser.query('GRANT INSERT ON public.effects TO PUBLIC');
      const journal = await followedLedger();
      await add(journal, 3);
      const proxy = await TcpProxy.start(database.dispatcherUrl);
      const farPool = createPostgresPool({
        url: proxy.url,
        applicationName: 'test-far-subscriber',
        connectionsMax: 2,
        onError: () => undefined,
      });
      const cut = proxy.once('COMMIT\0', fault);
      const stream = new PostgresEventStream({
        url: database.dispatcherUrl,
        pool: farPool,
        logger: { debug: log, info: log, warn: log, error: log },
        registry: new Registry(),
      });
      let turns = 0;
      const subscription = await stream.subscribe({
        name,
        async handle(db, messages) {
          turns++;
          for (const { key, origin } of messages) {
            await db.query('INSERT INTO public.effects VALUES ($1, $2)', [key, origin]);
          }
          return messages.length;
        },
      });
      await cut;
      await add(journal, 1);
      await until(async () => (await offsetOf(journal)) === '1:5', waitMsMax);
      await subscription.stop();
      await farPool.end();
      await proxy.close();
      const { rows } = await superuser.query<{ origin: string }>(
        'SELECT origin FROM public.effects WHERE key = $1 ORDER BY origin',
        [ledgerIdOf(journal.ledgerId)],
      );
      expect(rows.map(({ origin }) => origin.replace(/.*@/, ''))).toEqual(['1:2', '1:3', '1:4', '1:5']);
      expect(turns).toBeGreaterThan(1);
      expect(logged.map(({ message }) => message)).toContain(
        'a turn of a subscriber failed and will be tried again',
      );
    },
  );

  it('is finished when the subscription is stopped, and no other begins', async () => {
    const journal = await followedLedger();
    let isInTurn = false;
    const { handle, of } = keeping(async () => {
      isInTurn = true;
      await sleep(200);
    });
    const subscription = await subscribe(handle);
    await add(journal, 1);
    await until(() => isInTurn, waitMsMax);
    await subscription.stop();
    expect(await offsetOf(journal)).toBe('1:2');
    await add(journal, 1);
    await tell(journal);
    await sleep(200);
    expect(of(journal)).toHaveLength(1);
  });

  it('is one of a few at a time', async () => {
    const journals: HandMadeJournal[] = [];
    for (let n = 0; n < 12; n++) journals.push(await followedLedger());
    let [now, most] = [0, 0];
    const { handle, kept } = keeping(async () => {
      most = Math.max(most, ++now);
      await sleep(20);
      now--;
    });
    for (const journal of journals) await add(journal, 1);
    await subscribe(handle, { turnsMax: 3 });
    await until(() => kept.length === 12, waitMsMax);
    expect(most).toBe(3);
  });
});

it('tells by metrics how far it is behind', async () => {
  const [one, other] = [await followedLedger(), await followedLedger()];
  const registry = new Registry();
  let isBroken = true;
  await subscribe(
    async (_, { length }) => {
      if (isBroken) throw new Error('nothing works');
      return length;
    },
    { retryMsMax: 100, scanEveryMs: 50 },
    registry,
  );
  const valueOf = async (metric: string) => (await registry.getSingleMetric(metric)!.get()).values[0]?.value;
  await add(one, 30);
  await add(other, 12);
  await until(async () => (await valueOf('stream_lag_events')) === 42, waitMsMax);
  expect(await valueOf('stream_lag_seconds')).toBeGreaterThan(1);
  isBroken = false;
  await until(async () => (await valueOf('stream_lag_events')) === 0, waitMsMax);
  expect(await valueOf('stream_lag_seconds')).toBe(0);
  expect(await valueOf('stream_messages_total')).toBe(42);
});

it('alerts where a journal ends before what was handled', async () => {
  const journal = await followedLedger(5);
  await superuser.query('UPDATE journal.heads SET position = 3 WHERE ledger_id = $1', [journal.ledgerId]);
  await subscribe(keeping().handle, { scanEveryMs: 20 });
  await until(() => logged.length > 0, waitMsMax);
  await sleep(200);
  expect(logged).toEqual([
    {
      details: { subscriber: name, ledgerIds: [journal.ledgerId], count: 1 },
      message: expect.stringContaining('without a new epoch'),
    },
  ]);
});
