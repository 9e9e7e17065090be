import { randomUUID } from 'node:crypto';
import type { LedgerCommand } from '#domain';
import { raiseEpochs } from '#journal';
import { projections } from '../../tools/rebuild/projections.js';
import { rebuildState } from '../../tools/rebuild/rebuild-state.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import {
  balancesOf,
  expectSound,
  fateOf,
  itemOf,
  JournalProcess,
  withClient,
  type TestLedger,
} from '../support/journal-fixtures.js';
import { moveOf } from '../support/ledger-fixtures.js';

/** Accounts that a process knows from its last batch are not read again, for as long as nobody else writes. */
let database: TestDatabase;
let one: JournalProcess;
let other: JournalProcess;

beforeAll(async () => {
  database = await createTestDatabase();
}, 60_000);
beforeEach(() => {
  one = new JournalProcess(database.ledgerUrl);
  other = new JournalProcess(database.ledgerUrl);
});
afterEach(() => Promise.all([one.stop(), other.stop()]));
afterAll(() => database.drop());

interface Known {
  readonly ledger: TestLedger;
  readonly alice: string;
  readonly bob: string;
}

/** Alice has 100. The process has written to the ledger often enough to believe that nobody else does. */
async function knownLedger(): Promise<Known> {
  const ledger = await one.newLedger();
  const [alice, bob] = [await ledger.open(100n), await ledger.open()];
  for (let n = 0; n < 3; n++) {
    await ledger.move(alice, bob, 1n);
    await ledger.move(bob, alice, 1n);
  }
  expect(await gatheredBy(one, () => ledger.move(alice, bob, 1n))).toEqual({ memory: 2, database: 0 });
  await ledger.move(bob, alice, 1n);
  return { ledger, alice, bob };
}

/** How many accounts a process has taken from its memory, and how many it has read, meanwhile. */
async function gatheredBy(process: JournalProcess, work: () => Promise<unknown>) {
  const before = await gathered(process);
  await work();
  const after = await gathered(process);
  return { memory: after.memory - before.memory, database: after.database - before.database };
}

async function gathered({ registry }: JournalProcess) {
  const { values } = await registry.getSingleMetric('ledger_gathered_accounts_total')!.get();
  const of = (source: string) => values.find(({ labels }) => labels['source'] === source)?.value ?? 0;
  return { memory: of('memory'), database: of('database') };
}

const settingsOf = (accountId: string, changes: object): LedgerCommand => ({
  kind: 'update-account',
  accountId,
  changes,
  preconditions: [],
});

it('what a process knows is what there is', async () => {
  const { ledger, alice, bob } = await knownLedger();
  const fates = [];
  for (const amount of [60n, 30n, 20n, 10n]) fates.push(await fateOf(ledger.move(alice, bob, amount)));
  expect(fates).toEqual(['accepted', 'accepted', 'insufficient_funds', 'accepted']);
  expect((await balancesOf(database.superuserUrl, ledger)).get(alice)).toMatchObject({ posted: 0n });
  await expectSound(database.superuserUrl, ledger);
});

it('an account that it does not know is read beside those that it does', async () => {
  const { ledger, alice } = await knownLedger();
  const carol = await other.ledger(ledger).open(5n);
  for (let n = 0; n < 6; n++) await ledger.move(alice, carol, 1n);
  const dave = await ledger.open();
  expect(await gatheredBy(one, () => ledger.move(carol, dave, 11n))).toEqual({ memory: 2, database: 0 });
  await expectSound(database.superuserUrl, ledger);
});

