import { startBothApps, type BothApps } from '../support/both-apps.js';
import { Client, newKey, type Account, type Answer, type List, type One } from '../support/client.js';
import { DocumentedApi, type OpenApiDocument } from '../support/documented-api.js';
import { reportFigures } from '../support/fault-run.js';
import { fuzzRun } from '../support/fuzz-run.js';
import { oddRequests, type OddRequest } from '../support/odd-http.js';
import { oddBody, oddBodyKinds } from '../support/odd-json.js';
import { rawRequest, sendRaw } from '../support/raw-http.js';
import { seededRandom } from '../support/seeded-random.js';
import { expectVerified } from '../support/verify.js';
import { createEndpoint } from '../support/webhook-fixtures.js';

/** One of two parts, of two apps each; Schemathesis has the other half of the time. */
const windowMs = (fuzzRun().seconds * 1_000) / 2 / 4;
const atOnce = 8;
const random = seededRandom();
const smuggledName = 'smuggled';

let apps: BothApps;
let client: Client;
let alice: Account;
let bob: Account;
let endpointId: string;
let codes: ReadonlySet<string>;

beforeAll(async () => {
  apps = await startBothApps({ LOG_LEVEL: 'warn' });
  client = new Client(apps.ledger.url, apps.ledger.apiKey);
  alice = await client.open({ name: 'Alice', openingBalance: 1_000_000_000 });
  bob = await client.open({ name: 'Bob' });
  endpointId = (await createEndpoint(client.at(apps.dispatcher.url), { url: apps.receiver.url })).id;
  const documents = await Promise.all(
    [apps.ledger, apps.dispatcher].map(({ url }) => client.at(url).get<OpenApiDocument>('/openapi.json')),
  );
  codes = new Set(
    documents
      .flatMap(({ body }) => new DocumentedApi(body).documented().map((answer) => answer.split(' ')[2] ?? ''))
      .concat('not_found', 'method_not_allowed'),
  );
}, 120_000);

afterAll(async () => {
  client.close();
  await apps.stop();
}, 60_000);

/** How an answer breaks the contract; null where it doesn't. */
function faultOf({ status, headers, body, text }: Answer, isErrorBodyThere = true): string | null {
  if (status >= 500 || status < 200) return `${status} ${text.slice(0, 300)}`;
  const id = headers['x-request-id'];
  if (typeof id !== 'string' || id === '') return `${status} has no id`;
  if (status < 400 || !isErrorBodyThere) return null;
  const { error } = (body ?? {}) as { error?: { code?: string; message?: string; requestId?: string } };
  const isWhole = error?.message && error.requestId === id && codes.has(error.code ?? '');
  const isJson = /^application\/json/.test(headers['content-type'] ?? '');
  return isWhole && isJson ? null : `${status} is no error of ours: ${text.slice(0, 300)}`;
}

/** On a busy machine whoever waited too long for a connection is told to; the figures say how many. */
const isToComeAgain = ({ status, headers }: Answer) => status === 503 && headers['retry-after'] !== undefined;

/** Refused for what is there already. A ledger has only so many endpoints. */
const isFull = ({ status, body }: Answer) =>
  status === 409 && (body as { error?: { code?: string } } | undefined)?.error?.code === 'too_many_endpoints';

interface Route {
  readonly method: string;
  readonly path: string;
  readonly body: object;
}

const transfer = () => ({ sender: alice.id, recipient: bob.id, amount: '1', reference: 'x', metadata: null });

