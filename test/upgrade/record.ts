import { writeFile } from 'node:fs/promises';
import pg from 'pg';
import { createTestDatabase } from '../support/database.js';
import { shareCluster } from '../support/config.js';
import { startDispatcher, startProduct, BOOTSTRAP_API_KEY } from '../support/product.js';
import { startTestCluster, stopTestCluster } from '../support/test-cluster.js';
import { dumpRows } from './database-dump.js';
import { buildRelease, migrateBy } from './earlier-release.js';
import { fixtureFiles } from './recorded-story.js';
import { releaseNamed, releases, type Release } from './releases.js';
import { Story } from './story.js';

/**
 * `npm run upgrade:record -- [<name in releases.json> …]`: builds releases from the git history, tells each the story,
 * and keeps what they leave in test/upgrade/fixtures. Each run makes other ids, hashes and times.
 */
async function main(): Promise<void> {
  const names = process.argv.slice(2);
  const cluster = await startTestCluster();
  shareCluster(cluster);
  try {
    for (const release of names.length > 0 ? names.map(releaseNamed) : releases) await record(release);
  } finally {
    await stopTestCluster(cluster);
  }
}

async function record(release: Release): Promise<void> {
  const built = await buildRelease(release);
  const database = await createTestDatabase({ isEmpty: true });
  try {
    await migrateBy(built.directory, database);
    const { directory } = built;
    const ledger = await startProduct({ databaseUrl: database.ledgerUrl, directory });
    const dispatcher = release.apps.includes('webhook-dispatcher')
      ? await startDispatcher({ databaseUrl: database.dispatcherUrl, directory })
      : null;
    const urls = { ledger: ledger.url, 'webhook-dispatcher': dispatcher?.url ?? '' };
    const story = new Story({ release, urls, apiKey: BOOTSTRAP_API_KEY });
    await story.tell().finally(() => Promise.all([ledger.stop(), dispatcher?.stop()]));

    const db = new pg.Client({ connectionString: database.superuserUrl, options: '-c timezone=UTC' });
    await db.connect();
    const rows = await dumpRows(db);
    await db.end();
    const files = fixtureFiles(release);
    await writeLines(files.database, rows);
    await writeLines(files.answers, story.answers);
    console.log(`${release.name}: ${rows.length} rows, ${story.answers.length} answers`);
  } finally {
    await database.drop();
    await built.remove();
  }
}

async function writeLines(file: string, values: readonly unknown[]): Promise<void> {
  await writeFile(file, values.map((value) => `${JSON.stringify(value)}\n`).join(''));
}

await main();
