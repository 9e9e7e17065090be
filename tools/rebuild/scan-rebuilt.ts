import type pg from 'pg';
import { projectionsSchema } from '../../apps/ledger/src/projections/projection.js';
import {
  countsSql,
  differencesSql,
  type ComparedRows,
  type CountsRow,
  type DifferenceRow,
  type RowDifference,
} from './compared-rows.js';
import { rebuildSchema, type CopiedTable } from './table-copies.js';

/** How far the projection that is read has come in a ledger. */
export interface ReadPosition {
  readonly ledgerId: string;
  readonly position: bigint;
  readonly head: bigint;
  readonly isParked: boolean;
}

/** Of all ledgers. This file alone reads across them: what isn't of any ledger that is known has to be found as well. */
export async function readPositions(
  db: Pick<pg.ClientBase, 'query'>,
  projection: string,
): Promise<ReadPosition[]> {
  const { rows } = await db.query<{ ledger_id: string; position: string; head: string; is_parked: boolean }>({
    text: `SELECT c.ledger_id, c.position::text, coalesce(h.position, 0)::text AS head,
        c.parked_reason IS NOT NULL AS is_parked
      FROM projections.checkpoints c LEFT JOIN journal.heads h ON h.ledger_id = c.ledger_id
      WHERE c.projection = $1 ORDER BY c.ledger_id`,
    values: [projection],
  });
  return rows.map(({ ledger_id: ledgerId, position, head, is_parked: isParked }) => {
    return { ledgerId, position: BigInt(position), head: BigInt(head), isParked };
  });
}

/** All rows of a table with all of the other; per ledger. */
export async function compareTable(db: pg.ClientBase, table: CopiedTable): Promise<ComparedRows[]> {
  const { rows } = await db.query<CountsRow>(countsSql(table, wholeTables(table)));
  return rows.map(({ ledger_id: ledgerId, ...counts }) => ({ table: table.name, ledgerId, ...counts }));
}

export async function differencesOfTable(
  db: pg.ClientBase,
  table: CopiedTable,
  max: number,
): Promise<RowDifference[]> {
  const { rows } = await db.query<DifferenceRow>(differencesSql(table, wholeTables(table), max));
  return rows.map((row) => ({ table: table.name, ...row }));
}

function wholeTables({ name }: CopiedTable) {
  return {
    read: `SELECT * FROM ${projectionsSchema}.${name}`,
    rebuilt: `SELECT * FROM ${rebuildSchema}.${name}`,
  };
}

/** A checkpoint past the end of the journal is put back to it. */
export async function mendCheckpoints(db: pg.ClientBase, projection: string): Promise<void> {
  await db.query({
    text: `UPDATE projections.checkpoints c SET position = coalesce(h.position, 0)
      FROM projections.checkpoints o LEFT JOIN journal.heads h ON h.ledger_id = o.ledger_id
      WHERE c.projection = $1 AND o.projection = $1 AND o.ledger_id = c.ledger_id
        AND c.position > coalesce(h.position, 0)`,
    values: [projection],
  });
}

/** Of all ledgers but those named, whose events don't tell how things must be. */
export async function compareState(
  db: pg.ClientBase,
  table: CopiedTable,
  without: readonly string[],
): Promise<ComparedRows[]> {
  const { rows } = await db.query<CountsRow>(countsSql(table, stateOf(table)), [without]);
  return rows.map(({ ledger_id: ledgerId, ...counts }) => ({ table: table.name, ledgerId, ...counts }));
}

export async function differencesOfState(
  db: pg.ClientBase,
  table: CopiedTable,
  without: readonly string[],
  max: number,
): Promise<RowDifference[]> {
  const { rows } = await db.query<DifferenceRow>(differencesSql(table, stateOf(table), max), [without]);
  return rows.map((row) => ({ table: table.name, ...row }));
}

/** Where state is built again: no other session sees it, and nothing is left of it. */
export const rebuiltState = 'pg_temp.rebuilt_state';

function stateOf({ name }: CopiedTable) {
  return {
    read: `SELECT * FROM ledger.${name} WHERE ledger_id <> ALL ($1::uuid[])`,
    rebuilt: `SELECT * FROM ${rebuiltState} WHERE ledger_id <> ALL ($1::uuid[])`,
  };
}
