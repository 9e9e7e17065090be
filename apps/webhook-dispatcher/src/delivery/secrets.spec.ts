import { randomBytes } from 'node:crypto';
import { newEndpointSecret, SecretBox, UnreadableSecret } from './secrets.js';

const endpoint = '0193a5b0-0000-7000-8000-000000000001';
const box = new SecretBox(randomBytes(32));

describe('an endpoint secret', () => {
  it('is whsec_ and 32 random bytes in base64, each time others', () => {
    const secrets = Array.from({ length: 100 }, newEndpointSecret);
    expect(new Set(secrets).size).toBe(100);
    for (const secret of secrets) {
      expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
      expect(Buffer.from(secret.slice(6), 'base64')).toHaveLength(32);
    }
  });

  it('is opened from what was sealed, which differs each time and does not show it', () => {
    const secret = newEndpointSecret();
    const [once, again] = [box.seal(secret, endpoint), box.seal(secret, endpoint)];
    expect(box.open(once, endpoint)).toBe(secret);
    expect(box.open(again, endpoint)).toBe(secret);
    expect(once.equals(again)).toBe(false);
    expect(once[0]).toBe(1);
    expect(once.includes(secret)).toBe(false);
  });

  it('opens with the same key and for the same endpoint only', () => {
    const sealed = box.seal(newEndpointSecret(), endpoint);
    expect(() => box.open(sealed, '0193a5b0-0000-7000-8000-000000000002')).toThrow(UnreadableSecret);
    expect(() => new SecretBox(randomBytes(32)).open(sealed, endpoint)).toThrow(UnreadableSecret);
  });

  it('does not open once any bit of it was changed, or a byte is missing', () => {
    const sealed = box.seal(newEndpointSecret(), endpoint);
    for (let at = 0; at < sealed.length; at++) {
      const changed = Buffer.from(sealed);
      changed[at]! ^= 1;
      expect(() => box.open(changed, endpoint)).toThrow(UnreadableSecret);
    }
    for (const length of [0, 1, 12, 28, sealed.length - 1]) {
      expect(() => box.open(sealed.subarray(0, length), endpoint)).toThrow(UnreadableSecret);
    }
  });

  it('needs a key of 32 bytes, and no error shows key or secret', () => {
    expect(() => new SecretBox(randomBytes(16))).toThrow('SECRETS_KEY must be 32 bytes');
    const secret = newEndpointSecret();
    try {
      box.open(box.seal(secret, endpoint), 'another');
    } catch (error) {
      expect(String((error as Error).stack)).not.toContain(secret);
    }
  });
});
