import { Pool } from 'undici';
import type { AttemptOutcome, AttemptTarget, WebhookMessage } from './attempt-outcome.js';
import { isReservedHeader } from './endpoint-headers.js';
import { checkEndpointUrl, type EndpointUrlRules } from './endpoint-url.js';
import { ExchangeConnection, type ExchangeOptions } from './exchange-connection.js';
import { Exchange, type Answer, type ExchangeLimits } from './exchange.js';
import { guardedConnector } from './guarded-connect.js';
import { NameResolver, type ResolveName } from './resolve-name.js';
import { legacySignature, signatureHeaders } from './signature.js';

export interface SenderSettings {
  readonly rules: EndpointUrlRules;
  readonly limits?: Partial<SenderLimits>;
  /** PEM, in place of those that Node trusts. */
  readonly trustedCertificates?: readonly string[];
  readonly resolve?: ResolveName;
}

export interface SenderLimits extends ExchangeLimits {
  readonly connectMs: number;
  /** Of endpoints; beyond it the one that was not used for longest is closed. */
  readonly poolsMax: number;
  readonly poolIdleMs: number;
}

/** No endpoint has more attempts under way than this, whatever it asks for. */
export const connectionsPerEndpointMax = 100;

export const senderLimits: SenderLimits = {
  deadlineMs: 15_000,
  connectMs: 5_000,
  answerBytesMax: 64 * 1_024,
  keptBytesMax: 8 * 1_024,
  poolsMax: 2_000,
  poolIdleMs: 60_000,
};

const userAgent = 'Ledger-Webhooks/1.0';
const connectionOptions = {
  headersTimeout: 0,
  bodyTimeout: 0,
  maxHeaderSize: 16 * 1_024,
  /** A little less than what most servers keep open, so that they seldom close under a request. */
  keepAliveTimeout: 4_000,
  keepAliveMaxTimeout: 60_000,
  /** A connection under steady load is made anew at times, so that a name that moved is followed. */
  maxRequestsPerClient: 10_000,
};
const stopMs = 5_000;

/** So that a literal address is refused like a name that resolves to it, as blocked_address. */
const judgedAtConnect: EndpointUrlRules['guard'] = { refusalOf: () => null };

interface Connections {
  readonly url: string;
  readonly path: string;
  readonly pool: Pool;
  usedAtMs: number;
}

/**
 * Sends one message to one endpoint and says how it went. It never throws for what a receiver does, and ends by
 * its deadline. Each endpoint has connections of its own, kept open between attempts, so that one that hangs
 * holds up no other. How many attempts run at once is up to the caller, up to connectionsPerEndpointMax.
 */
export class Sender {
  private readonly limits: SenderLimits;
  private readonly names = new NameResolver();
  /** By endpoint, the one that was used longest ago first. */
  private readonly connections = new Map<string, Connections>();
  private readonly closing = new Set<Pool>();
  private readonly underWay = new Set<Exchange>();
  private readonly sweep: NodeJS.Timeout;
  private isStopped = false;

  constructor(private readonly settings: SenderSettings) {
    this.limits = { ...senderLimits, ...settings.limits };
    this.sweep = setInterval(() => this.closeIdle(), this.limits.poolIdleMs / 2).unref();
  }

  send(target: AttemptTarget, message: WebhookMessage): Promise<AttemptOutcome> {
    const startedAtMs = performance.now();
    const body = Buffer.from(message.body, 'utf8');
    const requestHeaders = headersOf(target, message.id, body);
    return new Promise((resolve) => {
      const settle = (answer: Answer) => {
        resolve({ ...answer, durationMs: Math.round(performance.now() - startedAtMs), requestHeaders });
      };
      if (this.isStopped) return settle(noAnswer('aborted'));
      // Unsigned, it would teach its receiver not to look.
      const connections = target.secrets.length === 0 ? null : this.connectionsOf(target);
      if (connections === null) return settle(noAnswer('invalid_request'));
      const { pool, path } = connections;
      const exchange = new Exchange(this.limits, (answer) => {
        this.underWay.delete(exchange);
        settle(answer);
      });
      this.underWay.add(exchange);
      const options: ExchangeOptions = { method: 'POST', path, headers: requestHeaders, body, exchange };
      pool.dispatch(options, exchange);
    });
  }

