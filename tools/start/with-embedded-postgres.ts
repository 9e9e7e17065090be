import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { CannotStart } from './cannot-start.js';
import { lockDataDirectory } from './data-directory-lock.js';
import { startEmbeddedPostgres } from './databases.js';
import { Secrets } from './secrets.js';

export interface EmbeddedPostgres {
  readonly superuserUrl: string;
  /** The owner's, of the ledger's database. */
  readonly ownerUrl: string;
  /** The product's own, which runs beside us. */
  readonly isRunning: boolean;
}

/** Works on the Postgres of a data directory: that of a product that is running, or one that runs for the work. */
export async function withEmbeddedPostgres<T>(
  dataDirectory: string,
  work: (postgres: EmbeddedPostgres) => Promise<T>,
): Promise<T> {
  const running = await runningEmbedded(dataDirectory);
  if (running !== null) return await work(running);
  const isThere = await access(join(dataDirectory, 'postgres')).then(
    () => true,
    () => false,
  );
  if (!isThere) throw new CannotStart(`${dataDirectory} has no ledger: set DATA_DIR or DATABASE_URL.`);
  const lock = await lockDataDirectory(dataDirectory);
  try {
    const secrets = new Secrets(join(dataDirectory, 'secrets'));
    const { signal } = new AbortController();
    const { server, ownerUrl } = await startEmbeddedPostgres(dataDirectory, secrets, signal);
    try {
      return await work({ superuserUrl: server.superuserUrl, ownerUrl, isRunning: false });
    } finally {
      await server.stop(new AbortController().signal);
    }
  } finally {
    await lock.release();
  }
}

/** Null where it isn't running; a server that was killed leaves its file behind. */
async function runningEmbedded(dataDirectory: string): Promise<EmbeddedPostgres | null> {
  const lines = await readFile(join(dataDirectory, 'postgres', 'postmaster.pid'), 'utf8').catch(() => null);
  const port = lines?.split('\n')[3];
  if (!port) return null;
  const secrets = new Secrets(join(dataDirectory, 'secrets'));
  const url = async (user: string, secret: string, database: string) =>
    `postgres://${user}:${encodeURIComponent(await secrets.password(secret))}@127.0.0.1:${port}/${database}`;
  const ownerUrl = await url('ledger_owner', 'owner-password', 'ledger');
  const client = new pg.Client({ connectionString: ownerUrl });
  const isUp = await client.connect().then(
    () => true,
    () => false,
  );
  await client.end().catch(() => undefined);
  const superuserUrl = await url('postgres', 'postgres-password', 'postgres');
  return isUp ? { superuserUrl, ownerUrl, isRunning: true } : null;
}
