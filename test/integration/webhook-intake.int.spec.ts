import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { Registry } from 'prom-client';
import { decodeTypeId, eventIdOf, ledgerIdOf } from '#contracts';
import type { StreamMessage, Subscriber } from '#event-stream';
import { deliveryMetrics } from '../../apps/webhook-dispatcher/src/delivery/delivery-metrics.js';
import { discardDeadLetter, retryDeadLetter } from '../../apps/webhook-dispatcher/src/intake/dead-letters.js';
import { Intake } from '../../apps/webhook-dispatcher/src/intake/intake.js';
import { listDeadLetters } from '../../apps/webhook-dispatcher/src/intake/scan-dead-letters.js';
import { dayAfter } from '../../apps/webhook-dispatcher/src/retention/days.js';
import { Retention } from '../../apps/webhook-dispatcher/src/retention/retention.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { HandMadeJournal } from '../support/hand-made-journal.js';
import {
  deliveriesOf,
  FedLedger,
  handleInTransaction,
  insertEndpoint,
  newDeliveryPool,
  until,
} from '../support/delivery-fixtures.js';

let database: TestDatabase;
let superuser: pg.Pool;
let pool: pg.Pool;
let retention: Retention;
let intake: Intake;
const errors: string[] = [];
const logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: (_: object, message: string) => void errors.push(message),
};

beforeAll(async () => {
  database = await createTestDatabase();
  superuser = new pg.Pool({ connectionString: database.superuserUrl, options: '-c timezone=UTC' });
  pool = newDeliveryPool(database.dispatcherUrl);
  retention = new Retention({ pool, logger });
  await retention.start();
  intake = new Intake({
    logger,
    metrics: deliveryMetrics(new Registry()),
    isDayMade: (day) => retention.isMade(day),
  });
});

afterAll(async () => {
  await retention.stop();
  await pool.end();
  await superuser.end();
  await database.drop();
});

beforeEach(() => {
  errors.length = 0;
});

const feed = (messages: readonly StreamMessage[]) => handleInTransaction(pool, intake, messages);

const eventIds = (messages: readonly StreamMessage[]) =>
  messages.map(({ value }) => decodeTypeId('evt', JSON.parse(value ?? '').id));

async function storedIn(ledger: FedLedger): Promise<string[]> {
  const { rows } = await superuser.query(
    'SELECT event_id FROM dispatcher.events WHERE ledger_id = $1 ORDER BY epoch, position',
    [ledger.id],
  );
  return rows.map((row) => row.event_id);
}

async function ledgerRow(ledger: FedLedger) {
  const { rows } = await superuser.query(
    'SELECT epoch, position::integer, parked_reason, is_gap_allowed FROM dispatcher.ledgers WHERE ledger_id = $1',
    [ledger.id],
  );
  return rows[0];
}

async function deadLettersOf(ledger: FedLedger) {
  const { rows } = await superuser.query(
    'SELECT id, origin, reason FROM dispatcher.dead_letters WHERE ledger_id = $1 ORDER BY id',
    [ledger.id],
  );
  return rows;
}

/** In the order of their ledger. */
async function deliveredEvents(endpointId: string): Promise<string[]> {
  const { rows } = await superuser.query(
    `SELECT d.event_id FROM dispatcher.deliveries d JOIN dispatcher.events e USING (day, event_id)
     WHERE d.endpoint_id = $1 ORDER BY e.epoch, e.position`,
    [endpointId],
  );
  return rows.map((row) => row.event_id);
}

