import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

/**
 * One ledger, one wall: every statement on rows that belong to a ledger names that ledger. The texts are collected
 * from the sources, so that one that no test runs is seen as well.
 */
const roots = ['apps', 'libs', 'tools'];

/**
 * All tables of these schemas, but the two that say who leads; dispatcher.open_intake_v1 is told of which ledgers.
 * Of the access schema keys and the audit log are a ledger's.
 */
const ledgerRows =
  /\b(?:FROM|JOIN|INTO|UPDATE|USING)\s+(?:ONLY\s+)?(?:access\.(?:api_keys|audit_log)\b|(?:journal|ledger|projections|stream|publishing|dispatcher)\.(?!leadership\b|shards\b|open_intake_v1\(\$1)\w+)/i;
/** A table whose name is put in can't be judged, so it counts as one of them. A cursor has been judged before. */
const unknownRows = /\b(?<!FETCH \S+ )(?:FROM|JOIN|INTO|UPDATE|USING)\s+\$\{/;

/** In stream.offsets a ledger is the partition. */
const namesItsLedger =
  /\bledger_id\s*=\s*\$(?:\d|\{)|\(ledger_id,|\bpartition\s*=\s*\$3|\(subscriber, topic, partition,/;

/** What is by nature done over ledgers, and in which files alone; what these find is worked on ledger by ledger. */
const scans: Readonly<Record<string, string>> = {
  'apps/ledger/src/expiry/scan-due-holds.ts':
    'holds are released when their time has come, whosever they are',
  'apps/ledger/src/projections/scan-ledgers.ts': 'which ledgers lag or are parked',
  'apps/ledger/src/publishing/scan-ledgers.ts': 'one publisher sends for all ledgers together',
  'apps/webhook-dispatcher/src/delivery/scan-shards.ts': 'deliveries are claimed by shard, whosever they are',
  'apps/webhook-dispatcher/src/delivery/scan-results.ts': 'results of many ledgers are written together',
  'apps/webhook-dispatcher/src/delivery/scan-lanes.ts': 'lanes are of endpoints, and are worked by shard',
  'apps/webhook-dispatcher/src/intake/scan-dead-letters.ts': 'what the operator is shown',
  'apps/webhook-dispatcher/src/recovery/scan-recoveries.ts': 'recoveries are found by shard',
  'apps/webhook-dispatcher/src/retention/scan-old-lanes.ts': 'what is dropped by age',
  'libs/access/src/api-keys.ts': 'whose a secret or a key is, which is what gives a request its ledger',
  'libs/access/src/key-uses.ts': 'uses of many ledgers’ keys are written together',
  'libs/event-stream/src/scan-lag.ts': 'how far a subscriber is behind on all that it follows',
  'libs/journal/src/list-ledgers.ts': 'which ledgers there are to verify',
  'libs/journal/src/raise-epochs.ts': 'a database is restored with all its ledgers',
  'tools/backup/scan-heads.ts': 'how far all ledgers of a backup had come',
  'tools/restore/scan-readers.ts': 'how far all that read the journal had come before a restore',
  'tools/rebuild/compared-rows.ts': 'joins two queries, each of which is judged where it is written',
  'tools/rebuild/scan-rebuilt.ts': 'rows of ledgers that nothing knows have to be found as well',
};

interface Statement {
  readonly file: string;
  readonly sql: string;
}

function statementsOf(file: string, source: string): Statement[] {
  const found: Statement[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isStringLiteralLike(node) || ts.isTemplateExpression(node)) {
      const sql = node.getText(tree);
      if (ledgerRows.test(sql) || unknownRows.test(sql)) found.push({ file, sql });
    }
    ts.forEachChild(node, visit);
  };
  const tree = ts.createSourceFile(file, source, ts.ScriptTarget.Latest);
  visit(tree);
  return found;
}

function sourceFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts') && !path.endsWith('.spec.ts'))
    .map((path) => join(folder, path));
}

const statements = roots
  .flatMap(sourceFiles)
  .flatMap((file) => statementsOf(file, readFileSync(file, 'utf8')));

describe('a statement on a ledger’s rows', () => {
  it('is found by this test, in both apps and the libs', () => {
    for (const [root, count] of [
      ['apps/ledger/', 20],
      ['apps/webhook-dispatcher/', 40],
      ['libs/', 20],
    ] as const) {
      expect(statements.filter(({ file }) => file.startsWith(root)).length).toBeGreaterThan(count);
    }
  });

  it.each(statements.filter(({ file }) => !(file in scans)))('names its ledger: $file $sql', ({ sql }) => {
    expect(sql).toMatch(namesItsLedger);
  });

  it.each([
    `SELECT * FROM ledger.accounts WHERE id = $1`,
    `SELECT * FROM journal.heads h JOIN projections.checkpoints c ON c.ledger_id = h.ledger_id`,
    `SELECT position FROM publishing.checkpoints`,
    `SELECT * FROM stream.offsets WHERE subscriber = $1`,
    `SELECT * FROM dispatcher.endpoints WHERE id = $1`,
    `DELETE FROM dispatcher.lane_entries l USING dispatcher.deliveries d WHERE d.event_id = l.event_id`,
    `SELECT * FROM access.api_keys WHERE id = $1`,
    `UPDATE access.audit_log SET actor = $1 WHERE id = $2`,
    'UPDATE dispatcher.deliveries SET status = $1 WHERE day = $2 AND event_id = $3 AND endpoint_id = $4',
    'DELETE FROM ${table} WHERE day < $1',
  ])('is told from one that names none: %s', (sql) => {
    for (const literal of [
      `\`${sql}\``,
      `'${sql}'`,
      `"${sql}"`,
      `\`\${conditions.map((c) => \`\${c}\`)} ${sql}\``,
    ]) {
      const [planted] = statementsOf('planted.ts', `await db.query(${literal}, values);`);
      expect(planted?.sql).toContain(sql);
      expect(planted?.sql).not.toMatch(namesItsLedger);
    }
  });
});

describe('a file of scans over ledgers', () => {
  it.each(Object.entries(scans))('%s (%s) is there, and has one that names no ledger', (file) => {
    expect(existsSync(file)).toBe(true);
    const unnamed = statements.filter((each) => each.file === file && !namesItsLedger.test(each.sql));
    expect(unnamed.length).toBeGreaterThan(0);
  });
});
