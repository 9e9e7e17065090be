import { exampleIds as contractIds } from '#contracts';
import { text } from '#openapi';

export const exampleIds = {
  ...contractIds,
  key: 'key_01jd3v4r2wf5jbx6t8q0k4m7zn',
  organization: 'org_01jd3v3kq8e4wtx2b5n7m0h9yr',
  tokenKey: 'jwk_01jd3v6c0rfh7s5kx2m9q4t8bn',
  auditEntry: 'aud_5mb3sqrdgn9k3r7t1v0w8x6yz4',
} as const;

export const sha256 = (description: string, digit: string) =>
  text(`${description}, in hexadecimal`, digit.repeat(64), { pattern: '^[0-9a-f]{64}$' });
