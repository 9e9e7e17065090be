import { isFailingForGood, type FailureRecord } from './auto-disable.js';

const hourMs = 3_600_000;
const now = new Date('2026-03-20T12:00:00Z');
const ago = (hours: number) => new Date(now.getTime() - hours * hourMs);
const failing: FailureRecord = {
  enabledAt: ago(1_000),
  lastSuccessAt: ago(120),
  failures: 20,
  firstFailureAt: ago(12),
  lastFailureAt: now,
};

describe('disabling an endpoint that fails', () => {
  it.each<[string, Partial<FailureRecord>, boolean]>([
    ['5 days, 20 failures, 12 hours', {}, true],
    ['a success less than 5 days ago', { lastSuccessAt: ago(119.9) }, false],
    ['19 failures', { failures: 19 }, false],
    ['20 failures within less than 12 hours', { firstFailureAt: ago(11.9) }, false],
    ['one exhausted delivery: 12 failures in 75 hours', { failures: 12, firstFailureAt: ago(75) }, false],
    ['no success ever, enabled 5 days ago', { lastSuccessAt: null, enabledAt: ago(120) }, true],
    ['no success ever, enabled yesterday', { lastSuccessAt: null, enabledAt: ago(24) }, false],
    ['enabled again since its last success', { enabledAt: ago(24) }, false],
    ['no failure', { failures: 0, firstFailureAt: null, lastFailureAt: null }, false],
  ])('%s', (_name, change, isDisabled) => {
    expect(isFailingForGood({ ...failing, ...change }, now)).toBe(isDisabled);
  });
});
