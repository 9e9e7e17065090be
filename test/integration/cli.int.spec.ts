import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import pg from 'pg';
import { cleanEnvironment, projectDirectory } from '../support/config.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { SECRETS_KEY } from '../support/product.js';

import.meta.jest.setTimeout(120_000);

const run = promisify(execFile);

let database: TestDatabase;
let db: pg.Client;

beforeAll(async () => {
  database = await createTestDatabase();
  db = new pg.Client({ connectionString: database.superuserUrl });
  await db.connect();
});

afterAll(async () => {
  await db.end();
  await database.drop();
});

interface Ended {
  readonly code: number;
  readonly lines: readonly string[];
  readonly complaint: string;
}

/** The built command line, as `npm run cli` starts it. */
async function cli(...args: string[]): Promise<Ended> {
  const env = { ...cleanEnvironment(), LEDGER_DATABASE_URL: database.ledgerUrl, SECRETS_KEY };
  const ended = (code: number, { stdout, stderr }: { stdout: string; stderr: string }) => ({
    code,
    lines: stdout.split('\n').filter((line) => line !== ''),
    complaint: stderr,
  });
  try {
    return ended(0, await run('node', ['dist/tools/cli/main.js', ...args], { cwd: projectDirectory, env }));
  } catch (error) {
    return ended(1, error as { stdout: string; stderr: string });
  }
}

/** What a command that succeeds prints. */
async function printed<Shown>(...args: string[]): Promise<Shown[]> {
  const { code, lines, complaint } = await cli(...args);
  expect([code, complaint]).toEqual([0, '']);
  return lines.map((line) => JSON.parse(line) as Shown);
}

interface Shown {
  readonly id: string;
  readonly name: string;
}
interface ShownKey extends Shown {
  readonly secret?: string;
  readonly signing: string;
}

test('organizations, ledgers and keys are made, listed, rotated and deleted, and the audit log has it', async () => {
  const [organization] = await printed<Shown>('org', 'create', 'Acme');
  expect(organization).toMatchObject({ name: 'Acme', id: expect.stringMatching(/^org_/) });
  expect(await printed('org', 'list')).toEqual([organization]);

  const [made] = await printed<Shown & { apiKey: { id: string; secret: string } }>(
    ...['ledger', 'create', organization!.id, 'Wallets', '--mode', 'test'],
  );
  const { apiKey, ...ledger } = made!;
  expect(ledger).toMatchObject({ name: 'Wallets', mode: 'test' });
  expect(apiKey.secret).toMatch(/^sk_test_[0-9A-Za-z]{43}$/);
  expect(await printed('ledger', 'list', '--org', organization!.id)).toEqual([ledger]);
  expect(await printed('ledger', 'list')).toEqual([ledger]);
  const heads = await db.query('SELECT position FROM journal.heads');
  expect(heads.rows).toEqual([{ position: '0' }]);

  const options = [
    '--scope',
    'accounts:read',
    '--scope',
    'mint',
    '--owner',
    'merchant-17',
    '--rate-limit',
    '5',
  ];
  const [key] = await printed<ShownKey>('key', 'create', ledger.id, 'A partner', ...options, '--signing');
  expect(key).toMatchObject({
    name: 'A partner',
    scopes: ['accounts:read', 'mint'],
    ownerId: 'merchant-17',
    rateLimitPerMinute: 5,
    signing: 'required',
  });
  const [mighty] = await printed<ShownKey>(
    ...['key', 'create', ledger.id, 'All', '--scope', 'all', '--rate-limit', 'none'],
  );
  expect(mighty).toMatchObject({ rateLimitPerMinute: null, signing: 'none' });

  const listed = await cli('key', 'list', ledger.id);
  expect(listed.lines.map((line) => (JSON.parse(line) as Shown).name)).toEqual([
    'All',
    'A partner',
    'First key',
  ]);
  expect(listed.lines.join()).not.toContain('sk_test_');

  const [changed] = await printed<ShownKey>(
    ...['key', 'update', ledger.id, key!.id, '--name', 'The partner', '--scope', 'mint'],
    ...['--rate-limit', 'none', '--expires', '2099-12-31T23:59:59Z'],
  );
  expect(changed).toMatchObject({
    ...{ id: key!.id, name: 'The partner', scopes: ['mint'], ownerId: 'merchant-17' },
    ...{ rateLimitPerMinute: null, expiresAt: '2099-12-31T23:59:59.000000Z' },
  });
  const lasting = await printed('key', 'update', ledger.id, key!.id, '--expires', 'never');
  expect(lasting).toMatchObject([{ name: 'The partner', expiresAt: null }]);

  const rotation = ['key', 'rotate', ledger.id, key!.id, '--overlap-seconds', '60'];
  const [rotated] = await printed<ShownKey>(...rotation);
  expect(rotated?.id).toBe(key?.id);
  expect(rotated?.secret).not.toBe(key?.secret);
  expect((await cli('key', 'delete', ledger.id, key!.id)).lines.join()).toContain(key!.id);
  expect(await printed('key', 'list', ledger.id)).toHaveLength(2);

  const { rows } = await db.query<{ actor: string; action: string; text: string }>(
    'SELECT actor, action, to_json(a)::text AS text FROM access.audit_log a ORDER BY number',
  );
  expect(rows.map(({ action }) => action)).toEqual([
    'organization.created',
    'ledger.created',
    ...Array<string>(3).fill('api_key.created'),
    ...Array<string>(2).fill('api_key.updated'),
    'api_key.rotated',
    'api_key.deleted',
  ]);
  const entries = await printed<{ action: string }>('audit', 'list', ledger.id);
  expect(entries.map(({ action }) => action)).toEqual(
    rows
      .slice(1)
      .map(({ action }) => action)
      .reverse(),
  );
  expect(new Set(rows.map(({ actor }) => actor))).toEqual(new Set(['cli']));
  for (const { text } of rows) expect(text).not.toMatch(/sk_(test|live)_/);
});

