import pg from 'pg';
import type { JournalEvent } from './client.js';
import { createTestDatabase, type TestDatabase } from './database.js';
import { Fleet } from './fleet.js';
import { IdempotentLoad } from './idempotent-load.js';
import type { SeededRandom } from './seeded-random.js';
import { runToolWell } from './tools.js';
import { until } from './until.js';

/**
 * A ledger with a past that a backup has, and a future that is lost: the snapshot is a copy of the database, the
 * future is what was posted and delivered after it.
 */
export class RestoredLedger {
  readonly lost: JournalEvent[] = [];

  private constructor(
    readonly fleet: Fleet,
    /** Never used: each restore begins with a copy of it. */
    readonly snapshot: TestDatabase,
    readonly accounts: readonly string[],
    /** What the snapshot has. */
    readonly past: readonly JournalEvent[],
    private readonly random: SeededRandom,
  ) {}

  static async make(random: SeededRandom, withKafka: boolean): Promise<RestoredLedger> {
    const fleet = await Fleet.start({ withKafka });
    try {
      return await RestoredLedger.makeWith(fleet, random);
    } catch (error) {
      await fleet.stop();
      throw error;
    }
  }

  private static async makeWith(fleet: Fleet, random: SeededRandom): Promise<RestoredLedger> {
    await fleet.up('dispatcher');
    await fleet.addEndpoints(['plain']);
    await fleet.addEndpoints(['ordered'], { ordering: 'account' });
    const accounts = await fleet.openAccounts(4);
    await post(fleet, accounts, random, 60);
    const past = await fleet.client.journal();
    await untilAccepted(fleet, past);
    await Promise.all([fleet.end('api'), fleet.end('dispatcher')]);
    const snapshot = await createTestDatabase({ copyOf: fleet.database });
    const ledger = new RestoredLedger(fleet, snapshot, accounts, past, random);

    await Promise.all([fleet.up('api'), fleet.up('dispatcher')]);
    await ledger.post(40);
    const all = await fleet.client.journal();
    await untilAccepted(fleet, all);
    ledger.lost.push(...all.slice(past.length));
    return ledger;
  }

  async post(count: number): Promise<void> {
    await post(this.fleet, this.accounts, this.random, count);
  }

  /** A copy of the snapshot, as an operator gets it from a cloud, with the second half of the restore done. */
  async restore(
    prepare: (copy: TestDatabase) => Promise<void> = () => Promise.resolve(),
  ): Promise<TestDatabase> {
    const copy = await createTestDatabase({ copyOf: this.snapshot });
    await prepare(copy);
    await runToolWell('restore', ['--finish'], { DATABASE_URL: copy.ownerUrl });
    return copy;
  }

  /** Everything of the journal reaches both endpoints, and nothing waits for an operator. */
  async expectDelivered(journal: readonly JournalEvent[], dispatcherDatabase: TestDatabase): Promise<void> {
    await untilAccepted(this.fleet, journal);
    const db = new pg.Client(dispatcherDatabase.superuserUrl);
    await db.connect();
    const { rows } = await db.query(`SELECT
      (SELECT json_agg(parked_reason) FROM dispatcher.ledgers WHERE parked_reason IS NOT NULL) AS parked,
      (SELECT count(*)::integer FROM dispatcher.dead_letters) AS letters`);
    await db.end();
    expect(rows).toEqual([{ parked: null, letters: 0 }]);
    for (const { received } of this.fleet.endpoints) expect(received.wrong).toEqual([]);
  }

  async stop(...databases: readonly TestDatabase[]): Promise<void> {
    await this.fleet.stop();
    for (const database of [this.snapshot, ...databases]) await database.drop();
  }
}

async function post(fleet: Fleet, accountIds: readonly string[], random: SeededRandom, postsMax: number) {
  const load = new IdempotentLoad({ client: fleet.client, accountIds, random, clients: 4, postsMax });
  await load.finished();
  // So that each account has an entry whatever was drawn.
  for (const [n, sender] of accountIds.entries()) {
    await fleet.client.transfer(sender, accountIds[(n + 1) % accountIds.length]!, 1);
  }
}

/** Endpoints get what was recorded after their creation: the ledger's first account was opened later. */
async function untilAccepted({ endpoints }: Fleet, journal: readonly JournalEvent[]): Promise<void> {
  const missing = () =>
    endpoints.flatMap(({ name, received }) =>
      journal
        .filter(({ id }) => !received.accepted.has(id))
        .map(({ epoch, position }) => `${name} ${epoch}:${position}`),
    );
  try {
    await until('all is delivered', () => missing().length === 0, 60);
  } catch {
    expect(missing()).toEqual([]);
  }
}
