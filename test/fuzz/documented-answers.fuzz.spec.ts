import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { scopes } from '#access';
import { startBothApps, type BothApps } from '../support/both-apps.js';
import { Client, type One } from '../support/client.js';
import { cleanEnvironment, projectDirectory } from '../support/config.js';
import { reportFigures } from '../support/fault-run.js';
import { fuzzRun } from '../support/fuzz-run.js';
import { OPERATOR_API_KEY } from '../support/product.js';
import { RunningProcess } from '../support/running-process.js';
import { seededRandom } from '../support/seeded-random.js';
import { expectVerified } from '../support/verify.js';
import { createEndpoint } from '../support/webhook-fixtures.js';

const { seconds, python } = fuzzRun();
const runs = 4;
/** Half of the time; the other suites have the rest. */
const secondsPerRun = Math.max(3, Math.ceil(seconds / 2 / runs));
/** How long Python may take to start and to end, on a machine that others use as well. */
const besideMs = 180_000;

const checks = [
  'not_a_server_error',
  'status_code_conformance',
  'content_type_conformance',
  'response_headers_conformance',
  'response_schema_conformance',
  'documented_code',
];
/** Of requests that are refused for nothing but what they say. */
const checksOfRequests = [
  'negative_data_rejection',
  'missing_required_header',
  'undocumented_method',
  'allow_header_conformance',
  'accepted_as_documented',
];

interface Told {
  readonly requests: number;
  readonly statuses: Readonly<Record<string, number>>;
  readonly callers: Readonly<Record<string, number>>;
  readonly unanswered: readonly string[];
}

interface Run {
  readonly name: string;
  /** Whose document is followed, and who is asked. */
  readonly documentOf: string;
  readonly url: string;
  /** Absent: whoever may send a request sends it. */
  readonly otherKeys?: Readonly<Record<string, string>>;
}

const { seed } = seededRandom();
let apps: BothApps;
let client: Client;
let operator: Client;
let directory: string;
let otherKeys: Readonly<Record<string, string>>;

beforeAll(async () => {
  apps = await startBothApps({ LOG_LEVEL: 'warn' });
  directory = await mkdtemp(join(tmpdir(), 'documented-answers-'));
  client = new Client(apps.ledger.url, apps.ledger.apiKey);
  operator = new Client(apps.ledger.url, OPERATOR_API_KEY);
  await fillLedger();
  otherKeys = await makeOtherKeys();
}, 120_000);

afterAll(async () => {
  client.close();
  operator.close();
  await apps.stop();
  await rm(directory, { recursive: true });
}, 60_000);

/** Something of each kind, for ids to be found that are somebody's. */
async function fillLedger(): Promise<void> {
  const alice = await client.open({ name: 'Alice', ownerId: 'alice', openingBalance: 1_000_000 });
  const bob = await client.open({ name: 'Bob', ownerId: 'bob', visibility: 'public' });
  const dollars = await client.open({ name: 'Dollars', currency: 'USD' });
  await client.put('/v1/exchange-rates/EUR/USD', { rate: '1.0837' });
  for (let n = 0; n < 10; n++) {
    await client.transfer(alice.id, n % 3 === 0 ? dollars.id : bob.id, 100 + n, { pending: n % 2 === 0 });
  }
  await createEndpoint(client.at(apps.dispatcher.url), { url: apps.receiver.url });
}

async function makeOtherKeys(): Promise<Record<string, string>> {
  const made = async <T>(caller: Client, path: string, body: object) =>
    (await caller.post<One<T>>(path, body)).body.data;
  const key = async (fields: object) =>
    (await made<{ secret: string }>(client, '/v1/api-keys', { name: 'A key', scopes, ...fields })).secret;
  const reading = ['accounts:read', 'transactions:read', 'webhooks:read'];
  const { id } = await made<{ id: string }>(operator, '/v1/organizations', { name: 'Another' });
  const ledger = { name: 'Another', mode: 'test' };
  const other = await made<{ apiKey: { secret: string } }>(
    operator,
    `/v1/organizations/${id}/ledgers`,
    ledger,
  );
  const token = { ownerId: 'alice', scopes: ['accounts:read', 'transactions:read', 'transactions:write'] };
  return {
    "an owner's": await key({ ownerId: 'alice', rateLimitPerMinute: null }),
    'reading alone': await key({ scopes: reading, rateLimitPerMinute: null }),
    limited: await key({ rateLimitPerMinute: 60 }),
    'of another ledger': other.apiKey.secret,
    'a client token': (await made<{ token: string }>(client, '/v1/auth/client-tokens', token)).token,
    "the operator's": OPERATOR_API_KEY,
    wrong: `sk_live_${'x'.repeat(43)}`,
  };
}

