import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { ProjectionVerifier } from '../../apps/ledger/src/projections/verify-projections.js';
import { encodeTypeId } from '#contracts';
import { listLedgers, verifyLedger, type Difference } from '#journal';
import { CannotStart, reportFailure } from '../start/cannot-start.js';
import { lockDataDirectory } from '../start/data-directory-lock.js';
import { startEmbeddedPostgres } from '../start/databases.js';
import { Secrets } from '../start/secrets.js';
import { readVerifySettings } from './config.js';

/** Recomputes every ledger from its journal; exits with 1 at the first difference. */
async function main(): Promise<void> {
  const { ownerUrl, dataDirectory } = readVerifySettings();
  if (ownerUrl !== undefined) return verify(ownerUrl);
  const running = await runningEmbedded(dataDirectory);
  if (running !== null) return verify(running);
  await verifyStopped(dataDirectory);
}

/** The embedded Postgres of a product that is running beside us; null where it isn't. */
async function runningEmbedded(dataDirectory: string): Promise<string | null> {
  const lines = await readFile(join(dataDirectory, 'postgres', 'postmaster.pid'), 'utf8').catch(() => null);
  const port = lines?.split('\n')[3];
  if (!port) return null;
  const password = await new Secrets(join(dataDirectory, 'secrets')).password('owner-password');
  const url = `postgres://ledger_owner:${encodeURIComponent(password)}@127.0.0.1:${port}/ledger`;
  const client = new pg.Client({ connectionString: url });
  // A server that was killed leaves its file behind.
  const isUp = await client.connect().then(
    () => true,
    () => false,
  );
  await client.end().catch(() => undefined);
  return isUp ? url : null;
}

async function verifyStopped(dataDirectory: string): Promise<void> {
  const isThere = await access(join(dataDirectory, 'postgres')).then(
    () => true,
    () => false,
  );
  if (!isThere) throw new CannotStart(`${dataDirectory} has no ledger: set DATA_DIR or DATABASE_URL.`);
  const lock = await lockDataDirectory(dataDirectory);
  try {
    const secrets = new Secrets(join(dataDirectory, 'secrets'));
    const { server, ownerUrl } = await startEmbeddedPostgres(
      dataDirectory,
      secrets,
      new AbortController().signal,
    );
    try {
      await verify(ownerUrl);
    } finally {
      await server.stop(new AbortController().signal);
    }
  } finally {
    await lock.release();
  }
}

async function verify(ownerUrl: string): Promise<void> {
  const client = new pg.Client({ connectionString: ownerUrl, application_name: 'ledger-verify' });
  await client.connect();
  try {
    // One moment of the whole database, while the product may go on writing.
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    await client.query("SET LOCAL timezone = 'UTC'");
    for (const ledgerId of await listLedgers(client)) {
      const name = encodeTypeId('ldg', ledgerId);
      const projections = await ProjectionVerifier.open(client, ledgerId);
      const { events, erased, accounts, difference } = await verifyLedger(
        client,
        ledgerId,
        projections.observe,
      );
      const first = difference ?? (await projections.finish());
      if (first) return report(name, first);
      const erasures = erased > 0 ? `, ${erased} erased` : '';
      console.log(`${name}: ${events} events${erasures}, ${accounts} accounts: as the journal says.`);
    }
    await client.query('COMMIT');
  } finally {
    await client.end();
  }
}

function report(ledger: string, { subject, position, expected, found }: Difference): void {
  const at = position === null ? '' : ` at position ${position}`;
  console.error(`${ledger}: ${subject}${at} differs.\n  expected: ${expected}\n  found:    ${found}`);
  process.exitCode = 1;
}

try {
  await main();
} catch (error) {
  reportFailure(error);
  process.exitCode = 1;
}
