import { mkdir, open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { syncDirectory } from '../embedded-postgres/durable-file.js';
import { connectAsOwner } from '../migrate/roles.js';
import { CannotStart } from '../start/cannot-start.js';
import { DUMP_FILE, folderName } from './backup-directory.js';
import { digestOf } from './copy-file.js';
import { writeManifest, type DumpManifest } from './manifest.js';
import { findProgram, runProgram } from './postgres-program.js';
import { readMigrations, scanHeads } from './scan-heads.js';

/**
 * A dump of a database that isn't ours, by pg_dump, at one moment: the heads in the manifest are of the snapshot that
 * it dumps. It has no log, so that nothing after it can be restored.
 */
export async function dumpDatabase(
  ownerUrl: string,
  directory: string,
  postgresBin: string | undefined,
): Promise<{ folder: string; manifest: DumpManifest }> {
  const owner = await connectAsOwner(ownerUrl);
  try {
    const server = await versionOf(owner);
    const program = await findProgram('pg_dump', postgresBin);
    if (program === undefined || program.majorVersion < server.serverMajor) {
      const found = program === undefined ? 'no pg_dump' : `the pg_dump of Postgres ${program.majorVersion}`;
      throw new CannotStart(
        `DATABASE_URL leads to Postgres ${server.serverVersion}, and here is ${found}: set POSTGRES_BIN to its programs, ` +
          'or use the tools by which that server is backed up, and `npm run restore -- --finish` after a restore.',
      );
    }
    const temporary = join(directory, `unfinished-${process.pid}`);
    await mkdir(temporary, { mode: 0o700 });
    await owner.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    const { rows } = await owner.query<{ snapshot: string; now: Date }>(
      'SELECT pg_export_snapshot() AS snapshot, transaction_timestamp() AS now',
    );
    const { snapshot = '', now: startedAt = new Date() } = rows[0] ?? {};
    const path = join(temporary, DUMP_FILE);
    const args = [
      '--format=custom',
      '--no-owner',
      '--no-privileges',
      `--snapshot=${snapshot}`,
      `--file=${path}`,
    ];
    await runProgram(program, args, ownerUrl);
    const file = await open(path, 'r+');
    await file.chmod(0o600);
    await file.sync();
    await file.close();
    const heads = await scanHeads(owner);
    const manifest: DumpManifest = {
      ...{ format: 1, kind: 'dump', ...server },
      startedAt: startedAt.toISOString(),
      finishedAt: startedAt.toISOString(),
      migrations: await readMigrations(owner),
      ledgers: heads.map((head) => ({ ...head, positionAfter: head.position })),
      files: [{ path: DUMP_FILE, ...(await digestOf(path))! }],
    };
    await owner.query('COMMIT');
    await writeManifest(temporary, manifest);
    const folder = join(directory, folderName('dump', startedAt));
    await rename(temporary, folder);
    await syncDirectory(directory);
    return { folder, manifest };
  } finally {
    await owner.end();
  }
}

async function versionOf(owner: pg.Client) {
  const { rows } = await owner.query<{ version: string; number: string }>(
    "SELECT current_setting('server_version') AS version, current_setting('server_version_num') AS number",
  );
  const { version = '', number = '' } = rows[0] ?? {};
  return { serverVersion: version, serverMajor: Math.floor(Number(number) / 10_000) };
}
