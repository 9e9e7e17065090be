import type pg from 'pg';
import { microsSql } from '#platform';
import { entryColumnsSql, readEntryRow, type EntryRow, type EntrySqlRow } from './entry-row.js';

/** A line of a statement: an entry, with the balance after it in the order of the statement. */
export interface StatementLine extends EntryRow {
  /** Microseconds since 1970; recordedAt where it wasn't back-dated. */
  readonly effectiveAt: bigint;
}

/** Of which account, and read with what. */
export interface StatementSource {
  readonly db: Pick<pg.Pool, 'query'>;
  readonly ledgerId: string;
  readonly accountId: string;
}

/** Positions after the first, up to and with the second. */
export interface RecordedRange {
  readonly after: bigint;
  readonly upTo: bigint;
}

/** Microseconds since 1970, `to` itself left out, of what was recorded up to a position. */
export interface EffectiveRange {
  readonly from: bigint;
  readonly to: bigint;
  readonly upTo: bigint;
}

/** All that a statement holds of its lines at a time, once for each of the readings that it merges. */
const linesPerPage = 1_000;

/** Lines in the order of the journal, with the balances that were stored with them. */
export async function* linesByRecordedTime(
  source: StatementSource,
  range: RecordedRange,
): AsyncGenerator<StatementLine> {
  for await (const { line } of readEntries(source, range)) yield line;
}

/**
 * Lines by (effectiveAt, position, leg), each with the balance that the account would have had if all had been
 * recorded when it took effect. Two readings in that order are merged: entries that aren't back-dated, which took
 * effect when they were recorded, and back-dated ones, wherever they were recorded.
 */
export async function* linesByEffectiveTime(
  source: StatementSource,
  recorded: RecordedRange,
  effective: EffectiveRange,
  openingBalance: bigint,
): AsyncGenerator<StatementLine> {
  const onTime = readEntriesOnTime(source, recorded);
  const backdated = readBackdated(source, effective);
  let balanceAfter = openingBalance;
  let [next, late] = [await onTime.next(), await backdated.next()];
  for (;;) {
    const takesLate: boolean = !late.done && (next.done || isBefore(late.value, next.value));
    const taken = takesLate ? late : next;
    if (taken.done) return;
    const { direction, amount } = taken.value;
    balanceAfter += direction === 'credit' ? amount : -amount;
    yield { ...taken.value, balanceAfter };
    if (takesLate) late = await backdated.next();
    else next = await onTime.next();
  }
}

function isBefore(a: StatementLine, b: StatementLine): boolean {
  if (a.effectiveAt !== b.effectiveAt) return a.effectiveAt < b.effectiveAt;
  return a.position === b.position ? a.leg < b.leg : a.position < b.position;
}

async function* readEntriesOnTime(
  source: StatementSource,
  range: RecordedRange,
): AsyncGenerator<StatementLine, undefined> {
  for await (const { line, isBackdated } of readEntries(source, range)) if (!isBackdated) yield line;
}

/** Back-dated ones among them are looked up one by one, so that a page reads no more of either than it has lines. */
async function* readEntries(
  { db, ledgerId, accountId }: StatementSource,
  { after, upTo }: RecordedRange,
): AsyncGenerator<{ readonly line: StatementLine; readonly isBackdated: boolean }, undefined> {
  // No leg comes after the greatest one of a position.
  let last: { readonly position: bigint; readonly leg: number } = { position: after, leg: legMax };
  for (;;) {
    const { rows } = await db.query<EntrySqlRow & { effective_at: string | null }>({
      name: 'statement-entries',
      text: `SELECT ${entryColumnsSql('e')}, ${microsSql('b.effective_at')} AS effective_at
        FROM (
          SELECT * FROM projections.entries
          WHERE ledger_id = $1 AND account_id = $2 AND (position, leg) > ($3, $4) AND position <= $5
          ORDER BY position, leg LIMIT ${linesPerPage}
        ) e
        LEFT JOIN LATERAL (
          SELECT l.effective_at FROM projections.backdated_legs l
          WHERE l.ledger_id = $1 AND l.account_id = $2 AND l.position = e.position AND l.leg = e.leg OFFSET 0
        ) b ON true
        ORDER BY e.position, e.leg`,
      values: [ledgerId, accountId, last.position, last.leg, upTo],
    });
    for (const row of rows) {
      const entry = readEntryRow(row);
      const effectiveAt = row.effective_at === null ? entry.recordedAt : BigInt(row.effective_at);
      yield { line: { ...entry, effectiveAt }, isBackdated: row.effective_at !== null };
      last = entry;
    }
    if (rows.length < linesPerPage) return;
  }
}

const legMax = 2_147_483_647;

async function* readBackdated(
  { db, ledgerId, accountId }: StatementSource,
  { from, to, upTo }: EffectiveRange,
): AsyncGenerator<StatementLine, undefined> {
  // No event has a position before 1.
  let last = { effectiveAt: from, position: 0n, leg: 0 };
  for (;;) {
    const { rows } = await db.query<EntrySqlRow & { effective_at: string }>({
      name: 'statement-backdated',
      text: `SELECT ${entryColumnsSql('e')}, ${microsSql('b.effective_at')} AS effective_at
        FROM (
          SELECT position, leg, effective_at FROM projections.backdated_legs
          WHERE ledger_id = $1 AND account_id = $2 AND position <= $7 AND effective_at < ${timeSql('$6')}
            AND (effective_at, position, leg) > (${timeSql('$3')}, $4, $5)
          ORDER BY effective_at, position, leg LIMIT ${linesPerPage}
        ) b
        CROSS JOIN LATERAL (
          SELECT * FROM projections.entries n
          WHERE n.ledger_id = $1 AND n.account_id = $2 AND n.position = b.position AND n.leg = b.leg OFFSET 0
        ) e
        ORDER BY b.effective_at, b.position, b.leg`,
      values: [ledgerId, accountId, last.effectiveAt, last.position, last.leg, to, upTo],
    });
    for (const row of rows) {
      const line = { ...readEntryRow(row), effectiveAt: BigInt(row.effective_at) };
      yield line;
      last = line;
    }
    if (rows.length < linesPerPage) return;
  }
}

function timeSql(micros: string): string {
  return `timestamptz 'epoch' + ${micros}::bigint * interval '1 microsecond'`;
}
