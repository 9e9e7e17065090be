import { readFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { startBothApps, type BothApps } from '../support/both-apps.js';
import { Client, newKey } from '../support/client.js';
import { reportFigures } from '../support/fault-run.js';
import { startDispatcher } from '../support/product.js';
import { openSocket, rawRequest, sendRaw } from '../support/raw-http.js';
import { until } from '../support/until.js';
import { expectVerified } from '../support/verify.js';
import { createEndpoint } from '../support/webhook-fixtures.js';

/** Shorter than the defaults, so that each of them is seen to work. */
const limits = {
  HEADERS_TIME_MS: 3_000,
  BODY_TIME_MS: 6_000,
  KEEP_ALIVE_MS: 8_000,
  STALLED_MS: 12_000,
};
/** Beyond its limit: how often connections are looked at, and how long a machine that others use may take. */
const lateMs = 30_000;
const idleConnections = 10_000;
/** Of the process and of this one: what both have open beside is far less. */
const descriptorsBeside = 1_000;
const mebibyte = 1_024 * 1_024;
const grownBytesMax = 150 * mebibyte;

let apps: BothApps;
let client: Client;
let accounts: readonly string[];

beforeAll(async () => {
  const env = Object.fromEntries(Object.entries(limits).map(([name, value]) => [name, String(value)]));
  apps = await startBothApps({ LOG_LEVEL: 'warn', ...env });
  client = new Client(apps.ledger.url, apps.ledger.apiKey);
  const opened = [await client.open({ openingBalance: 1_000_000_000 }), await client.open()];
  accounts = opened.map(({ id }) => id);
  await createEndpoint(client.at(apps.dispatcher.url), { url: apps.receiver.url });
  for (let n = 0; n < 5; n++) {
    const transactions = Array.from({ length: 1_000 }, () => transfer({ reference: 'x'.repeat(200) }));
    await client.post('/v1/transactions/batch', { mode: 'atomic', transactions });
  }
}, 180_000);

afterAll(async () => {
  client.close();
  await apps.stop();
}, 60_000);

const transfer = (fields: object = {}) => ({
  sender: accounts[0],
  recipient: accounts[1],
  amount: '1',
  ...fields,
});
const authorized = () => `Authorization: Bearer ${apps.ledger.apiKey}`;
const json = 'Content-Type: application/json';

/** Those who do nothing wrong: one request after the other, each of which must be done. */
class NormalClients {
  readonly refusals: string[] = [];
  private readonly tookMs: number[] = [];
  private isStopped = false;
  private readonly done: Promise<unknown>;

  constructor() {
    this.done = Promise.all([
      ...Array.from({ length: 4 }, () =>
        this.run(201, client, () => client.post('/v1/transactions', transfer(), { key: newKey() })),
      ),
      this.run(200, client, () => client.get('/v1/webhook-endpoints')),
      this.run(200, client.at(apps.dispatcher.url), (caller) => caller.get('/v1/webhook-deliveries')),
    ]);
  }

  async stop() {
    this.isStopped = true;
    await this.done;
    const sorted = this.tookMs.toSorted((a, b) => a - b);
    const at = (part: number) => `${Math.round(sorted[Math.floor(sorted.length * part)] ?? 0)} ms`;
    return {
      'requests of others': sorted.length,
      p50: at(0.5),
      p99: at(0.99),
      refused: this.refusals.length,
    };
  }

  private async run(
    expected: number,
    caller: Client,
    send: (caller: Client) => Promise<{ status: number; text: string }>,
  ): Promise<void> {
    while (!this.isStopped) {
      const startedAt = performance.now();
      const attempt = () => send(caller).catch((error: unknown) => ({ status: 0, text: String(error) }));
      let answer = await attempt();
      // A connection that was idle may be ended while the next request is on its way.
      if (/socket hang up|ECONNRESET/.test(answer.text)) answer = await attempt();
      this.tookMs.push(performance.now() - startedAt);
      if (answer.status !== expected) this.refusals.push(`${answer.status} ${answer.text.slice(0, 200)}`);
      await sleep(20);
    }
    if (caller !== client) caller.close();
  }
}

/** How long a connection is kept, and what it says; it is given up after a minute and a half. */
async function lifeOf(socket: Socket): Promise<{ ms: number; said: string; isEnded: boolean }> {
  const startedAt = performance.now();
  let said = '';
  socket.on('data', (chunk: Buffer) => (said = (said + chunk.toString('latin1')).slice(0, 4_000)));
  const isEnded = await new Promise<boolean>((resolve) => {
    const timer = setTimeout(() => resolve(false), 90_000);
    const finish = () => {
      clearTimeout(timer);
      resolve(true);
    };
    socket.once('end', finish);
    socket.once('close', finish);
    if (socket.destroyed) finish();
  });
  socket.destroy();
  return { ms: performance.now() - startedAt, said, isEnded };
}

async function drip(socket: Socket, bytes: Buffer, everyMs: number): Promise<void> {
  for (const byte of bytes) {
    if (socket.destroyed || !socket.writable) return;
    socket.write(Buffer.from([byte]));
    await sleep(everyMs);
  }
}

interface Abuse {
  readonly kind: string;
  readonly limitMs: number;
  /** What it is told at the end; absent: nothing. */
  readonly status?: number;
  /** Begins; the connection is left to the server from then on. */
  readonly begin: (socket: Socket) => void;
}

const half = () =>
  rawRequest('POST /v1/transactions', [authorized(), json, 'Content-Length: 500'], '{"sender"');
const slowHead = () => rawRequest('GET /v1/accounts', [authorized(), `X-Filler: ${'x'.repeat(2_000)}`]);

const abuses: readonly Abuse[] = [
  { kind: 'silence', limitMs: limits.HEADERS_TIME_MS, status: 408, begin: () => undefined },
  {
    kind: 'half a request line',
    limitMs: limits.HEADERS_TIME_MS,
    status: 408,
    begin: (socket) => socket.write('POST /v1/trans'),
  },
  {
    kind: 'headers byte by byte',
    limitMs: limits.HEADERS_TIME_MS,
    status: 408,
    begin: (socket) => void drip(socket, slowHead(), 200),
  },
  { kind: 'half a body', limitMs: limits.BODY_TIME_MS, status: 408, begin: (socket) => socket.write(half()) },
  {
    kind: 'a body byte by byte',
    limitMs: limits.BODY_TIME_MS,
    status: 408,
    begin: (socket) => {
      socket.write(half());
      void drip(socket, Buffer.alloc(400, ' '), 200);
    },
  },
  {
    kind: 'nothing after an answer',
    limitMs: limits.KEEP_ALIVE_MS,
    status: 200,
    begin: (socket) => socket.write(rawRequest('GET /health/live')),
  },
  {
    kind: 'a side that is closed in mid-request',
    limitMs: 1_000,
    status: 400,
    begin: (socket) => socket.end(half()),
  },
  { kind: 'a side that is closed at once', limitMs: 1_000, begin: (socket) => socket.end() },
];

const urls = () => [apps.ledger.url, apps.dispatcher.url];
const perKind = 25;

test('who is slow or silent is ended within the limit that is named for it, and nobody else is', async () => {
  const normal = new NormalClients();
  const figures: Record<string, string> = {};
  const wrong: string[] = [];
  await Promise.all(
    abuses.map(async ({ kind, limitMs, status, begin }) => {
      const lives = await Promise.all(
        urls().flatMap((url) =>
          Array.from({ length: perKind }, async () => {
            const socket = await openSocket(url);
            begin(socket);
            return lifeOf(socket);
          }),
        ),
      );
      const slowest = Math.max(...lives.map(({ ms }) => ms));
      figures[kind] = `ended after at most ${(slowest / 1_000).toFixed(1)} s`;
      for (const { ms, said, isEnded } of lives) {
        const told = Number(/^HTTP\/1\.1 (\d+)/.exec(said)?.[1] ?? 0);
        if (!isEnded || ms > limitMs + lateMs || told !== (status ?? 0)) {
          wrong.push(`${kind}: ${told} after ${Math.round(ms)} ms, ended: ${isEnded}`);
        }
      }
    }),
  );
  const served = await normal.stop();
  reportFigures('slow and silent connections', {
    connections: abuses.length * perKind * 2,
    ...figures,
    ...served,
  });
  expect(wrong).toEqual([]);
  expect(normal.refusals).toEqual([]);
}, 180_000);

test('who does not read is ended when nothing has moved for its time', async () => {
  const normal = new NormalClients();
  const path = `/v1/accounts/${accounts[0]}/statement?from=2020-01-01T00:00:00Z`;
  const lists = '/v1/transactions?page[limit]=100';
  const asked = [rawRequest(`GET ${path}`, [authorized()]), rawRequest(`GET ${lists}`, [authorized()])];
  const startedAt = performance.now();
  const sockets = await Promise.all(Array.from({ length: 40 }, () => openSocket(apps.ledger.url)));
  for (const [n, socket] of sockets.entries()) {
    socket.pause();
    // More than what the system keeps for a reader.
    for (let times = 0; times < 200; times++) socket.write(asked[n % 2]!);
  }
  const before = await connectionsOf(apps.ledger.url);
  const isOver = async () => (await connectionsOf(apps.ledger.url)) <= Math.max(10, before - sockets.length);
  await until('connections that nobody reads are ended', isOver, (limits.STALLED_MS + 60_000) / 1_000);
  const ms = performance.now() - startedAt;
  for (const socket of sockets) socket.destroy();
  const served = await normal.stop();
  reportFigures('clients that never read', {
    connections: sockets.length,
    'ended after at most': `${(ms / 1_000).toFixed(1)} s`,
    ...served,
  });
  expect(normal.refusals).toEqual([]);
}, 180_000);

/** As the app counts them. */
async function connectionsOf(url: string): Promise<number> {
  const { text } = await client.at(url).get('/metrics', { headers: { connection: 'close' } });
  return Number(/^http_connections (\d+)$/m.exec(text)?.[1]);
}

test('1,000 requests on a connection at once are answered in order, and take nothing from others', async () => {
  const normal = new NormalClients();
  const startedAt = performance.now();
  for (const url of urls()) {
    const path = url === apps.ledger.url ? '/v1/accounts' : '/v1/webhook-endpoints';
    const one = (n: number) => rawRequest(`GET ${path}?page[limit]=1`, [authorized(), `X-Request-Id: n${n}`]);
    const bytes = Buffer.concat(Array.from({ length: 1_000 }, (_, n) => one(n)));
    const { answers } = await sendRaw(url, bytes, { answers: 1_000, timeoutMs: 90_000 });
    expect(answers.map(({ headers }) => headers['x-request-id'])).toEqual(
      Array.from({ length: 1_000 }, (_, n) => `n${n}`),
    );
    expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
  }
  const ms = performance.now() - startedAt;
  const served = await normal.stop();
  const took = `${(ms / 1_000).toFixed(1)} s`;
  reportFigures('pipelining', { requests: 2_000, took, ...served });
  expect(normal.refusals).toEqual([]);
}, 240_000);

test('a POST whose connection is reset is done once or not at all', async () => {
  const normal = new NormalClients();
  const keys: string[] = [];
  await Promise.all(
    Array.from({ length: 200 }, async (_, n) => {
      const key = newKey();
      const body = JSON.stringify(transfer({ externalId: key }));
      const headers = [authorized(), json, `Idempotency-Key: ${key}`, `Content-Length: ${body.length}`];
      const bytes = rawRequest('POST /v1/transactions', headers, body);
      const socket = await openSocket(apps.ledger.url);
      // In the headers, in the body, or all of it.
      const sent = n % 4 === 0 ? bytes.length : Math.floor((bytes.length * (1 + (n % 97))) / 100);
      socket.write(bytes.subarray(0, sent));
      await sleep(n % 10);
      socket.resetAndDestroy();
      keys.push(key);
    }),
  );
  // Whoever was cut off asks again by the same key.
  for (const key of keys) {
    const { status } = await client.post('/v1/transactions', transfer({ externalId: key }), { key });
    expect(status).toBe(201);
  }
  const { rows } = await apps.db.query<{ count: number }>(
    'SELECT count(*)::integer FROM journal.events WHERE idempotency_key = ANY ($1)',
    [keys],
  );
  expect(rows[0]?.count).toBe(keys.length);
  const served = await normal.stop();
  reportFigures('connections that are reset', { posts: keys.length, 'made once': keys.length, ...served });
  expect(normal.refusals).toEqual([]);
}, 180_000);

async function residentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1_024;
}

