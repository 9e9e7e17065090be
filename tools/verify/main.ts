import { reportFailure } from '../start/cannot-start.js';
import { withEmbeddedPostgres } from '../start/with-embedded-postgres.js';
import { readVerifySettings } from './config.js';
import { verifyDatabase } from './verify-database.js';

/** Recomputes every ledger from its journal; exits with 1 at the first difference. */
async function main(): Promise<void> {
  const { ownerUrl, dataDirectory } = readVerifySettings();
  const isAsTheJournalSays =
    ownerUrl === undefined
      ? await withEmbeddedPostgres(dataDirectory, (postgres) => verifyDatabase(postgres.ownerUrl))
      : await verifyDatabase(ownerUrl);
  if (!isAsTheJournalSays) process.exitCode = 1;
}

try {
  await main();
} catch (error) {
  reportFailure(error);
  process.exitCode = 1;
}
