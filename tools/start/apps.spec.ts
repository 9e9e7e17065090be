import { semiSpaceOf } from './apps.js';

const GIB = 1024 ** 3;

describe('the young generation of a process', () => {
  it.each([
    { memory: 64 * GIB, mebibytes: 256 },
    { memory: 12 * GIB, mebibytes: 256 },
    { memory: 8 * GIB, mebibytes: 128 },
    { memory: 3 * GIB, mebibytes: 64 },
    { memory: 1 * GIB, mebibytes: 16 },
    { memory: GIB / 4, mebibytes: 16 },
  ])('given $memory bytes, then a semi-space has $mebibytes MiB', ({ memory, mebibytes }) => {
    expect(semiSpaceOf(memory)).toBe(mebibytes);
  });
});
