import type pg from 'pg';
import { listsProjection } from '../../apps/ledger/src/projections/lists-projection.js';
import { projectionsSchema } from '../../apps/ledger/src/projections/projection.js';
import { stateTables, type StateTable } from '#journal';

/** What is made from the journal alone, by the name that it is asked for by. */
export interface RebuildableProjection {
  readonly name: string;
  readonly what: string;
  /** With their schemas. */
  readonly tables: readonly string[];
  /** Of what is written in the transaction of the events: it is compared and mended, and never swapped. */
  readonly state: StateTable | null;
}

const stateOf = (name: string, what: string, state: StateTable): RebuildableProjection => {
  return { name, what, tables: [`ledger.${state.name}`], state };
};

export const projections: readonly RebuildableProjection[] = [
  {
    name: listsProjection.name,
    what: 'what lists, statements and balances as of a time are read from; swapped',
    tables: listsProjection.tables.map((table) => `${projectionsSchema}.${table}`),
    state: null,
  },
  stateOf('accounts', 'accounts and the money on them', stateTables.accounts),
  stateOf('progress', 'how far holds and what was reversed have come', stateTables.transaction_progress),
  stateOf('exchange-rates', 'rates between currencies', stateTables.exchange_rates),
  stateOf('currencies', 'assets of the ledgers’ own', stateTables.currencies),
  stateOf('closed-periods', 'up to when nothing may take effect', stateTables.closed_periods),
  stateOf('external-ids', 'external ids of transactions', stateTables.transaction_external_ids),
];

/** Rows as the statistics estimate them, which costs nothing however many there are. */
export async function sizeOf(
  db: pg.ClientBase,
  { tables }: RebuildableProjection,
): Promise<{ readonly rows: number; readonly size: string }> {
  const { rows } = await db.query<{ rows: number; size: string }>({
    text: `SELECT sum(greatest(c.reltuples, 0))::float8 AS rows, pg_size_pretty(sum(pg_total_relation_size(c.oid))) AS size
      FROM pg_class c WHERE c.oid = ANY ($1::regclass[])`,
    values: [tables],
  });
  return rows[0]!;
}
