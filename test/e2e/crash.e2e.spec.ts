import { setTimeout as sleep } from 'node:timers/promises';
import {
  Client,
  crashRounds,
  newKey,
  startService,
  type Account,
  type Answer,
  type Entry,
  type One,
  type Service,
  type Transaction,
} from '../support/client.js';
import { startProduct, type Product } from '../support/product.js';

const CLIENTS = 64;

interface Posted {
  readonly key: string;
  readonly body: object;
  /** Null: the answer was lost, or said that it isn't known. */
  readonly answer: Answer<One<Transaction>> | null;
}

/** Clients that post one transfer after the other, each with a key of its own, until they are told to stop. */
class Load {
  readonly posted: Posted[] = [];
  private isStopped = false;
  private readonly done: Promise<unknown>;

  constructor(
    private readonly client: Client,
    private readonly accounts: readonly Account[],
    clients: number,
    /** Whether a client goes on after an error, with its next request. */
    private readonly isPersistent: boolean,
  ) {
    this.done = Promise.all(Array.from({ length: clients }, (_, n) => this.run(n)));
  }

  async stop(): Promise<void> {
    this.isStopped = true;
    await this.done;
  }

  get succeeded(): number {
    return this.posted.filter(({ answer }) => answer?.status === 201).length;
  }

  private async run(client: number): Promise<void> {
    const count = this.accounts.length;
    for (let n = 0; !this.isStopped; n++) {
      const sender = this.accounts[(client + n) % count]!.id;
      const recipient = this.accounts[(client + n + 1 + (n % (count - 1))) % count]!.id;
      const body = { sender, recipient, amount: 1 + (n % 5), reference: `client ${client}, ${n}` };
      const key = newKey();
      const answer = await this.client
        .post<One<Transaction>>('/v1/transactions', body, { key })
        .catch(() => null);
      const isLost = answer === null || answer.status !== 201;
      this.posted.push({ key, body, answer });
      if (isLost && !this.isPersistent) return;
      if (isLost) await sleep(20);
    }
  }
}

/** Every answered write once, every key once, and nothing that nobody asked for; money and running balances add up. */
async function expectEachOnce(client: Client, posted: readonly Posted[], accounts: readonly Account[]) {
  for (const { key, body, answer } of posted) {
    if (answer?.status === 201) continue;
    const retried = await client.post('/v1/transactions', body, { key });
    expect([retried.status, retried.text]).toEqual([201, expect.any(String)]);
  }
  const events = (await client.journal()).filter(
    ({ type, idempotencyKey }) => type === 'transaction.posted' && idempotencyKey !== null,
  );
  expect(events.map(({ idempotencyKey }) => idempotencyKey).sort()).toEqual(
    posted.map(({ key }) => key).sort(),
  );
  const idsByKey = new Map(
    events.map(({ idempotencyKey, transactionId }) => [idempotencyKey, transactionId]),
  );
  for (const { key, answer } of posted) {
    if (answer?.status === 201) expect(idsByKey.get(key)).toBe(answer.body.data.id);
  }
  const trial = await client.get<{ data: { difference: string }[] }>('/v1/trial-balance');
  expect(trial.body.data.map(({ difference }) => difference)).toEqual(['0']);
  for (const { id } of accounts) {
    const [newest] = (await client.get<{ data: Entry[] }>(`/v1/accounts/${id}/entries?page[limit]=1`)).body
      .data;
    const account = await client.account(id);
    expect(newest).toMatchObject({ balanceAfter: account.balance.posted, entryNumber: account.version - 1 });
  }
}

const openAccounts = (client: Client) =>
  Promise.all(Array.from({ length: 8 }, () => client.open({ openingBalance: 1_000_000_000 })));

