import { hash, randomBytes, randomUUID } from 'node:crypto';
import type pg from 'pg';

/**
 * A key straight from the database, where the ledger app that makes keys isn't running.
 * @returns its secret
 */
export async function insertKey(
  db: pg.ClientBase,
  ledgerId: string,
  scopes: readonly string[],
  rateLimitPerMinute: number | null = null,
  ownerId: string | null = null,
): Promise<string> {
  const secret = `sk_live_${randomBytes(32).toString('hex').slice(0, 43)}`;
  await db.query(
    `WITH key AS (
      INSERT INTO access.api_keys (id, ledger_id, name, scopes, rate_limit_per_minute, owner_id)
      VALUES ($1, $2, 'A key', $3, $4, $5) RETURNING id
    )
    INSERT INTO access.api_key_secrets (id, key_id, secret_hash) SELECT id, id, $6 FROM key`,
    [randomUUID(), ledgerId, scopes, rateLimitPerMinute, ownerId, hash('sha256', secret, 'buffer')],
  );
  return secret;
}
