import type pg from 'pg';

type Queryable = Pick<pg.ClientBase, 'query'>;

/*
 * What an operator is shown: of all ledgers, or found by its number alone. What is decided about a letter is done
 * in its ledger.
 */

export interface DeadLetter {
  readonly id: string;
  readonly ledgerId: string | null;
  readonly origin: string;
  readonly reason: string | null;
  readonly createdAt: Date;
}

const listedMax = 1_000;

/** Those that need a decision, and not those that wait behind them. */
export async function listDeadLetters(db: Queryable): Promise<DeadLetter[]> {
  const { rows } = await db.query<DeadLetter>(
    `SELECT id, ledger_id AS "ledgerId", origin, reason, created_at AS "createdAt"
     FROM dispatcher.dead_letters WHERE reason IS NOT NULL ORDER BY id LIMIT ${listedMax}`,
  );
  return rows;
}

/** Null: its key is no ledger. Undefined: there is no such letter. */
export async function ledgerOfLetter(db: Queryable, id: string): Promise<string | null | undefined> {
  const { rows } = await db.query<{ ledger_id: string | null }>(
    'SELECT ledger_id FROM dispatcher.dead_letters WHERE id = $1',
    [id],
  );
  return rows[0]?.ledger_id;
}

export async function deleteLetterOfNobody(db: Queryable, id: string): Promise<void> {
  await db.query('DELETE FROM dispatcher.dead_letters WHERE id = $1 AND ledger_id IS NULL', [id]);
}

export interface Backlog {
  readonly parkedLedgers: number;
  readonly deadLetters: number;
}

const countedMax = 100_000;

/** What needs a person. */
export async function countParked(db: Queryable): Promise<Backlog> {
  const { rows } = await db.query<Backlog>({
    name: 'delivery-count-parked',
    text: `SELECT
        (SELECT count(*)::integer FROM dispatcher.ledgers WHERE parked_reason IS NOT NULL) AS "parkedLedgers",
        (SELECT count(*)::integer FROM (SELECT FROM dispatcher.dead_letters LIMIT ${countedMax}) l) AS "deadLetters"`,
  });
  return rows[0] ?? { parkedLedgers: 0, deadLetters: 0 };
}