describe('what another process has written in between counts:', () => {
  const table: readonly [
    what: string,
    write: (ledger: TestLedger, known: Known) => Promise<unknown>,
    then: (known: Known) => LedgerCommand,
    fate: string,
  ][] = [
    [
      'a transfer',
      (ledger, { alice, bob }) => ledger.move(alice, bob, 95n),
      ({ alice, bob }) => moveOf(randomUUID(), alice, bob, 6n),
      'insufficient_funds',
    ],
    [
      'a transfer that makes another one possible',
      (ledger, { alice, bob }) => ledger.move(alice, bob, 95n),
      ({ alice, bob }) => moveOf(randomUUID(), bob, alice, 95n),
      'accepted',
    ],
    [
      'a batch',
      (ledger, { alice, bob }) => ledger.batch('atomic', [itemOf(moveOf(randomUUID(), alice, bob, 95n))]),
      ({ alice, bob }) => moveOf(randomUUID(), alice, bob, 6n),
      'insufficient_funds',
    ],
    [
      'a freeze',
      (ledger, { bob }) => ledger.submit(settingsOf(bob, { status: 'frozen' })),
      ({ alice, bob }) => moveOf(randomUUID(), alice, bob, 1n),
      'account_frozen',
    ],
    [
      'a limit',
      (ledger, { bob }) => ledger.submit(settingsOf(bob, { maxBalance: 3n })),
      ({ alice, bob }) => moveOf(randomUUID(), alice, bob, 4n),
      'balance_limit_exceeded',
    ],
    [
      'a closure',
      (ledger, { bob }) => ledger.submit({ kind: 'close-account', accountId: bob, preconditions: [] }),
      ({ alice, bob }) => moveOf(randomUUID(), alice, bob, 1n),
      'account_closed',
    ],
  ];

  it.each(table)('%s', async (_what, write, then, fate) => {
    const known = await knownLedger();
    await write(other.ledger(known.ledger), known);
    const asked = () => fateOf(known.ledger.submit(then(known)));
    const fates: string[] = [];
    expect(await gatheredBy(one, async () => fates.push(await asked()))).toMatchObject({ database: 2 });
    expect(fates).toEqual([fate]);
    await expectSound(database.superuserUrl, known.ledger);
  });

  it('a ledger that two write to by turns is read every time, and once', async () => {
    const { ledger, alice, bob } = await knownLedger();
    const turns = async () => {
      for (let n = 0; n < 10; n++) {
        await other.ledger(ledger).move(alice, bob, 1n);
        await ledger.move(bob, alice, 1n);
      }
    };
    expect(await gatheredBy(one, turns)).toEqual({ memory: 0, database: 20 });
    await expectSound(database.superuserUrl, ledger);
  });
});

describe('what an operator does counts:', () => {
  it('rows of accounts that are mended', async () => {
    const { ledger, alice, bob } = await knownLedger();
    await withClient(database.superuserUrl, (client) =>
      client.query('UPDATE ledger.accounts SET posted_credits = posted_credits + 7 WHERE id = $1', [alice]),
    );
    const { state } = projections.find(({ name }) => name === 'accounts')!;
    const options = { repair: true, tell: () => undefined };
    expect(await rebuildState(database.ownerUrl, state!, options)).toMatchObject({ repaired: 1 });
    expect(await gatheredBy(one, () => ledger.move(alice, bob, 1n))).toEqual({ memory: 0, database: 2 });
    await expectSound(database.superuserUrl, ledger);
  });

  it('a balance that is changed by hand, beside a process that knows another', async () => {
    const { ledger, alice, bob } = await knownLedger();
    const change = (by: number) =>
      withClient(database.superuserUrl, (client) =>
        client.query('UPDATE ledger.accounts SET posted_credits = posted_credits + $2 WHERE id = $1', [
          alice,
          by,
        ]),
      );
    await change(7);
    expect(await fateOf(ledger.move(alice, bob, 107n))).toBe('insufficient_funds');
    const fates: string[] = [];
    const gathered = await gatheredBy(one, async () => fates.push(await fateOf(ledger.move(alice, bob, 1n))));
    expect(fates).toEqual(['accepted']);
    expect(gathered).toMatchObject({ database: 2 });
    expect(one.logged).toEqual(['a batch was not committed and will be tried again']);
    expect(await fateOf(ledger.move(alice, bob, 106n))).toBe('accepted');
    await change(-7);
    expect((await balancesOf(database.superuserUrl, ledger)).get(alice)).toMatchObject({ posted: -7n });
  });

  it('a new epoch after a restore', async () => {
    const { ledger, alice, bob } = await knownLedger();
    await withClient(database.ownerUrl, (client) => raiseEpochs(client, 1));
    expect(await gatheredBy(one, () => ledger.move(alice, bob, 1n))).toEqual({ memory: 0, database: 2 });
    await expectSound(database.superuserUrl, ledger);
  });
});

it('settings are read where they are changed, and kept where they are not', async () => {
  const { ledger, alice, bob } = await knownLedger();
  const metadata = { team: 'blue' };
  await ledger.submit(settingsOf(alice, { name: 'Alice', metadata }));
  await ledger.move(alice, bob, 1n);
  await ledger.submit(settingsOf(alice, { minBalance: -5n }));
  expect(await fateOf(ledger.move(alice, bob, 104n))).toBe('accepted');
  const { rows } = await withClient(database.superuserUrl, (client) =>
    client.query('SELECT name, metadata, min_balance FROM ledger.accounts WHERE id = $1', [alice]),
  );
  expect(rows).toEqual([{ name: 'Alice', metadata, min_balance: '-5' }]);
  await expectSound(database.superuserUrl, ledger);
});
