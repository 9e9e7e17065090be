import pg from 'pg';
import type { TestDatabase } from '../support/database.js';
import { RestoredLedger } from '../support/restored-readers.js';
import { seededRandom } from '../support/seeded-random.js';
import { runToolWell } from '../support/tools.js';
import { expectVerified } from '../support/verify.js';

// Each of them starts programs.
import.meta.jest.setTimeout(180_000);

/** On the Postgres stream: positions that were used before are read, taken in and delivered again after a restore. */
let ledger: RestoredLedger;
const copies: TestDatabase[] = [];

beforeAll(async () => {
  ledger = await RestoredLedger.make(seededRandom(), false);
  await Promise.all([ledger.fleet.end('api'), ledger.fleet.end('dispatcher')]);
}, 120_000);

afterAll(() => ledger.stop(...copies));

/** The readers' tables as they were at the end of the lost future. */
async function keepReaders(copy: TestDatabase): Promise<void> {
  const [before, after] = [ledger.fleet.database, copy].map((each) => new pg.Client(each.superuserUrl));
  await Promise.all([before!.connect(), after!.connect()]);
  const offsets = await before!.query('SELECT * FROM stream.offsets');
  const ledgers = await before!.query('SELECT ledger_id, epoch, position FROM dispatcher.ledgers');
  for (const { subscriber, topic, partition, epoch, position } of offsets.rows) {
    await after!.query(
      'UPDATE stream.offsets SET epoch = $4, position = $5 WHERE (subscriber, topic, partition) = ($1, $2, $3)',
      [subscriber, topic, partition, epoch, position],
    );
  }
  for (const { ledger_id, epoch, position } of ledgers.rows) {
    const values = [ledger_id, epoch, position];
    await after!.query(
      'UPDATE dispatcher.ledgers SET epoch = $2, position = $3 WHERE ledger_id = $1',
      values,
    );
  }
  expect(offsets.rows.map(({ position }) => Number(position))).toContain(
    ledger.past.length + ledger.lost.length,
  );
  await Promise.all([before!.end(), after!.end()]);
}

const asItWas = () => Promise.resolve();

test.each([
  ['restored with the journal', asItWas],
  ['of the lost future, ahead of the journal', keepReaders],
])(
  'a dispatcher whose places are %s gets every event, old and new',
  async (_, prepare) => {
    const copy = await ledger.restore(prepare);
    copies.push(copy);
    const { fleet, past, lost } = ledger;
    await fleet.up('api', { databaseUrl: copy.ledgerUrl });
    await fleet.up('dispatcher', { databaseUrl: copy.dispatcherUrl });
    // Fewer than were lost: each new one stands at a position that was used before.
    await ledger.post(10);
    const journal = await fleet.client.journal();
    expect(journal.slice(0, past.length)).toEqual(past);
    const added = journal.slice(past.length);
    expect(added.length).toBeLessThan(lost.length);
    expect(new Set(added.map(({ epoch }) => epoch)).size).toBe(1);
    expect(added[0]!.epoch).toBeGreaterThan(1);
    await ledger.expectDelivered(journal, copy);
    await Promise.all([fleet.end('api'), fleet.end('dispatcher')]);
    await expectVerified(copy.ownerUrl);
  },
  120_000,
);

test('while the product runs, epochs are not raised', async () => {
  const copy = copies[0]!;
  await ledger.fleet.up('api', { databaseUrl: copy.ledgerUrl });
  const finish = runToolWell('restore', ['--finish'], { DATABASE_URL: copy.ownerUrl });
  await expect(finish).rejects.toThrow(/The product runs on this database \(ledger-.*\): stop it first\./);
  await ledger.fleet.end('api');
});
