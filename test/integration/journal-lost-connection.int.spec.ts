import { setTimeout as sleep } from 'node:timers/promises';
import {
  balancesOf,
  expectSound,
  fateOf,
  JournalProcess,
  queryRows,
  timesPosted,
  until,
  writeSessions,
  type TestLedger,
} from '../support/journal-fixtures.js';
import { committingPids, makeCommitsWait, whileCommitsWait } from '../support/commit-gate.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { TcpProxy } from '../support/tcp-proxy.js';

/** The statement as it goes over the wire; its end tells it from READ COMMITTED. */
const commit = 'COMMIT\0';

let database: TestDatabase;
let proxy: TcpProxy;
/** Writes through the proxy. */
let far: JournalProcess;
let near: JournalProcess;
let ledger: TestLedger;
let [alice, bob] = ['', ''];

beforeAll(async () => {
  database = await createTestDatabase();
  await makeCommitsWait(database.ownerUrl);
  proxy = await TcpProxy.start(database.ledgerUrl);
  far = new JournalProcess(proxy.url);
  near = new JournalProcess(database.ledgerUrl);
}, 60_000);
beforeEach(async () => {
  ledger = await far.newLedger();
  [alice, bob] = [await ledger.open(1_000n), await ledger.open()];
  far.logged.length = 0;
});
afterEach(() => expectSound(database.superuserUrl, ledger));
afterAll(async () => {
  await Promise.all([far.stop(), near.stop()]);
  await proxy.close();
  await database.drop();
});

const whileWaiting = <T>(work: (openGate: () => Promise<void>) => Promise<T>) =>
  whileCommitsWait(database.superuserUrl, work);
const committing = () => committingPids(database.superuserUrl);

const pay = (asked = {}) => ledger.move(alice, bob, 10n, { key: 'pay', ...asked }, { reference: 'pay' });
const timesPaid = () => timesPosted(database.superuserUrl, ledger, 'pay');

describe('while the server commits', () => {
  it('nobody is answered and nobody is told', async () => {
    const heard: string[] = [];
    far.journal.onCommitted((ledgerId) => heard.push(ledgerId));
    await whileWaiting(async (openGate) => {
      let isAnswered = false;
      const fate = fateOf(pay()).finally(() => (isAnswered = true));
      await until(async () => (await committing()).length === 1);
      // What was appended has been answered by now: the commit alone is waited for.
      await sleep(200);
      expect([isAnswered, heard.includes(ledger.ledgerId)]).toEqual([false, false]);
      await openGate();
      expect(await fate).toBe('accepted');
    });
    expect(heard.filter((ledgerId) => ledgerId === ledger.ledgerId)).toHaveLength(1);
  });
});

describe('the connection is lost while the server commits', () => {
  it('the commit is waited for and found: accepted once, with neighbours and refusals', async () => {
    await whileWaiting(async (openGate) => {
      const cut = proxy.once(commit, 'cut-after');
      const fates = Promise.all([
        fateOf(pay()),
        fateOf(ledger.move(alice, bob, 5_000n)),
        fateOf(ledger.move(alice, bob, 20n)),
      ]);
      await cut;
      await until(async () => (await committing()).length === 1);
      await until(() => far.logged.includes('the outcome of a commit is unknown'));
      await openGate();
      expect(await fates).toEqual(['accepted', 'insufficient_funds', 'accepted']);
    });
    expect(await timesPaid()).toBe(1);
    expect((await balancesOf(database.superuserUrl, ledger)).get(bob)?.posted).toBe(30n);
    expect(await fateOf(pay())).toBe('replayed');
  });

  it('the commit fails after all: decided again, accepted once', async () => {
    await whileWaiting(async (openGate) => {
      const cut = proxy.once(commit, 'cut-after');
      const fate = fateOf(pay());
      await cut;
      await until(async () => (await committing()).length === 1);
      const [pid] = await committing();
      await queryRows(database.superuserUrl, 'SELECT pg_terminate_backend($1)', [pid]);
      await openGate();
      expect(await fate).toBe('accepted');
    });
    expect(far.logged).toContain('the outcome of a commit is unknown');
    expect(await timesPaid()).toBe(1);
  });

  it('another process writes in between: it waits for the commit and sees it', async () => {
    await whileWaiting(async (openGate) => {
      const cut = proxy.once(commit, 'cut-after');
      const fate = fateOf(ledger.move(alice, bob, 1_000n));
      await cut;
      const meanwhile = fateOf(near.ledger(ledger).move(alice, bob, 1_000n));
      await until(async () =>
        (await writeSessions(database.superuserUrl)).some((s) => s.wait_event === 'transactionid'),
      );
      await openGate();
      expect([await fate, await meanwhile]).toEqual(['accepted', 'insufficient_funds']);
    });
  });
});

