import { randomUUID } from 'node:crypto';
import { openingOf } from '../support/ledger-fixtures.js';
import {
  differenceAfter,
  fateOf,
  JournalProcess,
  verified,
  type TestLedger,
} from '../support/journal-fixtures.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

let database: TestDatabase;
let ledger: TestLedger;
let [alice, bob] = ['', ''];

/** One ledger with some history; each test tampers with it in a transaction that is rolled back. */
beforeAll(async () => {
  database = await createTestDatabase();
  const one = new JournalProcess(database.ledgerUrl);
  ledger = await one.newLedger();
  [alice, bob] = [randomUUID(), randomUUID()].sort() as [string, string];
  const balance = { transactionId: randomUUID(), amount: 500n };
  const settings = { ownerId: 'alice', visibility: 'public', externalId: 'shop-1' } as const;
  await ledger.submit(openingOf(alice, { balance, settings }), { key: 'open' });
  await ledger.submit(openingOf(bob, { settings: { ownerId: 'bob', visibility: 'public' } }));
  await ledger.move(alice, bob, 10n, { key: 'a' }, { externalId: 'order-1', reference: 'rent' });
  await ledger.move(alice, bob, 20n, { key: 'b' }, { externalId: 'order-2' });
  await ledger.submit({
    kind: 'update-account',
    accountId: bob,
    changes: { name: 'Bob' },
    preconditions: [],
  });
  await ledger.move(alice, bob, 5n, { key: 'b', owner: 'alice' });
  await ledger.move(bob, alice, 5n, { key: 'b', owner: 'bob' });
  await fateOf(ledger.move(bob, 'ROOT', 5n));
  await one.stop();
}, 60_000);
afterAll(() => database.drop());

it('finds nothing where nothing was tampered with', async () => {
  expect(await verified(database.superuserUrl, ledger.ledgerId)).toEqual({
    ledgerId: ledger.ledgerId,
    events: 10,
    erased: 0,
    accounts: 3,
    difference: null,
  });
});

const event = (changes: string, position = 5) =>
  `UPDATE journal.events SET ${changes} WHERE ledger_id = :ledger AND position = ${position}`;
const account = (changes: string, where = `name = 'Bob'`) =>
  `UPDATE ledger.accounts SET ${changes} WHERE ledger_id = :ledger AND ${where}`;
const head = (changes: string) => `UPDATE journal.heads SET ${changes} WHERE ledger_id = :ledger`;
const request = (changes: string, key = 'a') =>
  `UPDATE journal.requests SET ${changes} WHERE ledger_id = :ledger AND key = '${key}'`;