/** Of this process, which Node has raised to what it may have. */
async function descriptorsMax(): Promise<number> {
  return Number(/^Max open files\s+(\d+)/m.exec(await readFile('/proc/self/limits', 'utf8'))?.[1]);
}

test('10,000 idle connections stop nobody, are ended, and leave no memory behind', async () => {
  const wanted = Math.min(idleConnections, (await descriptorsMax()) - descriptorsBeside);
  if (wanted < idleConnections)
    process.stdout.write(`no more than ${wanted} connections can be opened here\n`);
  for (const app of [apps.ledger, apps.dispatcher]) {
    const before = await residentBytes(app.pid);
    const normal = new NormalClients();
    const sockets: Socket[] = [];
    for (let opened = 0; opened < wanted; opened += 500) {
      const batch = await Promise.allSettled(Array.from({ length: 500 }, () => openSocket(app.url)));
      for (const made of batch) if (made.status === 'fulfilled') sockets.push(made.value);
    }
    const most = await residentBytes(app.pid);
    for (const socket of sockets) socket.resume();
    const isOver = async () => (await connectionsOf(app.url)) < 50;
    await until('idle connections are ended', isOver, 90);
    for (const socket of sockets) socket.destroy();
    const served = await normal.stop();
    // What is kept for reuse is given back when there is work again.
    await sleep(2_000);
    const after = await residentBytes(app.pid);
    const inMebibytes = (bytes: number) => `${Math.round(bytes / mebibyte)} MiB`;
    reportFigures(`idle connections, ${app === apps.ledger ? 'the ledger' : 'the dispatcher'}`, {
      connections: sockets.length,
      before: inMebibytes(before),
      'at most': inMebibytes(most),
      after: inMebibytes(after),
      ...served,
    });
    expect(sockets.length).toBe(wanted);
    expect(normal.refusals).toEqual([]);
    expect(after - before).toBeLessThan(grownBytesMax);
  }
}, 400_000);