describe('the commit never arrives', () => {
  it('and the server sees the connection end: decided again, accepted once', async () => {
    const cut = proxy.once(commit, 'cut-before');
    const fate = fateOf(pay());
    await cut;
    expect(await fate).toBe('accepted');
    expect(far.logged).toContain('the outcome of a commit is unknown');
    expect(await timesPaid()).toBe(1);
  });

  it('what was decided then may be refused now', async () => {
    const cut = proxy.once(commit, 'cut-before');
    const fate = fateOf(ledger.move(alice, bob, 1_000n));
    const meanwhile = cut.then(() => fateOf(near.ledger(ledger).move(alice, bob, 500n)));
    const fates = [await fate, await meanwhile].sort();
    expect(fates).toEqual(['accepted', 'insufficient_funds']);
  });

  it.each([
    ['gather-batch', 'a batch was not committed and will be tried again'],
    // COMMIT goes out with it and may have arrived, for all that can be known here.
    ['append-batch', 'the outcome of a commit is unknown'],
  ])('lost before it, at %s: tried again', async (statement, said) => {
    const cut = proxy.once(statement, 'cut-before');
    const fate = fateOf(pay());
    await cut;
    expect(await fate).toBe('accepted');
    expect(far.logged).toEqual([said]);
    expect(await timesPaid()).toBe(1);
  });
});

describe('the outcome cannot be found out before the deadline', () => {
  it.each<[string, (openGate: () => Promise<void>) => Promise<unknown>, number, string]>([
    ['it was committed', (openGate) => openGate(), 1, 'replayed'],
    [
      'it was not committed',
      async (openGate) => {
        await queryRows(database.superuserUrl, 'SELECT pg_terminate_backend($1)', [(await committing())[0]]);
        await openGate();
      },
      0,
      'accepted',
    ],
  ])('outcome_unknown; the truth: %s; a retry has one effect', async (_, end, effects, retried) => {
    await whileWaiting(async (openGate) => {
      const cut = proxy.once(commit, 'cut-after');
      const fate = fateOf(pay({ deadlineMs: 400 }));
      await cut;
      expect(await fate).toBe('outcome_unknown');
      expect(await timesPaid()).toBe(0);
      await end(openGate);
      await until(async () => (await committing()).length === 0);
    });
    expect(await timesPaid()).toBe(effects);
    expect(await fateOf(pay())).toBe(retried);
    expect(await timesPaid()).toBe(1);
  });

  it('a neighbour with a later deadline gets its answer all the same', async () => {
    await whileWaiting(async (openGate) => {
      const cut = proxy.once(commit, 'cut-after');
      const [hasty, patient] = [fateOf(pay({ deadlineMs: 300 })), fateOf(ledger.move(alice, bob, 20n))];
      await cut;
      expect(await hasty).toBe('outcome_unknown');
      await openGate();
      expect(await patient).toBe('accepted');
    });
    expect(await timesPaid()).toBe(1);
  });
});

describe('a process that stands still between the lock and the commit', () => {
  it('loses the ledger after 3 s to the others, and decides again when it goes on', async () => {
    const frozen = proxy.once('append-batch', 'hold');
    const late = fateOf(ledger.move(alice, bob, 700n));
    await frozen;
    const startedAt = performance.now();
    expect(await fateOf(near.ledger(ledger).move(alice, bob, 700n))).toBe('accepted');
    const waitedMs = performance.now() - startedAt;
    expect(waitedMs).toBeGreaterThan(1_000);
    expect(waitedMs).toBeLessThan(8_000);
    proxy.release();
    expect(await late).toBe('insufficient_funds');
  }, 30_000);

  it('whose session is killed in the middle decides again', async () => {
    const frozen = proxy.once('append-batch', 'hold');
    const fate = fateOf(pay());
    await frozen;
    const sessions = await writeSessions(database.superuserUrl);
    const { pid } = sessions.find(({ state }) => state === 'idle in transaction')!;
    await queryRows(database.superuserUrl, 'SELECT pg_terminate_backend($1)', [pid]);
    expect(await fateOf(near.ledger(ledger).move(alice, bob, 1n))).toBe('accepted');
    proxy.release();
    expect(await fate).toBe('accepted');
    expect(await timesPaid()).toBe(1);
  });
});
