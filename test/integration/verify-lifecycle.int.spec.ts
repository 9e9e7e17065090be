import { randomUUID } from 'node:crypto';
import type { LedgerCommand } from '#domain';
import {
  captureOf,
  holdOf,
  moveOf,
  openingOf,
  rateOf,
  reversalOf,
  voidOf,
} from '../support/ledger-fixtures.js';
import {
  differenceAfter,
  expectSound,
  itemOf,
  JournalProcess,
  queryRows,
  type TestLedger,
} from '../support/journal-fixtures.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

let database: TestDatabase;
let one: JournalProcess;
let ledger: TestLedger;
const [held, captured, reversed, paid] = [randomUUID(), randomUUID(), randomUUID(), randomUUID()].sort() as [
  string,
  string,
  string,
  string,
];

/** One ledger with a life behind it; each test tampers with it in a transaction that is rolled back. */
async function newLedger(): Promise<void> {
  ledger = await one.newLedger();
  const [alice, bob] = [await ledger.open(500n), await ledger.open()];
  const pay = (amount: bigint, key?: string) => itemOf(moveOf(randomUUID(), alice, bob, amount), key);
  const commands: LedgerCommand[] = [
    holdOf(held, alice, bob, 100n, 9_000_000_000_000_000n),
    captureOf(held, captured, 30n),
    moveOf(paid, alice, bob, 50n),
    reversalOf(captured, reversed, 10n),
    reversalOf(paid, randomUUID(), 5n),
    { kind: 'add-currency', code: 'POINTS', exponent: 0, name: 'Points' },
    rateOf('EUR', 'POINTS', '1'),
    rateOf('EUR', 'POINTS', '2'),
    { kind: 'close-period', through: '2020-01-01', closedBefore: 1n },
    { kind: 'close-period', through: '2021-01-01', closedBefore: 2n },
  ];
  for (const command of commands) {
    const outcome = await ledger.submit(command);
    if (!outcome.accepted) throw new Error(`${command.kind}: ${outcome.refusal.code}`);
  }
  await ledger.move(alice, bob, 1n, { key: 'alone' });
  await ledger.batch('independent', [pay(2n, 'item'), pay(3n), pay(9_999n), pay(1n, 'alone')], {
    key: 'batch',
  });
}

beforeAll(async () => {
  database = await createTestDatabase();
  one = new JournalProcess(database.ledgerUrl);
  await newLedger();
}, 60_000);
afterAll(async () => {
  await one.stop();
  await database.drop();
});

const update = (table: string, changes: string, where = 'true') =>
  `UPDATE ${table} SET ${changes} WHERE ledger_id = :ledger AND ${where}`;
const progress = (changes: string, id = held) =>
  update('ledger.transaction_progress', changes, `transaction_id = '${id}'`);
const rate = (changes: string) => update('ledger.exchange_rates', changes);
const currency = (changes: string) => update('ledger.currencies', changes);
const period = (changes: string) => update('ledger.closed_periods', changes);
const batch = (changes: string) => update('journal.requests', changes, `key = 'batch'`);
const answer = (from: string, to: string) =>
  batch(`answer = replace(answer::text, '${from}', '${to}')::json`);

const ofHeld = `progress of transaction ${held}`;
const ofBatch = 'answer to the batch under idempotency key batch';

it('finds nothing where nothing was tampered with', () => expectSound(database.superuserUrl, ledger));

