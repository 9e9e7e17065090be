import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { findFreePort } from '../../tools/start/free-port.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { freePorts, spawnStart, startWholeProduct, type WholeProduct } from '../support/product.js';
import { childrenOf, isReady, isRunning } from '../support/running-process.js';
import { until } from '../support/until.js';

const isRoot = process.getuid?.() === 0;
let home: string;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'ledger-start-'));
  await chmod(home, 0o755);
});

afterAll(() => rm(home, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 }));

/** How long a start takes is measured by hand; here it only has to end on a machine that is busy. */
const readySecondsMax = 30;

/** Runs a start that is expected to end by itself. */
async function startToItsEnd(env: Record<string, string>): Promise<{ code: number | null; output: string }> {
  const running = spawnStart({ DATA_DIR: join(home, 'refused'), ...(await freePorts()), ...env });
  const timer = setTimeout(() => void running.kill('SIGTERM'), 50_000);
  const { code } = await running.exited;
  clearTimeout(timer);
  return { code, output: running.output() };
}

interface Processes {
  readonly ledger: number;
  readonly dispatcher: number;
  readonly receiver: number | undefined;
  readonly postgres: number | undefined;
}

async function processesOf({ pid }: { pid: number }): Promise<Processes> {
  const children = await childrenOf(pid);
  const find = (part: string) => children.find(({ command }) => command.includes(part))?.pid;
  const [ledger, dispatcher] = [find('apps/ledger/'), find('apps/webhook-dispatcher/')];
  if (ledger === undefined || dispatcher === undefined) {
    throw new Error(`An app is missing among ${JSON.stringify(children)}`);
  }
  return { ledger, dispatcher, receiver: find('tools/receiver/'), postgres: find('postgres -D') };
}

const isGone = async (pid: number | undefined) => pid === undefined || !(await isRunning(pid));

async function environmentOf(pid: number): Promise<Record<string, string>> {
  const entries = (await readFile(`/proc/${pid}/environ`, 'utf8')).split('\0').filter(Boolean);
  return Object.fromEntries(
    entries.map((entry) => [entry.split('=', 1)[0] ?? '', entry.replace(/^[^=]*=/, '')]),
  );
}

async function query<T extends pg.QueryResultRow>(url: string, sql: string): Promise<T[]> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query<T>(sql)).rows;
  } finally {
    await client.end();
  }
}

async function balanceOf(product: WholeProduct, accountId: string): Promise<unknown> {
  const answer = await fetch(`${product.url}/v1/accounts/${accountId}/balance`, {
    headers: { authorization: `Bearer ${product.apiKey}` },
  });
  return ((await answer.json()) as { data?: { posted?: unknown } }).data?.posted;
}

interface Delivery {
  readonly eventId: string;
  readonly endpointId: string;
  readonly eventType: string;
  readonly status: string;
}

async function deliveriesOf(product: WholeProduct, endpointId: string): Promise<Delivery[]> {
  const path = `/v1/webhook-deliveries?filter[endpointId]=${endpointId}`;
  const answer = await fetch(product.url + path, { headers: { authorization: `Bearer ${product.apiKey}` } });
  return ((await answer.json()) as { data: Delivery[] }).data;
}