async function runSchemathesis({ name, documentOf, url, otherKeys }: Run): Promise<Told> {
  const figuresFile = join(directory, name.replaceAll(/\W/g, '-'));
  const chosen = otherKeys ? checks : [...checks, ...checksOfRequests];
  const options = {
    '--url': url,
    '--seed': String(seed),
    '--max-time': String(secondsPerRun),
    '--request-timeout': '30',
    '--checks': chosen.join(','),
    '--generation-database': 'none',
    '--warnings': 'off',
  };
  const flags = ['--continue-on-failure', '--no-shrink', '--no-color'];
  const args = ['run', `${documentOf}/openapi.json`, ...Object.entries(options).flat(), ...flags];
  const child = spawn(python, ['-m', 'schemathesis.cli', ...args], {
    // It leaves notes of its own where it runs.
    cwd: directory,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...cleanEnvironment(),
      SCHEMATHESIS_HOOKS: join(projectDirectory, 'test/fuzz/documented_answers.py'),
      FUZZ_KEYS: JSON.stringify({ 'all scopes': apps.ledger.apiKey, operator: OPERATOR_API_KEY }),
      ...(otherKeys ? { FUZZ_OTHER_KEYS: JSON.stringify(otherKeys) } : {}),
      FUZZ_SEED: String(seed),
      FUZZ_FIGURES: figuresFile,
    },
  });
  const running = new RunningProcess(child);
  const timer = setTimeout(() => child.kill('SIGKILL'), secondsPerRun * 1_000 + besideMs);
  const { code } = await running.exited;
  clearTimeout(timer);
  const output = running.output();
  if (code !== 0) throw new Error(`${name}, seed ${seed}, ended with ${code}:\n${output.slice(-30_000)}`);
  return JSON.parse(await readFile(figuresFile, 'utf8')) as Told;
}

const ofTheLedger = () => ({ documentOf: apps.ledger.url, url: apps.ledger.url });
const ofTheDispatcher = () => ({ documentOf: apps.dispatcher.url, url: apps.dispatcher.url });
const throughTheLedger = () => ({ documentOf: apps.dispatcher.url, url: apps.ledger.url });

test.each<[string, () => Omit<Run, 'name'>]>([
  ['the ledger, by who may call', ofTheLedger],
  ['the ledger, by anybody', () => ({ ...ofTheLedger(), otherKeys })],
  ['the dispatcher, by who may call', ofTheDispatcher],
  ['the dispatcher behind the ledger, by anybody', () => ({ ...throughTheLedger(), otherKeys })],
])(
  '%s, answers as its document says',
  async (name, run) => {
    const { requests, statuses, callers, unanswered } = await runSchemathesis({ name, ...run() });
    const of = (counts: Readonly<Record<string, number>>) =>
      Object.entries(counts)
        .map(([what, count]) => `${what} ${count}×`)
        .join(' ');
    reportFigures(name, { requests, statuses: of(statuses), callers: of(callers) });
    expect(unanswered).toEqual([]);
    expect(requests).toBeGreaterThan(0);
  },
  secondsPerRun * 1_000 + besideMs + 10_000,
);

test('and after all of that everybody is served, and the journal is whole', async () => {
  const [one, other] = [await client.open({ openingBalance: 100 }), await client.open()];
  await client.transfer(one.id, other.id, 1);
  for (const app of [apps.ledger, apps.dispatcher]) expect(app.logs()).not.toContain('"level":50');
  await expectVerified(apps.database.ownerUrl);
}, 120_000);