describe('the fan-out', () => {
  it('goes by event type, accounts, owner and time of creation', async () => {
    const ledger = new FedLedger();
    const [alice, bob] = [randomUUID(), randomUUID()];
    const all = await insertEndpoint(superuser, ledger.id);
    const transactions = await insertEndpoint(superuser, ledger.id, { eventTypes: ['transaction.*'] });
    const opened = await insertEndpoint(superuser, ledger.id, { eventTypes: ['account.opened'] });
    const ofAlice = await insertEndpoint(superuser, ledger.id, { accountIds: [alice] });
    const ownedByBob = await insertEndpoint(superuser, ledger.id, { ownerId: 'bob' });
    const rates = await insertEndpoint(superuser, ledger.id, { eventTypes: ['exchange-rate.*'] });
    const newer = await insertEndpoint(superuser, ledger.id, { createdAt: new Date(Date.now() + 60_000) });
    const messages = [
      ledger.message([{ accountId: alice, ownerId: 'alice' }], { type: 'account.opened' }),
      ledger.message([
        { accountId: alice, ownerId: 'alice' },
        { accountId: bob, ownerId: 'bob' },
      ]),
      ledger.message([{ accountId: bob, ownerId: 'bob' }], { type: 'transaction.of_a_later_release' }),
      // It touches no account: nobody's who asks for those of an account or has an owner.
      ledger.message([], { type: 'exchange-rate.set' }),
    ];
    const [first, second, third, fourth] = eventIds(messages);
    await feed(messages);
    expect(await deliveredEvents(all.id)).toEqual([first, second, third, fourth]);
    expect(await deliveredEvents(rates.id)).toEqual([fourth]);
    expect(await deliveredEvents(transactions.id)).toEqual([second, third]);
    expect(await deliveredEvents(opened.id)).toEqual([first]);
    expect(await deliveredEvents(ofAlice.id)).toEqual([first, second]);
    expect(await deliveredEvents(ownedByBob.id)).toEqual([second, third]);
    expect(await deliveredEvents(newer.id)).toEqual([]);
    expect(await storedIn(ledger)).toEqual([first, second, third, fourth]);
  });

  it("finds no account in an event that the endpoint's owner is not shown there", async () => {
    const ledger = new FedLedger();
    const own = { accountId: randomUUID(), ownerId: 'alice' };
    const others = (['private', 'unlisted', 'public'] as const).map((visibility) => ({
      accountId: randomUUID(),
      ownerId: 'bob',
      visibility,
    }));
    const naming = ({ accountId }: { accountId: string }, ownerId: string | null) =>
      insertEndpoint(superuser, ledger.id, { accountIds: [accountId], ownerId });
    const named = await Promise.all([own, ...others].map((side) => naming(side, 'alice')));
    const unbound = await Promise.all([own, ...others].map((side) => naming(side, null)));
    const messages = others.map((side) => ledger.message([own, side]));
    const [withPrivate, withUnlisted, withPublic] = eventIds(messages);
    await feed(messages);
    const delivered = (endpoints: readonly { id: string }[]) =>
      Promise.all(endpoints.map(({ id }) => deliveredEvents(id)));
    const toAll = [[withPrivate, withUnlisted, withPublic], [withPrivate], [withUnlisted], [withPublic]];
    expect(await delivered(named)).toEqual([toAll[0], [], [withUnlisted], [withPublic]]);
    expect(await delivered(unbound)).toEqual(toAll);
  });

  it('keeps events for an endpoint that is disabled or wants none of them, without deliveries', async () => {
    const ledger = new FedLedger();
    const { id } = await insertEndpoint(superuser, ledger.id);
    await superuser.query(
      "UPDATE dispatcher.endpoints SET status = 'disabled', disabled_reason = 'manual' WHERE id = $1",
      [id],
    );
    await feed(ledger.messages(2));
    expect(await storedIn(ledger)).toHaveLength(2);
    expect(await deliveredEvents(id)).toEqual([]);
  });

  it('passes over a ledger that nobody listens to, and knows how far it was', async () => {
    const ledger = new FedLedger();
    await feed(ledger.messages(3));
    expect(await storedIn(ledger)).toEqual([]);
    expect(await ledgerRow(ledger)).toMatchObject({ epoch: 1, position: 3, parked_reason: null });
  });

  it('puts an event of an ordered endpoint into its accounts’ lanes, system accounts apart', async () => {
    const ledger = new FedLedger();
    const [alice, bob, root] = [randomUUID(), randomUUID(), randomUUID()];
    const every = await insertEndpoint(superuser, ledger.id, { ordering: 'account' });
    const ofBob = await insertEndpoint(superuser, ledger.id, { ordering: 'account', accountIds: [bob] });
    await feed([
      ledger.message([{ accountId: alice }, { accountId: bob }, { accountId: root, system: 'ROOT' }]),
    ]);
    const lanes = async (id: string) => {
      const { rows } = await superuser.query(
        'SELECT account_id FROM dispatcher.lane_entries WHERE endpoint_id = $1',
        [id],
      );
      return rows.map((row) => row.account_id).sort();
    };
    expect(await lanes(every.id)).toEqual([alice, bob].sort());
    expect(await lanes(ofBob.id)).toEqual([bob]);
    expect(await deliveriesOf(superuser, every.id)).toMatchObject([
      { status: 'pending', next_attempt_at: null },
    ]);
  });

  it('takes in no more events than make 20,000 deliveries at once, and the rest the next time', async () => {
    const ledger = new FedLedger();
    for (let n = 0; n < 250; n++)
      await insertEndpoint(superuser, ledger.id, { eventTypes: ['account.opened'] });
    const { id } = await insertEndpoint(superuser, ledger.id);
    const messages = ledger.messages(100);
    expect(await feed(messages)).toBe(79);
    expect(await deliveredEvents(id)).toEqual(eventIds(messages.slice(0, 79)));
    expect(await feed(messages.slice(79))).toBe(21);
    expect(await deliveredEvents(id)).toEqual(eventIds(messages));
  });

  it('writes more deliveries than one statement takes, all of them or none', async () => {
    const ledger = new FedLedger();
    const [alice, bob] = [randomUUID(), randomUUID()];
    for (let n = 0; n < 4; n++) await insertEndpoint(superuser, ledger.id);
    await insertEndpoint(superuser, ledger.id, { ordering: 'account' });
    const messages = Array.from({ length: 2_001 }, () =>
      ledger.message([{ accountId: alice }, { accountId: bob }]),
    );
    const counts = async () => {
      const { rows } = await superuser.query(
        `SELECT (SELECT count(*)::integer FROM dispatcher.events WHERE ledger_id = $1) AS events,
          (SELECT count(*)::integer FROM dispatcher.deliveries WHERE ledger_id = $1) AS deliveries,
          (SELECT count(*)::integer FROM dispatcher.lane_entries l JOIN dispatcher.endpoints e ON e.id = l.endpoint_id
            WHERE e.ledger_id = $1) AS lanes,
          (SELECT position::integer FROM dispatcher.ledgers WHERE ledger_id = $1) AS position`,
        [ledger.id],
      );
      return rows[0];
    };
    const failing: Subscriber = {
      name: intake.name,
      handle: async (db, given) => {
        await intake.handle(db, given);
        throw new Error('lost');
      },
    };
    await expect(handleInTransaction(pool, failing, messages)).rejects.toThrow('lost');
    expect(await counts()).toMatchObject({ events: 0, deliveries: 0, lanes: 0 });
    await feed(messages);
    expect(await counts()).toEqual({ events: 2_001, deliveries: 10_005, lanes: 4_002, position: 2_001 });
    await feed(messages);
    expect(await counts()).toEqual({ events: 2_001, deliveries: 10_005, lanes: 4_002, position: 2_001 });
  });

  it('files an event that is older than what is kept under today', async () => {
    const ledger = new FedLedger();
    await insertEndpoint(superuser, ledger.id, { createdAt: new Date('2025-01-01') });
    const daysAgo = (days: number) => new Date(Date.now() - days * 86_400_000);
    await feed([
      ledger.message([], { occurredAt: daysAgo(40) }),
      ledger.message([], { occurredAt: daysAgo(20) }),
    ]);
    const { rows } = await superuser.query(
      'SELECT day::text FROM dispatcher.events WHERE ledger_id = $1 ORDER BY position',
      [ledger.id],
    );
    expect(rows.map(({ day }) => day)).toEqual([dayAfter(Date.now()), dayAfter(Date.now(), -20)]);
  });
});

