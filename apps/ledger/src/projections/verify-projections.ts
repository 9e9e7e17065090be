import pg from 'pg';
import type { DomainEvent, Leg } from '#domain';
import type { Difference, EventObserver, RecordedEvent } from '#journal';
import { formatTimestamp, microsSql } from '#platform';
import { readProgress } from './checkpoints.js';
import { listsProjection } from './lists-projection.js';
import { systemPartyId } from './system-parties.js';

type Run = Parameters<EventObserver>[0];
/** A row as one line of text: table, position and every column. */
type Line = readonly [position: bigint, text: string];

const rowsPerFetch = 5_000;
const cursorName = 'verify_projections';

/**
 * Compares what lists are served from with what the events say, run by run. It makes the rows from the decoded
 * events, not by the projection's SQL, so that a mistake there is found as well. The stored rows come through
 * one cursor in the order of the journal, so that each is read once however large the ledger is.
 */
export class ProjectionVerifier {
  private readonly fetched: Line[] = [];

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
    const expected = await expectedLines(this.db, run, this.reached);
    return firstDifference(this.ledgerId, expected, await this.storedUpTo(last.recorded.position));
  };

  /** Rows that are left belong to no event. */
  async finish(): Promise<Difference | null> {
    const [extra] = await this.storedUpTo(null);
    await this.db.query(`CLOSE ${cursorName}`);
    if (extra) return firstDifference(this.ledgerId, [], [extra]);
    if (this.reached <= this.head) return null;
    const [expected, found] = [`at most ${this.head}`, String(this.reached)];
    return {
      ledgerId: this.ledgerId,
      subject: 'checkpoint of the lists',
      position: this.reached,
      expected,
      found,
    };
  }

  private async storedUpTo(position: bigint | null): Promise<Line[]> {
    const isWanted = (line: Line | undefined) =>
      line === undefined || position === null || line[0] <= position;
    while (isWanted(this.fetched.at(-1))) {
      const { rows } = await this.db.query<StoredRow>(`FETCH ${rowsPerFetch} FROM ${cursorName}`);
      if (rows.length === 0) break;
      this.fetched.push(...rows.map(storedLine));
      if (position === null) break;
    }
    const end = this.fetched.findIndex((line) => !isWanted(line));
    return sorted(this.fetched.splice(0, end === -1 ? this.fetched.length : end));
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

async function expectedLines(db: pg.ClientBase, run: Run, reached: bigint): Promise<Line[]> {
  const projected = run.filter(({ recorded }) => recorded.position <= reached);
  const references = projected.map(({ event }) =>
    event?.type === 'transaction.posted' ? event.transaction.reference : null,
  );
  const folded = await lowerCase(db, references);
  return sorted(
    projected.flatMap(({ recorded, event }, index) =>
      event === null ? [] : linesOf(recorded, event, folded[index] ?? null),
    ),
  );
}

/** Postgres and JavaScript disagree on the lower case of a few letters; the table has Postgres's. */
async function lowerCase(db: pg.ClientBase, texts: readonly (string | null)[]): Promise<(string | null)[]> {
  const { rows } = await db.query<{ folded: string | null }>({
    text: 'SELECT lower(t) AS folded FROM unnest($1::text[]) WITH ORDINALITY AS u(t, n) ORDER BY n',
    values: [texts],
  });
  return rows.map(({ folded }) => folded);
}

function linesOf(recorded: RecordedEvent, event: DomainEvent, foldedReference: string | null): Line[] {
  const { position } = recorded;
  const line = (table: string, ...columns: unknown[]): Line => [
    position,
    JSON.stringify([table, ...columns]),
  ];
  if (event.type !== 'transaction.posted') {
    const { ownerId, system } = event.account;
    return ownerId === null || system !== null ? [] : [line('owner', ownerId)];
  }
  const { transactionId, type, reference, externalId, legs } = event.transaction;
  const debits = legs.filter(({ direction }) => direction === 'debit');
  const single = debits.length === 1 ? debits[0] : undefined;
  const party = ({ system, accountId }: Leg) => (system === null ? accountId : systemPartyId(system));
  const side = ({ direction }: Leg) => (direction === 'debit' ? 'sender' : 'recipient');
  const parties = new Set(legs.map((leg) => JSON.stringify(['party', party(leg), side(leg)])));
  const owners = new Set(
    legs.flatMap(({ ownerId, system }) => (ownerId === null || system ? [] : [ownerId])),
  );
  const transaction = line(
    'transaction',
    transactionId,
    type,
    'posted',
    single?.amount.toString() ?? null,
    single?.currency ?? null,
    single ? null : debits.map(({ amount }) => amount.toString()),
    single ? null : debits.map(({ currency }) => currency),
    foldedReference,
    externalId,
  );
  const entries = legs.map((leg, index) => {
    const other = legs[leg.direction === 'debit' ? index + 1 : index - 1];
    return line(
      'entry',
      leg.accountId,
      leg.leg,
      recorded.id,
      transactionId,
      leg.direction,
      leg.amount.toString(),
      leg.posted.toString(),
      leg.entryNumber,
      other?.accountId,
      other?.system,
      other?.visibility,
      other?.ownerId,
      reference,
      formatTimestamp(recorded.recordedAt),
    );
  });
  const partyLines = [...parties].map((text): Line => [position, text]);
  return [transaction, ...partyLines, ...[...owners].map((owner) => line('owner', owner)), ...entries];
}

interface StoredRow {
  readonly position: string;
  readonly columns: readonly unknown[];
}

/** A cursor's query takes no parameters: the id is checked by its own type before it is written out. */
function storedRowsSql(ledgerId: string): string {
  const ledger = `${pg.escapeLiteral(ledgerId)}::uuid`;
  return `SELECT position::text, json_build_array('transaction', id, type, status, amount::text, currency,
      amounts::text[], currencies, reference, external_id) AS columns, position AS place
    FROM projections.transactions WHERE ledger_id = ${ledger}
    UNION ALL SELECT position::text, json_build_array('party', account_id, side), position
    FROM projections.transaction_parties WHERE ledger_id = ${ledger}
    UNION ALL SELECT position::text, json_build_array('owner', owner_id), position
    FROM projections.event_owners WHERE ledger_id = ${ledger}
    UNION ALL SELECT position::text, json_build_array('entry', account_id, leg, event_id, transaction_id, direction,
      amount::text, balance_after::text, entry_number, counterparty_id, counterparty_system,
      counterparty_visibility, counterparty_owner_id, reference, ${microsSql('recorded_at')}), position
    FROM projections.entries WHERE ledger_id = ${ledger}
    ORDER BY place`;
}

function storedLine({ position, columns }: StoredRow): Line {
  // The time of an entry is its last column, in microseconds.
  const shown = columns.map((value, index) =>
    columns[0] === 'entry' && index === columns.length - 1 ? formatTimestamp(BigInt(String(value))) : value,
  );
  return [BigInt(position), JSON.stringify(shown)];
}
