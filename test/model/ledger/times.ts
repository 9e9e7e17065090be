/** Times are kept as the answers write them, UTC with six decimals: so they compare as text. */
const written = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?(Z|[+-]\d\d:\d\d)$/;
const writtenDay = /^\d{4}-\d\d-\d\d$/;
const dayMs = 86_400_000;

export const endOfTime = '9999-12-31T23:59:59.999999Z';

export function readTime(value: unknown): string | null {
  const parts = typeof value === 'string' ? written.exec(value) : null;
  if (parts === null) return null;
  const [, seconds, fraction = '', zone] = parts;
  const local = Date.parse(`${seconds}Z`);
  if (Number.isNaN(local) || new Date(local).toISOString().slice(0, 19) !== seconds) return null;
  const ms = Date.parse(`${seconds}${zone}`);
  if (Number.isNaN(ms) || seconds.startsWith('0000')) return null;
  return `${new Date(ms).toISOString().slice(0, 19)}.${fraction.padEnd(6, '0')}Z`;
}

export function isDay(date: unknown): date is string {
  return typeof date === 'string' && writtenDay.test(date);
}

/** Before when the books are closed through a day of UTC, that day included, or through a moment, itself left out. */
export function readClosedBefore(date: unknown): string | null {
  if (!isDay(date)) return readTime(date);
  const begin = readTime(`${date}T00:00:00Z`);
  return begin === null ? null : readTime(new Date(Date.parse(begin) + dayMs).toISOString());
}
