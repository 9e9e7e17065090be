import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { withQuery, type Answer, type Client, type Sent } from './client.js';

/** The parts of an OpenAPI document that the tests read. */
export interface MediaType {
  readonly schema: object;
  readonly example?: unknown;
  readonly examples?: Readonly<Record<string, { readonly value: unknown }>>;
}

export interface DocumentedAnswer {
  readonly description: string;
  readonly headers?: Readonly<Record<string, { readonly $ref: string }>>;
  readonly content?: Readonly<Record<string, MediaType>>;
}

export interface Parameter {
  readonly name: string;
  readonly in: 'query' | 'path' | 'header';
  readonly description?: string;
  readonly schema: { readonly examples?: unknown[]; readonly enum?: unknown[] };
}

interface DescribedOperation {
  readonly operationId: string;
  readonly summary: string;
  readonly description: string;
  readonly tags: readonly string[];
  readonly security?: readonly object[];
  readonly 'x-scope': string | null;
  readonly parameters: readonly Parameter[];
  readonly requestBody?: { readonly content: Readonly<Record<string, MediaType>> };
  readonly responses: Readonly<Record<string, DocumentedAnswer>>;
}

export interface Operation extends DescribedOperation {
  readonly method: string;
  readonly path: string;
}

export interface OpenApiDocument {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, DescribedOperation>>>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, Record<string, unknown>>>;
    readonly headers: Readonly<Record<string, { readonly schema: object }>>;
    readonly responses: Readonly<Record<string, DocumentedAnswer>>;
  };
}

/** What is put into a route's path, query and so on. */
export interface Call extends Sent {
  readonly id?: string;
  /** Parameters of the path that have other names. */
  readonly parameters?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
}

/** Headers that only some answers have; each must be documented where it is sent, and sent where documented. */
const ownHeaders = ['etag', 'last-modified', 'retry-after', 'allow', 'www-authenticate'];
/** Of keys with a limit alone. */
const rateLimits = ['x-ratelimit-limit', 'x-ratelimit-remaining', 'x-ratelimit-reset'];
const replayed = 'idempotency-replayed';

/** The API seen through its own document: an answer that the document doesn't describe is an error. */
export class DocumentedApi {
  readonly operations: readonly Operation[];
  /** What was answered so far: `<operation> <status> <error code>`. */
  readonly seen = new Set<string>();
  private readonly ajv = new Ajv2020({ strict: false, allErrors: true });

  constructor(readonly document: OpenApiDocument) {
    addFormats.default(this.ajv);
    const { schemas } = document.components;
    this.ajv.addSchema({ $id: 'open', components: { schemas } });
    // In the closed schemas a field that isn't documented is an error; clients are promised no such thing.
    this.ajv.addSchema({ $id: 'closed', components: { schemas: closed(schemas) } });
    this.operations = Object.entries(document.paths).flatMap(([path, item]) =>
      Object.entries(item).map(([method, operation]) => ({
        ...operation,
        method: method.toUpperCase(),
        path,
      })),
    );
  }

  operation(id: string): Operation {
    const found = this.operations.find(({ operationId }) => operationId === id);
    if (!found) throw new Error(`the document has no ${id}`);
    return found;
  }

  /** Every answer that the document speaks of. */
  documented(): string[] {
    return this.operations.flatMap(({ operationId, responses }) =>
      Object.entries(responses).flatMap(([status, answer]) =>
        codesOf(answer).map((code) => [operationId, status, code].join(' ').trim()),
      ),
    );
  }

  async call(client: Client, operationId: string, call: Call = {}): Promise<Answer> {
    const operation = this.operation(operationId);
    const { path, sent } = withPath(operation.path, call);
    const answer = await client.send(operation.method, path, sent);
    const documented = operation.responses[answer.status];
    const name = `${operation.method} ${path} → ${answer.status} ${answer.text.slice(0, 500)}`;
    if (!documented) throw new Error(`${name}: the status is not documented`);
    this.check(name, answer, documented);
    const code = (answer.body as { error?: { code?: string } } | undefined)?.error?.code ?? '';
    this.seen.add([operationId, answer.status, code].join(' ').trim());
    return answer;
  }