test('there are never more than there may be, and the next is let in when others have ended', async () => {
  const connectionsMax = 50;
  const { dispatcherUrl } = apps.database;
  const env = { LOG_LEVEL: 'warn', CONNECTIONS_MAX: String(connectionsMax) };
  const small = await startDispatcher({ databaseUrl: dispatcherUrl, env });
  const sockets = await Promise.all(Array.from({ length: connectionsMax + 20 }, () => openSocket(small.url)));
  const isOpen = (socket: Socket) => !socket.destroyed && !socket.readableEnded;
  for (const socket of sockets) socket.resume();
  await until('those beyond are ended', () => sockets.filter(isOpen).length <= connectionsMax, 10);
  for (const socket of sockets) socket.destroy();
  await until('there is room again', async () => {
    const { answers } = await sendRaw(small.url, rawRequest('GET /health/live'));
    return answers[0]?.status === 200;
  });
  await small.stop();
}, 120_000);

test('and after all of that everybody is served, and the journal is whole', async () => {
  const { status } = await client.post('/v1/transactions', transfer());
  expect(status).toBe(201);
  for (const app of [apps.ledger, apps.dispatcher]) expect(app.logs()).not.toContain('"level":50');
  await expectVerified(apps.database.ownerUrl);
}, 120_000);
