import { pipeline, Readable } from 'node:stream';
import { stringify } from 'csv-stringify';

/** In the order of the columns; the header row has these names. */
const statementColumns = [
  'id',
  'transactionId',
  'direction',
  'amount',
  'balanceAfter',
  'entryNumber',
  'counterparty',
  'reference',
  'createdAt',
  'effectiveAt',
] as const;

/** A line as it is presented: null where there is nothing, or nothing for the reader to see. */
export type StatementCsvLine = Readonly<Record<(typeof statementColumns)[number], string | number | null>>;

/**
 * A statement's lines as CSV (RFC 4180) with a header row, in UTF-8. It reads a line when there is room for it, so
 * that a long statement takes no more memory than a short one. Text that a spreadsheet would take for a formula gets
 * an apostrophe in front; amounts are ours, and keep their minus. An error of the lines ends the stream with it.
 */
export function statementCsv(lines: AsyncIterable<StatementCsvLine>): Readable {
  const csv = stringify({
    header: true,
    columns: statementColumns,
    record_delimiter: 'windows',
    quote_record_delimiter: true,
    escape_formulas: true,
  });
  // Errors reach the reader through the stream itself, which the pipeline destroys with them.
  pipeline(Readable.from(recordsOf(lines)), csv, () => undefined);
  return csv;
}

async function* recordsOf(lines: AsyncIterable<StatementCsvLine>) {
  // Of a bigint the minus is a sign to the library, of text it could begin a formula.
  for await (const line of lines) {
    yield {
      ...line,
      amount: BigInt(line.amount ?? 0),
      balanceAfter: BigInt(line.balanceAfter ?? 0),
    };
  }
}
