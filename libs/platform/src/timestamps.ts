/**
 * Points in time are microseconds since 1970 (UTC) held as bigint, as precise as Postgres keeps them, and
 * are written as ISO 8601 with six decimals.
 */
export function formatTimestamp(micros: bigint): string {
  const fraction = ((micros % 1_000_000n) + 1_000_000n) % 1_000_000n;
  const seconds = (micros - fraction) / 1_000_000n;
  // Most times that are written together are of one second.
  if (seconds !== formatted.seconds) {
    formatted = { seconds, text: new Date(Number(seconds) * 1000).toISOString().slice(0, -4) };
  }
  return `${formatted.text}${String(fraction).padStart(6, '0')}Z`;
}

let formatted: { seconds: bigint | null; text: string } = { seconds: null, text: '' };

const iso8601 = /^(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}(?::\d{2})?)(?:\.(\d{1,6}))?(Z|[+-]\d{2}:\d{2})$/;

/** The years 1 to 9999 in UTC: what both four digits and Postgres can say. */
const earliest = -62_135_596_800_000_000n;
const latest = 253_402_300_799_999_999n;

/**
 * Reads ISO 8601 with a zone; seconds and fractions may be missing. Null where it isn't a real time, or not one of
 * the years 1 to 9999.
 */
export function parseTimestamp(text: string): bigint | null {
  const match = iso8601.exec(text);
  if (!match) return null;
  const [, date = '', time = '', fraction = '', zone = ''] = match;
  const seconds = time.length === 5 ? `${time}:00` : time;
  const millis = Date.parse(`${date}T${seconds}${zone}`);
  if (Number.isNaN(millis) || !isCalendarDate(date)) return null;
  const micros = BigInt(millis) * 1000n + BigInt(fraction.padEnd(6, '0'));
  return micros < earliest || micros > latest ? null : micros;
}

/** Date.parse lets 30 February pass as 1 or 2 March. */
function isCalendarDate(date: string): boolean {
  return new Date(`${date}T00:00:00Z`).toISOString().startsWith(date);
}

/** SQL that reads a timestamptz column as microseconds, in text. */
export function microsSql(column: string): string {
  return `(extract(epoch from ${column}) * 1000000)::bigint::text`;
}
