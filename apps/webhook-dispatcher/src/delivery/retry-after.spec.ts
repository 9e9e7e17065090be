import { retryAfterSeconds } from './retry-after.js';

const nowMs = Date.parse('2026-03-20T12:00:00.500Z');

describe('Retry-After', () => {
  it.each([
    ['120', 120],
    [' 120 ', 120],
    ['0', 1],
    ['1', 1],
    ['86400', 86_400],
    ['86401', 86_400],
    ['999999999999999', 86_400],
    ['Fri, 20 Mar 2026 12:02:00 GMT', 120],
    ['Friday, 20-Mar-26 12:02:00 GMT', 120],
    ['Fri, 20 Mar 2026 11:00:00 GMT', 1],
    ['Fri, 20 Mar 2099 12:00:00 GMT', 86_400],
    ['-5', null],
    ['1.5', null],
    ['1e3', null],
    ['soon', null],
    ['', null],
    ['2026-03-20T12:02:00Z', null],
    ['Fri, 20 Mar 2026 12:02:00', null],
    ['Fri, nonsense GMT', null],
    ['9'.repeat(400), null],
  ])('%j is %j', (header, seconds) => {
    expect(retryAfterSeconds(header, nowMs)).toBe(seconds);
  });
});