const ledgerRoutes = (): Route[] => [
  { method: 'POST', path: '/v1/transactions', body: transfer() },
  { method: 'POST', path: '/v1/transactions', body: { postings: [transfer()].map(posting), dryRun: true } },
  { method: 'POST', path: '/v1/transactions/batch', body: { mode: 'atomic', transactions: [transfer()] } },
  { method: 'POST', path: '/v1/mints', body: { recipient: alice.id, amount: 5 } },
  { method: 'POST', path: '/v1/accounts', body: { name: 'A', currency: 'EUR', minBalance: '0' } },
  { method: 'PATCH', path: `/v1/accounts/${bob.id}`, body: { name: 'Bob', maxBalance: null } },
  { method: 'PUT', path: '/v1/exchange-rates/EUR/USD', body: { rate: '1.1' } },
  { method: 'PUT', path: '/v1/periods/closed-through', body: { date: '2020-12-31' } },
  { method: 'POST', path: '/v1/currencies', body: { code: 'PTS', exponent: 2, name: 'Points' } },
  { method: 'POST', path: '/v1/api-keys', body: { name: 'A key', scopes: [], expiresAt: null } },
  { method: 'POST', path: '/v1/auth/client-tokens', body: { ownerId: 'alice', scopes: [], ttlSeconds: 5 } },
];
const posting = ({ sender, recipient, amount }: ReturnType<typeof transfer>) => ({
  sender,
  recipient,
  amount,
});

const webhookRoutes = (): Route[] => [
  { method: 'POST', path: '/v1/webhook-endpoints', body: { url: apps.receiver.url, description: 'x' } },
  {
    method: 'PATCH',
    path: `/v1/webhook-endpoints/${endpointId}`,
    body: { description: 'x', maxConcurrency: 3 },
  },
  {
    method: 'POST',
    path: `/v1/webhook-endpoints/${endpointId}/recover`,
    body: { since: '2026-01-31T00:00:00Z' },
  },
  { method: 'POST', path: `/v1/webhook-endpoints/${endpointId}/rotate-secret`, body: {} },
];

/** Once for each kind, then at random until the time is over; what it finds is told together. */
async function untilOver<Kind>(kinds: readonly Kind[], one: (kind: Kind) => Promise<string | null>) {
  const deadline = performance.now() + windowMs;
  const queue = [...kinds];
  const found: string[] = [];
  let count = 0;
  const run = async () => {
    for (;;) {
      const kind = queue.shift() ?? (performance.now() < deadline ? random.pick(kinds) : undefined);
      if (kind === undefined || found.length > 50) return;
      count++;
      const fault = await one(kind).catch((error: unknown) => `no answer: ${String(error)}`);
      if (fault !== null) found.push(fault);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, run));
  return { count, found };
}

const counted = (statuses: ReadonlyMap<number, number>) =>
  [...statuses]
    .sort(([a], [b]) => a - b)
    .map(([status, times]) => `${status} ${times}×`)
    .join(' ');

const targets: readonly [string, () => { url: string; routes: readonly Route[] }][] = [
  ['the ledger', () => ({ url: apps.ledger.url, routes: ledgerRoutes() })],
  ['the dispatcher', () => ({ url: apps.dispatcher.url, routes: webhookRoutes() })],
  ['the dispatcher behind the ledger', () => ({ url: apps.ledger.url, routes: webhookRoutes() })],
];

test.each(targets)(
  'odd bodies are refused by %s with one error, or done',
  async (name, target) => {
    const { url, routes } = target();
    const caller = client.at(url);
    const statuses = new Map<number, number>();
    const { count, found } = await untilOver(oddBodyKinds, async (kind) => {
      const { method, path, body } = random.pick(routes);
      const text = JSON.stringify(body);
      if (text === '{}' && kind.includes('value')) return null;
      const odd = oddBody(kind, text === '{}' ? '{"overlapSeconds":60}' : text, random);
      const key =
        random.below(4) === 0 && method === 'POST' && url === apps.ledger.url ? newKey() : undefined;
      const told = `${method} ${path}, ${kind}: ${odd.bytes.toString('latin1').slice(0, 200)}`;
      let answer: Answer;
      try {
        answer = await caller.send(method, path, { raw: odd.bytes, ...(key ? { key } : {}) });
      } catch (error) {
        // Who is still sending when the connection ends may miss why it did.
        if (kind === 'more than may come' && /EPIPE|ECONNRESET/.test(String(error))) return null;
        throw error;
      }
      statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
      if (isToComeAgain(answer)) return null;
      const fault = faultOf(answer) ?? (odd.isRefused && answer.status < 400 ? 'it was done' : null);
      return fault === null ? null : `${told} → ${fault}`;
    });
    caller.close();
    reportFigures(`odd bodies, ${name}`, {
      requests: count,
      statuses: counted(statuses),
      findings: found.length,
    });
    expect(found).toEqual([]);
    expect(statuses.get(503) ?? 0).toBeLessThan(count / 20);
  },
  120_000 + 2 * windowMs,
);

