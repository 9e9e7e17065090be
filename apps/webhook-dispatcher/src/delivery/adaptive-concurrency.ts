import { isSuccess, type AttemptOutcome } from './attempt-outcome.js';

/** A receiver, or what stands before it, that says it has too much to do. */
const overloadStatuses: readonly (number | null)[] = [429, 502, 504];

/**
 * How many attempts at an endpoint may be under way: half as many, but one, when it says that it is overloaded,
 * and one more with each success, up to the endpoint's own maximum. An answer to what was sent before the last
 * halving is no news: ten refusals of one burst halve once.
 */
export class AdaptiveConcurrency {
  private current: number;
  private halvedAtMs = -Infinity;

  constructor(
    private max: number,
    private readonly nowMs: () => number,
  ) {
    this.current = max;
  }

  get limit(): number {
    return this.current;
  }

  changeMax(max: number): void {
    // One that was not reduced follows its maximum at once, also upward.
    this.current = this.current === this.max ? max : Math.min(this.current, max);
    this.max = max;
  }

  record(outcome: Pick<AttemptOutcome, 'statusCode'>, startedAtMs: number): void {
    if (startedAtMs < this.halvedAtMs) return;
    if (overloadStatuses.includes(outcome.statusCode)) {
      this.current = Math.max(1, Math.floor(this.current / 2));
      this.halvedAtMs = this.nowMs();
    } else if (isSuccess(outcome)) {
      this.current = Math.min(this.current + 1, this.max);
    }
  }
}
