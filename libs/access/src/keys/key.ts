import { encodeTypeId } from '#contracts';
import { ApiError } from '#http';
import { formatTimestamp, microsSql } from '#platform';
import type { Database } from '../access-database.js';
import type { Principal } from '../principals.js';
import { scopes as allScopes, type Scope } from '../scopes.js';

export type Signing = 'none' | 'required';

/** What can be said of a key when it is made or changed. */
export interface KeySettings {
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** Null: no limit. */
  readonly rateLimitPerMinute: number | null;
  /** ISO 8601; null: never. */
  readonly expiresAt: string | null;
}

export interface KeyRow {
  readonly id: string;
  readonly ledger_id: string;
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly owner_id: string | null;
  readonly signing: Signing;
  readonly rate_limit_per_minute: number | null;
  readonly is_bootstrap: boolean | null;
  readonly expires_at: string | null;
  readonly last_used_at: string | null;
  readonly created_at: string;
  readonly updated_at: string;
}

export const keyColumnsSql = `id, ledger_id, name, scopes, owner_id, signing, rate_limit_per_minute, is_bootstrap,
  ${microsSql('expires_at')} AS expires_at, ${microsSql('last_used_at')} AS last_used_at,
  ${microsSql('created_at')} AS created_at, ${microsSql('updated_at')} AS updated_at`;

/**
 * Whoever manages a ledger's keys: a key of that ledger, or somebody who may do everything. What it gives to
 * others, it has itself.
 */
export type KeyGiver = Pick<Principal, 'ledgerId' | 'actor' | 'scopes'>;

/** An operator, on the command line for instance, who holds no key. */
export function operatorOf(ledgerId: string, actor: string): KeyGiver {
  return { ledgerId, actor, scopes: new Set(allScopes) };
}

export const keyIdOf = (uuid: string) => encodeTypeId('key', uuid);

/** A key as it is shown. Its secrets aren't part of it. */
export function presentKey(row: KeyRow) {
  return {
    id: keyIdOf(row.id),
    name: row.name,
    scopes: row.scopes,
    ownerId: row.owner_id,
    rateLimitPerMinute: row.rate_limit_per_minute,
    signing: row.signing,
    expiresAt: timeOf(row.expires_at),
    lastUsedAt: timeOf(row.last_used_at),
    createdAt: formatTimestamp(BigInt(row.created_at)),
    updatedAt: formatTimestamp(BigInt(row.updated_at)),
  };
}

/** What the audit log keeps of a key. */
export function auditedKey(row: KeyRow) {
  const { name, scopes, ownerId, rateLimitPerMinute, signing, expiresAt } = presentKey(row);
  return { name, scopes, ownerId, rateLimitPerMinute, signing, expiresAt };
}

/** Each once, in the order in which scopes are listed. */
export function inOrder(given: readonly Scope[]): Scope[] {
  return allScopes.filter((scope) => given.includes(scope));
}

const selectKey = `SELECT ${keyColumnsSql} FROM access.api_keys
  WHERE ledger_id = $1 AND id = $2 AND deleted_at IS NULL`;

/** A key that still works, or will not any more but is not deleted. Another ledger's is 404. */
export async function findKey(db: Database, ledgerId: string, keyId: string): Promise<KeyRow> {
  const [row] = await db.query<KeyRow>(selectKey, [ledgerId, keyId]);
  if (!row) throw keyNotFound();
  return row;
}

/** As above, to be changed: refused for the bootstrap key, whose secret is in the environment. */
export async function lockKey(db: Database, ledgerId: string, keyId: string): Promise<KeyRow> {
  const [row] = await db.query<KeyRow>(`${selectKey} FOR UPDATE`, [ledgerId, keyId]);
  if (!row) throw keyNotFound();
  if (row.is_bootstrap) {
    throw forbidden('the bootstrap key comes from BOOTSTRAP_API_KEY and is changed or ended there');
  }
  return row;
}

/** A key can't make, or get hold of, one that may do more than itself. */
export function refuseBeyond(giver: KeyGiver, given: readonly Scope[]): void {
  const beyond = given.find((scope) => !giver.scopes.has(scope));
  if (beyond !== undefined) throw forbidden(`this key doesn't have the scope ${beyond} itself`);
}

export function keyNotFound(): ApiError {
  return new ApiError(404, 'not_found', 'there is no such key');
}

function forbidden(message: string): ApiError {
  return new ApiError(403, 'forbidden', message);
}

function timeOf(micros: string | null): string | null {
  return micros === null ? null : formatTimestamp(BigInt(micros));
}
