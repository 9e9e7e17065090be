import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { migrations } from '../../migrations/index.js';

const folder = join(import.meta.dirname, '../../migrations');
const files = readdirSync(folder).filter((name) => /^\d+-.*\.ts$/.test(name));
const sha256 = (file: string) =>
  createHash('sha256')
    .update(readFileSync(join(folder, file)))
    .digest('hex');

/** In the order in which they run; a line is added with the migration, and never changed. */
const landed = readFileSync(join(folder, 'landed.sha256'), 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => line.split('  '))
  .map(([hash = '', file = '']) => ({ hash, file }));

describe('a migration that has landed', () => {
  it.each(landed)('is never changed: $file', ({ file, hash }) => {
    // Databases exist that ran it as it was: what it lacks is a migration of its own.
    expect({ file, hash: sha256(file) }).toEqual({ file, hash });
  });

  it('is in the list of what has landed', () => {
    expect(landed.map(({ file }) => file)).toEqual(files);
    expect(migrations.map(({ name }) => name)).toEqual(files.map(classNameOf));
  });
});

/** `1763700000012-lifecycle-lists.ts` holds LifecycleLists1763700000012. */
function classNameOf(file: string): string {
  const [, number = '', words = ''] = /^(\d+)-(.*)\.ts$/.exec(file) ?? [];
  const name = words.replace(/(^|-)./g, (letter) => letter.replace('-', '').toUpperCase());
  return `${name}${number}`;
}

