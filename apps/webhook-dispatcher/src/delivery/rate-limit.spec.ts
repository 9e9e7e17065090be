import { RateLimit } from './rate-limit.js';

function limited(perSecond: number | null) {
  const clock = { ms: 5_000 };
  const limit = new RateLimit(perSecond, () => clock.ms);
  /** When attempts start, for somebody who tries each millisecond. */
  const startsWithin = (durationMs: number) => {
    const starts: number[] = [];
    for (const endMs = clock.ms + durationMs; clock.ms < endMs; clock.ms++) {
      while (limit.take()) starts.push(clock.ms);
    }
    return starts;
  };
  return { clock, limit, startsWithin };
}

/** The fullest second of them all. */
function mostWithinASecond(starts: readonly number[]): number {
  return Math.max(...starts.map((from) => starts.filter((at) => at >= from && at < from + 1_000).length));
}

describe('the rate limit', () => {
  it.each([
    [1, 1],
    [3, 4],
    [10, 11],
    [100, 110],
    [1_000, 1_100],
  ])('%i per second', (perSecond, mostMax) => {
    const starts = limited(perSecond).startsWithin(5_000);
    expect(starts.length).toBeGreaterThanOrEqual(perSecond * 5 - 1);
    expect(starts.length).toBeLessThanOrEqual(perSecond * 5.1 + 1);
    expect(mostWithinASecond(starts)).toBeLessThanOrEqual(mostMax);
  });

  it('saves up no more than a tenth of a second', () => {
    const { clock, limit } = limited(100);
    clock.ms += 3_600_000;
    let taken = 0;
    while (limit.take()) taken++;
    expect(taken).toBe(10);
  });

  it('says how long to wait, and is right', () => {
    const { clock, limit } = limited(3);
    for (let at = 0; at < 20; at++) {
      expect(limit.take()).toBe(true);
      const { waitMs } = limit;
      expect(waitMs).toBeGreaterThan(300);
      clock.ms += waitMs - 2;
      expect(limit.take()).toBe(false);
      clock.ms += 2;
      expect(limit.waitMs).toBe(0);
    }
  });

  it('can be without limit, and be changed', () => {
    const { limit, startsWithin } = limited(null);
    for (let at = 0; at < 1_000; at++) expect(limit.take()).toBe(true);
    expect(limit.waitMs).toBe(0);
    limit.change(10);
    expect(startsWithin(1_000).length).toBeLessThanOrEqual(11);
    limit.change(null);
    expect(limit.take()).toBe(true);
  });

  it('stands still for a clock that is set back', () => {
    const { clock, limit } = limited(1);
    expect(limit.take()).toBe(true);
    clock.ms -= 10_000;
    expect(limit.take()).toBe(false);
    clock.ms += 1_000;
    expect(limit.take()).toBe(true);
  });
});
