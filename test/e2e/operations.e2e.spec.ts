import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  Client,
  expectError,
  newKey,
  startService,
  type Entry,
  type List,
  type Service,
  type Transaction,
} from '../support/client.js';
import { SECRETS_KEY, startProduct, type Product } from '../support/product.js';

let service: Service;
let client: Client;

beforeAll(async () => {
  service = await startService();
  client = service.client;
}, 60_000);

afterAll(() => service.stop());

const open = { authorization: undefined };
const listOf = (from: Client, account: string) =>
  from.get<List<Transaction>>(`/v1/transactions?filter[account]=${account}`);

/** A further process of the same product, for as long as the work takes. */
async function withProcess(
  env: Record<string, string>,
  work: (client: Client, product: Product) => Promise<void>,
): Promise<void> {
  const product = await startProduct({ databaseUrl: service.database.ledgerUrl, env });
  const other = new Client(product.url, product.apiKey);
  try {
    await work(other, product);
  } finally {
    other.close();
    await product.stop();
  }
}

describe('metrics', () => {
  interface Sample {
    readonly name: string;
    readonly labels: string;
    readonly value: number;
  }
  const read = async (): Promise<Sample[]> => {
    const { text } = await client.get('/metrics', { headers: open });
    return text.split('\n').flatMap((line) => {
      const match = /^([a-z_:0-9]+)(\{.*\})? (\S+)$/i.exec(line);
      return match ? [{ name: match[1]!, labels: match[2] ?? '', value: Number(match[3]) }] : [];
    });
  };
  const valueOf = async (name: RegExp, labels: RegExp) =>
    (await read())
      .filter((s) => name.test(s.name) && labels.test(s.labels))
      .reduce((sum, { value }) => sum + value, 0);

  test('count requests, batches, refusals by code, and tell depth and lag', async () => {
    const account = await client.open({ openingBalance: 5 });
    const refused = () => valueOf(/_total$/, /code="insufficient_funds"/);
    const requests = () => valueOf(/request.*_count$/, /v1\/transactions"/);
    const batches = () => valueOf(/batch.*_count$/, /^/);
    const before = [await refused(), await requests(), await batches()];
    for (let n = 0; n < 3; n++) await client.post('/v1/burns', { sender: account.id, amount: 6 });
    for (let n = 0; n < 4; n++) await client.transfer('ROOT', account.id, 1);
    expect((await refused()) - before[0]!).toBe(3);
    expect((await requests()) - before[1]!).toBe(4);
    expect((await batches()) - before[2]!).toBeGreaterThanOrEqual(4);
    const samples = await read();
    expect(samples.filter(({ name }) => /lane.*depth|depth.*lane/.test(name))).not.toEqual([]);
    expect(samples.filter(({ name }) => /projection.*lag|lag.*projection/.test(name))).not.toEqual([]);
    expect(samples.filter(({ name }) => /request.*_bucket$/.test(name))).not.toEqual([]);
    expect(samples.filter(({ name }) => /batch.*_bucket$/.test(name))).not.toEqual([]);
  });

  test('have no label for what a caller makes up', async () => {
    const marks = [newKey(), newKey()];
    await client.get(`/v1/nothing/${marks[0]}`);
    await client.get(`/v1/accounts/${marks[1]}`);
    const { text } = await client.get('/metrics', { headers: open });
    for (const mark of marks) expect(text).not.toContain(mark);
  });

  test('tell no secret', async () => {
    const { text } = await client.get('/metrics', { headers: open });
    const { password } = new URL(service.database.ledgerUrl);
    for (const secret of [service.product.apiKey, password, SECRETS_KEY]) expect(text).not.toContain(secret);
  });
});

describe('the log', () => {
  interface Line {
    readonly requestId?: string;
    readonly status?: number;
    readonly method?: string;
  }
  const linesOf = (requestId: string): Line[] =>
    service.product
      .logs()
      .split('\n')
      .filter((line) => line.includes(requestId))
      .map((line) => JSON.parse(line) as Line);

  test('has one line for each request, with its id, and no secret', async () => {
    const secret = `sk_live_${randomBytes(20).toString('hex')}`;
    const account = await client.open();
    const ids = Array.from({ length: 6 }, () => newKey());
    const withId = (n: number, headers: object = {}) => ({
      headers: { 'x-request-id': ids[n]!, ...headers },
    });
    const key = newKey();
    await client.get('/v1/accounts?filter[name]=Personal+Name', withId(0));
    await client.post(
      '/v1/mints',
      { recipient: account.id, amount: 1, reference: 'Personal Name' },
      withId(1, { 'idempotency-key': key }),
    );
    await client.get('/v1/nothing', withId(2));
    await client.get('/v1/accounts', withId(3, { authorization: `Bearer ${secret}` }));
    await client.post('/v1/mints', {}, withId(4));
    await client.send('POST', '/v1/mints', { raw: `{"secret":"${secret}"`, ...withId(5) });
    for (let waited = 0; linesOf(ids[5]!).length === 0 && waited < 5_000; waited += 50) await sleep(50);
    const lines = ids.map(linesOf);
    expect(lines.map((of) => of.map(({ status, method }) => [status, method]))).toEqual([
      [[200, 'GET']],
      [[201, 'POST']],
      [[404, 'GET']],
      [[401, 'GET']],
      [[400, 'POST']],
      [[400, 'POST']],
    ]);
    for (const [index, of] of lines.entries()) expect(of[0]?.requestId).toBe(ids[index]);
    const { password } = new URL(service.database.ledgerUrl);
    const logs = service.product.logs();
    for (const text of [secret, service.product.apiKey, 'Bearer', password, SECRETS_KEY]) {
      expect(logs).not.toContain(text);
    }
    expect(logs).not.toContain('Personal');
  });
});

describe('health', () => {
  test('is live and ready', async () => {
    for (const path of ['/health/live', '/health/ready']) {
      expect((await client.get(path, { headers: open })).status).toBe(200);
    }
  });
});

describe('two processes on one database', () => {
  test('write one journal, share keys and limits, and show each other at once', async () => {
    await withProcess({}, async (other) => {
      const source = await client.open({ openingBalance: 60 });
      const taker = await other.open();
      const clients = [client, other];
      const pay = (n: number) =>
        clients[n % 2]!.post('/v1/transactions', { sender: source.id, recipient: taker.id, amount: 1 });
      const answers = await Promise.all(Array.from({ length: 200 }, (_, n) => pay(n)));
      expect(answers.filter(({ status }) => status === 201)).toHaveLength(60);
      for (const answer of answers) if (answer.status !== 201) expectError(answer, 422, 'insufficient_funds');
      for (const from of clients) {
        const entries = await from.all<Entry>(`/v1/accounts/${taker.id}/entries`);
        expect(entries.map(({ balanceAfter }) => balanceAfter)).toEqual(
          Array.from({ length: 60 }, (_, n) => String(60 - n)),
        );
      }
      const key = newKey();
      const mint = { recipient: taker.id, amount: 5 };
      const copies = await Promise.all(
        Array.from({ length: 20 }, (_, n) => clients[n % 2]!.post('/v1/mints', mint, { key })),
      );
      expect(new Set(copies.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
      expect(copies[0]?.status).toBe(201);
      for (let n = 0; n < 20; n++) {
        const { id } = await clients[n % 2]!.transfer('ROOT', taker.id, 1);
        const seen = await listOf(clients[(n + 1) % 2]!, taker.id);
        expect(seen.body.data[0]?.id).toBe(id);
      }
      const events = await client.journal();
      expect(events.map(({ position }) => position)).toEqual(events.map((_, index) => String(index + 1)));
    });
  }, 60_000);
});

describe('LEDGER_ROLE', () => {
  let separate: Service;
  let worker: Product;
  let workerClient: Client;

  beforeAll(async () => {
    separate = await startService({ env: { LEDGER_ROLE: 'api', PROJECTION_WAIT_MS: '1000' } });
    worker = await startProduct({ databaseUrl: separate.database.ledgerUrl, env: { LEDGER_ROLE: 'worker' } });
    workerClient = new Client(worker.url, worker.apiKey);
  }, 60_000);

  afterAll(async () => {
    workerClient.close();
    await worker.stop();
    await separate.stop();
  });

  test('api and worker apart: lists are read-your-writes', async () => {
    const account = await separate.client.open();
    for (let n = 0; n < 30; n++) {
      const { id } = await separate.client.transfer('ROOT', account.id, 1);
      expect((await listOf(separate.client, account.id)).body.data[0]?.id).toBe(id);
    }
    const entries = await separate.client.all<Entry>(`/v1/accounts/${account.id}/entries`);
    expect(entries).toHaveLength(30);
  });

  test('a worker has health and metrics, and no API', async () => {
    for (const path of ['/health/live', '/health/ready', '/metrics']) {
      expect((await workerClient.get(path, { headers: open })).status).toBe(200);
    }
    const metrics = await workerClient.get('/metrics');
    expect(metrics.text).toMatch(/projection\w*lag|lag\w*projection/);
    expectError(await workerClient.get('/v1/accounts'), 404, 'not_found');
  });

  test('without a worker a list says that it lags, and the API stays ready', async () => {
    await worker.stop();
    const account = await separate.client.open({ openingBalance: 1 });
    expectError(await listOf(separate.client, account.id), 503, 'projection_lagging');
    const eventual = await separate.client.get(
      `/v1/transactions?filter[account]=${account.id}&consistency=eventual`,
    );
    expect(eventual.status).toBe(200);
    expect((await separate.client.account(account.id)).balance.posted).toBe('1');
    expect((await separate.client.get('/health/ready')).status).toBe(200);
    worker = await startProduct({ databaseUrl: separate.database.ledgerUrl, env: { LEDGER_ROLE: 'worker' } });
    expect((await listOf(separate.client, account.id)).body.data).toHaveLength(1);
  }, 30_000);
});

describe('limits', () => {
  test('a full queue refuses with Retry-After, and what it refused was not done', async () => {
    const account = await client.open();
    await withProcess({ QUEUE_COMMANDS_MAX: '4', QUEUE_COMMANDS_PER_LEDGER_MAX: '4' }, async (other) => {
      const mint = () => other.post('/v1/mints', { recipient: account.id, amount: 1 });
      const answers = await Promise.all(Array.from({ length: 200 }, mint));
      const refused = answers.filter(({ status }) => status !== 201);
      expect(refused.length).toBeGreaterThan(0);
      for (const answer of refused) expectError(answer, 503, 'overloaded');
      expect((await client.account(account.id)).balance.posted).toBe(String(200 - refused.length));
    });
  }, 30_000);
});

describe('a boot that is refused says why', () => {
  const refused = async (env: Record<string, string>, databaseUrl = service.database.ledgerUrl) => {
    const started = startProduct({ databaseUrl, env });
    return started.then(
      async (product) => {
        await product.kill();
        return 'it started';
      },
      (error: Error) => error.message,
    );
  };

  const wrong: [string, string][] = [
    ['PORT', 'abc'],
    ['PORT', '70000'],
    ['PORT', '-1'],
    ['LEDGER_ROLE', 'everything'],
    ['BOOTSTRAP_API_KEY', 'x'.repeat(31)],
    ['BOOTSTRAP_API_KEY', `${'x'.repeat(32)} blank`],
    ['SECRETS_KEY', 'bm90IDMyIGJ5dGVz'],
    ['SECRETS_KEY', 'x'.repeat(44)],
    ['LEDGER_DATABASE_URL', 'mysql://localhost/ledger'],
    ['LEDGER_DATABASE_URL', ''],
    ['REQUEST_TIME_MS', '0'],
  ];
  const said = new Map<[string, string], string>();

  // A boot is mostly waiting for the disk and one core: all together they take no longer than a few.
  beforeAll(async () => {
    await Promise.all(wrong.map(async (pair) => said.set(pair, await refused({ [pair[0]]: pair[1] }))));
  }, 120_000);

  test.each(wrong.map((pair) => [...pair, pair] as const))('%s=%s', (name, value, pair) => {
    const text = said.get(pair) ?? '';
    expect(text).toContain('the process has ended');
    expect(text).toMatch(new RegExp(`${name} [^\\n]*\\.`));
    if (name === 'BOOTSTRAP_API_KEY') expect(text).not.toContain(value);
    expect(text).not.toMatch(/\n\s+at /);
  });

  test('a role that may change the journal', async () => {
    for (const url of [service.database.ownerUrl, service.database.superuserUrl]) {
      const said = await refused({}, url);
      expect(said).toContain('the process has ended');
      expect(said).toMatch(/journal\.events/);
    }
  }, 30_000);

  test('a server that is not there, without telling the password', async () => {
    const said = await refused({}, 'postgres://ledger:verysecret@127.0.0.1:1/ledger');
    expect(said).toContain('the process has ended');
    expect(said).not.toContain('verysecret');
  }, 30_000);
});
