import { formatTimestamp } from '#platform';
import { closedBeforeOf } from './period-bodies.js';

it.each([
  ['2025-12-31', '2026-01-01T00:00:00.000000Z'],
  ['2024-02-29', '2024-03-01T00:00:00.000000Z'],
  ['2026-01-01T05:00:00+05:00', '2026-01-01T00:00:00.000000Z'],
  ['2025-12-31T23:59:59.999999Z', '2025-12-31T23:59:59.999999Z'],
  ['0001-01-01', '0001-01-02T00:00:00.000000Z'],
  ['9999-12-30', '9999-12-31T00:00:00.000000Z'],
])('%s closes all before %s', (text, expected) => {
  expect(formatTimestamp(closedBeforeOf(text)!)).toBe(expected);
});

it.each([
  '',
  '2025',
  '2025-12',
  '2025-02-29',
  '2025-13-01',
  '31.12.2025',
  '2025-12-31T',
  '2025-12-31T00:00:00',
  '9999-12-31',
  '9999-12-31T23:59:59-01:00',
  '0000-12-30',
  '-001-01-01',
])('%j is neither a day nor a moment that can be kept', (text) => {
  expect(closedBeforeOf(text)).toBeNull();
});
