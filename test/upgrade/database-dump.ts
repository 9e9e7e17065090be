import type pg from 'pg';
import { migrations } from '../../migrations/index.js';

/** A row of the tables; what a column holds is Postgres's own text of it, so that JSON stays as it was written. */
export interface DumpedRow {
  readonly table: string;
  readonly row: Readonly<Record<string, string | null>>;
}

interface Column {
  readonly table: string;
  readonly column: string;
  readonly type: string;
}

const schemas = ['journal', 'ledger', 'access', 'projections', 'stream', 'dispatcher', 'publishing'];
const migrationsTable = 'public.migrations';

/**
 * All that a database holds, but for what dispatchers keep by day and drop by age: deliveries and their attempts, and
 * for tables without a log.
 */
export async function dumpRows(db: pg.ClientBase): Promise<DumpedRow[]> {
  const dumped: DumpedRow[] = [];
  for (const [table, columns] of await columnsByTable(db)) {
    const texts = columns.map(({ column }) => `'${column}', "${column}"::text`);
    const { rows } = await db.query<{ row: DumpedRow['row'] }>(
      `SELECT json_build_object(${texts.join(', ')}) AS row FROM ${table} t ORDER BY t.*::text`,
    );
    dumped.push(...rows.map(({ row }) => ({ table, row: withoutNulls(row) })));
  }
  return inOrder(dumped);
}

/** On a bare database: the schema as the release had it, then its rows. Triggers are asleep: the rows are all there is. */
export async function restoreRows(db: pg.ClientBase, dumped: readonly DumpedRow[]): Promise<void> {
  await db.query("SET timezone = 'UTC'");
  await makeSchema(db, dumped);
  await db.query("SET session_replication_role = 'replica'");
  const tables = await columnsByTable(db);
  // Migrations make rows too.
  for (const table of tables.keys()) if (table !== migrationsTable) await db.query(`DELETE FROM ${table}`);
  for (const { table, row } of dumped) {
    if (table === migrationsTable) continue;
    const columns = (tables.get(table) ?? []).filter(({ column }) => column in row);
    const values = columns.map(({ type }, index) => `$${index + 1}::text::${type}`);
    await db.query(
      `INSERT INTO ${table} (${columns.map(({ column }) => `"${column}"`).join(', ')})
       OVERRIDING SYSTEM VALUE VALUES (${values.join(', ')})`,
      columns.map(({ column }) => row[column]),
    );
  }
  await db.query("SET session_replication_role = 'origin'");
  await moveSequences(db);
}

/** By today's migrations, whose text never changes; in the order in which they ran then. */
async function makeSchema(db: pg.ClientBase, dumped: readonly DumpedRow[]): Promise<void> {
  await db.query('SET ROLE ledger_owner');
  await db.query(
    `CREATE TABLE ${migrationsTable} (id serial PRIMARY KEY, timestamp bigint NOT NULL, name varchar NOT NULL)`,
  );
  type Runner = Parameters<InstanceType<(typeof migrations)[number]>['up']>[0];
  const runner = { query: (text: string) => db.query(text) } as unknown as Runner;
  for (const { row } of dumped.filter(({ table }) => table === migrationsTable)) {
    const Migration = migrations.find(({ name }) => name === row['name']);
    if (!Migration) throw new Error(`the migration ${row['name']} of an earlier release is gone`);
    await new Migration().up(runner);
    await db.query(`INSERT INTO ${migrationsTable} (timestamp, name) VALUES ($1, $2)`, [
      row['timestamp'],
      row['name'],
    ]);
  }
  await db.query('RESET ROLE');
}

async function columnsByTable(db: pg.ClientBase): Promise<Map<string, Column[]>> {
  const { rows } = await db.query<Column>(
    `SELECT format('%s.%s', n.nspname, c.relname) AS table, a.attname AS column,
      format_type(a.atttypid, a.atttypmod) AS type
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
    WHERE c.relkind = 'r' AND NOT c.relispartition AND c.relpersistence = 'p'
      AND (n.nspname = ANY ($1) OR format('%s.%s', n.nspname, c.relname) = $2)
    ORDER BY 1, a.attnum`,
    [schemas, migrationsTable],
  );
  const byTable = new Map<string, Column[]>();
  for (const row of rows) byTable.set(row.table, [...(byTable.get(row.table) ?? []), row]);
  return byTable;
}

async function moveSequences(db: pg.ClientBase): Promise<void> {
  for (const [table, columns] of await columnsByTable(db)) {
    for (const { column } of columns) {
      const { rows } = await db.query<{ sequence: string | null }>(
        'SELECT pg_get_serial_sequence($1, $2) AS sequence',
        [table, column],
      );
      const sequence = rows[0]?.sequence;
      if (sequence) await db.query(`SELECT setval('${sequence}', max("${column}")) FROM ${table}`);
    }
  }
}

const withoutNulls = (row: DumpedRow['row']) =>
  Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null));

/** Events and migrations by their number, so that a reader of the file follows what happened. */
function inOrder(dumped: readonly DumpedRow[]): DumpedRow[] {
  const number = ({ row }: DumpedRow) => Number(row['position'] ?? row['id'] ?? row['number'] ?? 0) || 0;
  return dumped
    .map((each, index) => ({ each, index }))
    .sort((a, b) =>
      a.each.table === b.each.table
        ? number(a.each) - number(b.each) || a.index - b.index
        : a.index - b.index,
    )
    .map(({ each }) => each);
}
