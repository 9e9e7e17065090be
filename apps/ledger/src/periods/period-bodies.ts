import { field, rule } from '#openapi';
import { formatTimestamp, parseTimestamp } from '#platform';

const day = /^\d{4}-\d{2}-\d{2}$/;
const dayMicros = 86_400_000_000n;
/** The end of the last day that a year of four digits can name, and the beginning of the first. */
const closedBeforeMax = 253_402_300_800_000_000n;
const closedBeforeMin = -62_135_596_800_000_000n;

/**
 * From when on things may take effect, in microseconds since 1970: the end of a day of UTC, or a moment itself. Null
 * where the text is neither.
 */
export function closedBeforeOf(text: string): bigint | null {
  const micros = parseTimestamp(day.test(text) ? `${text}T00:00:00Z` : text);
  if (micros === null) return null;
  const closedBefore = day.test(text) ? micros + dayMicros : micros;
  return closedBefore < closedBeforeMin || closedBefore >= closedBeforeMax ? null : closedBefore;
}

/** What was asked for as answers and events write it: a day as it is, a moment as every other time. */
export function throughOf(text: string, closedBefore: bigint): string {
  return day.test(text) ? text : formatTimestamp(closedBefore);
}

export class ClosePeriodBody {
  @field(
    {
      description:
        'The last day (UTC) that is closed, such as 2025-12-31; or a moment in ISO 8601, before which all is',
      example: '2025-12-31',
    },
    {
      anyOf: [
        { type: 'string', format: 'date' },
        { type: 'string', format: 'date-time' },
      ],
    },
    rule(
      'day-or-moment',
      'must be a day (YYYY-MM-DD) or a time in ISO 8601 with a zone',
      (value) => typeof value === 'string' && closedBeforeOf(value) !== null,
    ),
  )
  date!: string;
}
