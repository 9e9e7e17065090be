import { randomBytes } from 'node:crypto';
import { SecretBox, UnreadableSecret } from './secret-box.js';

const owner = '0193a5b0-0000-7000-8000-000000000001';
const key = randomBytes(32);
const box = new SecretBox(key, 'test-secret');
const newSecret = () => randomBytes(32).toString('base64');

describe('a sealed secret', () => {
  it('is opened from what was sealed, which differs each time and does not show it', () => {
    const secret = newSecret();
    const [once, again] = [box.seal(secret, owner), box.seal(secret, owner)];
    expect(box.open(once, owner)).toBe(secret);
    expect(box.open(again, owner)).toBe(secret);
    expect(once.equals(again)).toBe(false);
    expect(once[0]).toBe(1);
    expect(once.includes(secret)).toBe(false);
  });

  it('opens with the same key and for the same owner and purpose only', () => {
    const sealed = box.seal(newSecret(), owner);
    expect(() => box.open(sealed, '0193a5b0-0000-7000-8000-000000000002')).toThrow(UnreadableSecret);
    expect(() => new SecretBox(randomBytes(32), 'test-secret').open(sealed, owner)).toThrow(UnreadableSecret);
    expect(() => new SecretBox(key, 'other-secret').open(sealed, owner)).toThrow(UnreadableSecret);
  });

  it('does not open once any bit of it was changed, or a byte is missing', () => {
    const sealed = box.seal(newSecret(), owner);
    for (let at = 0; at < sealed.length; at++) {
      const changed = Buffer.from(sealed);
      changed[at]! ^= 1;
      expect(() => box.open(changed, owner)).toThrow(UnreadableSecret);
    }
    for (const length of [0, 1, 12, 28, sealed.length - 1]) {
      expect(() => box.open(sealed.subarray(0, length), owner)).toThrow(UnreadableSecret);
    }
  });

  it('needs a key of 32 bytes, and no error shows key or secret', () => {
    expect(() => new SecretBox(randomBytes(16), 'test-secret')).toThrow('SECRETS_KEY must be 32 bytes');
    const secret = newSecret();
    try {
      box.open(box.seal(secret, owner), 'another');
    } catch (error) {
      expect(String((error as Error).stack)).not.toContain(secret);
    }
  });
});
