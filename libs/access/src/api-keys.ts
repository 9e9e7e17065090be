import { hash, timingSafeEqual } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { Repository } from 'typeorm';
import { encodeTypeId } from '#contracts';
import { ApiKey } from './entities.js';
import type { Principal } from './principals.js';
import type { Scope } from './scopes.js';

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

  constructor(@InjectRepository(ApiKey) private readonly keys: Repository<ApiKey>) {}

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
    const key = await this.keys.findOneBy({ secretHash });
    if (!key || !timingSafeEqual(key.secretHash, secretHash)) return null;
    return {
      keyId: key.id,
      actor: encodeTypeId('key', key.id),
      ledgerId: key.ledgerId,
      scopes: new Set(key.scopes as Scope[]),
      ownerId: null,
    };
  }

  private keep(cacheKey: string, entry: CachedPrincipal): void {
    this.cache.delete(cacheKey);
    const oldest = this.cache.size < cachedKeysMax ? undefined : this.cache.keys().next().value;
    if (oldest !== undefined) this.cache.delete(oldest);
    this.cache.set(cacheKey, entry);
  }
}