describe('a message that comes again', () => {
  it('changes nothing, whatever its origin', async () => {
    const ledger = new FedLedger();
    const { id } = await insertEndpoint(superuser, ledger.id);
    const messages = ledger.messages(3);
    await feed(messages);
    await feed([...messages.slice(1), ledger.message()]);
    await feed(messages.map((message) => ({ ...message, origin: 'elsewhere' })));
    expect(await deliveredEvents(id)).toHaveLength(4);
    expect(await ledgerRow(ledger)).toMatchObject({ position: 4, parked_reason: null });
  });

  it('is no repeat under a higher epoch, and is one under a lower', async () => {
    const ledger = new FedLedger();
    const { id } = await insertEndpoint(superuser, ledger.id);
    await feed(ledger.messages(5));
    ledger.epoch = 2;
    ledger.position = 2n;
    await feed(ledger.messages(2));
    ledger.epoch = 1;
    ledger.position = 9n;
    await feed(ledger.messages(1));
    expect(await deliveredEvents(id)).toHaveLength(7);
    expect(await ledgerRow(ledger)).toMatchObject({ epoch: 2, position: 4, parked_reason: null });
  });

  it('has no effect when its transaction fails, and all of it when it comes again', async () => {
    const ledger = new FedLedger();
    const { id } = await insertEndpoint(superuser, ledger.id);
    const messages = ledger.messages(2);
    const failing = {
      name: 'webhooks',
      handle: async (...args: Parameters<Intake['handle']>) => {
        await intake.handle(...args);
        throw new Error('killed');
      },
    };
    await expect(handleInTransaction(pool, failing, messages)).rejects.toThrow('killed');
    expect(await storedIn(ledger)).toEqual([]);
    await feed(messages);
    expect(await deliveredEvents(id)).toEqual(eventIds(messages));
  });
});