describe('one data directory, from its first start on', () => {
  let product: WholeProduct;
  let bob = '';
  let apiKey = '';
  const directory = (): string => join(home, 'made', 'by start');

  beforeAll(async () => {
    product = await startWholeProduct({ dataDirectory: directory() });
    apiKey = product.apiKey;
  }, 150_000);

  afterAll(() => product.stop());

  test('an absent directory becomes ready, with a key of its own', () => {
    expect(product.readyAfterSeconds).toBeLessThan(readySecondsMax);
    expect(apiKey).toMatch(/^sk_live_[0-9A-Za-z]{43}$/);
  });

  test('secrets are readable by their owner only', async () => {
    const secrets = join(directory(), 'secrets');
    expect((await stat(secrets)).mode & 0o777).toBe(0o700);
    const names = await readdir(secrets);
    expect(names).toEqual(expect.arrayContaining(['bootstrap-api-key', 'secrets-key', 'ledger-password']));
    for (const name of names) expect((await stat(join(secrets, name))).mode & 0o777).toBe(0o600);
  });

  test('the five lines of the tour work when pasted into one shell, and pasted again', async () => {
    for (let pasted = 0; pasted < 2; pasted++) {
      const { stdout } = await promisify(execFile)('bash', ['-c', product.tour.slice(0, 5).join('\n')]);
      const [alice, bobLine, transfer, balance, list, ...rest] = stdout.trim().split('\n');
      expect(rest).toEqual([]);
      expect(alice).toMatch(/^Alice is acc_[0-9a-z]+$/);
      bob = /^Bob is (acc_[0-9a-z]+)$/.exec(bobLine ?? '')?.[1] ?? 'no Bob';
      expect(JSON.parse(transfer ?? '')).toMatchObject({ data: { recipient: bob, amount: '250' } });
      expect(JSON.parse(balance ?? '')).toMatchObject({ data: { accountId: bob, posted: '250' } });
      expect(JSON.parse(list ?? '')).toMatchObject({ data: [{ recipient: bob, amount: '250' }] });
    }
  });

  test("the tour's lines for webhooks register the receiver and show a delivery that it has verified, twice", async () => {
    for (let pasted = 0; pasted < 2; pasted++) {
      const { stdout } = await promisify(execFile)('bash', ['-c', product.tour.join('\n')]);
      const [hook, told, transfer, deliveries] = stdout.trim().split('\n').slice(5);
      const { id, secret } = (JSON.parse(hook ?? '') as { data: { id: string; secret: string } }).data;
      expect(secret).toMatch(/^whsec_/);
      expect(told).toMatch(/are verified from now on/);
      expect(JSON.parse(transfer ?? '')).toMatchObject({ data: { amount: '100' } });
      expect(JSON.parse(deliveries ?? '')).toHaveProperty('data');
      // A busy machine needs longer than the tour's second; a person would paste the last two lines again.
      const delivered = () => deliveriesOf(product, id);
      await until('the delivery', async () => (await delivered())[0]?.status === 'succeeded', 60);
      expect(await delivered()).toMatchObject([{ endpointId: id, eventType: 'transaction.posted' }]);
      const [{ eventId = '' } = {}] = await delivered();
      const line = new RegExp(
        `^Webhook received: \\S+ ${eventId} transaction\\.posted: 100 EUR .*, verified$`,
        'm',
      );
      await until('the line', () => Promise.resolve(line.test(product.logs())));
      const { stdout: shown } = await promisify(execFile)('bash', ['-c', product.tour.at(-1) ?? '']);
      expect(shown).toContain(eventId);
      expect(shown).not.toContain('NOT verified');
      expect(product.logs()).not.toContain(secret);
    }
  }, 120_000);

  test('the documentation is where the tour says', async () => {
    for (const url of [product.url, product.dispatcherUrl]) {
      expect(product.logs()).toContain(`${url.replace('127.0.0.1', 'localhost')}/docs`);
      expect((await fetch(`${url}/docs`)).status).toBe(200);
    }
  });

  test('each app knows its own login only, and neither may change the journal', async () => {
    const { ledger, dispatcher } = await processesOf(product);
    const environments = { ledger: await environmentOf(ledger), dispatcher: await environmentOf(dispatcher) };
    for (const [app, environment] of Object.entries(environments)) {
      const variable = `${app.toUpperCase()}_DATABASE_URL`;
      const url = environment[variable] ?? '';
      expect(new URL(url).username).toBe(`ledger_${app}`);
      expect(Object.keys(environment).filter((name) => name.endsWith('DATABASE_URL'))).toEqual([variable]);
      const others = ['owner', 'postgres', app === 'ledger' ? 'dispatcher' : 'ledger'];
      for (const other of others) {
        const password = (await readFile(join(directory(), 'secrets', `${other}-password`), 'utf8')).trim();
        expect(Object.values(environment).filter((value) => value.includes(password))).toEqual([]);
      }
      await expect(query(url, `UPDATE journal.events SET type = 'x'`)).rejects.toThrow('permission denied');
      await expect(query(url, 'CREATE TABLE public.x ()')).rejects.toThrow('permission denied');
    }
    expect(environments.ledger['SECRETS_KEY']).toBe(environments.dispatcher['SECRETS_KEY']);
    expect(environments.dispatcher).not.toHaveProperty('BOOTSTRAP_API_KEY');
    expect(environments.ledger['DISPATCHER_URL']).toBe(product.dispatcherUrl);
  });

  test('webhooks may go to this machine, and the output says so', async () => {
    const environment = await environmentOf((await processesOf(product)).dispatcher);
    const openings = { WEBHOOK_ALLOW_HTTP: 'true', WEBHOOK_ALLOWED_RANGES: '127.0.0.0/8,::1/128' };
    expect(environment).toMatchObject(openings);
    for (const [name, value] of Object.entries(openings))
      expect(product.logs()).toContain(`${name}=${value}`);
  });

  test('text is UTF-8 and compares as text of every language does', async () => {
    const url = (await environmentOf((await processesOf(product)).ledger))['LEDGER_DATABASE_URL'] ?? '';
    const rows = await query(
      url,
      `SELECT 'É' ILIKE 'é' AS folds, current_setting('server_encoding') AS encoding`,
    );
    expect(rows).toEqual([{ folds: true, encoding: 'UTF8' }]);
  });

  test('a second start on the same directory names the first and stops', async () => {
    const { code, output } = await startToItsEnd({ DATA_DIR: directory() });
    expect(code).toBe(1);
    expect(output).toContain(`already running on ${directory()} (process ${product.pid})`);
    expect(await isReady(product.url)).toBe(true);
  });

  test('an app, a receiver and a Postgres that is killed comes back', async () => {
    const { ledger, dispatcher, receiver = 0, postgres = 0 } = await processesOf(product);
    for (const [pid, url] of [
      [ledger, product.url],
      [dispatcher, product.dispatcherUrl],
      [receiver, product.receiverUrl],
    ] as const) {
      process.kill(pid, 'SIGKILL');
      await until('it to be gone', () => isGone(pid));
      await until('another one to be ready', () => isReady(url));
    }
    process.kill(postgres, 'SIGKILL');
    await until('the server to be gone', () => isGone(postgres));
    await until('the app to have its database again', async () => (await balanceOf(product, bob)) === '250');
  }, 150_000);

  test('without the dispatcher the ledger is ready and posts', async () => {
    const { dispatcher } = await processesOf(product);
    process.kill(dispatcher, 'SIGSTOP');
    try {
      expect(await isReady(product.url)).toBe(true);
      expect(await balanceOf(product, bob)).toBe('250');
    } finally {
      process.kill(dispatcher, 'SIGCONT');
    }
  });

  test('after kill -9 of everything the next start finds the data', async () => {
    const { ledger, dispatcher, receiver = 0, postgres = 0 } = await processesOf(product);
    for (const pid of [product.pid, ledger, dispatcher, receiver, postgres]) process.kill(pid, 'SIGKILL');
    product = await startWholeProduct({ dataDirectory: directory() });
    expect(product.readyAfterSeconds).toBeLessThan(readySecondsMax);
    expect(product.apiKey).toBe(apiKey);
    expect(await balanceOf(product, bob)).toBe('250');
  }, 150_000);

  test('after kill -9 of the supervisor alone its children are replaced', async () => {
    const { ledger, dispatcher, receiver, postgres } = await processesOf(product);
    const ports = {
      PORT: new URL(product.url).port,
      DISPATCHER_PORT: new URL(product.dispatcherUrl).port,
      RECEIVER_PORT: new URL(product.receiverUrl).port,
    };
    await product.kill('SIGKILL');
    product = await startWholeProduct({ dataDirectory: directory(), env: ports, port: Number(ports.PORT) });
    expect(await balanceOf(product, bob)).toBe('250');
    for (const pid of [ledger, dispatcher, receiver])
      await until('the old one to be gone', () => isGone(pid));
    expect(await isGone(postgres)).toBe(true);
  }, 150_000);

  test('another directory runs beside it, with its own key and nothing of its data', async () => {
    // Without RECEIVER_PORT the receiver takes any port that is free.
    const env = { RECEIVER_PORT: '' };
    const other = await startWholeProduct({ dataDirectory: join(home, 'other'), env });
    try {
      expect(await isReady(other.receiverUrl)).toBe(true);
      expect(other.apiKey).not.toBe(apiKey);
      expect(await balanceOf(other, bob)).toBeUndefined();
      expect(await balanceOf(product, bob)).toBe('250');
    } finally {
      await other.stop();
    }
  }, 150_000);

  test('SIGTERM ends everything, in order, and leaves the directory free', async () => {
    const { ledger, dispatcher, receiver, postgres } = await processesOf(product);
    expect(await product.stop()).toEqual({ code: 0, signal: null });
    for (const pid of [ledger, dispatcher, receiver, postgres]) expect(await isGone(pid)).toBe(true);
    expect((await readdir(directory())).sort()).toEqual(['postgres', 'postgres.log', 'secrets']);
    expect(await readFile(join(directory(), 'postgres.log'), 'utf8')).toContain(
      'database system is shut down',
    );
  }, 150_000);
});

