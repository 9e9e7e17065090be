import { migrate } from '../../migrations/migrate.js';
import { reportFailure } from '../start/cannot-start.js';
import { readMigrateSettings } from './config.js';
import { connectAsOwner, givenLogin } from './roles.js';

/** Migrates a database and ends: for deployments where the apps start on their own. */
async function main(): Promise<void> {
  const { ownerUrl, ledgerUrl, dispatcherUrl } = readMigrateSettings();
  const owner = await connectAsOwner(ownerUrl);
  try {
    const ledger = await givenLogin(owner, 'LEDGER_DATABASE_URL', ledgerUrl);
    const dispatcher = await givenLogin(owner, 'DISPATCHER_DATABASE_URL', dispatcherUrl);
    const { applied } = await migrate({ ownerUrl, ledgerRole: ledger.role, dispatcherRole: dispatcher.role });
    console.log(applied.length === 0 ? 'The database is up to date.' : `Applied ${applied.join(', ')}.`);
  } finally {
    await owner.end();
  }
}

try {
  await main();
} catch (error) {
  reportFailure(error);
  process.exitCode = 1;
}
