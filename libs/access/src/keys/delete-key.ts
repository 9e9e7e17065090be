import type { AccessDatabase } from '../access-database.js';
import { writeAudit } from '../audit.js';
import { auditedKey, keyIdOf, lockKey, type KeyGiver } from './key.js';

/**
 * Ends a key and all its secrets, for good. Its row stays for the events and audit entries that name it. A key may
 * end itself, and any other of its ledger, one that may do more as well: a leaked key is never to be kept alive by
 * a missing scope.
 */
export async function deleteKey(
  database: AccessDatabase,
  { ledgerId, actor }: Pick<KeyGiver, 'ledgerId' | 'actor'>,
  keyId: string,
): Promise<void> {
  await database.transaction(async (db) => {
    const before = await lockKey(db, ledgerId, keyId);
    await db.query(
      `UPDATE access.api_keys SET deleted_at = clock_timestamp(), secret_hash = NULL, updated_at = clock_timestamp()
      WHERE ledger_id = $1 AND id = $2`,
      [ledgerId, keyId],
    );
    await db.query('DELETE FROM access.api_key_secrets WHERE key_id = $1', [keyId]);
    const details = { before: auditedKey(before) };
    await writeAudit(db, { ledgerId, actor, action: 'api_key.deleted', subject: keyIdOf(keyId), details });
  });
}
