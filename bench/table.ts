import { availableParallelism, cpus, totalmem } from 'node:os';

export type Row = Readonly<Record<string, string>>;

/** All rows have the columns of the first; the first column is text, the others are figures. */
export function table(rows: readonly Row[]): string {
  const columns = Object.keys(rows[0] ?? {});
  const width = (column: string): number =>
    Math.max(column.length, ...rows.map((cells) => cells[column]?.length ?? 0));
  const line = (cells: (column: string) => string): string =>
    columns
      .map((column, index) =>
        index === 0 ? cells(column).padEnd(width(column)) : cells(column).padStart(width(column)),
      )
      .join('  ')
      .trimEnd();
  return [
    line((column) => column),
    line((column) => '-'.repeat(width(column))),
    ...rows.map((cells) => line((column) => cells[column] ?? '')),
  ].join('\n');
}

export function whole(value: number): string {
  return Math.round(value).toLocaleString('en');
}

export function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

/** What the figures come from. */
export function machine(): Record<string, unknown> {
  return {
    cores: availableParallelism(),
    processor: cpus()[0]?.model,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
  };
}
