import type { AccessDatabase } from '../access-database.js';
import { writeAudit } from '../audit.js';
import {
  auditedKey,
  inOrder,
  keyColumnsSql,
  keyIdOf,
  keyNotFound,
  lockKey,
  refuseBeyond,
  type KeyGiver,
  type KeyRow,
  type KeySettings,
} from './key.js';

/**
 * Changes what a key is called, may do, and for how long and how often. Its owner and whether it signs are what
 * it was made for, and stay. Refused where the key may do more than whoever changes it; what they can't give is
 * refused before a key that isn't there, an id that can be nobody's (null) included.
 */
export async function updateKey(
  database: AccessDatabase,
  giver: KeyGiver,
  keyId: string | null,
  changes: Partial<KeySettings>,
): Promise<KeyRow> {
  if (changes.scopes) refuseBeyond(giver, changes.scopes);
  if (keyId === null) throw keyNotFound();
  return database.transaction(async (db) => {
    const before = await lockKey(db, giver.ledgerId, keyId);
    refuseBeyond(giver, before.scopes);
    const columns = columnsOf(changes);
    if (columns.length === 0) return before;
    const settings = columns.map(([column], index) => `${column} = $${index + 3}`).join(', ');
    const [after] = await db.query<KeyRow>(
      `UPDATE access.api_keys SET ${settings}, secret_hash = NULL, updated_at = clock_timestamp()
      WHERE ledger_id = $1 AND id = $2 RETURNING ${keyColumnsSql}`,
      [giver.ledgerId, keyId, ...columns.map(([, value]) => value)],
    );
    if (!after) throw new Error('a key that was locked is gone');
    await writeAudit(db, {
      ledgerId: giver.ledgerId,
      actor: giver.actor,
      action: 'api_key.updated',
      subject: keyIdOf(keyId),
      details: { before: auditedKey(before), after: auditedKey(after) },
    });
    return after;
  });
}

function columnsOf({ name, scopes, rateLimitPerMinute, expiresAt }: Partial<KeySettings>) {
  const columns: [string, unknown][] = [
    ['name', name],
    ['scopes', scopes && inOrder(scopes)],
    ['rate_limit_per_minute', rateLimitPerMinute],
    ['expires_at', expiresAt],
  ];
  return columns.filter(([, value]) => value !== undefined);
}
