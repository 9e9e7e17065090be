import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { runCommand } from '../../tools/embedded-postgres/run-command.js';
import { Client, newKey, type Account, type List, type Transaction } from '../support/client.js';
import { cleanEnvironment, projectDirectory, secondsSideBySide } from '../support/config.js';
import { createTestDatabase } from '../support/database.js';
import { reportFigures } from '../support/fault-run.js';
import { Fleet } from '../support/fleet.js';
import { IdempotentLoad } from '../support/idempotent-load.js';
import { BOOTSTRAP_API_KEY } from '../support/product.js';
import {
  compareWithJournal,
  expectAnsweredOnce,
  expectSame,
  untilDelivered,
} from '../support/same-events.js';
import { seededRandom } from '../support/seeded-random.js';
import { until } from '../support/until.js';
import { expectVerified } from '../support/verify.js';
import { buildRelease, migrateBy, type BuiltRelease } from './earlier-release.js';
import { LockWaits } from './lock-waits.js';
import { earlierRelease } from './releases.js';

/** To each of the two. */
const postsPerSecond = 20;
const accountCount = 24;
/** Of statements of the apps behind a migration; a write gives up after four seconds. */
const lockWaitMsMax = 3_000;

let earlier: BuiltRelease;

beforeAll(async () => {
  earlier = await buildRelease(earlierRelease);
}, 600_000);
afterAll(() => earlier.remove());

/** The earlier release alone on a database of its schema. */
async function startEarlier(): Promise<Fleet> {
  const database = await createTestDatabase({ isEmpty: true });
  await migrateBy(earlier.directory, database);
  const fleet = await Fleet.start({ database, withKafka: false, first: earlier });
  await fleet.up('dispatcher-earlier', earlier);
  return fleet;
}

