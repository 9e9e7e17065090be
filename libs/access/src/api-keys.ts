import { hash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { encodeTypeId } from '#contracts';
import type { Mode, Principal } from './principals.js';
import type { Scope } from './scopes.js';

interface FoundKey {
  readonly id: string;
  readonly ledgerId: string;
  readonly mode: Mode;
  readonly scopes: readonly Scope[];
  readonly ownerId: string | null;
  readonly rateLimitPerMinute: number | null;
}

interface CachedPrincipal {
  /** A promise while it is being looked up. */
  principal: Principal | null | Promise<Principal | null>;
  readonly readAt: number;
}

const cacheMaxAgeMs = 900;
const cachedKeysMax = 10_000;

export function secretHashOf(secret: string): Buffer {
  return hash('sha256', secret, 'buffer');
}

/**
 * Finds the principal of a secret. An answer is kept for less than a second, so that a revoked key is
 * refused everywhere within one; concurrent calls share one look-up.
 */
@Injectable()
export class ApiKeys {
  private readonly cache = new Map<string, CachedPrincipal>();

  constructor(@InjectDataSource() private readonly database: DataSource) {}

  principalOf(secret: string): Principal | null | Promise<Principal | null> {
    const secretHash = secretHashOf(secret);
    const cacheKey = secretHash.toString('base64');
    const cached = this.cache.get(cacheKey);
    const now = performance.now();
    if (cached && now - cached.readAt < cacheMaxAgeMs) return cached.principal;
    const entry: CachedPrincipal = { principal: this.find(secretHash), readAt: now };
    this.keep(cacheKey, entry);
    const looked = Promise.resolve(entry.principal);
    looked.then(
      (principal) => (entry.principal = principal),
      () => this.cache.delete(cacheKey),
    );
    return looked;
  }

  private async find(secretHash: Buffer): Promise<Principal | null> {
    const [key] = await this.database.query<FoundKey[]>(
      `SELECT k.id, k.ledger_id AS "ledgerId", l.mode, k.scopes, k.owner_id AS "ownerId",
        k.rate_limit_per_minute AS "rateLimitPerMinute"
      FROM access.api_key_secrets s
      JOIN access.api_keys k ON k.id = s.key_id
      JOIN access.ledgers l ON l.id = k.ledger_id
      WHERE s.secret_hash = $1 AND (s.ends_at > clock_timestamp()) IS NOT FALSE
        AND k.deleted_at IS NULL AND (k.expires_at > clock_timestamp()) IS NOT FALSE AND k.signing = 'none'`,
      [secretHash],
    );
    if (!key) return null;
    const { id, scopes, ...rest } = key;
    return {
      ...rest,
      keyId: id,
      actor: encodeTypeId('key', id),
      scopes: new Set(scopes),
      isClientToken: false,
    };
  }

  private keep(cacheKey: string, entry: CachedPrincipal): void {
    this.cache.delete(cacheKey);
    const oldest = this.cache.size < cachedKeysMax ? undefined : this.cache.keys().next().value;
    if (oldest !== undefined) this.cache.delete(oldest);
    this.cache.set(cacheKey, entry);
  }
}