test.each([
  [[], 'Usage: npm run cli'],
  [['key'], 'Usage: npm run cli'],
  [['key', 'create', 'ldg_01jd3v4wqzfxs9v5n6m7k8h2re'], '<name> is missing.'],
  [['key', 'create', 'nonsense', 'x', '--scope', 'all'], '"nonsense" is not an id that begins with ldg_.'],
  [['key', 'create', 'ldg_01jd3v4wqzfxs9v5n6m7k8h2re', 'x'], 'scopes: must be a list'],
  [['key', 'create', 'ldg_01jd3v4wqzfxs9v5n6m7k8h2re', 'x', '--scope', 'all'], 'there is no such ledger'],
  [['key', 'list', 'ldg_01jd3v4wqzfxs9v5n6m7k8h2re', 'more'], '"more" is one argument too many.'],
  [['ledger', 'create', 'org_01jd3v4wqzfxs9v5n6m7k8h2re', 'x', '--mode', 'gold'], 'mode: must be one of'],
  [
    ['ledger', 'create', 'org_01jd3v4wqzfxs9v5n6m7k8h2re', 'x', '--mode', 'live'],
    'there is no such organization',
  ],
  [['org', 'list', '--verbose'], "Unknown option '--verbose'"],
])('what can not be done is one sentence: %j', async (args, sentence) => {
  const { code, lines, complaint } = await cli(...args);
  expect([code, lines]).toEqual([1, []]);
  expect(complaint).toContain(sentence);
  expect(complaint).not.toContain('    at ');
});

test('the bootstrap key is not the operator’s to end', async () => {
  const ledgerId = '0193a5b0-0000-7000-8000-000000000001';
  await db.query(`INSERT INTO access.ledgers (id, name, mode, is_first) VALUES ($1, 'First', 'live', true)`, [
    ledgerId,
  ]);
  await db.query(
    `INSERT INTO access.api_keys (id, ledger_id, name, scopes, is_bootstrap) VALUES ($1, $1, 'Bootstrap key', '{}', true)`,
    [ledgerId],
  );
  const listed = await printed<Shown>('ledger', 'list');
  const ledger = listed.find(({ name }) => name === 'First')!;
  const [key] = await printed<Shown>('key', 'list', ledger.id);
  const { code, complaint } = await cli('key', 'delete', ledger.id, key!.id);
  expect([code, complaint]).toEqual([1, expect.stringContaining('BOOTSTRAP_API_KEY')]);
});
