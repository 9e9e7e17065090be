import type pg from 'pg';
import { decodeTypeId, type StreamEvent } from '#contracts';
import { newUuid, type Logger } from '#platform';
import { heldTerms, termValues, type ShardTerm } from '../delivery/held-terms.js';
import { wantedEventsSql, wantedEventsValues, type RecoverableEndpoint } from './recover-endpoint.js';
import { readRunningRecoveries, type RunningRecovery } from './scan-recoveries.js';

export interface RecoveryWorkerParts {
  readonly pool: pg.Pool;
  readonly logger: Logger;
  readonly heldTerms: () => readonly ShardTerm[];
  /** The endpoint has something due. */
  readonly onDue: (endpointId: string) => void;
}

const eventsPerStepMax = 500;
/** Steps of one recovery before another has its turn. */
const stepsPerTurn = 10;

/**
 * Runs the recoveries of the endpoints whose shards this process holds, a step of some hundred events at a time.
 * Where it is, is kept with what it has made, under the shard's term: another process goes on from there.
 *
 * What has not succeeded is made, or opened again with the schedule at its beginning; its attempts are kept. What
 * waits for a later attempt is due now. What waits in lanes or is being delivered is left as it is.
 */
export class RecoveryWorker {
  private running: Promise<void> | undefined;

  constructor(private readonly parts: RecoveryWorkerParts) {}

  /** Works on all that are running; resolves when each has had its turn. */
  turn(): Promise<void> {
    this.running ??= this.work().finally(() => (this.running = undefined));
    return this.running;
  }

  private async work(): Promise<void> {
    const terms = this.parts.heldTerms();
    if (terms.length === 0) return;
    const recoveries = await readRunningRecoveries(
      this.parts.pool,
      terms.map(({ shard }) => shard),
    );
    for (const recovery of recoveries) {
      const term = terms.find(({ shard }) => shard === recovery.shard);
      if (term) await this.run(recovery, term);
    }
  }

  private async run(recovery: RunningRecovery, term: ShardTerm): Promise<void> {
    let after = { at: recovery.afterAt, id: recovery.afterId };
    for (let steps = 0; steps < stepsPerTurn; steps++) {
      const step = await recoverStep(this.parts.pool, recovery.ledgerId, recovery, term, after);
      if (step === null) return;
      this.parts.onDue(recovery.endpoint.id);
      if (step.isLast) {
        this.parts.logger.info(
          { recoveryId: recovery.id, endpointId: recovery.endpoint.id },
          'a recovery is done',
        );
        return;
      }
      after = step.last;
    }
  }
}

interface FoundRow {
  readonly day: string;
  readonly event_id: string;
  readonly epoch: number;
  readonly position: string;
  readonly type: string;
  readonly account_ids: string[];
  readonly recorded_at: string;
  readonly value: StreamEvent | null;
}

interface StepEnd {
  readonly last: { readonly at: string | null; readonly id: string | null };
  readonly isLast: boolean;
}

/** Null: the term is an old one, or the recovery was moved on or ended by somebody else. */
async function recoverStep(
  pool: pg.Pool,
  ledgerId: string,
  recovery: RunningRecovery,
  term: ShardTerm,
  after: { readonly at: string | null; readonly id: string | null },
): Promise<StepEnd | null> {
  if (!recovery.isEnabled) {
    await endRecovery(pool, ledgerId, recovery.id, term);
    return null;
  }
  const found = await findEvents(pool, ledgerId, recovery, after);
  const isLast = found.length < eventsPerStepMax;
  const tail = found.at(-1);
  const last = tail ? { at: tail.recorded_at, id: tail.event_id } : after;
  const isWritten = await writeStep(pool, ledgerId, { recovery, term, found, after, last, isLast });
  return isWritten ? { last, isLast } : null;
}

async function findEvents(
  db: pg.Pool,
  ledgerId: string,
  { endpoint, since, until, eventTypes, isOrdered }: RunningRecovery,
  after: { readonly at: string | null; readonly id: string | null },
): Promise<FoundRow[]> {
  const { rows } = await db.query<FoundRow>({
    name: 'recovery-find-events',
    text: `SELECT e.day::text, e.event_id, e.epoch, e.position::text, e.type, e.account_ids,
        e.recorded_at::text, CASE WHEN $12 THEN e.value END AS value
      FROM dispatcher.events e
      WHERE e.ledger_id = $1 AND ${wantedEventsSql}
        AND ($10::timestamptz IS NULL OR (e.recorded_at, e.event_id) > ($10::timestamptz, $11::uuid))
      ORDER BY e.recorded_at, e.event_id LIMIT ${eventsPerStepMax}`,
    values: [
      ...wantedEventsValues(ledgerId, endpoint, { since, until, eventTypes }),
      after.at,
      after.id,
      isOrdered,
    ],
  });
  return rows;
}

