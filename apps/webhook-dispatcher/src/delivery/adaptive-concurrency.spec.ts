import { AdaptiveConcurrency } from './adaptive-concurrency.js';

function adaptive(max: number) {
  const clock = { ms: 1_000 };
  const concurrency = new AdaptiveConcurrency(max, () => clock.ms);
  /** One attempt after the other. */
  const answer = (...statusCodes: (number | null)[]) => {
    for (const statusCode of statusCodes) concurrency.record({ statusCode }, clock.ms++);
    return concurrency.limit;
  };
  return { clock, concurrency, answer };
}

describe('the adaptive concurrency', () => {
  it.each([
    ['begins at its maximum', 10, [], 10],
    ['429 halves', 10, [429], 5],
    ['502 halves', 10, [502], 5],
    ['504 halves', 10, [504], 5],
    ['503 does not', 10, [503], 10],
    ['500, 404 and no answer do not', 10, [500, 404, null], 10],
    ['never below one', 10, [429, 429, 429, 429, 429, 429], 1],
    ['one stays one', 1, [429], 1],
    ['a success restores one step', 10, [429, 200], 6],
    ['and the next another', 10, [429, 200, 204], 7],
    ['a failure restores nothing', 10, [429, 500, 302, null], 5],
    ['never above the maximum', 10, [429, 200, 200, 200, 200, 200, 200, 200], 10],
    ['nor without a halving', 10, [200, 200], 10],
  ])('%s', (_name, max, statusCodes, limit) => {
    expect(adaptive(max).answer(...statusCodes)).toBe(limit);
  });

  it('is halved once by a burst that was sent before', () => {
    const { clock, concurrency } = adaptive(16);
    const startedAtMs = clock.ms;
    clock.ms += 100;
    for (let at = 0; at < 16; at++) concurrency.record({ statusCode: 429 }, startedAtMs);
    expect(concurrency.limit).toBe(8);
    concurrency.record({ statusCode: 200 }, startedAtMs);
    expect(concurrency.limit).toBe(8);
    concurrency.record({ statusCode: 429 }, clock.ms);
    expect(concurrency.limit).toBe(4);
  });

  it('follows a maximum that is changed', () => {
    const { concurrency, answer } = adaptive(10);
    concurrency.changeMax(20);
    expect(concurrency.limit).toBe(20);
    expect(answer(429)).toBe(10);
    concurrency.changeMax(40);
    expect(concurrency.limit).toBe(10);
    concurrency.changeMax(4);
    expect(concurrency.limit).toBe(4);
  });
});
