import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { Registry } from 'prom-client';
import { projectionMetrics } from '../../apps/ledger/src/projections/projection-metrics.js';
import { ProjectionRunner } from '../../apps/ledger/src/projections/projection-runner.js';
import { listsProjection } from '../../apps/ledger/src/projections/lists-projection.js';
import { projections } from '../../tools/rebuild/projections.js';
import { rebuildLists, type RebuildOptions } from '../../tools/rebuild/rebuild-lists.js';
import { rebuildState } from '../../tools/rebuild/rebuild-state.js';
import { DecidedJournal } from '../support/decided-journal.js';
import { JournalProcess, until } from '../support/journal-fixtures.js';
import { createListDatabase, type ListDatabase } from '../support/list-reading.js';
import { LivedLedger } from '../support/lived-ledger.js';
import { RandomLifecycle } from '../support/random-lifecycle.js';
import { seededRandom } from '../support/seeded-random.js';
import { startRebuild } from '../support/start-rebuild.js';
import { contentOf, spoil, tablesIn } from '../support/spoiled-rows.js';
import { expectVerified } from '../support/verify.js';

let db: ListDatabase;
let journal: JournalProcess;
const told: string[] = [];
const random = seededRandom();

beforeEach(async () => {
  db = await createListDatabase();
  journal = new JournalProcess(db.database.ledgerUrl);
  told.length = 0;
});
afterEach(async () => {
  await journal.stop();
  await db.drop();
});

/** A session that has read a table, and goes on to hold it until it is ended. */
async function startReader(applicationName: string): Promise<pg.Client> {
  const reader = new pg.Client({ connectionString: db.database.ownerUrl, application_name: applicationName });
  reader.on('error', () => undefined);
  await reader.connect();
  await reader.query('BEGIN; SELECT count(*) FROM projections.entries');
  return reader;
}

const tables = listsProjection.tables.map((table) => `projections.${table}`);

const rebuild = (options: Partial<RebuildOptions> = {}) =>
  rebuildLists(db.database.ownerUrl, {
    repair: false,
    tell: (line) => told.push(line),
    ...options,
    settings: { retryMs: 50, ...options.settings },
  });

/** As the product would write it, lists included. */
async function livedLedger(commands = 150): Promise<LivedLedger> {
  const lived = await LivedLedger.begin(await journal.newLedger(), random);
  await lived.live(commands);
  await db.project(lived.ledger.ledgerId);
  return lived;
}

/** Decided by the domain and written by the superuser: of it lists alone can be made. */
async function decidedLedger(events = 120): Promise<DecidedJournal> {
  const decided = new DecidedJournal(db.superuser);
  new RandomLifecycle(decided, random).runTo(events);
  await decided.commit();
  return decided;
}

async function everything(): Promise<Record<string, string[]>> {
  const contents: Record<string, string[]> = {};
  for (const table of tables) contents[table] = await contentOf(db.superuser, table);
  return contents;
}

/** All that the catalog shows of the tables, by their names. */
async function definitions(): Promise<unknown[]> {
  const { rows } = await db.superuser.query(
    `SELECT 'index' AS what, indexname AS name, indexdef AS definition FROM pg_indexes WHERE schemaname = 'projections'
      UNION ALL SELECT 'constraint', conname, pg_get_constraintdef(oid) FROM pg_constraint
        WHERE connamespace = 'projections'::regnamespace
      UNION ALL SELECT 'table', relname, format('%s %s %s', relowner::regrole, relacl, reloptions) FROM pg_class
        WHERE relnamespace = 'projections'::regnamespace AND relkind = 'r'
      UNION ALL SELECT 'column', table_name || '.' || ordinal_position, column_name || ' ' || data_type || is_nullable
        FROM information_schema.columns WHERE table_schema = 'projections'
      ORDER BY 1, 2`,
  );
  return rows;
}

