/** How an endpoint has done since its last success. */
export interface FailureRecord {
  readonly enabledAt: Date;
  readonly lastSuccessAt: Date | null;
  readonly failures: number;
  readonly firstFailureAt: Date | null;
  readonly lastFailureAt: Date | null;
}

const hourMs = 3_600_000;
const withoutSuccessMs = 5 * 24 * hourMs;
const failuresMin = 20;
const failingMs = 12 * hourMs;

/**
 * Whether an endpoint has failed for so long and so often that it is disabled: never for one bad delivery, one
 * bad night, or days in which there was hardly anything to send.
 */
export function isFailingForGood(record: FailureRecord, now: Date): boolean {
  const { enabledAt, lastSuccessAt, failures, firstFailureAt, lastFailureAt } = record;
  if (firstFailureAt === null || lastFailureAt === null) return false;
  const goodUntilMs = Math.max(enabledAt.getTime(), lastSuccessAt?.getTime() ?? 0);
  return (
    now.getTime() - goodUntilMs >= withoutSuccessMs &&
    failures >= failuresMin &&
    lastFailureAt.getTime() - firstFailureAt.getTime() >= failingMs
  );
}
