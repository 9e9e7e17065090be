import pg from 'pg';
import { encodeTypeId } from '#contracts';
import { reportFailure } from '../start/cannot-start.js';
import { atOwnerDatabase } from '../start/owner-database.js';
import type { ComparedRows, RowDifference } from './compared-rows.js';
import { readRebuildSettings } from './config.js';
import { projections, sizeOf, type RebuildableProjection } from './projections.js';
import { count, rebuildLists } from './rebuild-lists.js';
import { rebuildState } from './rebuild-state.js';

/** Builds a projection again from the journal; exits with 1 where something differs that isn't put right. */
async function main(): Promise<void> {
  const { database, projection: name, repair } = readRebuildSettings(process.argv.slice(2));
  await atOwnerDatabase(database, async (url) => {
    const projection = projections.find((each) => each.name === name);
    if (!projection) await listProjections(url);
    else if (projection.state === null) await swapped(url, projection, repair);
    else await mended(url, projection, repair);
  });
}

async function listProjections(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url, application_name: 'ledger-rebuild' });
  await client.connect();
  try {
    for (const projection of projections) {
      const { rows, size } = await sizeOf(client, projection);
      console.log(`${projection.name.padEnd(15)} ${projection.what}: about ${count(rows)} rows, ${size}`);
    }
  } finally {
    await client.end();
  }
}

const tellOf = (name: string) => (line: string) => console.log(`${name}: ${line}`);

async function swapped(url: string, { name }: RebuildableProjection, repair: boolean): Promise<void> {
  const tell = tellOf(name);
  const rebuilt = await rebuildLists(url, { repair, tell });
  const { events, ledgers, buildMs, compareMs, turnsStoppedMs, readsStoppedMs, tries } = rebuilt;
  reportDifferences(rebuilt.rows, rebuilt.differences, rebuilt.differing);
  tell(
    `${count(events)} events of ${count(ledgers)} ledgers in ${seconds(buildMs)} ` +
      `(${count((events * 1_000) / buildMs)} events/s), compared in ${seconds(compareMs)}`,
  );
  if (!rebuilt.isSwapped) {
    tell('nothing was swapped. With --repair, what was built takes the place of what is read.');
    process.exitCode = 1;
    return;
  }
  tell(
    `swapped (${count(tries)} tries for locks): the projection stood still for ${count(turnsStoppedMs)} ms, ` +
      `reads for ${count(readsStoppedMs)} ms`,
  );
}

async function mended(url: string, { name, state }: RebuildableProjection, repair: boolean): Promise<void> {
  const tell = tellOf(name);
  const rebuilt = await rebuildState(url, state!, { repair, tell });
  const { differing, repaired, lockedMs, untold } = rebuilt;
  reportDifferences(rebuilt.rows, rebuilt.differences.slice(0, 10), Math.max(differing, repaired));
  for (const { ledgerId, reason } of untold) {
    console.error(`${encodeTypeId('ldg', ledgerId)}: can't be told from its events: ${reason}`);
  }
  if (repaired > 0)
    tell(`${count(repaired)} rows mended, a head locked for ${count(lockedMs)} ms at the longest`);
  if (differing > 0 && !repair)
    tell('nothing was changed. With --repair, these rows are written as their events make them.');
  if (differing > 0 || untold.length > 0) process.exitCode = 1;
  else tell('as the journal says');
}

function reportDifferences(
  rows: readonly ComparedRows[],
  differences: readonly RowDifference[],
  differing: number,
): void {
  if (differing === 0) return;
  for (const { table, ledgerId, read, rebuilt, differing } of rows.filter((row) => row.differing > 0)) {
    console.error(
      `${encodeTypeId('ldg', ledgerId)}: ${table}: ${count(differing)} differ of ${count(read)} rows, ${count(rebuilt)} built again`,
    );
  }
  console.error(`${count(differing)} rows differ; the first of them:`);
  for (const { table, read, rebuilt } of differences) {
    console.error(`${table}\n  read:    ${read ?? 'no such row'}\n  rebuilt: ${rebuilt ?? 'no such row'}`);
  }
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}

try {
  await main();
} catch (error) {
  reportFailure(error);
  process.exitCode = 1;
}
