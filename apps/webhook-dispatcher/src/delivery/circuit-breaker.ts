/** A probe is the one attempt that an open circuit lets through. */
export type Admission = 'normal' | 'probe';

const consecutiveFailuresMax = 5;
const windowSeconds = 60;
const windowAttemptsMin = 20;
const failureShareMax = 0.5;
const probeMs = 5_000;
const probeMsMax = 300_000;

interface Second {
  second: number;
  attempts: number;
  failures: number;
}

/**
 * Stops the attempts at an endpoint that fails: what waits meanwhile burns no attempts. Opens at 5 failures in
 * a row, or at a failure that makes half of 20 or more within 60 s; then one probe after 5 s, and after each that
 * fails another one, waiting twice as long, up to 5 min. A probe that succeeds closes it. What was under way when
 * it opened and ends later decides nothing.
 */
export class CircuitBreaker {
  private readonly window: Second[] = [];
  private failuresInARow = 0;
  /** Null while closed. */
  private probeAt: number | null = null;
  private probeWaitMs = probeMs;
  private isProbing = false;

  constructor(private readonly nowMs: () => number) {}

  get isOpen(): boolean {
    return this.probeAt !== null;
  }

  /** When the next attempt may be made: 0 while closed, null while a probe is under way. */
  get admitsFromMs(): number | null {
    if (this.isProbing) return null;
    return this.probeAt ?? 0;
  }

  /** Each admission is given back by `record`, or by `release` where the attempt came to no outcome. */
  admit(): Admission | null {
    if (this.probeAt === null) return 'normal';
    if (this.isProbing || this.nowMs() < this.probeAt) return null;
    this.isProbing = true;
    return 'probe';
  }

  record(admission: Admission, isSuccess: boolean): void {
    if (admission === 'probe') this.recordProbe(isSuccess);
    else if (!this.isOpen) this.recordNormal(isSuccess);
  }

  release(admission: Admission): void {
    if (admission === 'probe') this.isProbing = false;
  }

  private recordProbe(isSuccess: boolean): void {
    this.isProbing = false;
    if (isSuccess) {
      this.probeAt = null;
      this.probeWaitMs = probeMs;
      this.failuresInARow = 0;
      this.window.length = 0;
    } else {
      this.probeWaitMs = Math.min(this.probeWaitMs * 2, probeMsMax);
      this.probeAt = this.nowMs() + this.probeWaitMs;
    }
  }

  private recordNormal(isSuccess: boolean): void {
    const now = this.nowMs();
    const second = this.currentSecond(now);
    second.attempts++;
    if (isSuccess) {
      this.failuresInARow = 0;
      return;
    }
    second.failures++;
    this.failuresInARow++;
    if (this.failuresInARow >= consecutiveFailuresMax || this.isHalfFailing()) {
      this.probeAt = now + probeMs;
    }
  }

  /** The window holds one count per second, so that its size does not depend on the rate. */
  private currentSecond(nowMs: number): Second {
    const second = Math.floor(nowMs / 1_000);
    while (this.window[0] !== undefined && this.window[0].second <= second - windowSeconds) {
      this.window.shift();
    }
    const last = this.window.at(-1);
    if (last?.second === second) return last;
    const current = { second, attempts: 0, failures: 0 };
    this.window.push(current);
    return current;
  }

  private isHalfFailing(): boolean {
    let attempts = 0;
    let failures = 0;
    for (const second of this.window) {
      attempts += second.attempts;
      failures += second.failures;
    }
    return attempts >= windowAttemptsMin && failures >= attempts * failureShareMax;
  }
}
