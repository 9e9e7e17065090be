import { hash, randomUUID } from 'node:crypto';
import pg from 'pg';
import { Keys1763700000009 } from '../../migrations/1763700000009-keys.js';
import { privilegesSql } from '../../migrations/privileges.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

let database: TestDatabase;
let owner: pg.Client;
const [ledgerId, keyId] = [randomUUID(), randomUUID()];
const secretHash = hash('sha256', 'an old secret', 'buffer');

const migration = new Keys1763700000009();
type Runner = Parameters<Keys1763700000009['up']>[0];
const runner = () => ({ query: (text: string) => owner.query(text) }) as unknown as Runner;

beforeAll(async () => {
  database = await createTestDatabase();
  owner = new pg.Client({ connectionString: database.ownerUrl });
  await owner.connect();
});
afterAll(async () => {
  await owner.end();
  await database.drop();
});

/** What the release before writes of keys, and of its audit log. */
async function insertAsBefore(): Promise<void> {
  await owner.query(`INSERT INTO access.ledgers (id, name, mode) VALUES ($1, 'x', 'live')`, [ledgerId]);
  await owner.query(
    `INSERT INTO access.api_keys (id, ledger_id, name, secret_hash, scopes) VALUES ($1, $2, 'x', $3, '{admin}')`,
    [keyId, ledgerId, secretHash],
  );
  await auditAsBefore(owner, 'webhook_endpoint.created');
}

const auditAsBefore = (db: pg.Client, action: string) =>
  db.query(
    `INSERT INTO dispatcher.audit_entries (ledger_id, actor, action, subject, details)
    VALUES ($1, 'key_x', $2, 'whe_x', '{"url": "https://example.com"}')`,
    [ledgerId, action],
  );

const audited = async () =>
  (await owner.query<{ action: string }>('SELECT action FROM access.audit_log ORDER BY number')).rows.map(
    ({ action }) => action,
  );

test('keys and audit entries that were there are taken over, and processes of the release before go on', async () => {
  await migration.down(runner());
  await insertAsBefore();
  await migration.up(runner());
  const roles = { ledgerRole: 'ledger_ledger', dispatcherRole: 'ledger_dispatcher' };
  await owner.query(privilegesSql(roles));

  const secrets = await owner.query('SELECT key_id, secret_hash, ends_at FROM access.api_key_secrets');
  expect(secrets.rows).toEqual([{ key_id: keyId, secret_hash: secretHash, ends_at: null }]);
  const { rows } = await owner.query(
    'SELECT signing, owner_id, rate_limit_per_minute, expires_at, deleted_at FROM access.api_keys',
  );
  expect(rows).toEqual([
    { signing: 'none', owner_id: null, rate_limit_per_minute: null, expires_at: null, deleted_at: null },
  ]);
  expect(await audited()).toEqual(['webhook_endpoint.created']);

  const dispatcher = new pg.Client({ connectionString: database.dispatcherUrl });
  await dispatcher.connect();
  await auditAsBefore(dispatcher, 'webhook_endpoint.deleted');
  expect(await audited()).toEqual(['webhook_endpoint.created', 'webhook_endpoint.deleted']);
  const found = await dispatcher.query('SELECT id FROM access.api_keys WHERE secret_hash = $1', [secretHash]);
  expect(found.rows).toEqual([{ id: keyId }]);
  await dispatcher.end();
});

const insufficientPrivilege = '42501';

test.each([
  ['ledgerUrl', 'UPDATE access.audit_log SET actor = actor'],
  ['ledgerUrl', 'DELETE FROM access.audit_log'],
  ['ledgerUrl', 'DELETE FROM access.api_keys'],
  ['ledgerUrl', 'DELETE FROM access.organizations'],
  ['ledgerUrl', `UPDATE access.ledgers SET mode = 'live'`],
  ['ledgerUrl', 'UPDATE access.api_keys SET ledger_id = ledger_id'],
  ['ledgerUrl', 'UPDATE access.api_keys SET owner_id = NULL'],
  ['ledgerUrl', `UPDATE access.api_keys SET signing = 'none'`],
  ['ledgerUrl', 'UPDATE access.api_keys SET is_bootstrap = true'],
  ['ledgerUrl', 'UPDATE access.api_key_secrets SET secret_hash = secret_hash'],
  ['ledgerUrl', 'UPDATE access.api_key_secrets SET key_id = key_id'],
  ['ledgerUrl', 'UPDATE access.token_keys SET public_jwk = public_jwk'],
  ['dispatcherUrl', 'SELECT FROM access.audit_log'],
  ['dispatcherUrl', 'SELECT FROM access.organizations'],
  ['dispatcherUrl', 'INSERT INTO access.api_key_secrets SELECT * FROM access.api_key_secrets'],
  ['dispatcherUrl', `UPDATE access.api_keys SET scopes = '{admin}'`],
  ['dispatcherUrl', 'SELECT sealed_private_jwk FROM access.token_keys'],
] as const)('an app may not do what it has no need of: %s %s', async (role, sql) => {
  const db = new pg.Client({ connectionString: database[role] });
  await db.connect();
  const code = await db.query(sql).then(
    () => 'done',
    (error: { code: string }) => error.code,
  );
  expect(code).toBe(insufficientPrivilege);
  await db.end();
});

test('what the dispatcher needs of keys it may do', async () => {
  const db = new pg.Client({ connectionString: database.dispatcherUrl });
  await db.connect();
  await db.query('UPDATE access.api_keys SET last_used_at = clock_timestamp() WHERE id = $1', [keyId]);
  await db.query('SELECT id, public_jwk, created_at, retired_at FROM access.token_keys');
  const { rows } = await db.query(
    `SELECT relpersistence FROM pg_class WHERE oid = 'access.rate_limits'::regclass`,
  );
  expect(rows).toEqual([{ relpersistence: 'u' }]);
  await db.end();
});
