import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { scopes } from '#access';
import {
  Client,
  newKey,
  startService,
  type Account,
  type List,
  type One,
  type Service,
} from '../support/client.js';
import { createTestDatabase } from '../support/database.js';
import {
  DocumentedApi,
  withPath,
  type Call,
  type OpenApiDocument,
  type Operation,
} from '../support/documented-api.js';
import { insertKey } from '../support/keys.js';
import { OPERATOR_API_KEY, startProduct } from '../support/product.js';
import { properCalls, type ProperCalls } from '../support/proper-calls.js';
import { newSigningKey, sentAs, sign } from '../support/signing.js';
import { TcpProxy } from '../support/tcp-proxy.js';

let service: Service;
let client: Client;
let api: DocumentedApi;
let operator: Client;
let alice: Account;
let bob: Account;
let proper: ProperCalls;

beforeAll(async () => {
  service = await startService();
  client = service.client;
  operator = new Client(service.product.url, OPERATOR_API_KEY);
  api = new DocumentedApi((await client.get('/openapi.json')).body as OpenApiDocument);
  alice = await client.open({ name: 'Alice', openingBalance: '100000', externalId: 'alice' });
  bob = await client.open({ name: 'Bob', openingBalance: '100000', minBalance: null });
  proper = properCalls(client, operator, alice, bob);
}, 60_000);

afterAll(async () => {
  operator.close();
  await service.stop();
});

/** Whoever may call an operation. */
const callerOf = (operationId: string) =>
  api.operation(operationId)['x-scope'] === 'operator' ? operator : client;

/** A proper call with these changes is answered so; that it is documented is found out on the way. */
async function expectAnswer(
  status: number,
  code: string,
  operationId: string,
  changes: Call,
  caller = callerOf(operationId),
) {
  return expectOutcome(status, code, operationId, { ...(await proper[operationId]!()), ...changes }, caller);
}

async function expectOutcome(status: number, code: string, operationId: string, call: Call, caller: Client) {
  const answer = await api.call(caller, operationId, call);
  const got = (answer.body as { error?: { code: string } } | undefined)?.error?.code ?? '';
  expect([operationId, answer.status, got]).toEqual([operationId, status, code]);
  return answer;
}

/** What an operation can't be asked without. */
const properQueryOf = async (operationId: string) => (await proper[operationId]!()).query ?? {};

/** What makes a request another one. */
function otherBody(operationId: string): object {
  if (operationId === 'batchesCreate') return { mode: 'independent' };
  if (operationId === 'currenciesAdd') return { name: 'Another name' };
  return /^(holds|reversals)/.test(operationId) ? { dryRun: false } : { metadata: { other: true } };
}

const isWrite = ({ method }: Operation) => method !== 'GET';
/** A change of the ledger, which goes through the lane. */
const isLedgerWrite = ({ responses }: Operation) =>
  Object.hasOwn(responses['503']?.content?.['application/json']?.examples ?? {}, 'outcome_unknown');
const projectedLists = ['accountsEntries', 'transactionsList'];
const lists = [
  'accountsList',
  ...projectedLists,
  'exchangeRatesList',
  'currenciesList',
  'apiKeysList',
  'organizationsList',
  'organizationsLedgers',
  'auditLogList',
];
const ofOthers = {
  ...Object.fromEntries(
    ['Get', 'Update', 'Delete', 'Rotate'].map((verb) => [`apiKeys${verb}`, 'key_01jd3v4wqzfxs9v5n6m7k8h2re']),
  ),
  ...Object.fromEntries(
    ['Get', 'CreateLedger', 'Ledgers'].map((verb) => [
      `organizations${verb}`,
      'org_01jd3v4wqzfxs9v5n6m7k8h2re',
    ]),
  ),
};
const unknownId = 'acc_01jd3v4wqzfxs9v5n6m7k8h2re';

