import pg from 'pg';
import { isTransactionEvent } from '#domain';
import { decodeProgress, type Difference, type EncodedProgress, type EventObserver } from '#journal';
import { formatTimestamp, microsSql } from '#platform';
import { findWrongSum } from './backdating.js';
import { readProgress } from './checkpoints.js';
import { ExpectedRows, progressText, type Line } from './expected-rows.js';
import { listsProjection } from './lists-projection.js';

type Run = Parameters<EventObserver>[0];

const rowsPerFetch = 5_000;
const cursorName = 'verify_projections';

/**
 * Compares what lists are served from with what the events say, run by run. The stored rows come through one cursor
 * in the order of the journal, so that each is read once however large the ledger is. How far transactions have come
 * is compared at the end, and is all that is remembered of them: a line for each that has.
 */
export class ProjectionVerifier {
  private readonly fetched: Line[] = [];
  private readonly expected = new ExpectedRows();
  private readonly storedProgress = new Map<string, string>();

  private constructor(
    private readonly db: pg.ClientBase,
    private readonly ledgerId: string,
    private readonly head: bigint,
    private readonly reached: bigint,
  ) {}

  /** To be called in a transaction, which the cursor lives in. */
  static async open(db: pg.ClientBase, ledgerId: string): Promise<ProjectionVerifier> {
    const { head, reached } = await readProgress(db, ledgerId, listsProjection.name);
    await db.query(`DECLARE ${cursorName} NO SCROLL CURSOR FOR ${storedRowsSql(ledgerId)}`);
    return new ProjectionVerifier(db, ledgerId, head, reached);
  }

  readonly observe: EventObserver = async (run) => {
    const last = run.at(-1);
    if (!last) return null;
    const expected = await this.expectedLines(run);
    return firstDifference(this.ledgerId, expected, await this.storedUpTo(last.recorded.position));
  };

  /** Rows that are left belong to no event. */
  async finish(): Promise<Difference | null> {
    const [extra] = await this.storedUpTo(null);
    await this.db.query(`CLOSE ${cursorName}`);
    if (extra) return firstDifference(this.ledgerId, [], [extra]);
    return this.compareProgress() ?? (await this.compareSums()) ?? this.compareCheckpoint();
  }

  private compareProgress(): Difference | null {
    const { progress } = this.expected;
    for (const id of new Set([...progress.keys(), ...this.storedProgress.keys()])) {
      const expected = progress.get(id) ?? progressText('posted', null);
      const found = this.storedProgress.get(id) ?? progressText('posted', null);
      if (expected !== found) return this.difference(`transaction ${id} in the lists`, expected, found);
    }
    return null;
  }

  private async compareSums(): Promise<Difference | null> {
    const wrong = await findWrongSum(this.db, this.ledgerId);
    return wrong && this.difference(`back-dated sum ${wrong.bucket}`, wrong.expected, wrong.found);
  }

  private compareCheckpoint(): Difference | null {
    if (this.reached <= this.head) return null;
    const [expected, found] = [`at most ${this.head}`, String(this.reached)];
    return { ...this.difference('checkpoint of the lists', expected, found), position: this.reached };
  }

  private difference(subject: string, expected: string, found: string): Difference {
    return { ledgerId: this.ledgerId, subject, position: null, expected, found };
  }

  private async expectedLines(run: Run): Promise<Line[]> {
    const projected = run.filter(({ recorded }) => recorded.position <= this.reached);
    const references = projected.map(({ event }) =>
      event && isTransactionEvent(event) ? event.transaction.reference : null,
    );
    const folded = await lowerCase(this.db, references);
    return sorted(
      projected.flatMap(({ recorded, event }, index) =>
        event === null ? [] : this.expected.linesOf(recorded, event, folded[index] ?? null),
      ),
    );
  }

  private async storedUpTo(position: bigint | null): Promise<Line[]> {
    const isWanted = (line: Line | undefined) =>
      line === undefined || position === null || line[0] <= position;
    while (isWanted(this.fetched.at(-1))) {
      const { rows } = await this.db.query<StoredRow>(`FETCH ${rowsPerFetch} FROM ${cursorName}`);
      if (rows.length === 0) break;
      this.fetched.push(...rows.map((row) => this.storedLine(row)));
      if (position === null) break;
    }
    const end = this.fetched.findIndex((line) => !isWanted(line));
    return sorted(this.fetched.splice(0, end === -1 ? this.fetched.length : end));
  }