  /** Closes the endpoint's connections; what is under way on them ends first. */
  async forget(endpointId: string): Promise<void> {
    const found = this.connections.get(endpointId);
    if (found === undefined) return;
    this.connections.delete(endpointId);
    await this.close(found.pool);
  }

  /** What is under way may end within the grace; the rest is cut off, with `aborted` as its outcome. */
  async stop(graceMs = stopMs): Promise<void> {
    this.isStopped = true;
    clearInterval(this.sweep);
    const pools = [...this.connections.values()].map(({ pool }) => pool);
    this.connections.clear();
    const closed = Promise.all([...this.closing, ...pools].map((pool) => this.close(pool)));
    let timer: NodeJS.Timeout | undefined;
    const grace = new Promise<void>((over) => (timer = setTimeout(over, graceMs)));
    await Promise.race([closed, grace]);
    clearTimeout(timer);
    for (const exchange of this.underWay) exchange.giveUp('aborted');
    // Not `closed`: a pool that is destroyed while requests wait in it never says that it closed.
    await Promise.all([...this.closing].map((pool) => pool.destroy()));
    this.names.stop();
  }

  /** Null where the URL is not allowed, which it may have been when the endpoint was made. */
  private connectionsOf({ endpointId, url }: AttemptTarget): Connections | null {
    let found = this.connections.get(endpointId);
    if (found !== undefined) {
      this.connections.delete(endpointId);
      if (found.url !== url) {
        void this.close(found.pool);
        found = undefined;
      }
    }
    found ??= this.connectionsTo(url) ?? undefined;
    if (found === undefined) return null;
    found.usedAtMs = performance.now();
    this.connections.set(endpointId, found);
    if (this.connections.size > this.limits.poolsMax) this.closeOldest();
    return found;
  }

  private connectionsTo(url: string): Connections | null {
    const { rules, trustedCertificates, resolve = (name) => this.names.resolve(name) } = this.settings;
    if (checkEndpointUrl(url, { ...rules, guard: judgedAtConnect }) !== null) return null;
    const { origin, pathname, search } = new URL(url);
    const { guard } = rules;
    const { connectMs } = this.limits;
    const connect = guardedConnector({ guard, resolve, connectMs, trustedCertificates });
    const pool = new Pool(origin, {
      connections: connectionsPerEndpointMax,
      factory: (to) => new ExchangeConnection(to, connectionOptions, connect),
    });
    return { url, path: pathname + search, pool, usedAtMs: 0 };
  }

  private closeOldest(): void {
    for (const endpointId of this.connections.keys()) {
      void this.forget(endpointId);
      return;
    }
  }

  private closeIdle(): void {
    const idleSinceMs = performance.now() - this.limits.poolIdleMs;
    for (const [endpointId, { usedAtMs }] of this.connections) {
      if (usedAtMs > idleSinceMs) return;
      void this.forget(endpointId);
    }
  }

  private async close(pool: Pool): Promise<void> {
    this.closing.add(pool);
    await pool.close().catch(() => undefined);
    this.closing.delete(pool);
  }
}

function noAnswer(errorClass: 'aborted' | 'invalid_request'): Answer {
  return { statusCode: null, errorClass, responseBody: null, retryAfterSeconds: null };
}

function headersOf(target: AttemptTarget, messageId: string, body: Buffer): Record<string, string> {
  const headers: Record<string, string> = {};
  const { legacySignatureHeader, secrets } = target;
  const legacyName = legacySignatureHeader?.toLowerCase();
  for (const [name, value] of Object.entries(target.headers)) {
    const lower = name.toLowerCase();
    if (!isReservedHeader(lower) && lower !== legacyName) headers[lower] = value;
  }
  const timestampSeconds = Math.floor(Date.now() / 1_000);
  Object.assign(headers, signatureHeaders({ id: messageId, timestampSeconds, body }, secrets), {
    'content-type': 'application/json',
    'user-agent': userAgent,
    'accept-encoding': 'identity',
  });
  const [newest] = secrets;
  if (legacySignatureHeader !== null && newest !== undefined && !isReservedHeader(legacySignatureHeader)) {
    headers[legacySignatureHeader] = legacySignature(body, newest);
  }
  return headers;
}
