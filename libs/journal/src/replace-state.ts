import type pg from 'pg';
import type { Difference } from './difference.js';
import { lockHead } from './gather-batch.js';
import type { RecomputedState, StateRow, StateTable } from './recomputed-state.js';

export interface ReplacedState {
  readonly removed: number;
  readonly written: number;
  readonly lockedMs: number;
}

/**
 * Writes rows of a ledger's state as its events make them, under the lock of its head, where no batch is between
 * reading and writing. Only the rows named are touched, and the head, so that no process takes what it knew of the
 * ledger for what there is. Null: the journal itself is not as it must be, and nothing was written.
 *
 * @param state already close to the head, so that little is left to be done under the lock
 * @param keys of rows, as they were found to be wrong
 */
export async function replaceState(
  client: pg.ClientBase,
  state: RecomputedState,
  table: StateTable,
  keys: readonly StateRow[],
  lockTimeoutMs: number,
): Promise<ReplacedState | Difference> {
  await lockHead(client, state.ledgerId, lockTimeoutMs);
  const lockedAt = performance.now();
  try {
    const difference = await state.advance(client);
    if (difference) {
      await client.query('ROLLBACK');
      return difference;
    }
    const wanted = new Set(keys.map((row) => keyOf(table, row)));
    const rows = state.rowsOf(table).filter((row) => wanted.has(keyOf(table, row)));
    const removed = await removeRows(client, state.ledgerId, table, keys);
    const written = await writeRows(client, state.ledgerId, `ledger.${table.name}`, table, rows);
    await client.query('UPDATE journal.heads SET position = position WHERE ledger_id = $1', [state.ledgerId]);
    await client.query('COMMIT');
    return { removed, written, lockedMs: performance.now() - lockedAt };
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}

function keyOf({ key }: StateTable, row: StateRow): string {
  return JSON.stringify(key.map((column) => row[column]));
}

async function removeRows(
  client: pg.ClientBase,
  ledgerId: string,
  { name, key }: StateTable,
  keys: readonly StateRow[],
): Promise<number> {
  const isKey = key.map((column) => ` AND t.${column} = k.${column}`).join('');
  const { rowCount } = await client.query({
    text: `DELETE FROM ledger.${name} t USING json_populate_recordset(NULL::ledger.${name}, $2) k
      WHERE t.ledger_id = $1${isKey}`,
    values: [ledgerId, JSON.stringify(keys)],
  });
  return rowCount ?? 0;
}

/** @param into the table itself, or one with the same columns */
export async function writeRows(
  client: pg.ClientBase,
  ledgerId: string,
  into: string,
  { name }: StateTable,
  rows: readonly StateRow[],
): Promise<number> {
  const { rowCount } = await client.query({
    text: `INSERT INTO ${into} SELECT r.* FROM json_populate_recordset(NULL::ledger.${name}, $2) r
      WHERE r.ledger_id = $1`,
    values: [ledgerId, JSON.stringify(rows)],
  });
  return rowCount ?? 0;
}
