import type pg from 'pg';
import { inTransaction } from '#platform';
import {
  claimCheckpoint,
  createCheckpoint,
  isForUnknownEvent,
  saveCheckpoint,
  unknownEventReason,
} from './checkpoints.js';
import type { EventRange, Projection } from './projection.js';

/** What a turn came to. `isBehind`: there is more to project. */
export type TurnOutcome =
  | { readonly result: 'busy' | 'parked_before'; readonly events: 0; readonly isBehind: false }
  | { readonly result: 'projected'; readonly events: number; readonly isBehind: boolean }
  | {
      readonly result: 'parked';
      readonly events: number;
      readonly isBehind: false;
      readonly position: bigint;
      readonly reason: string;
    };

/**
 * One turn is one transaction: it claims the ledger's checkpoint, writes the rows of the events past it and
 * saves the new checkpoint, so that each event is projected once, whoever works and whenever it is killed.
 * An event that can't be projected parks the ledger in front of it. One that a process of another release didn't know
 * is projected all the same where this one does.
 */
export async function takeTurn(
  pool: pg.Pool,
  ledgerId: string,
  projection: Projection,
  eventsMax: number,
): Promise<TurnOutcome> {
  try {
    return await inTransaction(pool, (db) => turn(db, ledgerId, projection, eventsMax, projectWhole));
  } catch (error) {
    if (!isDataError(error)) throw error;
    return await inTransaction(pool, (db) => turn(db, ledgerId, projection, eventsMax, projectUpToPoison));
  }
}

interface Stop {
  readonly reached: bigint;
  readonly reason: string | null;
}

type ProjectRange = (
  db: pg.ClientBase,
  ledgerId: string,
  projection: Projection,
  range: EventRange,
) => Promise<Stop>;

const parkedBefore = { result: 'parked_before', events: 0, isBehind: false } as const;

async function turn(
  db: pg.ClientBase,
  ledgerId: string,
  projection: Projection,
  eventsMax: number,
  projectRange: ProjectRange,
): Promise<TurnOutcome> {
  const checkpoint = await claimOrCreate(db, ledgerId, projection.name);
  if (!checkpoint) return { result: 'busy', events: 0, isBehind: false };
  const { position: after, parkedReason } = checkpoint;
  if (parkedReason !== null && !isForUnknownEvent(parkedReason)) return parkedBefore;
  const { head, unknown } = await readAhead(db, ledgerId, projection, after, eventsMax);
  if (parkedReason !== null && unknown?.position === after + 1n) return parkedBefore;
  const limit = after + BigInt(eventsMax);
  const whole = head < limit ? head : limit;
  const upTo = unknown ? unknown.position - 1n : whole;
  const projected: Stop =
    upTo > after
      ? await projectRange(db, ledgerId, projection, { after, upTo })
      : { reached: after, reason: null };
  const { reached } = projected;
  const reason = projected.reason ?? (unknown ? unknownEventReason(unknown.event) : null);
  const events = Number(reached - after);
  if (events > 0 || reason !== parkedReason) {
    await saveCheckpoint(db, ledgerId, projection.name, { position: reached, parkedReason: reason });
  }
  if (reason !== null) return { result: 'parked', events, isBehind: false, position: reached + 1n, reason };
  return { result: 'projected', events, isBehind: reached < head };
}

async function claimOrCreate(db: pg.ClientBase, ledgerId: string, projection: string) {
  const claimed = await claimCheckpoint(db, ledgerId, projection);
  if (claimed) return claimed;
  await createCheckpoint(db, ledgerId, projection);
  return await claimCheckpoint(db, ledgerId, projection);
}

const projectWhole: ProjectRange = async (db, ledgerId, projection, range) => {
  await projection.project(db, ledgerId, range);
  return { reached: range.upTo, reason: null };
};

/** Halves the range until the first event that fails stands alone, and keeps all that is before it. */
const projectUpToPoison: ProjectRange = async (db, ledgerId, projection, range) => {
  await db.query('SAVEPOINT range');
  try {
    await projection.project(db, ledgerId, range);
    await db.query('RELEASE SAVEPOINT range');
    return { reached: range.upTo, reason: null };
  } catch (error) {
    if (!isDataError(error)) throw error;
    await db.query('ROLLBACK TO SAVEPOINT range; RELEASE SAVEPOINT range');
    const { after, upTo } = range;
    if (upTo - after === 1n) return { reached: after, reason: describe(error) };
    const middle = after + (upTo - after) / 2n;
    const first = await projectUpToPoison(db, ledgerId, projection, { after, upTo: middle });
    if (first.reason !== null) return first;
    return await projectUpToPoison(db, ledgerId, projection, { after: middle, upTo });
  }
};

/** Where the journal ends, and the first event in reach that the projection doesn't understand. */
export async function readAhead(
  db: pg.ClientBase,
  ledgerId: string,
  { understands }: Pick<Projection, 'understands'>,
  after: bigint,
  eventsMax: number,
) {
  const { rows } = await db.query<{ head: string; position: string | null; event: string }>({
    name: 'read-ahead',
    text: `SELECT h.position::text AS head, u.position::text, u.event
      FROM journal.heads h LEFT JOIN LATERAL (
        SELECT e.position, 'event type ' || e.type || ' version ' || e.version AS event
        FROM journal.events e
        WHERE e.ledger_id = $1 AND e.position > $2 AND e.position <= $2 + $3::bigint
          AND (e.type, e.version) NOT IN (SELECT * FROM unnest($4::text[], $5::integer[]))
        ORDER BY e.position LIMIT 1
      ) u ON true
      WHERE h.ledger_id = $1`,
    values: [
      ledgerId,
      after,
      eventsMax,
      understands.map(({ type }) => type),
      understands.map(({ version }) => version),
    ],
  });
  const [row] = rows;
  const unknown = row?.position == null ? null : { position: BigInt(row.position), event: row.event };
  return { head: BigInt(row?.head ?? '0'), unknown };
}

/** Classes 22 (data exception) and 23 (constraint violation): the event is at fault, and will be next time. */
function isDataError(error: unknown): boolean {
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === 'string' && /^2[23][0-9A-Z]{3}$/.test(code);
}

function describe(error: unknown): string {
  const { code, message } = error as { code: string; message: string };
  return `${message} (${code})`.slice(0, 500);
}
