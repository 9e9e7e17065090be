import { randomUUID } from 'node:crypto';
import { Agent, request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { createTestDatabase, type TestDatabase, type TestDatabaseOptions } from './database.js';
import { startProduct, type Product, type ProductOptions } from './product.js';

/** What the contract says of the answers' shapes. */
export interface Balances {
  readonly posted: string;
  readonly available: string;
  readonly pendingIn: string;
  readonly pendingOut: string;
}

export interface Account {
  readonly id: string;
  readonly name: string;
  readonly currency: string;
  readonly visibility: string;
  readonly externalId: string | null;
  readonly ownerId: string | null;
  readonly status: string;
  readonly balance: Balances;
  readonly minBalance: string | null;
  readonly maxBalance: string | null;
  readonly version: number;
  readonly metadata: Record<string, unknown>;
  readonly createdAt: string;
  readonly updatedAt: string;
}

export interface Transaction {
  readonly id: string;
  readonly type: string;
  readonly status: string;
  readonly sender: string;
  readonly recipient: string;
  readonly amount: string;
  readonly currency: string;
  readonly reference: string | null;
  readonly externalId: string | null;
  readonly metadata: Record<string, unknown>;
  readonly postings: readonly { sender: string; recipient: string; amount: string; currency: string }[];
  readonly meta: Record<string, unknown>;
  /** Of a hold. */
  readonly expiresAt?: string | null;
  readonly capturedAmount?: string | null;
  readonly remainingAmount?: string | null;
  /** Of a capture. */
  readonly parentId?: string;
  /** Of a reversal. */
  readonly reverses?: string;
  readonly reason?: string | null;
  /** Of all others. */
  readonly reversedAmount?: string | null;
  readonly reversals?: readonly string[];
  readonly effectiveAt: string;
  readonly balances: readonly { accountId: string; posted: string; available: string; version: number }[];
  readonly position: string;
  readonly createdAt: string;
}

export interface Statement {
  readonly accountId: string;
  readonly from: string;
  readonly to: string;
  readonly openingBalance: string;
  readonly lines: readonly (Entry & { readonly effectiveAt: string })[];
  readonly closingBalance: string;
}

/** What became of one transaction of a batch. */
export interface BatchItemAnswer {
  readonly status: number;
  readonly data?: Transaction | null;
  readonly error?: Omit<ErrorBody, 'requestId'>;
  readonly replayed?: true;
}

export interface BatchAnswer {
  readonly data: readonly BatchItemAnswer[];
  readonly meta: { readonly succeeded: number; readonly refused: number };
}

export interface Entry {
  readonly id: string;
  readonly transactionId: string;
  readonly direction: 'debit' | 'credit';
  readonly amount: string;
  readonly balanceAfter: string;
  readonly entryNumber: number;
  readonly counterparty: string;
  readonly reference: string | null;
  readonly createdAt: string;
}

export interface JournalEvent {
  readonly ledgerId: string;
  readonly epoch: number;
  readonly position: string;
  readonly id: string;
  readonly type: string;
  readonly version: number;
  readonly transactionId: string | null;
  readonly data: Record<string, unknown>;
  readonly actor: string;
  readonly idempotencyKey: string | null;
  readonly requestHash: string | null;
  readonly recordedAt: string;
  readonly effectiveAt: string;
  readonly dataText: string;
  readonly dataSalt: string;
  readonly dataHash: string;
  readonly hash: string;
}

export interface One<T> {
  readonly data: T;
}

export interface List<T> {
  readonly data: readonly T[];
  readonly meta: {
    readonly page: {
      readonly limit: number;
      readonly number: number | null;
      readonly hasMore: boolean;
      readonly nextCursor: string | null;
      readonly total?: number;
      readonly totalIsCapped?: boolean;
    };
    readonly position: string;
  };
}

export interface ErrorBody {
  readonly code: string;
  readonly message: string;
  readonly details?: readonly { readonly path: string; readonly message: string }[];
  readonly requestId: string;
}

export interface Answer<Body = unknown> {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** The parsed JSON; undefined where the answer is none. */
  readonly body: Body;
}

export interface Sent {
  /** Undefined takes a header away that is otherwise sent. */
  readonly headers?: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Sent as it is; a list goes out in chunks, without a length. */
  readonly raw?: string | Buffer | readonly Buffer[];
  readonly key?: string;
}

const requestMaxMs = 30_000;

// Tests of several files share two cores with as many servers: the usual 5 s are a matter of luck.
import.meta.jest.setTimeout(30_000);

/** A lone caller of the API, who sends what they are told, right or wrong, and reads every byte of the answer. */
export class Client {
  private readonly agent = new Agent({ keepAlive: true, maxSockets: 512 });

  constructor(
    readonly url: string,
    private readonly apiKey: string,
  ) {}

  /** The same caller at another address. */
  at(url: string): Client {
    return new Client(url, this.apiKey);
  }

  get<Body = unknown>(path: string, sent: Sent = {}): Promise<Answer<Body>> {
    return this.send('GET', path, sent);
  }

  post<Body = unknown>(path: string, body: unknown, sent: Sent = {}): Promise<Answer<Body>> {
    return this.send('POST', path, { body, ...sent });
  }

  patch<Body = unknown>(path: string, body: unknown, sent: Sent = {}): Promise<Answer<Body>> {
    return this.send('PATCH', path, { body, ...sent });
  }

  put<Body = unknown>(path: string, body: unknown, sent: Sent = {}): Promise<Answer<Body>> {
    return this.send('PUT', path, { body, ...sent });
  }

  delete<Body = unknown>(path: string, sent: Sent = {}): Promise<Answer<Body>> {
    return this.send('DELETE', path, sent);
  }

  send<Body = unknown>(method: string, path: string, sent: Sent = {}): Promise<Answer<Body>> {
    const raw = sent.raw ?? (sent.body === undefined ? undefined : JSON.stringify(sent.body));
    const headers = this.headersOf(sent, raw);
    return new Promise((resolve, reject) => {
      const request = httpRequest(
        this.url + path,
        { method, agent: this.agent, headers, timeout: requestMaxMs },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('error', reject);
          response.on('end', () => {
            const text = Buffer.concat(chunks).toString('utf8');
            const body = parsedIfJson(text) as Body;
            resolve({ status: response.statusCode ?? 0, headers: response.headers, text, body });
          });
        },
      );
      request.on('timeout', () => request.destroy(new Error(`no answer in ${requestMaxMs} ms`)));
      request.on('error', reject);
      if (Array.isArray(raw)) for (const chunk of raw as readonly Buffer[]) request.write(chunk);
      request.end(Array.isArray(raw) ? undefined : (raw as string | Buffer | undefined));
    });
  }

  /** Opens an account and says so when that fails. */
  async open(fields: Record<string, unknown> = {}): Promise<Account> {
    const body = { name: 'An account', currency: 'EUR', ...fields };
    return created(await this.post<One<Account>>('/v1/accounts', body));
  }

  async transfer(sender: string, recipient: string, amount: string | number, fields: object = {}) {
    const body = { sender, recipient, amount, ...fields };
    return created(await this.post<One<Transaction>>('/v1/transactions', body));
  }

  /** Holds money, for good unless an end is said. */
  hold(sender: string, recipient: string, amount: string | number, fields: object = {}) {
    return this.transfer(sender, recipient, amount, { pending: true, ...fields });
  }

  async transaction(id: string): Promise<Transaction> {
    return (await this.get<One<Transaction>>(`/v1/transactions/${id}`)).body.data;
  }

  async account(id: string): Promise<Account> {
    return (await this.get<One<Account>>(`/v1/accounts/${id}`)).body.data;
  }

  /** The whole journal, page by page. */
  async journal(limit = 1_000): Promise<JournalEvent[]> {
    const events: JournalEvent[] = [];
    for (let after = '0'; ;) {
      const { body } = await this.get<{ data: JournalEvent[]; meta: { nextAfter: string } }>(
        `/v1/events?after=${after}&limit=${limit}`,
      );
      if (body.data.length === 0) return events;
      events.push(...body.data);
      after = body.meta.nextAfter;
    }
  }

  /** Every row of a list, by cursor. */
  async all<T>(path: string, parameters: Readonly<Record<string, string>> = {}): Promise<T[]> {
    const rows: T[] = [];
    let cursor: string | null = null;
    do {
      const page: Answer<List<T>> = await this.get<List<T>>(
        withQuery(path, { ...parameters, ...(cursor === null ? {} : { 'page[cursor]': cursor }) }),
      );
      if (page.status !== 200) throw new Error(`${path} answered ${page.status}: ${page.text}`);
      rows.push(...page.body.data);
      cursor = page.body.meta.page.nextCursor;
    } while (cursor !== null);
    return rows;
  }

  close(): void {
    this.agent.destroy();
  }

  private headersOf(sent: Sent, raw: Sent['raw']): Record<string, string | string[]> {
    const headers: Sent['headers'] = {
      authorization: `Bearer ${this.apiKey}`,
      ...(raw === undefined ? {} : { 'content-type': 'application/json' }),
      ...(sent.key === undefined ? {} : { 'idempotency-key': sent.key }),
      ...(typeof raw === 'string' || Buffer.isBuffer(raw)
        ? { 'content-length': String(Buffer.byteLength(raw)) }
        : {}),
      ...sent.headers,
    };
    const given = Object.entries(headers).filter(([, value]) => value !== undefined);
    return Object.fromEntries(given) as Record<string, string | string[]>;
  }
}

function parsedIfJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function created<T>({ status, text, body }: Answer<One<T>>): T {
  if (status !== 201) throw new Error(`expected 201, not ${status}: ${text}`);
  return body.data;
}

export function withQuery(path: string, parameters: Readonly<Record<string, string>>): string {
  const query = new URLSearchParams(parameters).toString();
  return query === '' ? path : `${path}?${query}`;
}

export const newKey = (): string => randomUUID();

/** The product on a database of its own, with a client that has its key. */
export interface Service {
  readonly database: TestDatabase;
  readonly product: Product;
  readonly client: Client;
  stop(): Promise<void>;
}

export async function startService(
  options: TestDatabaseOptions & Omit<ProductOptions, 'databaseUrl'> = {},
): Promise<Service> {
  const { ownCluster = false, ...productOptions } = options;
  const database = await createTestDatabase({ ownCluster });
  const product = await startProduct({ databaseUrl: database.ledgerUrl, ...productOptions });
  const client = new Client(product.url, product.apiKey);
  const stop = async () => {
    client.close();
    await product.stop();
    await database.drop();
  };
  return { database, product, client, stop };
}

/** An error as the contract writes it: envelope, media type, request id, and nothing of the inside. */
export function expectError(answer: Answer, status: number, code: string, path?: string): ErrorBody {
  expect(`${answer.status} ${answer.text}`).toMatch(new RegExp(`^${status} .*"code":"${code}"`, 's'));
  const { error, ...rest } = answer.body as { error: ErrorBody };
  expect(rest).toEqual({});
  expect(error.code).toBe(code);
  expect(typeof error.message).toBe('string');
  expect(error.message).not.toBe('');
  expect(error.requestId).toBe(answer.headers['x-request-id']);
  const known = ['code', 'message', 'details', 'requestId'];
  expect(Object.keys(error).filter((field) => !known.includes(field))).toEqual([]);
  for (const detail of error.details ?? []) {
    expect(detail).toEqual({ path: expect.any(String), message: expect.any(String) });
  }
  if (path !== undefined) expect(error.details?.map((detail) => detail.path)).toContain(path);
  expect(answer.headers['content-type']).toMatch(/^application\/json/);
  expect(answer.text).not.toMatch(/node_modules|\.js:\d|\bSELECT\b|\bINSERT\b|\bUPDATE\b/);
  if (status === 503 || status === 429) expect(answer.headers['retry-after']).toMatch(/^\d+$/);
  return error;
}

/** Rounds of kill -9; the suite plays two, a longer run is asked for by CRASH_ROUNDS. */
export function crashRounds(): number {
  return Number(process.env['CRASH_ROUNDS'] ?? '2');
}

/** A time as every answer writes it. */
export const timestamp = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/;
