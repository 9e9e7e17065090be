import type pg from 'pg';

const rowsPerStepMax = 5_000;

/** Deletes some of what is older in the lanes of all endpoints. Returns whether there may be more. */
export async function deleteOldLanes(db: pg.ClientBase, firstKept: string): Promise<boolean> {
  const { rowCount: entries } = await db.query(
    `DELETE FROM dispatcher.lane_entries WHERE ctid = ANY (ARRAY(
      SELECT ctid FROM dispatcher.lane_entries WHERE day < $1::date LIMIT ${rowsPerStepMax}))`,
    [firstKept],
  );
  const { rowCount: skips } = await db.query(
    `DELETE FROM dispatcher.lane_skips WHERE ctid = ANY (ARRAY(
      SELECT ctid FROM dispatcher.lane_skips WHERE skipped_at < $1::date LIMIT ${rowsPerStepMax}))`,
    [firstKept],
  );
  return entries === rowsPerStepMax || skips === rowsPerStepMax;
}
