import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { ledgerIdOf } from '#contracts';
import type { EventStream, StreamMessage, Subscriber, Subscription } from '#event-stream';
import type { TestDatabase } from './database.js';
import { until } from './journal-fixtures.js';

/** As one process of a subscriber has it: a stream of its own, and connections that nobody else uses. */
export interface SubscribingProcess {
  readonly stream: EventStream;
  /** Of the subscriber's database, as the role of production. */
  readonly pool: pg.Pool;
  /**
   * All that it holds passes to others, as when it is killed or stands still for too long. What it does
   * afterwards comes from a process that nobody counts with any more.
   */
  loseWork(): Promise<void>;
  close(): Promise<void>;
}

/** What the suite needs of a stream's two ends. */
export interface EventStreamHarness {
  readonly database: TestDatabase;
  startProcess(): Promise<SubscribingProcess>;
  /** A new ledger's UUID. */
  newLedger(): Promise<string>;
  /**
   * Adds events to a ledger, one after the other; several ledgers may be published to at the same time. Resolves
   * to their positions, as digit strings, when all of them are where subscribers read.
   */
  publish(ledgerId: string, events: number): Promise<string[]>;
  /** Adds a message of this ledger that no release can understand. */
  publishPoison(ledgerId: string): Promise<void>;
  /** Takes something away that subscribing depends on, and brings it back. */
  outage(name: string): Promise<void>;
  close(): Promise<void>;
}

interface Effect {
  /** Epoch and position, or `poison`. */
  readonly what: string;
  readonly process: string;
}

/** Before each effect, in the transaction that writes it. */
type Before = (what: string, ledgerId: string, db: pg.ClientBase) => Promise<void> | void;

const waitMsMax = 60_000;
const testMsMax = 180_000;

/**
 * What a subscriber may rely on, whatever carries the events: in order per ledger, at least once, and with its
 * effects in the stream's transaction exactly once; no death, outage or poison message loses or repeats one.
 */
