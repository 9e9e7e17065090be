import pg from 'pg';
import { CannotStart } from '../start/cannot-start.js';

/** Where tables are built again. What an interrupted run has left there is dropped by the next. */
export const rebuildSchema = 'projections_rebuild';

export interface CopiedTable {
  readonly name: string;
  /** The columns of its primary key, in order. */
  readonly key: readonly string[];
}

/**
 * Empty tables with all that the others have but their rows: columns, constraints, indexes and their names, storage
 * options, owner and privileges. What can't be copied is found by comparing the catalog's descriptions of both, and
 * refused.
 */
export async function copyTables(
  db: pg.ClientBase,
  schema: string,
  names: readonly string[],
): Promise<CopiedTable[]> {
  await db.query(`DROP SCHEMA IF EXISTS ${rebuildSchema} CASCADE`);
  await db.query(`CREATE SCHEMA ${rebuildSchema}`);
  for (const name of names) await copyTable(db, schema, name);
  await refuseDifferences(db, schema, names);
  const copied: CopiedTable[] = [];
  for (const name of names) copied.push({ name, key: await keyOf(db, schema, name) });
  return copied;
}

/** Also asked before each swap: a migration may have changed the tables that are read. */
export async function refuseDifferences(
  db: pg.ClientBase,
  schema: string,
  names: readonly string[],
): Promise<void> {
  for (const name of names) {
    const [read, copy] = [await describe(db, schema, name), await describe(db, rebuildSchema, name)];
    const lost = read.filter((line) => !copy.includes(line));
    const added = copy.filter((line) => !read.includes(line));
    if (lost.length + added.length === 0) continue;
    const lines = [...lost.map((line) => `  - ${line}`), ...added.map((line) => `  + ${line}`)];
    throw new CannotStart(`${schema}.${name} can't be copied as it is:\n${lines.join('\n')}`);
  }
}

async function copyTable(db: pg.ClientBase, schema: string, name: string): Promise<void> {
  const { rows } = await db.query<{ statement: string }>({
    text: `WITH live AS (
        SELECT c.oid, c.reloptions, c.relacl, c.relowner, c.relname, format('%I.%I', $2::text, c.relname) AS copy
        FROM pg_class c WHERE c.oid = format('%I.%I', $1::text, $3::text)::regclass
      ), statements AS (
        SELECT 1 AS step, NULL AS name, format('CREATE TABLE %s (LIKE %I.%I INCLUDING ALL EXCLUDING INDEXES)%s', copy, $1,
          relname, ' WITH (' || array_to_string(reloptions, ', ') || ')') AS statement FROM live
        UNION ALL SELECT 2, k.conname, format('ALTER TABLE %s ADD CONSTRAINT %I %s', copy, k.conname,
          pg_get_constraintdef(k.oid))
        FROM live JOIN pg_constraint k ON k.conrelid = live.oid AND k.contype IN ('p', 'u', 'x')
        UNION ALL SELECT 3, i.relname, regexp_replace(pg_get_indexdef(i.oid), ' ON (ONLY )?\\S+ USING ',
          format(' ON %s USING ', copy))
        FROM live JOIN pg_index x ON x.indrelid = live.oid JOIN pg_class i ON i.oid = x.indexrelid
        WHERE NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.oid AND k.contype IN ('p', 'u', 'x'))
        UNION ALL SELECT 4, NULL, format('ALTER TABLE %s OWNER TO %s', copy, relowner::regrole) FROM live
        UNION ALL SELECT 5, NULL, format('REVOKE ALL ON %s FROM PUBLIC', copy) FROM live
        UNION ALL SELECT 6, a.privilege_type, format('GRANT %s ON %s TO %s%s', a.privilege_type, copy,
          CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END,
          CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
        FROM live CROSS JOIN LATERAL aclexplode(relacl) a
      )
      SELECT statement FROM statements ORDER BY step, name`,
    values: [schema, rebuildSchema, name],
  });
  if (rows.length === 0)
    throw new CannotStart(`There is no table ${schema}.${name}: migrate the database first.`);
  for (const { statement } of rows) await db.query(statement);
}