describe('starts that are interrupted or meet each other', () => {
  test('kill -9 while Postgres makes its files', async () => {
    const dataDirectory = join(home, 'interrupted');
    const first = spawnStart({ DATA_DIR: dataDirectory, ...(await freePorts()) });
    await first.until('initdb to be at work', async () => {
      const names = await readdir(dataDirectory).catch(() => []);
      return names.some((name) => name.startsWith('postgres.init-'));
    });
    await first.kill('SIGKILL');
    const second = await startWholeProduct({ dataDirectory });
    expect((await readdir(dataDirectory)).filter((name) => name.startsWith('postgres.init-'))).toEqual([]);
    expect(await second.stop()).toEqual({ code: 0, signal: null });
  }, 150_000);

  test('of three at once on a directory with a dead holder, one runs', async () => {
    const dataDirectory = join(home, 'contended');
    await mkdir(dataDirectory);
    await writeFile(
      join(dataDirectory, 'start.pid'),
      JSON.stringify({ pid: process.pid, startedAt: 'long ago' }),
    );
    const ports = await freePorts();
    const starts = [1, 2, 3].map(() => spawnStart({ DATA_DIR: dataDirectory, ...ports }));
    const refused = new Set<unknown>();
    for (const start of starts) void start.exited.then(() => refused.add(start));
    await until('two to be refused', () => Promise.resolve(refused.size === 2));
    const winner = starts.find((start) => !refused.has(start));
    await winner?.until('the third to be ready', () => winner.output().includes('Ready after'));
    for (const start of starts) if (start !== winner) expect(start.output()).toContain('already running');
    expect(await winner?.stop()).toEqual({ code: 0, signal: null });
  }, 150_000);
});

