import { attemptsMax, retryWaitMs } from './retry-schedule.js';

const middle = () => 0.5;
const [second, minute, hour] = [1_000, 60_000, 3_600_000];

describe('the retry schedule', () => {
  it.each([
    [1, 5 * second],
    [2, 30 * second],
    [3, 2 * minute],
    [4, 10 * minute],
    [5, 30 * minute],
    [6, 2 * hour],
    [7, 5 * hour],
    [8, 10 * hour],
    [9, 14 * hour],
    [10, 20 * hour],
    [11, 24 * hour],
  ])('waits after attempt %i', (attempts, waitMs) => {
    expect(retryWaitMs(attempts, middle)).toBe(waitMs);
    expect(retryWaitMs(attempts, () => 0)).toBe(waitMs * 0.8);
    expect(retryWaitMs(attempts, () => 1)).toBe(waitMs * 1.2);
  });

  it('ends after the twelfth, about 75 hours after the first', () => {
    expect(attemptsMax).toBe(12);
    expect(retryWaitMs(12, middle)).toBeNull();
    expect(retryWaitMs(13, middle)).toBeNull();
    const waits = Array.from({ length: 11 }, (_, at) => retryWaitMs(at + 1, middle) ?? 0);
    const hours = waits.reduce((sum, wait) => sum + wait) / hour;
    expect(hours).toBeGreaterThan(75);
    expect(hours).toBeLessThan(76);
  });
});