describe(`the release "${earlierRelease.name}" and this one`, () => {
  let fleet: Fleet;
  const clients: Client[] = [];
  const running: { stop(): Promise<void> }[] = [];

  beforeEach(async () => {
    fleet = await startEarlier();
  }, 120_000);

  afterEach(async () => {
    // After a failure; otherwise they have been stopped.
    await Promise.allSettled(running.splice(0).map((each) => each.stop()));
    for (const client of clients.splice(0)) client.close();
    await fleet.stop();
  }, 120_000);

  const clientOf = (name: string) => {
    const client = new Client(fleet.get(name).url, BOOTSTRAP_API_KEY);
    clients.push(client);
    return client;
  };

  it('serve one database side by side: nothing acknowledged is lost, nothing refused, everything delivered once', async () => {
    const random = seededRandom();
    await fleet.addEndpoints(['any-order']);
    const [ordered] = await fleet.addEndpoints(['by-account'], { ordering: 'account' });
    const accountIds = await fleet.openAccounts(accountCount);
    const use = (client: Client) => {
      const load = new IdempotentLoad({ client, accountIds, random, perSecond: postsPerSecond, clients: 8 });
      const reads = new Reads(client, accountIds);
      running.push(load, reads);
      return [load, reads] as const;
    };
    const [earlierLoad, earlierReads] = use(fleet.client);
    await sleep(3_000);

    const waits = await LockWaits.watch(fleet.database.superuserUrl);
    const migratedFrom = performance.now();
    await migrateBy(projectDirectory, fleet.database);
    const migrationMs = performance.now() - migratedFrom;
    await sleep(1_000);
    await waits.stop();

    await fleet.up('api-this');
    await fleet.up('dispatcher-this');
    const [thisLoad, thisReads] = use(clientOf('api-this'));
    const seconds = secondsSideBySide();
    await sleep(seconds * 1_000);

    await Promise.all([earlierLoad.stop(), earlierReads.stop()]);
    await fleet.end('dispatcher-earlier');
    await fleet.end('api');
    await sleep(3_000);
    await Promise.all([thisLoad.stop(), thisReads.stop()]);

    expect([...earlierLoad.refusals, ...thisLoad.refusals]).toEqual([]);
    expect([...earlierReads.failures, ...thisReads.failures]).toEqual([]);
    expect(waits.samples).toBeGreaterThan(20);
    expect([waits.longestMs < lockWaitMsMax, waits.statement]).toEqual([true, waits.statement]);
    await untilDelivered(fleet);
    const difference = await compareWithJournal(fleet);
    expectSame(difference);
    expect(ordered?.received.outOfOrder).toEqual([]);
    await expectAnsweredOnce(fleet, new Set([...earlierLoad.answered, ...thisLoad.answered]));
    await expectVerified(fleet.database.ownerUrl);
    const rounded = (ms: number) => `${Math.round(ms)} ms`;
    reportFigures('two releases side by side', {
      from: earlierRelease.commit.slice(0, 7),
      seconds,
      events: difference.events,
      'posted by the earlier': earlierLoad.answered.size,
      'posted by this': thisLoad.answered.size,
      'read by the earlier': earlierReads.count,
      'read by this': thisReads.count,
      'migrations took': rounded(migrationMs),
      'longest wait behind them': rounded(waits.longestMs),
      'slowest post of the earlier': rounded(earlierLoad.slowestMs),
      'slowest post of this': rounded(thisLoad.slowestMs),
      lost: difference.lost.length,
      invented: difference.invented.length,
      'received again': difference.repeats,
    });
  }, 600_000);

  it('what this one alone knows stops the earlier one in front of it, and is taken up by this one', async () => {
    await fleet.addEndpoints(['books']);
    const alice = await fleet.client.open({ name: 'Alice', openingBalance: 1_000 });
    const bob = await fleet.client.open({ name: 'Bob' });
    const firstKey = newKey();
    const transfer = { sender: alice.id, recipient: bob.id, amount: 100 };
    const first = await fleet.client.post('/v1/transactions', transfer, { key: firstKey });
    await untilDelivered(fleet);
    await migrateBy(projectDirectory, fleet.database);

    // A process of the earlier release that starts on the newer schema is as good as one that was there before.
    await fleet.kill('api');
    await fleet.up('api', { ...earlier, env: { LEDGER_ROLE: 'all' } });
    await fleet.up('api-this', { env: { LEDGER_ROLE: 'api' } });
    const client = clientOf('api-this');
    const hold = await client.hold(alice.id, bob.id, 600);

    const parked = `event type transaction.pending version 1 is not known to this release`;
    await until(
      'the earlier projections stop in front of the hold',
      async () => (await listsParkedBy()) === parked,
    );
    await until(
      'the earlier dispatcher stops in front of it',
      async () => (await webhooksParkedBy()) === parked,
    );

    // Both write on, and each by what the other wrote.
    expect(await statusOf(fleet.client, { ...transfer, amount: 301 })).toBe(422);
    expect(await statusOf(fleet.client, { ...transfer, amount: 50 })).toBe(201);
    expect(await statusOf(client, { ...transfer, amount: 251 })).toBe(422);
    const again = await client.post('/v1/transactions', transfer, { key: firstKey });
    expect(again).toMatchObject({ status: 201, body: { data: (first.body as { data: object }).data } });
    const newKeyOfThis = newKey();
    const made = await client.post('/v1/transactions', { ...transfer, amount: 1 }, { key: newKeyOfThis });
    const replayed = await fleet.client.post(
      '/v1/transactions',
      { ...transfer, amount: 1 },
      { key: newKeyOfThis },
    );
    expect(replayed.status).toBe(201);
    expect(made).toMatchObject({ status: 201, body: { data: (replayed.body as { data: object }).data } });

    // A worker of this release takes the lists up at once, as often as the earlier one stops again.
    await fleet.up('worker-this');
    for (let turn = 0; turn < 3; turn++) {
      const { id } = await client.hold(alice.id, bob.id, 1);
      const listed = await client.get<List<Transaction>>('/v1/transactions?filter[status]=pending');
      expect([listed.status, listed.body.data.map((each) => each.id)]).toEqual([
        200,
        expect.arrayContaining([id, hold.id]),
      ]);
    }
    expect((await client.post(`/v1/transactions/${hold.id}/capture`, {})).status).toBe(201);

    await fleet.end('dispatcher-earlier');
    await fleet.end('api');
    await fleet.up('dispatcher-this');
    expect(await webhooksParkedBy()).toBe(parked);
    const { rows } = await fleet.db.query<{ id: string }>(
      'SELECT id FROM dispatcher.dead_letters WHERE reason IS NOT NULL',
    );
    expect(rows).toHaveLength(1);
    expect(await retryDeadLetter(rows[0]!.id)).toContain('its ledger goes on');
    await untilDelivered(fleet);
    expectSame(await compareWithJournal(fleet));
    expect(await client.account(alice.id)).toMatchObject<Partial<Account>>({
      balance: { posted: '249', available: '246', pendingIn: '0', pendingOut: '3' },
    });
    await expectVerified(fleet.database.ownerUrl);
  }, 300_000);

  const statusOf = async (client: Client, body: object) =>
    (await client.post('/v1/transactions', body)).status;

  const listsParkedBy = async () => await parkedReasonIn('projections.checkpoints');
  const webhooksParkedBy = async () => await parkedReasonIn('dispatcher.ledgers');

  async function parkedReasonIn(table: string): Promise<string | null> {
    const { rows } = await fleet.db.query<{ parked_reason: string | null }>(
      `SELECT parked_reason FROM ${table}`,
    );
    return rows[0]?.parked_reason ?? null;
  }

  /** As an operator does; what the command says. */
  async function retryDeadLetter(id: string): Promise<string> {
    const env = { ...cleanEnvironment(), DISPATCHER_DATABASE_URL: fleet.database.dispatcherUrl };
    const command = [join(projectDirectory, 'dist/tools/cli/main.js'), 'dead-letter', 'retry', id];
    return (await runCommand(process.execPath, command, { env })).output;
  }
});

/** Someone who reads lists, accounts and the journal all the time, and is told everything that is not answered 200. */
class Reads {
  count = 0;
  readonly failures: string[] = [];
  private isStopped = false;
  private readonly done: Promise<void>;

  constructor(
    private readonly client: Client,
    private readonly accountIds: readonly string[],
  ) {
    this.done = this.run();
    this.done.catch(() => undefined);
  }

  async stop(): Promise<void> {
    this.isStopped = true;
    await this.done;
  }

  private async run(): Promise<void> {
    for (let turn = 0; !this.isStopped; turn++) {
      const id = this.accountIds[turn % this.accountIds.length];
      const paths = [
        `/v1/transactions?filter[account]=${id}&page[limit]=5`,
        `/v1/accounts/${id}`,
        `/v1/accounts/${id}/entries?page[limit]=5`,
        `/v1/events?after=${turn}&limit=5`,
      ];
      for (const path of paths) {
        const answer = await this.client.get(path).catch((error: Error) => error.message);
        this.count++;
        if (typeof answer === 'string') this.failures.push(`${path}: ${answer}`);
        else if (answer.status !== 200) this.failures.push(`${path}: ${answer.status} ${answer.text}`);
      }
      await sleep(250);
    }
  }
}
