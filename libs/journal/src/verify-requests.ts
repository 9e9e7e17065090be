import type pg from 'pg';
import type { KeptItem } from './batch-answer.js';
import type { Difference } from './difference.js';

interface WrongRow {
  readonly key: string;
  readonly position: string;
  readonly expected: string;
  readonly found: string;
}

/**
 * Every request covers events of its own key and hash, and every event with a key is covered by one request. Of a
 * client's batch the events of an item may have the item's key instead, with a request of its own inside. Owners
 * are told apart by the requests alone: two may use the same key.
 */
const wrongRequestsSql = `
  WITH kept AS (
    SELECT owner, key, request_hash, first_position AS first, last_position AS last, answer IS NOT NULL AS is_batch
    FROM journal.requests WHERE ledger_id = $1
  ), keyed AS (
    SELECT idempotency_key AS key, request_hash, position
    FROM journal.events WHERE ledger_id = $1 AND idempotency_key IS NOT NULL
  ), differences AS (
    SELECT k.key, k.first AS position, 'a request for ' || (k.last - k.first + 1) || ' events' AS found,
      count(e.position) || ' such events' AS expected
    FROM kept k LEFT JOIN keyed e
      ON e.key = k.key AND e.request_hash = k.request_hash AND e.position BETWEEN k.first AND k.last
    WHERE NOT k.is_batch
    GROUP BY k.key, k.request_hash, k.first, k.last
    HAVING count(e.position) <> k.last - k.first + 1
    UNION ALL
    SELECT b.key, b.first, 'a batch of ' || (b.last - b.first + 1) || ' events', e.count || ' such events'
    FROM kept b CROSS JOIN LATERAL (
      SELECT count(*) AS count FROM journal.events v
      WHERE v.ledger_id = $1 AND v.position BETWEEN b.first AND b.last
        AND ((v.idempotency_key = b.key AND v.request_hash = b.request_hash) OR EXISTS (
          SELECT 1 FROM journal.requests i
          WHERE i.ledger_id = $1 AND i.owner = b.owner AND i.key = v.idempotency_key
            AND i.request_hash = v.request_hash AND i.answer IS NULL
            AND i.first_position >= b.first AND i.last_position <= b.last))
    ) e
    WHERE b.is_batch AND e.count <> b.last - b.first + 1
    UNION ALL
    SELECT e.key, e.position, count(k.key) || ' requests', '1 request'
    FROM keyed e LEFT JOIN kept k
      ON k.key = e.key AND k.request_hash = e.request_hash AND e.position BETWEEN k.first AND k.last
    GROUP BY e.key, e.position
    HAVING count(k.key) <> 1
  )
  SELECT key, position::text, expected, found FROM differences ORDER BY differences.position, found LIMIT 1`;

export async function verifyRequests(db: pg.ClientBase, ledgerId: string): Promise<Difference | null> {
  const { rows } = await db.query<WrongRow>({ text: wrongRequestsSql, values: [ledgerId] });
  const row = rows[0];
  if (!row) return verifyAnswers(db, ledgerId);
  const { key, position, expected, found } = row;
  return { ledgerId, subject: `idempotency key ${key}`, position: BigInt(position), expected, found };
}

/** An answer takes up to some hundred bytes an item. */
const answersPerRead = 100;

interface AnswerRow {
  readonly owner: string;
  readonly key: string;
  readonly first: string;
  readonly last: string;
  readonly answer: readonly KeptItem[];
}

/** The answers of batches name all events of the batch, in order, and older ones only where they are replays. */
async function verifyAnswers(db: pg.ClientBase, ledgerId: string): Promise<Difference | null> {
  let after = { owner: '', key: '' };
  for (;;) {
    const { rows } = await db.query<AnswerRow>({
      text: `SELECT owner, key, first_position::text AS first, last_position::text AS last, answer
        FROM journal.requests WHERE ledger_id = $1 AND (owner, key) > ($2, $3) AND answer IS NOT NULL
        ORDER BY owner, key LIMIT $4`,
      values: [ledgerId, after.owner, after.key, answersPerRead],
    });
    for (const row of rows) {
      const wrong = differenceOf(row);
      if (wrong === null) continue;
      const subject = `answer to the batch under idempotency key ${row.key}`;
      return { ledgerId, subject, position: BigInt(row.first), ...wrong };
    }
    const last = rows.at(-1);
    if (!last) return null;
    after = last;
  }
}

function differenceOf({ first, last, answer }: AnswerRow): Pick<Difference, 'expected' | 'found'> | null {
  let next = BigInt(first);
  for (const [index, item] of answer.entries()) {
    if ('refusal' in item) continue;
    const what = `item ${index} at ${item.first} to ${item.last}`;
    if (item.isReplay) {
      if (BigInt(item.last) < next && BigInt(item.first) <= BigInt(item.last)) continue;
      return { expected: `a replay from before ${next}`, found: what };
    }
    if (BigInt(item.first) !== next || BigInt(item.last) < next) {
      return { expected: `an item at ${next}`, found: what };
    }
    next = BigInt(item.last) + 1n;
  }
  if (next === BigInt(last) + 1n) return null;
  return { expected: `items up to ${last}`, found: `items up to ${next - 1n}` };
}
