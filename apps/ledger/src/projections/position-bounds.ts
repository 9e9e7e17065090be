import type pg from 'pg';

/** Microseconds since 1970. */
export interface TimeBounds {
  readonly gte?: bigint | undefined;
  readonly gt?: bigint | undefined;
  readonly lte?: bigint | undefined;
  readonly lt?: bigint | undefined;
}

/** Positions from `from` on, and before `before` where that isn't null. */
export interface PositionBounds {
  readonly from: bigint;
  readonly before: bigint | null;
}

/**
 * Which positions were recorded within the times: recorded_at grows with every position of a ledger, so that
 * times are found by halving, some twenty rows for a million, and need no index. Events that are not there yet
 * are outside where any bound is given.
 */
export async function findPositionBounds(
  db: Pick<pg.Pool, 'query'>,
  ledgerId: string,
  { gte, gt, lte, lt }: TimeBounds,
): Promise<PositionBounds> {
  const froms = [gte, gt === undefined ? undefined : gt + 1n].filter((bound) => bound !== undefined);
  const befores = [lt, lte === undefined ? undefined : lte + 1n].filter((bound) => bound !== undefined);
  if (froms.length + befores.length === 0) return { from: 0n, before: null };
  // Bounds that were found one after the other hold together: what has a position keeps its time.
  const from = froms.length === 0 ? 0n : await findPosition(db, ledgerId, max(froms));
  const before = await findPosition(db, ledgerId, befores.length === 0 ? endOfTime : min(befores));
  return { from, before };
}

/** The last microsecond that a wire format with years of four digits can name. */
const endOfTime = 253_402_300_799_999_999n;

/** The first position recorded at the time or later; one past the head where there is none. */
async function findPosition(db: Pick<pg.Pool, 'query'>, ledgerId: string, micros: bigint): Promise<bigint> {
  const { rows } = await db.query<{ position: string }>({
    name: 'find-position',
    text: `WITH RECURSIVE search (low, high) AS (
        SELECT 0::bigint, h.position + 1 FROM journal.heads h WHERE h.ledger_id = $1
        UNION ALL
        SELECT CASE WHEN e.is_later THEN s.low ELSE s.middle END,
          CASE WHEN e.is_later THEN s.middle ELSE s.high END
        FROM (SELECT low, high, (low + high) / 2 AS middle FROM search WHERE high - low > 1) s
        CROSS JOIN LATERAL (
          SELECT v.recorded_at >= timestamptz 'epoch' + $2::bigint * interval '1 microsecond' AS is_later
          FROM journal.events v WHERE v.ledger_id = $1 AND v.position = s.middle OFFSET 0
        ) e
      )
      SELECT coalesce(min(high), 1)::text AS position FROM search`,
    values: [ledgerId, micros > endOfTime ? endOfTime : micros],
  });
  return BigInt(rows[0]?.position ?? '1');
}

function max(values: readonly bigint[]): bigint {
  return values.reduce((a, b) => (a > b ? a : b));
}

function min(values: readonly bigint[]): bigint {
  return values.reduce((a, b) => (a < b ? a : b));
}