describe('finds first, of an event:', () => {
  it.each<[string, string[], string, bigint | null]>([
    ['another reference', [event(`data = replace(data::text, 'rent', 'gift')::json`)], 'data hash', 5n],
    ['a blank more in its text', [event(`data = (data::text || ' ')::json`)], 'data hash', 5n],
    ['another salt', [event(`data_salt = decode(repeat('00', 32), 'hex')`)], 'data hash', 5n],
    ['no salt', [event('data_salt = NULL')], 'data hash', 5n],
    [
      'another text and no salt',
      [event(`data_salt = NULL, data = replace(data::text, 'rent', 'gift')::json`)],
      'data hash',
      5n,
    ],
    ['no text', [event('data = NULL')], 'data hash', 5n],
    ['another data hash', [event(`data_hash = decode(repeat('00', 32), 'hex')`)], 'data hash', 5n],
    [
      'text and hash that fit each other',
      [event(`data = '{}', data_hash = sha256(data_salt || '{}'::bytea)`)],
      'hash',
      5n,
    ],
    ['another hash', [event(`hash = decode(repeat('00', 32), 'hex')`)], 'hash', 5n],
    ['another id', [event('id = gen_random_uuid()')], 'hash', 5n],
    ['another actor', [event(`actor = 'key_other'`)], 'hash', 5n],
    ['another transaction', [event('transaction_id = gen_random_uuid()')], 'hash', 5n],
    ['another key', [event(`idempotency_key = 'c'`)], 'hash', 5n],
    ['no key', [event('idempotency_key = NULL')], 'hash', 5n],
    ['another request hash', [event(`request_hash = 'x'`)], 'hash', 5n],
    ['a time 1 µs later', [event(`recorded_at = recorded_at + interval '1 microsecond'`)], 'hash', 5n],
    [
      'a time before the one before',
      [event(`recorded_at = recorded_at - interval '1 hour'`)],
      'recorded_at grows',
      5n,
    ],
    ['another effective time', [event(`effective_at = effective_at - interval '1 day'`)], 'hash', 5n],
    ['another epoch', [event('epoch = 2')], 'hash', 5n],
    ['a lower epoch', [event('epoch = 0')], 'epoch is not lower than before', 5n],
    ['a gap', [`DELETE FROM journal.events WHERE ledger_id = :ledger AND position = 5`], 'position', 6n],
    [
      'a missing beginning',
      [`DELETE FROM journal.events WHERE ledger_id = :ledger AND position = 1`],
      'position',
      2n,
    ],
    [
      'a missing end',
      [`DELETE FROM journal.events WHERE ledger_id = :ledger AND position = 10`],
      'head position',
      null,
    ],
    [
      'two that changed places',
      [event('position = 100', 5), event('position = 5', 6), event('position = 6', 100)],
      'hash',
      5n,
    ],
    ['another type', [event(`type = 'account.opened'`)], 'hash', 5n],
    ['another version of its type', [event('version = 2')], 'hash', 5n],
    [
      'one more',
      [
        `INSERT INTO journal.events (ledger_id, epoch, position, id, type, version, data_hash, actor, recorded_at, effective_at, hash)
          SELECT ledger_id, epoch, 11, gen_random_uuid(), type, version, data_hash, actor, recorded_at + interval '1 second',
            effective_at, hash FROM journal.events WHERE ledger_id = :ledger AND position = 10`,
      ],
      'hash',
      11n,
    ],
  ])('%s', async (_, statements, subject, position) => {
    expect(await differenceAfter(database.superuserUrl, ledger, statements)).toMatchObject({
      subject,
      position,
    });
  });
});

describe('finds first, of an account:', () => {
  const sum = 'sum of all balances in EUR';
  const pending = 'sum of all that is pending in EUR';
  it.each<[string, string[], string | RegExp]>([
    ['more money', [account('posted_credits = posted_credits + 1')], sum],
    [
      'money moved to it',
      [
        account('posted_credits = posted_credits + 1'),
        account('posted_credits = posted_credits - 1', `external_id = 'shop-1'`),
      ],
      /: posted$/,
    ],
    [
      'debits and credits both higher',
      [account('posted_credits = posted_credits + 1, posted_debits = posted_debits + 1')],
      /: posted_debits$/,
    ],
    ['money held of one and for nobody', [account('pending_debits = 1')], pending],
    ['money on its way from nobody', [account('pending_credits = 1')], pending],
    [
      'money held of one for another',
      [account('pending_debits = 1'), account('pending_credits = 1', `external_id = 'shop-1'`)],
      /: pending_(debits|credits)$/,
    ],
    ['another name', [account(`name = 'Eve'`)], /: name$/],
    ['another currency', [account(`currency = 'USD'`)], 'sum of all balances in EUR'],
    ['another owner', [account(`owner_id = 'eve'`)], /: owner_id$/],
    ['another visibility', [account(`visibility = 'private'`)], /: visibility$/],
    ['another status', [account(`status = 'frozen'`)], /: status$/],
    ['another external id', [account(`external_id = 'shop-9'`)], /: external_id$/],
    ['no external id', [account('external_id = NULL', `external_id = 'shop-1'`)], /: external_id$/],
    ['another minimum', [account('min_balance = -1')], /: min_balance$/],
    ['no minimum', [account('min_balance = NULL')], /: min_balance$/],
    ['a maximum', [account('max_balance = 1')], /: max_balance$/],
    ['other metadata', [account(`metadata = '{"a":1}'`)], /: metadata$/],
    ['another version', [account('version = version + 1')], /: version$/],
    ['another settings version', [account('settings_version = settings_version + 1')], /: settings_version$/],
    ['another entry number', [account('entry_number = entry_number - 1')], /: entry_number$/],
    ['another place in lists', [account('opened_position = opened_position + 1')], /: opened_position$/],
    [
      'another time of its opening',
      [account(`created_at = created_at + interval '1 microsecond'`)],
      /: created_at$/,
    ],
    [
      'another time of its last change',
      [account(`updated_at = updated_at + interval '1 microsecond'`)],
      /: updated_at$/,
    ],
    ['ROOT that is not ROOT', [account(`system = NULL`, `system = 'ROOT'`)], /: system$/],
    [
      'one more',
      [
        `INSERT INTO ledger.accounts SELECT ledger_id, gen_random_uuid(), NULL, 'Eve', currency, visibility, NULL, NULL, status,
          0, NULL, 0, 0, 0, 0, 1, 1, 0, metadata, opened_position, created_at, updated_at
          FROM ledger.accounts WHERE ledger_id = :ledger AND name = 'Bob'`,
      ],
      /^account [-0-9a-f]{36}$/,
    ],
    [
      'one less, and its money elsewhere',
      [
        account(`posted_credits = posted_credits + 25`, `system = 'ROOT'`),
        `DELETE FROM ledger.accounts WHERE ledger_id = :ledger AND name = 'Bob'`,
      ],
      /^account [-0-9a-f]{36}/,
    ],
    ['one less', [`DELETE FROM ledger.accounts WHERE ledger_id = :ledger AND name = 'Bob'`], sum],
  ])('%s', async (_, statements, subject) => {
    const difference = await differenceAfter(database.superuserUrl, ledger, statements);
    expect(difference?.subject).toEqual(
      typeof subject === 'string' ? subject : expect.stringMatching(subject),
    );
    expect(difference?.expected).not.toBe(difference?.found);
  });
});

