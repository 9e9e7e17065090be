import type { FastifyInstance } from 'fastify';
import { Counter, Gauge, type Registry } from 'prom-client';
import { InvalidSettings, positive } from '#platform';

/** What one connection may take of a process, and how many there may be. */
export interface ConnectionLimits {
  /** Open at one time; another is closed unheard. */
  readonly CONNECTIONS_MAX: number;
  /** From a connection's first moment, or a request's first byte, to the end of the headers. */
  readonly HEADERS_TIME_MS: number;
  /** The same to the end of the body. */
  readonly BODY_TIME_MS: number;
  /** Between an answer and the next request. */
  readonly KEEP_ALIVE_MS: number;
  /** While a request is under way: for how long no byte may move, in either direction. */
  readonly STALLED_MS: number;
}

/** STALLED_MS is longer than any request may take before its first byte is answered. */
export const connectionLimitSpecs = {
  CONNECTIONS_MAX: positive({ default: 16_000 }),
  HEADERS_TIME_MS: positive({ default: 10_000 }),
  BODY_TIME_MS: positive({ default: 30_000 }),
  KEEP_ALIVE_MS: positive({ default: 72_000 }),
  STALLED_MS: positive({ default: 60_000 }),
};

/** How much later than its limit a connection may be ended. */
const checkedEveryMs = 1_000;

/** The same as Fastify and Node call it. */
export function serverOptions(limits: ConnectionLimits) {
  if (limits.HEADERS_TIME_MS > limits.BODY_TIME_MS) {
    throw new InvalidSettings('HEADERS_TIME_MS must not be more than BODY_TIME_MS.');
  }
  return {
    connectionTimeout: limits.STALLED_MS,
    keepAliveTimeout: limits.KEEP_ALIVE_MS,
    requestTimeout: limits.BODY_TIME_MS,
    http: {
      headersTimeout: limits.HEADERS_TIME_MS,
      connectionsCheckingInterval: checkedEveryMs,
      requireHostHeader: false,
      // Of a header that is sent twice the first would count here, and maybe the last for a proxy before us.
      joinDuplicateHeaders: true,
    },
  };
}

export function limitConnections(
  { server }: FastifyInstance,
  limits: ConnectionLimits,
  registry: Registry,
): void {
  server.maxConnections = limits.CONNECTIONS_MAX;
  // Their size is limited; those beyond a number would be dropped in silence, whatever they say.
  server.maxHeadersCount = 0;
  const registers = [registry];
  const refused = new Counter({
    name: 'http_connections_refused_total',
    help: 'Connections that were closed unheard because there were CONNECTIONS_MAX',
    registers,
  });
  server.on('drop', () => refused.inc());
  new Gauge({
    name: 'http_connections',
    help: 'Connections that are open',
    registers,
    async collect() {
      this.set(await new Promise<number>((resolve) => server.getConnections((_, count) => resolve(count))));
    },
  });
}
