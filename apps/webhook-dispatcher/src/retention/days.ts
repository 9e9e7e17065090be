/** Events, deliveries and attempts are kept for so many days after the day on which the event was recorded. */
export const daysKept = 30;
/** Partitions are made for as many days to come. */
export const daysAhead = 2;

const dayMs = 86_400_000;

/** `2026-11-21`, of UTC, so many days later. */
export function dayAfter(nowMs: number, days = 0): string {
  return new Date(nowMs + days * dayMs).toISOString().slice(0, 10);
}

/**
 * The day that an event is filed under: the one on which it was recorded. One that comes so late that this day
 * would be dropped at once, or from a clock that is days ahead, is filed under today, and kept from today on.
 */
export function dayOfEvent(recordedAt: string, nowMs: number): string {
  const day = recordedAt.slice(0, 10);
  const isKept = day > dayAfter(nowMs, -daysKept) && day <= dayAfter(nowMs, daysAhead);
  return isKept ? day : dayAfter(nowMs);
}
