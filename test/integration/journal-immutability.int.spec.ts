import {
  balancesOf,
  expectSound,
  fateOf,
  JournalProcess,
  queryRows,
  verified,
  type TestLedger,
} from '../support/journal-fixtures.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

let database: TestDatabase;
let one: JournalProcess;
let ledger: TestLedger;
let [alice, bob] = ['', ''];

beforeAll(async () => {
  database = await createTestDatabase();
  one = new JournalProcess(database.ledgerUrl);
}, 60_000);
async function newLedger(): Promise<void> {
  ledger = await one.newLedger();
  [alice, bob] = [await ledger.open(100n), await ledger.open()];
  await ledger.move(alice, bob, 10n, { key: 'k' }, { reference: 'secret', externalId: 'order-1' });
}
afterAll(async () => {
  await one.stop();
  await database.drop();
});

/** The code of the error, or the number of rows. */
async function attempt(url: string, text: string): Promise<string> {
  try {
    return `${(await queryRows(url, text)).length} rows`;
  } catch (error) {
    return (error as { code: string }).code;
  }
}

const insufficientPrivilege = '42501';
const restrictViolation = '23001';

const changes: [statement: string, owner: string][] = [
  [`UPDATE journal.events SET data = '{}'`, restrictViolation],
  [`UPDATE journal.events SET actor = 'somebody else'`, restrictViolation],
  [`UPDATE journal.events SET position = position + 1000`, restrictViolation],
  [`UPDATE journal.events SET data = NULL`, restrictViolation],
  [`UPDATE journal.events SET data_salt = NULL`, restrictViolation],
  [`UPDATE journal.events SET data = NULL, data_salt = NULL, hash = data_hash`, restrictViolation],
  [`UPDATE journal.events SET data = NULL, data_salt = NULL, idempotency_key = 'x'`, restrictViolation],
  [`UPDATE journal.events SET data = NULL, data_salt = NULL, effective_at = now()`, restrictViolation],
  [`DELETE FROM journal.events`, restrictViolation],
  [`TRUNCATE journal.events`, restrictViolation],
  [`TRUNCATE journal.events CASCADE`, restrictViolation],
  [`UPDATE journal.requests SET request_hash = 'x'`, restrictViolation],
  [`UPDATE journal.requests SET answer = '{}'`, restrictViolation],
  [`DELETE FROM journal.requests`, restrictViolation],
  [`TRUNCATE journal.requests`, restrictViolation],
  [`DELETE FROM journal.heads`, restrictViolation],
  [`TRUNCATE journal.heads`, restrictViolation],
  [
    `INSERT INTO journal.events SELECT * FROM journal.events LIMIT 1
      ON CONFLICT (ledger_id, position) DO UPDATE SET data = '{}'`,
    restrictViolation,
  ],
];

describe('what is in the journal cannot be changed', () => {
  beforeAll(newLedger);
  afterAll(() => expectSound(database.superuserUrl, ledger));

  it.each(changes)('by the app, for want of the privilege: %s', async (statement) => {
    expect(await attempt(database.ledgerUrl, statement)).toBe(insufficientPrivilege);
  });

  it.each(changes)('by the owner, because of a trigger: %s', async (statement, code) => {
    expect(await attempt(database.ownerUrl, statement)).toBe(code);
  });

  it.each([
    `ALTER TABLE journal.events DISABLE TRIGGER ALL`,
    `DROP TRIGGER refuse_update ON journal.events`,
    `DROP TABLE journal.events`,
    `SET session_replication_role = replica`,
    `CREATE TABLE journal.more ()`,
    `DELETE FROM ledger.accounts`,
    `TRUNCATE ledger.accounts`,
    `UPDATE ledger.transaction_external_ids SET external_id = 'x'`,
    `DELETE FROM ledger.transaction_progress`,
    `DELETE FROM ledger.exchange_rates`,
    `UPDATE ledger.currencies SET exponent = 0`,
    `DELETE FROM ledger.closed_periods`,
  ])('nor can the app get round that: %s', async (statement) => {
    expect(await attempt(database.ledgerUrl, statement)).toBe(insufficientPrivilege);
  });

  it('the dispatcher sees nothing of it', async () => {
    for (const table of [
      'journal.events',
      'journal.heads',
      'ledger.accounts',
      'ledger.transaction_progress',
      'ledger.exchange_rates',
      'projections.entries',
    ]) {
      expect(await attempt(database.dispatcherUrl, `SELECT 1 FROM ${table}`)).toBe(insufficientPrivilege);
    }
  });

  it.each([`UPDATE access.api_keys SET scopes = '{admin}'`, `DELETE FROM access.ledgers`])(
    'nor can the dispatcher change whose key opens what: %s',
    async (statement) => {
      expect(await attempt(database.dispatcherUrl, statement)).toBe(insufficientPrivilege);
    },
  );
});