describe('what can not be meant stops the start with a sentence', () => {
  const wrong: [string, string][] = [
    ['PORT', 'abc'],
    ['PORT', '70000'],
    ['DISPATCHER_PORT', '0'],
    ['RECEIVER_PORT', '99999'],
    ['BOOTSTRAP_API_KEY', 'too-short'],
    ['BOOTSTRAP_API_KEY', 'a key with blanks in it, long enough'],
    ['SECRETS_KEY', 'bm90IDMyIGJ5dGVz'],
    ['LEDGER_ROLE', 'everything'],
    ['LOG_LEVEL', 'loud'],
    ['DATABASE_URL', 'mysql://me@localhost/ledger'],
    ['LEDGER_DATABASE_URL', 'postgres://ledger_ledger:x@localhost/ledger'],
  ];
  test.each(wrong)('%s=%s', async (name, value) => {
    const { code, output } = await startToItsEnd({ [name]: value });
    expect(code).toBe(1);
    expect(output.trim().split('\n')).toEqual([expect.stringMatching(new RegExp(`^${name} .*\\.$`))]);
    await expect(stat(join(home, 'refused'))).rejects.toThrow('ENOENT');
  });

  test('a DATA_DIR that is a file', async () => {
    const path = join(home, 'file');
    await writeFile(path, '');
    const { code, output } = await startToItsEnd({ DATA_DIR: path });
    expect(code).toBe(1);
    expect(output).toContain(`DATA_DIR ${path} can't be made`);
  });

  test('an EMBEDDED_POSTGRES_BIN without its programs', async () => {
    const { code, output } = await startToItsEnd({
      DATA_DIR: join(home, 'no programs'),
      EMBEDDED_POSTGRES_BIN: home,
    });
    expect(code).toBe(1);
    expect(output.trim()).toMatch(/^EMBEDDED_POSTGRES_BIN must be a folder with .*\.$/);
  });

  test.each(['PORT', 'DISPATCHER_PORT', 'RECEIVER_PORT'])(
    'a %s that is taken',
    async (name) => {
      const server = createServer().listen(0);
      const { port } = server.address() as AddressInfo;
      const { code, output } = await startToItsEnd({
        DATA_DIR: join(home, `taken ${name}`),
        [name]: String(port),
      });
      server.close();
      expect(code).toBe(1);
      expect(output).toContain(`${name} ${port} can't be listened on`);
    },
    90_000,
  );

  test('a setting that only an app can judge: the start ends, and says what the app says', async () => {
    const { code, output } = await startToItsEnd({
      DATA_DIR: join(home, 'judged'),
      WEBHOOK_ALLOWED_RANGES: 'everywhere',
    });
    expect(code).toBe(1);
    expect(output).toContain('WEBHOOK_ALLOWED_RANGES is wrong');
    expect(output).toContain('dispatcher did not become ready');
  }, 150_000);

  (isRoot ? test : test.skip)('as root: a directory that the user postgres can not enter', async () => {
    const locked = join(home, 'locked');
    await mkdir(locked, { mode: 0o700 });
    const { code, output } = await startToItsEnd({ DATA_DIR: join(locked, 'deeper', 'data') });
    expect(code).toBe(1);
    expect(output.trim()).toMatch(new RegExp(`^${locked} can't be entered by the user .postgres.[^\\n]*$`));
    expect((await stat(locked)).mode & 0o777).toBe(0o700);
  });
});

