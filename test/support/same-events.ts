import { setTimeout as sleep } from 'node:timers/promises';
import { encodeTypeId, topics } from '#contracts';
import type { Fleet, FleetEndpoint } from './fleet.js';
import { untilPublished } from './published.js';
import { readTopic } from './topic-reader.js';
import { uuidOf } from './webhook-fixtures.js';

/** A running product, as much of it as is compared. */
export interface Delivering extends Pick<Fleet, 'db' | 'endpoints' | 'broker' | 'logs'> {
  readonly database: Pick<Fleet['database'], 'superuserUrl'>;
}

/** How far what was delivered is from the journal, over all endpoints. */
export interface Difference {
  readonly events: number;
  /** In the journal, and not delivered, not received, or not in the topic. */
  readonly lost: readonly string[];
  /** Delivered, received or in the topic, and not in the journal. */
  readonly invented: readonly string[];
  /** Deliveries of one event to one endpoint that have more than one row. */
  readonly duplicateRows: number;
  /** Times that an event was received again. */
  readonly repeats: number;
  /** Times that an event was being sent by two at once. */
  readonly atOnce: number;
  readonly outOfOrder: readonly string[];
  readonly wrong: readonly string[];
}

const settledMsMax = 120_000;
const pollMs = 250;

/** Waits until there is a delivery for every event and endpoint, and all have ended. */
export async function untilDelivered(
  fleet: Delivering,
  endpoints: readonly FleetEndpoint[] = fleet.endpoints,
): Promise<void> {
  const ids = endpoints.map(({ id }) => uuidOf(id));
  let missing: unknown;
  for (const deadline = performance.now() + settledMsMax; performance.now() < deadline; await sleep(pollMs)) {
    const { rows } = await fleet.db.query<{ missing: string }>(
      `SELECT count(*) AS missing FROM journal.events e
      JOIN dispatcher.endpoints p ON p.ledger_id = e.ledger_id AND p.created_at < e.recorded_at
      LEFT JOIN dispatcher.deliveries d ON d.endpoint_id = p.id AND d.event_id = e.id
      WHERE p.id = ANY ($1) AND (d.status IS NULL OR d.status IN ('pending', 'delivering'))`,
      [ids],
    );
    missing = rows[0]?.missing;
    if (missing === '0') return;
  }
  throw new Error(`${String(missing)} deliveries have not ended in ${settledMsMax} ms\n${fleet.logs()}`);
}

/** Compares the journal with deliveries that succeeded, what the receiver got, and the topic where there is one. */
export async function compareWithJournal(
  fleet: Delivering,
  endpoints: readonly FleetEndpoint[] = fleet.endpoints,
): Promise<Difference> {
  const lost: string[] = [];
  const invented: string[] = [];
  const compare = (what: string, journal: ReadonlySet<string>, found: ReadonlySet<string>) => {
    lost.push(...[...journal].filter((id) => !found.has(id)).map((id) => `${id}, ${what}`));
    invented.push(...[...found].filter((id) => !journal.has(id)).map((id) => `${id}, ${what}`));
  };
  let events = 0;
  let duplicateRows = 0;
  for (const { name, id, received } of endpoints) {
    const journal = await journalOf(fleet, id);
    const deliveries = await deliveriesTo(fleet, id);
    const delivered = deliveries.filter(({ status }) => status === 'succeeded');
    events = Math.max(events, journal.size);
    duplicateRows += deliveries.length - new Set(deliveries.map(({ eventId }) => eventId)).size;
    compare(`deliveries of ${name}`, journal, new Set(delivered.map(({ eventId }) => eventId)));
    compare(`received by ${name}`, journal, received.ids);
    compare(`accepted by ${name}`, journal, received.accepted);
  }
  const topic = await eventsInTopic(fleet);
  if (topic) compare('the topic', await journalOf(fleet, null), topic);
  const logs = endpoints.map(({ received }) => received);
  const sum = (count: 'repeats' | 'atOnce') => logs.reduce((total, log) => total + log[count], 0);
  return {
    events,
    lost,
    invented,
    duplicateRows,
    repeats: sum('repeats'),
    atOnce: sum('atOnce'),
    outOfOrder: logs.flatMap(({ outOfOrder }) => outOfOrder),
    wrong: logs.flatMap(({ wrong }) => wrong),
  };
}

/** Nothing lost, invented, delivered as two, wrongly signed or changed in a repeat. */
export function expectSame(difference: Difference): void {
  const { lost, invented, duplicateRows, wrong } = difference;
  expect({ lost: lost.slice(0, 5), invented: invented.slice(0, 5), duplicateRows, wrong }).toEqual({
    lost: [],
    invented: [],
    duplicateRows: 0,
    wrong: [],
  });
}

/** Every key that was answered is in the journal once, and nothing is there that nobody asked for. */
export async function expectAnsweredOnce(fleet: Delivering, answered: ReadonlySet<string>): Promise<void> {
  const { rows } = await fleet.db.query<{ key: string }>(
    `SELECT idempotency_key AS key FROM journal.events
    WHERE idempotency_key IS NOT NULL AND type LIKE 'transaction.%'`,
  );
  expect(rows.map(({ key }) => key).sort()).toEqual([...answered].sort());
}

/** Event ids of the endpoint's ledger since it was made; of all events where none is named. */
async function journalOf(fleet: Delivering, endpointId: string | null): Promise<Set<string>> {
  const { rows } = await fleet.db.query<{ id: string }>(
    `SELECT e.id FROM journal.events e LEFT JOIN dispatcher.endpoints p ON p.id = $1::uuid
      WHERE $1::uuid IS NULL OR (e.ledger_id = p.ledger_id AND e.recorded_at > p.created_at)`,
    [endpointId === null ? null : uuidOf(endpointId)],
  );
  return new Set(rows.map(({ id }) => encodeTypeId('evt', id)));
}

async function deliveriesTo(fleet: Delivering, endpointId: string) {
  const { rows } = await fleet.db.query<{ id: string; status: string }>(
    'SELECT event_id AS id, status FROM dispatcher.deliveries WHERE endpoint_id = $1',
    [uuidOf(endpointId)],
  );
  return rows.map(({ id, status }) => ({ eventId: encodeTypeId('evt', id), status }));
}

/** Of the ledger's events; undefined without Kafka. */
async function eventsInTopic(fleet: Delivering): Promise<Set<string> | undefined> {
  if (!fleet.broker) return undefined;
  await untilPublished(fleet.database.superuserUrl);
  const { rows } = await fleet.db.query<{ id: string }>(
    'SELECT DISTINCT ledger_id AS id FROM journal.events',
  );
  const sources = new Set(rows.map(({ id }) => `/ledgers/${encodeTypeId('ldg', id)}`));
  const messages = await readTopic(fleet.broker.settings, topics.events);
  const ours = messages.filter(({ headers }) => sources.has(headers['ce_source'] ?? ''));
  return new Set(ours.map(({ headers }) => headers['ce_id'] ?? 'none'));
}
