import type pg from 'pg';
import { migrations as knownMigrations } from '../../migrations/index.js';
import { raiseEpochs, type RaisedEpoch } from '#journal';
import { readMigrations } from '../backup/scan-heads.js';
import { connectAsOwner } from '../migrate/roles.js';
import { CannotStart } from '../start/cannot-start.js';
import { verifyDatabase } from '../verify/verify-database.js';
import { refuseNewerSchema } from './check-backup.js';
import { bringPublisherBack, highestEpochOfReaders } from './scan-readers.js';

export interface FinishedRestore {
  readonly ledgers: readonly RaisedEpoch[];
  readonly isAsTheJournalSays: boolean;
}

/**
 * The second half of every restore, whatever has restored the files or tables: no event is written yet that uses a
 * position again, and from here on each that does has a new epoch.
 */
export async function finishRestore(ownerUrl: string): Promise<FinishedRestore> {
  const owner = await connectAsOwner(ownerUrl);
  try {
    await refuseOtherSchema(owner);
    await refuseApps(owner);
    await owner.query("BEGIN; SET LOCAL lock_timeout = '10s'");
    const ledgers = await raiseEpochs(owner, await highestEpochOfReaders(owner));
    await bringPublisherBack(owner);
    await owner.query('COMMIT');
    return { ledgers, isAsTheJournalSays: await verifyDatabase(ownerUrl) };
  } finally {
    await owner.end();
  }
}

async function refuseOtherSchema(owner: pg.Client): Promise<void> {
  const found = await readMigrations(owner).catch((error: { code?: string }) => {
    if (error.code !== '42P01') throw error as Error;
    throw new CannotStart('The database holds no ledger: restore it first.');
  });
  refuseNewerSchema(found, 'The database');
  const missing = knownMigrations.map(({ name }) => name).filter((name) => !found.includes(name));
  if (missing.length === 0) return;
  throw new CannotStart(
    `The database is of an earlier release (it lacks ${missing.join(', ')}): run npm run migrate, and this then.`,
  );
}

/** What an app wrote before the epochs are raised would be taken for what is lost. */
async function refuseApps(owner: pg.Client): Promise<void> {
  const { rows } = await owner.query<{ name: string }>(
    `SELECT DISTINCT application_name AS name FROM pg_stat_activity
     WHERE datname = current_database() AND pid <> pg_backend_pid()
       AND application_name ~ '^(ledger-(write|read|worker|access|publisher|commit|expiry)|dispatcher-|stream-listener-)'
     ORDER BY 1`,
  );
  if (rows.length === 0) return;
  const names = rows.map(({ name }) => name).join(', ');
  throw new CannotStart(`The product runs on this database (${names}): stop it first.`);
}
