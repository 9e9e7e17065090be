import type { AccessDatabase } from '../access-database.js';
import { writeAudit } from '../audit.js';
import type { Mode } from '../principals.js';
import type { KeyWithSecret } from './create-key.js';
import { keyColumnsSql, keyIdOf, lockKey, refuseBeyond, type KeyGiver, type KeyRow } from './key.js';
import { addSecret } from './secrets.js';

/** Of one key at one time; when it is rotated more often than they end, the oldest ends at once. */
const secretsPerKeyMax = 5;

/**
 * Gives a key a new secret, which works at once. The one before it works until the overlap is over, and one that
 * was rotated out earlier no longer than it was promised then.
 */
export async function rotateKey(
  database: AccessDatabase,
  giver: KeyGiver,
  keyId: string,
  overlapSeconds: number,
): Promise<KeyWithSecret> {
  const { ledgerId, actor } = giver;
  return database.transaction(async (db) => {
    const before = await lockKey(db, ledgerId, keyId);
    refuseBeyond(giver, before.scopes);
    const [ledger] = await db.query<{ mode: Mode }>('SELECT mode FROM access.ledgers WHERE id = $1', [
      ledgerId,
    ]);
    await db.query(
      `UPDATE access.api_key_secrets
      SET ends_at = least(ends_at, clock_timestamp() + $2::integer * interval '1 second') WHERE key_id = $1`,
      [keyId, overlapSeconds],
    );
    await db.query(
      `DELETE FROM access.api_key_secrets WHERE key_id = $1 AND (ends_at <= clock_timestamp() OR id NOT IN (
        SELECT id FROM access.api_key_secrets WHERE key_id = $1
        ORDER BY created_at DESC LIMIT ${secretsPerKeyMax - 1}))`,
      [keyId],
    );
    // Behind what ends old ones by their age: the new one stays, also where the database's clock was set back.
    const secret = await addSecret(db, database, keyId, ledger!.mode, before.signing);
    const [key] = await db.query<KeyRow>(
      `UPDATE access.api_keys SET secret_hash = NULL, updated_at = clock_timestamp()
      WHERE ledger_id = $1 AND id = $2 RETURNING ${keyColumnsSql}`,
      [ledgerId, keyId],
    );
    const details = { overlapSeconds };
    await writeAudit(db, { ledgerId, actor, action: 'api_key.rotated', subject: keyIdOf(keyId), details });
    return { key: key!, secret };
  });
}