const oddTarget = (isLedger: boolean) => {
  const authorization = `Authorization: Bearer ${apps.ledger.apiKey}`;
  const made = isLedger
    ? { name: smuggledName, currency: 'EUR' }
    : { url: apps.receiver.url, description: smuggledName };
  const smuggled = JSON.stringify(made);
  const post = isLedger ? '/v1/accounts' : '/v1/webhook-endpoints';
  const headers = [authorization, 'Content-Type: application/json', `Content-Length: ${smuggled.length}`];
  return {
    authorization,
    post,
    list: post,
    body: JSON.stringify(isLedger ? { ...made, name: 'A' } : { ...made, description: 'A' }),
    smuggled: rawRequest(`POST ${post}`, headers, smuggled),
  };
};

test.each<[string, () => { url: string; odd: readonly OddRequest[] }]>([
  ['the ledger', () => ({ url: apps.ledger.url, odd: oddRequests(oddTarget(true)) })],
  ['the dispatcher', () => ({ url: apps.dispatcher.url, odd: oddRequests(oddTarget(false)) })],
  ['the dispatcher behind the ledger', () => ({ url: apps.ledger.url, odd: oddRequests(oddTarget(false)) })],
])(
  'odd requests are answered by %s with one error, or done, and nothing is read in two ways',
  async (name, target) => {
    const { url, odd } = target();
    const statuses = new Map<number, number>();
    const { count, found } = await untilOver(
      odd,
      async ({ kind, bytes, statuses: expected, isAmbiguous }) => {
        const { answers, isEnded, rest } = await sendRaw(url, bytes, isAmbiguous ? { answers: 2 } : {});
        const [answer] = answers;
        if (!answer) return `${kind}: no answer; ${isEnded ? 'ended' : 'open'} ${rest.slice(0, 200)}`;
        statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
        if (isToComeAgain(answer)) return null;
        const fault = faultOf(answer);
        if (fault !== null) return `${kind}: ${fault}`;
        if (!expected.includes(answer.status) && !(expected.includes(201) && isFull(answer)))
          return `${kind}: ${answer.status} ${answer.text.slice(0, 200)}`;
        return isAmbiguous && (answers.length > 1 || !isEnded)
          ? `${kind}: what was behind it was read`
          : null;
      },
    );
    reportFigures(`odd requests, ${name}`, {
      requests: count,
      statuses: counted(statuses),
      findings: found.length,
    });
    expect(found).toEqual([]);
    expect(statuses.get(503) ?? 0).toBeLessThan(count / 20);
  },
  120_000 + 2 * windowMs,
);

test('nothing was smuggled, everybody is served, and the journal is whole', async () => {
  const { body } = await client.get<List<Account>>(`/v1/accounts?filter[name]=${smuggledName}`);
  expect(body.data).toEqual([]);
  const endpoints = await client.all<{ description: string | null }>('/v1/webhook-endpoints');
  expect(endpoints.filter(({ description }) => description === smuggledName)).toEqual([]);
  const { status } = await client.post<One<object>>('/v1/transactions', transfer());
  expect(status).toBe(201);
  for (const app of [apps.ledger, apps.dispatcher]) expect(app.logs()).not.toContain('"level":50');
  await expectVerified(apps.database.ownerUrl);
}, 120_000);
