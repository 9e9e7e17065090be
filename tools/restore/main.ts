import { join } from 'node:path';
import { encodeTypeId } from '#contracts';
import { CannotStart, reportFailure } from '../start/cannot-start.js';
import { prepareDatabase } from '../start/databases.js';
import { Secrets } from '../start/secrets.js';
import { withEmbeddedPostgres } from '../start/with-embedded-postgres.js';
import { chooseBackup, findBackups } from './choose-backup.js';
import { readRestoreSettings, type FinishSettings, type FromSettings } from './config.js';
import { finishRestore, type FinishedRestore } from './finish-restore.js';
import { describeTarget, knownPositions, restoreBase } from './restore-base.js';
import { restoreDump } from './restore-dump.js';

async function main(): Promise<void> {
  const settings = readRestoreSettings();
  if (settings.kind === 'finish') await finish(settings);
  else await restore(settings);
}

async function restore(settings: FromSettings): Promise<void> {
  const { directory, target, dataDirectory, ownerUrl, postgresBin } = settings;
  const backups = await findBackups(directory);
  const { folder, manifest } = chooseBackup(backups, target);
  if (manifest.kind === 'dump') {
    if (ownerUrl === undefined || dataDirectory !== undefined) {
      throw new CannotStart(
        `${folder} is a dump: set DATABASE_URL to an empty database, without --data-dir.`,
      );
    }
    if (target.kind !== 'latest') throw new CannotStart(`${folder} is a dump, of one moment: name no other.`);
    tell(await restoreDump({ folder, manifest }, ownerUrl, postgresBin), knownPositions(backups));
    console.log('Run npm run migrate or npm start next: it gives the apps their rights.');
    return;
  }
  if (ownerUrl !== undefined) {
    throw new CannotStart(`${folder} is a base backup of the embedded Postgres: unset DATABASE_URL.`);
  }
  if (dataDirectory === undefined) {
    throw new CannotStart('--data-dir must name a new directory for what is restored.');
  }
  const startedAt = performance.now();
  const finished = await restoreBase({ ...settings, dataDirectory, backup: { folder, manifest } });
  tell(finished, knownPositions(backups));
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  console.log(
    `Restored ${folder} to ${describeTarget(target)} in ${seconds} s: DATA_DIR=${dataDirectory} npm start runs it. ` +
      'It archives nowhere until npm run backup names an empty directory.',
  );
}

async function finish({ ownerUrl, dataDirectory }: FinishSettings): Promise<void> {
  if (ownerUrl !== undefined) return tell(await finishRestore(ownerUrl), new Map());
  const finished = await withEmbeddedPostgres(dataDirectory, async (postgres) => {
    if (postgres.isRunning) throw new CannotStart(`The product runs on ${dataDirectory}: stop it first.`);
    const secrets = new Secrets(join(dataDirectory, 'secrets'));
    const owner = { ownerUrl: postgres.ownerUrl, ledgerUrl: undefined, dispatcherUrl: undefined };
    await prepareDatabase(owner, postgres.superuserUrl, secrets);
    return await finishRestore(postgres.ownerUrl);
  });
  tell(finished, new Map());
}

function tell({ ledgers, isAsTheJournalSays }: FinishedRestore, known: ReadonlyMap<string, bigint>): void {
  const left = new Map(known);
  for (const { ledgerId, epoch, epochBefore, position, lastRecordedAt } of ledgers) {
    const name = encodeTypeId('ldg', ledgerId);
    const knownPosition = left.get(name) ?? 0n;
    left.delete(name);
    const at = lastRecordedAt === null ? '' : `, recorded at ${lastRecordedAt.toISOString()}`;
    const lost =
      knownPosition > position ? ` Lost: ${position + 1n} to ${knownPosition}, and what came after.` : '';
    console.log(
      `${name}: restored to ${position}${at}; epoch ${epochBefore} before, ${epoch} from now on.${lost}`,
    );
  }
  for (const [name, position] of left) console.log(`${name}: lost with its ${position} events.`);
  console.log(
    'Keys, endpoints and secrets that were ended or changed since then are as they were: end them again. ' +
      'See docs/BACKUP.md.',
  );
  if (!isAsTheJournalSays) throw new CannotStart('What was restored is not as its journal says.');
}

try {
  await main();
} catch (error) {
  reportFailure(error);
  process.exitCode = 1;
}
