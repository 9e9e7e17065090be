import type { AttemptErrorClass } from './attempt-outcome.js';
import { verdictOf } from './verdict.js';

const outcome = (
  statusCode: number | null,
  retryAfterSeconds: number | null = null,
  errorClass: AttemptErrorClass | null = statusCode === null ? 'timeout' : null,
) => ({ statusCode, errorClass, retryAfterSeconds });
const middle = () => 0.5;

describe('the verdict on an attempt', () => {
  it.each([
    ['200', outcome(200), 1, { next: 'succeeded' }],
    ['204 at the last attempt', outcome(204), 12, { next: 'succeeded' }],
    ['2xx of which the body went on', outcome(201, null, 'response_too_large'), 1, { next: 'succeeded' }],
    ['a redirect', outcome(302), 1, { next: 'retry', waitMs: 5_000 }],
    ['304', outcome(304), 1, { next: 'retry', waitMs: 5_000 }],
    ['400', outcome(400), 2, { next: 'retry', waitMs: 30_000 }],
    ['500', outcome(500), 3, { next: 'retry', waitMs: 120_000 }],
    ['no answer', outcome(null), 1, { next: 'retry', waitMs: 5_000 }],
    ['a blocked address', outcome(null, null, 'blocked_address'), 11, { next: 'retry', waitMs: 86_400_000 }],
    ['410', outcome(410), 1, { next: 'gone' }],
    ['410 at the last attempt', outcome(410), 12, { next: 'gone' }],
    ['the twelfth failure', outcome(500), 12, { next: 'exhausted' }],
    ['503 after the twelfth', outcome(503, 60), 12, { next: 'exhausted' }],
    ['429 with Retry-After', outcome(429, 1), 6, { next: 'retry', waitMs: 1_000 }],
    ['503 with Retry-After', outcome(503, 86_400), 1, { next: 'retry', waitMs: 86_400_000 }],
    ['503 without', outcome(503), 1, { next: 'retry', waitMs: 5_000 }],
    ['500 with Retry-After', outcome(500, 600), 1, { next: 'retry', waitMs: 5_000 }],
    ['301 with Retry-After', outcome(301, 600), 1, { next: 'retry', waitMs: 5_000 }],
    ['what we ended ourselves', outcome(null, null, 'aborted'), 12, { next: 'interrupted' }],
  ])('%s', (_name, of, attempts, verdict) => {
    expect(verdictOf(of, attempts, middle)).toEqual(verdict);
  });
});