describe('a gap', () => {
  it('parks its ledger, and no other, until somebody decides', async () => {
    const [ledger, other] = [new FedLedger(), new FedLedger()];
    const { id } = await insertEndpoint(superuser, ledger.id);
    const { id: otherId } = await insertEndpoint(superuser, other.id);
    const [first, , ...behind] = ledger.messages(5) as [StreamMessage, StreamMessage, ...StreamMessage[]];
    await feed([first, ...behind.slice(0, 2), ...other.messages(2)]);
    await feed([...behind.slice(2), ...other.messages(1)]);
    expect(await deliveredEvents(id)).toEqual(eventIds([first]));
    expect(await deliveredEvents(otherId)).toHaveLength(3);
    expect(await ledgerRow(ledger)).toMatchObject({
      position: 1,
      parked_reason: 'a gap: 1:3 came after 1:1',
    });
    const letters = await deadLettersOf(ledger);
    expect(letters.map(({ origin }) => origin)).toEqual(behind.map(({ origin }) => origin));
    expect(letters.map(({ reason }) => reason !== null)).toEqual([true, false, false]);
    expect(errors).toHaveLength(1);

    expect(await retryDeadLetter(pool, letters[1].id)).toMatchObject({ result: 'refused' });
    expect(await retryDeadLetter(pool, letters[0].id)).toEqual({ result: 'resumed', messages: 3 });
    expect(await deliveredEvents(id)).toEqual(eventIds([first, ...behind]));
    expect(await ledgerRow(ledger)).toEqual({
      epoch: 1,
      position: 5,
      parked_reason: null,
      is_gap_allowed: false,
    });
    expect(await deadLettersOf(ledger)).toEqual([]);
  });
});