describe('finds first:', () => {
  it.each<[string, string[], string]>([
    ['a hold of another status', [progress(`status = 'voided'`)], ofHeld],
    [
      'a hold that ends at another time',
      [progress(`expires_at = expires_at - interval '1 microsecond'`)],
      ofHeld,
    ],
    ['a hold without an end', [progress('expires_at = NULL')], ofHeld],
    ['a hold that is captured more', [progress(`captured = '{31}'`)], ofHeld],
    ['a hold that is captured more often', [progress('captures = 2')], ofHeld],
    ['a hold that is given back less', [progress(`reversed = '{9}'`)], ofHeld],
    ['a hold that is given back by another', [progress(`reversals = ARRAY[transaction_id]`)], ofHeld],
    [
      'a capture that is given back less',
      [progress(`reversed = '{9}'`, captured)],
      `progress of transaction ${captured}`,
    ],
    [
      'a transfer that is given back twice',
      [progress(`reversals = reversals || reversals`, paid)],
      `progress of transaction ${paid}`,
    ],
    [
      'a hold less',
      [`DELETE FROM ledger.transaction_progress WHERE ledger_id = :ledger AND transaction_id = '${held}'`],
      ofHeld,
    ],
    [
      'the progress of one that has made none',
      [
        `INSERT INTO ledger.transaction_progress
          SELECT ledger_id, '${reversed}', 'posted', NULL, '{}', 0, reversed, reversals
          FROM ledger.transaction_progress WHERE ledger_id = :ledger AND transaction_id = '${captured}'`,
      ],
      `progress of transaction ${reversed}`,
    ],
    ['another rate', [rate(`rate = '1'`)], 'exchange-rate.set: EUR POINTS'],
    ['a rate from another event', [rate('position = position - 1')], 'exchange-rate.set: EUR POINTS'],
    [
      'a rate of another time',
      [rate(`set_at = set_at + interval '1 microsecond'`)],
      'exchange-rate.set: EUR POINTS',
    ],
    ['a rate between others', [rate(`to_currency = 'USD'`)], 'exchange-rate.set: EUR USD'],
    [
      'a rate less',
      ['DELETE FROM ledger.exchange_rates WHERE ledger_id = :ledger'],
      'exchange-rate.set: EUR POINTS',
    ],
    ['a currency of another exponent', [currency('exponent = 1')], 'currency.added: POINTS'],
    ['a currency of another name', [currency(`name = 'Miles'`)], 'currency.added: POINTS'],
    ['a currency of another code', [currency(`code = 'MILES'`)], 'currency.added: MILES'],
    [
      'a currency less',
      ['DELETE FROM ledger.currencies WHERE ledger_id = :ledger'],
      'currency.added: POINTS',
    ],
    [
      'a period closed up to another time',
      [period(`closed_before = closed_before + interval '1 microsecond'`)],
      'period.closed: closed',
    ],
    ['a period as it was before', [period(`through = '2020-01-01'`)], 'period.closed: closed'],
    [
      'no closed period',
      ['DELETE FROM ledger.closed_periods WHERE ledger_id = :ledger'],
      'period.closed: closed',
    ],
    ['a batch that begins earlier', [batch('first_position = first_position - 1')], ofBatch],
    ['a batch that ends sooner', [batch('last_position = last_position - 1')], 'idempotency key batch'],
    ['a batch with another hash', [batch(`request_hash = 'x'`)], 'idempotency key batch'],
    ['a batch with another key', [batch(`key = 'other'`)], 'idempotency key other'],
    ['a batch that has no answer', [batch('answer = NULL')], 'idempotency key batch'],
    [
      'an item whose request is another',
      [update('journal.requests', `request_hash = 'x'`, `key = 'item'`)],
      'idempotency key item',
    ],
    [
      'an item less',
      [`DELETE FROM journal.requests WHERE ledger_id = :ledger AND key = 'item'`],
      'idempotency key item',
    ],
    ['an answer that leaves out an item', [batch(`answer = (answer::jsonb - 1)::json`)], ofBatch],
    [
      'an answer with its items in another order',
      [batch(`answer = json_build_array(answer->1, answer->0, answer->2, answer->3)`)],
      ofBatch,
    ],
    ['an answer that tells a replay as new', [answer(',"isReplay":true', '')], ofBatch],
    [
      'an answer that tells what is new as a replay',
      [batch(`answer = (answer::jsonb || (answer::jsonb->0 || '{"isReplay":true,"last":"99"}'))::json`)],
      ofBatch,
    ],
  ])('%s', async (_, statements, subject) => {
    const difference = await differenceAfter(database.superuserUrl, ledger, statements);
    expect(difference?.subject).toBe(subject);
    expect(difference?.expected).not.toBe(difference?.found);
  });
});

describe('after events were erased', () => {
  const erase = (where: string) =>
    queryRows(
      database.ownerUrl,
      `UPDATE journal.events SET data = NULL, data_salt = NULL WHERE ledger_id = $1 AND data IS NOT NULL AND ${where}`,
      [ledger.ledgerId],
    );

  it.each([
    `type = 'transaction.pending'`,
    `type = 'transaction.captured'`,
    `type = 'transaction.reversed'`,
    `type = 'exchange-rate.set'`,
    `type = 'currency.added'`,
    `type = 'period.closed'`,
    `type LIKE 'transaction.%'`,
    'true',
  ])('%s: the others are as sound as before', async (where) => {
    await newLedger();
    await erase(where);
    await expectSound(database.superuserUrl, ledger);
  });

  it('what they say nothing of is checked as ever', async () => {
    await newLedger();
    await erase(`type = 'exchange-rate.set' AND position = (SELECT max(position) FROM journal.events e
      WHERE e.ledger_id = $1 AND e.type = 'exchange-rate.set')`);
    await erase(`transaction_id = '${paid}'`);
    await expectSound(database.superuserUrl, ledger);
    const found = async (statement: string) =>
      (await differenceAfter(database.superuserUrl, ledger, [statement]))?.subject;
    expect(await found(progress(`captured = '{31}'`))).toBe(ofHeld);
    expect(await found(currency('exponent = 1'))).toBe('currency.added: POINTS');
    expect(await found(rate('position = position - 1'))).toBe('exchange-rate.set: EUR POINTS');
  });

  it('a hold goes on', async () => {
    await newLedger();
    await erase(`type = 'transaction.captured'`);
    const outcome = await ledger.submit(voidOf(held));
    expect(outcome).toMatchObject({ accepted: true, events: [{ event: { progress: { captured: [30n] } } }] });
    await ledger.submit(openingOf(randomUUID()));
    await expectSound(database.superuserUrl, ledger);
  });
});