async function checkpointOf(ledgerId: string) {
  const { rows } = await db.superuser.query<{ position: number; parked_reason: string | null }>(
    'SELECT position::integer, parked_reason FROM projections.checkpoints WHERE ledger_id = $1',
    [ledgerId],
  );
  return rows[0];
}

async function isThere(schema: string): Promise<boolean> {
  const { rows } = await db.superuser.query('SELECT FROM pg_namespace WHERE nspname = $1', [schema]);
  return rows.length > 0;
}

it('every table that is made from the journal is of a projection, whatever tables there are', async () => {
  const made: string[] = [];
  for (const schema of ['projections', 'ledger']) {
    made.push(...(await tablesIn(db.superuser, schema)).map((name) => `${schema}.${name}`));
  }
  const known = projections.flatMap((projection) => projection.tables);
  expect([...known, 'projections.checkpoints'].sort()).toEqual(made.sort());
});

it('every projection equals its fold after a random life, and each spoiled column is found and mended', async () => {
  const lived = [await livedLedger(), await livedLedger(80)];
  for (const { tables, state } of projections.filter((each) => each.state !== null)) {
    const [table] = tables;
    const right = await contentOf(db.superuser, table!);
    const options = { repair: false, tell: (line: string) => void told.push(line) };
    expect(await rebuildState(db.database.ownerUrl, state!, options)).toMatchObject({
      differing: 0,
      untold: [],
    });

    const spoiled = await spoil(db.superuser, table!, lived[0]!.ledger.ledgerId);
    const wrong = await contentOf(db.superuser, table!);
    const found = await rebuildState(db.database.ownerUrl, state!, options);
    expect(found.differing).toBeGreaterThanOrEqual(spoiled);
    expect(await contentOf(db.superuser, table!)).toEqual(wrong);

    const mended = await rebuildState(db.database.ownerUrl, state!, { ...options, repair: true });
    expect(mended).toMatchObject({ differing: 0, repaired: found.differing });
    expect(await contentOf(db.superuser, table!)).toEqual(right);
  }
  expect(await rebuild()).toMatchObject({ differing: 0, isSwapped: true, ledgers: 2 });
  await expectVerified(db.database.ownerUrl);
}, 120_000);

describe('state, built again,', () => {
  const mend = (name: string, repair = true) => {
    const { state } = projections.find((projection) => projection.name === name)!;
    return rebuildState(db.database.ownerUrl, state!, { repair, tell: (line) => void told.push(line) });
  };

  it('is mended while batches go on, and they lose nothing', async () => {
    const lived = await livedLedger(40);
    const { ledgerId } = lived.ledger;
    let isDone = false;
    const writing = (async () => {
      while (!isDone) await lived.live(10);
    })();
    try {
      // Of these nothing but the repair writes a row that was there before.
      for (const name of ['external-ids', 'closed-periods', 'external-ids']) {
        const table = name === 'external-ids' ? 'transaction_external_ids' : 'closed_periods';
        await db.superuser.query(
          `DELETE FROM ledger.${table} WHERE ctid = (SELECT ctid FROM ledger.${table} WHERE ledger_id = $1 LIMIT 1)`,
          [ledgerId],
        );
        expect(await mend(name)).toMatchObject({ differing: 0, repaired: 1, untold: [] });
      }
    } finally {
      isDone = true;
      await writing;
    }
    for (const { name, state } of projections) {
      if (state !== null) expect(await mend(name, false)).toMatchObject({ differing: 0, untold: [] });
    }
    await db.project(ledgerId);
    await expectVerified(db.database.ownerUrl);
  });

  it('is left alone where the events do not tell how it must be', async () => {
    const [sound, erased] = [await livedLedger(20), await livedLedger(20)];
    await db.superuser.query(
      'UPDATE journal.events SET data = NULL, data_salt = NULL WHERE ledger_id = $1 AND position = 20',
      [erased.ledger.ledgerId],
    );
    await db.superuser.query('UPDATE ledger.accounts SET posted_credits = posted_credits + 1');
    const rows = await db.superuser.query('SELECT * FROM ledger.accounts WHERE ledger_id = $1 ORDER BY id', [
      erased.ledger.ledgerId,
    ]);
    const { rowCount } = await db.superuser.query('SELECT FROM ledger.accounts WHERE ledger_id = $1', [
      sound.ledger.ledgerId,
    ]);
    expect(await mend('accounts')).toMatchObject({
      differing: 0,
      repaired: rowCount,
      untold: [{ ledgerId: erased.ledger.ledgerId, reason: '1 events are erased' }],
    });
    const after = await db.superuser.query('SELECT * FROM ledger.accounts WHERE ledger_id = $1 ORDER BY id', [
      erased.ledger.ledgerId,
    ]);
    expect(after.rows).toEqual(rows.rows);
  });
});

