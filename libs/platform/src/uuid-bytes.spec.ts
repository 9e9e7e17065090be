import { randomUUID } from 'node:crypto';
import { stringify, validate, version } from 'uuid';
import { newUuid } from './random.js';
import { writeUuid } from './uuid-bytes.js';

const uuids = ['00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff', randomUUID()];

describe('the bytes of a UUID', () => {
  it.each(uuids)('%s', (uuid) => {
    const bytes = Buffer.alloc(20);
    expect(writeUuid(bytes, 2, uuid)).toBe(18);
    expect(stringify(bytes, 2)).toBe(uuid);
  });
});

describe('a new UUID', () => {
  it('is of version 7, and none is like another', () => {
    const made = Array.from({ length: 1_000 }, newUuid);
    expect(made.every((uuid) => validate(uuid) && version(uuid) === 7)).toBe(true);
    expect(new Set(made).size).toBe(made.length);
  });

  it('tells when it was made', () => {
    const before = Date.now();
    const madeAt = Number.parseInt(newUuid().replaceAll('-', '').slice(0, 12), 16);
    expect(madeAt).toBeGreaterThanOrEqual(before);
    expect(madeAt).toBeLessThanOrEqual(Date.now());
  });
});
