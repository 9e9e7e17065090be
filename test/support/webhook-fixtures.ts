import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { decodeTypeId, encodeTypeId } from '#contracts';
import { newUuid } from '#platform';
import { Client, type One } from './client.js';
import { createTestDatabase, type TestDatabase } from './database.js';
import { insertKey } from './keys.js';
import { startDispatcher, type Product } from './product.js';

/** What the contract says of the answers' shapes. */
export interface Endpoint {
  readonly id: string;
  readonly url: string;
  readonly eventTypes: readonly string[];
  readonly accountIds: readonly string[];
  readonly description: string | null;
  readonly ordering: string;
  readonly rateLimitPerSecond: number | null;
  readonly maxConcurrency: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly legacySignature: { readonly header: string } | null;
  readonly status: string;
  readonly disabledReason: string | null;
  readonly createdAt: string;
  readonly updatedAt: string;
}

export interface EndpointWithSecret extends Endpoint {
  readonly secret: string;
}

export interface Delivery {
  readonly id: string;
  readonly eventId: string;
  readonly endpointId: string;
  readonly eventType: string;
  readonly status: string;
  readonly attempts: number;
  readonly nextAttemptAt: string | null;
  readonly manual: boolean;
  readonly createdAt: string;
  readonly lastStatusCode: number | null;
}

export interface Attempt {
  readonly at: string;
  readonly statusCode: number | null;
  readonly durationMs: number;
  readonly errorClass: string | null;
  readonly responseBody: string | null;
  readonly nextAttemptAt: string | null;
}

export const webhookScopes = ['webhooks:read', 'webhooks:write'];

/** The dispatcher by itself on a database of its own, with ledgers that have keys and no journal. */
export interface DispatcherService {
  readonly database: TestDatabase;
  readonly dispatcher: Product;
  /** Whatever a test needs to see or to plant, as the superuser. */
  readonly db: pg.Client;
  readonly ledgerId: string;
  /** With both webhook scopes, in the ledger above. */
  readonly client: Client;
  addLedger(): Promise<string>;
  /** A client of a new key; with the scopes for webhooks unless told otherwise. */
  clientOf(ledgerId: string, scopes?: readonly string[]): Promise<Client>;
  stop(): Promise<void>;
}

export async function startDispatcherService(
  env: Readonly<Record<string, string>> = {},
): Promise<DispatcherService> {
  const database = await createTestDatabase();
  const db = new pg.Client({ connectionString: database.superuserUrl });
  await db.connect();
  const dispatcher = await startDispatcher({ databaseUrl: database.dispatcherUrl, env });
  const clients: Client[] = [];
  const addLedger = async () => {
    const id = randomUUID();
    await db.query(`INSERT INTO access.ledgers (id, name, mode) VALUES ($1, 'A ledger', 'live')`, [id]);
    return id;
  };
  const clientOf = async (ledgerId: string, scopes: readonly string[] = webhookScopes) => {
    const client = new Client(dispatcher.url, await insertKey(db, ledgerId, scopes));
    clients.push(client);
    return client;
  };
  const ledgerId = await addLedger();
  const client = await clientOf(ledgerId);
  const stop = async () => {
    for (const each of clients) each.close();
    await dispatcher.stop();
    await db.end();
    await database.drop();
  };
  return { database, dispatcher, db, ledgerId, client, addLedger, clientOf, stop };
}

export const exampleUrl = 'https://example.com/webhooks';

/** Creates an endpoint and says so when that fails. */
export async function createEndpoint(client: Client, fields: object = {}): Promise<EndpointWithSecret> {
  const answer = await client.post<One<EndpointWithSecret>>('/v1/webhook-endpoints', {
    url: exampleUrl,
    ...fields,
  });
  if (answer.status !== 201) throw new Error(`expected 201, not ${answer.status}: ${answer.text}`);
  return answer.body.data;
}

export interface PlantedDelivery {
  readonly ledgerId: string;
  /** `whe_…` */
  readonly endpointId: string;
  readonly status?: string;
  readonly eventType?: string;
  /** UUIDs. */
  readonly accountIds?: readonly string[];
  readonly attempts?: number;
  /** How long ago it was taken in. */
  readonly ageSeconds?: number;
}

/** A delivery that nobody works on, as it would be in the tables: its `dlv_…`. */
export async function plantDelivery(db: pg.Client, planted: PlantedDelivery): Promise<string> {
  const { status = 'succeeded', eventType = 'transaction.posted', accountIds = [] } = planted;
  const { attempts = 1, ageSeconds = 0 } = planted;
  const at = new Date(Date.now() - ageSeconds * 1_000);
  const id = withTime(newUuid(), at.getTime());
  await makeDay(db, at);
  await db.query(
    `INSERT INTO dispatcher.deliveries (day, event_id, endpoint_id, id, ledger_id, shard, event_type, account_ids,
      owner_id, status, attempts, last_status_code, next_attempt_at, created_at)
    SELECT ($1::timestamptz AT TIME ZONE 'UTC')::date, gen_random_uuid(), e.id, $2, $3, e.shard, $4, $5, e.owner_id, $6, $7, 200,
      CASE WHEN $6 = 'pending' THEN $1::timestamptz + interval '1 day' END, $1
    FROM dispatcher.endpoints e WHERE e.ledger_id = $3 AND e.id = $8`,
    [at, id, planted.ledgerId, eventType, accountIds, status, attempts, uuidOf(planted.endpointId)],
  );
  return encodeTypeId('dlv', id);
}

/** UUIDs begin with their time, by which lists are in order. */
function withTime(uuid: string, millis: number): string {
  const hex = millis.toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}${uuid.slice(13)}`;
}

async function makeDay(db: pg.Client, at: Date): Promise<void> {
  await db.query('SELECT dispatcher.make_days_v1(ARRAY[$1::date])', [at.toISOString().slice(0, 10)]);
}

/** Of a TypeID of any kind. */
export function uuidOf(id: string): string {
  const uuid = decodeTypeId(id.slice(0, id.indexOf('_')), id);
  if (uuid === null) throw new Error(`${id} is no id`);
  return uuid;
}