describe('kill -9 of the app while 64 clients post', () => {
  let service: Service;
  let product: Product;
  let client: Client;

  beforeAll(async () => {
    service = await startService();
    product = service.product;
    client = service.client;
  }, 60_000);

  afterAll(async () => {
    await product.kill();
    await service.stop();
  });

  test(
    'every 2xx is in the journal once, and a lost answer is found by its key',
    async () => {
      const accounts = await openAccounts(client);
      const port = Number(new URL(client.url).port);
      const posted: Posted[] = [];
      for (let round = 0; round < crashRounds(); round++) {
        const load = new Load(client, accounts, CLIENTS, false);
        await sleep(400 + 150 * (round % 5));
        await product.kill('SIGKILL');
        await load.stop();
        expect(load.succeeded).toBeGreaterThan(0);
        posted.push(...load.posted);
        product = await startProduct({ databaseUrl: service.database.ledgerUrl, port });
        await expectEachOnce(client, posted, accounts);
      }
    },
    60_000 * Math.max(1, crashRounds()),
  );

  test('SIGTERM drains: what was asked is answered, what was answered is kept, and it ends with 0', async () => {
    const accounts = await openAccounts(client);
    const before = (await client.journal()).filter(({ idempotencyKey }) => idempotencyKey !== null).length;
    const load = new Load(client, accounts, CLIENTS, false);
    await sleep(500);
    const exit = await product.stop();
    await load.stop();
    expect(exit).toEqual({ code: 0, signal: null });
    const port = Number(new URL(client.url).port);
    product = await startProduct({ databaseUrl: service.database.ledgerUrl, port });
    const events = (await client.journal()).filter(({ idempotencyKey }) => idempotencyKey !== null);
    expect(events.length - before).toBe(load.succeeded);
    for (const { answer } of load.posted) {
      if (answer !== null && answer.status !== 201) expect(answer.status).toBe(503);
    }
  }, 60_000);
});

describe('Postgres is restarted while clients post', () => {
  let service: Service;

  beforeAll(async () => {
    service = await startService({ ownCluster: true });
  }, 60_000);

  afterAll(() => service.stop());

  test.each(['fast', 'immediate'] as const)(
    '%s: the app goes on by itself, and nothing is lost or done twice',
    async (mode) => {
      const { client, database } = service;
      const accounts = await openAccounts(client);
      const earlier = (await client.journal()).map(({ idempotencyKey }) => idempotencyKey);
      const load = new Load(client, accounts, 24, true);
      const reads: number[] = [];
      await sleep(300);
      const restart = database.restartPostgres(mode);
      for (let n = 0; n < 10; n++) {
        reads.push((await client.get('/v1/transactions?page[limit]=1')).status);
        await sleep(30);
      }
      await restart;
      const beforeGoingOn = load.succeeded;
      for (let waited = 0; load.succeeded < beforeGoingOn + 50; waited += 50) {
        expect(waited).toBeLessThan(15_000);
        await sleep(50);
      }
      await load.stop();
      expect((await client.get('/health/ready')).status).toBe(200);
      expect(reads.filter((status) => status !== 200 && status !== 503)).toEqual([]);
      const unanswered = load.posted.filter(({ answer }) => answer?.status !== 201);
      for (const { answer } of unanswered) {
        expect(answer).toMatchObject({
          status: 503,
          headers: { 'retry-after': expect.stringMatching(/^\d+$/) },
        });
        expect(answer?.text).toMatch(/"code":"(unavailable|outcome_unknown|overloaded)"/);
      }
      const known = earlier.filter((key) => key !== null).map((key) => ({ key, body: {}, answer: null }));
      await expectEachOnceBeside(client, known, load.posted, accounts);
    },
    60_000,
  );
});

/** As expectEachOnce, on a ledger that has other transactions with keys already. */
async function expectEachOnceBeside(
  client: Client,
  earlier: readonly Posted[],
  posted: readonly Posted[],
  accounts: readonly Account[],
) {
  const keys = new Set(earlier.map(({ key }) => key));
  const others = (await client.journal())
    .filter(({ idempotencyKey }) => idempotencyKey !== null && keys.has(idempotencyKey))
    .map(({ idempotencyKey, transactionId }) => ({
      key: idempotencyKey!,
      body: {},
      answer: { status: 201, headers: {}, text: '', body: { data: { id: transactionId } as Transaction } },
    }));
  await expectEachOnce(client, [...others, ...posted], accounts);
}