describe('a message that can’t be read', () => {
  const broken: readonly (readonly [string, (message: StreamMessage) => StreamMessage])[] = [
    ['no value', (message) => ({ ...message, value: null, unreadable: 'of a later release' })],
    ['no JSON', (message) => ({ ...message, value: '{' })],
    ['an envelope of a later version', (message) => edited(message, { version: 2 })],
    ['no legs', (message) => edited(message, { legs: undefined })],
    ['another ledger’s id', (message) => edited(message, { ledgerId: new FedLedger().event().ledgerId })],
    ['no position', (message) => edited(message, { position: 'x' })],
  ];

  it.each(broken)('parks its ledger: %s', async (_, damage) => {
    const ledger = new FedLedger();
    const { id } = await insertEndpoint(superuser, ledger.id);
    const [first, second, third] = ledger.messages(3) as [StreamMessage, StreamMessage, StreamMessage];
    await feed([first, damage(second), third]);
    expect(await deliveredEvents(id)).toEqual(eventIds([first]));
    const [letter] = await deadLettersOf(ledger);
    expect(letter.reason).toEqual(expect.any(String));

    // As it is, it parks the ledger again.
    expect(await retryDeadLetter(pool, letter.id)).toMatchObject({ result: 'parked', messages: 0 });
    expect((await listDeadLetters(pool)).map((listed) => listed.id)).toContain(letter.id);
    // A later release can read it.
    await superuser.query('UPDATE dispatcher.dead_letters SET message = $2 WHERE id = $1', [
      letter.id,
      JSON.stringify(second),
    ]);
    expect(await retryDeadLetter(pool, letter.id)).toEqual({ result: 'resumed', messages: 2 });
    expect(await deliveredEvents(id)).toEqual(eventIds([first, second, third]));
  });

  it('is read from the journal again where an earlier release could not render its event', async () => {
    const owner = await superuser.connect();
    const journal = new HandMadeJournal(owner);
    journal.openAccount();
    await journal.commit();
    const { id } = await insertEndpoint(superuser, journal.ledgerId, { createdAt: new Date(0) });
    const { rows } = await owner.query<{ id: string }>('SELECT id FROM journal.events WHERE ledger_id = $1', [
      journal.ledgerId,
    ]);
    owner.release();
    const eventId = rows[0]!.id;
    const headers = { ce_id: eventIdOf(eventId), ce_epoch: '1', ce_position: '1' };
    const unread = { value: null, unreadable: 'not known to this release', origin: 'journal' };
    await feed([{ key: ledgerIdOf(journal.ledgerId), headers, ...unread }]);
    const letter = (await listDeadLetters(pool)).find((listed) => listed.ledgerId === journal.ledgerId);
    expect(await retryDeadLetter(pool, letter!.id)).toEqual({ result: 'resumed', messages: 1 });
    expect(await deliveredEvents(id)).toEqual([eventId]);
  });

  it('is given up when it is discarded, and those behind it go on', async () => {
    const ledger = new FedLedger();
    const { id } = await insertEndpoint(superuser, ledger.id);
    const [first, second, third] = ledger.messages(3) as [StreamMessage, StreamMessage, StreamMessage];
    await feed([first, { ...second, value: 'x' }]);
    await feed([third]);
    const [letter] = await deadLettersOf(ledger);
    expect(await discardDeadLetter(pool, letter.id)).toEqual({ result: 'resumed', messages: 1 });
    expect(await deliveredEvents(id)).toEqual(eventIds([first, third]));
    await feed(ledger.messages(1));
    expect(await deliveredEvents(id)).toHaveLength(3);
    const { rows } = await superuser.query('SELECT action FROM access.audit_log WHERE ledger_id = $1', [
      ledger.id,
    ]);
    expect(rows).toEqual([{ action: 'dead_letter.discard' }]);
  });

  it('is kept aside when it is of no ledger, and only discarded', async () => {
    const ledger = new FedLedger();
    await feed([{ ...ledger.message(), key: 'nobody' }]);
    const letter = (await listDeadLetters(pool)).find(({ ledgerId }) => ledgerId === null);
    expect(letter).toMatchObject({ reason: 'its key is no ledger' });
    expect(await retryDeadLetter(pool, letter?.id ?? '')).toMatchObject({ result: 'refused' });
    expect(await discardDeadLetter(pool, letter?.id ?? '')).toMatchObject({ result: 'resumed' });
    expect(await discardDeadLetter(pool, letter?.id ?? '')).toMatchObject({ result: 'refused' });
  });
});

