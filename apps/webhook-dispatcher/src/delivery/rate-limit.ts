/** Of what one second allows, this share may be caught up on at once. */
const burstShare = 0.1;

/**
 * A token bucket: at most `perSecond` attempts a second, spread over it; null is without limit. In no second are
 * there more than 1.1 times as many, or one more where that is less than one.
 */
export class RateLimit {
  private tokens: number;
  private countedAtMs: number;

  constructor(
    private perSecond: number | null,
    private readonly nowMs: () => number,
  ) {
    this.tokens = this.capacity;
    this.countedAtMs = nowMs();
  }

  change(perSecond: number | null): void {
    this.count();
    this.perSecond = perSecond;
    this.tokens = Math.min(this.tokens, this.capacity);
  }

  /** Takes one attempt, or says false where there is none now. */
  take(): boolean {
    if (this.perSecond === null) return true;
    this.count();
    if (this.tokens < 1) return false;
    this.tokens--;
    return true;
  }

  /** Until `take` will succeed, 0 where it would now. */
  get waitMs(): number {
    if (this.perSecond === null) return 0;
    this.count();
    return this.tokens >= 1 ? 0 : Math.ceil(((1 - this.tokens) * 1_000) / this.perSecond);
  }

  private get capacity(): number {
    return this.perSecond === null ? 0 : Math.max(1, this.perSecond * burstShare);
  }

  private count(): void {
    const now = this.nowMs();
    const elapsedMs = Math.max(0, now - this.countedAtMs);
    this.countedAtMs = now;
    if (this.perSecond === null) return;
    // Floating point would otherwise leave a whole token a hair short for ever.
    const tokens = this.tokens + (elapsedMs * this.perSecond) / 1_000 + 1e-9;
    this.tokens = Math.min(tokens, this.capacity);
  }
}
