import type pg from 'pg';

/*
 * Those that read the journal keep where they stand in the same database, or are restored apart from it. What is done
 * for them after a restore is done for all ledgers.
 */

/** The highest epoch that any of them has seen. */
export async function highestEpochOfReaders(db: pg.ClientBase): Promise<number> {
  const { rows } = await db.query<{ epoch: number }>(
    `SELECT greatest(1, (SELECT max(epoch) FROM dispatcher.ledgers), (SELECT max(epoch) FROM stream.offsets),
      (SELECT max(epoch) FROM publishing.checkpoints)) AS epoch`,
  );
  return rows[0]?.epoch ?? 1;
}

/**
 * The publisher goes by position alone: a checkpoint beyond the head, where the journal was restored without it, would
 * keep the next events from Kafka.
 */
export async function bringPublisherBack(db: pg.ClientBase): Promise<void> {
  await db.query(
    `UPDATE publishing.checkpoints c SET position = h.position
     FROM journal.heads h WHERE h.ledger_id = c.ledger_id AND c.position > h.position`,
  );
}