describe('finds first, beside them:', () => {
  it.each<[string, string[], string]>([
    ['a request with another hash', [request(`request_hash = 'x'`)], 'idempotency key a'],
    ['a request with another key', [request(`key = 'z'`)], 'idempotency key a'],
    ['a request that begins earlier', [request('first_position = first_position - 1')], 'idempotency key a'],
    ['a request that ends later', [request('last_position = last_position + 1')], 'idempotency key a'],
    [
      'a request that ends too soon',
      [request('last_position = last_position - 1', 'open')],
      'idempotency key open',
    ],
    [
      'a missing request',
      [`DELETE FROM journal.requests WHERE ledger_id = :ledger AND key = 'a'`],
      'idempotency key a',
    ],
    [
      'one missing of three with the same key',
      [`DELETE FROM journal.requests WHERE ledger_id = :ledger AND owner = 'bob'`],
      'idempotency key b',
    ],
    [
      'one request more',
      [
        `INSERT INTO journal.requests (ledger_id, owner, key, request_hash, first_position, last_position)
          VALUES (:ledger, '', 'z', 'x', 7, 7)`,
      ],
      'idempotency key z',
    ],
    [
      'one request more for the same events',
      [
        `INSERT INTO journal.requests SELECT ledger_id, 'eve', key, request_hash, first_position, last_position
          FROM journal.requests WHERE ledger_id = :ledger AND key = 'a'`,
      ],
      'idempotency key a',
    ],
    [
      'an external id of another transaction',
      [
        `UPDATE ledger.transaction_external_ids SET transaction_id = gen_random_uuid() WHERE ledger_id = :ledger AND external_id = 'order-1'`,
      ],
      'external id order-1',
    ],
    [
      'a missing external id',
      [`DELETE FROM ledger.transaction_external_ids WHERE ledger_id = :ledger AND external_id = 'order-1'`],
      'external id order-1',
    ],
    [
      'one external id more',
      [`INSERT INTO ledger.transaction_external_ids VALUES (:ledger, 'order-9', gen_random_uuid())`],
      'external id order-9',
    ],
    ['a head further on', [head('position = position + 1')], 'head position'],
    ['a head further back', [head('position = position - 1')], 'head position'],
    ['a head with another hash', [head(`hash = decode(repeat('00', 32), 'hex')`)], 'head hash'],
    [
      'a head of another time',
      [head(`recorded_at = recorded_at + interval '1 microsecond'`)],
      'head recorded_at',
    ],
    ['a head of another epoch', [head('epoch = 2')], 'head epoch'],
    ['no head', ['DELETE FROM journal.heads WHERE ledger_id = :ledger'], 'head position'],
  ])('%s', async (_, statements, subject) => {
    expect((await differenceAfter(database.superuserUrl, ledger, statements))?.subject).toBe(subject);
  });
});
