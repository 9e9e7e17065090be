import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import {
  isTransactionEvent,
  progressOf,
  type AccountSettings,
  type DomainEvent,
  type LedgerCommand,
  type PostingDraft,
} from '#domain';
import { systemAccountId, type Outcome } from '#journal';
import { anyLifecycle, lifecycleOpenings, type Step } from '../support/any-lifecycle.js';
import { draftOf, idOf, openingOf } from '../support/ledger-fixtures.js';
import { LedgerStory } from '../support/ledger-story.js';
import {
  balancesOf,
  expectSound,
  fateOf,
  JournalProcess,
  queryRows,
  type TestLedger,
} from '../support/journal-fixtures.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { seededRandom } from '../support/seeded-random.js';

let database: TestDatabase;
let one: JournalProcess;
let ledger: TestLedger;

beforeAll(async () => {
  database = await createTestDatabase();
  one = new JournalProcess(database.ledgerUrl);
}, 60_000);
beforeEach(async () => {
  ledger = await one.newLedger();
});
afterEach(() => expectSound(database.superuserUrl, ledger));
afterAll(async () => {
  await one.stop();
  await database.drop();
});

interface ModelAccount {
  readonly currency: string;
  posted: bigint;
  version: number;
  min: bigint | null;
  max: bigint | null;
  status: 'open' | 'frozen' | 'closed';
}

/** The rules once more, as plainly as they can be said, one account after the other. */
class Model {
  readonly accounts = new Map<string, ModelAccount>();
  readonly roots = new Map<string, bigint>();
  readonly externalIds = new Set<string>();

  open(id: string, currency: string, min: bigint | null, max: bigint | null): string {
    this.accounts.set(id, { currency, posted: 0n, version: 1, min, max, status: 'open' });
    return 'accepted';
  }

  update(
    id: string,
    changes: Pick<Partial<AccountSettings>, 'status' | 'minBalance' | 'maxBalance'>,
  ): string {
    const account = this.accounts.get(id);
    if (!account) return 'account_not_found';
    if (account.status === 'closed') return 'account_closed';
    const { status, min, max } = account;
    if (changes.status !== undefined) account.status = changes.status;
    if (changes.minBalance !== undefined) account.min = changes.minBalance;
    if (changes.maxBalance !== undefined) account.max = changes.maxBalance;
    if (status !== account.status || min !== account.min || max !== account.max) account.version += 1;
    return 'accepted';
  }

  close(id: string): string {
    const account = this.accounts.get(id);
    if (!account) return 'account_not_found';
    if (account.status === 'closed') return 'account_closed';
    if (account.posted !== 0n) return 'account_not_empty';
    account.status = 'closed';
    account.version += 1;
    return 'accepted';
  }

  move(postings: readonly PostingDraft[], externalId: string | null): string {
    if (postings.some(({ sender, recipient }) => sender === recipient)) return 'same_account';
    const parties = postings.flatMap(({ sender, recipient }) => [sender, recipient]);
    const named = parties.filter((party) => party !== 'ROOT');
    if (named.some((id) => !this.accounts.has(id))) return 'account_not_found';
    const accounts = named.map((id) => this.accounts.get(id)!);
    if (accounts.some(({ status }) => status === 'closed')) return 'account_closed';
    if (accounts.some(({ status }) => status === 'frozen')) return 'account_frozen';
    if (externalId !== null && this.externalIds.has(externalId)) return 'external_id_taken';
    const currencyOf = (id: string) => this.accounts.get(id)?.currency;
    for (const { sender, recipient } of postings) {
      const currencies = [currencyOf(sender), currencyOf(recipient)].filter((currency) => currency);
      if (new Set(currencies).size > 1) return 'exchange_rate_missing';
    }
    const changes = new Map<string, bigint>();
    const add = (id: string, amount: bigint) => changes.set(id, (changes.get(id) ?? 0n) + amount);
    for (const { sender, recipient, amount } of postings) {
      add(sender === 'ROOT' ? `ROOT ${currencyOf(recipient)}` : sender, -amount);
      add(recipient === 'ROOT' ? `ROOT ${currencyOf(sender)}` : recipient, amount);
    }
    const after = [...changes].flatMap(([id, change]) => {
      const account = this.accounts.get(id);
      return account ? [{ ...account, change, posted: account.posted + change }] : [];
    });
    if (after.some(({ change, min, posted }) => change < 0n && min !== null && posted < min)) {
      return 'insufficient_funds';
    }
    if (after.some(({ change, max, posted }) => change > 0n && max !== null && posted > max)) {
      return 'balance_limit_exceeded';
    }
    for (const [id, change] of changes) {
      const account = this.accounts.get(id);
      if (account) account.posted += change;
      else this.roots.set(id, (this.roots.get(id) ?? 0n) + change);
    }
    for (const account of accounts) account.version += 1;
    if (externalId !== null) this.externalIds.add(externalId);
    return 'accepted';
  }
}