describe('what is answered is what is documented', () => {
  test('when all is well', async () => {
    for (const { operationId, responses } of api.operations) {
      // What is made is 201; the 200 beside it is a dry run's.
      const status = Object.keys(responses).findLast((known) => known.startsWith('2'));
      await expectAnswer(Number(status), '', operationId, {});
    }
  });

  test('when the examples of query parameters are asked for, and every value of an enumeration', async () => {
    for (const operation of api.operations) {
      for (const { name, schema } of operation.parameters.filter((parameter) => parameter.in === 'query')) {
        const values = [...(schema.examples ?? []), ...(schema.enum ?? [])];
        for (const value of values) {
          const needsRoot = name === 'currency';
          const { operationId } = operation;
          const proper = { ...(await properQueryOf(operationId)), [name]: String(value) };
          await expectAnswer(200, '', operationId, { query: proper, ...(needsRoot ? { id: 'ROOT' } : {}) });
        }
      }
    }
  });

  test('in all the shapes that an answer has', async () => {
    await client.open({
      externalId: newKey(),
      ownerId: 'carol',
      minBalance: '-10',
      maxBalance: '10',
      metadata: { deep: { 1: [true] } },
    });
    for (const query of [{ 'page[limit]': '1' }, { 'page[total]': 'true' }, { consistency: 'eventual' }]) {
      for (const list of lists) await expectAnswer(200, '', list, { query });
    }
    const { body } = await client.get<List<Account>>('/v1/accounts?page[limit]=1');
    const cursor = { 'page[cursor]': body.meta.page.nextCursor ?? '' };
    await expectAnswer(200, '', 'accountsList', { query: cursor });
    await expectAnswer(200, '', 'transactionsList', { query: { 'filter[reference]': 'nothing has this' } });
    for (const operation of ['accountsGet', 'accountsBalance', 'accountsEntries', 'statementsGet']) {
      const query = { ...(await properQueryOf(operation)), currency: 'EUR' };
      await expectAnswer(200, '', operation, { id: 'ROOT', query });
    }
    await expectAnswer(200, '', 'journalEvents', { query: { after: '999999', limit: '1000' } });
    const accept = { accept: 'text/csv' };
    await expectAnswer(200, '', 'statementsGet', { headers: accept });
  });

  test('of transactions in every state', async () => {
    const dollars = await client.open({ currency: 'USD' });
    await client.put('/v1/exchange-rates/EUR/USD', { rate: '1.0837' });
    await client.transfer(alice.id, dollars.id, 100);
    const several = { sender: alice.id, recipient: bob.id, amount: 3 };
    const exchange = { sender: alice.id, recipient: dollars.id, amount: 5 };
    const body = { postings: [several, exchange, exchange], effectiveAt: '2024-01-01T00:00:00Z' };
    const { body: mixed } = await expectAnswer(201, '', 'transactionsCreate', { body });
    await expectAnswer(201, '', 'reversalsCreate', { id: (mixed as One<{ id: string }>).data.id });
    const hold = await client.hold(alice.id, bob.id, 100, { expiresAt: '2099-12-31T23:59:59Z' });
    const { body: captured } = await expectAnswer(201, '', 'holdsCapture', {
      id: hold.id,
      body: { amount: 60 },
    });
    const capture = (captured as One<{ id: string }>).data;
    await expectAnswer(201, '', 'reversalsCreate', { id: capture.id, body: { amount: 5, reason: 'r' } });
    await expectAnswer(200, '', 'holdsVoid', { id: hold.id });
    for (const { id } of [hold, capture]) await expectAnswer(200, '', 'transactionsGet', { id });
    const transactions = [
      several,
      { ...several, amount: '9'.repeat(36) },
      { ...several, idempotencyKey: 'k' },
    ];
    const batch = { mode: 'independent', transactions: [...transactions, transactions[2]] };
    await expectAnswer(200, '', 'batchesCreate', { body: batch });
    for (const operation of ['transactionsList', 'journalEvents']) {
      await expectAnswer(200, '', operation, {});
    }
  });

  test('when it is a dry run', async () => {
    const dry = api.operations.filter(
      ({ responses }) => Object.hasOwn(responses, 201) && Object.hasOwn(responses, 200),
    );
    expect(dry.map(({ operationId }) => operationId)).toContain('transactionsCreate');
    for (const { operationId } of dry) {
      const { body = {} } = await proper[operationId]!();
      await expectAnswer(200, '', operationId, { body: { ...(body as object), dryRun: true } });
    }
  });

  test('when a request is repeated', async () => {
    const isRepeatable = (operation: Operation) => operation.method === 'POST' && isLedgerWrite(operation);
    for (const { operationId } of api.operations.filter(isRepeatable)) {
      const call = { ...(await proper[operationId]!()), key: newKey() };
      const status = Object.hasOwn(api.operation(operationId).responses, 201) ? 201 : 200;
      const first = await expectAnswer(status, '', operationId, call);
      const second = await expectAnswer(status, '', operationId, call);
      expect([first.headers['idempotency-replayed'], second.headers['idempotency-replayed']]).toEqual([
        undefined,
        'true',
      ]);
      const body = { ...(call.body as object), ...otherBody(operationId) };
      await expectAnswer(422, 'idempotency_key_reused', operationId, { ...call, body });
    }
  });

  test('when the conventions are not kept', async () => {
    const powerless = new Client(client.url, await addKey(service.database.ownerUrl, []));
    for (const operation of api.operations) {
      const { operationId } = operation;
      await expectAnswer(400, 'validation_error', operationId, { query: { nonsense: '1' } });
      if (isWrite(operation)) {
        const headers = { 'content-type': 'text/plain' };
        await expectAnswer(415, 'unsupported_media_type', operationId, { raw: 'text', headers });
        // It is refused by its length, before it is sent.
        const length = operationId === 'batchesCreate' ? 5_242_881 : 1_048_577;
        await expectAnswer(413, 'payload_too_large', operationId, {
          raw: ' ',
          headers: { 'content-type': 'application/json', 'content-length': String(length) },
        });
      }
      if (operation['x-scope'] === null) continue;
      await expectAnswer(401, 'unauthorized', operationId, { headers: { authorization: undefined } });
      await expectAnswer(406, 'not_acceptable', operationId, { headers: { accept: 'text/html' } });
      await expectAnswer(403, 'forbidden', operationId, {}, powerless);
    }
    powerless.close();
  });

  test('when a key has made as many requests as it may', async () => {
    for (const operation of api.operations.filter(({ 'x-scope': scope }) => scope !== null)) {
      const body = { name: 'A key', scopes, rateLimitPerMinute: 1 };
      const made = await client.post<One<{ secret: string }>>('/v1/api-keys', body);
      const limited = new Client(client.url, made.body.data.secret);
      await expectAnswer(200, '', 'accountsList', {}, limited);
      await expectAnswer(429, 'rate_limited', operation.operationId, {}, limited);
      limited.close();
    }
  });

  test('when a signed request comes again', async () => {
    const key = await newSigningKey(client);
    for (const operation of api.operations.filter(({ 'x-scope': scope }) => scope !== null)) {
      const { operationId, method, path } = operation;
      const parameters = { id: 'x', from: 'EUR', to: 'USD' };
      const filled = withPath(path, { parameters }).path;
      const signed = sentAs(sign(key, method, filled));
      await client.send(method, filled, signed);
      await expectOutcome(409, 'duplicate_request', operationId, { parameters, ...signed }, client);
    }
  });

  test('when there is no such key, organization or currency', async () => {
    for (const [operationId, id] of Object.entries(ofOthers)) {
      await expectAnswer(404, 'not_found', operationId, { id });
    }
    await expectAnswer(404, 'not_found', 'exchangeRatesSet', { parameters: { from: 'E-R', to: 'USD' } });
  });

  test('when a list is asked for what it has not', async () => {
    for (const list of lists) {
      await expectAnswer(400, 'invalid_cursor', list, { query: { 'page[cursor]': 'nonsense' } });
      await expectAnswer(400, 'page_too_deep', list, {
        query: { 'page[limit]': '100', 'page[page]': '101' },
      });
    }
  });

  test('when an account does not allow it', async () => {
    const closed = await client.open();
    await client.delete(`/v1/accounts/${closed.id}`);
    for (const operation of ['accountsUpdate', 'accountsClose']) {
      await expectAnswer(403, 'forbidden', operation, { id: 'ROOT' });
      await expectAnswer(409, 'account_closed', operation, { id: closed.id });
      const headers = { 'if-match': '"9.9"' };
      await expectAnswer(412, 'precondition_failed', operation, { id: bob.id, headers });
    }
    const ofAccounts = [
      'accountsGet',
      'accountsBalance',
      'accountsEntries',
      'statementsGet',
      'accountsUpdate',
      'accountsClose',
    ];
    for (const operation of ofAccounts)
      await expectAnswer(404, 'account_not_found', operation, { id: unknownId });
    await expectAnswer(409, 'account_not_empty', 'accountsClose', { id: alice.id });
    await expectAnswer(409, 'external_id_taken', 'accountsUpdate', {
      id: bob.id,
      body: { externalId: 'alice' },
    });
    const opening = { name: 'Carol', currency: 'EUR' };
    await expectAnswer(409, 'external_id_taken', 'accountsOpen', {
      body: { ...opening, externalId: 'alice' },
    });
    await expectAnswer(422, 'unknown_currency', 'accountsOpen', { body: { ...opening, currency: 'XYZ' } });
    const body = { ...opening, openingBalance: 2, maxBalance: 1 };
    await expectAnswer(422, 'balance_limit_exceeded', 'accountsOpen', { body });
  });

  test('when a transaction is refused', async () => {
    const [closed, frozen, capped, francs] = [
      await client.open(),
      await client.open(),
      await client.open({ maxBalance: '1' }),
      await client.open({ currency: 'CHF' }),
    ];
    await client.put('/v1/periods/closed-through', { date: '2021-12-31' });
    await client.delete(`/v1/accounts/${closed.id}`);
    await client.patch(`/v1/accounts/${frozen.id}`, { status: 'frozen' });
    await client.transfer(alice.id, bob.id, 1, { externalId: 'taken' });
    const withSide = {
      transactionsMint: 'recipient',
      transactionsBurn: 'sender',
      transactionsCreate: 'recipient',
    };
    for (const [operation, side] of Object.entries(withSide)) {
      const { body } = (await proper[operation]!()) as { body: { sender?: string } };
      const refused = (status: number, code: string, changes: object) =>
        expectAnswer(status, code, operation, { body: { ...body, ...changes } });
      await refused(422, 'same_account', { [side]: operation === 'transactionsCreate' ? alice.id : 'ROOT' });
      await refused(404, 'account_not_found', { [side]: unknownId });
      await refused(409, 'account_closed', { [side]: closed.id });
      await refused(409, 'account_frozen', { [side]: frozen.id });
      await refused(409, 'external_id_taken', { externalId: 'taken' });
      await refused(422, 'period_closed', { effectiveAt: '2021-06-30T00:00:00Z' });
      await refused(409, 'version_conflict', { conditions: [{ accountId: alice.id, version: 0 }] });
      if (side === 'recipient')
        await refused(422, 'balance_limit_exceeded', { recipient: capped.id, amount: 2 });
      if (body.sender) await refused(422, 'insufficient_funds', { amount: '9'.repeat(36) });
    }
    const body = { sender: alice.id, recipient: francs.id, amount: 1 };
    await expectAnswer(422, 'exchange_rate_missing', 'transactionsCreate', { body });
    const atRate = { ...body, exchangeRate: '0.001' };
    await expectAnswer(422, 'amount_too_small', 'transactionsCreate', { body: atRate });
    const same = { ...atRate, recipient: bob.id };
    await expectAnswer(422, 'currency_mismatch', 'transactionsCreate', { body: same });
    await expectAnswer(404, 'transaction_not_found', 'transactionsGet', { id: unknownId });
    const transactions = [{ ...same, exchangeRate: undefined }, same];
    await expectAnswer(422, 'batch_refused', 'batchesCreate', { body: { mode: 'atomic', transactions } });
    await expectAnswer(422, 'unknown_currency', 'exchangeRatesSet', {
      parameters: { from: 'EUR', to: 'XYZ' },
    });
    await expectAnswer(422, 'currency_mismatch', 'exchangeRatesSet', {
      parameters: { from: 'EUR', to: 'EUR' },
    });
    const eur = { code: 'EUR', exponent: 2, name: 'Euro' };
    await expectAnswer(409, 'currency_exists', 'currenciesAdd', { body: eur });
  });

  test('when what becomes of a transaction is refused', async () => {
    const [one, other, francs] = [
      await client.open({ openingBalance: 1_000 }),
      await client.open(),
      await client.open({ currency: 'CHF' }),
    ];
    const freeze = (id: string, status: string) => client.patch(`/v1/accounts/${id}`, { status });
    for (const operation of ['holdsCapture', 'holdsVoid', 'holdsExtend', 'reversalsCreate']) {
      await expectAnswer(404, 'transaction_not_found', operation, { id: 'txn_1' });
    }
    const plain = await client.transfer(one.id, other.id, 100);
    for (const operation of ['holdsCapture', 'holdsVoid', 'holdsExtend']) {
      await expectAnswer(409, 'transaction_not_pending', operation, { id: plain.id });
    }
    const hold = await client.hold(one.id, other.id, 100);
    await expectAnswer(422, 'amount_exceeds_remaining', 'holdsCapture', {
      id: hold.id,
      body: { amount: 101 },
    });
    await expectAnswer(422, 'amount_exceeds_remaining', 'reversalsCreate', {
      id: plain.id,
      body: { amount: 101 },
    });
    await expectAnswer(409, 'not_reversible', 'reversalsCreate', { id: hold.id });
    const rate = { exchangeRate: '0.1' };
    const exchanged = await client.transfer(one.id, francs.id, 100, rate);
    await expectAnswer(422, 'amount_too_small', 'reversalsCreate', { id: exchanged.id, body: { amount: 1 } });
    const heldExchange = await client.hold(one.id, francs.id, 100, rate);
    await expectAnswer(422, 'amount_too_small', 'holdsCapture', { id: heldExchange.id, body: { amount: 1 } });
    for (const [operation, id] of [
      ['holdsCapture', hold.id],
      ['reversalsCreate', plain.id],
    ] as const) {
      await freeze(other.id, 'frozen');
      await expectAnswer(409, 'account_frozen', operation, { id });
      await freeze(other.id, 'open');
    }
    await client.transfer(other.id, one.id, 100);
    await expectAnswer(422, 'insufficient_funds', 'reversalsCreate', { id: plain.id });
    await client.transfer(one.id, other.id, 100);
    await client.patch(`/v1/accounts/${one.id}`, { maxBalance: 0 });
    await expectAnswer(422, 'balance_limit_exceeded', 'reversalsCreate', { id: plain.id });
    await client.patch(`/v1/accounts/${one.id}`, { maxBalance: null });
    await expectAnswer(201, '', 'reversalsCreate', { id: plain.id });
    await expectAnswer(409, 'already_reversed', 'reversalsCreate', { id: plain.id });
    // A closed account has nothing pending, so that it is closed in the tables alone, and the head touched for it.
    const owner = new pg.Client({ connectionString: service.database.ownerUrl });
    await owner.connect();
    const close = `WITH closed AS (UPDATE ledger.accounts SET status = $1 WHERE external_id = $2 RETURNING ledger_id)
      UPDATE journal.heads h SET position = position FROM closed WHERE h.ledger_id = closed.ledger_id`;
    await client.patch(`/v1/accounts/${other.id}`, { externalId: 'to be closed' });
    await owner.query(close, ['closed', 'to be closed']);
    await expectAnswer(409, 'account_closed', 'holdsCapture', { id: hold.id });
    await owner.query(close, ['open', 'to be closed']);
    await owner.end();
    const gone = await client.open();
    const paid = await client.transfer(one.id, gone.id, 10);
    await client.transfer(gone.id, one.id, 10);
    await client.delete(`/v1/accounts/${gone.id}`);
    await expectAnswer(409, 'account_closed', 'reversalsCreate', { id: paid.id });
  });

  test('when data was erased', async () => {
    const key = newKey();
    const opening = { body: { name: 'Erin', currency: 'EUR', openingBalance: 5 }, key };
    await expectAnswer(201, '', 'accountsOpen', opening);
    const mint = { body: { recipient: alice.id, amount: 7 }, key: newKey() };
    const { body } = await expectAnswer(201, '', 'transactionsMint', mint);
    const currency = { body: { code: 'GONE', exponent: 0, name: 'Gone' }, key: newKey() };
    await expectAnswer(201, '', 'currenciesAdd', currency);
    const owner = new pg.Client({ connectionString: service.database.ownerUrl });
    await owner.connect();
    await owner.query('UPDATE journal.events SET data = NULL, data_salt = NULL');
    await owner.end();
    expect((await expectAnswer(201, '', 'accountsOpen', opening)).body).toEqual({ data: null });
    expect((await expectAnswer(201, '', 'transactionsMint', mint)).body).toEqual({ data: null });
    const { id } = (body as { data: { id: string } }).data;
    expect((await expectAnswer(200, '', 'transactionsGet', { id })).body).toMatchObject({
      data: { type: null },
    });
    expect((await expectAnswer(201, '', 'currenciesAdd', currency)).body).toEqual({ data: null });
    await expectAnswer(200, '', 'journalEvents', {});
    for (const list of lists) await expectAnswer(200, '', list, {});
  });
});

