import { hash } from 'node:crypto';
import pg from 'pg';
import { AccessDatabase, createKey, operatorOf, rotateKey } from '#access';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { SECRETS_KEY } from '../support/product.js';

let database: TestDatabase;
let db: pg.Client;
let access: AccessDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
  db = new pg.Client({ connectionString: database.superuserUrl });
  await db.connect();
  const settings = { url: database.ledgerUrl, applicationName: 'test', secretsKey: SECRETS_KEY };
  access = await AccessDatabase.connect(settings);
});

afterAll(async () => {
  await access.close();
  await db.end();
  await database.drop();
});

test('a new secret is kept, although the others are of a time that a clock set back has yet to reach', async () => {
  const { rows } = await db.query<{ id: string }>(
    `INSERT INTO access.ledgers (id, name, mode) VALUES (gen_random_uuid(), 'A ledger', 'live') RETURNING id`,
  );
  const giver = operatorOf(rows[0]!.id, 'test');
  const { key } = await createKey(access, giver, {
    name: 'Rotated',
    scopes: [],
    ownerId: null,
    signing: 'none',
    rateLimitPerMinute: null,
    expiresAt: null,
  });
  for (let n = 0; n < 4; n++) await rotateKey(access, giver, key.id, 3_600);
  await db.query(`UPDATE access.api_key_secrets SET created_at = created_at + interval '1 hour'`);

  const { secret } = await rotateKey(access, giver, key.id, 3_600);
  const kept = await db.query<{ secret_hash: Buffer }>('SELECT secret_hash FROM access.api_key_secrets');
  expect(kept.rows.map((row) => row.secret_hash.toString('hex'))).toContain(hash('sha256', secret));
  expect(kept.rows).toHaveLength(5);
});
