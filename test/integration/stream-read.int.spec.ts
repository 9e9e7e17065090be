import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { HandMadeJournal } from '../support/hand-made-journal.js';
import { queryRows, withClient } from '../support/journal-fixtures.js';

/** stream.read_v1: what a subscriber may read of the journal, to which it has no right. */
let database: TestDatabase;
let superuser: pg.Client;
let dispatcher: pg.Client;

beforeAll(async () => {
  database = await createTestDatabase();
  superuser = new pg.Client({ connectionString: database.superuserUrl, options: '-c timezone=UTC' });
  dispatcher = new pg.Client({ connectionString: database.dispatcherUrl, options: '-c timezone=Asia/Tokyo' });
  await Promise.all([superuser.connect(), dispatcher.connect()]);
}, 60_000);
afterAll(async () => {
  await Promise.all([superuser.end(), dispatcher.end()]);
  await database.drop();
});

interface Position {
  readonly ledgerId: string;
  readonly epoch?: number;
  readonly position: number | null;
}

async function read(positions: readonly Position[], limit: number, db: pg.ClientBase = dispatcher) {
  const { rows } = await db.query('SELECT * FROM stream.read_v1($1, $2)', [
    JSON.stringify(positions.map((position) => ({ epoch: 1, ...position }))),
    limit,
  ]);
  return rows;
}

const places = (rows: { epoch: number; position: string }[]) =>
  rows.map(({ epoch, position }) => `${epoch}:${position}`);

async function ledgerOf(events: number, dataBytes = 2): Promise<HandMadeJournal> {
  const journal = new HandMadeJournal(superuser);
  const data = JSON.stringify('x'.repeat(dataBytes - 2));
  for (let n = 0; n < events; n++) journal.writeRaw('test.happened', 1, data);
  await journal.commit();
  return journal;
}

