import { randomBytes } from 'node:crypto';
import { newUuid } from '#platform';
import type { AccessDatabase, Database } from '../access-database.js';
import { secretHashOf, secretPrefixOf } from '../api-keys.js';
import type { Mode } from '../principals.js';
import type { Signing } from './key.js';

const secretBytes = 32;
/** As many digits of base 62 as 32 bytes need: a secret always has the same length. */
const secretDigits = 43;
const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** A new secret: its ledger's mode, then 32 random bytes in base 62. It is shown to its owner once. */
export function newSecret(mode: Mode): string {
  let rest = BigInt(`0x${randomBytes(secretBytes).toString('hex')}`);
  let text = '';
  while (text.length < secretDigits) {
    text = digits[Number(rest % 62n)]! + text;
    rest /= 62n;
  }
  return secretPrefixOf(mode) + text;
}

/** Gives a key a new secret, and returns it: only its hash is kept, and of one to sign with also itself, sealed. */
export async function addSecret(
  db: Database,
  { secrets }: AccessDatabase,
  keyId: string,
  mode: Mode,
  signing: Signing,
): Promise<string> {
  const secret = newSecret(mode);
  await db.query(
    `INSERT INTO access.api_key_secrets (id, key_id, secret_hash, sealed_secret) VALUES ($1, $2, $3, $4)`,
    [newUuid(), keyId, secretHashOf(secret), signing === 'required' ? secrets.seal(secret, keyId) : null],
  );
  return secret;
}