describe('in trouble', () => {
  test('what is answered is what is documented', async () => {
    const database = await createTestDatabase();
    const proxy = await TcpProxy.start(database.ledgerUrl);
    const product = await startProduct({ databaseUrl: proxy.url, env: troubledSettings });
    const caller = new Client(product.url, product.apiKey);
    const [one, other] = [await caller.open({ openingBalance: 1_000 }), await caller.open()];
    const before = proper;
    const itsOperator = new Client(product.url, OPERATOR_API_KEY);
    // Whose an event is, the lists alone know.
    const owner = new Client(product.url, await addKey(database.ownerUrl, ['transactions:read'], 'alice'));
    proper = properCalls(caller, itsOperator, one, other);
    try {
      await expectAnswer(503, 'projection_lagging', 'journalEvents', {}, owner);
      await answersInTrouble(caller, itsOperator, proxy);
    } finally {
      proper = before;
      owner.close();
      caller.close();
      itsOperator.close();
      await product.kill();
      await proxy.close();
      await database.drop();
    }
  }, 60_000);

  const writes = () => api.operations.filter(isLedgerWrite).map(({ operationId }) => operationId);

  /** Nobody follows the journal here, one call of each write fills the queue, and the wire to Postgres can be cut. */
  const troubledSettings = {
    LEDGER_ROLE: 'api',
    QUEUE_COMMANDS_MAX: '14',
    PROJECTION_WAIT_MS: '50',
    REQUEST_TIME_MS: '2500',
  };

  async function answersInTrouble(caller: Client, itsOperator: Client, proxy: TcpProxy): Promise<void> {
    for (const list of projectedLists) await expectAnswer(503, 'projection_lagging', list, {}, caller);
    const at = { query: { at: '2026-01-31T00:00:00Z' } };
    await expectAnswer(503, 'projection_lagging', 'accountsBalance', at, caller);
    await expectAnswer(503, 'projection_lagging', 'journalTrialBalance', at, caller);
    await expectAnswer(503, 'projection_lagging', 'statementsGet', {}, caller);

    const needsMade = api.operations.map(({ operationId }) => operationId).filter((id) => id in ofOthers);
    const made = new Map<string, Call>();
    for (const operationId of needsMade) made.set(operationId, await proper[operationId]!());
    const calls = new Map<string, Call>();
    for (const operation of writes()) calls.set(operation, await proper[operation]!());
    const all = (status: number, code: string) =>
      Promise.all(
        [...calls].map(([operation, call]) => expectOutcome(status, code, operation, call, caller)),
      );
    const isHeld = proxy.once('COMMIT\0', 'hold');
    const first = caller.open();
    await isHeld;
    const unknown = all(503, 'outcome_unknown');
    while (!/^ledger_lane_depth_commands 14$/m.test((await caller.get('/metrics')).text)) await sleep(10);
    await all(503, 'overloaded');
    const isCut = proxy.once('COMMIT\0', 'cut-after');
    proxy.release();
    await first;
    await Promise.race([isCut, unknown]);
    await proxy.close();
    await unknown;

    calls.set('transactionsGet', { id: unknownTransaction });
    for (const { operationId } of api.operations.filter(({ responses }) => responses['503'])) {
      const call = calls.get(operationId) ?? made.get(operationId) ?? (await proper[operationId]!());
      const whoMay = callerOf(operationId) === operator ? itsOperator : caller;
      await expectOutcome(503, 'unavailable', operationId, call, whoMay);
    }
  }
});

const unknownTransaction = 'txn_01jd3v5m7yf8rb6q0n4j2d9ktw';

test('nothing is documented that was not seen, but for bugs', () => {
  const unseen = api.documented().filter((answer) => !api.seen.has(answer));
  expect(unseen.filter((answer) => !answer.endsWith(' 500 internal'))).toEqual([]);
});

/** A key of the first ledger with these scopes. */
async function addKey(
  ownerUrl: string,
  scopes: readonly string[],
  ownerId: string | null = null,
): Promise<string> {
  const owner = new pg.Client({ connectionString: ownerUrl });
  await owner.connect();
  const { rows } = await owner.query<{ id: string }>('SELECT id FROM access.ledgers WHERE is_first');
  const secret = await insertKey(owner, rows[0]!.id, scopes, null, ownerId);
  await owner.end();
  return secret;
}
