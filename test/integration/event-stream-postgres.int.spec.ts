import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { Registry } from 'prom-client';
import { PostgresEventStream } from '#event-stream';
import { createPostgresPool } from '#platform';
import { CommitNotifier } from '../../apps/ledger/src/projections/commit-notifier.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import {
  describeEventStream,
  type EventStreamHarness,
  type SubscribingProcess,
} from '../support/event-stream-conformance.js';
import { JournalProcess, type TestLedger } from '../support/journal-fixtures.js';

const crash = 'a crash of the database';
const cut = 'the loss of all connections';
const log = () => undefined;
const silence = { debug: log, info: log, warn: log, error: log };

describeEventStream('Postgres', startHarness, [crash, cut]);

/** The journal itself, written by the product's own code, and a server that may crash. */
async function startHarness(): Promise<EventStreamHarness> {
  const database = await createTestDatabase({ ownCluster: true });
  const superuser = new pg.Pool({ connectionString: database.superuserUrl, max: 4 });
  superuser.on('error', log);
  const publisher = new JournalProcess(database.ledgerUrl);
  const notifier = new CommitNotifier(database.ledgerUrl, silence);
  await notifier.start();
  publisher.journal.onCommitted((ledgerId) => notifier.notify(ledgerId));
  const ledgers = new Map<string, { ledger: TestLedger; account: string }>();

  const headOf = async (ledgerId: string): Promise<number> => {
    const { rows } = await superuser.query<{ position: string }>(
      'SELECT position::text FROM journal.heads WHERE ledger_id = $1',
      [ledgerId],
    );
    return Number(rows[0]?.position);
  };

  return {
    database,
    startProcess: () => startProcess(database, superuser),
    async newLedger() {
      const ledger = await publisher.newLedger();
      const account = await ledger.open(1n);
      ledgers.set(ledger.ledgerId, { ledger, account });
      return ledger.ledgerId;
    },
    async publish(ledgerId, events) {
      const { ledger, account } = ledgers.get(ledgerId)!;
      const before = await headOf(ledgerId);
      await Promise.all(
        Array.from({ length: events }, () => ledger.move('ROOT', account, 1n, { deadlineMs: 30_000 })),
      );
      return Array.from({ length: events }, (_, index) => String(before + index + 1));
    },
    publishPoison: (ledgerId) => writeUnknownEvent(superuser, ledgerId),
    async outage(name) {
      if (name === crash) return database.restartPostgres('immediate');
      await superuser.query(
        'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND usename <> current_user',
      );
    },
    async close() {
      await publisher.stop();
      await notifier.stop();
      await superuser.end();
      await database.drop();
    },
  };
}

async function startProcess(database: TestDatabase, superuser: pg.Pool): Promise<SubscribingProcess> {
  const applicationName = `subscriber-${randomUUID()}`;
  const pool = createPostgresPool({
    url: database.dispatcherUrl,
    applicationName,
    connectionsMax: 4,
    onError: log,
  });
  const parts = { url: database.dispatcherUrl, pool, logger: silence, registry: new Registry() };
  return {
    stream: new PostgresEventStream(parts),
    pool,
    async loseWork() {
      await superuser.query(
        'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1',
        [applicationName],
      );
    },
    close: () => pool.end(),
  };
}

/** An event as a later release would write it. */
async function writeUnknownEvent(superuser: pg.Pool, ledgerId: string): Promise<void> {
  await superuser.query(
    `WITH head AS (
       UPDATE journal.heads SET position = position + 1 WHERE ledger_id = $1 RETURNING *
     )
     INSERT INTO journal.events (ledger_id, epoch, position, id, type, version, data, data_salt, data_hash, actor,
       recorded_at, effective_at, hash)
     SELECT ledger_id, epoch, position, gen_random_uuid(), 'transaction.invented', 7, '{}', '\\x01', '\\x02',
       'key_test', recorded_at, recorded_at, hash
     FROM head`,
    [ledgerId],
  );
}