const everyFate = [
  'accepted',
  'account_closed',
  'account_frozen',
  'account_not_empty',
  'account_not_found',
  'balance_limit_exceeded',
  'exchange_rate_missing',
  'external_id_taken',
  'insufficient_funds',
  'same_account',
];

it('2,500 random commands: every outcome and every balance is as in the model', async () => {
  const random = seededRandom();
  const model = new Model();
  const ids = Array.from({ length: 14 }, () => randomUUID());
  const [euros, yen, ...closable] = ids as [string, string, ...string[]];
  const limit = () => (random.below(3) ? null : BigInt(random.below(300) - 100));
  const floor = () => (random.below(3) ? 0n : limit());
  const amount = () =>
    random.below(20) ? BigInt(random.below(60) + 1) : 10n ** 35n + BigInt(random.below(1_000));

  interface Step {
    readonly command: LedgerCommand;
    readonly expected: string;
  }
  const opening = (id: string, currency: string): Step => {
    const [minBalance, maxBalance] = [floor(), limit()];
    const command = openingOf(id, { currency, settings: { minBalance, maxBalance } });
    return { command, expected: model.open(id, currency, minBalance, maxBalance) };
  };
  const closing = (accountId: string): Step => ({
    command: { kind: 'close-account', accountId, preconditions: [] },
    expected: model.close(accountId),
  });

  const step = (): Step => {
    const kind = random.below(100);
    const id = random.pick(ids);
    if (kind < 6 && !model.accounts.has(id)) return opening(id, random.pick(['EUR', 'EUR', 'EUR', 'JPY']));
    if (kind < 14) {
      const changes = random.pick([
        { status: 'open' as const },
        { status: 'frozen' as const },
        { minBalance: floor() },
        { maxBalance: limit() },
        { status: 'open' as const },
      ]);
      const command = { kind: 'update-account', accountId: id, changes, preconditions: [] } as const;
      return { command, expected: model.update(id, changes) };
    }
    if (kind < 16) return closing(random.pick(closable));
    const postings = Array.from({ length: random.below(4) ? 1 : random.below(4) + 2 }, () => ({
      sender: random.pick([...ids, 'ROOT', 'ROOT']),
      recipient: random.pick([...ids, 'ROOT']),
      amount: amount(),
    }));
    const externalId = random.below(5) ? null : `order-${random.below(20)}`;
    const command = {
      kind: 'create-transaction',
      draft: draftOf(randomUUID(), postings, { externalId }),
    } as const;
    return { command, expected: model.move(postings, externalId) };
  };

  // Whatever the seed, there are two open currencies and a closed account, so that every fate has its chance.
  const closed = closable[0]!;
  const prologue = [opening(euros, 'EUR'), opening(yen, 'JPY'), opening(closed, 'EUR'), closing(closed)];
  let done = 0;
  const seen = new Set<string>();
  while (done < 2_500 || (seen.size < everyFate.length && done < 10_000)) {
    // Bursts, so that a batch has one to sixty commands.
    const burst = Array.from({ length: random.below(60) + 1 }, step);
    const steps = done === 0 ? [...prologue, ...burst] : burst;
    const fates = await Promise.all(steps.map(({ command }) => fateOf(ledger.submit(command))));
    expect(fates).toEqual(steps.map(({ expected }) => expected));
    for (const fate of fates) seen.add(fate);
    done += steps.length;
  }
  expect([...seen].sort()).toEqual(everyFate);
  const balances = await balancesOf(database.superuserUrl, ledger);
  for (const [id, { posted, version }] of model.accounts) {
    expect(balances.get(id)).toMatchObject({ posted, version });
    balances.delete(id);
  }
  const roots = [...balances.values()].map(({ posted }) => posted).sort();
  expect(roots).toEqual([...model.roots.values()].sort());
}, 30_000);

