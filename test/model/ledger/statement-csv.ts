/** A statement's lines as a file: RFC 4180, with a header row. */
const columns = [
  ...[
    'id',
    'transactionId',
    'direction',
    'amount',
    'balanceAfter',
    'entryNumber',
    'counterparty',
    'reference',
  ],
  ...['createdAt', 'effectiveAt'],
];
const amounts = ['amount', 'balanceAfter'];
const lineEnd = '\r\n';

type Line = Readonly<Record<string, string | number | null>>;

export function statementCsv(lines: readonly Line[]): string {
  const rows = lines.map((line) => columns.map((column) => quoted(cellOf(column, line[column] ?? null))));
  return [columns, ...rows].map((cells) => cells.join(',') + lineEnd).join('');
}

/** A text that a spreadsheet would take for a formula begins with an apostrophe; a number keeps its minus. */
function cellOf(column: string, value: string | number | null): string {
  const text = String(value ?? '');
  return !amounts.includes(column) && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
}

const quoted = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