describe('the lists, built again,', () => {
  it('are the same rows in tables of the same definition, and turns go on with them', async () => {
    const lived = await livedLedger();
    const decided = await decidedLedger();
    await db.project(decided.ledgerId);
    const [rows, before] = [await everything(), await definitions()];
    for (const table of tables) expect([table, rows[table]!.length > 0]).toEqual([table, true]);
    const rebuilt = await rebuild();
    expect(rebuilt).toMatchObject({ isSwapped: true, differing: 0, differences: [], ledgers: 2 });
    expect(rebuilt.rows.reduce((sum, { read }) => sum + read, 0)).toBe(Object.values(rows).flat().length);
    expect(await everything()).toEqual(rows);
    expect(await definitions()).toEqual(before);
    expect(await isThere('projections_rebuild')).toBe(false);

    await lived.live(30);
    await db.project(lived.ledger.ledgerId);
    await expect(rebuild()).resolves.toMatchObject({ differing: 0 });
  });

  it('are not swapped where any column of a row differs, but are to repair it', async () => {
    const lived = await livedLedger();
    const right = await everything();
    let spoiled = 0;
    for (const table of tables) spoiled += await spoil(db.superuser, table, lived.ledger.ledgerId);
    const wrong = await everything();
    const found = await rebuild();
    expect(found).toMatchObject({ isSwapped: false });
    expect(found.differing).toBeGreaterThanOrEqual(spoiled);
    expect(found.differences).toHaveLength(10);
    expect(await everything()).toEqual(wrong);
    expect(await isThere('projections_rebuild')).toBe(false);

    expect(await rebuild({ repair: true })).toMatchObject({ isSwapped: true, differing: found.differing });
    expect(await everything()).toEqual(right);
    await expectVerified(db.database.ownerUrl);
  });

  it('lack rows of a ledger that has none, which are found as well', async () => {
    await livedLedger(20);
    await db.superuser.query(`INSERT INTO projections.event_owners VALUES (gen_random_uuid(), 'nobody', 1)`);
    const found = await rebuild();
    expect(found).toMatchObject({ isSwapped: false, differing: 1 });
    expect(found.differences[0]).toMatchObject({ table: 'event_owners', rebuilt: null });
    expect(found.differences[0]!.read).toContain('nobody');
  });

  it('come as far as the lists have: of a ledger that is behind, or parked, no further', async () => {
    const [behind, parked] = [await decidedLedger(), await decidedLedger()];
    await db.turn(behind.ledgerId, 50);
    parked.writeRaw('transaction.invented', 1, '{}');
    await parked.commit();
    expect(await db.turn(parked.ledgerId)).toMatchObject({ result: 'parked' });
    const rows = await everything();
    expect(await rebuild()).toMatchObject({
      isSwapped: true,
      differing: 0,
      events: 50 + Number(parked.head) - 1,
    });
    expect(await everything()).toEqual(rows);
    expect(await checkpointOf(behind.ledgerId)).toEqual({ position: 50, parked_reason: null });
    expect((await checkpointOf(parked.ledgerId))?.parked_reason).toContain('transaction.invented');
    await db.project(behind.ledgerId);
    await expect(rebuild()).resolves.toMatchObject({ differing: 0 });
  });

  it('let a ledger go on that was parked because of a wrong row', async () => {
    const decided = await decidedLedger();
    await db.turn(decided.ledgerId, 100);
    const owner = `INSERT INTO projections.transactions (ledger_id, position, id, type, status)
      SELECT $1, n, gen_random_uuid(), 'transfer', 'posted' FROM generate_series(101, $2::integer) n`;
    await db.superuser.query(owner, [decided.ledgerId, Number(decided.head)]);
    expect(await db.turn(decided.ledgerId)).toMatchObject({ result: 'parked' });
    const { position } = (await checkpointOf(decided.ledgerId))!;
    expect(await rebuild()).toMatchObject({ isSwapped: false });
    expect(await rebuild({ repair: true })).toMatchObject({ isSwapped: true, events: position });
    expect(await checkpointOf(decided.ledgerId)).toEqual({ position, parked_reason: null });
    await db.project(decided.ledgerId);
    expect(await checkpointOf(decided.ledgerId)).toEqual({
      position: Number(decided.head),
      parked_reason: null,
    });
    await expect(rebuild()).resolves.toMatchObject({ differing: 0 });
  });

  it('put back a checkpoint that is past the end of the journal', async () => {
    const lived = await livedLedger(20);
    const { ledgerId } = lived.ledger;
    const before = (await checkpointOf(ledgerId))!;
    await db.superuser.query(
      'UPDATE projections.checkpoints SET position = position + 5 WHERE ledger_id = $1',
      [ledgerId],
    );
    expect(await rebuild({ repair: true })).toMatchObject({ isSwapped: true, differing: 0 });
    expect(await checkpointOf(ledgerId)).toEqual(before);
    await expectVerified(db.database.ownerUrl);
  });

  it('are refused where the tables have what can not be copied, or something depends on them', async () => {
    await livedLedger(20);
    const rows = await everything();
    await db.superuser.query('CREATE VIEW public.seen AS SELECT id FROM projections.transactions');
    await expect(rebuild()).rejects.toThrow(/depends on/);
    await db.superuser.query('DROP VIEW public.seen');
    await db.superuser
      .query(`CREATE FUNCTION public.nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
      CREATE TRIGGER planted BEFORE INSERT ON projections.entries FOR EACH ROW EXECUTE FUNCTION public.nothing()`);
    await expect(rebuild()).rejects.toThrow(/projections.entries can't be copied as it is:\n.*planted/);
    await db.superuser.query('DROP TRIGGER planted ON projections.entries');
    const counted = (change: string) =>
      db.superuser.query(`ALTER TABLE projections.entries ALTER COLUMN direction ${change}`);
    await counted('SET (n_distinct = 2)');
    await expect(rebuild()).rejects.toThrow(/projections.entries can't be copied as it is:\n.*n_distinct=2/);
    await counted('RESET (n_distinct)');
    expect(await everything()).toEqual(rows);
    await expect(rebuild()).resolves.toMatchObject({ isSwapped: true });
  });

  it('wait for a long reader without holding up others, and give up with its name', async () => {
    const lived = await livedLedger(20);
    const reader = await startReader('a long report');
    await sleep(1_100);
    const refused = rebuild({ settings: { triesMax: 8, retryMs: 100 } }).catch((error: Error) => error);
    let slowestMs = 0;
    for (let isDone = false; !isDone;) {
      void refused.then(() => (isDone = true));
      const startedAt = performance.now();
      await db.readPool.query('SELECT count(*) FROM projections.entries WHERE ledger_id = $1', [
        lived.ledger.ledgerId,
      ]);
      slowestMs = Math.max(slowestMs, performance.now() - startedAt);
      await sleep(5);
    }
    expect((await refused) as Error).toMatchObject({
      name: 'CannotStart',
      message: expect.stringMatching(
        /8 tries\); nothing was changed\. In the way: a long report \(process \d+/,
      ),
    });
    expect(slowestMs).toBeLessThan(2_000);
    await reader.end();
    await expect(rebuild()).resolves.toMatchObject({ isSwapped: true });
  });

  it('are built by one run at a time', async () => {
    await livedLedger(20);
    const reader = await startReader('a long report');
    const first = rebuild();
    await until(() => told.some((line) => line.startsWith('waiting')), 30_000);
    await expect(rebuild()).rejects.toThrow('Another run is building a projection again');
    await reader.end();
    await expect(first).resolves.toMatchObject({ isSwapped: true });
  });
});

describe('npm run rebuild', () => {
  const start = (...args: string[]) => startRebuild(db.database.ownerUrl, ...args);

  it('lists the projections, and refuses what is none', async () => {
    const listed = start();
    expect(await listed.exited).toMatchObject({ code: 0 });
    for (const { name } of projections)
      expect(listed.output()).toMatch(new RegExp(`^${name} .* rows, `, 'm'));
    const unknown = start('prices');
    expect(await unknown.exited).toMatchObject({ code: 1 });
    expect(unknown.output()).toContain('There is no projection prices; there are lists, accounts');
    const misspelt = start('lists', '--repiar');
    expect(await misspelt.exited).toMatchObject({ code: 1 });
    expect(misspelt.output()).toContain('Usage: npm run rebuild');
  });

  it('killed at any moment leaves the lists as they are, and does its work when it is started again', async () => {
    const lived = await livedLedger(100);
    const decided = await decidedLedger(1_500);
    await db.project(decided.ledgerId);
    const rows = await everything();
    const reader = await startReader('a long report');
    const waiting = start('lists');
    await waiting.until('the swap to be waited for', () => waiting.output().includes('waiting:'));
    await waiting.kill();
    expect(await isThere('projections_rebuild')).toBe(true);
    await reader.end();
    for (let round = 0; round < 3; round++) {
      const killed = start('lists');
      await sleep(250 + random.below(900));
      await killed.kill();
      expect(await everything()).toEqual(rows);
    }
    await lived.live(20);
    await db.project(lived.ledger.ledgerId);
    // A session whose client was killed ends when its statement does.
    let run = start('lists');
    for (let tries = 0; tries < 50; tries++) {
      const { code } = await run.exited;
      if (code === 0 || !run.output().includes('Another run')) break;
      await sleep(100);
      run = start('lists');
    }
    expect(run.output()).toMatch(/swapped \(\d+ tries for locks\): the projection stood still for \d+ ms/);
    expect(await isThere('projections_rebuild')).toBe(false);
    await lived.live(20);
    await db.project(lived.ledger.ledgerId);
    await expect(rebuild()).resolves.toMatchObject({ differing: 0 });
  }, 120_000);

  it('ends with 1 and the rows where something differs, and with 0 where that is repaired', async () => {
    const lived = await livedLedger(20);
    const { ledgerId } = lived.ledger;
    await db.superuser.query(`UPDATE projections.entries SET amount = amount + 1
      WHERE ctid = (SELECT ctid FROM projections.entries WHERE ledger_id = '${ledgerId}' LIMIT 1)`);
    await db.superuser.query(`UPDATE ledger.accounts SET posted_credits = posted_credits + 1
      WHERE ctid = (SELECT ctid FROM ledger.accounts WHERE ledger_id = '${ledgerId}' LIMIT 1)`);
    for (const name of ['lists', 'accounts']) {
      const found = start(name);
      expect(await found.exited).toMatchObject({ code: 1 });
      expect(found.output()).toMatch(/1 rows differ; the first of them:\n.*\n {2}read: .*\n {2}rebuilt: /);
      const repaired = start(name, '--repair');
      expect([repaired.output(), await repaired.exited]).toMatchObject([expect.anything(), { code: 0 }]);
    }
    await expectVerified(db.database.ownerUrl);
  });
});

describe('under load', () => {
  const runners: ProjectionRunner[] = [];
  afterEach(async () => {
    await Promise.all(runners.splice(0).map((runner) => runner.stop(5_000)));
  });

  /** Of each ledger again and again, in one statement each, as lists are read: what the journal says up to there. */
  async function readOnAndOn(ledgerIds: readonly string[], isDone: () => boolean): Promise<number> {
    let reads = 0;
    for (; !isDone(); reads++) {
      const { rows } = await db.readPool.query<{
        listed: number;
        posted: number;
        entries: number;
        legs: number;
      }>({
        name: 'listed-and-posted',
        text: `SELECT t.count AS listed, e.count AS posted, n.count AS entries, e.legs
          FROM projections.checkpoints c
          CROSS JOIN LATERAL (SELECT count(*)::integer FROM projections.transactions
            WHERE ledger_id = $1 AND position <= c.position) t
          CROSS JOIN LATERAL (SELECT count(*)::integer FROM projections.entries
            WHERE ledger_id = $1 AND position <= c.position) n
          CROSS JOIN LATERAL (SELECT count(*)::integer, coalesce(sum(json_array_length(data -> 'legs'))
              FILTER (WHERE type <> 'transaction.pending'), 0)::integer AS legs
            FROM journal.events WHERE ledger_id = $1 AND position <= c.position
              AND type IN ('transaction.posted', 'transaction.pending', 'transaction.captured', 'transaction.reversed')) e
          WHERE c.ledger_id = $1 AND c.projection = 'lists'`,
        values: [ledgerIds[reads % ledgerIds.length]],
      });
      for (const { listed, posted, entries, legs } of rows) {
        if (listed !== posted || entries !== legs) {
          throw new Error(`${listed} listed of ${posted}, ${entries} entries of ${legs}`);
        }
      }
    }
    return reads;
  }

  it('no turn is lost or doubled and no list is wrong, of many ledgers, while all are written to', async () => {
    const parts = {
      pool: db.workerPool,
      projections: [listsProjection],
      metrics: projectionMetrics(new Registry()),
    };
    const problems: unknown[] = [];
    const problem = (...said: unknown[]) => void problems.push(said);
    const logger = { debug: () => undefined, info: () => undefined, warn: problem, error: problem };
    for (let n = 0; n < 2; n++) {
      const runner = new ProjectionRunner({
        ...parts,
        logger,
        settings: { restMs: 20, eventsPerTurnMax: 200 },
      });
      runner.start();
      runners.push(runner);
    }
    const lived = await Promise.all(
      Array.from({ length: 6 }, async () => LivedLedger.begin(await journal.newLedger(), random)),
    );
    const ids = lived.map(({ ledger }) => ledger.ledgerId);
    let isDone = false;
    const writing = lived.map(async (each) => {
      while (!isDone) {
        await each.live(10);
        await sleep(50);
        for (const runner of runners) runner.poke(each.ledger.ledgerId, { isUrgent: random.below(2) === 0 });
      }
    });
    const reading = [0, 1, 2].map(() => readOnAndOn(ids, () => isDone));
    let rebuilt = 0;
    try {
      for (; rebuilt < 3; rebuilt++) {
        const outcome = await rebuild({ settings: { tailEventsMax: 300, stoppedMsMax: 5_000 } });
        expect(outcome).toMatchObject({ isSwapped: true, differing: 0, ledgers: 6 });
      }
    } finally {
      isDone = true;
    }
    await Promise.all(writing);
    const reads = await Promise.all(reading);
    expect(reads.every((count) => count > 10)).toBe(true);
    for (const id of ids) await db.project(id);
    expect(problems).toEqual([]);
    await expect(rebuild()).resolves.toMatchObject({ differing: 0 });
    await expectVerified(db.database.ownerUrl);
  }, 180_000);
});
