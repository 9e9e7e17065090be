import { setTimeout as sleep } from 'node:timers/promises';
import {
  Client,
  newKey,
  startService,
  type Answer,
  type Entry,
  type List,
  type One,
  type Service,
  type Transaction,
} from '../support/client.js';
import { openAccounts } from '../support/posting-load.js';
import { startProduct, type Product } from '../support/product.js';
import { seededRandom } from '../support/seeded-random.js';
import { startRebuild } from '../support/start-rebuild.js';
import { expectVerified } from '../support/verify.js';

const random = seededRandom();
// A machine that does much else may be slow, which is no failure here.
const env = { PROJECTION_WAIT_MS: '20000', REQUEST_TIME_MS: '25000' };
const dayMs = 86_400_000;

let service: Service;
let other: Product;
let clients: Client[];
let accountIds: string[];

beforeAll(async () => {
  service = await startService({ env });
  other = await startProduct({ databaseUrl: service.database.ledgerUrl, env });
  clients = [service.client, service.client.at(other.url)];
  accountIds = await openAccounts(service.client, 12);
}, 120_000);
afterAll(async () => {
  clients[1]!.close();
  await other.stop();
  await service.stop();
});

/** Whatever goes wrong ends the load, and is told at its end. */
class Load {
  readonly postedIds: string[] = [];
  reads = 0;
  private isStopped = false;
  private readonly done: Promise<unknown>;

  constructor() {
    const loops = [...clients, ...clients, ...clients].flatMap((client) => [
      () => this.postAndFind(client),
      () => this.readNewest(client),
      () => this.readEntries(client),
    ]);
    this.done = Promise.all(loops.map((work) => this.loop(work)));
    this.done.catch(() => (this.isStopped = true));
  }

  async stop(): Promise<void> {
    this.isStopped = true;
    await this.done;
  }

  private async loop(work: () => Promise<void>): Promise<void> {
    for (; !this.isStopped; await sleep(random.below(30))) await work();
  }

  /** What was written is in the list that is asked for after it, whichever process is asked. */
  private async postAndFind(client: Client): Promise<void> {
    const [sender, recipient] = this.parties();
    const externalId = newKey();
    const isBackdated = random.below(4) === 0;
    const effectiveAt = new Date(Date.now() - dayMs * (1 + random.below(30))).toISOString();
    const body = {
      sender,
      recipient,
      amount: 1 + random.below(9),
      externalId,
      ...(isBackdated ? { effectiveAt } : {}),
    };
    const posted = await client.post<One<Transaction>>('/v1/transactions', body, { key: newKey() });
    expect(`${posted.status} ${posted.text}`).toMatch(/^201 /);
    this.postedIds.push(posted.body.data.id);
    const found = await this.read<Transaction>(random.pick(clients), `?filter[externalId]=${externalId}`);
    expect(found.map(({ id }) => id)).toEqual([posted.body.data.id]);
  }

  /** Nothing but transfers is written, so that positions have no gap. */
  private async readNewest(client: Client): Promise<void> {
    const sender = random.pick(accountIds);
    const newest = await this.read<Transaction>(client, '?filter[type]=transfer&page[limit]=100');
    for (const [index, { position }] of newest.slice(1).entries()) {
      expect(Number(position)).toBe(Number(newest[index]!.position) - 1);
    }
    const sent = await this.read<Transaction>(client, `?filter[sender]=${sender}&page[limit]=20`);
    expect(sent.map((each) => each.sender)).toEqual(sent.map(() => sender));
  }

  private async readEntries(client: Client): Promise<void> {
    const path = `/v1/accounts/${random.pick(accountIds)}/entries?page[limit]=50`;
    const { data } = this.listed(await client.get<List<Entry>>(path));
    for (const [index, entry] of data.slice(1).entries()) {
      const next = data[index]!;
      const change = next.direction === 'credit' ? BigInt(next.amount) : -BigInt(next.amount);
      expect([next.entryNumber, next.balanceAfter]).toEqual([
        entry.entryNumber + 1,
        String(BigInt(entry.balanceAfter) + change),
      ]);
    }
  }

  private async read<T>(client: Client, query: string): Promise<readonly T[]> {
    return this.listed(await client.get<List<T>>(`/v1/transactions${query}`)).data;
  }

  private listed<T>({ status, text, body }: Answer<List<T>>): List<T> {
    expect(`${status} ${text}`).toMatch(/^200 /);
    this.reads++;
    return body;
  }

  private parties(): [string, string] {
    const sender = random.below(accountIds.length);
    const recipient = (sender + 1 + random.below(accountIds.length - 1)) % accountIds.length;
    return [accountIds[sender]!, accountIds[recipient]!];
  }
}

it('lists are rebuilt under load: no request fails, and every list is right', async () => {
  const load = new Load();
  const outputs: string[] = [];
  try {
    await sleep(1_000);
    for (const args of [['lists'], ['accounts'], ['lists', '--repair'], ['lists']]) {
      const rebuild = startRebuild(service.database.ownerUrl, ...args);
      const { code } = await rebuild.exited;
      outputs.push(rebuild.output());
      expect([code, rebuild.output()]).toEqual([0, expect.stringMatching(/swapped \(|as the journal says/)]);
    }
  } finally {
    await load.stop();
  }
  process.stdout.write(`${load.postedIds.length} posted, ${load.reads} lists read\n${outputs.join('')}`);
  expect(load.postedIds.length).toBeGreaterThan(50);
  expect(load.reads).toBeGreaterThan(100);
  const listed = await service.client.all<Transaction>('/v1/transactions', { 'filter[type]': 'transfer' });
  expect(listed.map(({ id }) => id).sort()).toEqual([...load.postedIds].sort());
  for (const { logs } of [service.product, other]) {
    expect(
      logs()
        .split('\n')
        .filter((line) => /"level":(40|50|60|"(warn|error))/.test(line)),
    ).toEqual([]);
  }
  await expectVerified(service.database.ownerUrl);
}, 240_000);
