import { newSecret } from './secrets.js';

test('a secret is its ledger’s mode and 32 random bytes in 43 digits of base 62, each time others', () => {
  const secrets = Array.from({ length: 2_000 }, (_, number) => newSecret(number % 2 === 0 ? 'live' : 'test'));
  expect(new Set(secrets).size).toBe(2_000);
  for (const [number, secret] of secrets.entries()) {
    expect(secret).toMatch(number % 2 === 0 ? /^sk_live_[0-9A-Za-z]{43}$/ : /^sk_test_[0-9A-Za-z]{43}$/);
  }
  const digits = new Set(secrets.flatMap((secret) => [...secret.slice(8)]));
  expect(digits.size).toBe(62);
});