interface Step {
  readonly recovery: RunningRecovery;
  readonly term: ShardTerm;
  readonly found: readonly FoundRow[];
  readonly after: StepEnd['last'];
  readonly last: StepEnd['last'];
  readonly isLast: boolean;
}

async function writeStep(
  db: pg.Pool,
  ledgerId: string,
  { recovery, term, found, after, last, isLast }: Step,
): Promise<boolean> {
  const lanes = recovery.isOrdered ? found.map((row) => lanesOfFound(recovery.endpoint, row)) : [];
  const entries = lanes.flatMap((accountIds, index) => accountIds.map((accountId) => ({ accountId, index })));
  const { rowCount } = await db.query({
    name: 'recovery-write-step',
    text: `WITH ${heldTerms}, moved AS (
        UPDATE dispatcher.recoveries SET after_at = $5, after_id = $6, done = done + $7,
          status = CASE WHEN $8 THEN 'done' ELSE status END
        WHERE ledger_id = $3 AND id = $4 AND status = 'running' AND EXISTS (SELECT FROM held)
          AND after_id IS NOT DISTINCT FROM $9
        RETURNING endpoint_id
      ), reopened AS (
        INSERT INTO dispatcher.deliveries AS d
          (day, event_id, endpoint_id, id, ledger_id, shard, event_type, account_ids, owner_id, status, next_attempt_at)
        SELECT f.day, f.event_id, moved.endpoint_id, f.id, $3, $10, f.type, f.account_ids::uuid[], $22, 'pending',
          CASE WHEN NOT f.is_in_lanes THEN clock_timestamp() END
        FROM moved, unnest($11::date[], $12::uuid[], $13::uuid[], $14::text[], $15::text[], $16::boolean[])
          AS f(day, event_id, id, type, account_ids, is_in_lanes)
        ON CONFLICT (day, event_id, endpoint_id) DO UPDATE
          SET status = 'pending', schedule_from = d.attempts, is_manual = false,
            next_attempt_at = CASE WHEN d.status = 'pending' THEN clock_timestamp() ELSE excluded.next_attempt_at END
          WHERE d.status IN ('failed', 'exhausted', 'cancelled')
            OR d.status = 'pending' AND d.next_attempt_at IS NOT NULL
        RETURNING d.event_id
      ), in_lanes AS (
        INSERT INTO dispatcher.lane_entries (endpoint_id, account_id, epoch, position, day, event_id)
        SELECT moved.endpoint_id, l.account_id, l.epoch, l.position, l.day, l.event_id
        FROM moved, unnest($17::uuid[], $18::integer[], $19::bigint[], $20::date[], $21::uuid[])
          AS l(account_id, epoch, position, day, event_id)
        WHERE l.event_id IN (SELECT event_id FROM reopened)
        ON CONFLICT DO NOTHING
      )
      SELECT FROM moved`,
    values: [
      ...termValues([term]),
      ledgerId,
      recovery.id,
      last.at,
      last.id,
      found.length,
      isLast,
      after.id,
      recovery.shard,
      found.map(({ day }) => day),
      found.map(({ event_id }) => event_id),
      found.map(() => newUuid()),
      found.map(({ type }) => type),
      found.map(({ account_ids }) => `{${account_ids.join(',')}}`),
      found.map((_, index) => (lanes[index]?.length ?? 0) > 0),
      entries.map(({ accountId }) => accountId),
      entries.map(({ index }) => found[index]?.epoch),
      entries.map(({ index }) => found[index]?.position),
      entries.map(({ index }) => found[index]?.day),
      entries.map(({ index }) => found[index]?.event_id),
      recovery.endpoint.ownerId,
    ],
  });
  return rowCount === 1;
}

async function endRecovery(db: pg.Pool, ledgerId: string, id: string, term: ShardTerm): Promise<void> {
  await db.query({
    name: 'recovery-cancel',
    text: `WITH ${heldTerms}
      UPDATE dispatcher.recoveries SET status = 'cancelled'
      WHERE ledger_id = $3 AND id = $4 AND status = 'running' AND EXISTS (SELECT FROM held)`,
    values: [...termValues([term]), ledgerId, id],
  });
}

/** As intake puts them, from the legs that are stored with the event. */
function lanesOfFound({ accountIds }: RecoverableEndpoint, { value }: FoundRow): string[] {
  const own = (value?.legs ?? []).filter((leg) => accountIds.length > 0 || leg.system === null);
  const ids = own.map((leg) => decodeTypeId('acc', leg.accountId)).filter((id) => id !== null);
  return [...new Set(ids)].filter((id) => accountIds.length === 0 || accountIds.includes(id));
}