describe('the right to read', () => {
  const readAny = `SELECT * FROM stream.read_v1('[]', 1)`;

  it('is the dispatcher’s, by the function alone', async () => {
    await expect(queryRows(database.dispatcherUrl, readAny)).resolves.toEqual([]);
    for (const table of ['events', 'heads', 'requests']) {
      await expect(queryRows(database.dispatcherUrl, `SELECT FROM journal.${table}`)).rejects.toThrow(
        'permission denied for schema journal',
      );
    }
  });

  it('is nobody else’s', async () => {
    await expect(queryRows(database.ledgerUrl, readAny)).rejects.toThrow(
      'permission denied for schema stream',
    );
    const [row] = await queryRows<{ acl: string }>(
      database.superuserUrl,
      `SELECT proacl::text AS acl FROM pg_proc WHERE oid = 'stream.read_v1(json, integer)'::regprocedure`,
    );
    expect(row?.acl).not.toMatch(/[{,]=/);
    expect(row?.acl).toContain('ledger_dispatcher=X/');
  });

  it('can’t be widened by objects of the caller’s own that have the names of the server’s', async () => {
    const journal = await ledgerOf(1);
    await withClient(database.dispatcherUrl, async (client) => {
      await client.query(`
        CREATE FUNCTION pg_temp.tell(text) RETURNS boolean LANGUAGE plpgsql AS $$
          BEGIN RAISE EXCEPTION 'ran as %', current_user; END $$;
        CREATE DOMAIN pg_temp.text AS pg_catalog.text CHECK (pg_temp.tell(VALUE));
        CREATE DOMAIN pg_temp.uuid AS pg_catalog.uuid CHECK (pg_temp.tell('a'));
        SET search_path = pg_temp, pg_catalog;
      `);
      const { rowCount } = await client.query({
        text: 'SELECT FROM stream.read_v1($1, 10)',
        values: [JSON.stringify([{ ledgerId: journal.ledgerId, epoch: 1, position: 0 }])],
      });
      expect(rowCount).toBe(1);
    });
  });
});

describe('what is read', () => {
  it('is the events after a position, in order, as text', async () => {
    const journal = new HandMadeJournal(superuser);
    const account = journal.openAccount();
    journal.post([{ sender: 'ROOT', recipient: account, amount: 5n }]);
    await journal.commit();
    const { rows } = await superuser.query(
      `SELECT ledger_id, epoch, position::text, id, type, version, transaction_id, data::text AS data_text,
         to_char(recorded_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS recorded_at, encode(hash, 'hex') AS hash
       FROM journal.events WHERE ledger_id = $1 ORDER BY position`,
      [journal.ledgerId],
    );
    expect(await read([{ ledgerId: journal.ledgerId, position: 0 }], 10)).toEqual(rows);
    expect(await read([{ ledgerId: journal.ledgerId, position: 1 }], 1)).toEqual([rows[1]]);
    expect(await read([{ ledgerId: journal.ledgerId, position: 3 }], 10)).toEqual([]);
    expect(rows[2].recorded_at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
  });

  it('is the head where no position is given', async () => {
    const journal = await ledgerOf(7);
    const [head, ...others] = await read([{ ledgerId: journal.ledgerId, position: null }], 10);
    expect(others).toEqual([]);
    expect(head).toMatchObject({
      ledger_id: journal.ledgerId,
      epoch: 1,
      position: '7',
      id: null,
      type: null,
    });
  });

  it('is nothing of a ledger without a journal', async () => {
    const ledgerId = randomUUID();
    expect(await read([{ ledgerId, position: 0 }], 10)).toEqual([]);
    expect(await read([{ ledgerId, position: null }], 10)).toEqual([]);
  });

  it('has no data where that was erased', async () => {
    const journal = await ledgerOf(2);
    await superuser.query(
      'UPDATE journal.events SET data = NULL, data_salt = NULL WHERE ledger_id = $1 AND position = 1',
      [journal.ledgerId],
    );
    const rows = await read([{ ledgerId: journal.ledgerId, position: 0 }], 10);
    expect(rows.map((row) => row.data_text)).toEqual([null, '""']);
  });

  it('has a share of each ledger, however many events the others have', async () => {
    const [busy, quiet] = await Promise.all([ledgerOf(0), ledgerOf(0)]);
    for (let n = 0; n < 500; n++) busy.writeRaw('test.happened', 1, '{}');
    await busy.commit();
    for (let n = 0; n < 3; n++) quiet.writeRaw('test.happened', 1, '{}');
    await quiet.commit();
    const rows = await read(
      [
        { ledgerId: busy.ledgerId, position: 10 },
        { ledgerId: quiet.ledgerId, position: 0 },
      ],
      100,
    );
    const countOf = ({ ledgerId }: HandMadeJournal) =>
      rows.filter((row) => row.ledger_id === ledgerId).length;
    expect([countOf(busy), countOf(quiet)]).toEqual([50, 3]);
    const positions = [busy, quiet].map(({ ledgerId }) => ({ ledgerId, position: 0 }));
    expect(await read(positions, 1)).toHaveLength(1);
    expect(await read(positions, 0)).toEqual([]);
  });

  it('ends at 4 MiB, and has at least one event', async () => {
    const journal = await ledgerOf(40, 256 * 1_024);
    expect(await read([{ ledgerId: journal.ledgerId, position: 0 }], 500)).toHaveLength(16);
    const positions = Array.from({ length: 30 }, () => ({ ledgerId: journal.ledgerId, position: 0 }));
    expect(await read(positions, 30)).toHaveLength(30);
  });
});

describe('after a restore', () => {
  /** Back to where it was at a position, in a new epoch, as the restore command leaves it. */
  async function restore({ ledgerId }: HandMadeJournal, position: number, epoch: number): Promise<void> {
    await superuser.query(
      `BEGIN; SET LOCAL session_replication_role = replica;
       DELETE FROM journal.events WHERE ledger_id = '${ledgerId}' AND position > ${position};
       UPDATE journal.heads SET position = ${position}, epoch = ${epoch} WHERE ledger_id = '${ledgerId}'; COMMIT`,
    );
  }

  async function addEvents({ ledgerId }: HandMadeJournal, events: number): Promise<void> {
    await superuser.query(
      `WITH before AS (SELECT * FROM journal.heads WHERE ledger_id = $1), head AS (
         UPDATE journal.heads SET position = position + $2 WHERE ledger_id = $1
       )
       INSERT INTO journal.events (ledger_id, epoch, position, id, type, version, data_hash, actor, recorded_at,
         effective_at, hash)
       SELECT ledger_id, epoch, position + n, gen_random_uuid(), 'test.happened', 1, '\\x02', 'key_test',
         recorded_at, recorded_at, hash
       FROM before, generate_series(1, $2::bigint) AS n`,
      [ledgerId, events],
    );
  }

  it('positions that are used again are read again, by their higher epoch', async () => {
    const journal = await ledgerOf(60);
    const from = (epoch: number, position: number) =>
      read([{ ledgerId: journal.ledgerId, epoch, position }], 500).then(places);
    await restore(journal, 50, 2);
    expect(await from(1, 60)).toEqual([]);
    expect(await from(1, 50)).toEqual([]);
    expect(await from(1, 48)).toEqual(['1:49', '1:50']);

    await addEvents(journal, 3);
    expect(await from(1, 60)).toEqual(['2:51', '2:52', '2:53']);
    expect(await from(1, 51)).toEqual(['2:51', '2:52', '2:53']);
    expect(await from(1, 49)).toEqual(['1:50', '2:51', '2:52', '2:53']);
    expect(await from(2, 51)).toEqual(['2:52', '2:53']);
    expect(await from(2, 53)).toEqual([]);

    await restore(journal, 20, 3);
    await addEvents(journal, 100);
    expect((await from(1, 60))[0]).toBe('3:21');
    expect((await from(2, 53))[0]).toBe('3:21');
    expect((await from(3, 21))[0]).toBe('3:22');
    expect((await from(1, 5)).slice(14, 17)).toEqual(['1:20', '3:21', '3:22']);
  });

  it('a subscriber that has seen a higher epoch is given nothing', async () => {
    const journal = await ledgerOf(10);
    expect(await read([{ ledgerId: journal.ledgerId, epoch: 2, position: 5 }], 10)).toEqual([]);
  });
});

describe('how it is read', () => {
  const ledgersCount = 50;
  const eventsPerLedger = 400;

  it('takes one probe of an index per ledger, also by plans that were made on empty tables', async () => {
    const fresh = await createTestDatabase();
    const owner = new pg.Client({ connectionString: fresh.superuserUrl, options: '-c timezone=UTC' });
    await owner.connect();
    for (const table of ['journal.events', 'journal.heads']) {
      await owner.query(`ALTER TABLE ${table} SET (autovacuum_enabled = false)`);
    }
    const reader = new pg.Client({ connectionString: fresh.dispatcherUrl });
    await reader.connect();
    try {
      const ledgers = Array.from({ length: ledgersCount }, () => new HandMadeJournal(owner));
      const positions = (position: number | null) => ledgers.map(({ ledgerId }) => ({ ledgerId, position }));
      for (let n = 0; n < 10; n++) {
        await read(positions(0), 500, reader);
        await read(positions(null), 500, reader);
      }
      for (const journal of ledgers) {
        for (let n = 0; n < eventsPerLedger; n++) journal.writeRaw('test.happened', 1, '{}');
        await journal.commit();
      }
      const before = await rowsRead(owner);
      const rows = await read(positions(200), 100, reader);
      expect(rows).toHaveLength(100);
      expect(await read(positions(null), 500, reader)).toHaveLength(ledgersCount);
      await reader.end();
      const others = `SELECT FROM pg_stat_activity WHERE datname = current_database()
        AND backend_type = 'client backend' AND pid <> pg_backend_pid()`;
      while ((await owner.query(others)).rowCount !== 0);
      const after = await rowsRead(owner);
      expect(after.seqScans - before.seqScans).toBe(0);
      expect(after.events - before.events).toBeLessThanOrEqual(rows.length + ledgersCount);
      expect(after.heads - before.heads).toBeLessThanOrEqual(2 * ledgersCount * 2);
    } finally {
      await owner.end();
      await fresh.drop();
    }
  }, 60_000);

  /** By sessions that have ended, which is when they tell at the latest, and by this one. */
  async function rowsRead(db: pg.Client) {
    await db.query('SELECT pg_stat_force_next_flush()');
    await db.query('SELECT pg_stat_clear_snapshot()');
    const { rows } = await db.query<{ events: number; heads: number; seq_scans: number }>(
      `SELECT sum(idx_tup_read) FILTER (WHERE relname = 'events')::integer AS events,
         sum(idx_tup_read) FILTER (WHERE relname = 'heads')::integer AS heads,
         (SELECT sum(seq_scan)::integer FROM pg_stat_user_tables WHERE schemaname = 'journal') AS seq_scans
       FROM pg_stat_user_indexes WHERE schemaname = 'journal'`,
    );
    const [row] = rows;
    return { events: row?.events ?? 0, heads: row?.heads ?? 0, seqScans: row?.seq_scans ?? 0 };
  }
});