export function describeEventStream(
  adapter: string,
  startHarness: () => Promise<EventStreamHarness>,
  outages: readonly string[],
): void {
  describe(`a subscriber of the ${adapter} stream`, () => {
    const check = (what: string, test: () => Promise<void>) => it(what, test, testMsMax);
    let harness: EventStreamHarness;
    let superuser: pg.Pool;
    /** Each test subscribes under a name of its own. */
    let name: string;
    let processes: SubscribingProcess[];
    let subscriptions: Subscription[];
    let openGates: (() => void)[];

    beforeAll(async () => {
      harness = await startHarness();
      superuser = new pg.Pool({ connectionString: harness.database.superuserUrl, max: 2 });
      superuser.on('error', () => undefined);
      await superuser.query(`
        CREATE SCHEMA effects;
        CREATE TABLE effects.effects (n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, subscriber text NOT NULL,
          process text NOT NULL, key text NOT NULL, what text NOT NULL);
        GRANT USAGE ON SCHEMA effects TO PUBLIC;
        GRANT INSERT ON effects.effects TO PUBLIC;
      `);
    }, 120_000);
    afterAll(async () => {
      await superuser.end();
      await harness.close();
    }, 60_000);

    beforeEach(() => {
      name = `subscriber-${randomUUID()}`;
      [processes, subscriptions, openGates] = [[], [], []];
    });
    afterEach(async () => {
      for (const open of openGates) open();
      await Promise.all(subscriptions.map((subscription) => subscription.stop()));
      await Promise.all(processes.map((process) => process.close()));
    }, 60_000);

    async function start(
      label = 'one',
      before: Before = () => undefined,
      subscriberName = name,
      atOnceMax = Infinity,
    ) {
      const process = await harness.startProcess();
      processes.push(process);
      const subscriber: Subscriber = {
        name: subscriberName,
        handle: async (db, given) => {
          const messages = given.slice(0, atOnceMax);
          for (const message of messages) {
            const what = whatOf(message);
            await before(what, message.key, db);
            await db.query(
              'INSERT INTO effects.effects (subscriber, process, key, what) VALUES ($1, $2, $3, $4)',
              [subscriberName, label, message.key, what],
            );
          }
          return messages.length;
        },
      };
      const subscription = await process.stream.subscribe(subscriber);
      subscriptions.push(subscription);
      return { process, subscription };
    }

    /** A new ledger that is followed by a subscriber who has not begun yet. */
    async function followedLedger(...subscribers: string[]): Promise<string> {
      const ledgerId = await harness.newLedger();
      const process = await harness.startProcess();
      const db = await process.pool.connect();
      try {
        for (const subscriber of subscribers.length === 0 ? [name] : subscribers) {
          await db.query('BEGIN');
          await process.stream.follow(db, subscriber, ledgerId);
          await db.query('COMMIT');
        }
      } finally {
        db.release();
        await process.close();
      }
      return ledgerId;
    }

    async function effectsOf(ledgerId: string, subscriberName = name): Promise<Effect[]> {
      const { rows } = await superuser.query<Effect>(
        'SELECT what, process FROM effects.effects WHERE subscriber = $1 AND key = $2 ORDER BY n',
        [subscriberName, ledgerIdOf(ledgerId)],
      );
      return rows;
    }

    /** Waits until there are as many effects, and a little longer for those that are too many. */
    async function expectEffects(ledgerId: string, whats: readonly string[], subscriberName = name) {
      await until(async () => (await effectsOf(ledgerId, subscriberName)).length >= whats.length, waitMsMax);
      await sleep(100);
      expect((await effectsOf(ledgerId, subscriberName)).map(({ what }) => what)).toEqual(whats);
    }

    /** A promise for a handler to wait for; opened at the test's end at the latest. */
    function gate() {
      let open: () => void = () => undefined;
      const opened = new Promise<void>((resolve) => (open = resolve));
      openGates.push(open);
      return { opened, open };
    }

    check('gets each ledger’s events in order, once, while they are published', async () => {
      const ledgerIds = await Promise.all([followedLedger(), followedLedger(), followedLedger()]);
      await start();
      const published = await Promise.all(
        ledgerIds.map(async (ledgerId) => {
          const positions: string[] = [];
          for (const events of [1, 5, 1, 40, 3, 1])
            positions.push(...(await harness.publish(ledgerId, events)));
          return positions;
        }),
      );
      for (const [index, positions] of published.entries()) await expectEffects(ledgerIds[index]!, positions);
    });

    check('gets what was published before it began', async () => {
      const ledgerId = await followedLedger();
      const positions = await harness.publish(ledgerId, 20);
      await start();
      await expectEffects(ledgerId, positions);
    });

    check('gets more than one turn can hold', async () => {
      const ledgerId = await followedLedger();
      const positions = await harness.publish(ledgerId, 1_300);
      await start();
      await expectEffects(ledgerId, positions);
    });

    check('takes as many as it likes, and the rest in transactions of their own', async () => {
      const ledgerId = await followedLedger();
      const positions = await harness.publish(ledgerId, 50);
      const transactions = new Set<string>();
      const note = async (_what: string, _key: string, db: pg.ClientBase) => {
        const { rows } = await db.query<{ id: string }>('SELECT pg_current_xact_id()::text AS id');
        transactions.add(rows[0]!.id);
      };
      await start('one', note, name, 7);
      await expectEffects(ledgerId, positions);
      expect(transactions.size).toBeGreaterThanOrEqual(8);
    });

    check('is told within a second of events and of ledgers that are new to it', async () => {
      const early = await followedLedger();
      await start();
      await expectEffects(early, await harness.publish(early, 1));
      const late = await followedLedger();
      const startedAt = performance.now();
      const positions = await harness.publish(late, 1);
      await until(async () => (await effectsOf(late)).length === positions.length, waitMsMax);
      expect(performance.now() - startedAt).toBeLessThan(5_000);
    });

    check('goes on from where it stopped', async () => {
      const ledgerId = await followedLedger();
      const { subscription } = await start('first');
      const before = await harness.publish(ledgerId, 10);
      await expectEffects(ledgerId, before);
      await subscription.stop();
      const after = await harness.publish(ledgerId, 10);
      await sleep(300);
      await expectEffects(ledgerId, before);
      await start('second');
      await expectEffects(ledgerId, [...before, ...after]);
    });

    check(
      'gets the same messages again where its handler failed in the middle of its transaction',
      async () => {
        const ledgerId = await followedLedger();
        const positions = await harness.publish(ledgerId, 10);
        let failures = 0;
        await start('one', (what) => {
          if (what === positions[6] && failures++ < 3) throw new Error('the handler fails in the middle');
        });
        await expectEffects(ledgerId, positions);
        expect(failures).toBe(4);
      },
    );

    check('gets the same messages again where its connection was killed in the middle', async () => {
      const ledgerId = await followedLedger();
      const positions = await harness.publish(ledgerId, 10);
      let kills = 0;
      await start('one', async (what, _, db) => {
        if (what !== positions[4] || kills++ > 0) return;
        const { rows } = await db.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
        await superuser.query('SELECT pg_terminate_backend($1)', [rows[0]!.pid]);
      });
      await expectEffects(ledgerId, positions);
      expect(kills).toBeGreaterThan(1);
    });

    check('gets all messages beside a subscriber of another name', async () => {
      const other = `${name}-other`;
      const ledgerId = await followedLedger(name, other);
      await start('one');
      await start('two', undefined, other);
      const positions = await harness.publish(ledgerId, 30);
      await expectEffects(ledgerId, positions);
      await expectEffects(ledgerId, positions, other);
    });

    check('shares the work with another process of its name', async () => {
      const ledgerIds = await Promise.all(Array.from({ length: 12 }, () => followedLedger()));
      const slowly = () => sleep(2);
      await start('one', slowly);
      await start('two', slowly);
      const published = new Map<string, string[]>(ledgerIds.map((ledgerId) => [ledgerId, []]));
      const deadlineAt = performance.now() + waitMsMax;
      for (let workers = new Set<string>(); workers.size < 2;) {
        if (performance.now() > deadlineAt) throw new Error('only one of two processes works');
        await Promise.all(
          ledgerIds.map(async (ledgerId) => {
            published.get(ledgerId)?.push(...(await harness.publish(ledgerId, 5)));
          }),
        );
        for (const ledgerId of ledgerIds) await expectHandled(ledgerId, published.get(ledgerId)?.length ?? 0);
        workers = new Set(
          (await Promise.all(ledgerIds.map((id) => effectsOf(id)))).flat().map((e) => e.process),
        );
      }
      for (const [ledgerId, positions] of published) await expectEffects(ledgerId, positions);
    });

    async function expectHandled(ledgerId: string, effects: number): Promise<void> {
      await until(async () => (await effectsOf(ledgerId)).length >= effects, waitMsMax);
    }

    check('does the work of a process of its name that dies in the middle of a handler', async () => {
      const ledgerId = await followedLedger();
      const positions = await harness.publish(ledgerId, 10);
      const [inHandler, never] = [gate(), gate()];
      const { process } = await start('dying', async (what) => {
        if (what !== positions[3]) return;
        inHandler.open();
        await never.opened;
        throw new Error('the process is dead');
      });
      await inHandler.opened;
      await start('heir');
      await process.loseWork();
      await expectEffects(ledgerId, positions);
      const more = await harness.publish(ledgerId, 5);
      await expectEffects(ledgerId, [...positions, ...more]);
      expect(new Set((await effectsOf(ledgerId)).map((effect) => effect.process))).toEqual(new Set(['heir']));
    });

    check('changes nothing where it goes on after others have taken its work', async () => {
      const ledgerId = await followedLedger();
      const positions = await harness.publish(ledgerId, 10);
      const [inHandler, thaw] = [gate(), gate()];
      let isFirst = true;
      const { process } = await start('stale', async (what) => {
        if (what !== positions[3] || !isFirst) return;
        isFirst = false;
        inHandler.open();
        await thaw.opened;
      });
      await inHandler.opened;
      await start('owner');
      await process.loseWork();
      await expectEffects(ledgerId, positions);
      thaw.open();
      await sleep(500);
      const more = await harness.publish(ledgerId, 5);
      await expectEffects(ledgerId, [...positions, ...more]);
      const first = (await effectsOf(ledgerId)).slice(0, positions.length);
      expect(new Set(first.map((effect) => effect.process))).toEqual(new Set(['owner']));
    });

    check('is handed a message that nobody understands, in its place, and gets all others', async () => {
      const [poisoned, sound] = await Promise.all([followedLedger(), followedLedger()]);
      await start();
      const before = await harness.publish(poisoned, 3);
      await harness.publishPoison(poisoned);
      const [after, others] = [await harness.publish(poisoned, 3), await harness.publish(sound, 5)];
      await expectEffects(poisoned, [...before, 'poison', ...after]);
      await expectEffects(sound, others);
    });

    check('is never past a message that it could not handle', async () => {
      const ledgerId = await followedLedger();
      const before = await harness.publish(ledgerId, 2);
      await harness.publishPoison(ledgerId);
      const after = await harness.publish(ledgerId, 2);
      let isUnderstood = false;
      let refusals = 0;
      await start('one', (what) => {
        if (what !== 'poison' || isUnderstood) return;
        refusals++;
        throw new Error('the handler has no place to keep it');
      });
      await until(() => refusals >= 3, waitMsMax);
      expect((await effectsOf(ledgerId)).map(({ what }) => what)).not.toEqual(expect.arrayContaining(after));
      isUnderstood = true;
      await expectEffects(ledgerId, [...before, 'poison', ...after]);
    });

    it.each(outages)(
      'goes on by itself after %s',
      async (outage) => {
        const ledgerIds = await Promise.all([followedLedger(), followedLedger()]);
        await start('one');
        await start('two');
        const published: string[][] = [];
        for (const ledgerId of ledgerIds) {
          const positions = await harness.publish(ledgerId, 10);
          published.push(positions);
          await expectEffects(ledgerId, positions);
        }
        const handledSoFar = ledgerIds.map((ledgerId) => harness.publish(ledgerId, 50));
        for (const [index, positions] of (await Promise.all(handledSoFar)).entries()) {
          published[index]?.push(...positions);
        }
        await harness.outage(outage);
        for (const [index, ledgerId] of ledgerIds.entries()) {
          published[index]?.push(...(await harness.publish(ledgerId, 10)));
          await expectEffects(ledgerId, published[index] ?? []);
        }
      },
      180_000,
    );
  });
}

/** The position of an event, or `poison` where the message can't be read as one. */
function whatOf({ value }: StreamMessage): string {
  try {
    const { position } = JSON.parse(value ?? '') as { position?: unknown };
    return typeof position === 'string' ? position : 'poison';
  } catch {
    return 'poison';
  }
}