  /** Throws where an answer is not as documented. */
  check(name: string, answer: Answer, documented: DocumentedAnswer): void {
    this.checkHeaders(name, answer, documented);
    const { content } = documented;
    if (!content) {
      if (answer.text !== '') throw new Error(`${name}: it has a body, and the document none`);
      return;
    }
    const type = answer.headers['content-type']?.split(';')[0] ?? '';
    const media = content[type];
    if (!media) throw new Error(`${name}: it is ${type}, which is not documented`);
    this.checkValue(name, type.startsWith('text/') ? answer.text : answer.body, media.schema, 'closed');
    const code = (answer.body as { error?: { code: string } } | undefined)?.error?.code;
    if (code !== undefined && !codesOf(documented).includes(code)) {
      throw new Error(`${name}: the code is not documented there`);
    }
  }

  /** Throws where a value doesn't fit a schema of the document. */
  checkValue(name: string, value: unknown, schema: object, mode: 'open' | 'closed' = 'closed'): void {
    const isValid = this.ajv.compile(pointedAt(schema, mode));
    if (isValid(value)) return;
    throw new Error(`${name}: ${this.ajv.errorsText(isValid.errors)} in ${JSON.stringify(value)}`);
  }

  private checkHeaders(
    name: string,
    { headers, body }: Answer,
    { headers: documented = {} }: DocumentedAnswer,
  ): void {
    const names = new Set(Object.keys(documented).map((header) => header.toLowerCase()));
    const sent = [...ownHeaders, ...rateLimits, replayed, 'x-request-id'].filter(
      (header) => headers[header] !== undefined,
    );
    const undocumented = sent.filter((header) => !names.has(header));
    const isErased = (body as { data?: unknown } | undefined)?.data === null;
    const optional = [...rateLimits, replayed, ...(isErased ? ['etag', 'last-modified'] : [])];
    const missing = [...names].filter((header) => !optional.includes(header) && !sent.includes(header));
    if (undocumented.length > 0 || missing.length > 0) {
      throw new Error(`${name}: headers not documented: ${undocumented.join()}; not sent: ${missing.join()}`);
    }
    for (const [header, { $ref }] of Object.entries(documented)) {
      const value = headers[header.toLowerCase()];
      const { schema } = this.document.components.headers[$ref.split('/').at(-1) ?? '']!;
      if (value !== undefined) this.checkValue(`${name}: ${header}`, value, schema);
    }
  }
}

/** A call's own path and query, in the place of a route's parameters. */
export function withPath(path: string, { id = '', parameters = {}, query = {}, ...sent }: Call) {
  const filled = Object.entries({ id, ...parameters }).reduce(
    (text, [name, value]) => text.replace(`{${name}}`, value),
    path,
  );
  return { path: withQuery(filled, query), sent };
}

/** The codes that an answer may have, which are the names of its examples; one blank for an answer that is no error. */
function codesOf({ content }: DocumentedAnswer): string[] {
  const examples = content?.['application/json']?.examples;
  return examples ? Object.keys(examples) : [''];
}

type Schema = Readonly<Record<string, unknown>>;

/** The same schemas, in which an object has no other properties than those that are named. */
function closed<T>(schema: T): T {
  if (Array.isArray(schema)) return schema.map(closed) as T;
  if (schema === null || typeof schema !== 'object') return schema;
  const parts = Object.entries(schema).map(([key, part]) => [
    key,
    key === 'examples' || key === 'example' ? part : closed(part as unknown),
  ]);
  const isObject = 'properties' in schema && (schema as Schema)['type'] === 'object';
  return { ...(isObject ? { additionalProperties: false } : {}), ...Object.fromEntries(parts) } as T;
}

function pointedAt<T>(schema: T, mode: 'open' | 'closed'): T {
  const text = JSON.stringify(schema).replaceAll('"#/components/', `"${mode}#/components/`);
  return JSON.parse(text) as T;
}
