import { semiSpaceOf } from './apps.js';

const GIB = 1024 ** 3;

describe('the young generation of a process', () => {
  it.each([
    { memory: 64 * GIB, mebibytes: 192 },
    { memory: 9 * GIB, mebibytes: 192 },
    { memory: 4 * GIB, mebibytes: 85 },
    { memory: 1 * GIB, mebibytes: 21 },
    { memory: GIB / 4, mebibytes: 16 },
  ])('given $memory bytes, then a semi-space has $mebibytes MiB', ({ memory, mebibytes }) => {
    expect(semiSpaceOf(memory)).toBe(mebibytes);
  });
});
