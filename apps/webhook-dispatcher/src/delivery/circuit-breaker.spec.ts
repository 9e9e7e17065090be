import { CircuitBreaker } from './circuit-breaker.js';

/** Reads "F" as a failure, "." as a success, a number as seconds that pass. */
function breakerAfter(story: string) {
  const clock = { ms: 1_000_000 };
  const breaker = new CircuitBreaker(() => clock.ms);
  const play = (steps: string) => {
    for (const [step] of steps.matchAll(/[0-9]+|[F.]/g)) {
      if (/[0-9]/.test(step)) clock.ms += Number(step) * 1_000;
      else {
        const admission = breaker.admit();
        if (admission === null) throw new Error(`not admitted at ${step} of ${steps}`);
        breaker.record(admission, step === '.');
      }
    }
  };
  play(story);
  return { breaker, clock, play };
}

describe('the circuit breaker', () => {
  it.each([
    ['nothing happened', '', false],
    ['four in a row', 'FFFF', false],
    ['five in a row', 'FFFFF', true],
    ['five in a row over an hour', 'F 900 F 900 F 900 F 900 F', true],
    ['five, but not in a row', 'FFFF.F', false],
    ['half of 18', 'F.F.F.F.F.F.F.F.F.', false],
    ['half of 20', '.F.F.F.F.F.F.F.F.F.F', true],
    ['less than half of 20', '..F.F.F.F.F.F.F.F.F.F.F'.slice(0, 21), false],
    ['half of 20, spread over 59 s', '.F.F.F.F 30 .F.F.F.F 29 .F.F', true],
    ['half of 20, spread over more than 60 s', '.F.F.F.F 30 .F.F.F.F 31 .F.F', false],
    ['a third of 300', '..F'.repeat(100), false],
  ])('%s', (_name, story, isOpen) => {
    expect(breakerAfter(story).breaker.isOpen).toBe(isOpen);
  });

  it('admits nothing while open, then one probe after 5 s', () => {
    const { breaker, clock } = breakerAfter('FFFFF');
    expect(breaker.admit()).toBeNull();
    clock.ms += 4_999;
    expect(breaker.admit()).toBeNull();
    clock.ms += 1;
    expect(breaker.admitsFromMs).toBe(clock.ms);
    expect(breaker.admit()).toBe('probe');
    expect(breaker.admit()).toBeNull();
    expect(breaker.admitsFromMs).toBeNull();
  });

  it('probes at growing distances up to 5 min, and closes at the first success', () => {
    const { breaker, clock, play } = breakerAfter('FFFFF');
    for (const seconds of [5, 10, 20, 40, 80, 160, 300, 300, 300]) {
      clock.ms += seconds * 1_000 - 1;
      expect(breaker.admit()).toBeNull();
      clock.ms += 1;
      play('F');
    }
    play('300 .');
    expect(breaker.isOpen).toBe(false);
    expect(breaker.admitsFromMs).toBe(0);
    play('FFFF');
    expect(breaker.isOpen).toBe(false);
    play('F 5 .');
    expect(breaker.isOpen).toBe(false);
  });

  it('lets another probe go when one came to no outcome', () => {
    const { breaker } = breakerAfter('FFFFF 5');
    expect(breaker.admit()).toBe('probe');
    breaker.release('probe');
    expect(breaker.admit()).toBe('probe');
  });

  it('is not moved by attempts from before it opened', () => {
    const { breaker, clock } = breakerAfter('');
    const early = Array.from({ length: 10 }, () => breaker.admit() ?? 'probe');
    expect(new Set(early)).toEqual(new Set(['normal']));
    for (const admission of early.slice(0, 5)) breaker.record(admission, false);
    expect(breaker.isOpen).toBe(true);
    breaker.record('normal', true);
    breaker.record('normal', false);
    expect(breaker.isOpen).toBe(true);
    expect(breaker.admitsFromMs).toBe(clock.ms + 5_000);
  });
});