  private storedLine({ position, columns, status, progress }: StoredRow): Line {
    const [table, id] = columns;
    if (table === 'transaction' && (status !== 'posted' || progress !== null)) {
      this.storedProgress.set(String(id), progressText(String(status), progress && decodeProgress(progress)));
    }
    // A row that has a time has it last, in microseconds.
    const isTimed = table === 'entry' || table === 'backdated';
    const shown = columns.map((value, index) =>
      isTimed && index === columns.length - 1 ? formatTimestamp(BigInt(String(value))) : value,
    );
    return [BigInt(position), JSON.stringify(shown)];
  }
}

function firstDifference(ledgerId: string, expected: Line[], found: Line[]): Difference | null {
  for (let index = 0; index < Math.max(expected.length, found.length); index += 1) {
    const [e, f] = [expected[index], found[index]];
    if (e?.[1] === f?.[1]) continue;
    // Of two sorted lists the smaller line is the one that the other list lacks.
    const isMissing = e !== undefined && (f === undefined || isBefore(e, f));
    return {
      ledgerId,
      subject: 'lists',
      position: (isMissing ? e : f)?.[0] ?? null,
      expected: isMissing ? e[1] : 'no such row',
      found: isMissing ? 'no such row' : (f?.[1] ?? 'no such row'),
    };
  }
  return null;
}

function isBefore(a: Line, b: Line): boolean {
  return a[0] === b[0] ? a[1] < b[1] : a[0] < b[0];
}

function sorted(lines: Line[]): Line[] {
  return lines.sort((a, b) => (isBefore(a, b) ? -1 : 1));
}

/** Postgres and JavaScript disagree on the lower case of a few letters; the table has Postgres's. */
async function lowerCase(db: pg.ClientBase, texts: readonly (string | null)[]): Promise<(string | null)[]> {
  const { rows } = await db.query<{ folded: string | null }>({
    text: 'SELECT lower(t) AS folded FROM unnest($1::text[]) WITH ORDINALITY AS u(t, n) ORDER BY n',
    values: [texts],
  });
  return rows.map(({ folded }) => folded);
}

interface StoredRow {
  readonly position: string;
  readonly columns: readonly unknown[];
  /** Of transactions alone. */
  readonly status: string | null;
  readonly progress: EncodedProgress | null;
}

/** A cursor's query takes no parameters: the id is checked by its own type before it is written out. */
function storedRowsSql(ledgerId: string): string {
  const ledger = `${pg.escapeLiteral(ledgerId)}::uuid`;
  return `SELECT position::text, json_build_array('transaction', id, type, amount::text, currency,
      amounts::text[], currencies, reference, external_id, parent_id) AS columns, status, progress, position AS place
    FROM projections.transactions WHERE ledger_id = ${ledger}
    UNION ALL SELECT position::text, json_build_array('party', account_id, side, hold_owner_id, hold_visibility),
      NULL, NULL, position
    FROM projections.transaction_parties WHERE ledger_id = ${ledger}
    UNION ALL SELECT position::text, json_build_array('owner', owner_id), NULL, NULL, position
    FROM projections.event_owners WHERE ledger_id = ${ledger}
    UNION ALL SELECT position::text, json_build_array('entry', account_id, leg, event_id, transaction_id, direction,
      amount::text, balance_after::text, entry_number, counterparty_id, counterparty_system,
      counterparty_visibility, counterparty_owner_id, reference, ${microsSql('recorded_at')}), NULL, NULL, position
    FROM projections.entries WHERE ledger_id = ${ledger}
    UNION ALL SELECT position::text, json_build_array('backdated', account_id, leg, direction, amount::text,
      recorded_sum::text, ${microsSql('effective_at')}), NULL, NULL, position
    FROM projections.backdated_legs WHERE ledger_id = ${ledger}
    ORDER BY place`;
}