describe('with DATABASE_URL', () => {
  let database: TestDatabase;
  let ownerUrl: string;
  const company = `company_${process.pid}`;

  beforeAll(async () => {
    database = await createTestDatabase();
    await query(database.superuserUrl, `CREATE ROLE ${company} LOGIN CREATEROLE PASSWORD 'its own'`);
    await query(database.superuserUrl, `CREATE DATABASE ${company} OWNER ${company}`);
    const url = new URL(database.superuserUrl);
    Object.assign(url, { username: company, password: 'its%20own', pathname: `/${company}` });
    ownerUrl = url.href;
  });

  afterAll(async () => {
    await query(database.superuserUrl, `DROP DATABASE ${company} WITH (FORCE)`);
    for (const role of [`${company}_ledger`, `${company}_dispatcher`, company]) {
      await query(database.superuserUrl, `DROP ROLE IF EXISTS ${role}`);
    }
    await database.drop();
  });

  test('it migrates there, makes logins named after the database, and starts no Postgres', async () => {
    const dataDirectory = join(home, 'external');
    const env = { DATABASE_URL: ownerUrl };
    for (const password of ['first', 'lost and made again']) {
      if (password !== 'first') await rm(join(dataDirectory, 'secrets', 'ledger-password'));
      const product = await startWholeProduct({ dataDirectory, env });
      try {
        const { ledger, postgres } = await processesOf(product);
        const environment = await environmentOf(ledger);
        expect(postgres).toBeUndefined();
        expect(environment['DATABASE_URL']).toBeUndefined();
        expect(Object.values(environment).filter((value) => value.includes('its%20own'))).toEqual([]);
        expect(new URL(environment['LEDGER_DATABASE_URL'] ?? '').username).toBe(`${company}_ledger`);
        expect((await readdir(dataDirectory)).sort()).toEqual(['secrets', 'start.pid']);
      } finally {
        await product.stop();
      }
    }
    const roles = await query(
      ownerUrl,
      `SELECT rolname FROM pg_roles WHERE rolname LIKE '${company}\\_%' ORDER BY 1`,
    );
    expect(roles).toEqual([{ rolname: `${company}_dispatcher` }, { rolname: `${company}_ledger` }]);
  }, 150_000);

  test("given logins are used as they are, and an app's own settings reach it", async () => {
    const product = await startWholeProduct({
      dataDirectory: join(home, 'given'),
      env: {
        DATABASE_URL: database.ownerUrl,
        LEDGER_DATABASE_URL: database.ledgerUrl,
        DISPATCHER_DATABASE_URL: database.dispatcherUrl,
        HOST: '127.0.0.1',
        REQUEST_TIME_MS: '9000',
        API_CONNECTIONS_MAX: '5',
        NODE_ENV: 'production',
      },
    });
    try {
      const { ledger, dispatcher, receiver } = await processesOf(product);
      const ofLedger = await environmentOf(ledger);
      expect(ofLedger).toMatchObject({ HOST: '127.0.0.1', REQUEST_TIME_MS: '9000', LEDGER_ROLE: 'all' });
      expect(ofLedger['LEDGER_DATABASE_URL']).toBe(database.ledgerUrl);
      expect(ofLedger).not.toHaveProperty('DISPATCHER_DATABASE_URL');
      expect(ofLedger).not.toHaveProperty('API_CONNECTIONS_MAX');
      const ofDispatcher = await environmentOf(dispatcher);
      expect(ofDispatcher).toMatchObject({ HOST: '127.0.0.1', API_CONNECTIONS_MAX: '5' });
      expect(ofDispatcher['DISPATCHER_DATABASE_URL']).toBe(database.dispatcherUrl);
      expect(ofDispatcher).not.toHaveProperty('LEDGER_DATABASE_URL');
      // In production webhooks go to public https:// addresses alone, so that there is nothing to try out.
      expect(Object.keys(ofDispatcher).filter((name) => name.startsWith('WEBHOOK_'))).toEqual([]);
      expect([receiver, product.receiverUrl, product.tour.length]).toEqual([undefined, '', 5]);
      expect(product.logs()).not.toContain('WEBHOOK_');
    } finally {
      await product.stop();
    }
  }, 150_000);

  test('an owner who may not make the logins is told so', async () => {
    const { code, output } = await startToItsEnd({
      DATA_DIR: join(home, 'not allowed'),
      DATABASE_URL: database.ownerUrl,
    });
    expect(code).toBe(1);
    expect(output).toContain(`may not make or change the role ${database.name}_ledger`);
  });

  test('a server that does not answer is named by its variable, without the password', async () => {
    const { code, output } = await startToItsEnd({
      DATA_DIR: join(home, 'nobody'),
      DATABASE_URL: `postgres://me:secret@127.0.0.1:${await findFreePort()}/ledger`,
    });
    expect(code).toBe(1);
    expect(output).toMatch(/^DATABASE_URL can't be used: .*ECONNREFUSED/);
    expect(output).not.toContain('secret@');
  });
});
