import { runReport } from './run-report.js';

interface PlantedCase {
  what: string;
  expected: string[];
  found: string[];
}

describe('planted violations', () => {
  const cases = runReport<PlantedCase[]>('planted-violations.mjs');

  it.each(cases)('$what', ({ expected, found }) => {
    expect(found).toEqual(expected);
  });
});