/** What a command came to, apart from when: the code of its refusal, or what its events say. */
function saidOf(events: readonly (DomainEvent | null)[]): object[] {
  return events.map((event) =>
    event && isTransactionEvent(event)
      ? { type: event.type, legs: event.transaction.legs, progress: progressOf(event) }
      : { type: event?.type },
  );
}

it('the life of any transactions: a batch gathers all that a ledger which forgets nothing would know', async () => {
  const { seed, below } = seededRandom();
  // Times are the database's, so that here nothing expires.
  // As many whatever the seed: lives are of any length.
  const steps = fc.sample(anyLifecycle(1_500), { seed, numRuns: 20 }).flat().slice(0, 3_000);
  const story = new LedgerStory([], {
    position: 0n,
    systemAccountId: (name, currency) => systemAccountId(ledger.ledgerId, name, currency),
  });
  const two = new JournalProcess(database.ledgerUrl);
  const queue = [...lifecycleOpenings];
  const seen = new Map<string, number>();
  for (let index = 0; index < steps.length || queue.length > 0;) {
    const expected: object[] = [];
    const submitted: Promise<Outcome>[] = [];
    const writer = below(2) ? ledger : two.ledger(ledger);
    for (let size = below(40) + 1; size > 0; size -= 1) {
      const command = queue.shift() ?? nextCommand(steps[index++], story, index);
      if (!command) continue;
      const decision = story.decide(command);
      if (decision.accepted) story.take(decision.events);
      expected.push(...(decision.accepted ? saidOf(decision.events) : [{ refusal: decision.refusal }]));
      const name = decision.accepted ? `${decision.events.at(-1)?.type}` : decision.refusal.code;
      seen.set(name, (seen.get(name) ?? 0) + 1);
      submitted.push(writer.submit(command));
    }
    const found = (await Promise.all(submitted)).flatMap((outcome) =>
      outcome.accepted ? saidOf(outcome.events.map(({ event }) => event)) : [{ refusal: outcome.refusal }],
    );
    expect(found).toEqual(expected);
  }
  await two.stop();
  for (const name of [
    'transaction.captured',
    'transaction.reversed',
    'transaction.voided',
    'already_reversed',
  ]) {
    expect(seen.get(name)).toBeGreaterThan(5);
  }
}, 60_000);

function nextCommand(step: Step | undefined, story: LedgerStory, index: number): LedgerCommand | null {
  if (!step) return null;
  const transactions = [...story.transactions];
  const open = transactions.filter(([, { progress }]) => /^p.*(ing|captured)$/.test(progress.status));
  const command = step({
    transactionId: idOf(2, index),
    transactionIds: transactions.map(([id]) => id),
    openHoldIds: open.map(([id]) => id),
    now: story.nextRecordedAt,
  });
  const isOfTime = ['wait', 'expire-hold', 'extend-hold'].includes(command.kind);
  if (command.kind === 'wait' || isOfTime) return null;
  if (command.kind !== 'create-transaction' || !command.draft.hold) return command;
  return { ...command, draft: { ...command.draft, hold: { expiresAt: null } } };
}

