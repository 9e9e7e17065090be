import type pg from 'pg';

/** A partition as one subscriber reads it; what is stored is the offset of the next message that it wants. */
export interface OffsetKey {
  readonly subscriber: string;
  readonly topic: string;
  readonly partition: number;
}

type Queryable = Pick<pg.ClientBase, 'query'>;

/** Keeps every other reader of this partition waiting until the transaction ends. Null where none is stored. */
export async function lockOffset(db: Queryable, key: OffsetKey): Promise<bigint | null> {
  const { rows } = await db.query<{ position: string }>({
    name: 'lock-offset',
    text: `SELECT position::text FROM stream.offsets
      WHERE subscriber = $1 AND topic = $2 AND partition = $3 FOR UPDATE`,
    values: valuesOf(key),
  });
  return rows[0] ? BigInt(rows[0].position) : null;
}

export async function saveOffset(db: Queryable, key: OffsetKey, next: bigint): Promise<void> {
  await db.query({
    name: 'save-offset',
    text: `UPDATE stream.offsets SET position = $4 WHERE subscriber = $1 AND topic = $2 AND partition = $3`,
    values: [...valuesOf(key), next],
  });
}

/** The stored one, which is this one where there was none. */
export async function findOrCreateOffset(db: Queryable, key: OffsetKey, first: bigint): Promise<bigint> {
  await db.query({
    name: 'create-offset',
    text: `INSERT INTO stream.offsets (subscriber, topic, partition, position) VALUES ($1, $2, $3, $4)
      ON CONFLICT DO NOTHING`,
    values: [...valuesOf(key), first],
  });
  const { rows } = await db.query<{ position: string }>({
    name: 'read-offset',
    text: `SELECT position::text FROM stream.offsets
      WHERE subscriber = $1 AND topic = $2 AND partition = $3`,
    values: valuesOf(key),
  });
  return rows[0] ? BigInt(rows[0].position) : first;
}

function valuesOf({ subscriber, topic, partition }: OffsetKey): string[] {
  return [subscriber, topic, String(partition)];
}