/**
 * Everything that the catalog says of a table, a line for each thing, without the schema's name. Apart from a count of
 * its own that Postgres 15.20 keeps among a column's options (pg_attver).
 */
async function describe(db: pg.ClientBase, schema: string, name: string): Promise<string[]> {
  const { rows } = await db.query<{ line: string }>({
    text: `WITH t AS (SELECT * FROM pg_class WHERE oid = format('%I.%I', $1::text, $2::text)::regclass)
      SELECT replace(line, format('%I.', $1::text), '') AS line FROM (
        SELECT format('table: kind %s, persistence %s, options %s, replica identity %s, row security %s, owner %s',
          relkind, relpersistence, reloptions, relreplident, relrowsecurity, relowner::regrole) AS line FROM t
        UNION ALL SELECT format('privilege: %s to %s%s', a.privilege_type, a.grantee::regrole, a.is_grantable)
        FROM t CROSS JOIN LATERAL aclexplode(coalesce(t.relacl, acldefault('r', t.relowner))) a
        UNION ALL SELECT format('column %s: %s %s, not null %s, default %s, collation %s, storage %s, compression %s, '
          || 'statistics %s, identity %s, generated %s, options %s, privileges %s',
          row_number() OVER (ORDER BY a.attnum), a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
          pg_get_expr(d.adbin, d.adrelid), a.attcollation::regcollation, a.attstorage, a.attcompression,
          a.attstattarget, a.attidentity, a.attgenerated,
          ARRAY(SELECT option FROM unnest(a.attoptions) option WHERE option NOT LIKE 'pg_attver=%' ORDER BY option),
          a.attacl)
        FROM t JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
        LEFT JOIN pg_attrdef d ON d.adrelid = t.oid AND d.adnum = a.attnum
        UNION ALL SELECT format('constraint %s: %s', k.conname, pg_get_constraintdef(k.oid))
        FROM t JOIN pg_constraint k ON k.conrelid = t.oid OR k.confrelid = t.oid
        UNION ALL SELECT format('index: %s, valid %s, clustered %s', pg_get_indexdef(x.indexrelid), x.indisvalid,
          x.indisclustered) FROM t JOIN pg_index x ON x.indrelid = t.oid
        UNION ALL SELECT 'trigger: ' || pg_get_triggerdef(g.oid) FROM t JOIN pg_trigger g ON g.tgrelid = t.oid
        UNION ALL SELECT 'rule: ' || pg_get_ruledef(r.oid) FROM t JOIN pg_rewrite r ON r.ev_class = t.oid
        UNION ALL SELECT format('policy: %s', p.polname) FROM t JOIN pg_policy p ON p.polrelid = t.oid
        UNION ALL SELECT format('statistics: %s', s.stxkeys) FROM t JOIN pg_statistic_ext s ON s.stxrelid = t.oid
        UNION ALL SELECT format('inherits: %s of %s', i.inhrelid::regclass, i.inhparent::regclass)
        FROM t JOIN pg_inherits i ON t.oid IN (i.inhrelid, i.inhparent)
        UNION ALL SELECT format('published: %s', p.pubname) FROM t JOIN pg_publication_rel r ON r.prrelid = t.oid
        JOIN pg_publication p ON p.oid = r.prpubid
      ) described ORDER BY 1`,
    values: [schema, name],
  });
  return rows.map(({ line }) => line);
}

async function keyOf(db: pg.ClientBase, schema: string, name: string): Promise<string[]> {
  const { rows } = await db.query<{ column: string }>({
    text: `SELECT a.attname AS column FROM pg_index x
      CROSS JOIN LATERAL unnest(x.indkey::smallint[]) WITH ORDINALITY AS k(attnum, n)
      JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = k.attnum
      WHERE x.indrelid = format('%I.%I', $1::text, $2::text)::regclass AND x.indisprimary ORDER BY k.n`,
    values: [schema, name],
  });
  return rows.map(({ column }) => pg.escapeIdentifier(column));
}