describe('an event may be erased, and only that', () => {
  beforeEach(newLedger);
  const erase = (url: string, where: string) =>
    attempt(
      url,
      `UPDATE journal.events SET data = NULL, data_salt = NULL
        WHERE ledger_id = '${ledger.ledgerId}' AND ${where} RETURNING 1`,
    );

  it('by the owner, not by the app', async () => {
    expect(await erase(database.ledgerUrl, 'transaction_id IS NOT NULL')).toBe(insufficientPrivilege);
    expect(await erase(database.ownerUrl, `idempotency_key = 'k'`)).toBe('1 rows');
  });

  it('once: there is nothing left to erase', async () => {
    expect(await erase(database.ownerUrl, `idempotency_key = 'k'`)).toBe('1 rows');
    expect(await erase(database.ownerUrl, `idempotency_key = 'k'`)).toBe(restrictViolation);
  });

  it('the chain holds, verify counts it, and the ledger goes on', async () => {
    await erase(database.ownerUrl, `idempotency_key = 'k'`);
    expect(await expectSound(database.superuserUrl, ledger)).toMatchObject({ erased: 1, events: 5 });

    expect(await fateOf(ledger.move(bob, alice, 3n))).toBe('accepted');
    expect(await fateOf(ledger.move(alice, bob, 1n))).toBe('accepted');
    await ledger.submit({
      kind: 'update-account',
      accountId: bob,
      changes: { name: 'B' },
      preconditions: [],
    });
    expect(await expectSound(database.superuserUrl, ledger)).toMatchObject({ erased: 1, events: 8 });
    expect((await balancesOf(database.superuserUrl, ledger)).get(bob)?.posted).toBe(8n);
  });

  it('its key still stands for it: a retry has no second effect', async () => {
    await erase(database.ownerUrl, `idempotency_key = 'k'`);
    expect(await ledger.move(alice, bob, 10n, { key: 'k' })).toMatchObject({
      accepted: true,
      isReplay: true,
      events: [{ position: 5n, event: null }],
    });
    expect(await fateOf(ledger.move(alice, bob, 1n, {}, { externalId: 'order-1' }))).toBe(
      'external_id_taken',
    );
  });

  it.each(['account.opened', 'transaction.posted'])('all of one type: %s', async (type) => {
    await erase(database.ownerUrl, `type = '${type}'`);
    await ledger.move(bob, alice, 3n);
    await ledger.submit({
      kind: 'update-account',
      accountId: bob,
      changes: { name: 'B' },
      preconditions: [],
    });
    await ledger.move(alice, bob, 1n);
    await expectSound(database.superuserUrl, ledger);
  });

  it('does not hide what was tampered with elsewhere', async () => {
    await erase(database.ownerUrl, `idempotency_key = 'k'`);
    await ledger.move(bob, alice, 3n);
    const sound = () => expectSound(database.superuserUrl, ledger);
    await sound();
    const change = (text: string) => queryRows(database.superuserUrl, text);
    const where = `ledger_id = '${ledger.ledgerId}'`;
    await change(`UPDATE ledger.accounts SET posted_credits = posted_credits + CASE WHEN system IS NULL THEN 5 ELSE 10 END
      WHERE ${where}`);
    expect((await verified(database.superuserUrl, ledger.ledgerId)).difference?.subject).toMatch(/^sum/);
    await change(`UPDATE ledger.accounts SET posted_credits = posted_credits - CASE WHEN system IS NULL THEN 5 ELSE 10 END
      WHERE ${where}`);
    await change(
      `UPDATE ledger.accounts SET posted_credits = posted_credits + 5 WHERE ${where} AND id = '${alice}'`,
    );
    await change(
      `UPDATE ledger.accounts SET posted_credits = posted_credits - 5 WHERE ${where} AND id = '${bob}'`,
    );
    expect((await verified(database.superuserUrl, ledger.ledgerId)).difference?.subject).toMatch(/: posted$/);
  });
});
