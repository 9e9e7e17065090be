import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { AccessDatabase, createKey, listAuditLog, listKeys, operatorOf } from '#access';
import type { PageRequest } from '#platform';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { SECRETS_KEY } from '../support/product.js';

let database: TestDatabase;
let access: AccessDatabase;
let superuser: pg.Client;
const [ledgerId, otherLedgerId] = [randomUUID(), randomUUID()];

beforeAll(async () => {
  database = await createTestDatabase();
  superuser = new pg.Client({ connectionString: database.superuserUrl });
  await superuser.connect();
  for (const id of [ledgerId, otherLedgerId]) {
    await superuser.query(`INSERT INTO access.ledgers (id, name, mode) VALUES ($1, 'x', 'live')`, [id]);
  }
  await superuser.query(
    `INSERT INTO access.api_keys (id, ledger_id, name, scopes)
    SELECT gen_random_uuid(), CASE WHEN n % 10 = 0 THEN $1::uuid ELSE $2::uuid END, 'x', '{}' FROM generate_series(1, 20000) n`,
    [ledgerId, otherLedgerId],
  );
  await superuser.query(
    `INSERT INTO access.audit_log (ledger_id, actor, action, subject, details)
    SELECT CASE WHEN n % 10 = 0 THEN $1::uuid ELSE $2::uuid END, 'actor ' || n % 7, 'x', 'y', '{}'
    FROM generate_series(1, 60000) n`,
    [ledgerId, otherLedgerId],
  );
  await superuser.query('ANALYZE access.api_keys, access.audit_log');
  const settings = { url: database.ledgerUrl, applicationName: 'test', secretsKey: SECRETS_KEY };
  access = await AccessDatabase.connect(settings);
}, 60_000);

afterAll(async () => {
  await access.close();
  await superuser.end();
  await database.drop();
});

const page = (cursor: string | null = null): PageRequest => ({
  limit: 20,
  number: cursor === null ? 1 : null,
  cursor,
  wantsTotal: false,
});

/** The plans of all that is asked for meanwhile. */
async function plansOf(work: (db: Pick<AccessDatabase, 'query'>) => Promise<unknown>): Promise<string[]> {
  const plans: string[] = [];
  await work({
    query: async (text, values = []) => {
      const lines = await access.query<{ 'QUERY PLAN': string }>(`EXPLAIN ${text}`, values);
      plans.push(lines.map((line) => line['QUERY PLAN']).join('\n'));
      return access.query(text, values);
    },
  });
  return plans;
}

test('a page of keys is read from the index of its ledger, the first as well as those behind a cursor', async () => {
  const first = await listKeys(access, ledgerId, page());
  for (const cursor of [null, first.nextCursor]) {
    const plans = await plansOf((db) => listKeys(db, ledgerId, page(cursor)));
    expect(plans).toHaveLength(1);
    expect(plans[0]).toContain('api_keys_by_ledger');
    expect(plans[0]).not.toMatch(/Seq Scan|Sort/);
  }
});

test.each([
  ['nothing', {}],
  ['who did it', { actor: 'actor 3' }],
  ['what nobody did', { action: 'nothing' }],
])('a page of the audit log is read from the index of its ledger, filtered by %s', async (_, filters) => {
  const plans = await plansOf((db) => listAuditLog(db, ledgerId, { ...filters, createdAt: {} }, page()));
  for (const plan of plans) {
    expect(plan).toContain('audit_log_by_ledger');
    expect(plan).not.toContain('Seq Scan');
  }
});

test('no other ledger’s entries are on a page, and its cursor is good for it alone', async () => {
  const key = {
    name: 'x',
    scopes: [],
    ownerId: null,
    signing: 'none',
    rateLimitPerMinute: null,
    expiresAt: null,
  } as const;
  await createKey(access, operatorOf(otherLedgerId, 'somebody'), key);
  const found = await listAuditLog(access, ledgerId, { actor: 'somebody', createdAt: {} }, page());
  expect(found).toMatchObject({ items: [], hasMore: false });
  const { nextCursor } = await listAuditLog(access, ledgerId, { createdAt: {} }, page());
  await expect(listAuditLog(access, otherLedgerId, { createdAt: {} }, page(nextCursor))).rejects.toThrow(
    'cursor',
  );
});

test('a page of the audit log ends short after 50,000 rows that don’t pass, and its cursor goes on', async () => {
  const filters = { actor: 'actor 8', createdAt: {} };
  const short = await listAuditLog(access, otherLedgerId, filters, page());
  expect(short).toMatchObject({ items: [], hasMore: true, number: null, nextCursor: expect.any(String) });
  const rest = await listAuditLog(access, otherLedgerId, filters, page(short.nextCursor));
  expect(rest).toMatchObject({ items: [], hasMore: false });
});
