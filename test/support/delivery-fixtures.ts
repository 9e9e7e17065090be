import { randomUUID } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type pg from 'pg';
import { Registry } from 'prom-client';
import { accountIdOf, encodeTypeId, eventIdOf, ledgerIdOf, type Party, type StreamEvent } from '#contracts';
import type { EventStream, StreamMessage, Subscriber } from '#event-stream';
import { createPostgresPool, newUuid, SecretBox } from '#platform';
import { AddressGuard } from '../../apps/webhook-dispatcher/src/delivery/address-guard.js';
import { newEndpointSecret } from '../../apps/webhook-dispatcher/src/delivery/secrets.js';
import { Sender, type SenderLimits } from '../../apps/webhook-dispatcher/src/delivery/sender.js';
import { shardOf } from '../../apps/webhook-dispatcher/src/delivery/shard-of.js';
import {
  deliverySession,
  startDelivery,
  type DeliveryParts,
  type DeliverySettings,
} from '../../apps/webhook-dispatcher/src/delivery/start-delivery.js';

export { until } from './until.js';

export const secretBox = new SecretBox(Buffer.alloc(32, 7), 'webhook-endpoint-secret');

/** The port of the event stream as tests feed it by hand: each call is one transaction, as with the adapters. */
export class HandFedStream implements EventStream {
  private subscriber: Subscriber | undefined;

  constructor(private readonly pool: pg.Pool) {}

  async subscribe(subscriber: Subscriber) {
    this.subscriber = subscriber;
    return { stop: async () => void (this.subscriber = undefined) };
  }

  async follow(): Promise<void> {}

  async feed(messages: readonly StreamMessage[]): Promise<void> {
    if (!this.subscriber) throw new Error('nobody has subscribed');
    await handleInTransaction(this.pool, this.subscriber, messages);
  }
}

export async function handleInTransaction(
  pool: pg.Pool,
  subscriber: Subscriber,
  messages: readonly StreamMessage[],
): Promise<number> {
  const client = await pool.connect();
  try {
    await client.query('BEGIN');
    const handled = await subscriber.handle(client, messages);
    await client.query('COMMIT');
    return handled;
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined);
    throw error;
  } finally {
    client.release();
  }
}

export interface Side {
  readonly accountId: string;
  readonly ownerId?: string | null;
  readonly system?: string | null;
  readonly visibility?: Party['visibility'];
}

/** A ledger's events as they come through the stream. */
export class FedLedger {
  readonly id = newUuid();
  position = 0n;
  epoch = 1;

  event(
    sides: readonly Side[] = [{ accountId: randomUUID() }],
    { type = 'transaction.posted', occurredAt = new Date() }: { type?: string; occurredAt?: Date } = {},
  ): StreamEvent {
    this.position++;
    return {
      version: 1,
      id: eventIdOf(newUuid()),
      type,
      ledgerId: ledgerIdOf(this.id),
      epoch: this.epoch,
      position: this.position.toString(),
      occurredAt: occurredAt.toISOString().replace('Z', '000Z'),
      data: { id: encodeTypeId('txn', newUuid()), reference: 'x'.repeat(200) },
      legs: sides.map(({ accountId, ownerId = null, system = null, visibility = 'private' }, index) => ({
        leg: index + 1,
        accountId: accountIdOf(accountId),
        system,
        ownerId,
        visibility,
        direction: index % 2 === 0 ? 'debit' : 'credit',
        currency: 'EUR',
        amount: '100',
        posted: '100',
        pendingIn: '0',
        pendingOut: '0',
        available: '100',
        version: 1,
        entryNumber: 1,
      })),
    };
  }

  message(...args: Parameters<FedLedger['event']>): StreamMessage {
    return messageOf(this.event(...args));
  }

  messages(count: number): StreamMessage[] {
    return Array.from({ length: count }, () => this.message());
  }
}

export function messageOf(event: StreamEvent): StreamMessage {
  return {
    key: event.ledgerId,
    headers: { ce_epoch: String(event.epoch), ce_position: event.position },
    value: JSON.stringify(event),
    unreadable: null,
    origin: `hand ${event.ledgerId}@${event.epoch}:${event.position}`,
  };
}

export interface EndpointWishes {
  readonly url?: string;
  readonly eventTypes?: readonly string[];
  readonly accountIds?: readonly string[];
  readonly ownerId?: string | null;
  readonly ordering?: 'none' | 'account';
  readonly rateLimitPerSecond?: number | null;
  readonly maxConcurrency?: number;
  readonly createdAt?: Date;
  readonly shard?: number;
}

/** An endpoint as the API would insert it. */
export async function insertEndpoint(
  db: Pick<pg.Pool, 'query'>,
  ledgerId: string,
  wishes: EndpointWishes = {},
): Promise<{ id: string; secret: string }> {
  let id = randomUUID();
  while (wishes.shard !== undefined && shardOf(id) !== wishes.shard) id = randomUUID();
  const secret = newEndpointSecret();
  await db.query(
    `WITH added AS (
      INSERT INTO dispatcher.endpoints (id, ledger_id, shard, owner_id, url, event_types, account_ids, ordering,
        rate_limit_per_second, max_concurrency, headers, secret, status, created_at, updated_at, enabled_at)
      VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, '{}', $11, 'enabled', $12, clock_timestamp(), clock_timestamp())
      RETURNING id
    ) SELECT pg_notify('dispatcher_endpoints', id::text) FROM added`,
    [
      id,
      ledgerId,
      shardOf(id),
      wishes.ownerId ?? null,
      wishes.url ?? 'http://127.0.0.1:9/',
      wishes.eventTypes ?? ['*'],
      wishes.accountIds ?? [],
      wishes.ordering ?? 'none',
      wishes.rateLimitPerSecond ?? null,
      wishes.maxConcurrency ?? 10,
      secretBox.seal(secret, id),
      wishes.createdAt ?? new Date(Date.now() - 60_000),
    ],
  );
  return { id, secret };
}

