import type pg from 'pg';
import type { StreamMessage } from '#event-stream';
import { newUuid } from '#platform';
import { dayOfEvent } from '../retention/days.js';
import type { DecidedDelivery, DecidedIntake, IntakeLedger, ListeningEndpoint } from './decide-intake.js';

interface OpenedRow {
  readonly ledger_id: string;
  readonly epoch: number | null;
  readonly position: string | null;
  readonly is_gap_allowed: boolean;
  readonly is_parked: boolean;
  readonly endpoints: readonly (Omit<ListeningEndpoint, 'createdAtMicros'> & {
    readonly createdAtMicros: string;
  })[];
}

/** Locks these ledgers for this transaction and reads where they stand and who listens. */
export async function openIntake(db: pg.ClientBase, ledgerIds: readonly string[]): Promise<IntakeLedger[]> {
  const { rows } = await db.query<OpenedRow>({
    name: 'intake-open',
    text: 'SELECT * FROM dispatcher.open_intake_v1($1::uuid[])',
    values: [ledgerIds],
  });
  return rows.map((row) => ({
    ledgerId: row.ledger_id,
    last:
      row.epoch === null || row.position === null
        ? null
        : { epoch: row.epoch, position: BigInt(row.position) },
    isGapAllowed: row.is_gap_allowed,
    isParked: row.is_parked,
    endpoints: row.endpoints.map((endpoint) => ({
      ...endpoint,
      createdAtMicros: BigInt(endpoint.createdAtMicros),
    })),
  }));
}

const notifiedEndpointsMax = 200;
/** An event makes a delivery for each endpoint that wants it, and there may be very many: a statement's share. */
const deliveriesPerStatementMax = 10_000;

/** Writes what was decided, in one statement where it isn't too much for one. */
export async function writeIntake(
  db: pg.ClientBase,
  decided: readonly DecidedIntake[],
  { nowMs, isDayMade }: { readonly nowMs: number; readonly isDayMade: (day: string) => boolean },
): Promise<void> {
  const events = decided.flatMap((ledger) => ledger.events);
  const deliveries = decided.flatMap((ledger) => ledger.deliveries);
  const dayOf = (recordedAt: string) => dayOfEvent(recordedAt, nowMs);
  const days = [...new Set(events.map(({ recordedAt }) => dayOf(recordedAt)))];
  const missing = days.filter((day) => !isDayMade(day));
  if (missing.length > 0) await db.query('SELECT dispatcher.make_days_v1($1::date[])', [missing]);

  const moved = decided.filter(({ last }) => last !== null);
  const first = deliveries.slice(0, deliveriesPerStatementMax);
  await writeRows(db, { events, deliveries: first, moved, notifications: notifications(deliveries), dayOf });
  for (let from = first.length; from < deliveries.length; from += deliveriesPerStatementMax) {
    const more = deliveries.slice(from, from + deliveriesPerStatementMax);
    await writeRows(db, { events: [], deliveries: more, moved: [], notifications: [], dayOf });
  }
}

interface IntakeRows {
  readonly events: DecidedIntake['events'];
  readonly deliveries: readonly DecidedDelivery[];
  /** Ledgers whose position is another now. */
  readonly moved: readonly DecidedIntake[];
  readonly notifications: readonly string[];
  readonly dayOf: (recordedAt: string) => string;
}

