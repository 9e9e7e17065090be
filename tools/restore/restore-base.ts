import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { decodeTypeId } from '#contracts';
import { SECRETS_FOLDER } from '../backup/backup-directory.js';
import type { BaseManifest, Manifest } from '../backup/manifest.js';
import { CannotStart } from '../start/cannot-start.js';
import { lockDataDirectory } from '../start/data-directory-lock.js';
import { prepareDatabase } from '../start/databases.js';
import { Secrets } from '../start/secrets.js';
import { checkArchive, checkBackup, refuseOtherServer, type CheckedArchive } from './check-backup.js';
import type { FoundBackup } from './choose-backup.js';
import type { FromSettings, RestoreTarget } from './config.js';
import { finishRestore, type FinishedRestore } from './finish-restore.js';
import {
  openWorkshop,
  putInPlace,
  recover,
  refuseEarlyEnd,
  refuseTaken,
  transactionOf,
  unpack,
  type Recovered,
  type RecoveryTarget,
} from './recover.js';

export interface BaseRestore extends Pick<FromSettings, 'directory' | 'target' | 'secretsDirectory'> {
  readonly dataDirectory: string;
  readonly backup: FoundBackup<BaseManifest>;
}

/**
 * From a base backup and its log to a data directory that can be started. Everything is checked first; all work is
 * done beside the place, where nothing appears before it is whole and verified.
 */
export async function restoreBase(plan: BaseRestore): Promise<FinishedRestore> {
  const { directory, dataDirectory, backup, target, secretsDirectory } = plan;
  await refuseTaken(dataDirectory);
  if (backup.manifest.secrets === null && secretsDirectory === undefined) {
    throw new CannotStart(
      'The backup was taken without secrets: name the directory that has them by --secrets.',
    );
  }
  await refuseOtherServer(backup.manifest);
  await checkBackup(backup);
  const archive = await checkArchive(directory, backup.manifest, target);
  console.log(`${backup.folder} and ${archive.names.length} files of its log are as they were written.`);

  const workshop = await openWorkshop(dataDirectory);
  let isKept = false;
  try {
    const lock = await lockDataDirectory(workshop);
    const recoveryTarget = await recoveryTargetOf(plan, archive, workshop);
    const finished = await restoreIn(workshop, plan, archive, recoveryTarget);
    await lock.release();
    isKept = true;
    if (!finished.isAsTheJournalSays) {
      throw new CannotStart(`What was restored is not as its journal says, and is left in ${workshop}.`);
    }
    await putInPlace(workshop, dataDirectory);
    return finished;
  } finally {
    if (!isKept) await rm(workshop, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
  }
}

/** An event's place in the log is known when all of the log has been replayed once. */
async function recoveryTargetOf(
  plan: BaseRestore,
  archive: CheckedArchive,
  workshop: string,
): Promise<Partial<RecoveryTarget>> {
  const { target } = plan;
  if (target.kind === 'latest') return {};
  // While Postgres reads its settings it knows no zone by a letter.
  if (target.kind === 'time') return { recovery_target_time: target.text.replace(/Z$/, '+00:00') };
  await unpack(plan.backup, archive, workshop, plan.secretsDirectory);
  const { server, ownerUrl } = await recover(workshop, {});
  const xid = await transactionOf(ownerUrl, target.ledgerId, target.position).finally(() => stop({ server }));
  await rm(join(workshop, 'postgres'), { recursive: true, force: true });
  await rm(join(workshop, SECRETS_FOLDER), { recursive: true, force: true });
  if (xid !== undefined) return { recovery_target_xid: xid };
  throw new CannotStart(`The backup has no event ${target.position} of ${target.ledger}.`);
}

async function restoreIn(
  workshop: string,
  { backup, target, secretsDirectory }: BaseRestore,
  archive: CheckedArchive,
  recoveryTarget: Partial<RecoveryTarget>,
): Promise<FinishedRestore> {
  await unpack(backup, archive, workshop, secretsDirectory);
  const recovered = await recover(workshop, recoveryTarget);
  try {
    const { server, ownerUrl } = recovered;
    if (target.kind === 'latest') await refuseEarlyEnd(server.superuserUrl, archive);
    await refuseOtherJournal(ownerUrl, backup.manifest);
    const postgres = { ownerUrl, ledgerUrl: undefined, dispatcherUrl: undefined };
    const secrets = new Secrets(join(workshop, SECRETS_FOLDER));
    const { applied } = await prepareDatabase(postgres, server.superuserUrl, secrets);
    if (applied.length > 0) console.log(`The database has been migrated: ${applied.join(', ')}.`);
    return await finishRestore(ownerUrl);
  } finally {
    await stop(recovered);
  }
}

/** Each ledger has the event that it had when the backup was taken, and so all before it, by its hash. */
export async function refuseOtherJournal(ownerUrl: string, { ledgers }: Manifest): Promise<void> {
  const owner = new pg.Client({ connectionString: ownerUrl });
  await owner.connect();
  try {
    for (const { ledgerId, position, hash } of ledgers.filter((ledger) => ledger.position !== '0')) {
      const { rows } = await owner.query<{ hash: string }>(
        `SELECT encode(hash, 'hex') AS hash FROM journal.events WHERE ledger_id = $1 AND position = $2`,
        [decodeTypeId('ldg', ledgerId), position],
      );
      if (rows[0]?.hash === hash) continue;
      throw new CannotStart(`${ledgerId} has another event at ${position} than when the backup was taken.`);
    }
  } finally {
    await owner.end();
  }
}

function stop({ server }: Pick<Recovered, 'server'>): Promise<void> {
  return server.stop(new AbortController().signal);
}

/** How far the newest backup knew each ledger to be. */
export function knownPositions(backups: readonly FoundBackup[]): ReadonlyMap<string, bigint> {
  const known = new Map<string, bigint>();
  for (const { manifest } of backups) {
    for (const { ledgerId, position } of manifest.ledgers) {
      const before = known.get(ledgerId) ?? 0n;
      if (BigInt(position) >= before) known.set(ledgerId, BigInt(position));
    }
  }
  return known;
}

export function describeTarget(target: RestoreTarget): string {
  switch (target.kind) {
    case 'latest':
      return 'the end of its archived log';
    case 'time':
      return target.text;
    case 'position':
      return `the commit of ${target.ledger}:${target.position}`;
  }
}
