import { orderOf } from './message-order.js';

it.each<[string, [number, bigint] | null, [number, bigint], string]>([
  ['the first event of all, whatever its position', null, [1, 17n], 'next'],
  ['the one after the last', [1, 17n], [1, 18n], 'next'],
  ['the last one again', [1, 17n], [1, 17n], 'repeat'],
  ['an earlier one again', [1, 17n], [1, 1n], 'repeat'],
  ['one that leaves one out', [1, 17n], [1, 19n], 'gap'],
  ['after a restore, a position that was there before', [1, 17n], [2, 5n], 'next'],
  ['after a restore to the end', [1, 17n], [2, 18n], 'next'],
  ['after a restore, one that leaves one out', [1, 17n], [2, 19n], 'gap'],
  ['one of before the restore', [2, 5n], [1, 6n], 'repeat'],
])('%s', (_, last, [epoch, position], expected) => {
  expect(orderOf(last && { epoch: last[0], position: last[1] }, { epoch, position })).toBe(expected);
});
