import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * One ledger, one wall: every statement on a ledger's tables names one ledger. The texts are collected from the
 * sources, so that one that no test runs is seen as well.
 */
const roots = ['apps', 'libs'];
const ledgerTables =
  /\b(?:FROM|JOIN|INTO|UPDATE)\s+(?:(?:journal|ledger|projections|stream)\.\w+|publishing\.checkpoints)/;
/** Requests to the dispatcher are of one ledger as well; its deliveries are worked by shard, whosever they are. */
const dispatcherApi = /^apps\/webhook-dispatcher\/src\/(?:endpoints|deliveries)\//;
const dispatcherTables = /\b(?:FROM|JOIN|INTO|UPDATE)\s+dispatcher\.\w+/;
/** In stream.offsets a ledger is the partition; stream.read_v1 takes positions, and is given one ledger's. */
const namesOneLedger =
  /\bledger_id\s*=\s*(?:\$1|\$\{)|\(ledger_id,|\bpartition\s*=\s*\$3|\(subscriber, topic, partition,/;
/** Scans over ledgers stand in these files alone. */
const scans = [
  'apps/ledger/src/projections/scan-ledgers.ts',
  'apps/ledger/src/publishing/scan-ledgers.ts',
  'libs/journal/src/list-ledgers.ts',
  'libs/event-stream/src/scan-lag.ts',
];

interface Statement {
  readonly file: string;
  readonly sql: string;
}

function statementsOf(file: string, source: string): Statement[] {
  const literals = source.match(/`(?:[^`\\]|\\.)*`|'(?:[^'\\\n]|\\.)*'/g) ?? [];
  const isOfLedger = (text: string) =>
    ledgerTables.test(text) || (dispatcherApi.test(file) && dispatcherTables.test(text));
  return literals.filter(isOfLedger).map((sql) => ({ file, sql }));
}

function sourceFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts') && !path.endsWith('.spec.ts'))
    .map((path) => join(folder, path));
}

const statements = roots
  .flatMap(sourceFiles)
  .flatMap((file) => statementsOf(file, readFileSync(file, 'utf8')))
  .filter(({ file }) => !scans.includes(file));

describe('a statement on a ledger’s tables', () => {
  it('is found by this test', () => {
    expect(statements.length).toBeGreaterThan(15);
  });

  it.each(statements)('names one ledger: $file $sql', ({ sql }) => {
    expect(sql).toMatch(namesOneLedger);
  });

  it('is told apart from one that names none', () => {
    for (const [file, table] of [
      ['planted.ts', 'ledger.accounts'],
      ['apps/webhook-dispatcher/src/endpoints/planted.ts', 'dispatcher.endpoints'],
    ] as const) {
      const [planted] = statementsOf(file, `db.query('SELECT * FROM ${table} WHERE id = $1')`);
      expect(planted?.sql).toContain(table);
      expect(planted?.sql).not.toMatch(namesOneLedger);
    }
  });
});