describe('amounts far beyond 2^63', () => {
  const most = 10n ** 36n - 1n;

  it('of 36 digits, and sums of more, are exact in every place where they are kept', async () => {
    const [alice, bob] = [await ledger.open(most - 1n), await ledger.open(0n)];
    expect(await fateOf(ledger.move('ROOT', alice, 1n))).toBe('accepted');
    expect(await fateOf(ledger.move(alice, bob, most))).toBe('accepted');
    expect(await fateOf(ledger.move(bob, alice, most))).toBe('accepted');
    const balances = await balancesOf(database.superuserUrl, ledger);
    expect(balances.get(alice)?.posted).toBe(most);
    expect(balances.get(bob)?.posted).toBe(0n);
    expect([...balances.values()].reduce((sum, { posted }) => sum + posted, 0n)).toBe(0n);
    const sums = await queryRows<{ debits: string; credits: string }>(
      database.superuserUrl,
      `SELECT posted_debits::text AS debits, posted_credits::text AS credits FROM ledger.accounts
        WHERE ledger_id = $1 AND id = $2`,
      [ledger.ledgerId, alice],
    );
    expect(sums).toEqual([{ debits: String(most), credits: String(2n * most) }]);
    const legs = await queryRows<{ posted: string }>(
      database.superuserUrl,
      `SELECT data->'legs'->1->>'posted' AS posted FROM journal.events
        WHERE ledger_id = $1 AND type = 'transaction.posted' ORDER BY position`,
      [ledger.ledgerId],
    );
    expect(legs.map(({ posted }) => posted)).toEqual([most - 1n, most, most, most].map(String));
    const outcome = await ledger.move(alice, bob, most, { key: 'k' });
    expect(outcome).toMatchObject({ accepted: true });
    expect(await ledger.move(alice, bob, most, { key: 'k' })).toEqual({ ...outcome, isReplay: true });
    expect(await fateOf(ledger.move('ROOT', bob, 1n))).toBe('balance_limit_exceeded');
  });

  it('as limits as well', async () => {
    const alice = await ledger.open(0n, { settings: { minBalance: -most, maxBalance: most } });
    expect(await fateOf(ledger.move(alice, 'ROOT', most))).toBe('accepted');
    expect(await fateOf(ledger.move(alice, 'ROOT', 1n))).toBe('insufficient_funds');
    expect(await fateOf(ledger.move('ROOT', alice, most))).toBe('accepted');
    expect(await fateOf(ledger.move('ROOT', alice, most))).toBe('accepted');
    expect(await fateOf(ledger.move('ROOT', alice, 1n))).toBe('balance_limit_exceeded');
  });
});

it('text of every kind comes back as it was', async () => {
  const settings = {
    name: `Ünïcødé "quoted" \\ \u2028 \u{1F600} ' ; -- `,
    externalId: ' {},"\\x ',
    ownerId: '\t\n\r\u0001',
    metadata: { 'a b': [1.5, -0.1, 1e21, true, null, { '': 'ß' }], 2: 'two', 1: 'one' },
  };
  const account = await ledger.open(5n, { settings });
  const said = { reference: `\u{1F4B6} "x" \\u0000 %s $1`, externalId: `'"`, metadata: settings.metadata };
  const outcome = await ledger.move(account, 'ROOT', 1n, { key: `!"#$%&'()*+,-./:;<=>?@[\\]^_{|}~` }, said);
  const replay = await ledger.move(account, 'ROOT', 1n, { key: `!"#$%&'()*+,-./:;<=>?@[\\]^_{|}~` }, said);
  expect(replay).toEqual({ ...outcome, isReplay: true });
  expect(outcome).toMatchObject({ events: [{ event: { transaction: said } }] });
  const [row] = await queryRows(
    database.superuserUrl,
    'SELECT name, external_id, owner_id, metadata FROM ledger.accounts WHERE ledger_id = $1 AND id = $2',
    [ledger.ledgerId, account],
  );
  expect(row).toEqual({
    name: settings.name,
    external_id: settings.externalId,
    owner_id: settings.ownerId,
    metadata: settings.metadata,
  });
  const updated = await ledger.submit({
    kind: 'update-account',
    accountId: account,
    changes: { ...settings },
    preconditions: [],
  });
  expect(updated).toMatchObject({ accepted: true, isReplay: false, events: [], unchanged: settings });
});
