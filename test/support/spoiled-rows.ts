import pg from 'pg';

/** What makes another value of one of each type that a table has. */
const otherValues: Readonly<Record<string, (column: string) => string>> = {
  text: (column) => `coalesce(${column}, '') || 'x'`,
  uuid: () => 'gen_random_uuid()',
  numeric: (column) => `coalesce(${column}, 0) + 1`,
  bigint: (column) => `${column} + 1000000`,
  integer: (column) => `${column} + 1000`,
  smallint: (column) => `${column} + 100`,
  json: () => `'{"spoiled": true}'`,
  'timestamp with time zone': (column) => `coalesce(${column}, now()) + interval '1 microsecond'`,
  'text[]': (column) => `array_append(${column}, 'x')`,
  'numeric[]': (column) => `array_append(${column}, 1)`,
  'uuid[]': (column) => `array_append(${column}, gen_random_uuid())`,
};

/** Tables with all that is in them, by schema, from the catalog. */
export async function tablesIn(db: pg.ClientBase, schema: string): Promise<string[]> {
  const { rows } = await db.query<{ name: string }>(
    `SELECT c.relname AS name FROM pg_class c WHERE c.relnamespace = $1::regnamespace AND c.relkind IN ('r', 'p')
      ORDER BY 1`,
    [schema],
  );
  return rows.map(({ name }) => name);
}

export async function contentOf(db: pg.ClientBase, table: string): Promise<string[]> {
  const { rows } = await db.query<{ row: string }>(`SELECT t::text AS row FROM ${table} t ORDER BY 1`);
  return rows.map(({ row }) => row);
}

/**
 * Spoils each column of the table in a row of its own, where there are as many, and removes a row. The columns come from
 * the catalog, so that a new one is spoiled as well.
 */
export async function spoil(db: pg.ClientBase, table: string, ledgerId: string): Promise<number> {
  const { rows: columns } = await db.query<{ name: string; type: string }>(
    `SELECT attname AS name, format_type(atttypid, atttypmod) AS type FROM pg_attribute
      WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped AND attname <> 'ledger_id'`,
    [table],
  );
  const { rows } = await db.query<{ place: string }>(
    `SELECT ctid::text AS place FROM ${table} WHERE ledger_id = $1 ORDER BY md5(ctid::text)`,
    [ledgerId],
  );
  const places = rows.map(({ place }) => place);
  if (places.length === 0) throw new Error(`${table} has no row to spoil`);
  const assignments = new Map<string, string[]>();
  for (const [index, { name, type }] of columns.entries()) {
    const other = otherValues[type];
    if (!other) throw new Error(`${table}.${name} is of type ${type}, of which no other value is known`);
    const place = places[index % places.length]!;
    assignments.set(place, [...(assignments.get(place) ?? []), `${name} = ${other(name)}`]);
  }
  for (const [place, set] of assignments) {
    await db.query(`UPDATE ${table} SET ${set.join(', ')} WHERE ctid = $1::tid`, [place]);
  }
  const spare = places.find((place) => !assignments.has(place));
  if (spare !== undefined) await db.query(`DELETE FROM ${table} WHERE ctid = $1::tid`, [spare]);
  return assignments.size + (spare === undefined ? 0 : 1);
}