describe('retention', () => {
  it('drops days by age, as a role that owns no table', async () => {
    const old = new Retention({ pool, logger, now: () => Date.now() + 40 * 86_400_000 });
    const daysOf = async () => {
      const { rows } = await superuser.query(
        `SELECT inhparent::regclass || ' ' || right(inhrelid::regclass::text, 8) AS day FROM pg_inherits
         WHERE inhparent IN ('dispatcher.events'::regclass, 'dispatcher.deliveries'::regclass,
           'dispatcher.attempts'::regclass) ORDER BY 1`,
      );
      return rows.map(({ day }) => day);
    };
    await superuser.query('SELECT dispatcher.make_days_v1($1)', [[dayAfter(Date.now(), -20)]]);
    const before = await daysOf();
    for (const table of ['events', 'deliveries', 'attempts']) {
      expect(before).toContain(`dispatcher.${table} ${dayAfter(Date.now(), -20).replaceAll('-', '')}`);
    }
    await superuser.query('SELECT dispatcher.make_days_v1($1)', [[dayAfter(Date.now(), -31)]]);
    await until('the old day is dropped', async () => {
      await retention.tidy();
      return (await daysOf()).length === before.length;
    });
    expect(await daysOf()).toEqual(before);
    // A clock that is wrong makes no days of next month, and drops nothing of this week.
    await expect(old.tidy()).rejects.toThrow('no partitions are made for');
    await expect(pool.query('SELECT dispatcher.drop_day_before_v1(current_date)')).rejects.toThrow(
      'nothing of the last seven days',
    );
    await expect(pool.query('DROP TABLE dispatcher.events')).rejects.toThrow('must be owner');
  });

  it('takes what is as old from the lanes, and nothing younger', async () => {
    const [ledger, endpointId] = [new FedLedger(), randomUUID()];
    for (const age of [0, 20, 31, 40]) {
      const day = dayAfter(Date.now(), -age);
      await superuser.query(
        `INSERT INTO dispatcher.lane_entries (endpoint_id, account_id, epoch, position, day, event_id)
         VALUES ($1, gen_random_uuid(), 1, $2, $3, gen_random_uuid())`,
        [endpointId, ++ledger.position, day],
      );
      await superuser.query(
        `INSERT INTO dispatcher.lane_skips (endpoint_id, account_id, event_id, skipped_at)
         VALUES ($1, gen_random_uuid(), gen_random_uuid(), $2::date)`,
        [endpointId, day],
      );
    }
    const kept = async () => {
      const { rows } = await superuser.query(
        `SELECT 'entry' AS what, day::text FROM dispatcher.lane_entries WHERE endpoint_id = $1
         UNION ALL SELECT 'skip', skipped_at::date::text FROM dispatcher.lane_skips WHERE endpoint_id = $1
         ORDER BY what, day`,
        [endpointId],
      );
      return rows;
    };
    await until('what is old is gone', async () => {
      await retention.tidy();
      return (await kept()).length === 4;
    });
    const days = [dayAfter(Date.now(), -20), dayAfter(Date.now())];
    expect(await kept()).toEqual(['entry', 'skip'].flatMap((what) => days.map((day) => ({ what, day }))));
  });
});

function edited(message: StreamMessage, changes: object): StreamMessage {
  return {
    ...message,
    headers: {},
    value: JSON.stringify({ ...JSON.parse(message.value ?? ''), ...changes }),
  };
}
