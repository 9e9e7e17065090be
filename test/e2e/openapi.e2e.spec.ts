import { Validator } from '@seriousme/openapi-schema-validator';
import { exampleIds } from '#contracts';
import { dollarAccount } from '../../apps/ledger/src/http/request-examples.js';
import { Client, startService, type Service } from '../support/client.js';
import { DocumentedApi, type OpenApiDocument, type Operation } from '../support/documented-api.js';
import { OPERATOR_API_KEY } from '../support/product.js';
import { properCalls } from '../support/proper-calls.js';
import { registeredRoutes } from '../support/registered-routes.js';

let service: Service;
let client: Client;
let operator: Client;
let api: DocumentedApi;

beforeAll(async () => {
  service = await startService();
  client = service.client;
  operator = new Client(service.product.url, OPERATOR_API_KEY);
  api = new DocumentedApi((await client.get('/openapi.json')).body as OpenApiDocument);
}, 60_000);

afterAll(async () => {
  operator.close();
  await service.stop();
});

/** Groups of routes that change the ledger. */
const ofLedger = /^(Accounts|Transactions|Holds|Reversals|Batches|Currencies)$/;

describe('the document', () => {
  test('is valid OpenAPI 3.1', async () => {
    const { valid, errors } = await new Validator().validate(JSON.parse(JSON.stringify(api.document)));
    expect(errors ?? []).toEqual([]);
    expect(valid).toBe(true);
    expect(api.document.openapi).toMatch(/^3\.1\./);
    expect(JSON.stringify(api.document)).not.toContain('"nullable"');
  });

  test('refers to nothing that is not there, and has nothing that is not referred to', () => {
    const text = JSON.stringify(api.document);
    const references = new Set(
      [...text.matchAll(/"\$ref":"#\/components\/([^"]+)"/g)].map(([, path]) => path),
    );
    const { schemas, headers } = api.document.components;
    const there = [
      ...Object.keys(schemas).map((name) => `schemas/${name}`),
      ...Object.keys(headers).map((name) => `headers/${name}`),
    ];
    expect([...references].sort()).toEqual(there.sort());
  });

  test('says of every object in a request which fields it takes', () => {
    const silent: string[] = [];
    const look = (part: unknown, path: string): void => {
      if (typeof part !== 'object' || part === null) return;
      if ('$ref' in part) {
        const name = String(part.$ref).split('/').at(-1)!;
        return look(api.document.components.schemas[name], name);
      }
      if ('properties' in part && !('additionalProperties' in part)) silent.push(path);
      for (const [name, nested] of Object.entries(part)) look(nested, `${path}.${name}`);
    };
    for (const { operationId, requestBody } of api.operations) look(requestBody, operationId);
    expect(silent).toEqual([]);
  });

  test('says of every operation what it is, who may call it, and what each of its parts is', () => {
    for (const operation of api.operations) {
      const { operationId, summary, tags, description, parameters, responses } = operation;
      expect({ operationId, summary, tags }).toEqual({
        operationId: expect.stringMatching(/^[a-z][A-Za-z]+$/),
        summary: expect.stringMatching(/^[A-Z]/),
        tags: [
          expect.stringMatching(
            /^(Accounts|Statements|Transactions|Holds|Reversals|Batches|ExchangeRates|Currencies|Periods|Journal|ApiKeys|ClientTokens|AuditLog|Organizations|Operations)$/,
          ),
        ],
      });
      const scope = operation['x-scope'];
      expect(description).toContain(
        scope === null
          ? 'Needs no key'
          : scope === 'operator'
            ? 'Needs the operator’s key'
            : `scope \`${scope}\``,
      );
      expect([operationId, operation.security]).toEqual([operationId, scope === null ? [] : undefined]);
      const names = parameters.map(({ name }) => name);
      expect(names).toContain('X-Request-Id');
      expect([operationId, names.includes('Idempotency-Key')]).toEqual([
        operationId,
        operation.method === 'POST' && ofLedger.test(tags[0] ?? ''),
      ]);
      for (const { name, description: meaning, schema } of parameters) {
        expect([operationId, name, meaning]).toEqual([operationId, name, expect.stringMatching(/\w/)]);
        expect(schema).toBeInstanceOf(Object);
      }
      for (const [status, answer] of Object.entries(responses)) {
        expect(answer.headers).toHaveProperty('X-Request-Id');
        const media = answer.content?.['application/json'];
        if (media) expect([operationId, status, media.example ?? media.examples]).not.toContain(undefined);
      }
    }
  });

  test('names every code that this release can give, and each somewhere that it can be given', () => {
    const codes = (text: string) => text.trim().split(/\s+/);
    const ofThisRelease = codes(`
      validation_error invalid_cursor page_too_deep unauthorized duplicate_request rate_limited forbidden account_not_found
      transaction_not_found not_found method_not_allowed not_acceptable payload_too_large
      unsupported_media_type external_id_taken account_not_empty account_closed account_frozen
      precondition_failed insufficient_funds balance_limit_exceeded same_account unknown_currency
      exchange_rate_missing currency_mismatch amount_too_small amount_exceeds_remaining period_closed
      version_conflict transaction_not_pending not_reversible already_reversed currency_exists batch_refused
      idempotency_key_reused overloaded projection_lagging outcome_unknown unavailable
      internal`).sort();
    const { schemas, responses } = api.document.components;
    const enumerated = (
      schemas['Error'] as unknown as {
        properties: { error: { properties: { code: { enum: string[] } } } };
      }
    ).properties.error.properties.code.enum;
    expect([...enumerated].sort()).toEqual(ofThisRelease);
    const ofRoutes = api.documented().map((answer) => answer.split(' ')[2] ?? '');
    const ofNoRoute = Object.values(responses).flatMap(({ content }) =>
      Object.keys(content?.['application/json']?.examples ?? {}),
    );
    expect([...new Set(ofNoRoute)].sort()).toEqual(['method_not_allowed', 'not_found', 'validation_error']);
    expect([...new Set([...ofRoutes, ...ofNoRoute])].filter(Boolean).sort()).toEqual(ofThisRelease);
  });
});

