import pg from 'pg';
import {
  listLedgers,
  RecomputedState,
  replaceState,
  writeRows,
  type Difference,
  type StateRow,
  type StateTable,
} from '#journal';
import type { ComparedRows, RowDifference } from './compared-rows.js';
import { compareState, differencesOfState, rebuiltState } from './scan-rebuilt.js';

export interface RebuildStateOptions {
  /** Rows that differ are written as their events make them. */
  readonly repair: boolean;
  readonly tell: (line: string) => void;
}

export interface RebuiltState {
  readonly ledgers: number;
  readonly events: number;
  readonly rows: readonly ComparedRows[];
  readonly differences: readonly RowDifference[];
  readonly differing: number;
  /** Ledgers whose events don't tell how things must be: the journal is broken, or an event erased. */
  readonly untold: readonly { readonly ledgerId: string; readonly reason: string }[];
  readonly repaired: number;
  /** Of a ledger's head, at the longest. */
  readonly lockedMs: number;
}

const rowsPerWrite = 5_000;
/** Wrong rows that are mended in one go. */
const differencesMax = 10_000;
const roundsMax = 20;
const headWaitMs = 5_000;

/**
 * Builds a table of state again, of all ledgers as of one moment, and compares every row; nobody waits for it. State
 * guards rules and changes with each batch, so that it isn't swapped: rows that differ are written anew under the lock
 * of their ledger's head, and no others.
 */
export async function rebuildState(
  ownerUrl: string,
  table: StateTable,
  { repair, tell }: RebuildStateOptions,
): Promise<RebuiltState> {
  const client = new pg.Client({
    connectionString: ownerUrl,
    application_name: 'ledger-rebuild',
    options: '-c timezone=UTC',
  });
  client.on('error', () => undefined);
  await client.connect();
  try {
    let found = await compare(client, table, tell);
    let [repaired, lockedMs] = [0, 0];
    const differences = found.differences;
    for (let round = 0; repair && found.differing > 0 && round < roundsMax; round++) {
      for (const [ledgerId, keys] of keysByLedger(table, found.differences)) {
        const state = new RecomputedState(ledgerId);
        const broken = await state.advance(client);
        if (broken) throw new Error(`the journal of ledger ${ledgerId} changed: ${broken.subject}`);
        const replaced = await replaceState(client, state, table, keys, headWaitMs);
        if ('subject' in replaced)
          throw new Error(`the journal of ledger ${ledgerId} is broken: ${replaced.subject}`);
        repaired += keys.length;
        lockedMs = Math.max(lockedMs, replaced.lockedMs);
        tell(`ledger ${ledgerId}: ${replaced.removed} rows removed, ${replaced.written} written`);
      }
      found = await compare(client, table, tell);
    }
    return { ...found, differences, repaired, lockedMs };
  } finally {
    await client.end();
  }
}

async function compare(client: pg.Client, table: StateTable, tell: (line: string) => void) {
  await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
  try {
    await client.query(`CREATE TEMPORARY TABLE ${rebuiltState.replace('pg_temp.', '')}
      (LIKE ledger.${table.name} INCLUDING INDEXES) ON COMMIT DROP`);
    const untold: { ledgerId: string; reason: string }[] = [];
    const ledgers = await listLedgers(client);
    let events = 0;
    for (const ledgerId of ledgers) {
      const state = new RecomputedState(ledgerId);
      const broken = await state.advance(client);
      events += state.events;
      const reason = broken ? textOf(broken) : state.erased > 0 ? `${state.erased} events are erased` : null;
      if (reason !== null) untold.push({ ledgerId, reason });
      else await write(client, state, table);
    }
    await client.query(`ANALYZE ${rebuiltState}`);
    const compared = { name: table.name, key: ['ledger_id', ...table.key] };
    const without = untold.map(({ ledgerId }) => ledgerId);
    const rows = await compareState(client, compared, without);
    const differing = rows.reduce((sum, row) => sum + row.differing, 0);
    tell(
      `compared ledger.${table.name} of ${ledgers.length} ledgers, ${events} events: ${differing} rows differ`,
    );
    const differences =
      differing === 0 ? [] : await differencesOfState(client, compared, without, differencesMax);
    return { ledgers: ledgers.length, events, rows, differing, differences, untold };
  } finally {
    await client.query('ROLLBACK');
  }
}

async function write(client: pg.Client, state: RecomputedState, table: StateTable): Promise<void> {
  const rows = state.rowsOf(table);
  for (let n = 0; n < rows.length; n += rowsPerWrite) {
    await writeRows(client, state.ledgerId, rebuiltState, table, rows.slice(n, n + rowsPerWrite));
  }
}

function keysByLedger({ key }: StateTable, differences: readonly RowDifference[]): Map<string, StateRow[]> {
  const byLedger = new Map<string, StateRow[]>();
  for (const { read, rebuilt } of differences) {
    const row = JSON.parse(read ?? rebuilt ?? '{}') as StateRow & { ledger_id: string };
    const columns = Object.fromEntries(key.map((column) => [column, row[column]]));
    byLedger.set(row.ledger_id, [...(byLedger.get(row.ledger_id) ?? []), columns]);
  }
  return byLedger;
}

function textOf({ subject, position, expected, found }: Difference): string {
  const at = position === null ? '' : ` at position ${position}`;
  return `${subject}${at} differs: expected ${expected}, found ${found}`;
}
