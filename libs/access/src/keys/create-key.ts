import { ApiError } from '#http';
import { newUuid } from '#platform';
import type { AccessDatabase, Database } from '../access-database.js';
import { writeAudit } from '../audit.js';
import type { Mode } from '../principals.js';
import {
  auditedKey,
  inOrder,
  keyColumnsSql,
  keyIdOf,
  refuseBeyond,
  type KeyGiver,
  type KeyRow,
  type KeySettings,
  type Signing,
} from './key.js';
import { addSecret } from './secrets.js';

export interface KeyDraft extends Omit<KeySettings, 'rateLimitPerMinute'> {
  readonly ownerId: string | null;
  readonly signing: Signing;
  /** Undefined: as is usual for ledgers of this mode. */
  readonly rateLimitPerMinute: number | null | undefined;
}

export interface KeyWithSecret {
  readonly key: KeyRow;
  /** Nobody can find it out again. */
  readonly secret: string;
}

const rateLimitPerMinuteDefaults: Readonly<Record<Mode, number>> = { test: 100, live: 6_000 };

/** Makes a key of a ledger, which may do no more than whoever gives it. */
export async function createKey(
  database: AccessDatabase,
  giver: KeyGiver,
  draft: KeyDraft,
): Promise<KeyWithSecret> {
  refuseBeyond(giver, draft.scopes);
  return database.transaction((db) => insertKey(db, database, giver, draft));
}

/** As above, in a transaction that does more. */
export async function insertKey(
  db: Database,
  database: AccessDatabase,
  { ledgerId, actor }: KeyGiver,
  draft: KeyDraft,
): Promise<KeyWithSecret> {
  const [ledger] = await db.query<{ mode: Mode }>('SELECT mode FROM access.ledgers WHERE id = $1', [
    ledgerId,
  ]);
  if (!ledger) throw new ApiError(404, 'not_found', 'there is no such ledger');
  const { rateLimitPerMinute = rateLimitPerMinuteDefaults[ledger.mode] } = draft;
  const [key] = await db.query<KeyRow>(
    `INSERT INTO access.api_keys
      (ledger_id, id, name, scopes, owner_id, signing, rate_limit_per_minute, expires_at, created_at, updated_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, now(), now())
    RETURNING ${keyColumnsSql}`,
    [
      ledgerId,
      newUuid(),
      draft.name,
      inOrder(draft.scopes),
      draft.ownerId,
      draft.signing,
      rateLimitPerMinute,
      draft.expiresAt,
    ],
  );
  if (!key) throw new Error('a key was not made');
  const secret = await addSecret(db, database, key.id, ledger.mode, key.signing);
  const details = { after: auditedKey(key) };
  await writeAudit(db, { ledgerId, actor, action: 'api_key.created', subject: keyIdOf(key.id), details });
  return { key, secret };
}