/** What processes of the release before would miss, or wait for, on a table that they use meanwhile. */
const rules: readonly { readonly what: string; readonly pattern: RegExp }[] = [
  {
    what: 'an index is built while nobody may write (CREATE INDEX CONCURRENTLY doesn’t)',
    pattern: /^CREATE (?:UNIQUE )?INDEX (?!CONCURRENTLY)[\s\S]*? ON (?:ONLY )?([\w.]+)/,
  },
  {
    what: 'the table is written anew under an exclusive lock',
    pattern:
      /^ALTER TABLE (?:IF EXISTS )?(?:ONLY )?([\w.]+)[\s\S]*(?:\bTYPE\b|\bDEFAULT (?:clock_timestamp|now|gen_random_uuid|random)\b|\bGENERATED\b)/,
  },
  {
    what: 'the table is read whole under an exclusive lock (NOT VALID, then VALIDATE in a later one)',
    pattern:
      /^ALTER TABLE (?:IF EXISTS )?(?:ONLY )?([\w.]+)(?![\s\S]*NOT VALID)[\s\S]*(?:\bSET NOT NULL\b|\bCHECK \(|\bREFERENCES\b|\bADD (?:CONSTRAINT|UNIQUE|PRIMARY KEY|FOREIGN KEY)\b)/,
  },
  {
    what: 'rows are rewritten in the transaction that changes the schema',
    pattern: /^(?:UPDATE|DELETE FROM|TRUNCATE|LOCK TABLE) (?:ONLY )?([\w.]+)/,
  },
  {
    what: 'something is taken away or named anew: that is for a later release',
    pattern:
      /^(?:DROP [A-Z ]+|ALTER \w+ (?=[\w.]+[\s\S]*(?:\bRENAME\b|\bDROP (?!NOT NULL|DEFAULT)|\bSET SCHEMA\b)))([\w.]+)/,
  },
];

/** A statement's table; its index where that may be built while the table is used. */
function madeBy(statement: string): string | undefined {
  const table = /^CREATE (?:UNLOGGED )?TABLE (?:IF NOT EXISTS )?([\w.]+)/.exec(statement)?.[1];
  const [, index, schema] = /^CREATE INDEX CONCURRENTLY (\w+) ON (\w+)\./.exec(statement) ?? [];
  return table ?? (index === undefined ? undefined : `${schema}.${index}`);
}

/** What was made in the same migration is nobody's yet. */
function violationsIn(sql: string): string[] {
  const statements = sql
    .replace(/--.*$/gm, '')
    .replace(/\$(\w*)\$[\s\S]*?\$\1\$/g, '$$$$')
    .split(';')
    .map((statement) => statement.trim().replace(/\s+/g, ' '));
  const own = statements.map(madeBy);
  return rules.flatMap(({ what, pattern }) =>
    statements.flatMap((statement) => {
      const object = pattern.exec(statement)?.[1];
      return object === undefined || own.includes(object) ? [] : [`${object}: ${what}`];
    }),
  );
}

async function sqlOf(Migration: (typeof migrations)[number]): Promise<string> {
  const texts: string[] = [];
  type Runner = Parameters<InstanceType<typeof Migration>['up']>[0];
  await new Migration().up({ query: async (text: string) => void texts.push(text) } as unknown as Runner);
  return texts.join(';\n');
}

const [index, rewritten, readWhole, backfill] = rules.map(({ what }) => what);

/** Landed before there were rules, and what they cost. Nothing is added here. */
const known: Readonly<Record<string, readonly string[]>> = {
  // Ledgers and keys are few: thousands of rows at most.
  Keys1763700000009: [
    `access.ledgers: ${index}`,
    `access.api_keys: ${index}`,
    `access.api_keys: ${rewritten}`,
    `access.ledgers: ${readWhole}`,
    `access.api_keys: ${readWhole}`,
    `access.api_keys: ${backfill}`,
  ],
  // Each partition is read whole, while nothing is taken in or delivered, to find that none of its rows has an owner.
  DeliveriesOfOwners1763700000011: [`dispatcher.deliveries: ${index}`],
};

describe('processes of the release before go on while a migration runs', () => {
  it.each(migrations.map((Migration) => [Migration.name, Migration] as const))(
    '%s',
    async (name, Migration) => {
      expect(violationsIn(await sqlOf(Migration))).toEqual(known[name] ?? []);
    },
  );

  it.each([
    'CREATE INDEX x ON ledger.accounts (id)',
    'CREATE UNIQUE INDEX x ON ledger.accounts USING gin (id)',
    'ALTER TABLE ledger.accounts ALTER COLUMN name TYPE varchar',
    'ALTER TABLE ledger.accounts ADD x uuid DEFAULT gen_random_uuid()',
    'ALTER TABLE ledger.accounts ALTER name SET NOT NULL',
    'ALTER TABLE ledger.accounts ADD CONSTRAINT x CHECK (version > 0)',
    'ALTER TABLE ONLY ledger.accounts ADD x uuid REFERENCES access.ledgers (id)',
    'UPDATE ledger.accounts SET name = lower(name)',
    'ALTER TABLE ledger.accounts DROP COLUMN name',
    'ALTER TABLE ledger.accounts RENAME TO accounts_1',
    'DROP TABLE ledger.accounts',
    'DROP FUNCTION journal.append_v1',
    'CREATE TABLE x (); -- a comment; of two parts\n  DROP INDEX ledger.accounts_name',
  ])('a planted one is found: %s', (sql) => {
    expect(violationsIn(sql)).toHaveLength(1);
  });

  it.each([
    'CREATE TABLE ledger.fees (id uuid); CREATE INDEX x ON ledger.fees (id); UPDATE ledger.fees SET id = id',
    'CREATE INDEX CONCURRENTLY x ON ledger.accounts (id)',
    'ALTER TABLE ledger.accounts ADD x text, ADD y integer NOT NULL DEFAULT 0, ALTER name DROP NOT NULL',
    'ALTER TABLE ledger.accounts ADD CONSTRAINT x CHECK (version > 0) NOT VALID',
    'CREATE FUNCTION x() RETURNS void LANGUAGE sql AS $$ DROP TABLE x; UPDATE y SET z = 1; $$',
    'INSERT INTO publishing.leadership (term) VALUES (0)',
    'DROP INDEX CONCURRENTLY IF EXISTS ledger.x; CREATE INDEX CONCURRENTLY x ON ledger.accounts (id)',
  ])('what harms nobody is none: %s', (sql) => {
    expect(violationsIn(sql)).toEqual([]);
  });
});
