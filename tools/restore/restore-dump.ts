import { join } from 'node:path';
import { DUMP_FILE } from '../backup/backup-directory.js';
import type { DumpManifest } from '../backup/manifest.js';
import { findProgram, runProgram } from '../backup/postgres-program.js';
import { connectAsOwner } from '../migrate/roles.js';
import { CannotStart } from '../start/cannot-start.js';
import { checkBackup } from './check-backup.js';
import type { FoundBackup } from './choose-backup.js';
import { finishRestore, type FinishedRestore } from './finish-restore.js';
import { refuseOtherJournal } from './restore-base.js';

/** Into an empty database, in one transaction. */
export async function restoreDump(
  backup: FoundBackup<DumpManifest>,
  ownerUrl: string,
  postgresBin: string | undefined,
): Promise<FinishedRestore> {
  const serverMajor = await refuseFull(ownerUrl);
  const program = await findProgram('pg_restore', postgresBin);
  if (program === undefined) {
    throw new CannotStart('There is no pg_restore here: set POSTGRES_BIN to the programs of Postgres.');
  }
  if (serverMajor < backup.manifest.serverMajor) {
    throw new CannotStart(
      `The dump is of Postgres ${backup.manifest.serverVersion}, and DATABASE_URL leads to Postgres ${serverMajor}.`,
    );
  }
  await checkBackup(backup);
  console.log(`${backup.folder} is as it was written.`);
  const args = ['--exit-on-error', '--single-transaction', '--no-owner', '--no-privileges'];
  await runProgram(program, [...args, join(backup.folder, DUMP_FILE)], ownerUrl);
  await refuseOtherJournal(ownerUrl, backup.manifest);
  return await finishRestore(ownerUrl);
}

async function refuseFull(ownerUrl: string): Promise<number> {
  const owner = await connectAsOwner(ownerUrl);
  try {
    const { rows } = await owner.query<{ tables: number; number: string }>(
      `SELECT count(*)::integer AS tables, current_setting('server_version_num') AS number FROM pg_class c
       JOIN pg_namespace n ON n.oid = c.relnamespace
       WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')`,
    );
    const { tables = 0, number = '0' } = rows[0] ?? {};
    if (tables === 0) return Math.floor(Number(number) / 10_000);
    throw new CannotStart('The database of DATABASE_URL is not empty: make a new one for what is restored.');
  } finally {
    await owner.end();
  }
}
