import { runReport } from './run-report.js';

interface ExaminedBug {
  what: string;
  problems: string[];
}

/** Whether tests find them is for `npm run test:planted-bugs`; here they are kept from rotting. */
describe('planted bugs', () => {
  const bugs = runReport<ExaminedBug[]>('../planted-bugs/examine-planted-bugs.mjs');

  it('are there', () => {
    expect(bugs.length).toBeGreaterThan(30);
  });

  it.each(bugs)('can be planted: $what', ({ problems }) => {
    expect(problems).toEqual([]);
  });
});