describe('the routes', () => {
  test('are those of the app, no more and no less', async () => {
    const routes = await registeredRoutes(service.database.ledgerUrl);
    const documented = api.operations.map(({ method, path }) => `${method} ${path}`);
    expect(documented.sort()).toEqual(routes.map(({ name }) => name).sort());
  });

  test('have the methods that are documented, as the product itself tells', async () => {
    for (const [path, item] of Object.entries(api.document.paths)) {
      // One that the path lacks.
      const method = Object.hasOwn(item, 'put') ? 'POST' : 'PUT';
      const answer = await client.send(method, path.replaceAll(/\{\w+\}/g, 'ROOT'));
      api.check(`${method} ${path}`, answer, api.document.components.responses['MethodNotAllowed']!);
      const methods = Object.keys(item).map((method) => method.toUpperCase());
      const allowed = (answer.headers.allow ?? '').split(', ').filter((method) => method !== 'HEAD');
      expect([path, allowed.sort()]).toEqual([path, methods.sort()]);
    }
  });

  test('end where the document ends', async () => {
    for (const path of ['/v1', '/v1/holds', '/v2/accounts', '/v1/accounts/a/b']) {
      api.check(path, await client.get(path), api.document.components.responses['NotFound']!);
    }
  });
});

describe('the examples', () => {
  test('fit their schemas', () => {
    let examples = 0;
    for (const { operationId, requestBody, responses } of api.operations) {
      for (const { content } of [requestBody, ...Object.values(responses)].filter(
        (part) => part !== undefined,
      )) {
        for (const { schema, example, examples: named = {} } of Object.values(content ?? {})) {
          const values = [
            ...(example === undefined ? [] : [example]),
            ...Object.values(named).map(({ value }) => value),
          ];
          for (const value of values) api.checkValue(operationId, value, schema);
          examples += values.length;
        }
      }
    }
    expect(examples).toBeGreaterThan(150);
  });

  test('of request bodies are accepted, with real ids in the place of theirs', async () => {
    const proper = properCalls(client, operator, await client.open(), await client.open());
    const carol = await client.open({ openingBalance: '1000000' });
    const dave = await client.open();
    const dollars = await client.open({ currency: 'USD' });
    const realIds: Record<string, string> = {
      [exampleIds.account]: carol.id,
      [exampleIds.otherAccount]: dave.id,
      [dollarAccount]: dollars.id,
    };
    for (const operation of api.operations.filter(({ requestBody }) => requestBody)) {
      const { operationId, requestBody, 'x-scope': scope } = operation;
      const media = requestBody?.content['application/json'];
      const examples = Object.entries(media?.examples ?? {});
      expect([operationId, examples.length]).not.toEqual([operationId, 0]);
      for (const [name, { value }] of examples) {
        const body = JSON.parse(
          JSON.stringify(value).replaceAll(/acc_[0-9a-z]{26}/g, (id) => realIds[id]!),
        ) as { dryRun?: boolean };
        const call = await proper[operationId]!();
        const caller = scope === 'operator' ? operator : client;
        const answer = await api.call(caller, operationId, { ...call, body });
        const status = madeStatus(operation, body.dryRun === true);
        expect([operationId, name, answer.status, answer.text]).toEqual([
          operationId,
          name,
          status,
          answer.text,
        ]);
      }
    }
  });
});

/** What an operation answers that has done what it is for. */
function madeStatus({ responses }: Operation, isDryRun: boolean): number {
  return Object.hasOwn(responses, 201) && !isDryRun ? 201 : 200;
}

describe('the page', () => {
  test('is HTML whose files all load, without a key and within its own policy', async () => {
    const nobody = { headers: { authorization: undefined, accept: 'text/html' } };
    for (const path of ['/docs', '/docs/']) {
      const page = await client.get(path, nobody);
      expect([page.status, page.headers['content-type']]).toEqual([
        200,
        expect.stringContaining('text/html'),
      ]);
      const policy = page.headers['content-security-policy'];
      expect(policy).toContain("default-src 'self'");
      expect(page.text).not.toMatch(/<script(?![^>]*\ssrc=)/);
      const files = [...page.text.matchAll(/(?:src|href)=["']([^"'#]+)["']/g)].map(([, file]) => file!);
      expect(files.length).toBeGreaterThan(4);
      for (const file of files) {
        const url = new URL(file, `${client.url}${path}`);
        expect(url.origin).toBe(client.url);
        const answer = await client.get(url.pathname, nobody);
        expect([file, answer.status, answer.text.length > 100]).toEqual([file, 200, true]);
      }
    }
    expect((await client.get('/docs/swagger-ui-init.js', nobody)).text).toContain('/v1/transactions');
    expect((await client.get('/openapi.json', nobody)).headers['content-type']).toMatch(/^application\/json/);
  });
});
