import { decodeCursor, encodeCursor, InvalidCursor, keyOfUuid, uuidOfKey } from './pages.js';

const scope = { list: 'things', owner: 'somebody', filters: {} };

test.each([
  '00000000-0000-0000-0000-000000000000',
  '019a5fb3-1b0c-7d6e-9f4a-0c2b8d7e6f51',
  'ffffffff-ffff-ffff-ffff-ffffffffffff',
])('the UUID %s comes back from a cursor', (uuid) => {
  expect(uuidOfKey(decodeCursor(scope, encodeCursor(scope, keyOfUuid(uuid))))).toBe(uuid);
});

test('keys of UUIDs are in the order of the UUIDs', () => {
  const [a, b] = ['019a5fb3-1b0c-7d6e-9f4a-0c2b8d7e6f51', '019a5fb3-1b0c-7d6f-8000-000000000000'].map(
    keyOfUuid,
  );
  expect(a!.findIndex((part, index) => part !== b![index])).toBe(1);
  expect(a![1]! < b![1]!).toBe(true);
});

test.each([[[1n]], [[1n, 2n]], [[1n, 2n, 3n, 999_999_999n]], [[1n << 60n, 0n, 0n, 0n]]])(
  'a key of something else is no UUID: %s',
  (key) => {
    expect(() => uuidOfKey(decodeCursor(scope, encodeCursor(scope, key)))).toThrow(InvalidCursor);
  },
);

test.each([
  ['another list', { ...scope, list: 'others' }],
  ['somebody else', { ...scope, owner: 'another' }],
  ['other filters', { ...scope, filters: { colour: 'red' } }],
])('a cursor is no good for %s', (_, other) => {
  const cursor = encodeCursor(scope, [1n]);
  expect(decodeCursor(scope, cursor)).toEqual([1n]);
  expect(() => decodeCursor(other, cursor)).toThrow(InvalidCursor);
});