/** Events, deliveries, lanes and positions. */
async function writeRows(
  db: pg.ClientBase,
  { events, deliveries, moved, notifications, dayOf }: IntakeRows,
): Promise<void> {
  const lanes = deliveries.flatMap(({ event, endpoint, lanes }) =>
    lanes.map((accountId) => ({ event, endpoint, accountId })),
  );
  await db.query({
    name: 'intake-write',
    text: `WITH new_events AS (
        INSERT INTO dispatcher.events (day, ledger_id, event_id, epoch, position, type, recorded_at, account_ids, owner_ids, value)
        SELECT day, ledger_id, event_id, epoch, position, type, recorded_at, account_ids::uuid[], owner_ids::text[], value::json
        FROM unnest($1::date[], $2::uuid[], $3::uuid[], $4::integer[], $5::bigint[], $6::text[], $7::timestamptz[], $8::text[], $9::text[], $10::text[])
          AS e(day, ledger_id, event_id, epoch, position, type, recorded_at, account_ids, owner_ids, value)
        ON CONFLICT DO NOTHING
      ), new_deliveries AS (
        INSERT INTO dispatcher.deliveries (day, event_id, endpoint_id, id, ledger_id, shard, event_type, account_ids, owner_id, status, next_attempt_at)
        SELECT day, event_id, endpoint_id, id, ledger_id, shard, event_type, account_ids::uuid[], owner_id, 'pending',
          CASE WHEN NOT is_in_lanes THEN clock_timestamp() END
        FROM unnest($11::date[], $12::uuid[], $13::uuid[], $14::uuid[], $15::uuid[], $16::smallint[], $17::text[], $18::text[], $19::boolean[], $31::text[])
          AS d(day, event_id, endpoint_id, id, ledger_id, shard, event_type, account_ids, is_in_lanes, owner_id)
        ON CONFLICT DO NOTHING
      ), new_lane_entries AS (
        INSERT INTO dispatcher.lane_entries (endpoint_id, account_id, epoch, position, day, event_id)
        SELECT * FROM unnest($20::uuid[], $21::uuid[], $22::integer[], $23::bigint[], $24::date[], $25::uuid[])
        ON CONFLICT DO NOTHING
      ), moved AS (
        UPDATE dispatcher.ledgers l SET epoch = m.epoch, position = m.position, is_gap_allowed = m.is_gap_allowed
        FROM unnest($26::uuid[], $27::integer[], $28::bigint[], $29::boolean[]) AS m(ledger_id, epoch, position, is_gap_allowed)
        WHERE l.ledger_id = m.ledger_id
      )
      SELECT pg_notify('dispatcher_due', ids) FROM unnest($30::text[]) AS ids`,
    values: [
      ...columns(events, [
        ({ recordedAt }) => dayOf(recordedAt),
        ({ ledgerId }) => ledgerId,
        ({ eventId }) => eventId,
        ({ epoch }) => epoch,
        ({ position }) => position,
        ({ type }) => type,
        ({ recordedAt }) => recordedAt,
        ({ accountIds }) => arrayText(accountIds),
        ({ ownerIds }) => arrayText(ownerIds),
        ({ value }) => value,
      ]),
      ...columns(deliveries, [
        ({ event }) => dayOf(event.recordedAt),
        ({ event }) => event.eventId,
        ({ endpoint }) => endpoint.id,
        () => newUuid(),
        ({ event }) => event.ledgerId,
        ({ endpoint }) => endpoint.shard,
        ({ event }) => event.type,
        ({ event }) => arrayText(event.accountIds),
        (delivery) => delivery.lanes.length > 0,
      ]),
      ...columns(lanes, [
        ({ endpoint }) => endpoint.id,
        ({ accountId }) => accountId,
        ({ event }) => event.epoch,
        ({ event }) => event.position,
        ({ event }) => dayOf(event.recordedAt),
        ({ event }) => event.eventId,
      ]),
      ...columns(moved, [
        ({ ledgerId }) => ledgerId,
        ({ last }) => last?.epoch,
        ({ last }) => last?.position,
        ({ isGapAllowed }) => isGapAllowed,
      ]),
      notifications,
      deliveries.map(({ endpoint }) => endpoint.ownerId),
    ],
  });
}

/** Keeps messages aside, in order, and parks the ledger. */
export async function keepAside(
  db: pg.ClientBase,
  ledgerId: string | null,
  kept: readonly { readonly message: StreamMessage; readonly reason: string | null }[],
): Promise<void> {
  await db.query({
    name: 'intake-keep-aside',
    text: `INSERT INTO dispatcher.dead_letters (ledger_id, origin, message, reason)
      SELECT $1, k.origin, k.message::json, k.reason
      FROM unnest($2::text[], $3::text[], $4::text[]) WITH ORDINALITY AS k(origin, message, reason, number)
      ORDER BY k.number`,
    values: [
      ledgerId,
      ...columns(kept, [
        ({ message }) => message.origin,
        ({ message }) => JSON.stringify(message),
        ({ reason }) => reason,
      ]),
    ],
  });
}

export async function park(db: pg.ClientBase, ledgerId: string, reason: string): Promise<void> {
  await db.query({
    name: 'intake-park',
    text: `UPDATE dispatcher.ledgers SET parked_reason = $2, parked_at = clock_timestamp() WHERE ledger_id = $1`,
    values: [ledgerId, reason],
  });
}

function notifications(deliveries: readonly DecidedDelivery[]): string[] {
  const ids = [...new Set(deliveries.map(({ endpoint }) => endpoint.id))];
  const payloads: string[] = [];
  for (let from = 0; from < ids.length; from += notifiedEndpointsMax) {
    payloads.push(ids.slice(from, from + notifiedEndpointsMax).join(','));
  }
  return payloads;
}

/** Rows as one array per column, which is how unnest takes them. */
function columns<Row>(rows: readonly Row[], values: readonly ((row: Row) => unknown)[]): unknown[][] {
  return values.map((value) => rows.map(value));
}

/** An array of Postgres as text: rows of arrays of different lengths can't be sent as one. */
function arrayText(values: readonly string[]): string {
  return `{${values.map((value) => `"${value.replace(/[\\"]/g, '\\$&')}"`).join(',')}}`;
}
