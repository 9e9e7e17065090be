import { isSuccess, type AttemptOutcome } from './attempt-outcome.js';
import { retryWaitMs } from './retry-schedule.js';

/**
 * What comes after an attempt. `gone`: this delivery has failed and its endpoint is to be disabled, reason gone.
 * `interrupted`: we ended it ourselves, so it is no attempt; the delivery is due again as if never claimed.
 */
export type Verdict =
  | { readonly next: 'succeeded' | 'exhausted' | 'gone' | 'interrupted' }
  | { readonly next: 'retry'; readonly waitMs: number };

const goneStatus = 410;
/** The two of which HTTP says that Retry-After tells when to come back. */
const statusesWithRetryAfter: readonly (number | null)[] = [429, 503];

/** `attempts` counts this one: 1 after the first. A receiver's Retry-After stands in for the schedule's wait. */
export function verdictOf(
  outcome: Pick<AttemptOutcome, 'statusCode' | 'errorClass' | 'retryAfterSeconds'>,
  attempts: number,
  random: () => number,
): Verdict {
  if (isSuccess(outcome)) return { next: 'succeeded' };
  if (outcome.errorClass === 'aborted') return { next: 'interrupted' };
  if (outcome.statusCode === goneStatus) return { next: 'gone' };
  const waitMs = retryWaitMs(attempts, random);
  if (waitMs === null) return { next: 'exhausted' };
  if (outcome.retryAfterSeconds !== null && statusesWithRetryAfter.includes(outcome.statusCode)) {
    return { next: 'retry', waitMs: outcome.retryAfterSeconds * 1_000 };
  }
  return { next: 'retry', waitMs };
}