export interface Received {
  readonly id: string;
  readonly path: string;
  readonly body: { id: string; type: string; skipped?: string[] };
  readonly headers: IncomingHttpHeaders;
  readonly atMs: number;
}

/** A webhook receiver over real HTTP; what it answers is up to the test. */
export class HttpReceiver {
  readonly received: Received[] = [];
  /** Requests that were not answered yet. */
  readonly open = new Set<ServerResponse>();
  openMax = 0;
  private server: Server | undefined;
  answer: (received: Received, response: ServerResponse) => void = (_, response) => response.end();

  static async start(): Promise<HttpReceiver> {
    const receiver = new HttpReceiver();
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      receiver.open.add(response);
      receiver.openMax = Math.max(receiver.openMax, receiver.open.size);
      response.on('close', () => receiver.open.delete(response));
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const received = {
          id: String(request.headers['webhook-id']),
          path: request.url ?? '',
          body: JSON.parse(Buffer.concat(chunks).toString()),
          headers: request.headers,
          atMs: performance.now(),
        };
        receiver.received.push(received);
        receiver.answer(received, response);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    receiver.server = server;
    return receiver;
  }

  url(path = '/'): string {
    return `http://127.0.0.1:${(this.server?.address() as AddressInfo).port}${path}`;
  }

  ids(path?: string): string[] {
    return this.received.filter((one) => path === undefined || one.path === path).map(({ id }) => id);
  }

  async stop(): Promise<void> {
    this.server?.closeAllConnections();
    await new Promise((resolve) => this.server?.close(resolve));
  }
}

export function status(code: number): (received: Received, response: ServerResponse) => void {
  return (_, response) => response.writeHead(code).end();
}

export function newSender(limits: Partial<SenderLimits> = {}): Sender {
  return new Sender({
    rules: { allowHttp: true, guard: new AddressGuard(['127.0.0.0/8']) },
    limits,
  });
}

export function newDeliveryPool(url: string, connectionsMax = 6): pg.Pool {
  return createPostgresPool({
    url,
    applicationName: 'test-delivery',
    connectionsMax,
    session: deliverySession,
    queryTimeoutMs: 35_000,
    onError: () => undefined,
  });
}

export interface LogLine {
  readonly level: string;
  readonly message: string;
  readonly details: Record<string, unknown>;
}

export interface TestDispatcher {
  readonly stream: HandFedStream;
  readonly pool: pg.Pool;
  readonly registry: Registry;
  readonly logged: LogLine[];
  stop(): Promise<void>;
}

/** One dispatcher in this process, as the app starts it, with a stream that is fed by hand. */
export async function startTestDispatcher(
  url: string,
  {
    sender = newSender(),
    settings = {},
    ...parts
  }: Partial<Pick<DeliveryParts, 'verdict' | 'nowMs'>> & {
    readonly sender?: Sender;
    readonly settings?: Partial<DeliverySettings>;
  } = {},
): Promise<TestDispatcher> {
  const pool = newDeliveryPool(url);
  const registry = new Registry();
  const logged: LogLine[] = [];
  const log = (level: string) => (details: object, message: string) =>
    void logged.push({ level, message, details: details as Record<string, unknown> });
  const stream = new HandFedStream(pool);
  const delivery = await startDelivery({
    settings: { databaseUrl: url, drainMsMax: 3_000, ...settings },
    pool,
    registry,
    logger: { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') },
    eventStream: stream,
    sender,
    secretBox,
    ...parts,
  });
  return {
    stream,
    pool,
    registry,
    logged,
    async stop() {
      await delivery.stop();
      await sender.stop(100);
      await pool.end();
    },
  };
}

/** What an attempt came to that the receiver took; of which delivery is for the test to say. */
export const succeeded = {
  isOrdered: false,
  status: 'succeeded',
  waitMs: null,
  at: new Date(),
  durationMs: 1,
  statusCode: 200,
  errorClass: null,
  responseBody: null,
  skipped: [],
} as const;

export async function deliveriesOf(db: Pick<pg.Pool, 'query'>, endpointId: string) {
  const { rows } = await db.query(
    `SELECT id, event_id, status, attempts, next_attempt_at, last_status_code FROM dispatcher.deliveries
     WHERE endpoint_id = $1 ORDER BY id`,
    [endpointId],
  );
  return rows;
}

export async function countByStatus(
  db: Pick<pg.Pool, 'query'>,
  endpointId: string,
): Promise<Record<string, number>> {
  const { rows } = await db.query(
    'SELECT status, count(*)::integer AS count FROM dispatcher.deliveries WHERE endpoint_id = $1 GROUP BY status',
    [endpointId],
  );
  return Object.fromEntries(rows.map((row) => [row.status, row.count]));
}
